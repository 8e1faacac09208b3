#include "report.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "gen_params.h"

/* ---- the model */

static bool set(json_t *to, const char *key, json_t *value) { return !json_object_set_new(to, key, value); }

static json_t *json_plain(const char *text) { return json_text(text, strlen(text)); }

static json_t *json_labels(const llmcs_model *model, int32_t n) {
    json_t *list = json_array();
    for (int32_t i = 0; i < n; i++) json_array_append_new(list, json_plain(llmcs_model_label(model, i)));
    return list;
}

/* A sentence-transformers folder's prompts by their names. */
static json_t *json_prompts(const llmcs_model *model) {
    json_t *prompts = json_object();
    const char *name;
    for (int32_t i = 0; (name = llmcs_model_prompt_name(model, i)); i++)
        set(prompts, name, json_plain(llmcs_model_prompt_text(model, name)));
    return prompts;
}

static json_t *json_heads(uint32_t heads) {
    static const char *const names[] = {"causal-lm", "classification",       "masked-lm",          "embedding",
                                        "pooler",    "token-classification", "question-answering", "seq2seq-lm"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (heads >> i & 1) json_array_append_new(list, json_string(names[i]));
    return list;
}

static json_t *json_description(const llmcs_tokenizer *tokenizer) {
    char text[4096];
    size_t n;
    return llmcs_tokenizer_describe(tokenizer, text, sizeof text, &n) ? json_null() : json_text(text, n);
}

bool report_model(json_t *to, const llmcs_model *model) {
    llmcs_model_info m = {.struct_size = sizeof m};
    if (llmcs_model_get_info(model, &m)) return false;
    const llmcs_tokenizer *tokenizer = llmcs_model_tokenizer(model);
    const struct {
        const char *name;
        int64_t value;
    } integers[] = {{"vocab_size", m.vocab_size},
                    {"n_ctx", m.n_ctx},
                    {"n_embd", m.n_embd},
                    {"n_layer", m.n_layer},
                    {"n_head", m.n_head},
                    {"n_inner", m.n_inner},
                    {"n_embedding", m.n_embedding},
                    {"n_parameters", (int64_t)m.n_parameters},
                    {"weights_bytes", (int64_t)m.weights_bytes},
                    {"n_threads", m.n_threads}};
    bool made = set(to, "model_type", json_plain(m.model_type)) &&
                set(to, "architecture", json_plain(m.architecture)) && set(to, "heads", json_heads(m.heads)) &&
                set(to, "labels", json_labels(model, m.n_labels)) && set(to, "cpu", json_plain(m.cpu)) &&
                set(to, "backend", json_plain(m.backend)) && set(to, "weights", json_plain(m.weights)) &&
                set(to, "kv_type", json_plain(m.kv_type)) && set(to, "similarity", json_plain(m.similarity)) &&
                set(to, "prompts", json_prompts(model)) &&
                set(to, "eos_token_id", m.eos_token_id < 0 ? json_null() : json_integer(m.eos_token_id)) &&
                set(to, "tokenizer", tokenizer ? json_description(tokenizer) : json_null()) &&
                set(to, "tokenizer_tokens",
                    tokenizer ? json_integer((json_int_t)llmcs_tokenizer_n_vocab(tokenizer)) : json_null());
    for (size_t i = 0; i < sizeof integers / sizeof *integers && made; i++)
        made = set(to, integers[i].name, json_integer(integers[i].value));
    return made;
}

bool report_memory(json_t *to, const cli_common *common) {
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.n_threads = common->n_threads;
    options.load_mode = common->mmap ? LLMCS_LOAD_MMAP : LLMCS_LOAD_COPY;
    options.backend = (llmcs_backend)common->backend;
    options.weights = (llmcs_weights)common->weights;
    options.kv_type = (llmcs_kv_type)common->kv_type;
    options.adapters = common->adapters.items;
    options.n_adapters = common->adapters.n;
    return !llmcs_plan(common->folder, &options, NULL, &plan) &&
           set(to, "model_bytes", json_integer((json_int_t)plan.model_bytes)) &&
           set(to, "peak_bytes", json_integer((json_int_t)plan.peak_bytes)) &&
           set(to, "session_bytes", json_integer((json_int_t)plan.session_bytes));
}

json_t *report_generation(const llmcs_model *model) {
    llmcs_generate_params own, folder;
    json_t *found = json_object();
    if (llmcs_generate_params_init(&own, NULL) || llmcs_generate_params_init(&folder, model)) return found;
    for (size_t i = GEN_FIRST_KEY; i < GEN_KEYS; i++) {
        const cli_option *o = &gen_options[i];
        if (o->kind != CLI_INT && o->kind != CLI_SWITCH && o->kind != CLI_FLOAT && o->kind != CLI_NAME) continue;
        const char *mine = (const char *)&own + o->offset - offsetof(gen_params, params);
        const char *its = (const char *)&folder + o->offset - offsetof(gen_params, params);
        if (!memcmp(mine, its, 4)) continue;
        float x;
        int32_t n;
        memcpy(&x, its, sizeof x);
        memcpy(&n, its, sizeof n);
        set(found, o->name,
            o->kind == CLI_FLOAT    ? json_float((double)x)
            : o->kind == CLI_SWITCH ? json_boolean(n)
            : o->kind == CLI_NAME   ? json_string(o->names[n])
                                    : json_integer(n));
    }
    const struct {
        const char *name;
        size_t n;
    } lists[] = {{"stop_strings", folder.n_stop_strings},
                 {"bad_words_ids", folder.n_bad_words_ids},
                 {"logit_bias", folder.n_logit_bias},
                 {"suppress_tokens", folder.suppress_tokens.n_ids},
                 {"begin_suppress_tokens", folder.begin_suppress_tokens.n_ids},
                 {"forced_bos_token_id", folder.forced_bos_token_id.n_ids},
                 {"forced_eos_token_id", folder.forced_eos_token_id.n_ids},
                 {"sequence_bias", folder.n_sequence_bias}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (lists[i].n) set(found, lists[i].name, json_sprintf("%zu of them", lists[i].n));
    if (folder.max_time > 0) set(found, "max_time", json_float(folder.max_time));
    if (folder.exponential_decay_factor != 1.0f)
        set(found, "exponential_decay_length_penalty",
            json_pack("[i, f]", folder.exponential_decay_start, (double)folder.exponential_decay_factor));
    return found;
}

json_t *report_log(const cli_log *log, llmcs_log_level level) {
    json_t *list = json_array();
    for (size_t i = 0; i < log->n; i++)
        if (log->levels[i] == level) json_array_append_new(list, json_plain(log->lines[i]));
    return list;
}

/* ---- the settings of a folder's files */

static const char *const generation_keys[] = {"do_sample",
                                              "temperature",
                                              "top_k",
                                              "top_p",
                                              "min_p",
                                              "typical_p",
                                              "num_beams",
                                              "num_return_sequences",
                                              "max_length",
                                              "min_length",
                                              "max_new_tokens",
                                              "min_new_tokens",
                                              "length_penalty",
                                              "repetition_penalty",
                                              "no_repeat_ngram_size",
                                              "early_stopping",
                                              "bad_words_ids",
                                              "problem_type",
                                              "task_specific_params",
                                              NULL};
static const char *const tokenizer_keys[] = {"do_lower_case",    "strip_accents", "tokenize_chinese_chars",
                                             "add_prefix_space", "padding_side",  "truncation_side",
                                             "model_max_length", "chat_template", NULL};

/* keys: NULL for all but those that begin with "_" and versions. */
static const struct {
    const char *file;
    const char *const *keys;
} setting_files[] = {
    {"config.json", generation_keys}, {"generation_config.json", NULL},    {"tokenizer_config.json", tokenizer_keys},
    {"modules.json", NULL},           {"sentence_bert_config.json", NULL}, {"config_sentence_transformers.json", NULL},
    {"prompt_template.json", NULL}};

static bool is_wanted(const char *const *keys, const char *key) {
    if (!keys) return *key != '_' && !strstr(key, "version");
    for (; *keys; keys++)
        if (!strcmp(*keys, key)) return true;
    return false;
}

/* modules.json is a list: the last word of each module's type by its path. */
static json_t *module_types(const json_t *modules) {
    json_t *found = json_object();
    for (size_t i = 0; i < json_array_size(modules); i++) {
        const char *type = json_string_value(json_object_get(json_array_get(modules, i), "type"));
        const char *dot = type ? strrchr(type, '.') : NULL;
        char name[32];
        snprintf(name, sizeof name, "module %zu", i);
        if (type) set(found, name, json_string(dot ? dot + 1 : type));
    }
    return found;
}

static void add_file_settings(json_t *to, const char *folder, const char *name, const char *const *keys) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return;
    json_t *file = json_load_file(path, 0, NULL), *value, *found = json_object();
    const char *key;
    if (json_is_array(file)) {
        json_decref(found);
        found = module_types(file);
    } else {
        json_object_foreach(file, key, value) {
            const bool off = json_is_false(value) && strstr(name, "Pooling"); /* a pooling says yes to one of many */
            if (is_wanted(keys, key) && !json_is_null(value) && !off) json_object_set(found, key, value);
        }
    }
    if (json_object_size(found)) json_object_set(to, name, found);
    json_decref(found);
    json_decref(file);
}

json_t *report_settings(const char *folder) {
    json_t *settings = json_object();
    for (size_t i = 0; i < sizeof setting_files / sizeof *setting_files; i++)
        add_file_settings(settings, folder, setting_files[i].file, setting_files[i].keys);
    DIR *entries = opendir(folder);
    for (struct dirent *e; entries && (e = readdir(entries));) {
        char name[300];
        snprintf(name, sizeof name, "%s/config.json", e->d_name);
        if (strstr(e->d_name, "Pooling")) add_file_settings(settings, folder, name, NULL);
    }
    if (entries) closedir(entries);
    return settings;
}

/* ---- printing */

static void print_title(const char *title) { printf("%-*s", REPORT_COLUMN, title); }

static void print_line(const char *text) {
    cli_print_escaped(stdout, text, strlen(text), true);
    putchar('\n');
}

void report_print_list(const char *title, const json_t *list, const char *empty) {
    if (!json_array_size(list) && !empty) return;
    print_title(title);
    if (!json_array_size(list)) print_line(empty);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (i) print_title("");
        print_line(json_string_value(json_array_get(list, i)));
    }
}

