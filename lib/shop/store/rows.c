/* Checks the strings of rows, collects refused rows, and stores the others in one transaction. */
#include "shop/store/rows.h"

#include <string.h>

#include "shop/store/shared.h"

/* Of texts: what no editor writes. */
static bool is_control_of_text(utf8proc_int32_t c) {
    return (c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f;
}

static llmcs_status check(const char *what, const char *text, size_t least, size_t most, bool is_name) {
    const char *why;
    if (!text) return least ? shop_fail(LLMCS_ARG, "%s is missing", what) : LLMCS_OK;
    const size_t n = strnlen(text, most + 1);
    if (n > most) return shop_fail(LLMCS_ARG, "%s has more than %lld bytes", what, (long long)most);
    if (n < least) return shop_fail(LLMCS_ARG, "%s is empty", what);
    const size_t bad = shop_find_bad_byte(text, n, is_name ? shop_is_control : is_control_of_text, &why);
    if (bad < n) return shop_fail(LLMCS_ARG, "%s: byte %lld %s", what, (long long)bad, why);
    return LLMCS_OK;
}

llmcs_status shop_check_text(const char *what, const char *text, size_t least, size_t most) {
    return check(what, text, least, most, false);
}

llmcs_status shop_check_name(const char *what, const char *name, size_t least) {
    return check(what, name, least, SHOP_ID_BYTES, true);
}

llmcs_status shop_check_id(const char *what, const char *id) { return shop_check_name(what, id, 1); }

llmcs_status shop_check_lang(const char *lang) {
    size_t n = 0;
    if (!lang) return shop_fail(LLMCS_ARG, "lang is missing");
    for (; n < 36 && lang[n]; n++) {
        const char c = lang[n];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(n && ((c >= '0' && c <= '9') || c == '-'))) break;
    }
    if (!lang[n] && n < 36) return LLMCS_OK;
    return shop_fail(LLMCS_ARG, "lang: \"%.36s\" is not a language tag such as \"en\", \"zh\" or \"pt-BR\"", lang);
}

llmcs_status shop_check_json_object(shop_connection *c, const char *what, const char *json) {
    int64_t is_object = 1;
    if (!json) return LLMCS_OK;
    c = shop_local(c);
    /* Not json_valid, which returns 0 in SQLite 3.40 when memory runs out. json_type reports that as an error; it also
     * fails on invalid JSON. */
    const llmcs_status status = shop_lookup_int(c, 0, &is_object, "SELECT json_type(?1) = 'object'", "s", json);
    if (status && status != LLMCS_FORMAT) return status;
    return is_object && !status ? LLMCS_OK : shop_fail(LLMCS_ARG, "%s: \"%.60s\" is not a JSON object", what, json);
}

llmcs_status shop_tags_json(const llmcs_allocator *a, const char *const *tags, size_t n, char **json) {
    sqlite3_str *s = sqlite3_str_new(NULL);
    *json = NULL;
    llmcs_status status = LLMCS_OK;
    if (n && !tags) status = shop_fail(LLMCS_ARG, "tags is NULL and n_tags is not 0");
    if (n > 64) status = shop_fail(LLMCS_ARG, "n_tags: %lld is not valid (0 to 64)", (long long)n);
    sqlite3_str_appendchar(s, 1, '[');
    for (size_t i = 0; i < n && !status; i++) {
        status = shop_check_name("tag", tags[i], 1);
        if (status) break;
        sqlite3_str_appendall(s, i ? ",\"" : "\"");
        for (const char *p = tags[i]; *p; p++)
            if (*p == '"' || *p == '\\' || (unsigned char)*p < 0x20)
                sqlite3_str_appendf(s, "\\u%04x", (unsigned)(unsigned char)*p);
            else
                sqlite3_str_appendchar(s, 1, *p);
        sqlite3_str_appendchar(s, 1, '"');
    }
    sqlite3_str_appendchar(s, 1, ']');
    const size_t len = (size_t)sqlite3_str_length(s);
    char *text = sqlite3_str_finish(s);
    if (!status && !text) status = shop_fail(LLMCS_NOMEM, "tags: no memory");
    if (!status) status = shop_copy_text(a, text, len, "tags", json);
    sqlite3_free(text);
    return status;
}

