/* tokenizer_config.json, chat_template.jinja and the other places where a chat template may be. */
#include "formats/chat_template.h"

#include <string.h>

#include "formats/folder.h"
#include "formats/gguf.h"
#include "formats/settings.h"

const char *const ll_chat_token_names[LL_N_CHAT_TOKENS] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                           "pad_token", "cls_token", "mask_token"};

/* Default special tokens of Transformers' tokenizer classes. */
static const struct {
    const char *class_name;
    const char *tokens[LL_N_CHAT_TOKENS];
} DEFAULTS[] = {{"GPT2Tokenizer", {"<|endoftext|>", "<|endoftext|>", "<|endoftext|>"}},
                {"Qwen2Tokenizer", {NULL, "<|endoftext|>", "<|endoftext|>", NULL, "<|endoftext|>"}},
                {"LlamaTokenizer", {"<s>", "</s>", "<unk>"}},
                {"GemmaTokenizer", {"<bos>", "<eos>", "<unk>", NULL, "<pad>"}}};

static llmcs_status add_template(ll_chat_files *f, const char *file, const char *name, size_t name_bytes,
                                 const char *text, size_t n) {
    ll_chat_template *t = &f->templates[f->n_templates];
    if (f->n_templates == LL_MAX_CHAT_TEMPLATES)
        return ll_fail(LLMCS_LIMIT, "%s: more than %d chat templates", file, LL_MAX_CHAT_TEMPLATES);
    if (n > LL_MAX_CHAT_TEMPLATE_BYTES)
        return ll_fail(LLMCS_LIMIT, "%s: the chat template has %zu bytes, at most %zu are read", file, n,
                       LL_MAX_CHAT_TEMPLATE_BYTES);
    LL_TRY(ll_arena_copy_text(&f->arena, file, strlen(file), "file name", &t->file));
    LL_TRY(ll_arena_copy_text(&f->arena, name, name_bytes, "template name", &t->name));
    LL_TRY(ll_arena_copy_text(&f->arena, text, n, "chat template", &t->text));
    t->n = n;
    f->n_templates++;
    return LLMCS_OK;
}

/* ---- files of a template each */

/* *found: the file exists. */
static llmcs_status read_jinja(ll_chat_files *f, const ll_source *source, const char *file, const char *name,
                               bool *found) {
    const llmcs_allocator *a = &f->arena.allocator;
    char *path = NULL, *text = NULL;
    size_t n;
    LL_TRY(ll_source_has(source, a, file, found));
    if (!*found) return LLMCS_OK;
    LL_TRY(ll_source_join(source, a, file, &path));
    llmcs_status status = ll_source_read(source, a, file, path, LL_MAX_CHAT_TEMPLATE_BYTES, &text, &n);
    if (!status) status = add_template(f, file, name, strlen(name), text, n);
    ll_free(a, text);
    ll_free(a, path);
    return status;
}

static llmcs_status read_named(ll_chat_files *f, const ll_source *source, const char *name) {
    char file[160];
    bool found;
    if (!ll_folder_is_plain_name(name, strlen(name)) || strlen(name) > 100)
        return ll_fail(LLMCS_ARG, "template_name: \"%s\" is not the name of a template", name);
    for (size_t i = 0; i < f->n_templates; i++)
        if (strcmp(f->templates[i].name, name) == 0) return LLMCS_OK;
    ll_format(file, sizeof file, "chat_templates/%s.jinja", name);
    return read_jinja(f, source, file, name, &found);
}

/* ---- tokenizer_config.json */

static llmcs_status bad_member(const ll_settings *s, const char *expected) {
    return ll_fail(LLMCS_CONFIG, "%s: chat_template: expected %s", s->name, expected);
}

