/* Stores feedback on customers' texts. */
#include "shop/learn/feedback.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "llmcs_shop_guard.h"
#include "shop/base/options.h"
#include "shop/base/utf8.h"
#include "shop/knowledge/words.h"
#include "shop/store/rows.h"
#include "shop/store/vectors.h"

static const char *const outcome_names[] = {"none", "shown", "accepted", "edited", "rejected"};

const char *llmcs_shop_outcome_name(llmcs_shop_outcome outcome) {
    return (unsigned)outcome <= LLMCS_OUTCOME_REJECTED ? outcome_names[outcome] : NULL;
}

const char *shop_lang_of(const char *text, size_t n) { return shop_has_han(text, n) ? "zh" : "en"; }

/* ---- one row */

static llmcs_status check_row(const llmcs_shop_feedback *f) {
    SHOP_TRY(shop_check_id("id", f->id));
    SHOP_TRY(shop_check_name("customer", f->customer, 0));
    SHOP_TRY(shop_check_name("conversation", f->conversation, 0));
    if (f->lang) SHOP_TRY(shop_check_lang(f->lang));
    SHOP_TRY(shop_check_text("text", f->text, 1, SHOP_TEXT_BYTES));
    SHOP_TRY(shop_check_name("model", f->model, 0));
    SHOP_TRY(shop_check_text("label", f->label, 0, 255));
    SHOP_TRY(shop_check_text("predicted", f->predicted, 0, 255));
    SHOP_TRY(shop_check_text("reply", f->reply, 0, SHOP_TEXT_BYTES));
    SHOP_TRY(shop_check_name("actor", f->actor, 0));
    if (f->label && (!f->label[0] || !f->model || !f->model[0]))
        return shop_fail(LLMCS_ARG, "label: expected at least one byte, and the name of its model in `model`");
    if (!llmcs_shop_outcome_name(f->outcome))
        return shop_fail(LLMCS_ARG, "outcome: %d is not valid (0 to 4)", (int)f->outcome);
    if (isnan(f->rating) || f->rating > 1)
        return shop_fail(LLMCS_ARG, "rating: %g is not valid (0 to 1, or negative)", f->rating);
    return LLMCS_OK;
}

static bool was_sent(const llmcs_shop_feedback *f) {
    return f->reply && f->reply[0] && (f->outcome == LLMCS_OUTCOME_ACCEPTED || f->outcome == LLMCS_OUTCOME_EDITED);
}

/* Indexes a reply that was sent by the words of the text that it answered. */
static llmcs_status index_row(llmcs_shop *shop, shop_connection *c, int64_t row, const llmcs_shop_feedback *f) {
    shop_words words;
    SHOP_TRY(shop_change(c, "DELETE FROM reply_words WHERE rowid = ?1", "i", row));
    SHOP_TRY(shop_change(c, "DELETE FROM vectors WHERE source = 'feedback' AND row = ?1", "i", row));
    if (!was_sent(f)) return LLMCS_OK;
    SHOP_TRY(shop_words_make(&shop->allocator, f->text, strlen(f->text), &words));
    const llmcs_status status = shop_change(c, "INSERT INTO reply_words(rowid, words) VALUES(?1, ?2)", "it", row,
                                            words.joined, words.joined_bytes);
    shop_words_free(&words);
    return status;
}

llmcs_status shop_feedback_insert(llmcs_shop *shop, shop_connection *c, const llmcs_shop_feedback *f) {
    int64_t row, customer = 0;
    SHOP_TRY(check_row(f));
    if (f->customer && f->customer[0]) SHOP_TRY(shop_customer_row(c, f->customer, &customer));
    SHOP_TRY(shop_lookup_int(
        c, 0, &row,
        "INSERT INTO feedback(id, customer, conversation, lang, text, model, label, predicted, reply, outcome, rating,"
        " consent, actor, time) VALUES(?1, nullif(?2, 0), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, iif(?11 < 0, NULL, ?11), "
        "?12,"
        " ?13, ?14) ON CONFLICT(id) DO UPDATE SET customer = excluded.customer, conversation = ?3, lang = ?4, text = "
        "?5,"
        " model = ?6, label = ?7, predicted = ?8, reply = ?9, outcome = ?10, rating = excluded.rating, consent = ?12,"
        " actor = ?13, time = ?14 RETURNING row",
        "sissssssssdisi", f->id, customer, f->conversation, f->lang ? f->lang : shop_lang_of(f->text, strlen(f->text)),
        f->text, f->model, f->label, f->predicted, f->reply, outcome_names[f->outcome], f->rating,
        (int64_t)(f->consent != 0), f->actor, f->time ? f->time : (int64_t)time(NULL)));
    return index_row(shop, c, row, f);
}

