/* llmcs_merge: writes a folder with adapters applied as a new folder. Everything is checked as in llmcs_model_open
 * before the first byte is written. */
#include <string.h>

#include "base/call.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/options.h"
#include "base/output_folder.h"
#include "formats/convert.h"
#include "formats/folder.h"
#include "formats/safetensors_write.h"
#include "formats/settings.h"
#include "formats/tokenizer_read.h"
#include "runtime/model/model.h"

#define PARAMS_OLDEST LL_SIZE_UP_TO(llmcs_merge_params, progress_user)
#define CHUNK_ELEMENTS ((size_t)1 << 18)

void llmcs_merge_params_init_sized(llmcs_merge_params *params, size_t struct_size) {
    const llmcs_merge_params defaults = {.struct_size = sizeof defaults};
    ll_options_init(params, struct_size, &defaults, sizeof defaults);
}

static llmcs_status check_params(const llmcs_merge_params *params, llmcs_merge_params *out) {
    llmcs_merge_params_init(out);
    if (!params) return LLMCS_OK;
    LL_TRY(ll_options_in(out, sizeof *out, PARAMS_OLDEST, params, "llmcs_merge_params"));
    if (out->allocator && (!out->allocator->alloc || !out->allocator->free))
        return ll_fail(LLMCS_ARG, "allocator: alloc or free is NULL");
    return LLMCS_OK;
}

/* Everything that is open while the folder is written. */
typedef struct merge {
    llmcs_allocator allocator;
    ll_log log;
    const llmcs_merge_params *params;
    ll_source source;
    ll_config config;
    bool untied; /* the adapters untied the head from the embeddings */
    ll_adapters *adapters;
    ll_tensors *tensors;
    ll_net *net;
    const ll_tensor **written; /* [n_written] in the order of the file */
    size_t n_written;
    uint64_t n_done, n_elements;
    float *values; /* [CHUNK_ELEMENTS] */
    unsigned char *raw;
} merge;

static void free_merge(merge *m) {
    const llmcs_allocator *a = &m->allocator;
    ll_free(a, m->raw);
    ll_free(a, m->values);
    ll_free(a, m->written);
    ll_net_free(&m->net);
    if (m->tensors) ll_tensors_close(&m->tensors);
    ll_adapters_close(&m->adapters);
    ll_config_free(&m->config);
    ll_source_close(&m->source);
}

/* ------------------------------------------------------------------------------------------------- the tensors */

static llmcs_status check_dtype(const merge *m, const ll_tensor *t) {
    if (!t->change || t->dtype == LL_DTYPE_F32 || t->dtype == LL_DTYPE_F16 || t->dtype == LL_DTYPE_BF16)
        return LLMCS_OK;
    return ll_fail(LLMCS_UNSUPPORTED,
                   "%s: tensor \"%.100s\": changed weights of type %s are not written, only F32, F16, BF16",
                   ll_tensors_path(m->tensors, t), t->name, t->dtype_name);
}

/* Lists the tensors to write: the checkpoint's, and heads that only the adapted network has, without aliases. */
static llmcs_status list_tensors(merge *m, size_t n_stored) {
    const size_t n = ll_tensors_count(m->tensors);
    LL_TRY(ll_alloc(&m->allocator, n, sizeof(void *), "tensors", &m->written));
    for (size_t i = 0; i < n; i++) {
        const ll_tensor *t = ll_tensors_at(m->tensors, i);
        if (i >= n_stored && !t->change && !m->untied) continue;
        LL_TRY(check_dtype(m, t));
        m->written[m->n_written++] = t;
        m->n_elements += t->n_elements;
    }
    return LLMCS_OK;
}

static llmcs_status open_folder(merge *m, const char *folder, const char *const *adapters, size_t n_adapters) {
    const llmcs_allocator *a = &m->allocator;
    const ll_adapter_paths paths = {adapters, n_adapters, LLMCS_LOAD_COPY, &m->log};
    const ll_kernels *kernels;
    const ll_cpu cpu = ll_cpu_detect();
    LL_TRY(ll_model_open_source(a, folder, LLMCS_LOAD_COPY, &m->source));
    if (m->source.gguf)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: is a GGUF file; give the Hugging Face folder it was made from", folder);
    LL_TRY(ll_config_read(&m->config, a, &m->source, &m->log));
    if (m->config.sentence.present)
        return ll_fail(LLMCS_UNSUPPORTED,
                       "%s: has sentence-transformers' modules.json: give the folder of its Transformer "
                       "module without it, or open the folder with the adapter",
                       folder);
    LL_TRY(ll_tensors_open(a, &m->source, LLMCS_LOAD_COPY, &m->log, &m->tensors));
    const size_t n_stored = ll_tensors_count(m->tensors);
    LL_TRY(ll_tensors_fit(m->tensors, &m->config, &m->log));
    LL_TRY(ll_kernels_pick(&cpu, &kernels));
    LL_TRY(ll_net_create(&m->config, a, kernels, NULL, &m->net));
    const bool was_tied = m->config.tie_word_embeddings;
    LL_TRY(ll_adapters_open(a, &paths, &m->config, m->tensors, m->net, &m->adapters));
    m->untied = was_tied && !m->config.tie_word_embeddings;
    return list_tensors(m, n_stored);
}