/* A string, or a list of {"name": ..., "template": ...}. */
static llmcs_status read_member(ll_chat_files *f, const ll_settings *s, ll_json v) {
    size_t n, n_name;
    const char *text = ll_json_string(v, &n);
    if (text) return add_template(f, s->name, "default", 7, text, n);
    if (ll_json_get_type(v) == LL_JSON_NULL || ll_json_get_type(v) == LL_JSON_MISSING) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_ARRAY) return bad_member(s, "a string or a list of named templates");
    for (ll_json item = ll_json_first(v); ll_json_get_type(item); item = ll_json_next(item)) {
        const char *name = ll_json_string(ll_json_get(item, "name"), &n_name);
        text = ll_json_string(ll_json_get(item, "template"), &n);
        if (!name || !text) return bad_member(s, "objects with a \"name\" and a \"template\", two strings");
        LL_TRY(add_template(f, s->name, name, n_name, text, n));
    }
    return LLMCS_OK;
}

/* The text of a token: a string, or an object with its "content". */
static llmcs_status read_token(ll_chat_files *f, ll_json v, size_t role) {
    size_t n;
    const char *text = ll_json_string(v, &n);
    if (!text) text = ll_json_string(ll_json_get(v, "content"), &n);
    f->tokens[role] = NULL;
    f->token_bytes[role] = n;
    return text ? ll_arena_copy_text(&f->arena, text, n, "special token", &f->tokens[role]) : LLMCS_OK;
}

static void set_defaults(ll_chat_files *f, ll_json class_name) {
    size_t n;
    const char *name = ll_json_string(class_name, &n);
    if (name && n > 4 && memcmp(name + n - 4, "Fast", 4) == 0) n -= 4;
    for (size_t i = 0; name && i < sizeof DEFAULTS / sizeof *DEFAULTS; i++) {
        if (strlen(DEFAULTS[i].class_name) != n || memcmp(DEFAULTS[i].class_name, name, n) != 0) continue;
        for (size_t role = 0; role < LL_N_CHAT_TOKENS; role++) {
            f->tokens[role] = DEFAULTS[i].tokens[role];
            f->token_bytes[role] = f->tokens[role] ? strlen(f->tokens[role]) : 0;
        }
    }
}

static llmcs_status read_tokens(ll_chat_files *f, ll_json root) {
    for (size_t role = 0; role < LL_N_CHAT_TOKENS; role++) {
        const ll_json v = ll_json_get(root, ll_chat_token_names[role]);
        if (ll_json_get_type(v)) LL_TRY(read_token(f, v, role));
    }
    return LLMCS_OK;
}

typedef llmcs_status (*settings_fn)(ll_chat_files *f, const ll_settings *s, void *user);

/* Calls `read` with a JSON file, if it exists. */
static llmcs_status with_file(ll_chat_files *f, const ll_source *source, const char *name, settings_fn read,
                              void *user) {
    ll_settings s;
    bool there;
    LL_TRY(ll_source_has(source, &f->arena.allocator, name, &there));
    if (!there) return LLMCS_OK;
    LL_TRY(ll_settings_open(&s, &f->arena.allocator, source, name, LL_JSON_OBJECT));
    const llmcs_status status = read(f, &s, user);
    ll_settings_close(&s);
    return status;
}

typedef struct config_facts {
    bool jinja;  /* chat_template.jinja exists */
    bool legacy; /* special_tokens_map.json takes precedence over tokenizer_config.json */
} config_facts;

static llmcs_status read_config(ll_chat_files *f, const ll_settings *s, void *user) {
    config_facts *facts = user;
    ll_json v;
    facts->legacy = !ll_json_get_type(ll_json_get(s->root, "added_tokens_decoder"));
    set_defaults(f, ll_json_get(s->root, "tokenizer_class"));
    LL_TRY(read_tokens(f, s->root));
    LL_TRY(ll_settings_find(s, "chat_template", &v));
    return facts->jinja ? LLMCS_OK : read_member(f, s, v);
}

static llmcs_status read_map(ll_chat_files *f, const ll_settings *s, void *user) {
    const config_facts *facts = user;
    return facts->legacy ? read_tokens(f, s->root) : LLMCS_OK;
}

static llmcs_status read_processor(ll_chat_files *f, const ll_settings *s, void *user) {
    ll_json v;
    (void)user;
    LL_TRY(ll_settings_find(s, "chat_template", &v));
    return read_member(f, s, v);
}

