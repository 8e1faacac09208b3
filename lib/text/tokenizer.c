/* Builds a tokenizer from a spec, and answers queries about it. */
#include "text/tokenizer.h"

#include <string.h>

#include "base/call.h"
#include "base/utf8.h"
#include "text/spm_merges.h"
#include "text/tokenizer_impl.h"

static void free_set(ll_added_set *s, const llmcs_allocator *a) {
    ll_matcher_free(&s->matcher, a);
    ll_free(a, s->added);
}

static void destroy_parts(llmcs_tokenizer *t) {
    llmcs_allocator a = t->allocator;
    ll_vocab_free(&t->vocab, &a);
    ll_bpe_chars_free(&t->bpe_chars, &a);
    ll_bpe_free(&t->bpe, &a);
    ll_unigram_free(&t->unigram, &a);
    ll_charsmap_free(&t->charsmap, &a);
    ll_trie_free(&t->kept, &a);
    ll_wordpiece_free(&t->wordpiece, &a);
    free_set(&t->plain, &a);
    free_set(&t->normalized, &a);
    ll_decode_tables_free(t);
    ll_arena_free(&t->arena);
    t->magic = 0;
    ll_free(&a, t);
}

static void destroy_tokenizer(llmcs_tokenizer *t) {
    if (t->target) destroy_parts(t->target);
    destroy_parts(t);
}

