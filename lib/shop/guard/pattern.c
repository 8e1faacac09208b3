/* Matches the shop's order numbers with PCRE2. The view is encoded as UTF-8, so that fullwidth digits match [0-9]; a
 * table maps each byte back to its character. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "shop/guard/pattern.h"

#include <pcre2.h>
#include <string.h>

#include "shop/base/utf8.h"

enum { MATCH_LIMIT = 1000000, DEPTH_LIMIT = 10000, HEAP_KIB = 1024, MAX_PATTERN = 4096, MAX_CODE_BYTES = 1 << 18 };

struct shop_pattern {
    llmcs_allocator allocator;
    pcre2_general_context *memory; /* uses `allocator` */
    pcre2_code *code;
    char name[32];
};

static void *pattern_alloc(size_t bytes, void *user) {
    const llmcs_allocator *a = user;
    return a->alloc(a->user, bytes ? bytes : 1, _Alignof(max_align_t));
}

static void pattern_free(void *memory, void *user) { shop_free(user, memory); }

/* Reports the error in the pattern and its position. */
static llmcs_status compile_failed(const char *name, int error, size_t offset) {
    char reason[160] = "";
    if (error == PCRE2_ERROR_HEAP_FAILED) return shop_fail(LLMCS_NOMEM, "%s: no memory to compile it", name);
    pcre2_get_error_message(error, (PCRE2_UCHAR *)reason, sizeof reason);
    return shop_fail(LLMCS_ARG, "%s: character %lld: %s", name, (long long)offset, reason);
}

static llmcs_status compile(shop_pattern *p, const char *pattern) {
    int error = 0;
    size_t offset = 0, code_bytes = 0;
    uint32_t shortest = 0;
    p->memory = pcre2_general_context_create(pattern_alloc, pattern_free, &p->allocator);
    pcre2_compile_context *limits = p->memory ? pcre2_compile_context_create(p->memory) : NULL;
    if (!limits) return shop_fail(LLMCS_NOMEM, "%s: no memory to compile it", p->name);
    pcre2_set_max_pattern_length(limits, MAX_PATTERN);
    pcre2_set_parens_nest_limit(limits, 50);
    p->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error,
                            &offset, limits);
    pcre2_compile_context_free(limits);
    if (!p->code) return compile_failed(p->name, error, offset);
    pcre2_pattern_info(p->code, PCRE2_INFO_SIZE, &code_bytes);
    pcre2_pattern_info(p->code, PCRE2_INFO_MINLENGTH, &shortest);
    if (code_bytes > MAX_CODE_BYTES)
        return shop_fail(LLMCS_ARG, "%s: %lld bytes compiled, expected at most %d: use smaller repeat counts", p->name,
                         (long long)code_bytes, MAX_CODE_BYTES);
    if (!shortest)
        return shop_fail(LLMCS_ARG, "%s: it matches the empty text; expected at least one character", p->name);
    return LLMCS_OK;
}

llmcs_status shop_pattern_create(const llmcs_allocator *a, const char *name, const char *pattern,
                                 shop_pattern **compiled) {
    shop_pattern *p;
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof *p, "order pattern", &p));
    p->allocator = *a;
    memcpy(p->name, name, shop_min(strlen(name), sizeof p->name - 1));
    *compiled = p;
    const llmcs_status status = compile(p, pattern);
    if (status) shop_pattern_free(compiled);
    return status;
}

void shop_pattern_free(shop_pattern **compiled) {
    shop_pattern *p = *compiled;
    if (!p) return;
    *compiled = NULL;
    const llmcs_allocator a = p->allocator;
    pcre2_code_free(p->code);
    pcre2_general_context_free(p->memory);
    shop_free(&a, p);
}

/* Encodes the view as UTF-8. places[i]: index of the character that byte i belongs to. */
static llmcs_status write_utf8(const llmcs_allocator *a, const shop_text_view *view, char **bytes, uint32_t **places,
                               size_t *n) {
    SHOP_TRY(shop_alloc(a, view->n, 4, "order pattern", bytes));
    SHOP_TRY(shop_alloc(a, view->n * 4 + 1, sizeof **places, "order pattern", places));
    *n = 0;
    for (size_t i = 0; i < view->n; i++) {
        const shop_view_char *c = &view->at[i];
        const size_t from = *n;
        *n += shop_utf8_encode(c->kind == SHOP_CHAR_DIGIT && c->digit <= 9 ? (uint32_t)'0' + c->digit : c->code,
                               *bytes + *n);
        for (size_t k = from; k < *n; k++) (*places)[k] = (uint32_t)i;
    }
    (*places)[*n] = (uint32_t)view->n;
    return LLMCS_OK;
}

static bool is_free(const shop_text_view *view, size_t begin, size_t end) {
    return end > begin && (!begin || !shop_is_word_char(&view->at[begin - 1])) &&
           (end >= view->n || !shop_is_word_char(&view->at[end]));
}

static llmcs_status match_all(const shop_pattern *p, const shop_text_view *view, const char *bytes,
                              const uint32_t *places, size_t n, pcre2_match_data *data, pcre2_match_context *limits,
                              shop_findings *f) {
    for (size_t at = 0; at < n;) {
        const int found = pcre2_match(p->code, (PCRE2_SPTR)bytes, n, at, at ? PCRE2_NO_UTF_CHECK : 0, data, limits);
        if (found == PCRE2_ERROR_NOMATCH) break;
        if (found == PCRE2_ERROR_NOMEMORY) return shop_fail(LLMCS_NOMEM, "%s: no memory to match it", p->name);
        if (found < 0)
            return shop_fail(LLMCS_LIMIT, "%s: it takes too long on this text (PCRE2 error %d); use a simpler pattern",
                             p->name, found);
        const size_t *ends = pcre2_get_ovector_pointer(data);
        if (ends[1] <= ends[0]) { /* \K can put the start of a match after its end */
            at++;
            while (at < n && ((unsigned char)bytes[at] & 0xc0) == 0x80) at++;
            continue;
        }
        const size_t begin = places[ends[0]], end = places[ends[1] - 1] + (size_t)1;
        const bool free_of_others = is_free(view, begin, end);
        if (free_of_others) SHOP_TRY(shop_find_add(f, begin, end, LLMCS_PII_ORDER, SHOP_BY_FORMAT, "order pattern"));
        at = ends[1] > at ? ends[1] : at + 1;
        while (at < n && ((unsigned char)bytes[at] & 0xc0) == 0x80) at++;
    }
    return LLMCS_OK;
}

llmcs_status shop_pattern_find(const shop_pattern *p, const shop_text_view *view, shop_findings *f) {
    char *bytes = NULL;
    uint32_t *places = NULL;
    size_t n = 0;
    /* The pattern's general context uses the guard's allocator, which is thread-safe. */
    pcre2_match_data *data = NULL;
    pcre2_match_context *limits = NULL;
    llmcs_status status = write_utf8(f->a, view, &bytes, &places, &n);
    if (!status) {
        data = pcre2_match_data_create_from_pattern(p->code, p->memory);
        limits = pcre2_match_context_create(p->memory);
        if (!data || !limits) status = shop_fail(LLMCS_NOMEM, "%s: no memory to match it", p->name);
    }
    if (!status) {
        pcre2_set_match_limit(limits, MATCH_LIMIT);
        pcre2_set_depth_limit(limits, DEPTH_LIMIT);
        pcre2_set_heap_limit(limits, HEAP_KIB);
        status = match_all(p, view, bytes, places, n, data, limits, f);
    }
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    shop_free(f->a, bytes);
    shop_free(f->a, places);
    return status;
}
