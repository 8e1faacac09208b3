/* llmcs_encode: one text or two to ids, with truncation and the post-processor's template. */
#include <stddef.h>
#include <string.h>

#include "base/options.h"
#include "base/utf8.h"
#include "text/tokenizer_impl.h"

#define MAX_TEXT_BYTES ((size_t)INT32_MAX)
#define PARAMS_OLDEST LL_SIZE_UP_TO(llmcs_encode_params, max_length)
#define KNOWN_FLAGS (LLMCS_ADD_SPECIAL_TOKENS | LLMCS_PARSE_SPECIAL | LLMCS_STRICT_UTF8 | LLMCS_TARGET_TEXT)

void llmcs_encode_params_init_sized(llmcs_encode_params *params, size_t struct_size) {
    const llmcs_encode_params defaults = {.struct_size = sizeof defaults, .flags = LLMCS_ADD_SPECIAL_TOKENS};
    ll_options_init(params, struct_size, &defaults, sizeof defaults);
}

/* The caller's params over the defaults, checked. */
static llmcs_status read_params(const llmcs_encode_params *params, llmcs_encode_params *p) {
    llmcs_encode_params_init(p);
    if (params) LL_TRY(ll_options_in(p, sizeof *p, PARAMS_OLDEST, params, "llmcs_encode_params"));
    if (p->flags & ~KNOWN_FLAGS) return ll_fail(LLMCS_ARG, "llmcs_encode_params.flags: unknown bits in 0x%x", p->flags);
    if ((unsigned)p->truncation > LLMCS_TRUNCATE_ONLY_SECOND)
        return ll_fail(LLMCS_ARG, "llmcs_encode_params.truncation is %d", (int)p->truncation);
    return LLMCS_OK;
}

static llmcs_status check_text(const char *what, const char *text, size_t *n) {
    if (!text && *n) return ll_fail(LLMCS_ARG, "%s is NULL", what);
    if (*n == LLMCS_NUL) *n = strlen(text);
    if (*n > MAX_TEXT_BYTES)
        return ll_fail(LLMCS_LIMIT, "%s has %zu bytes, at most %zu are allowed", what, *n, MAX_TEXT_BYTES);
    return LLMCS_OK;
}

/* ----------------------------------------------------------------------------------------------- truncation */

/* Transformers' fast tokenizers: the longer of two is cut until both are the same length, then both by halves. */
static void cut_longest(size_t budget, size_t *a, size_t *b) {
    size_t *small = *a <= *b ? a : b, *large = *a <= *b ? b : a;
    *large = *small > budget ? *small : ll_max(*small, budget - *small);
    if (*small + *large <= budget) return;
    *small = budget / 2;
    *large = *small + budget % 2;
}

static llmcs_status cut_one(const char *which, size_t excess, size_t *n) {
    if (*n <= excess)
        return ll_fail(LLMCS_ARG, "max_length: the %s text has %zu tokens, but %zu must be removed", which, *n, excess);
    *n -= excess;
    return LLMCS_OK;
}

static llmcs_status count_kept(const ll_tokens *tokens, llmcs_truncation truncation, size_t max_length,
                               size_t kept[2]) {
    kept[0] = tokens->texts[0].n;
    kept[1] = tokens->texts[1].n;
    if (truncation == LLMCS_TRUNCATE_NONE) return LLMCS_OK;
    if (max_length < tokens->n_special)
        return ll_fail(LLMCS_ARG, "max_length is %zu, the special tokens alone are %zu", max_length, tokens->n_special);
    size_t budget = max_length - tokens->n_special, total = kept[0] + kept[1];
    if (total <= budget) return LLMCS_OK;
    if (budget == 0) {
        kept[0] = kept[1] = 0;
        return LLMCS_OK;
    }
    if (truncation == LLMCS_TRUNCATE_ONLY_FIRST) return cut_one("first", total - budget, &kept[0]);
    if (truncation == LLMCS_TRUNCATE_ONLY_SECOND) {
        if (!tokens->is_pair) return ll_fail(LLMCS_ARG, "truncation is only_second, but there is no second text");
        return cut_one("second", total - budget, &kept[1]);
    }
    if (tokens->is_pair)
        cut_longest(budget, &kept[0], &kept[1]);
    else
        kept[0] = budget;
    return LLMCS_OK;
}