/* "file: key=value key=value", wrapped. */
static void print_members(const char *file, const json_t *object) {
    enum { MAX_VALUE = 60 };
    const char *key;
    json_t *value;
    char *line = NULL;
    size_t n_line;
    FILE *to = open_memstream(&line, &n_line);
    if (!to) return;
    cli_print_escaped(to, file, strlen(file), true);
    fputc(':', to);
    json_object_foreach((json_t *)object, key, value) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
        const size_t len = text ? strlen(text) : 0, n = text ? cli_cut_utf8(text, len, MAX_VALUE) : 0;
        fputc(' ', to);
        cli_print_escaped(to, key, strlen(key), true);
        fputc('=', to);
        cli_print_escaped(to, text ? text : "", n, true);
        if (n < len) fputs("...", to);
        free(text);
    }
    if (!fclose(to)) cli_print_wrapped(stdout, REPORT_COLUMN, REPORT_COLUMN, line);
    free(line);
}

void report_print_settings(const char *title, const json_t *settings, const char *empty) {
    const char *file;
    json_t *members;
    print_title(title);
    if (!json_object_size(settings)) print_line(empty);
    bool first = true;
    json_object_foreach((json_t *)settings, file, members) {
        if (!first) print_title("");
        first = false;
        print_members(file, members);
    }
}
