/*
 * Masks a text in parts of at most PART_BYTES, so that the workspace does not grow with the text. In each part every
 * recogniser adds its findings, overlaps are resolved by priority, and the remaining findings are replaced.
 */
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/options.h"
#include "shop/guard/guard.h"
#include "shop/guard/vault.h"

enum {
    PART_BYTES = 65536,
    CUT_BYTES = 8192,
    MAX_ATTEMPTS = 4,
    KNOWN_FLAGS = LLMCS_SHOP_MASK_KEEP_PLACES | LLMCS_SHOP_MASK_NO_TAGGER
};
static const uint32_t ALL_KINDS = (1u << SHOP_PII_KINDS) - 1;

/* The caller's result and its memory. */
typedef struct mask_result {
    llmcs_shop_masked masked;
    llmcs_allocator allocator;
    char *text;
    size_t text_bytes, text_capacity;
    llmcs_shop_masked_span *spans;
    size_t n_spans, span_capacity;
    char (*names)[SHOP_NAME_BYTES];
    size_t name_capacity;
    const llmcs_shop_masked_span **pointers;
} mask_result;

typedef struct mask_job {
    const llmcs_shop_guard *guard;
    llmcs_shop_names *names;
    llmcs_shop_mask_params params;
    const llmcs_allocator *a;
    mask_result *result;
    shop_text_view view;
    shop_hits hits;
    shop_findings findings;
    uint32_t *owners; /* [view.n] 1 + the finding that a character belongs to, or 0 */
    size_t owner_capacity;
} mask_job;

void llmcs_shop_mask_params_init_sized(llmcs_shop_mask_params *params, size_t struct_size) {
    const llmcs_shop_mask_params defaults = {.struct_size = sizeof defaults, .kinds = ALL_KINDS};
    shop_options_init(params, struct_size, &defaults, sizeof defaults);
}

/* ------------------------------------------------------------------------------------------------------- parts */

