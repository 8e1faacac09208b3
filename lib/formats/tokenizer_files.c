/* Which of a folder's tokenizer files are read and in what order, and what all their readers share. */
#include "formats/tokenizer_files.h"

#include <string.h>

#include "base/file.h"
#include "families/family.h"
#include "formats/gguf_names.h"
#include "formats/tokenizer_read.h"

/* ------------------------------------------------------------------------------------------- shared reading */

llmcs_status ll_spec_fail(ll_json value, const char *where, const char *problem) {
    return ll_fail(LLMCS_TOKENIZER, "%s: %s, at byte %llu: %s", value.doc ? ll_json_name(value.doc) : "", where,
                   (unsigned long long)ll_json_offset(value), problem);
}

static llmcs_status find_file(ll_tokenizer_spec *spec, const ll_source *source, const char *name, ll_spec_file **out) {
    const llmcs_allocator *a = &spec->arena.allocator;
    bool there;
    *out = NULL;
    LL_TRY(ll_source_has(source, a, name, &there));
    if (!there || spec->n_files == LL_MAX_SPEC_FILES) return LLMCS_OK;
    ll_spec_file *file = &spec->file[spec->n_files];
    *file = (ll_spec_file){0};
    LL_TRY(ll_source_join(source, a, name, &file->path));
    spec->n_files++;
    *out = file;
    return ll_source_read(source, a, name, file->path, LL_MAX_TOKENIZER_FILE, &file->data, &file->data_bytes);
}

llmcs_status ll_spec_read_file(ll_tokenizer_spec *spec, const ll_source *source, const char *name,
                               const ll_spec_file **file) {
    ll_spec_file *found;
    llmcs_status st = find_file(spec, source, name, &found);
    *file = found;
    return st;
}

llmcs_status ll_spec_read_json(ll_tokenizer_spec *spec, const ll_source *source, const char *name, ll_json *root) {
    ll_spec_file *file;
    *root = (ll_json){NULL, 0};
    /* The long lists, which tokenizer_lists.c reads. */
    static const char *const model[] = {"vocab", "merges", NULL}, *const vocab[] = {"", NULL}, *const none[] = {NULL};
    const char *const *deferred = !strcmp(name, "tokenizer.json") ? model : !strcmp(name, "vocab.json") ? vocab : none;
    LL_TRY(find_file(spec, source, name, &file));
    if (!file) return LLMCS_OK;
    LL_TRY(ll_json_parse_deferring(&spec->arena.allocator, file->path, file->data, file->data_bytes, 0, deferred,
                                   &file->doc));
    *root = ll_json_root(file->doc);
    if (ll_json_get_type(*root) != LL_JSON_OBJECT) return ll_spec_fail(*root, name, "an object is expected");
    return LLMCS_OK;
}

llmcs_status ll_spec_member(ll_json object, const char *where, const char *key, ll_json *value) {
    if (ll_json_get_unique(object, key, value) == LLMCS_OK) return LLMCS_OK;
    char problem[80];
    ll_format(problem, sizeof problem, "\"%s\" occurs twice", key);
    return ll_spec_fail(object, where, problem);
}

bool ll_spec_absent(ll_json v) {
    ll_json_type type = ll_json_get_type(v);
    return type == LL_JSON_MISSING || type == LL_JSON_NULL;
}

static llmcs_status fail_type(ll_json v, const char *where, const char *key, const char *expected) {
    char problem[120];
    ll_format(problem, sizeof problem, "\"%s\" is not %s", key, expected);
    return ll_spec_fail(v, where, problem);
}

llmcs_status ll_spec_bool(ll_json object, const char *where, const char *key, bool *out) {
    ll_json v;
    LL_TRY(ll_spec_member(object, where, key, &v));
    if (ll_spec_absent(v) || ll_json_bool(v, out)) return LLMCS_OK;
    return fail_type(v, where, key, "true or false");
}

llmcs_status ll_spec_string(ll_json object, const char *where, const char *key, const char **out, uint32_t *len) {
    ll_json v;
    size_t n;
    LL_TRY(ll_spec_member(object, where, key, &v));
    if (ll_spec_absent(v)) return LLMCS_OK;
    const char *text = ll_json_string(v, &n);
    if (!text) return fail_type(v, where, key, "a string");
    *out = text;
    *len = (uint32_t)n;
    return LLMCS_OK;
}

