/* A folder as one GGUF file. Everything is read and checked as llmcs_model_open does, before the first byte is written.
 */
#include "runtime/quantize/quantize.h"

#include <string.h>

#include "base/call.h"
#include "base/cpu.h"
#include "base/options.h"
#include "formats/folder.h"
#include "formats/gguf_export.h"
#include "kernels/kernels.h"
#include "runtime/model/model.h"
#include "text/tokenizer.h"

#define PARAMS_OLDEST LL_SIZE_UP_TO(llmcs_quantize_params, progress_user)

void llmcs_quantize_params_init_sized(llmcs_quantize_params *params, size_t struct_size) {
    const llmcs_quantize_params defaults = {.struct_size = sizeof defaults};
    ll_options_init(params, struct_size, &defaults, sizeof defaults);
}

static llmcs_status read_params(const llmcs_quantize_params *params, llmcs_quantize_params *out) {
    llmcs_quantize_params_init(out);
    if (!params) return LLMCS_OK;
    LL_TRY(ll_options_in(out, sizeof *out, PARAMS_OLDEST, params, "llmcs_quantize_params"));
    if ((unsigned)out->type > LLMCS_GGUF_F32)
        return ll_fail(LLMCS_ARG, "type: %d is not valid (0 to %d)", (int)out->type, LLMCS_GGUF_F32);
    if (out->allocator && (!out->allocator->alloc || !out->allocator->free))
        return ll_fail(LLMCS_ARG, "allocator: alloc or free is NULL");
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- the folder */

/* Everything that is open while the file is written. */
typedef struct job {
    llmcs_allocator allocator;
    ll_log log;
    ll_dtype dtype;
    ll_source source;
    ll_config config;
    bool has_tokenizer;
    ll_source tokenizer_source;
    ll_tokenizer_spec spec;
    llmcs_tokenizer *tokenizer;
    ll_tensors *tensors;
    ll_net *net;
    uint8_t *seen; /* [tensors] by number */
    ll_stored *stored;
    size_t n_stored;
    ll_gguf_header header;
} job;

static void close_job(job *j) {
    const llmcs_allocator *a = &j->allocator;
    ll_gguf_header_free(&j->header);
    ll_free(a, j->stored);
    ll_free(a, j->seen);
    ll_net_free(&j->net);
    if (j->tensors) ll_tensors_close(&j->tensors);
    llmcs_tokenizer_free(&j->tokenizer);
    if (j->has_tokenizer) ll_tokenizer_spec_free(&j->spec);
    ll_config_free(&j->config);
    ll_source_close(&j->source);
}

static llmcs_status open_tokenizer(job *j) {
    const llmcs_allocator *a = &j->allocator;
    LL_TRY(ll_model_find_tokenizer(a, &j->source, &j->config, &j->tokenizer_source, &j->has_tokenizer));
    if (!j->has_tokenizer) return LLMCS_OK;
    llmcs_status st = ll_tokenizer_files_read(&j->spec, a, &j->tokenizer_source, j->config.model_type, &j->log);
    j->has_tokenizer = st == LLMCS_OK;
    if (st == LLMCS_UNSUPPORTED) { /* as the model opens: for token ids only */
        ll_log_say(&j->log, LLMCS_LOG_WARN, "the file is written without a tokenizer: %s", llmcs_error_message());
        return LLMCS_OK;
    }
    if (!st) st = ll_tokenizer_create(&j->spec, a, &j->tokenizer);
    return st ? st : ll_model_fit_tokenizer(j->tokenizer, j->source.path, &j->config, &j->log);
}

static llmcs_status open_folder(job *j, const char *path) {
    const llmcs_allocator *a = &j->allocator;
    ll_cpu cpu = ll_cpu_detect();
    const ll_kernels *kernels;
    LL_TRY(ll_model_open_source(a, path, LLMCS_LOAD_COPY, &j->source));
    if (j->source.gguf)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: is a GGUF file already; give the Hugging Face folder it was made from",
                       path);
    LL_TRY(ll_config_read(&j->config, a, &j->source, &j->log));
    LL_TRY(open_tokenizer(j));
    ll_source module = ll_model_module(&j->source, &j->config);
    LL_TRY(ll_tensors_open(a, &module, LLMCS_LOAD_COPY, &j->log, &j->tensors));
    LL_TRY(ll_tensors_fit(j->tensors, &j->config, &j->log));
    LL_TRY(ll_kernels_pick(&cpu, &kernels));
    return ll_net_create(&j->config, a, kernels, NULL, &j->net);
}