static bool is_space_byte(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* A digit, or a character that may separate digits. */
static bool may_be_in_number(char c) { return (c >= '0' && c <= '9') || strchr(" -.()/+", c) != NULL; }

/* The end of the part that begins at text[0]: after the last line end, else after a space that is not inside a number,
 * else before a character. Text like a placeholder is never split: it has no space, and other cuts go before its <. */
static size_t part_end(const char *text, size_t n) {
    if (n <= PART_BYTES) return n;
    const size_t least = PART_BYTES - CUT_BYTES;
    for (size_t i = PART_BYTES; i > least; i--)
        if (text[i - 1] == '\n') return i;
    for (size_t i = PART_BYTES; i > least; i--)
        if (is_space_byte(text[i - 1]) && !may_be_in_number(text[i]) && !may_be_in_number(text[i - 2])) return i;
    size_t end = PART_BYTES;
    while (end > least && (((unsigned char)text[end] & 0xc0) == 0x80 || may_be_in_number(text[end]) ||
                           may_be_in_number(text[end - 1])))
        end--;
    if (end == least) end = PART_BYTES;
    while (((unsigned char)text[end] & 0xc0) == 0x80 && end > PART_BYTES - 4) end--;
    for (size_t i = end; i + SHOP_NAME_BYTES > end; i--)
        if (text[i - 1] == '<') return i - 1;
    return end;
}

/* ---------------------------------------------------------------------------------------------------- findings */

/* Finds text that already looks like a placeholder. */
static llmcs_status find_literals(mask_job *j, const char *part, size_t part_bytes) {
    const shop_text_view *view = &j->view;
    for (size_t i = 0; i < view->n; i++) {
        uint32_t kind, number;
        const size_t begin = view->at[i].begin;
        if (view->at[i].code != '<' || part[begin] != '<') continue;
        const size_t bytes = shop_name_parse(part + begin, part_bytes - begin, &kind, &number);
        if (!bytes) continue;
        SHOP_TRY(shop_find_add(&j->findings, i, i + bytes, SHOP_NAME_TEXT, SHOP_BY_LITERAL, "literal"));
        i += bytes - 1; /* a character each */
    }
    return LLMCS_OK;
}

static llmcs_status find_all(mask_job *j, const char *part, size_t part_bytes) {
    const llmcs_shop_guard *g = j->guard;
    shop_findings *f = &j->findings;
    const bool tagger = g->tagger && !(j->params.flags & LLMCS_SHOP_MASK_NO_TAGGER);
    f->n = 0;
    SHOP_TRY(shop_text_view_fill(j->a, part, part_bytes, &j->view));
    SHOP_TRY(shop_find_hits(j->a, g->lexicon, &j->view, &j->hits));
    SHOP_TRY(find_literals(j, part, part_bytes));
    SHOP_TRY(shop_find_links(&j->view, f));
    if (g->orders) SHOP_TRY(shop_pattern_find(g->orders, &j->view, f));
    SHOP_TRY(shop_find_labelled(&j->view, &j->hits, f));
    SHOP_TRY(shop_find_codes(&j->view, f));
    SHOP_TRY(shop_find_numbers(&j->view, &j->hits, f));
    SHOP_TRY(shop_find_addresses(&j->view, &j->hits, f));
    SHOP_TRY(shop_find_people(&j->view, &j->hits, f));
    return tagger ? shop_tagger_find(g->tagger, j->a, &j->view, &j->hits, f) : LLMCS_OK;
}

/* True if the finding consists only of names of countries, provinces and cities, each followed by 省, 市, a comma, a
 * space or nothing. */
static bool is_bare_place(const mask_job *j, size_t begin, size_t end) {
    while (begin < end) {
        const size_t len = shop_hit_len(&j->hits, begin, SHOP_LEX_COUNTRY | SHOP_LEX_REGION | SHOP_LEX_CITY);
        if (!len || begin + len > end) return false;
        begin += len;
        while (begin < end && (j->view.at[begin].code == 0x7701 || j->view.at[begin].code == 0x5e02 ||
                               j->view.at[begin].code == ',' || j->view.at[begin].kind == SHOP_CHAR_SPACE))
            begin++;
    }
    return true;
}

static bool is_wanted(const mask_job *j, const shop_finding *x) {
    if (x->kind == SHOP_NAME_TEXT) return true;
    if (!(j->params.kinds >> x->kind & 1)) return false;
    return x->kind != LLMCS_PII_ADDRESS || !(j->params.flags & LLMCS_SHOP_MASK_KEEP_PLACES) ||
           !is_bare_place(j, x->begin, x->end);
}

/* True if x, from the tagger, extends y, from a cue: an address at its end, a name at its start (the rule knows where
 * the name ends). */
static bool completes(const shop_finding *x, const shop_finding *y) {
    return y->priority == SHOP_BY_CUE && x->kind == y->kind && x->begin <= y->begin && y->end <= x->end &&
           (x->end == y->end || x->kind == LLMCS_PII_ADDRESS);
}

/* Drops a cue's finding inside a longer span of the tagger: before 先生 the rule takes the shortest name, 惠生 of
 * 章惠生. Ignores tagger spans that other findings overlap. Spans of the tagger do not overlap each other. */
static void prefer_longer(mask_job *j) {
    shop_finding *items = j->findings.items;
    const size_t n = j->findings.n;
    for (size_t i = 0; i < n; i++)
        for (size_t k = items[i].begin; k < items[i].end && items[i].priority == SHOP_BY_TAGGER; k++)
            j->owners[k] = (uint32_t)i + 1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = items[i].begin; k < items[i].end && items[i].priority >= SHOP_BY_CUE; k++) {
            const shop_finding *x = j->owners[k] ? &items[j->owners[k] - 1] : NULL;
            if (x && is_wanted(j, &items[i]) && !completes(x, &items[i]))
                memset(j->owners + x->begin, 0, (x->end - x->begin) * sizeof *j->owners);
        }
    for (size_t i = 0; i < n; i++)
        if (items[i].priority == SHOP_BY_CUE && j->owners[items[i].begin]) items[i].priority = SHOP_BY_GUESS;
    memset(j->owners, 0, j->view.n * sizeof *j->owners);
}