/* ---- refusals */

bool shop_is_refusal(llmcs_status status) {
    return status == LLMCS_ARG || status == LLMCS_LIMIT || status == LLMCS_UTF8;
}

llmcs_status shop_refuse(shop_refusals *r, size_t row, llmcs_status status) {
    const char *message = llmcs_error_message();
    char *reason;
    SHOP_TRY(shop_copy_text(r->allocator, message, strlen(message), "reason", &reason));
    const llmcs_status grown =
        shop_grow(r->allocator, &r->items, r->n, &r->capacity, r->n + 1, sizeof *r->items, "refusals");
    if (grown) {
        shop_free(r->allocator, reason);
        return grown;
    }
    r->items[r->n++] = (shop_refusal){row, status, reason};
    return LLMCS_OK;
}

static void free_refusals(shop_refusals *r) {
    for (size_t i = 0; i < r->n; i++) shop_free(r->allocator, r->items[i].reason);
    shop_free(r->allocator, r->items);
    *r = (shop_refusals){0};
}

void shop_refusals_report(shop_refusals *r, llmcs_shop_refused_fn refused, void *user) {
    shop_refusals kept SHOP_CLEANUP(free_refusals) = *r; /* the callback may throw */
    *r = (shop_refusals){0};
    if (!refused) return;
    shop_call *call = shop_callback_begin();
    for (size_t i = 0; i < kept.n; i++) refused(user, kept.items[i].row, kept.items[i].status, kept.items[i].reason);
    shop_callback_end(call);
}

/* ---- put */

static llmcs_status put_all(llmcs_shop *shop, shop_connection *c, const char *what, const void *const *items, size_t n,
                            shop_put_row put_row, shop_refusals *refusals) {
    int64_t change = 0;
    if (!c->driver) SHOP_TRY(shop_next_change(c, &change)); /* shared tables have no cache in memory */
    for (size_t i = 0; i < n; i++) {
        llmcs_status status = items[i] ? put_row(shop, c, items[i], change) : shop_fail(LLMCS_ARG, "%s is NULL", what);
        if (status && !shop_is_refusal(status)) return status;
        if (status) SHOP_TRY(shop_refuse(refusals, i, status));
    }
    return LLMCS_OK;
}

static llmcs_status put_rows(llmcs_shop *shop, bool shared, const char *what, const void *const *items, size_t n,
                             shop_put_row put_row, llmcs_shop_refused_fn refused, void *user, size_t *n_stored) {
    shop_connection *c;
    if (n_stored) *n_stored = 0;
    SHOP_TRY(shop_check(shop));
    if (n && !items) return shop_fail(LLMCS_ARG, "%s: the array is NULL", what);
    shop_refusals refusals = {.allocator = &shop->allocator};
    SHOP_TRY(shared ? shop_shared_write_alone(shop, &c) : shop_write_begin(shop, &c));
    const llmcs_status status = shop_shared_write_end(shop, c, put_all(shop, c, what, items, n, put_row, &refusals));
    if (!status && n_stored) *n_stored = n - refusals.n;
    shop_refusals_report(&refusals, status ? NULL : refused, user);
    return status;
}

llmcs_status shop_put_rows(llmcs_shop *shop, const char *what, const void *const *items, size_t n, shop_put_row put_row,
                           llmcs_shop_refused_fn refused, void *user, size_t *n_stored) {
    return put_rows(shop, false, what, items, n, put_row, refused, user, n_stored);
}

llmcs_status shop_put_shared_rows(llmcs_shop *shop, const char *what, const void *const *items, size_t n,
                                  shop_put_row put_row, llmcs_shop_refused_fn refused, void *user, size_t *n_stored) {
    return put_rows(shop, true, what, items, n, put_row, refused, user, n_stored);
}

llmcs_status shop_customer_row(shop_connection *c, const char *id, int64_t *row) {
    SHOP_TRY(shop_lookup_int(c, -1, row, "SELECT row FROM customers WHERE id = ?1", "s", id));
    if (*row >= 0) return LLMCS_OK;
    return shop_lookup_int(c, -1, row, "INSERT INTO customers(id) VALUES(?1) RETURNING row", "s", id);
}
