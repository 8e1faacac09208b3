/*
 * Reads what a message means with a sequence classifier (options.reader) that sees the message together with the turn
 * before it: "and for books?" means something else after an answer about shipping than after one about returns.
 *
 * Its labels are "flow:INTENT", "entry:ID", "abstain", "smalltalk" and "ask", and, as a group with a softmax of their
 * own, "act:NAME". Labels that flows.json does not have are ignored. tools/train/train_reader.py trains one.
 */
#include <math.h>
#include <string.h>

#include "shop/base/han.h"
#include "shop/desk/decide.h"

enum { MOST_LABELS = 4096, MOST_SAID = 160 /* bytes of the previous message */ };

typedef enum label_group { GROUP_KINDS, GROUP_ACTS } label_group;

typedef struct reader_label {
    label_group group;
    desk_meaning_kind kind;
    desk_act_kind act;
    desk_intent own;           /* of an entry */
    const desk_intent *intent; /* of a flow or an entry; NULL: none */
} reader_label;

struct desk_reader {
    llmcs_model *model;
    size_t n_labels;
    reader_label *labels; /* [n_labels] */
};

static const char *const act_names[DESK_N_ACTS] = {
    [DESK_ACT_ASK] = "ask",   [DESK_ACT_FOLLOW] = "follow", [DESK_ACT_ANSWER] = "answer",
    [DESK_ACT_YES] = "yes",   [DESK_ACT_NO] = "no",         [DESK_ACT_ACK] = "ack",
    [DESK_ACT_STOP] = "stop", [DESK_ACT_REMARK] = "remark", [DESK_ACT_REPAIR] = "repair"};

/* ---- labels */

/* Returns the text after the prefix, or NULL. */
static const char *after(const char *text, const char *prefix) {
    const size_t n = strlen(prefix);
    return strncmp(text, prefix, n) ? NULL : text + n;
}

static void read_label(const desk_flows *flows, const char *name, reader_label *label) {
    const char *value;
    *label = (reader_label){.group = GROUP_KINDS, .kind = DESK_MEANS_NOTHING};
    if ((value = after(name, "act:"))) {
        label->group = GROUP_ACTS;
        label->act = DESK_N_ACTS;
        for (size_t i = 0; i < DESK_N_ACTS; i++)
            if (!strcmp(act_names[i], value)) label->act = (desk_act_kind)i;
    } else if ((value = after(name, "flow:"))) {
        label->intent = desk_find_intent(flows, value);
        label->kind = label->intent ? DESK_MEANS_INTENT : DESK_MEANS_NOTHING;
    } else if ((value = after(name, "entry:"))) {
        label->own = (desk_intent){
            .label = name, .kind = DESK_INTENT_ENTRY, .flow = -1, .entry = value, .accept = -1, .entry_first = 2};
        label->intent = &label->own;
        label->kind = DESK_MEANS_INTENT;
    } else if (!strcmp(name, "abstain")) {
        label->kind = DESK_MEANS_UNKNOWN;
    } else if (!strcmp(name, "smalltalk")) {
        label->kind = DESK_MEANS_SMALL_TALK;
    } else if (!strcmp(name, "ask")) {
        label->kind = DESK_MEANS_UNCLEAR;
    }
}

llmcs_status desk_reader_create(const llmcs_allocator *a, llmcs_model *model, const desk_flows *flows,
                                desk_reader **reader) {
    llmcs_model_info info = {.struct_size = sizeof info};
    size_t n_known = 0;
    *reader = NULL;
    SHOP_TRY(llmcs_model_get_info(model, &info));
    if (info.n_labels < 1 || info.n_labels > MOST_LABELS)
        return shop_fail(LLMCS_NO_HEAD, "reader: %d labels (1 to %d): open a sequence classifier, see train_reader.py",
                         info.n_labels, MOST_LABELS);
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof **reader, "reader", reader));
    desk_reader *r = *reader;
    r->model = model;
    r->n_labels = (size_t)info.n_labels;
    SHOP_TRY(shop_alloc_zero(a, r->n_labels, sizeof *r->labels, "labels", &r->labels));
    for (size_t i = 0; i < r->n_labels; i++) {
        read_label(flows, llmcs_model_label(model, (int32_t)i), &r->labels[i]);
        n_known += r->labels[i].kind != DESK_MEANS_NOTHING;
    }
    if (!n_known)
        return shop_fail(LLMCS_CONFIG,
                         "reader: none of its %d labels (\"%.40s\", ...) is \"flow:\" and an intent of flows.json or"
                         " \"entry:\" and an id",
                         info.n_labels, llmcs_model_label(model, 0));
    return LLMCS_OK;
}

void desk_reader_free(const llmcs_allocator *a, desk_reader **reader) {
    if (!*reader) return;
    shop_free(a, (*reader)->labels);
    shop_free(a, *reader);
    *reader = NULL;
}

/* ---- texts */