/* Assigns each character to at most one finding. */
static llmcs_status resolve(mask_job *j) {
    SHOP_TRY(shop_grow(j->a, &j->owners, 0, &j->owner_capacity, j->view.n, sizeof *j->owners, "findings"));
    memset(j->owners, 0, j->view.n * sizeof *j->owners);
    const bool tagger = j->guard->tagger && !(j->params.flags & LLMCS_SHOP_MASK_NO_TAGGER);
    if (tagger) prefer_longer(j);
    for (int priority = SHOP_N_PRIORITIES - 1; priority >= 0; priority--)
        for (size_t i = 0; i < j->findings.n && (priority || !tagger); i++) {
            const shop_finding *x = &j->findings.items[i];
            bool taken = x->priority != priority || !is_wanted(j, x);
            for (size_t k = x->begin; k < x->end && !taken; k++) taken = j->owners[k] != 0;
            for (size_t k = x->begin; k < x->end && !taken; k++) j->owners[k] = (uint32_t)i + 1;
        }
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------------ result */

static llmcs_status put_text(mask_result *r, const char *bytes, size_t n) {
    size_t need;
    if (!shop_add(r->text_bytes, n, &need) || !shop_add(need, 1, &need))
        return shop_fail(LLMCS_LIMIT, "mask: the result exceeds the address space");
    SHOP_TRY(shop_grow(&r->allocator, &r->text, r->text_bytes, &r->text_capacity, need, 1, "masked text"));
    if (n) memcpy(r->text + r->text_bytes, bytes, n);
    r->text_bytes += n;
    r->text[r->text_bytes] = 0;
    return LLMCS_OK;
}

static llmcs_status put_placeholder(mask_job *j, const shop_finding *x, const char *value, size_t begin, size_t bytes) {
    mask_result *r = j->result;
    char placeholder[SHOP_NAME_BYTES + 2] = "<", name[SHOP_NAME_BYTES];
    uint32_t number;
    SHOP_TRY(shop_names_find_or_add(j->names, x->kind, value, bytes, &number));
    const size_t n = shop_name_print(x->kind, number, name), masked_begin = r->text_bytes;
    memcpy(placeholder + 1, name, n);
    placeholder[n + 1] = '>';
    SHOP_TRY(put_text(r, placeholder, n + 2));
    if (x->kind == SHOP_NAME_TEXT) return LLMCS_OK;
    SHOP_TRY(shop_grow(&r->allocator, &r->spans, r->n_spans, &r->span_capacity, r->n_spans + 1, sizeof *r->spans,
                       "masked spans"));
    SHOP_TRY(shop_grow(&r->allocator, &r->names, r->n_spans, &r->name_capacity, r->n_spans + 1, sizeof *r->names,
                       "masked spans"));
    memcpy(r->names[r->n_spans], name, sizeof name);
    r->spans[r->n_spans++] = (llmcs_shop_masked_span){.struct_size = sizeof *r->spans,
                                                      .kind = (llmcs_shop_pii)x->kind,
                                                      .begin = begin,
                                                      .end = begin + bytes,
                                                      .masked_begin = masked_begin,
                                                      .masked_end = r->text_bytes,
                                                      .rule = x->rule};
    return LLMCS_OK;
}

/* Writes a part that begins at text[base] with its findings replaced. */
static llmcs_status mask_part(mask_job *j, const char *text, size_t base, size_t bytes) {
    const char *part = text + base;
    size_t written = 0;
    SHOP_TRY(find_all(j, part, bytes));
    SHOP_TRY(resolve(j));
    for (size_t i = 0; i < j->view.n; i++) {
        const uint32_t owner = j->owners[i];
        if (!owner) continue;
        const shop_finding *x = &j->findings.items[owner - 1];
        const size_t begin = j->view.at[x->begin].begin, end = j->view.at[x->end - 1].end;
        i = x->end - 1;
        if (begin < written) continue; /* both come from one character of the original, such as ㏂ */
        SHOP_TRY(put_text(j->result, part + written, begin - written));
        for (size_t at = begin, next; at < end; at = next) { /* the vault limits the length of a value */
            next = shop_min(end, at + SHOP_VALUE_BYTES);
            while (next < end && ((unsigned char)part[next] & 0xc0) == 0x80 && next > at + 1) next--;
            SHOP_TRY(put_placeholder(j, x, part + at, base + at, next - at));
        }
        written = end;
    }
    return put_text(j->result, part + written, bytes - written);
}

/* Sets the caller's pointers, now that the arrays no longer move. */
static llmcs_status finish(mask_result *r) {
    SHOP_TRY(put_text(r, "", 0)); /* an empty text needs its NUL too */
    SHOP_TRY(shop_alloc(&r->allocator, r->n_spans, sizeof(void *), "masked spans", &r->pointers));
    for (size_t i = 0; i < r->n_spans; i++) {
        r->spans[i].name = r->names[i];
        r->pointers[i] = &r->spans[i];
    }
    r->masked = (llmcs_shop_masked){.struct_size = sizeof r->masked,
                                    .text = r->text,
                                    .text_bytes = r->text_bytes,
                                    .spans = r->pointers,
                                    .n_spans = r->n_spans};
    return LLMCS_OK;
}

static llmcs_status mask_all(mask_job *j, const char *text, size_t bytes) {
    for (size_t at = 0; at < bytes;) {
        const size_t n = part_end(text + at, bytes - at);
        SHOP_TRY(mask_part(j, text, at, n));
        at += n;
    }
    return finish(j->result);
}

/* --------------------------------------------------------------------------------------------------------- API */

static void free_job(mask_job *j) {
    shop_text_view_free(j->a, &j->view);
    shop_free(j->a, j->hits.items);
    shop_free(j->a, j->findings.items);
    shop_free(j->a, j->owners);
}

/* Sets *masked even on failure; the caller frees it. */
static llmcs_status mask_once(mask_job *j, const char *text, size_t bytes, llmcs_shop_masked **masked) {
    SHOP_TRY(shop_alloc_zero(j->a, 1, sizeof *j->result, "masked text", &j->result));
    j->result->allocator = *j->a;
    *masked = &j->result->masked;
    return mask_all(j, text, bytes);
}

llmcs_status llmcs_shop_mask(const llmcs_shop_guard *guard, llmcs_shop_names *names, const char *text,
                             size_t text_bytes, const llmcs_shop_mask_params *params, llmcs_shop_masked **masked) {
    SHOP_PUBLIC_CALL;
    mask_job j = {.guard = guard, .names = names};
    llmcs_shop_names *own_names = NULL;
    if (!masked) return shop_fail(LLMCS_ARG, "mask: masked is NULL");
    *masked = NULL;
    if (!guard || (!text && text_bytes)) return shop_fail(LLMCS_ARG, "mask: %s is NULL", guard ? "text" : "guard");
    llmcs_shop_mask_params_init(&j.params);
    if (params)
        SHOP_TRY(shop_options_in(&j.params, sizeof j.params, SHOP_SIZE_UP_TO(llmcs_shop_mask_params, kinds), params,
                                 "llmcs_shop_mask_params"));
    if (j.params.flags & ~(uint32_t)KNOWN_FLAGS)
        return shop_fail(LLMCS_ARG, "mask: flags: 0x%x is not valid (bits of 0x%x)", j.params.flags, KNOWN_FLAGS);
    if (!text) text = "";
    if (text_bytes == LLMCS_NUL) text_bytes = strlen(text);
    j.a = j.findings.a = &guard->allocator;
    llmcs_status status = names ? LLMCS_OK : llmcs_shop_names_create(NULL, NULL, NULL, j.a, &own_names);
    if (!names) j.names = own_names;
    bool taken = !status;
    for (int i = 0; i < MAX_ATTEMPTS && taken && !status; i++) {
        llmcs_shop_masked_free(masked);
        status = mask_once(&j, text, text_bytes, masked);
        if (!status) status = shop_names_save(j.names, &taken);
    }
    if (!status && taken)
        status = shop_fail(LLMCS_BUSY, "mask: other processes keep adding names to this conversation: try again");
    llmcs_shop_names_free(&own_names);
    free_job(&j);
    if (status) llmcs_shop_masked_free(masked);
    return status;
}

void llmcs_shop_masked_free(llmcs_shop_masked **masked) {
    if (!masked || !*masked) return;
    mask_result *r = (mask_result *)(void *)*masked;
    const llmcs_allocator a = r->allocator;
    *masked = NULL;
    shop_free(&a, r->text);
    shop_free(&a, r->spans);
    shop_free(&a, r->names);
    shop_free(&a, r->pointers);
    shop_free(&a, r);
}
