/* Writes a folder as one GGUF file. Everything is read and checked as in llmcs_model_open before the first byte is
 * written. */
#include "runtime/quantize/quantize.h"

#include <string.h>

#include "base/call.h"
#include "base/cpu.h"
#include "base/options.h"
#include "families/family.h"
#include "formats/folder.h"
#include "formats/gguf_export.h"
#include "kernels/kernels.h"
#include "models/stack.h"
#include "runtime/model/model.h"
#include "text/tokenizer.h"

#define PARAMS_OLDEST LL_SIZE_UP_TO(llmcs_quantize_params, progress_user)

void llmcs_quantize_params_init_sized(llmcs_quantize_params *params, size_t struct_size) {
    const llmcs_quantize_params defaults = {.struct_size = sizeof defaults};
    ll_options_init(params, struct_size, &defaults, sizeof defaults);
}

static llmcs_status check_quantize_params(const llmcs_quantize_params *params, llmcs_quantize_params *out) {
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
typedef struct gguf_export {
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
    float *factors; /* of rotary frequencies; NULL: none are written */
    ll_gguf_header header;
} gguf_export;

static void free_gguf_export(gguf_export *x) {
    const llmcs_allocator *a = &x->allocator;
    ll_gguf_header_free(&x->header);
    ll_free(a, x->stored);
    ll_free(a, x->factors);
    ll_free(a, x->seen);
    ll_net_free(&x->net);
    if (x->tensors) ll_tensors_close(&x->tensors);
    llmcs_tokenizer_free(&x->tokenizer);
    if (x->has_tokenizer) ll_tokenizer_spec_free(&x->spec);
    ll_config_free(&x->config);
    ll_source_close(&x->source);
}

static llmcs_status read_tokenizer(gguf_export *x) {
    const llmcs_allocator *a = &x->allocator;
    LL_TRY(ll_model_find_tokenizer(a, &x->source, &x->config, &x->tokenizer_source, &x->has_tokenizer));
    if (!x->has_tokenizer) return LLMCS_OK;
    llmcs_status st = ll_tokenizer_files_read(&x->spec, a, &x->tokenizer_source, x->config.model_type, false, &x->log);
    x->has_tokenizer = st == LLMCS_OK;
    if (st == LLMCS_UNSUPPORTED) { /* as llmcs_model_open does: for token ids only */
        ll_log_say(&x->log, LLMCS_LOG_WARN, "the file is written without a tokenizer: %s", llmcs_error_message());
        return LLMCS_OK;
    }
    if (!st) st = ll_tokenizer_create(&x->spec, a, &x->tokenizer);
    return st ? st : ll_model_fit_tokenizer(x->tokenizer, x->source.path, &x->config, &x->log);
}

static llmcs_status check_network(const gguf_export *x) {
    const ll_family *family = x->config.family;
    if (family->network == LL_NETWORK_TRANSFORMER && !ll_family_has_source(family)) return LLMCS_OK;
    return ll_fail(LLMCS_UNSUPPORTED,
                   "%s: model_type %s is not written to GGUF files; open the folder with weights int8 instead",
                   x->source.path, x->config.model_type);
}

/* A GGUF file holds one network. */
static llmcs_status check_modules(const gguf_export *x) {
    const ll_sentence *s = &x->config.sentence;
    for (size_t i = 0; i < s->n_modules; i++)
        if (s->modules[i].kind != LL_MODULE_NORMALIZE)
            return ll_fail(LLMCS_UNSUPPORTED,
                           "%s/modules.json: the weights of %s cannot be written to a GGUF file; open the folder",
                           x->source.path, s->modules[i].path);
    return LLMCS_OK;
}

static llmcs_status read_folder(gguf_export *x, const char *path) {
    const llmcs_allocator *a = &x->allocator;
    ll_cpu cpu = ll_cpu_detect();
    const ll_kernels *kernels;
    LL_TRY(ll_model_open_source(a, path, LLMCS_LOAD_COPY, &x->source));
    if (x->source.gguf)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: is a GGUF file already; give the Hugging Face folder it was made from",
                       path);
    LL_TRY(ll_config_read(&x->config, a, &x->source, &x->log));
    LL_TRY(check_network(x));
    LL_TRY(check_modules(x));
    LL_TRY(read_tokenizer(x));
    ll_source module = ll_model_module(&x->source, &x->config);
    LL_TRY(ll_tensors_open(a, &module, LLMCS_LOAD_COPY, &x->log, &x->tensors));
    LL_TRY(ll_tensors_fit(x->tensors, &x->config, &x->log));
    LL_TRY(ll_kernels_pick(&cpu, &kernels));
    return ll_net_create(&x->config, a, kernels, NULL, &x->net);
}

/* ------------------------------------------------------------------------------------------------- the header */