static llmcs_status read_folder(ll_chat_files *f, const ll_source *source, const char *wanted) {
    config_facts facts = {.legacy = true};
    LL_TRY(read_jinja(f, source, "chat_template.jinja", "default", &facts.jinja));
    LL_TRY(with_file(f, source, "tokenizer_config.json", read_config, &facts));
    LL_TRY(with_file(f, source, "special_tokens_map.json", read_map, &facts));
    LL_TRY(read_named(f, source, "tool_use"));
    LL_TRY(read_named(f, source, "rag"));
    if (wanted) LL_TRY(read_named(f, source, wanted));
    return f->n_templates ? LLMCS_OK : with_file(f, source, "chat_template.json", read_processor, NULL);
}

/* ---- GGUF's own keys */

static llmcs_status read_gguf_templates(ll_chat_files *f, const ll_gguf *g) {
    const ll_gguf_value *names;
    const char *text;
    char key[160];
    size_t n;
    LL_TRY(ll_gguf_text(g, "tokenizer.chat_template", &text, &n));
    if (text) LL_TRY(add_template(f, g->name, "default", 7, text, n));
    LL_TRY(ll_gguf_array(g, "tokenizer.chat_templates", LL_GGUF_STRING, &names));
    size_t at = names ? names->at : 0;
    for (size_t i = 0; names && i < names->n; i++) {
        size_t n_name;
        const char *name = ll_gguf_next_string(g, &at, &n_name);
        if (n_name > 100) return ll_gguf_bad(g, names, "names of templates");
        ll_format(key, sizeof key, "tokenizer.chat_template.%.*s", (int)n_name, name);
        LL_TRY(ll_gguf_text(g, key, &text, &n));
        if (text) LL_TRY(add_template(f, g->name, name, n_name, text, n));
    }
    return LLMCS_OK;
}

/* The texts of the tokens that the file names by their ids. */
static llmcs_status read_gguf_tokens(ll_chat_files *f, const ll_gguf *g) {
    static const char *const keys[LL_N_CHAT_TOKENS] = {
        "tokenizer.ggml.bos_token_id",       "tokenizer.ggml.eos_token_id",     "tokenizer.ggml.unknown_token_id",
        "tokenizer.ggml.seperator_token_id", "tokenizer.ggml.padding_token_id", "tokenizer.ggml.cls_token_id",
        "tokenizer.ggml.mask_token_id"};
    const ll_gguf_value *tokens;
    int64_t ids[LL_N_CHAT_TOKENS];
    LL_TRY(ll_gguf_array(g, "tokenizer.ggml.tokens", LL_GGUF_STRING, &tokens));
    for (size_t role = 0; role < LL_N_CHAT_TOKENS; role++) {
        ids[role] = -1;
        LL_TRY(ll_gguf_int(g, keys[role], 0, INT32_MAX, &ids[role]));
    }
    size_t at = tokens ? tokens->at : 0;
    for (size_t id = 0; tokens && id < tokens->n; id++) {
        size_t n;
        const char *text = ll_gguf_next_string(g, &at, &n);
        for (size_t role = 0; role < LL_N_CHAT_TOKENS; role++) {
            if (ids[role] != (int64_t)id) continue;
            LL_TRY(ll_arena_copy_text(&f->arena, text, n, "special token", &f->tokens[role]));
            f->token_bytes[role] = n;
        }
    }
    return LLMCS_OK;
}

static llmcs_status read_source(ll_chat_files *f, const ll_source *source, const char *wanted) {
    bool carried;
    if (source->gguf) {
        LL_TRY(ll_source_has(source, &f->arena.allocator, "tokenizer_config.json", &carried));
        if (!carried) LL_TRY(read_gguf_tokens(f, source->gguf));
    }
    LL_TRY(read_folder(f, source, wanted));
    return source->gguf && !f->n_templates ? read_gguf_templates(f, source->gguf) : LLMCS_OK;
}

llmcs_status ll_chat_files_read(ll_chat_files *f, const llmcs_allocator *a, const ll_source *source,
                                const char *wanted) {
    *f = (ll_chat_files){0};
    ll_arena_init(&f->arena, a);
    const llmcs_status status = read_source(f, source, wanted);
    if (status) ll_chat_files_free(f);
    return status;
}

void ll_chat_files_free(ll_chat_files *f) {
    ll_arena_free(&f->arena);
    *f = (ll_chat_files){0};
}
