/* sentence-transformers folders: modules.json lists the modules that a text runs through, each with its folder
 * (https://sbert.net/docs/sentence_transformer/usage/custom_models.html, "Structure of Sentence Transformer Models").
 * Supported: a Transformer, a Pooling, and after it any sequence of Dense, LayerNorm and Normalize. */
#include <math.h>
#include <string.h>

#include "formats/config_parts.h"
#include "formats/folder.h"

/* State while modules.json is read; paths are in the config's arena. */
typedef struct modules {
    const char *transformer, *pooling;
    ll_module *after; /* [n_after] that follow the pooling */
    size_t n_after;
} modules;

/* The class name at the end of "sentence_transformers.models.Pooling". */
static const char *class_of(const char *type) {
    const char *dot = strrchr(type, '.');
    return dot ? dot + 1 : type;
}

static llmcs_status find_text(ll_config *c, const ll_settings *f, ll_json module, const char *key, const char **out) {
    ll_json v;
    LL_TRY(ll_json_get_unique(module, key, &v));
    return ll_config_copy_text(c, f, key, v, out);
}

static bool find_kind(const char *name, ll_module_kind *kind) {
    static const char *const names[] = {"Dense", "LayerNorm", "Normalize"}; /* by ll_module_kind */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *kind = (ll_module_kind)i;
            return true;
        }
    return false;
}

/* Fails; the message says whether the module or only its position is not supported. */
static llmcs_status refuse_module(const ll_settings *f, const char *name, const char *type, const modules *m) {
    const bool pooling = strcmp(name, "Pooling") == 0, transformer = strcmp(name, "Transformer") == 0;
    ll_module_kind kind;
    if ((pooling && m->pooling) || (transformer && m->transformer))
        return ll_fail(LLMCS_UNSUPPORTED, "%s: a second %s module is not supported: the text runs through one %s only",
                       f->name, name, name);
    if (pooling || find_kind(name, &kind))
        return ll_fail(LLMCS_UNSUPPORTED, "%s: a %s module before the %s is not supported", f->name, name,
                       pooling ? "Transformer" : "Pooling");
    return ll_fail(LLMCS_UNSUPPORTED,
                   "%s: type: \"%.80s\" is not supported, only Transformer, Pooling, Dense, LayerNorm, Normalize, "
                   "Dropout",
                   f->name, type);
}

/* Adds the next module of the list; fails if it cannot follow those before it. */
static llmcs_status add_module(ll_config *c, const ll_settings *f, ll_json module, modules *m) {
    const char *type, *path;
    ll_module_kind kind;
    if (ll_json_get_type(module) != LL_JSON_OBJECT) return ll_settings_bad(f, "modules", module, "objects");
    LL_TRY(find_text(c, f, module, "type", &type));
    LL_TRY(find_text(c, f, module, "path", &path));
    if (path[0] && !ll_folder_is_plain_name(path, strlen(path)))
        return ll_fail(LLMCS_CONFIG, "%s: path: \"%.60s\" is not the name of a folder in the model's folder", f->name,
                       path);
    const char *name = class_of(type);
    if (strncmp(type, "sentence_transformers.", 22) != 0)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: type: \"%.80s\" is code from the folder, which is never run", f->name,
                       type);
    if (strcmp(name, "Transformer") == 0 && !m->transformer) {
        m->transformer = path;
    } else if (strcmp(name, "Pooling") == 0 && m->transformer && !m->pooling) {
        m->pooling = path;
    } else if (m->pooling && find_kind(name, &kind)) {
        m->after[m->n_after++] = (ll_module){.kind = kind, .path = path};
    } else if (strcmp(name, "Dropout") != 0) { /* which does nothing after training */
        return refuse_module(f, name, type, m);
    }
    return LLMCS_OK;
}

static llmcs_status read_modules(ll_config *c, const ll_settings *f, modules *m) {
    const size_t n = ll_json_count(f->root);
    if (n > LL_MAX_MODULES)
        return ll_fail(LLMCS_LIMIT, "%s: %zu modules, at most %d are read", f->name, n, LL_MAX_MODULES);
    LL_TRY(ll_arena_alloc(&c->arena, n, sizeof *m->after, f->name, &m->after));
    for (ll_json v = ll_json_first(f->root); ll_json_get_type(v); v = ll_json_next(v)) LL_TRY(add_module(c, f, v, m));
    if (!m->pooling)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: expected a Transformer and a Pooling module, found no %s", f->name,
                       m->transformer ? "Pooling" : "Transformer");
    c->sentence.present = true;
    c->sentence.normalize = m->n_after && m->after[m->n_after - 1].kind == LL_MODULE_NORMALIZE;
    c->sentence.modules = m->after;
    c->sentence.n_modules = m->n_after - (c->sentence.normalize ? 1 : 0);
    c->sentence.transformer_path = m->transformer;
    c->sentence.pooling_path = m->pooling;
    return LLMCS_OK;
}