/* Called by the network for every tensor that it would load. */
static void add_tensor(void *user, const ll_tensor *t) {
    gguf_export *x = user;
    size_t i = (size_t)(t - ll_tensors_at(x->tensors, 0));
    if (x->seen[i]) return;
    x->seen[i] = 1;
    x->stored[x->n_stored++].tensor = t;
}

/* True for a pooler that llama.cpp does not know and the folder does not need: its modules.json pools the tokens. */
static bool is_unused_pooler(const gguf_export *x, const ll_stored *s) {
    const char *pooler = x->config.family->stack[0].names[LL_POOLER].gguf;
    const size_t n = pooler ? strlen(pooler) : 0;
    return x->config.sentence.present && !s->known && n && strncmp(s->name, pooler, n) == 0 && s->name[n] == '.' &&
           !ll_gguf_foreign_to_llama_cpp(&x->config);
}

/* The network's tensors, in its order; other tensors of the checkpoint (masks, position ids, tied copies) are not
 * written. */
static llmcs_status plan_tensors(gguf_export *x, uint64_t *n_elements) {
    size_t n = ll_tensors_count(x->tensors), n_fallback = 0, n_kept = 0;
    const ll_tensor *example = NULL;
    LL_TRY(ll_alloc_zero(&x->allocator, n, 1, "tensors", &x->seen));
    LL_TRY(ll_alloc(&x->allocator, n + 1, sizeof *x->stored, "tensors", &x->stored)); /* and rotary factors */
    LL_TRY(ll_net_visit(x->net, x->tensors, add_tensor, x));
    *n_elements = 0;
    for (size_t i = 0; i < x->n_stored; i++) {
        const ll_tensor *tensor = x->stored[i].tensor;
        ll_stored *s = &x->stored[n_kept];
        bool fallback;
        LL_TRY(ll_stored_plan(s, tensor, ll_tensors_plain_name(x->tensors, tensor), &x->config, x->dtype, &fallback));
        if (is_unused_pooler(x, s)) continue;
        n_kept++;
        *n_elements += tensor->n_elements;
        n_fallback += fallback;
        if (fallback) example = tensor;
    }
    if (n_kept < x->n_stored)
        ll_log_say(&x->log, LLMCS_LOG_INFO,
                   "%s: the pooler is left out: modules.json pools the tokens, and llama.cpp "
                   "has no pooler of this family",
                   x->source.path);
    x->n_stored = n_kept;
    if (example)
        ll_log_say(&x->log, LLMCS_LOG_WARN, "%zu matrices are float16: their rows are not multiples of 32 (\"%.80s\")",
                   n_fallback, example->name);
    return LLMCS_OK;
}

/* True if llama.cpp will refuse the file, because of the network or of a tensor it does not know. Logs why. */
static bool is_foreign(const gguf_export *x) {
    const char *reason = ll_gguf_foreign_to_llama_cpp(&x->config), *unknown = NULL;
    for (size_t i = 0; i < x->n_stored && !reason; i++)
        if (!x->stored[i].known) unknown = x->stored[i].name;
    if (reason) ll_log_say(&x->log, LLMCS_LOG_WARN, "llama.cpp will not open this file: %s", reason);
    if (unknown)
        ll_log_say(&x->log, LLMCS_LOG_WARN, "llama.cpp will not open this file: it has no tensor \"%s\"", unknown);
    return reason || unknown;
}

/* Writes Llama 3's scaled rotary frequencies as divisors of the plain ones. */
static llmcs_status add_rotary_factors(gguf_export *x) {
    ll_rope_spec spec = ll_stack_rope_spec(&x->config);
    const size_t n = spec.n_dims / 2;
    float *scaled;
    LL_TRY(ll_alloc(&x->allocator, 2 * n, sizeof *x->factors, "rotary factors", &x->factors));
    scaled = x->factors + n;
    ll_rope_frequencies(&spec, scaled);
    spec.scaling = LL_ROPE_PLAIN;
    ll_rope_frequencies(&spec, x->factors);
    for (size_t i = 0; i < n; i++) x->factors[i] /= scaled[i];
    ll_stored_rotary_factors(&x->stored[x->n_stored++], &x->config, x->factors);
    return LLMCS_OK;
}

/* Converts the tensors to the form that llama.cpp expects. */
static llmcs_status convert_for_llama_cpp(gguf_export *x) {
    for (size_t i = 0; i < x->n_stored; i++) ll_stored_as_llama_cpp(&x->stored[i], &x->config);
    return x->config.rope.scaling == LL_ROPE_LLAMA3 ? add_rotary_factors(x) : LLMCS_OK;
}