/* ------------------------------------------------------------------------------------------------- the header */

/* Called by the network for every tensor that it would load. */
static void add_tensor(void *user, const ll_tensor *t) {
    job *j = user;
    size_t i = (size_t)(t - ll_tensors_at(j->tensors, 0));
    if (j->seen[i]) return;
    j->seen[i] = 1;
    j->stored[j->n_stored++].tensor = t;
}

/* The network's tensors, in its order; other tensors of the checkpoint (masks, position ids, tied copies) are not
 * written. */
static llmcs_status plan_tensors(job *j, uint64_t *n_elements) {
    size_t n = ll_tensors_count(j->tensors), n_fallback = 0;
    const ll_tensor *example = NULL;
    LL_TRY(ll_alloc_zero(&j->allocator, n, 1, "tensors", &j->seen));
    LL_TRY(ll_alloc(&j->allocator, n, sizeof *j->stored, "tensors", &j->stored));
    LL_TRY(ll_net_visit(j->net, j->tensors, add_tensor, j));
    *n_elements = 0;
    for (size_t i = 0; i < j->n_stored; i++) {
        ll_stored *s = &j->stored[i];
        bool fallback;
        LL_TRY(ll_stored_plan(s, s->tensor, ll_tensors_plain_name(j->tensors, s->tensor), &j->config, j->dtype,
                              &fallback));
        *n_elements += s->tensor->n_elements;
        n_fallback += fallback;
        if (fallback) example = s->tensor;
    }
    if (example)
        ll_log_say(&j->log, LLMCS_LOG_WARN, "%zu matrices are float16: their rows are not multiples of 32 (\"%.80s\")",
                   n_fallback, example->name);
    return LLMCS_OK;
}

/* Will llama.cpp refuse the file, because of the network or of a tensor it does not know? Logs why. */
static bool is_foreign(const job *j) {
    const char *reason = ll_gguf_foreign_to_llama_cpp(&j->config), *unknown = NULL;
    for (size_t i = 0; i < j->n_stored && !reason; i++)
        if (!j->stored[i].known) unknown = j->stored[i].name;
    if (reason) ll_log_say(&j->log, LLMCS_LOG_WARN, "llama.cpp will not open this file: %s", reason);
    if (unknown)
        ll_log_say(&j->log, LLMCS_LOG_WARN, "llama.cpp will not open this file: it has no tensor \"%s\"", unknown);
    return reason || unknown;
}

static llmcs_status put_header(job *j) {
    ll_gguf_header *h = &j->header;
    int32_t special[LL_N_SPECIAL];
    bool foreign = is_foreign(j);
    for (int role = 0; role < LL_N_SPECIAL && j->tokenizer; role++)
        special[role] = llmcs_special_token(j->tokenizer, (llmcs_special)role);
    ll_gguf_header_init(h, &j->allocator);
    ll_gguf_export_network(h, &j->config, j->dtype, foreign);
    LL_TRY(ll_gguf_export_tokenizer(h, j->has_tokenizer ? &j->spec : NULL, special, &j->config));
    LL_TRY(ll_gguf_export_files(h, &j->source, j->has_tokenizer ? &j->tokenizer_source : NULL, &j->config));
    for (size_t i = 0; i < j->n_stored; i++) {
        const ll_stored *s = &j->stored[i];
        ll_gguf_put_tensor(h, s->name, ll_gguf_type_number(s->dtype), s->rank, s->shape, s->n_bytes);
    }
    return ll_gguf_header_finish(h);
}