llmcs_status ll_spec_id(ll_json value, const char *where, int32_t *id) {
    int64_t n;
    if (!ll_json_int64(value, &n) || n < 0 || n >= INT32_MAX)
        return ll_spec_fail(value, where, "a token's id is an integer from 0 to 2147483646");
    *id = (int32_t)n;
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------ templates */

bool ll_template_add(ll_template_item *items, size_t *n, int32_t id, uint8_t sequence, uint8_t type_id) {
    if (*n == LL_MAX_TEMPLATE) return false;
    items[(*n)++] = (ll_template_item){id, sequence, type_id, LL_SLOT_NONE};
    return true;
}

void ll_template_plain(ll_tokenizer_spec *spec, uint8_t pair_type) {
    spec->n_single = spec->n_pair = 0;
    ll_template_add(spec->single, &spec->n_single, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 1, pair_type);
}

static void template_classic(ll_tokenizer_spec *spec, int32_t cls, int32_t sep, bool two_between, uint8_t pair_type) {
    spec->n_single = spec->n_pair = 0;
    ll_template_add(spec->single, &spec->n_single, cls, 0, 0);
    ll_template_add(spec->single, &spec->n_single, -1, 0, 0);
    ll_template_add(spec->single, &spec->n_single, sep, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, cls, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, sep, 0, 0);
    if (two_between) ll_template_add(spec->pair, &spec->n_pair, sep, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 1, pair_type);
    ll_template_add(spec->pair, &spec->n_pair, sep, 0, pair_type);
}

void ll_template_bert(ll_tokenizer_spec *spec, int32_t cls, int32_t sep) { template_classic(spec, cls, sep, false, 1); }

void ll_template_roberta(ll_tokenizer_spec *spec, int32_t cls, int32_t sep) {
    template_classic(spec, cls, sep, true, 0);
}

/* ------------------------------------------------------------------------------------------------ the whole */

/* The first of the names that the folder has; NULL: none. */
static llmcs_status find_name(const llmcs_allocator *a, const ll_source *source, const char *const *names, size_t n,
                              const char **found) {
    *found = NULL;
    for (size_t i = 0; i < n && !*found; i++) {
        bool there;
        LL_TRY(ll_source_has(source, a, names[i], &there));
        if (there) *found = names[i];
    }
    return LLMCS_OK;
}

llmcs_status ll_sentencepiece_name(const llmcs_allocator *a, const ll_source *source, const char **name) {
    static const char *const names[] = {"sentencepiece.bpe.model", "spiece.model", "tokenizer.model"};
    return find_name(a, source, names, sizeof names / sizeof *names, name);
}

llmcs_status ll_tokenizer_files_present(const llmcs_allocator *a, const ll_source *source, bool *present) {
    static const char *const names[] = {"tokenizer.json", "vocab.json", "vocab.txt"};
    const char *name;
    *present = source->gguf && ll_gguf_find(source->gguf, "tokenizer.ggml.tokens") != NULL;
    if (source->gguf) return LLMCS_OK;
    LL_TRY(find_name(a, source, names, sizeof names / sizeof *names, &name));
    if (!name) LL_TRY(ll_sentencepiece_name(a, source, &name));
    *present = name != NULL;
    return LLMCS_OK;
}

void ll_tokenizer_spec_drop_text(ll_tokenizer_spec *spec) {
    for (size_t i = 0; i < spec->n_files; i++) {
        ll_json_free(&spec->file[i].doc);
        ll_free(&spec->arena.allocator, spec->file[i].data);
        spec->file[i].data = NULL;
    }
}

void ll_tokenizer_spec_free(ll_tokenizer_spec *spec) {
    ll_tokenizer_spec_drop_text(spec);
    for (size_t i = 0; i < spec->n_files; i++) ll_free(&spec->arena.allocator, spec->file[i].path);
    spec->n_files = 0;
    ll_arena_free(&spec->arena);
}

static llmcs_status read_bpe_files(ll_tokenizer_spec *spec, const ll_source *source, ll_json vocab) {
    const ll_spec_file *merges;
    LL_TRY(ll_read_vocab_object(spec, vocab, "vocabulary"));
    LL_TRY(ll_spec_read_file(spec, source, "merges.txt", &merges));
    if (!merges) return ll_fail(LLMCS_TOKENIZER, "%s: vocab.json needs merges.txt, which is missing", source->path);
    return ll_read_merges_txt(spec, merges);
}

/* Neither vocab.json nor vocab.txt. A SentencePiece model may be there that this class does not read. */
static llmcs_status fail_no_vocab(const ll_tokenizer_spec *spec, const ll_source *source, const ll_token_settings *s) {
    const char *name;
    LL_TRY(ll_sentencepiece_name(&spec->arena.allocator, source, &name));
    if (name)
        return ll_fail(
            LLMCS_UNSUPPORTED,
            "%s/%s: tokenizer_class \"%.*s\" does not read this file: name the class in tokenizer_config.json "
            "(XLMRobertaTokenizer for example), or convert it to a tokenizer.json",
            source->path, name, (int)ll_min(s->class_bytes, 60), s->class_name ? s->class_name : "");
    return ll_fail(LLMCS_TOKENIZER,
                   "%s: no tokenizer.json, SentencePiece model, vocab.json or vocab.txt in this folder", source->path);
}

/* If both kinds of files exist, the class decides. */
static llmcs_status read_older_vocab(ll_tokenizer_spec *spec, const ll_source *source, const ll_token_settings *s) {
    ll_json vocab = {NULL, 0};
    const ll_spec_file *txt = NULL;
    if (s->family == LL_TOKENS_OF_BERT) LL_TRY(ll_spec_read_file(spec, source, "vocab.txt", &txt));
    if (!txt) LL_TRY(ll_spec_read_json(spec, source, "vocab.json", &vocab));
    if (!txt && !vocab.doc) LL_TRY(ll_spec_read_file(spec, source, "vocab.txt", &txt));
    if (!txt && !vocab.doc) return fail_no_vocab(spec, source, s);
    return txt ? ll_read_vocab_txt(spec, txt) : read_bpe_files(spec, source, vocab);
}

/* Reads SentencePiece's file, or without it the older files; *spm: it was SentencePiece's. */
static llmcs_status read_other_files(ll_tokenizer_spec *spec, const ll_source *source, const ll_token_settings *s,
                                     bool *spm) {
    const bool older = s->family == LL_TOKENS_OF_BERT || s->family == LL_TOKENS_OF_GPT2 ||
                       s->family == LL_TOKENS_OF_ROBERTA || s->family == LL_TOKENS_OF_MPNET;
    *spm = s->family == LL_TOKENS_OF_MARIAN;
    if (*spm) return ll_read_marian_files(spec, source, s);
    if (!older) LL_TRY(ll_read_sentencepiece_files(spec, source, s, spm));
    return *spm ? LLMCS_OK : read_older_vocab(spec, source, s);
}

static llmcs_status read_folder(ll_tokenizer_spec *spec, const ll_source *source, const char *model_type,
                                const ll_log *log) {
    ll_json root;
    ll_token_settings s;
    bool spm = false;
    LL_TRY(ll_spec_read_json(spec, source, "tokenizer.json", &root));
    LL_TRY(ll_token_settings_read(spec, source, model_type, log, &s));
    if (root.doc) {
        LL_TRY(ll_read_tokenizer_json(spec, root));
        LL_TRY(ll_apply_token_settings(spec, &s));
    } else {
        const bool known = spec->model == LL_TOKEN_UNIGRAM || spec->model == LL_TOKEN_BPE_CHARS; /* of a GGUF file */
        if (!spec->vocab) LL_TRY(read_other_files(spec, source, &s, &spm));
        if (!spm && !known) LL_TRY(ll_read_older_settings(spec, &s));
    }
    LL_TRY(ll_read_added_tokens(spec, source, &s, root.doc || spm));
    if (spm) LL_TRY(ll_spm_template(spec, &s));
    return ll_read_special_names(spec, &s);
}

/* A GGUF file holds the vocabulary in its own form. The rest is in the folder's files, which it may carry: then all is
 * as in the folder it was made from. Without them a byte-level BPE is like GPT-2's, whatever the decoder. */
static llmcs_status read_gguf(ll_tokenizer_spec *spec, const ll_source *source, const ll_log *log) {
    const ll_family *family;
    const char *spm;
    size_t len;
    LL_TRY(ll_gguf_family(source->gguf, &family));
    LL_TRY(ll_sentencepiece_name(&spec->arena.allocator, source, &spm));
    if (spm) return read_folder(spec, source, family->model_types[0].name, log); /* which holds all of the tokenizer */
    LL_TRY(ll_read_gguf_vocab(spec, source->gguf));
    const bool carried = ll_gguf_carried(source->gguf, "config.json", &len) != NULL;
    const bool like_gpt2 = !carried && family->decoder && spec->model == LL_TOKEN_BPE;
    LL_TRY(read_folder(spec, source, like_gpt2 ? "gpt2" : family->model_types[0].name, log));
    return carried ? LLMCS_OK : ll_read_gguf_settings(spec, source->gguf);
}

static llmcs_status alloc_steps(ll_tokenizer_spec *spec) {
    ll_arena *arena = &spec->arena;
    LL_TRY(ll_arena_alloc(arena, LL_MAX_NORMALIZER_STEPS, sizeof *spec->normalizer, "tokenizer", &spec->normalizer));
    LL_TRY(ll_arena_alloc(arena, LL_MAX_SPLIT_STEPS, sizeof *spec->split, "tokenizer", &spec->split));
    return ll_arena_alloc(arena, LL_MAX_DECODER_STEPS, sizeof *spec->decoder, "tokenizer", &spec->decoder);
}

static llmcs_status read_tokenizer_files(ll_tokenizer_spec *spec, const ll_source *source, const char *model_type,
                                         const ll_log *log) {
    ll_path_kind kind;
    if (source->gguf) return read_gguf(spec, source, log);
    const int error = ll_path_examine(source->path, true, &kind);
    if (error) return ll_file_failed(source->path, "cannot be examined", error);
    if (kind != LL_PATH_FOLDER)
        return ll_fail(LLMCS_IO, "%s: %s", source->path, kind == LL_PATH_OTHER ? "not a folder" : "no such folder");
    return read_folder(spec, source, model_type, log);
}

llmcs_status ll_tokenizer_files_read(ll_tokenizer_spec *spec, const llmcs_allocator *a, const ll_source *source,
                                     const char *model_type, bool target_side, const ll_log *log) {
    *spec = (ll_tokenizer_spec){.target_side = target_side, .max_input_chars_per_word = 100};
    ll_arena_init(&spec->arena, a);
    llmcs_status st = alloc_steps(spec);
    if (!st) st = read_tokenizer_files(spec, source, model_type, log);
    if (st) ll_tokenizer_spec_free(spec);
    return st;
}