static llmcs_status report_progress(merge *m, size_t n) {
    m->n_done += n;
    if (!m->params->progress) return LLMCS_OK;
    ll_call *call = ll_callback_begin();
    const int stop = m->params->progress(m->params->progress_user, (float)((double)m->n_done / (double)m->n_elements));
    ll_callback_end(call);
    return stop ? ll_fail(LLMCS_CANCELLED, "the progress callback stopped merging") : LLMCS_OK;
}

/* Copies a tensor that no adapter changes byte for byte. */
static llmcs_status write_stored(merge *m, const ll_tensor *t, ll_output *out) {
    const size_t most = CHUNK_ELEMENTS * sizeof *m->values;
    for (uint64_t at = 0; at < t->n_bytes;) {
        const size_t n = t->n_bytes - at < most ? (size_t)(t->n_bytes - at) : most;
        LL_TRY(ll_tensors_read_raw(m->tensors, t, at, n, m->raw));
        LL_TRY(ll_output_write(out, m->raw, n));
        at += n;
        LL_TRY(report_progress(m, (size_t)((double)n / (double)t->n_bytes * (double)t->n_elements)));
    }
    return LLMCS_OK;
}

static llmcs_status write_changed(merge *m, const ll_tensor *t, ll_output *out) {
    const ll_dtype_block block = ll_dtype_block_of(t->dtype);
    for (uint64_t at = 0; at < t->n_elements;) {
        const size_t n = t->n_elements - at < CHUNK_ELEMENTS ? (size_t)(t->n_elements - at) : CHUNK_ELEMENTS;
        size_t bad;
        LL_TRY(ll_tensors_read_f32(m->tensors, t, at, n, m->values));
        if (!ll_convert_from_f32(t->dtype, m->values, n, m->raw, &bad))
            return ll_fail(LLMCS_NUMERIC,
                           "%s: tensor \"%.80s\": with the adapter element %llu is not finite or too large for %s",
                           ll_tensors_path(m->tensors, t), t->name, (unsigned long long)(at + bad), t->dtype_name);
        LL_TRY(ll_output_write(out, m->raw, n * block.bytes));
        at += n;
        LL_TRY(report_progress(m, n));
    }
    return LLMCS_OK;
}

static void abandon_unless_finished(ll_output **out) {
    if (*out) ll_output_abandon(*out);
}

static llmcs_status write_tensors(merge *m, ll_output_folder *folder) {
    ll_output output;
    LL_TRY(ll_alloc(&m->allocator, CHUNK_ELEMENTS, sizeof *m->values, "weights", &m->values));
    LL_TRY(ll_alloc(&m->allocator, CHUNK_ELEMENTS, sizeof *m->values, "weights", &m->raw));
    LL_TRY(ll_output_folder_file(folder, "model.safetensors", &output));
    ll_output *out LL_CLEANUP(abandon_unless_finished) = &output; /* the progress callback may throw */
    LL_TRY(ll_safetensors_write_header(out, &m->allocator, m->written, m->n_written));
    for (size_t i = 0; i < m->n_written; i++)
        LL_TRY((m->written[i]->change ? write_changed : write_stored)(m, m->written[i], out));
    LL_TRY(ll_tensors_check_unchanged(m->tensors));
    LL_TRY(ll_adapters_check_unchanged(m->adapters));
    out = NULL;
    return ll_output_finish(&output);
}

/* ----------------------------------------------------------------------------------------------- small files */

static llmcs_status write_file(ll_output_folder *folder, const char *name, const char *parts[3],
                               const size_t sizes[3]) {
    ll_output output;
    llmcs_status status = LLMCS_OK;
    LL_TRY(ll_output_folder_file(folder, name, &output));
    for (int i = 0; i < 3 && !status; i++) status = ll_output_write(&output, parts[i], sizes[i]);
    if (!status) return ll_output_finish(&output);
    ll_output_abandon(&output);
    return status;
}

