/* sentence-transformers folders: modules.json lists the modules that a text runs through, each with its folder
 * (https://sbert.net/docs/sentence_transformer/usage/custom_models.html, "Structure of Sentence Transformer Models").
 * A Transformer, a Pooling of its tokens by mean or first token, and perhaps Normalize are what we run. */
#include <math.h>
#include <string.h>

#include "formats/config_parts.h"
#include "formats/folder.h"

/* State while modules.json is read; paths are in the config's arena. */
typedef struct modules {
    const char *transformer, *pooling;
    bool normalize;
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

/* Fails; the message says whether the module or only its position is not supported. */
static llmcs_status refuse_module(const ll_settings *f, const char *name, const char *type, const modules *m) {
    const bool pooling = strcmp(name, "Pooling") == 0, transformer = strcmp(name, "Transformer") == 0;
    if ((pooling && m->pooling) || (transformer && m->transformer))
        return ll_fail(LLMCS_UNSUPPORTED, "%s: a second %s module is not supported: the text runs through one %s only",
                       f->name, name, name);
    if (pooling || strcmp(name, "Normalize") == 0)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: a %s module before the %s is not supported", f->name, name,
                       pooling ? "Transformer" : "Pooling");
    return ll_fail(LLMCS_UNSUPPORTED, "%s: type: \"%.80s\" is not supported here, only Transformer, Pooling, Normalize",
                   f->name, type);
}

/* Adds the next module of the list, which must be able to follow those before it. */
static llmcs_status add_module(ll_config *c, const ll_settings *f, ll_json module, modules *m) {
    const char *type, *path;
    if (ll_json_get_type(module) != LL_JSON_OBJECT) return ll_settings_bad(f, "modules", module, "objects");
    LL_TRY(find_text(c, f, module, "type", &type));
    LL_TRY(find_text(c, f, module, "path", &path));
    if (path[0] && !ll_folder_is_plain_name(path, strlen(path)))
        return ll_fail(LLMCS_CONFIG, "%s: path: \"%.60s\" is not the name of a folder in the model's folder", f->name,
                       path);
    const char *name = class_of(type);
    if (strncmp(type, "sentence_transformers.", 22) != 0)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: type: \"%.80s\" is code that the folder brings, which is not run",
                       f->name, type);
    if (strcmp(name, "Transformer") == 0 && !m->transformer) {
        m->transformer = path;
    } else if (strcmp(name, "Pooling") == 0 && m->transformer && !m->pooling) {
        m->pooling = path;
    } else if (strcmp(name, "Normalize") == 0 && m->pooling) {
        m->normalize = true;
    } else if (strcmp(name, "Dropout") != 0) { /* which does nothing after training */
        return refuse_module(f, name, type, m);
    }
    return LLMCS_OK;
}

static llmcs_status read_modules(ll_config *c, const ll_settings *f, modules *m) {
    for (ll_json v = ll_json_first(f->root); ll_json_get_type(v); v = ll_json_next(v)) LL_TRY(add_module(c, f, v, m));
    if (!m->pooling)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: expected a Transformer and a Pooling module, found no %s", f->name,
                       m->transformer ? "Pooling" : "Transformer");
    c->sentence.present = true;
    c->sentence.normalize = m->normalize;
    c->sentence.transformer_path = m->transformer;
    c->sentence.pooling_path = m->pooling;
    return LLMCS_OK;
}

const char *const ll_sentence_settings_files[LL_N_SENTENCE_SETTINGS_FILES] = {
    "sentence_bert_config.json",      "sentence_roberta_config.json", "sentence_distilbert_config.json",
    "sentence_camembert_config.json", "sentence_albert_config.json",  "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
};

/* Arguments for classes of Transformers, which change what these classes do. */
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

/* Opens `name` of the module's folder if it exists. */
static llmcs_status open_if_there(ll_config *c, const ll_source *source, const char *module, const char *name,
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
        LL_TRY(open_if_there(c, source, c->sentence.transformer_path, ll_sentence_settings_files[i], &f, &there));
    if (!there) return LLMCS_OK;
    llmcs_status status = read_transformer_settings(c, &f, log);
    ll_settings_close(&f);
    return status;
}

/* ------------------------------------------------------------------------------------------------ prompts */

/* The prompt that sentence-transformers prepends when the caller names none. */
static llmcs_status read_prompt(ll_config *c, const ll_settings *f, const ll_log *log) {
    ll_json prompts, name, prompt;
    LL_TRY(ll_settings_find(f, "prompts", &prompts));
    LL_TRY(ll_settings_find(f, "default_prompt_name", &name));
    const ll_json_type type = ll_json_get_type(prompts);
    if (type != LL_JSON_MISSING && type != LL_JSON_NULL && type != LL_JSON_OBJECT)
        return ll_settings_bad(f, "prompts", prompts, "an object of texts by their name");
    if (ll_json_get_type(name) == LL_JSON_MISSING || ll_json_get_type(name) == LL_JSON_NULL) {
        for (ll_json p = ll_json_first(prompts); ll_json_get_type(p); p = ll_json_next(p)) {
            size_t key_bytes, n_bytes;
            const char *key = ll_json_key(p, &key_bytes), *text = ll_json_string(p, &n_bytes);
            if (text && n_bytes)
                ll_log_say(log, LLMCS_LOG_INFO,
                           "%s: prompts: \"%.*s\" is not the default: who wants it puts \"%.*s\" before the text",
                           f->name, (int)ll_min(key_bytes, 40), key, (int)ll_min(n_bytes, 100), text);
        }
        return LLMCS_OK;
    }
    const char *wanted;
    LL_TRY(ll_config_copy_text(c, f, "default_prompt_name", name, &wanted));
    LL_TRY(ll_json_get_unique(prompts, wanted, &prompt));
    if (ll_json_get_type(prompt) == LL_JSON_MISSING)
        return ll_settings_bad(f, "default_prompt_name", name, "one of the names in prompts");
    LL_TRY(ll_config_copy_text(c, f, "prompts", prompt, &c->sentence.prompt));
    if (c->sentence.prompt[0])
        ll_log_say(log, LLMCS_LOG_INFO, "%s: default_prompt_name: \"%.60s\" stands before every text that is embedded",
                   f->name, c->sentence.prompt);
    return LLMCS_OK;
}