llmcs_status ll_tokenizer_check(const llmcs_tokenizer *t) {
    if (!t) return ll_fail(LLMCS_ARG, "tokenizer is NULL");
    if (t->magic != LL_TOKENIZER_MAGIC) return ll_fail(LLMCS_STATE, "not a tokenizer, or one that was freed");
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------ building */

static llmcs_status fail_clash(const ll_tokenizer_spec *spec, const ll_vocab *v, const char *token, size_t len,
                               int32_t id) {
    int32_t other = ll_vocab_find(v, token, len);
    int shown = (int)ll_min(len, 60);
    if (other >= 0)
        return ll_fail(LLMCS_TOKENIZER, "%s: token \"%.*s\" has id %d and id %d", spec->path, shown, token, (int)other,
                       (int)id);
    size_t other_len;
    const char *first = ll_vocab_token(v, id, &other_len);
    return ll_fail(LLMCS_TOKENIZER, "%s: id %d is token \"%.*s\" and token \"%.*s\"", spec->path, (int)id,
                   (int)ll_min(other_len, 60), first ? first : "", shown, token);
}

/* The search table of the added tokens has a node per byte; building it takes half a second per megabyte. */
#define MAX_ADDED_BYTES ((size_t)4 << 20)
#define MAX_ADDED_TOKEN_BYTES ((size_t)64 << 10)

static llmcs_status check_added_sizes(const ll_tokenizer_spec *spec) {
    size_t total = 0;
    for (size_t i = 0; i < spec->n_added; i++) {
        size_t n = spec->added[i].content_bytes;
        total += n;
        if (n > MAX_ADDED_TOKEN_BYTES)
            return ll_fail(LLMCS_LIMIT, "%s: an added token has %zu bytes, at most %zu are allowed", spec->path, n,
                           MAX_ADDED_TOKEN_BYTES);
    }
    if (total <= MAX_ADDED_BYTES) return LLMCS_OK;
    return ll_fail(LLMCS_LIMIT, "%s: the added tokens have %zu bytes in all, at most %zu are allowed", spec->path,
                   total, MAX_ADDED_BYTES);
}

/* Checks sizes and ids before building any table. */
static llmcs_status measure_spec(const ll_tokenizer_spec *spec, size_t *n_bytes, int32_t *largest) {
    *n_bytes = 0;
    *largest = -1;
    LL_TRY(check_added_sizes(spec));
    for (size_t i = 0; i < spec->n_vocab; i++) {
        *n_bytes += spec->vocab[i].token_bytes;
        if (spec->vocab[i].id > *largest) *largest = spec->vocab[i].id;
    }
    for (size_t i = 0; i < spec->n_added; i++) {
        *n_bytes += spec->added[i].content_bytes;
        if (spec->added[i].id > *largest) *largest = spec->added[i].id;
    }
    size_t n = spec->n_vocab + spec->n_added;
    if (spec->n_vocab == 0) return ll_fail(LLMCS_TOKENIZER, "%s: the vocabulary is empty", spec->path);
    if (*largest >= 0 && (size_t)*largest >= n + LL_MAX_ID_GAP)
        return ll_fail(LLMCS_TOKENIZER, "%s: id %d in a vocabulary of %zu tokens", spec->path, (int)*largest, n);
    if (spec->model == LL_TOKEN_WORDPIECE) return ll_wordpiece_check_sizes(spec, *n_bytes);
    return LLMCS_OK;
}

/* Adds entries in reverse if the last of equal tokens is used. */
static llmcs_status add_vocab(ll_vocab *v, ll_tokenizer_spec *spec) {
    for (size_t i = 0; i < spec->n_vocab; i++) {
        ll_vocab_entry *e = &spec->vocab[spec->last_of_equals ? spec->n_vocab - 1 - i : i];
        if (ll_vocab_add(v, e->id, e->token, e->token_bytes)) continue;
        if (!spec->last_of_equals) return fail_clash(spec, v, e->token, e->token_bytes, e->id);
        e->id = -1;
    }
    return LLMCS_OK;
}

/* Merges two entries of one token by ll_added_source; the id of the entry that is dropped becomes -1. As in Hugging
 * Face's tokenizers, a token that was special keeps the stage at which it is searched for; another one is searched for
 * at both. */
static void merge_added(ll_added_token *first, ll_added_token *second) {
    if (second->source == LL_ADDED_NAMED || second->source == LL_ADDED_BY_DEFAULT) {
        if (first->source == LL_ADDED_PLAIN && second->source == LL_ADDED_NAMED && second->special)
            first->normalized = false;
        first->special = first->special || second->special;
        second->id = -1;
        return;
    }
    if (first->special) {
        second->special = true;
        second->normalized = first->normalized;
    }
    if (first->normalized == second->normalized) {
        first->id = -1;
        return;
    }
    first->special = second->special;
    first->single_word = second->single_word;
    first->lstrip = second->lstrip;
    first->rstrip = second->rstrip;
}

/* Added tokens may also be in the vocabulary, with the same id; those without an id get one here. entry: by id, the
 * number of its entry, from 1. */
static llmcs_status add_added(ll_vocab *v, ll_tokenizer_spec *spec, int32_t next_id, uint32_t *entry) {
    for (size_t i = 0; i < spec->n_added; i++) {
        ll_added_token *e = &spec->added[i];
        int32_t known = ll_vocab_find(v, e->content, e->content_bytes);
        if (e->id == LL_ID_FIND) e->id = known >= 0 ? known : next_id++;
        if (e->id == LL_ID_FIND_OR_SKIP) e->id = known;
        if (known != e->id && !ll_vocab_add(v, e->id, e->content, e->content_bytes))
            return fail_clash(spec, v, e->content, e->content_bytes, e->id);
        if (e->id < 0) continue;
        uint32_t *first = &entry[e->id];
        if (*first) merge_added(&spec->added[*first - 1], e);
        if (e->id >= 0) *first = (uint32_t)i + 1;
    }
    v->n_ids = (size_t)next_id; /* below the capacity of the tables where tokens without an id were known */
    return LLMCS_OK;
}

/* The vocabulary and the added tokens in one table. */
static llmcs_status build_vocab(llmcs_tokenizer *t, ll_tokenizer_spec *spec, uint64_t seed) {
    size_t n_bytes;
    int32_t largest;
    uint32_t *entry;
    LL_TRY(measure_spec(spec, &n_bytes, &largest));
    size_t n_ids = (size_t)largest + 1 + spec->n_added;
    LL_TRY(ll_vocab_init(&t->vocab, &t->allocator, n_ids, spec->n_vocab + spec->n_added, n_bytes, seed));
    LL_TRY(add_vocab(&t->vocab, spec));
    LL_TRY(ll_alloc_zero(&t->allocator, n_ids, sizeof *entry, "added tokens", &entry));
    llmcs_status st = add_added(&t->vocab, spec, largest + 1, entry);
    ll_free(&t->allocator, entry);
    return st;
}

/* Ids by role, and the ids of templates, which must be tokens. */
static llmcs_status resolve_special(llmcs_tokenizer *t, const ll_tokenizer_spec *spec) {
    for (size_t role = 0; role < LL_N_SPECIAL; role++)
        t->special[role] =
            spec->special[role] ? ll_vocab_find(&t->vocab, spec->special[role], spec->special_bytes[role]) : -1;
    for (size_t i = 0; i < spec->n_single + spec->n_pair; i++) {
        int32_t id = i < spec->n_single ? spec->single[i].id : spec->pair[i - spec->n_single].id;
        size_t len;
        if (id >= 0 && !ll_vocab_token(&t->vocab, id, &len))
            return ll_fail(LLMCS_TOKENIZER, "%s: the post-processor adds id %d, which is no token", spec->path,
                           (int)id);
    }
    return LLMCS_OK;
}

/* The normalized text of an added token. */
static llmcs_status normalize_content(const llmcs_tokenizer *t, ll_normalizer_scratch *s, ll_arena *arena,
                                      const ll_added_token *token, const char **out, uint32_t *len) {
    size_t n = 0;
    LL_TRY(ll_normalizer_workspace(s, &t->allocator, token->content_bytes));
    for (size_t i = 0; i < token->content_bytes;) {
        uint32_t cp;
        i += ll_utf8_decode(token->content + i, token->content_bytes - i, &cp);
        s->text.at[s->text.n++] = (ll_char){cp == LL_UTF8_BAD ? 0xfffd : cp, 0, 0};
    }
    LL_TRY(ll_normalize(t->unicode, t->normalizer, t->n_normalizer, s, &t->allocator));
    char *text;
    LL_TRY(ll_arena_alloc(arena, s->text.n, 4, "added token", &text));
    for (size_t i = 0; i < s->text.n; i++) n += ll_utf8_encode(s->text.at[i].cp, text + n);
    *out = text;
    *len = (uint32_t)n;
    return LLMCS_OK;
}

/* True if a step maps an ASCII character to at most one ASCII character, independent of its ASCII neighbours.
 * Composition does: only marks outside ASCII compose. */
static bool step_maps_ascii(const ll_normalizer_step *step) {
    switch (step->kind) {
        case LL_NORMALIZE_REPLACE:
        case LL_NORMALIZE_STRIP:
        case LL_NORMALIZE_PREPEND:
        case LL_NORMALIZE_CHARSMAP:
        case LL_NORMALIZE_SENTENCEPIECE:
            return false;
        default:
            return true;
    }
}

static llmcs_status map_ascii(llmcs_tokenizer *t) {
    ll_normalizer_scratch s = {0};
    llmcs_status st = LLMCS_OK;
    t->maps_ascii = true;
    for (size_t i = 0; i < t->n_normalizer; i++) t->maps_ascii = t->maps_ascii && step_maps_ascii(&t->normalizer[i]);
    for (uint32_t c = 0; c < 128 && t->maps_ascii && !st; c++) {
        LL_TRY_GOTO(st, ll_normalizer_workspace(&s, &t->allocator, 1), done);
        s.text.at[s.text.n++] = (ll_char){c, 0, 1};
        st = ll_normalize(t->unicode, t->normalizer, t->n_normalizer, &s, &t->allocator);
        t->ascii[c] = s.text.n ? (uint8_t)s.text.at[0].cp : LL_ASCII_GONE;
    }
done:
    ll_normalizer_scratch_free(&s, &t->allocator);
    return st;
}

typedef struct pattern_list {
    const char **text;
    uint32_t *length;
    size_t n;
} pattern_list;

/* Collects the added tokens of one stage, special ones first: of two with the same text the first is used. */
static llmcs_status collect_added_tokens(llmcs_tokenizer *t, const ll_tokenizer_spec *spec, bool normalized,
                                         ll_arena *arena, ll_normalizer_scratch *s, pattern_list *list,
                                         ll_added_set *set) {
    const size_t n = spec->n_added;
    for (size_t i = 0; i < 2 * n; i++) {
        const ll_added_token *e = &spec->added[i < n ? i : i - n];
        if (e->id < 0 || e->special != (i < n) || e->normalized != normalized) continue;
        const char *text = e->content;
        uint32_t len = e->content_bytes;
        if (normalized && t->n_normalizer) LL_TRY(normalize_content(t, s, arena, e, &text, &len));
        if (len == 0) continue;
        list->text[list->n] = text;
        list->length[list->n++] = len;
        set->added[set->n++] = (ll_added){e->id, e->special, e->single_word, e->lstrip, e->rstrip};
        set->any_plain = set->any_plain || !e->special;
        if (e->lstrip || e->rstrip) *(e->special ? &set->special_strips : &set->plain_strips) = true;
    }
    return LLMCS_OK;
}

static llmcs_status build_set(llmcs_tokenizer *t, const ll_tokenizer_spec *spec, bool normalized, ll_added_set *set,
                              uint64_t seed) {
    const llmcs_allocator *a = &t->allocator;
    ll_arena arena;
    ll_normalizer_scratch s = {0};
    pattern_list list = {0};
    llmcs_status st;
    ll_arena_init(&arena, a);
    LL_TRY_GOTO(st, ll_arena_alloc(&arena, spec->n_added, sizeof *list.text, "added tokens", &list.text), done);
    LL_TRY_GOTO(st, ll_arena_alloc(&arena, spec->n_added, sizeof *list.length, "added tokens", &list.length), done);
    LL_TRY_GOTO(st, ll_alloc(a, spec->n_added, sizeof *set->added, "added tokens", &set->added), done);
    LL_TRY_GOTO(st, collect_added_tokens(t, spec, normalized, &arena, &s, &list, set), done);
    st = ll_matcher_init(&set->matcher, a, list.text, list.length, list.n, seed);
done:
    ll_normalizer_scratch_free(&s, a);
    ll_arena_free(&arena);
    return st;
}

/* Normalizers may shorten a text, as bytes without a token do, so only byte-level BPE without either has a bound. */
static size_t longest_token(const llmcs_tokenizer *t, const ll_tokenizer_spec *spec) {
    size_t longest = 0;
    if (t->model != LL_TOKEN_BPE || t->n_normalizer || t->bpe.n_missing || t->plain.plain_strips ||
        t->normalized.plain_strips)
        return 0;
    for (size_t id = 0; id < t->bpe.n_ids; id++) longest = ll_max(longest, t->bpe.token_bytes[id]);
    for (size_t i = 0; i < spec->n_added; i++) longest = ll_max(longest, spec->added[i].content_bytes);
    return longest;
}

/* Drops the text of the files after looking up the merges and before building the largest tables. */
static llmcs_status build_bpe(llmcs_tokenizer *t, ll_tokenizer_spec *spec, bool drop_text, uint64_t seed) {
    if (spec->merges_from_scores) LL_TRY(ll_spm_merges(spec, &t->vocab));
    LL_TRY(ll_bpe_build(&t->bpe, &t->allocator, &t->vocab, spec, seed));
    if (t->model == LL_TOKEN_BPE_CHARS)
        LL_TRY(ll_bpe_chars_build(&t->bpe_chars, &t->allocator, &t->bpe, &t->vocab, spec));
    if (drop_text) ll_tokenizer_spec_drop_text(spec);
    LL_TRY(ll_bpe_add_words(&t->bpe, &t->allocator, spec));
    LL_TRY(ll_decode_tables_build(t, spec));
    t->longest_token = longest_token(t, spec);
    return LLMCS_OK;
}

static llmcs_status build_model(llmcs_tokenizer *t, ll_tokenizer_spec *spec, bool drop_text, uint64_t seed) {
    const llmcs_allocator *a = &t->allocator;
    bool *special;
    if (t->model == LL_TOKEN_BPE || t->model == LL_TOKEN_BPE_CHARS) return build_bpe(t, spec, drop_text, seed);
    LL_TRY(ll_decode_tables_build(t, spec));
    if (t->model == LL_TOKEN_WORDLEVEL) return ll_wordlevel_unk(spec, &t->vocab, &t->unk_id);
    LL_TRY(ll_alloc(a, t->vocab.n_ids, sizeof *special, "special tokens", &special));
    for (size_t id = 0; id < t->vocab.n_ids; id++) special[id] = t->decode_flags[id] & LL_DECODE_SPECIAL;
    llmcs_status st = t->model == LL_TOKEN_UNIGRAM
                          ? ll_unigram_build(&t->unigram, a, &t->vocab, spec, special)
                          : ll_wordpiece_build(&t->wordpiece, a, &t->vocab, spec, special, seed);
    ll_free(a, special);
    return st;
}

static llmcs_status keep_text(llmcs_tokenizer *t, ll_step_text *text) {
    return ll_arena_copy_text(&t->arena, text->at ? text->at : "", text->n, "tokenizer step", &text->at);
}

/* GPT-2's ByteLevel, or a Split that isolates words before a ByteLevel that does not cut. */
static void choose_byte_level(llmcs_tokenizer *t) {
    if (t->model != LL_TOKEN_BPE || t->n_split == 0 || t->n_split > 2) return;
    const ll_split_step *first = &t->split[0], *last = &t->split[t->n_split - 1];
    if (last->kind != LL_SPLIT_BYTE_LEVEL) return;
    if (t->n_split == 1) {
        t->cuts_words = last->use_regex;
        t->words = LL_PATTERN_GPT2;
        t->words_prefix_space = last->add_prefix_space;
    } else {
        if (last->use_regex || last->add_prefix_space || first->kind != LL_SPLIT_PATTERN) return;
        if (!ll_split_isolates_words(first)) return;
        t->cuts_words = true;
        t->words = first->pattern;
    }
    t->fast_path = LL_FAST_BYTE_LEVEL;
}

/* SentencePiece's normalizer leaves user-defined tokens alone. */
static llmcs_status keep_user_defined(llmcs_tokenizer *t, const ll_tokenizer_spec *spec, ll_normalizer_step *step) {
    size_t n_bytes = 0;
    for (size_t i = 0; i < spec->n_pieces; i++)
        if (spec->types[i] == LL_PIECE_USER_DEFINED) n_bytes += spec->pieces[i].token_bytes;
    if (step->kind != LL_NORMALIZE_SENTENCEPIECE || !n_bytes) return LLMCS_OK;
    LL_TRY(ll_trie_init(&t->kept, &t->allocator, 1, n_bytes, ll_hash_seed()));
    step->kept = &t->kept;
    for (size_t i = 0; i < spec->n_pieces; i++)
        if (spec->types[i] == LL_PIECE_USER_DEFINED)
            ll_trie_add(&t->kept, 0, spec->pieces[i].token, spec->pieces[i].token_bytes, 0);
    return LLMCS_OK;
}

static llmcs_status keep_normalizer(llmcs_tokenizer *t, const ll_tokenizer_spec *spec, ll_normalizer_step *step) {
    LL_TRY(keep_text(t, &step->from));
    LL_TRY(keep_text(t, &step->to));
    LL_TRY(keep_user_defined(t, spec, step));
    if (!step->map.n) return LLMCS_OK;
    LL_TRY(keep_text(t, &step->map));
    step->charsmap = &t->charsmap;
    return ll_charsmap_init(&t->charsmap, &t->allocator, step->map.at, step->map.n, spec->path);
}

/* The steps outlive the spec, so their arguments are copied. */
static llmcs_status copy_steps(llmcs_tokenizer *t, const ll_tokenizer_spec *spec) {
    memcpy(t->normalizer, spec->normalizer, spec->n_normalizer * sizeof *t->normalizer);
    memcpy(t->split, spec->split, spec->n_split * sizeof *t->split);
    memcpy(t->decoder, spec->decoder, spec->n_decoder * sizeof *t->decoder);
    t->n_normalizer = spec->n_normalizer;
    t->n_split = spec->n_split;
    t->n_decoder = spec->n_decoder;
    for (size_t i = 0; i < t->n_normalizer; i++) LL_TRY(keep_normalizer(t, spec, &t->normalizer[i]));
    for (size_t i = 0; i < t->n_split; i++) {
        LL_TRY(keep_text(t, &t->split[i].text));
        t->needs_origins = t->needs_origins || t->split[i].prepend == LL_PREPEND_FIRST;
    }
    for (size_t i = 0; i < t->n_decoder; i++) {
        LL_TRY(keep_text(t, &t->decoder[i].from));
        LL_TRY(keep_text(t, &t->decoder[i].to));
    }
    choose_byte_level(t);
    if (t->n_split == 1 && t->split[0].kind == LL_SPLIT_BERT && t->model == LL_TOKEN_WORDPIECE)
        t->fast_path = LL_FAST_BERT;
    return LLMCS_OK;
}

static bool has_text(const ll_step_text *text, const char *what) {
    return text->n == strlen(what) && !memcmp(text->at, what, text->n);
}

/* True if a step changes a block as it changes the whole text, with blocks that end at white space: its replacement of
 * white space must still end a word. */
static bool step_is_local(const llmcs_tokenizer *t, const ll_normalizer_step *s) {
    const ll_split_step *last = &t->split[t->n_split - 1];
    switch (s->kind) {
        case LL_NORMALIZE_STRIP:
        case LL_NORMALIZE_PREPEND:
        case LL_NORMALIZE_SENTENCEPIECE:
            return false;
        case LL_NORMALIZE_REPLACE:
            if (s->replaced == LL_REPLACE_TEXT)
                return !s->from.n || (!memchr(s->from.at, ' ', s->from.n) && !memchr(s->from.at, '\n', s->from.n));
            return has_text(&s->to, " ") || (last->kind == LL_SPLIT_METASPACE && last->split &&
                                             has_text(&s->to, "\xe2\x96\x81") && has_text(&last->text, s->to.at));
        default:
            return true;
    }
}

/* The character map leaves spaces as they are. */
static bool keeps_spaces(const llmcs_tokenizer *t) {
    const char *value;
    size_t n_value;
    return !t->charsmap.units || !ll_charsmap_shortest(&t->charsmap, " ", 1, &value, &n_value);
}

static void choose_blocks(llmcs_tokenizer *t) {
    t->blocks = LL_BLOCKS_NONE;
    if (t->normalized.n || !t->n_split) return;
    if (t->fast_path == LL_FAST_BERT) t->blocks = LL_BLOCKS_OF_BERT;
    if (t->model != LL_TOKEN_UNIGRAM && t->model != LL_TOKEN_BPE_CHARS) return;
    for (size_t i = 0; i < t->n_normalizer; i++)
        if (!step_is_local(t, &t->normalizer[i])) return;
    if (t->split[0].kind == LL_SPLIT_WHITE_SPACE) t->blocks = LL_BLOCKS_AT_LINES;
    if (t->split[0].kind == LL_SPLIT_METASPACE && t->split[0].split && keeps_spaces(t)) t->blocks = LL_BLOCKS_AT_SPACES;
}

static llmcs_status build_tokenizer(llmcs_tokenizer *t, ll_tokenizer_spec *spec, bool drop_text) {
    uint64_t seed = ll_hash_seed();
    t->model = spec->model;
    LL_TRY(copy_steps(t, spec));
    t->trim_offsets = spec->trim_offsets;
    t->trim_prefix_space = spec->trim_prefix_space;
    memcpy(t->single, spec->single, sizeof t->single);
    memcpy(t->pair, spec->pair, sizeof t->pair);
    t->n_single = spec->n_single;
    t->n_pair = spec->n_pair;
    t->max_length = spec->model_max_length;
    t->cut_left = spec->cut_left;
    t->unicode = ll_unicode_table();
    LL_TRY(map_ascii(t));
    LL_TRY(build_vocab(t, spec, seed));
    LL_TRY(resolve_special(t, spec));
    LL_TRY(build_set(t, spec, false, &t->plain, seed));
    LL_TRY(build_set(t, spec, true, &t->normalized, seed));
    choose_blocks(t);
    return build_model(t, spec, drop_text, seed);
}

static llmcs_status create(ll_tokenizer_spec *spec, bool drop_text, const llmcs_allocator *a, llmcs_tokenizer **out) {
    llmcs_tokenizer *t;
    *out = NULL;
    LL_TRY(ll_alloc_zero(a, 1, sizeof *t, "tokenizer", &t));
    t->allocator = *a;
    t->magic = LL_TOKENIZER_MAGIC;
    ll_arena_init(&t->arena, a);
    llmcs_status st = build_tokenizer(t, spec, drop_text);
    if (st)
        destroy_tokenizer(t);
    else
        *out = t;
    return st;
}

llmcs_status ll_tokenizer_create(ll_tokenizer_spec *spec, const llmcs_allocator *a, llmcs_tokenizer **out) {
    return create(spec, false, a, out);
}

static llmcs_status open_side(const ll_source *source, const char *model_type, const llmcs_allocator *a,
                              const ll_log *log, bool target_side, llmcs_tokenizer **out, bool *has_target) {
    ll_tokenizer_spec spec;
    LL_TRY(ll_tokenizer_files_read(&spec, a, source, model_type, target_side, log));
    llmcs_status st = create(&spec, true, a, out);
    *has_target = spec.has_target;
    ll_tokenizer_spec_free(&spec);
    return st;
}

llmcs_status ll_tokenizer_open(const ll_source *source, const char *model_type, const llmcs_allocator *a,
                               const ll_log *log, llmcs_tokenizer **out) {
    bool has_target, unused;
    llmcs_tokenizer *t;
    *out = NULL;
    LL_TRY(open_side(source, model_type, a, log, false, &t, &has_target));
    llmcs_status st = has_target ? open_side(source, model_type, a, NULL, true, &t->target, &unused) : LLMCS_OK;
    if (st)
        destroy_tokenizer(t);
    else
        *out = t;
    return st;
}

/* ------------------------------------------------------------------------------------------------- public */

llmcs_status llmcs_tokenizer_open(const char *path, const llmcs_allocator *allocator, llmcs_tokenizer **tokenizer) {
    LL_PUBLIC_CALL;
    if (tokenizer) *tokenizer = NULL;
    if (!path || !tokenizer) return ll_fail(LLMCS_ARG, "llmcs_tokenizer_open: path or tokenizer is NULL");
    if (allocator && (!allocator->alloc || !allocator->free))
        return ll_fail(LLMCS_ARG, "llmcs_tokenizer_open: the allocator lacks a function");
    llmcs_allocator a = ll_allocator_or_default(allocator);
    ll_source source;
    LL_TRY(ll_source_open(&source, &a, path, LLMCS_LOAD_COPY));
    llmcs_status st = ll_tokenizer_open(&source, NULL, &a, NULL, tokenizer);
    ll_source_close(&source);
    return st;
}

void llmcs_tokenizer_free(llmcs_tokenizer **tokenizer) {
    if (!tokenizer || !*tokenizer) return;
    if ((*tokenizer)->magic == LL_TOKENIZER_MAGIC) destroy_tokenizer(*tokenizer);
    *tokenizer = NULL;
}

size_t llmcs_tokenizer_n_vocab(const llmcs_tokenizer *tokenizer) {
    return ll_tokenizer_check(tokenizer) ? 0 : tokenizer->vocab.n_ids;
}

int32_t llmcs_token_to_id(const llmcs_tokenizer *tokenizer, const char *token, size_t token_bytes) {
    if (ll_tokenizer_check(tokenizer) || (!token && token_bytes)) return -1;
    if (token_bytes == LLMCS_NUL) token_bytes = strlen(token);
    return ll_vocab_find(&tokenizer->vocab, token, token_bytes);
}

const char *llmcs_id_to_token(const llmcs_tokenizer *tokenizer, int32_t id, size_t *token_bytes) {
    size_t len = 0;
    const char *token = ll_tokenizer_check(tokenizer) ? NULL : ll_vocab_token(&tokenizer->vocab, id, &len);
    if (token_bytes) *token_bytes = len;
    return token;
}

int32_t llmcs_special_token(const llmcs_tokenizer *tokenizer, llmcs_special role) {
    if (ll_tokenizer_check(tokenizer) || (unsigned)role > LLMCS_SPECIAL_MASK) return -1;
    return tokenizer->special[role];
}

size_t ll_tokenizer_max_length(const llmcs_tokenizer *t) { return t->max_length; }

size_t ll_tokenizer_min_tokens(const llmcs_tokenizer *t, size_t text_bytes, uint32_t flags) {
    bool strips = (flags & LLMCS_PARSE_SPECIAL) && (t->plain.special_strips || t->normalized.special_strips);
    if (!t->longest_token || strips) return 0;
    return text_bytes / t->longest_token + (text_bytes % t->longest_token != 0);
}

bool ll_tokenizer_marks_continuations(const llmcs_tokenizer *t) {
    return t->model == LL_TOKEN_WORDPIECE && t->wordpiece.has_prefix;
}

size_t ll_tokenizer_n_added(const llmcs_tokenizer *t, bool pair) {
    const ll_template_item *item = pair ? t->pair : t->single;
    size_t n = pair ? t->n_pair : t->n_single, added = 0;
    for (size_t i = 0; i < n; i++) added += item[i].id >= 0;
    return added;
}