static llmcs_status copy_file(const merge *m, ll_output_folder *folder, const char *name) {
    char *path, *text;
    size_t n;
    LL_TRY(ll_source_join(&m->source, &m->allocator, name, &path));
    llmcs_status status = ll_file_read_all(&m->allocator, path, LL_MAX_TOKENIZER_FILE, &text, &n);
    ll_free(&m->allocator, path);
    LL_TRY(status);
    const char *parts[3] = {text, "", ""};
    status = write_file(folder, name, parts, (const size_t[3]){n, 0, 0});
    ll_free(&m->allocator, text);
    return status;
}

/* Writes config.json with tie_word_embeddings false: replaces the value or adds the key. */
static llmcs_status write_untied_config(const merge *m, ll_output_folder *folder, const ll_settings *f) {
    static const char added[] = "\"tie_word_embeddings\": false, ";
    ll_json v;
    size_t n_found;
    LL_TRY(ll_settings_find(f, "tie_word_embeddings", &v));
    if (ll_json_get_type(ll_json_get(f->root, "text_config")) != LL_JSON_MISSING)
        return ll_fail(LLMCS_UNSUPPORTED,
                       "%s: the adapter unties embeddings and head, which is not supported for a config.json with "
                       "text_config; open the folder with the adapter instead",
                       m->source.path);
    const bool there = ll_json_get_type(v) != LL_JSON_MISSING;
    ll_json_source(v, &n_found);
    const size_t at = (size_t)ll_json_offset(there ? v : f->root) + !there;
    const char *rest = f->text + at + (there ? n_found : 0);
    const char *parts[3] = {f->text, there ? "false" : added, rest};
    return write_file(folder, "config.json", parts, (const size_t[3]){at, strlen(parts[1]), strlen(rest)});
}

static llmcs_status write_config(const merge *m, ll_output_folder *folder) {
    ll_settings f;
    if (!m->untied) return copy_file(m, folder, "config.json");
    LL_TRY(ll_settings_open(&f, &m->allocator, &m->source, "config.json", LL_JSON_OBJECT));
    const llmcs_status status = write_untied_config(m, folder, &f);
    ll_settings_close(&f);
    return status;
}

static llmcs_status copy_files(const merge *m, ll_output_folder *folder) {
    static const char *const names[] = {"generation_config.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "added_tokens.json",
                                        "vocab.json",
                                        "merges.txt",
                                        "vocab.txt",
                                        "tokenizer.model",
                                        "spiece.model",
                                        "sentencepiece.bpe.model",
                                        "spm.model",
                                        "source.spm",
                                        "target.spm",
                                        "chat_template.jinja",
                                        "chat_template.json"};
    LL_TRY(write_config(m, folder));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool there;
        LL_TRY(ll_source_has(&m->source, &m->allocator, names[i], &there));
        if (there) LL_TRY(copy_file(m, folder, names[i]));
    }
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------------ merge */

static void abandon_folder(ll_output_folder **folder) {
    if (*folder) ll_output_folder_abandon(*folder);
}

static llmcs_status write_folder(merge *m, const char *out_folder) {
    ll_output_folder output;
    LL_TRY(ll_output_folder_begin(&output, &m->allocator, out_folder));
    ll_output_folder *folder LL_CLEANUP(abandon_folder) = &output;
    LL_TRY(copy_files(m, folder));
    LL_TRY(write_tensors(m, folder));
    folder = NULL;
    return ll_output_folder_finish(&output);
}

llmcs_status llmcs_merge(const char *folder, const char *const *adapters, size_t n_adapters, const char *out_folder,
                         const llmcs_merge_params *params) {
    LL_PUBLIC_CALL;
    llmcs_merge_params p;
    LL_TRY(check_params(params, &p));
    if (!out_folder || !*out_folder) return ll_fail(LLMCS_ARG, "llmcs_merge: the path of the folder to write is empty");
    if (!adapters || !n_adapters) return ll_fail(LLMCS_ARG, "llmcs_merge: no adapters given");
    merge m LL_CLEANUP(free_merge) = {
        .allocator = ll_allocator_or_default(p.allocator), .log = {p.log, p.log_user}, .params = &p};
    LL_TRY(open_folder(&m, folder, adapters, n_adapters));
    return write_folder(&m, out_folder);
}