static llmcs_status build_header(gguf_export *x) {
    ll_gguf_header *h = &x->header;
    int32_t special[LL_N_SPECIAL];
    bool foreign = is_foreign(x);
    if (!foreign) LL_TRY(convert_for_llama_cpp(x));
    for (int role = 0; role < LL_N_SPECIAL && x->tokenizer; role++)
        special[role] = llmcs_special_token(x->tokenizer, (llmcs_special)role);
    ll_gguf_header_init(h, &x->allocator);
    ll_gguf_export_network(h, &x->config, x->dtype, foreign);
    LL_TRY(ll_gguf_export_tokenizer(h, x->has_tokenizer ? &x->spec : NULL, special, &x->config, &x->log));
    LL_TRY(
        ll_gguf_export_files(h, &x->source, x->has_tokenizer ? &x->tokenizer_source : NULL, x->spec.model, &x->config));
    for (size_t i = 0; i < x->n_stored; i++) {
        const ll_stored *s = &x->stored[i];
        ll_gguf_put_tensor(h, s->name, ll_gguf_type_number(s->dtype), s->rank, s->shape, s->n_bytes);
    }
    return ll_gguf_header_finish(h);
}

/* --------------------------------------------------------------------------------------------------- the file */

static llmcs_status write_header_and_tensors(gguf_export *x, ll_output *out, ll_weights_progress *progress) {
    LL_TRY(ll_output_write(out, x->header.bytes, x->header.n_bytes));
    for (size_t i = 0; i < x->n_stored; i++)
        LL_TRY(ll_stored_write(&x->stored[i], x->tensors, &x->allocator, out, progress));
    return ll_tensors_check_unchanged(x->tensors);
}

/* Renaming the finished file over one of its inputs would destroy the folder. */
static llmcs_status check_not_a_source_file(const gguf_export *x, const ll_source *folder, const char *out_path) {
    static const char *const names[] = {"config.json",       "generation_config.json",
                                        "modules.json",      LL_SENTENCE_PROMPTS_FILE,
                                        "tokenizer.json",    "tokenizer_config.json",
                                        "added_tokens.json", "special_tokens_map.json",
                                        "vocab.json",        "merges.txt",
                                        "vocab.txt",         "model.safetensors.index.json"};
    const size_t n = sizeof names / sizeof *names;
    for (size_t i = 0; i < n + LL_N_SENTENCE_SETTINGS_FILES; i++) {
        char *path;
        LL_TRY(ll_source_join(folder, &x->allocator, i < n ? names[i] : ll_sentence_settings_files[i - n], &path));
        const bool same = ll_folder_would_replace(out_path, path);
        ll_free(&x->allocator, path);
        if (same) return ll_fail(LLMCS_ARG, "%s: is one of the files that are read: write to another path", out_path);
    }
    return LLMCS_OK;
}

static llmcs_status check_out_path(const gguf_export *x, const char *out_path) {
    const ll_source module = ll_model_module(&x->source, &x->config);
    const ll_source pooling = ll_source_in(&x->source, x->config.sentence.pooling_path);
    if (ll_tensors_would_replace(x->tensors, out_path))
        return ll_fail(LLMCS_ARG, "%s: holds the weights that are read: write to another path", out_path);
    LL_TRY(check_not_a_source_file(x, &x->source, out_path));
    LL_TRY(check_not_a_source_file(x, &module, out_path));
    return check_not_a_source_file(x, &pooling, out_path);
}

static void abandon_unless_finished(ll_output **out) {
    if (*out) ll_output_abandon(*out);
}

static llmcs_status write_gguf_file(gguf_export *x, const char *folder, const char *out_path,
                                    const llmcs_quantize_params *p) {
    ll_weights_progress progress = {.fn = p->progress, .user = p->progress_user};
    ll_output output;
    LL_TRY(read_folder(x, folder));
    LL_TRY(check_out_path(x, out_path));
    LL_TRY(plan_tensors(x, &progress.total));
    LL_TRY(build_header(x));
    LL_TRY(ll_output_begin(&output, &x->allocator, out_path));
    ll_output *out LL_CLEANUP(abandon_unless_finished) = &output; /* the progress callback may throw */
    LL_TRY(write_header_and_tensors(x, out, &progress));
    out = NULL;
    return ll_output_finish(&output);
}

llmcs_status llmcs_quantize(const char *folder, const char *out_path, const llmcs_quantize_params *params) {
    static const ll_dtype dtypes[] = {LL_DTYPE_Q8_0, LL_DTYPE_Q4_0, LL_DTYPE_F16, LL_DTYPE_BF16, LL_DTYPE_F32};
    LL_PUBLIC_CALL;
    llmcs_quantize_params p;
    LL_TRY(check_quantize_params(params, &p));
    if (!out_path || !*out_path) return ll_fail(LLMCS_ARG, "llmcs_quantize: the path of the file to write is empty");
    gguf_export x LL_CLEANUP(free_gguf_export) = {
        .allocator = ll_allocator_or_default(p.allocator), .log = {p.log, p.log_user}, .dtype = dtypes[p.type]};
    return write_gguf_file(&x, folder, out_path, &p);
}
