/* The files of a folder besides its weights, embedded in a GGUF file. */
#include <string.h>

#include "formats/chat_template.h"
#include "formats/gguf_export.h"
#include "formats/settings.h"
#include "formats/tokenizer_read.h"

/* An embedded file; name and text are from the allocator. */
typedef struct carried {
    char *name, *text;
    size_t n_bytes;
} carried;

#define MAX_CARRIED 24

typedef struct file_list {
    llmcs_allocator allocator;
    carried items[MAX_CARRIED];
    size_t n;
} file_list;

static void free_list(file_list *list) {
    for (size_t i = 0; i < list->n; i++) {
        ll_free(&list->allocator, list->items[i].name);
        ll_free(&list->allocator, list->items[i].text);
    }
}

/* Reads `name` of the source if it exists, and adds it to the list as `as`. */
static llmcs_status carry_file(file_list *list, const ll_source *source, const char *name, const char *as) {
    const llmcs_allocator *a = &list->allocator;
    bool there;
    char *path;
    LL_TRY(ll_source_has(source, a, name, &there));
    if (!there) return LLMCS_OK;
    carried *c = &list->items[list->n++];
    *c = (carried){0};
    LL_TRY(ll_copy_text(a, as, strlen(as), "file name", &c->name));
    LL_TRY(ll_source_join(source, a, name, &path));
    llmcs_status status = ll_source_read(source, a, name, path, LL_MAX_TOKENIZER_FILE, &c->text, &c->n_bytes);
    ll_free(a, path);
    return status;
}

/* ------------------------------------------------------------------------------ tokenizer.json without its lists */

/* The end of the container that begins at text[at]. The text is valid JSON, so quotes and brackets match. */
static size_t end_of_container(const char *text, size_t at) {
    size_t depth = 0;
    bool quoted = false;
    for (;; at++) {
        char c = text[at];
        if (quoted) {
            if (c == '\\') at++;
            if (c == '"') quoted = false;
            continue;
        }
        if (c == '"') quoted = true;
        if (c == '{' || c == '[') depth++;
        if ((c == '}' || c == ']') && --depth == 0) return at + 1;
    }
}

/* Removes the content of an array or object from the text; its position is that in the original document. */
static void empty_container(carried *c, ll_json v) {
    size_t at = (size_t)ll_json_offset(v), end = end_of_container(c->text, at);
    c->text[at + 1] = c->text[end - 1];
    memmove(c->text + at + 2, c->text + end, c->n_bytes - end + 1);
    c->n_bytes -= end - at - 2;
}