const char *const ll_sentence_settings_files[LL_N_SENTENCE_SETTINGS_FILES] = {
    "sentence_bert_config.json",      "sentence_roberta_config.json", "sentence_distilbert_config.json",
    "sentence_camembert_config.json", "sentence_albert_config.json",  "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
};

/* Arguments of Transformers' classes that change their results. */
static const ll_unapplied unapplied[] = {
    {"model_args", NAN, NULL}, {"tokenizer_args", NAN, NULL}, {"config_args", NAN, NULL}, {NULL, 0, NULL}};

static llmcs_status read_transformer_settings(ll_config *c, const ll_settings *f, const ll_log *log) {
    static const char *const keys[] = {"max_seq_length", "do_lower_case", NULL};
    const char *const *const known[] = {keys, NULL};
    int64_t max_seq_length = 0;
    bool lower = false;
    LL_TRY(ll_settings_int_or_null(f, "max_seq_length", 1, INT32_MAX, &max_seq_length));
    LL_TRY(ll_settings_bool_or_null(f, "do_lower_case", &lower));
    c->sentence.max_seq_length = (int32_t)max_seq_length;
    c->sentence.do_lower_case = lower;
    ll_config_log_unapplied(f, unapplied, log);
    ll_config_log_unknown(f, known, unapplied, log);
    return LLMCS_OK;
}

llmcs_status ll_config_open_in_module(const ll_config *c, const ll_source *source, const char *module, const char *name,
                                      ll_settings *f, bool *there) {
    const llmcs_allocator *a = &c->arena.allocator;
    ll_source inner = ll_source_in(source, module);
    LL_TRY(ll_source_has(&inner, a, name, there));
    return *there ? ll_settings_open(f, a, &inner, name, LL_JSON_OBJECT) : LLMCS_OK;
}

/* Opens the first of the files that exists. */
static llmcs_status read_transformer_file(ll_config *c, const ll_source *source, const ll_log *log) {
    ll_settings f;
    bool there = false;
    for (size_t i = 0; !there && i < LL_N_SENTENCE_SETTINGS_FILES; i++)
        LL_TRY(ll_config_open_in_module(c, source, c->sentence.transformer_path, ll_sentence_settings_files[i], &f,
                                        &there));
    if (!there) return LLMCS_OK;
    llmcs_status status = read_transformer_settings(c, &f, log);
    ll_settings_close(&f);
    return status;
}

/* ------------------------------------------------------------------------------------------------ prompts */

/* prompts: texts by their name. */
static llmcs_status read_prompts(ll_config *c, const ll_settings *f) {
    ll_json prompts;
    ll_prompt *list;
    LL_TRY(ll_settings_find(f, "prompts", &prompts));
    const ll_json_type type = ll_json_get_type(prompts);
    if (type != LL_JSON_MISSING && type != LL_JSON_NULL && type != LL_JSON_OBJECT)
        return ll_settings_bad(f, "prompts", prompts, "an object of texts by their name");
    if (ll_json_count(prompts) > LL_MAX_PROMPTS) /* their names are compared one by one */
        return ll_fail(LLMCS_LIMIT, "%s: prompts: %zu texts, at most %d are read", f->name, ll_json_count(prompts),
                       LL_MAX_PROMPTS);
    LL_TRY(ll_arena_alloc(&c->arena, ll_json_count(prompts), sizeof *list, f->name, &list));
    for (ll_json p = ll_json_first(prompts); ll_json_get_type(p); p = ll_json_next(p)) {
        ll_prompt *prompt = &list[c->sentence.n_prompts];
        size_t n_bytes;
        const char *name = ll_json_key(p, &n_bytes);
        if (memchr(name, 0, n_bytes)) return ll_settings_bad(f, "prompts", p, "names without NUL characters");
        LL_TRY(ll_arena_copy_text(&c->arena, name, n_bytes, f->name, &prompt->name));
        LL_TRY(ll_config_copy_text(c, f, "prompts", p, &prompt->text));
        if (ll_config_prompt(c, prompt->name))
            return ll_fail(LLMCS_CONFIG, "%s: prompts: \"%.60s\" occurs twice", f->name, prompt->name);
        c->sentence.n_prompts++;
        c->sentence.prompts = list;
    }
    return LLMCS_OK;
}