/* Writes the kind of the last reply as a label of the model: "entry:shipping-abroad". */
static void put_last_kind(const desk_turn *t, desk_buffer *b) {
    const desk_conversation *c = t->c;
    static const char *const routes[][2] = {{"none", "abstain"},
                                            {"smalltalk", "smalltalk"},
                                            {"ask_back", "ask"},
                                            {"handover", "handover"},
                                            {"recommend", "flow:recommend"}};
    if (c->entry && (!strcmp(c->last_route, "entry") || !strcmp(c->last_route, "filled"))) {
        desk_puts(b, "entry:");
        desk_puts(b, c->entry);
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (!strcmp(c->last_route, routes[i][0])) {
            desk_puts(b, routes[i][1]);
            return;
        }
    desk_puts(b, "flow:");
    desk_puts(b, c->last_intent);
}

/* Writes the context: the kind in words, then the message that the last turn answered. */
static llmcs_status make_context(desk_turn *t, const char **text, size_t *n) {
    desk_buffer b = {.allocator = &t->desk->allocator};
    *text = NULL;
    *n = 0;
    if (!*t->c->last_user) return LLMCS_OK;
    put_last_kind(t, &b);
    for (size_t i = 0; i < b.n; i++)
        if (strchr(":-_", b.text[i])) b.text[i] = ' ';
    desk_puts(&b, ": ");
    size_t len = strlen(t->c->last_user);
    if (len > MOST_SAID) /* cut between characters */
        for (len = MOST_SAID; len && ((unsigned char)t->c->last_user[len] & 0xc0) == 0x80;) len--;
    desk_put(&b, t->c->last_user, len);
    if (!b.status) shop_simplify(b.text, b.n);
    llmcs_status status = b.status;
    if (!status) status = shop_arena_copy(t->arena, b.text, b.n, text);
    *n = b.n;
    desk_buffer_free(&b);
    return status;
}

/* ---- the meaning */

/* Picks the best and second kind and the act; each group's probabilities sum to 1. given: the entry given last, or
 * NULL. */
static void pick(const desk_reader *r, const float *scores, const char *given, desk_meaning *m) {
    double sums[2] = {0, 0};
    for (size_t i = 0; i < r->n_labels; i++) sums[r->labels[i].group] += (double)scores[i];
    for (size_t i = 0; i < r->n_labels; i++) {
        const reader_label *label = &r->labels[i];
        const double p = (double)scores[i] / fmax(sums[label->group], 1e-30);
        if (label->group == GROUP_ACTS) {
            if (label->act < DESK_N_ACTS) m->acts[label->act] += p;
            continue;
        }
        if (label->kind == DESK_MEANS_UNKNOWN) m->unknown += p;
        if (label->intent == &label->own && p > m->entry_score) {
            m->entry = label->intent;
            m->entry_score = p;
        }
        const bool other = label->intent == &label->own && !(given && !strcmp(given, label->own.entry));
        if (other && p > m->next_score) {
            m->next = label->intent;
            m->next_score = p;
        }
        if (p > m->score) {
            m->second = m->intent;
            m->second_score = m->score;
            m->kind = label->kind;
            m->intent = label->intent;
            m->score = p;
        } else if (p > m->second_score) {
            m->second = label->intent;
            m->second_score = p;
        }
    }
}

llmcs_status desk_read_meanings(desk_turn *t, const desk_span *parts, size_t n, desk_meaning *meanings) {
    const desk_reader *r = t->desk->reader;
    llmcs_text_params params;
    llmcs_text texts[DESK_MAX_PARTS];
    const char *copy, *context;
    float *scores;
    size_t context_bytes;
    for (size_t i = 0; i < n; i++) meanings[i] = (desk_meaning){.kind = DESK_MEANS_NOTHING};
    if (!r || !n) return LLMCS_OK;
    const double begin = shop_now_ms();
    SHOP_TRY(make_context(t, &context, &context_bytes));
    for (size_t i = 0; i < n; i++) {
        /* As written: a spelling correction made for a search may change what was meant. */
        const size_t len = parts[i].end - parts[i].begin;
        SHOP_TRY(shop_arena_copy(t->arena, t->words.plain + parts[i].begin, len, &copy));
        shop_simplify((char *)copy, len);
        texts[i] = (llmcs_text){copy, len, context, context_bytes};
    }
    SHOP_TRY(shop_arena_alloc(t->arena, n * r->n_labels, sizeof *scores, &scores));
    llmcs_text_params_init(&params);
    params.overflow = LLMCS_OVERFLOW_TRUNCATE;
    const llmcs_status status = llmcs_classify(r->model, texts, n, &params, scores, NULL, NULL);
    t->out.ms.classify += shop_now_ms() - begin;
    if (status == LLMCS_NOMEM) return status;
    /* Without it the intents' classifier decides. */
    for (size_t i = 0; !status && i < n; i++) pick(r, scores + i * r->n_labels, t->c->given, &meanings[i]);
    return LLMCS_OK;
}

llmcs_status desk_read_meaning(desk_turn *t, desk_meaning *m) {
    return desk_read_meanings(t, &(desk_span){0, t->words.plain_bytes}, 1, m);
}