/* Empties the later one first, so that the position of the earlier one stays valid. */
static llmcs_status drop_lists(const llmcs_allocator *a, carried *c) {
    ll_json_doc *doc;
    LL_TRY(ll_json_parse(a, c->name, c->text, c->n_bytes, 0, &doc));
    ll_json model = ll_json_get(ll_json_root(doc), "model");
    ll_json lists[2] = {ll_json_get(model, "vocab"), ll_json_get(model, "merges")};
    size_t last = ll_json_offset(lists[1]) > ll_json_offset(lists[0]);
    for (size_t i = 0; i < 2; i++) {
        const ll_json list = lists[i ? !last : last];
        const ll_json_type type = ll_json_get_type(list);
        if (type == LL_JSON_OBJECT || type == LL_JSON_ARRAY) empty_container(c, list);
    }
    ll_json_free(&doc);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------------ all of them */

/* The files that ll_config_read reads. The network's files go to the top, from whichever module they are in. */
static llmcs_status carry_config(file_list *list, const ll_source *source, const ll_config *c) {
    const char *pooling = c->sentence.pooling_path;
    ll_source network = ll_source_in(source, c->sentence.transformer_path);
    LL_TRY(carry_file(list, &network, "config.json", "config.json"));
    LL_TRY(carry_file(list, &network, "generation_config.json", "generation_config.json"));
    for (size_t i = 0; i < LL_N_SENTENCE_SETTINGS_FILES; i++)
        LL_TRY(carry_file(list, &network, ll_sentence_settings_files[i], ll_sentence_settings_files[i]));
    LL_TRY(carry_file(list, source, "modules.json", "modules.json"));
    LL_TRY(carry_file(list, source, LL_SENTENCE_PROMPTS_FILE, LL_SENTENCE_PROMPTS_FILE));
    if (!pooling || !pooling[0]) return LLMCS_OK;
    char name[300];
    if (ll_format(name, sizeof name, "%s/config.json", pooling) >= (int)sizeof name)
        return ll_fail(LLMCS_LIMIT, "%s: the name of the pooling module is too long", source->path);
    return carry_file(list, source, name, name);
}

static llmcs_status carry_tokenizer(file_list *list, const ll_source *source, bool spm) {
    static const char *const names[] = {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                                        "chat_template.jinja"};
    const char *file = NULL;
    LL_TRY(carry_file(list, source, "tokenizer.json", "tokenizer.json"));
    carried *last = list->n ? &list->items[list->n - 1] : NULL;
    const bool has_json = last && strcmp(last->name, "tokenizer.json") == 0;
    if (has_json) LL_TRY(drop_lists(&list->allocator, last));
    /* Without tokenizer.json all of a tokenizer of this kind is in its file. */
    if (spm && !has_json) LL_TRY(ll_sentencepiece_name(&list->allocator, source, &file));
    if (file) LL_TRY(carry_file(list, source, file, file));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) LL_TRY(carry_file(list, source, names[i], names[i]));
    return LLMCS_OK;
}

/* The templates once more under the keys that llama.cpp reads. */
static llmcs_status put_chat_templates(ll_gguf_header *h, const ll_source *source) {
    ll_chat_files f;
    char key[160];
    LL_TRY(ll_chat_files_read(&f, &h->allocator, source, NULL));
    for (size_t i = 0; i < f.n_templates; i++) {
        const ll_chat_template *t = &f.templates[i];
        const bool is_default = strcmp(t->name, "default") == 0;
        ll_format(key, sizeof key, "tokenizer.chat_template%s%s", is_default ? "" : ".", is_default ? "" : t->name);
        ll_gguf_put_text(h, key, t->text, t->n);
    }
    size_t n_named = 0;
    for (size_t i = 0; i < f.n_templates; i++) n_named += strcmp(f.templates[i].name, "default") != 0;
    if (n_named) ll_gguf_begin_array(h, "tokenizer.chat_templates", LL_GGUF_STRING, n_named);
    for (size_t i = 0; i < f.n_templates; i++)
        if (strcmp(f.templates[i].name, "default") != 0)
            ll_gguf_add_text(h, f.templates[i].name, strlen(f.templates[i].name));
    ll_chat_files_free(&f);
    return h->status;
}

llmcs_status ll_gguf_export_files(ll_gguf_header *h, const ll_source *source, const ll_source *tokenizer,
                                  ll_token_model model, const ll_config *c) {
    const bool spm = model == LL_TOKEN_UNIGRAM || model == LL_TOKEN_BPE_CHARS;
    file_list list = {.allocator = h->allocator};
    llmcs_status status = carry_config(&list, source, c);
    if (!status && tokenizer) status = carry_tokenizer(&list, tokenizer, spm);
    if (!status && tokenizer) status = put_chat_templates(h, tokenizer);
    if (!status) {
        ll_gguf_begin_array(h, LL_GGUF_FILE_NAMES, LL_GGUF_STRING, list.n);
        for (size_t i = 0; i < list.n; i++) ll_gguf_add_text(h, list.items[i].name, strlen(list.items[i].name));
        ll_gguf_begin_array(h, LL_GGUF_FILE_TEXTS, LL_GGUF_STRING, list.n);
        for (size_t i = 0; i < list.n; i++) ll_gguf_add_text(h, list.items[i].text, list.items[i].n_bytes);
        status = h->status;
    }
    free_list(&list);
    return status;
}