const char *ll_config_prompt(const ll_config *c, const char *name) {
    for (size_t i = 0; i < c->sentence.n_prompts; i++)
        if (strcmp(c->sentence.prompts[i].name, name) == 0) return c->sentence.prompts[i].text;
    return NULL;
}

/* The prompt that sentence-transformers prepends when the caller names none. */
static llmcs_status read_default_prompt(ll_config *c, const ll_settings *f, const ll_log *log) {
    ll_json name;
    const char *wanted;
    LL_TRY(read_prompts(c, f));
    LL_TRY(ll_settings_find(f, "default_prompt_name", &name));
    if (ll_json_get_type(name) == LL_JSON_MISSING || ll_json_get_type(name) == LL_JSON_NULL) {
        for (size_t i = 0; i < c->sentence.n_prompts; i++) {
            const ll_prompt *p = &c->sentence.prompts[i];
            if (p->text[0])
                ll_log_say(log, LLMCS_LOG_INFO,
                           "%s: prompts: \"%.40s\" is not the default: prompt_name \"%.40s\" prepends \"%.80s\" to a "
                           "text",
                           f->name, p->name, p->name, p->text);
        }
        return LLMCS_OK;
    }
    LL_TRY(ll_config_copy_text(c, f, "default_prompt_name", name, &wanted));
    c->sentence.prompt = ll_config_prompt(c, wanted);
    if (!c->sentence.prompt) return ll_settings_bad(f, "default_prompt_name", name, "one of the names in prompts");
    if (c->sentence.prompt[0])
        ll_log_say(log, LLMCS_LOG_INFO, "%s: default_prompt_name: \"%.60s\" is prepended to every text", f->name,
                   c->sentence.prompt);
    return LLMCS_OK;
}

/* The similarity function of the folder's vectors (similarity_functions.py); cosine if the folder names none. */
static llmcs_status read_similarity(ll_config *c, const ll_settings *f) {
    static const char *const names[] = {"cosine", "dot", "euclidean", "manhattan"};
    ll_json v;
    LL_TRY(ll_settings_find(f, "similarity_fn_name", &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_get_type(v) == LL_JSON_NULL) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_STRING) return ll_settings_bad(f, "similarity_fn_name", v, "a string");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (ll_json_equals(v, names[i])) {
            c->sentence.similarity = names[i];
            return LLMCS_OK;
        }
    return ll_settings_unsupported(f, "similarity_fn_name", v, "cosine, dot, euclidean, manhattan");
}

static llmcs_status read_vector_settings(ll_config *c, const ll_settings *f, const ll_log *log) {
    static const char *const keys[] = {"__version__",        "prompts",    "default_prompt_name",
                                       "similarity_fn_name", "model_type", NULL};
    static const ll_unapplied none[] = {{NULL, 0, NULL}};
    const char *const *const known[] = {keys, NULL};
    ll_json type;
    LL_TRY(read_default_prompt(c, f, log));
    LL_TRY(read_similarity(c, f));
    LL_TRY(ll_settings_find(f, "model_type", &type));
    if (ll_json_get_type(type) == LL_JSON_STRING && !ll_json_equals(type, "SentenceTransformer"))
        return ll_settings_unsupported(f, "model_type", type, "SentenceTransformer");
    ll_config_log_unknown(f, known, none, log);
    return LLMCS_OK;
}

static llmcs_status read_prompts_file(ll_config *c, const ll_source *source, const ll_log *log) {
    ll_settings f;
    bool there;
    LL_TRY(ll_config_open_in_module(c, source, "", LL_SENTENCE_PROMPTS_FILE, &f, &there));
    if (!there) return LLMCS_OK;
    llmcs_status status = read_vector_settings(c, &f, log);
    ll_settings_close(&f);
    return status;
}

llmcs_status ll_config_sentence(ll_config *c, const ll_source *source, const ll_log *log) {
    const llmcs_allocator *a = &c->arena.allocator;
    ll_settings f;
    modules m = {0};
    bool there;
    LL_TRY(ll_source_has(source, a, "modules.json", &there));
    if (!there) return LLMCS_OK;
    LL_TRY(ll_settings_open(&f, a, source, "modules.json", LL_JSON_ARRAY));
    llmcs_status status = read_modules(c, &f, &m);
    ll_settings_close(&f);
    if (status) return status;
    if (source->gguf) c->sentence.transformer_path = ""; /* the network's files are at its top */
    c->sentence.strip = true;
    c->sentence.similarity = "cosine";
    LL_TRY(read_transformer_file(c, source, log));
    return read_prompts_file(c, source, log);
}