llmcs_status ll_tokens_cut(ll_tokens *tokens, llmcs_truncation truncation, size_t max_length, size_t kept[2]) {
    LL_TRY(count_kept(tokens, truncation, max_length, kept));
    for (size_t i = 0; i < 2 && tokens->cut_left; i++) {
        ll_encoding *e = &tokens->texts[i];
        size_t skip = e->n - kept[i];
        if (!skip || !kept[i]) continue;
        memmove(e->ids, e->ids + skip, kept[i] * sizeof *e->ids);
        if (!e->want_spans) continue;
        memmove(e->spans, e->spans + skip, kept[i] * sizeof *e->spans);
        memmove(e->begins_word, e->begins_word + skip, kept[i] * sizeof *e->begins_word);
    }
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------------- offsets */

/* White space (and the byte level's space, U+0120) at both ends of a token's written form, in characters; says whether
 * it is one space and nothing else. */
static bool count_spaces(const llmcs_tokenizer *t, int32_t id, size_t *leading, size_t *trailing) {
    size_t len, n = 0;
    const char *token = ll_vocab_token(&t->vocab, id, &len);
    *leading = *trailing = 0;
    for (size_t i = 0; i < len; n++) {
        uint32_t cp;
        i += ll_utf8_decode(token + i, len - i, &cp);
        bool space = cp == 0x120 || (cp < 0x110000 && (ll_unicode_flags(t->unicode, cp) & LL_UC_SPACE));
        if (space && *leading == n) ++*leading;
        *trailing = space ? *trailing + 1 : 0;
    }
    return n == 1 && *leading == 1;
}

/* trim_offsets of RobertaProcessing and ByteLevel: spaces at a token's ends are not part of its span, but for the one
 * that add_prefix_space put in front of the text. Added tokens are trimmed already. */
static void trim_spans(const llmcs_tokenizer *t, ll_encoding *e) {
    for (size_t i = 0; i < e->n; i++) {
        llmcs_span *s = &e->spans[i];
        size_t leading, trailing;
        if (t->decode_flags[e->ids[i]] & LL_DECODE_ADDED) continue;
        bool space = count_spaces(t, e->ids[i], &leading, &trailing);
        bool prefix = leading == 1 && t->trim_prefix_space && (i == 0 || s->begin == 0);
        if (space) { /* the prefix space has the span of the next character, of one byte or more */
            *s = prefix ? (llmcs_span){s->begin, s->begin} : (llmcs_span){s->end, s->end};
            continue;
        }
        if (prefix) leading = 0;
        s->begin = ll_min(s->begin + leading, s->end);
        if (trailing && s->end >= trailing) s->end = ll_max(s->end - trailing, s->begin);
    }
}

/* ------------------------------------------------------------------------------------------------- template */

/* The token at a special item of the template; -1: none. */
static int32_t special_id(const ll_tokens *tokens, const ll_template_item *item) {
    return item->slot && tokens->slot[item->slot] >= 0 ? tokens->slot[item->slot] : item->id;
}

static void append_special(ll_tokens_out *o, const ll_template_item *item, int32_t id) {
    if (o->ids) o->ids[o->n] = id;
    if (o->type_ids) o->type_ids[o->n] = item->type_id;
    if (o->offsets) o->offsets[o->n] = (llmcs_span){0, 0};
    if (o->marks) o->marks[o->n] = LL_MARK_SPECIAL;
    o->n++;
}

/* The span of the first token of a window. Hugging Face trims each window separately and treats the space before its
 * first token as the prefix space, as at the start of a text. */
static llmcs_span first_span(const llmcs_tokenizer *t, const ll_encoding *e, size_t i) {
    llmcs_span s = e->spans[i];
    size_t leading, trailing;
    if (i == 0 || !t->trim_offsets || !t->trim_prefix_space || s.begin == 0) return s;
    if (t->decode_flags[e->ids[i]] & LL_DECODE_ADDED) return s;
    const bool space = count_spaces(t, e->ids[i], &leading, &trailing);
    if (leading == 1) s.begin--;
    if (space) s.end = s.begin;
    return s;
}

/* Tokens [part.begin, part.end) of the text that the item stands for. */
static void append_text(const llmcs_tokenizer *t, ll_tokens_out *o, const ll_encoding *e, llmcs_span part,
                        const ll_template_item *item) {
    const size_t n = part.end - part.begin;
    if (!n) return;
    if (o->ids) memcpy(o->ids + o->n, e->ids + part.begin, n * sizeof *o->ids);
    for (size_t i = 0; o->type_ids && i < n; i++) o->type_ids[o->n + i] = item->type_id;
    if (o->offsets) {
        memcpy(o->offsets + o->n, e->spans + part.begin, n * sizeof *o->offsets);
        o->offsets[o->n] = first_span(t, e, part.begin);
    }
    for (size_t i = 0; o->marks && i < n; i++)
        o->marks[o->n + i] =
            (uint8_t)((item->sequence ? LL_MARK_SECOND : 0) | (e->begins_word[part.begin + i] ? LL_MARK_WORD : 0));
    o->n += n;
}

void ll_tokens_write(const llmcs_tokenizer *t, const ll_tokens *tokens, const llmcs_span parts[2], ll_tokens_out *out) {
    const ll_template_item *item = tokens->is_pair ? t->pair : t->single;
    size_t n = tokens->is_pair ? t->n_pair : t->n_single;
    for (size_t i = 0; i < n; i++) {
        const int32_t id = special_id(tokens, &item[i]);
        if (id >= 0) {
            if (tokens->add_special) append_special(out, &item[i], id);
        } else if (!item[i].slot) {
            append_text(t, out, &tokens->texts[item[i].sequence], parts[item[i].sequence], &item[i]);
        }
    }
}

/* ------------------------------------------------------------------------------------------- texts to tokens */

static llmcs_status encode_both(const llmcs_tokenizer *t, const llmcs_text *text, uint32_t flags, ll_tokens *out) {
    size_t n = text->text_bytes, n_pair = text->pair_bytes;
    LL_TRY(check_text("text", text->text, &n));
    if (text->pair) LL_TRY(check_text("pair", text->pair, &n_pair));
    LL_TRY(ll_encode_text(t, text->text, n, flags, NULL, &out->texts[0]));
    if (text->pair) LL_TRY(ll_encode_text(t, text->pair, n_pair, flags, NULL, &out->texts[1]));
    if (t->trim_offsets && out->texts[0].want_spans) {
        trim_spans(t, &out->texts[0]);
        trim_spans(t, &out->texts[1]);
    }
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------ languages */

static bool has_slot(const llmcs_tokenizer *t, ll_template_slot slot) {
    for (size_t i = 0; i < t->n_single; i++)
        if (t->single[i].slot == slot) return true;
    return false;
}

/* Fills the template's slots with the languages that the caller names. A language without a slot is an error, except a
 * target language with which the decoder starts (mBART). */
static llmcs_status fill_slots(const llmcs_tokenizer *t, const ll_languages *l, uint32_t flags, ll_tokens *out) {
    const bool is_target = flags & LLMCS_TARGET_TEXT, named = has_slot(t, LL_SLOT_LANGUAGE);
    int32_t id;
    if (l->source && !is_target && !named)
        return ll_fail(LLMCS_ARG, "llmcs_encode_params.source_lang: this tokenizer's texts do not name their language");
    if (is_target && named && !l->target)
        return ll_fail(LLMCS_ARG, "llmcs_encode_params.target_lang is NULL: LLMCS_TARGET_TEXT needs its language");
    if (l->source && !is_target)
        LL_TRY(ll_tokenizer_language(t, "source_lang", l->source, &out->slot[LL_SLOT_LANGUAGE]));
    if (!l->target) return LLMCS_OK;
    if (!named && !has_slot(t, LL_SLOT_TARGET))
        return is_target
                   ? LLMCS_OK
                   : ll_fail(LLMCS_ARG, "llmcs_encode_params.target_lang: this tokenizer's texts name no language");
    LL_TRY(ll_tokenizer_language(t, "target_lang", l->target, &id));
    if (is_target && named) out->slot[LL_SLOT_LANGUAGE] = id;
    if (!is_target && !named) out->slot[LL_SLOT_TARGET] = id;
    return LLMCS_OK;
}

/* ll_tokens_create for a call that names languages. ARG for one that the tokenizer does not know. */
static llmcs_status create_tokens(const llmcs_tokenizer *t, const llmcs_text *text, uint32_t flags,
                                  const ll_languages *languages, bool want_spans, ll_tokens *out) {
    *out = (ll_tokens){.texts = {{.want_spans = want_spans}, {.want_spans = want_spans}},
                       .is_pair = text->pair != NULL,
                       .add_special = (flags & LLMCS_ADD_SPECIAL_TOKENS) != 0,
                       .slot = {-1, -1, -1}};
    LL_TRY(ll_tokenizer_check(t));
    LL_TRY(fill_slots(t, languages, flags, out));
    out->cut_left = t->cut_left;
    if (out->add_special) out->n_special = ll_tokenizer_n_added(t, out->is_pair) + (out->slot[LL_SLOT_TARGET] >= 0);
    llmcs_status st = encode_both(t, text, flags, out);
    if (st) ll_tokens_free(t, out);
    return st;
}

llmcs_status ll_tokens_create(const llmcs_tokenizer *t, const llmcs_text *text, uint32_t flags, bool want_spans,
                              ll_tokens *out) {
    return create_tokens(t, text, flags, &(ll_languages){NULL, NULL}, want_spans, out);
}

void ll_tokens_free(const llmcs_tokenizer *t, ll_tokens *tokens) {
    ll_encoding_free(&tokens->texts[0], &t->allocator);
    ll_encoding_free(&tokens->texts[1], &t->allocator);
}

llmcs_status ll_encode_mixed(const llmcs_tokenizer *t, const char *text, size_t n, const ll_text_origins *origins,
                             int32_t **ids, size_t *n_ids) {
    ll_encoding e = {0};
    *ids = NULL;
    *n_ids = 0;
    LL_TRY(ll_tokenizer_check(t));
    LL_TRY(check_text("text", text, &n));
    const llmcs_status status = ll_encode_text(t, text, n, 0, origins, &e);
    if (!status) {
        *ids = e.ids;
        *n_ids = e.n;
        e.ids = NULL;
    }
    ll_encoding_free(&e, &t->allocator);
    return status;
}

void ll_encode_mixed_free(const llmcs_tokenizer *t, int32_t *ids) { ll_free(&t->allocator, ids); }

llmcs_status ll_encode_ids(const llmcs_tokenizer *t, const llmcs_allocator *a, const char *text, size_t n,
                           uint32_t flags, const ll_languages *languages, int32_t **ids, size_t *n_ids) {
    ll_tokens tokens;
    *ids = NULL;
    *n_ids = 0;
    LL_TRY(create_tokens(t, &(llmcs_text){text, n, NULL, 0}, flags, languages, false, &tokens));
    const size_t n_text = tokens.texts[0].n, n_all = n_text + tokens.n_special;
    const llmcs_status st = ll_alloc(a, ll_max(n_all, 1), sizeof **ids, "token ids", ids);
    if (!st) {
        ll_tokens_write(t, &tokens, (const llmcs_span[2]){{0, n_text}, {0, 0}}, &(ll_tokens_out){.ids = *ids});
        *n_ids = n_all;
    }
    ll_tokens_free(t, &tokens);
    return st;
}

static llmcs_status cut_and_write(const llmcs_tokenizer *t, ll_tokens *tokens, const llmcs_encode_params *p,
                                  ll_tokens_out *out, size_t capacity, size_t *n_tokens) {
    size_t kept[2];
    LL_TRY(ll_tokens_cut(tokens, p->truncation, p->max_length, kept));
    *n_tokens = kept[0] + kept[1] + tokens->n_special;
    if (!out->ids && !out->type_ids && !out->offsets) return LLMCS_OK;
    if (*n_tokens > capacity) return ll_fail(LLMCS_BUFFER, "%zu tokens, but the buffer holds %zu", *n_tokens, capacity);
    ll_tokens_write(t, tokens, (const llmcs_span[2]){{0, kept[0]}, {0, kept[1]}}, out);
    return LLMCS_OK;
}

llmcs_status llmcs_encode(const llmcs_tokenizer *tokenizer, const char *text, size_t text_bytes, const char *pair,
                          size_t pair_bytes, const llmcs_encode_params *params, int32_t *ids, int32_t *type_ids,
                          llmcs_span *offsets, size_t capacity, size_t *n_tokens) {
    if (!n_tokens) return ll_fail(LLMCS_ARG, "llmcs_encode: n_tokens is NULL");
    *n_tokens = 0;
    LL_TRY(ll_tokenizer_check(tokenizer));
    llmcs_encode_params p;
    LL_TRY(read_params(params, &p));
    const llmcs_text both = {text, text_bytes, pair, pair_bytes};
    const ll_languages languages = {p.source_lang, p.target_lang};
    ll_tokens tokens;
    if ((p.flags & LLMCS_TARGET_TEXT) && tokenizer->target) tokenizer = tokenizer->target;
    LL_TRY(create_tokens(tokenizer, &both, p.flags, &languages, offsets != NULL, &tokens));
    ll_tokens_out out = {.ids = ids, .type_ids = type_ids, .offsets = offsets};
    llmcs_status st = cut_and_write(tokenizer, &tokens, &p, &out, capacity, n_tokens);
    ll_tokens_free(tokenizer, &tokens);
    return st;
}