/* --------------------------------------------------------------------------------------------------- the file */

static llmcs_status write_all(job *j, ll_output *out, ll_weights_progress *progress) {
    LL_TRY(ll_output_write(out, j->header.bytes, j->header.n_bytes));
    for (size_t i = 0; i < j->n_stored; i++)
        LL_TRY(ll_stored_write(&j->stored[i], j->tensors, &j->allocator, out, progress));
    return ll_tensors_check_unchanged(j->tensors);
}

/* Renaming a finished file over one that was read would leave a folder that no longer opens. */
static llmcs_status check_target_in(const job *j, const ll_source *folder, const char *out_path) {
    static const char *const names[] = {"config.json",       "generation_config.json",
                                        "modules.json",      LL_SENTENCE_PROMPTS_FILE,
                                        "tokenizer.json",    "tokenizer_config.json",
                                        "added_tokens.json", "special_tokens_map.json",
                                        "vocab.json",        "merges.txt",
                                        "vocab.txt",         "model.safetensors.index.json"};
    const size_t n = sizeof names / sizeof *names;
    for (size_t i = 0; i < n + LL_N_SENTENCE_SETTINGS_FILES; i++) {
        char *path;
        LL_TRY(ll_source_join(folder, &j->allocator, i < n ? names[i] : ll_sentence_settings_files[i - n], &path));
        const bool same = ll_folder_would_replace(out_path, path);
        ll_free(&j->allocator, path);
        if (same) return ll_fail(LLMCS_ARG, "%s: is one of the files that are read: write to another path", out_path);
    }
    return LLMCS_OK;
}

static llmcs_status check_target(const job *j, const char *out_path) {
    const ll_source module = ll_model_module(&j->source, &j->config);
    const ll_source pooling = ll_source_in(&j->source, j->config.sentence.pooling_path);
    if (ll_tensors_would_replace(j->tensors, out_path))
        return ll_fail(LLMCS_ARG, "%s: holds the weights that are read: write to another path", out_path);
    LL_TRY(check_target_in(j, &j->source, out_path));
    LL_TRY(check_target_in(j, &module, out_path));
    return check_target_in(j, &pooling, out_path);
}

static void abandon_unless_finished(ll_output **out) {
    if (*out) ll_output_abandon(*out);
}

static llmcs_status write_file(job *j, const char *folder, const char *out_path, const llmcs_quantize_params *p) {
    ll_weights_progress progress = {.fn = p->progress, .user = p->progress_user};
    ll_output output;
    LL_TRY(open_folder(j, folder));
    LL_TRY(check_target(j, out_path));
    LL_TRY(plan_tensors(j, &progress.total));
    LL_TRY(put_header(j));
    LL_TRY(ll_output_begin(&output, &j->allocator, out_path));
    ll_output *out LL_CLEANUP(abandon_unless_finished) = &output; /* the progress callback may throw */
    LL_TRY(write_all(j, out, &progress));
    out = NULL;
    return ll_output_finish(&output);
}

llmcs_status llmcs_quantize(const char *folder, const char *out_path, const llmcs_quantize_params *params) {
    static const ll_dtype dtypes[] = {LL_DTYPE_Q8_0, LL_DTYPE_Q4_0, LL_DTYPE_F16, LL_DTYPE_BF16, LL_DTYPE_F32};
    LL_PUBLIC_CALL;
    llmcs_quantize_params p;
    LL_TRY(read_params(params, &p));
    if (!out_path || !*out_path) return ll_fail(LLMCS_ARG, "llmcs_quantize: the path of the file to write is empty");
    job j LL_CLEANUP(close_job) = {
        .allocator = ll_allocator_or_default(p.allocator), .log = {p.log, p.log_user}, .dtype = dtypes[p.type]};
    return write_file(&j, folder, out_path, &p);
}