static llmcs_status read_prompts_file(ll_config *c, const ll_source *source, const ll_log *log) {
    static const char *const keys[] = {"__version__",        "prompts",    "default_prompt_name",
                                       "similarity_fn_name", "model_type", NULL};
    static const ll_unapplied none[] = {{NULL, 0, NULL}};
    const char *const *const known[] = {keys, NULL};
    ll_settings f;
    ll_json type;
    bool there;
    LL_TRY(open_if_there(c, source, "", LL_SENTENCE_PROMPTS_FILE, &f, &there));
    if (!there) return LLMCS_OK;
    llmcs_status status = read_prompt(c, &f, log);
    if (!status) status = ll_settings_find(&f, "model_type", &type);
    if (!status && ll_json_get_type(type) == LL_JSON_STRING && !ll_json_equals(type, "SentenceTransformer"))
        status = ll_settings_unsupported(&f, "model_type", type, "SentenceTransformer");
    if (!status) ll_config_log_unknown(&f, known, none, log);
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
    if (source->gguf) c->sentence.transformer_path = ""; /* the network's files stand at its top */
    c->sentence.strip = true;
    LL_TRY(read_transformer_file(c, source, log));
    return read_prompts_file(c, source, log);
}

/* ------------------------------------------------------------------------------------------------ pooling */

/* Newer files name the mode. */
static llmcs_status read_mode_name(ll_config *c, const ll_settings *f, ll_json v) {
    if (ll_json_equals(v, "mean")) {
        c->sentence.pooling = LLMCS_POOL_MEAN;
    } else if (ll_json_equals(v, "cls")) {
        c->sentence.pooling = LLMCS_POOL_CLS;
    } else if (ll_json_get_type(v) != LL_JSON_STRING && ll_json_get_type(v) != LL_JSON_ARRAY) {
        return ll_settings_bad(f, "pooling_mode", v, "a string");
    } else {
        return ll_settings_unsupported(f, "pooling_mode", v, "mean, cls");
    }
    return LLMCS_OK;
}

/* Older files have a switch for each mode; mean is on by default. */
static llmcs_status read_mode_switches(ll_config *c, const ll_settings *f) {
    static const char *const unsupported[] = {"pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
                                              "pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"};
    bool cls = false, mean = true;
    LL_TRY(ll_settings_bool_or_null(f, "pooling_mode_cls_token", &cls));
    LL_TRY(ll_settings_bool_or_null(f, "pooling_mode_mean_tokens", &mean));
    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++) {
        bool on = false;
        LL_TRY(ll_settings_bool_or_null(f, unsupported[i], &on));
        if (on) return ll_fail(LLMCS_UNSUPPORTED, "%s: %s is not supported, only mean or cls", f->name, unsupported[i]);
    }
    if (cls && mean)
        return ll_fail(
            LLMCS_UNSUPPORTED,
            "%s: pooling_mode_cls_token and pooling_mode_mean_tokens together (two vectors side by side) are not "
            "supported, only one of them",
            f->name);
    if (!cls && !mean) return ll_fail(LLMCS_CONFIG, "%s: no pooling mode is on", f->name);
    c->sentence.pooling = cls ? LLMCS_POOL_CLS : LLMCS_POOL_MEAN;
    return LLMCS_OK;
}

static llmcs_status read_pooling(ll_config *c, const ll_settings *f) {
    ll_json mode;
    int64_t width = c->n_embd;
    LL_TRY(ll_settings_int_or_null(f, "word_embedding_dimension", 1, INT32_MAX, &width));
    LL_TRY(ll_settings_int_or_null(f, "embedding_dimension", 1, INT32_MAX, &width));
    if (width != c->n_embd)
        return ll_fail(LLMCS_CONFIG, "%s: word_embedding_dimension: %lld, the model has %d", f->name, (long long)width,
                       c->n_embd);
    bool include_prompt = true;
    LL_TRY(ll_settings_bool_or_null(f, "include_prompt", &include_prompt));
    c->sentence.exclude_prompt = !include_prompt;
    LL_TRY(ll_settings_find(f, "pooling_mode", &mode));
    bool named = ll_json_get_type(mode) != LL_JSON_MISSING && ll_json_get_type(mode) != LL_JSON_NULL;
    return named ? read_mode_name(c, f, mode) : read_mode_switches(c, f);
}

llmcs_status ll_config_sentence_pooling(ll_config *c, const ll_source *source) {
    ll_settings f;
    bool there;
    if (!c->sentence.pooling_path) return LLMCS_OK;
    LL_TRY(open_if_there(c, source, c->sentence.pooling_path, "config.json", &f, &there));
    if (!there)
        return ll_fail(LLMCS_CONFIG, "%s/%s: config.json of the Pooling module is missing",
                       ll_folder_tail(source->path), c->sentence.pooling_path);
    llmcs_status status = read_pooling(c, &f);
    ll_settings_close(&f);
    return status;
}