/* ---- put */

/* A row of the caller with the guard that masks it. */
typedef struct guarded {
    const llmcs_shop_guard *guard;
    const llmcs_shop_feedback *row;
} guarded;

/* *masked: NULL if the guard finds nothing. The text is then stored unchanged: if it is already masked, masking it
 * again would treat its placeholders as text of the customer. */
static llmcs_status mask_one(const guarded *g, llmcs_shop_names *names, const char *text, llmcs_shop_masked **masked) {
    SHOP_TRY(llmcs_shop_mask(g->guard, names, text, LLMCS_NUL, NULL, masked));
    if (!(*masked)->n_spans) llmcs_shop_masked_free(masked);
    return LLMCS_OK;
}

/* Masks text and reply with the same placeholders. They are numbered from 1 in each row and cannot be unmasked. */
static llmcs_status mask_both(const guarded *g, const llmcs_allocator *a, const llmcs_shop_feedback *f,
                              llmcs_shop_masked **text, llmcs_shop_masked **reply) {
    llmcs_shop_names *names = NULL;
    SHOP_TRY(llmcs_shop_names_create(NULL, NULL, NULL, a, &names));
    llmcs_status status = mask_one(g, names, f->text, text);
    if (!status && f->reply) status = mask_one(g, names, f->reply, reply);
    llmcs_shop_names_free(&names);
    return status;
}

static llmcs_status put_row(llmcs_shop *shop, shop_connection *c, const void *item, int64_t change) {
    const guarded *g = item;
    llmcs_shop_feedback f = {.struct_size = sizeof f};
    llmcs_shop_masked *text = NULL, *reply = NULL;
    (void)change;
    if (!g->row) return shop_fail(LLMCS_ARG, "feedback is NULL");
    SHOP_TRY(shop_options_in(&f, sizeof f, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_feedback, actor), g->row,
                             "llmcs_shop_feedback"));
    SHOP_TRY(check_row(&f));
    llmcs_status status = g->guard ? mask_both(g, &shop->allocator, &f, &text, &reply) : LLMCS_OK;
    if (text) f.text = text->text;
    if (reply) f.reply = reply->text;
    if (!status) status = shop_feedback_insert(shop, c, &f);
    llmcs_shop_masked_free(&text);
    llmcs_shop_masked_free(&reply);
    return status;
}

llmcs_status llmcs_shop_put_feedback(llmcs_shop *shop, const llmcs_shop_guard *guard,
                                     const llmcs_shop_feedback *const *rows, size_t n, llmcs_shop_refused_fn refused,
                                     void *user, size_t *n_stored) {
    SHOP_PUBLIC_CALL;
    guarded *items;
    const void **pointers = NULL;
    if (n_stored) *n_stored = 0;
    SHOP_TRY(shop_check(shop));
    if (n && !rows) return shop_fail(LLMCS_ARG, "feedback: the array is NULL");
    SHOP_TRY(shop_alloc(&shop->allocator, n, sizeof *items, "feedback", &items));
    llmcs_status status = shop_alloc(&shop->allocator, n, sizeof *pointers, "feedback", &pointers);
    for (size_t i = 0; i < n && !status; i++) {
        items[i] = (guarded){guard, rows[i]};
        pointers[i] = &items[i];
    }
    if (!status) status = shop_put_rows(shop, "feedback", pointers, n, put_row, refused, user, n_stored);
    shop_free(&shop->allocator, pointers);
    shop_free(&shop->allocator, items);
    return status ? status : shop_feedback_make_vectors(shop);
}

/* ---- vectors */

static llmcs_status is_there(shop_connection *c, int64_t row, const char *text, int64_t change, bool *there) {
    int64_t found;
    (void)change;
    SHOP_TRY(shop_lookup_int(c, 0, &found, "SELECT 1 FROM feedback WHERE row = ?1 AND text = ?2", "is", row, text));
    *there = found != 0;
    return LLMCS_OK;
}

llmcs_status shop_feedback_make_vectors(llmcs_shop *shop) {
    static const shop_vector_source source = {
        .table = "feedback",
        .missing =
            "SELECT f.row, f.text FROM feedback f WHERE f.row > ?2 AND f.reply IS NOT NULL AND f.outcome"
            " IN ('accepted', 'edited') AND NOT EXISTS(SELECT 1 FROM vectors v WHERE v.source ="
            " 'feedback' AND v.row = f.row AND v.fingerprint = ?1) ORDER BY f.row LIMIT 64",
        .touch = is_there};
    return shop_vectors_make(shop, &source, NULL, NULL);
}
