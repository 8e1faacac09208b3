/* Opens a folder or a file as a model, and answers queries about it. */
#include "runtime/model/model.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/call.h"
#include "base/cpu.h"
#include "base/options.h"
#include "base/xxh64.h"
#include "families/family.h"
#include "formats/tokenizer_files.h"
#include "runtime/encoder/encoder.h"
#include "runtime/model/plan_model.h"
#include "text/tokenizer.h"

#define MAGIC 0x4c444f4du /* "MODL" */
#define FREED 0xdeadu
/* Sizes of version 0.2.0. */
#define OPTIONS_OLDEST LL_SIZE_UP_TO(llmcs_model_options, kv_type)
#define INFO_OLDEST LL_SIZE_UP_TO(llmcs_model_info, kv_type)
#define MAX_THREADS 512

/* ------------------------------------------------------------------------------------------------- options */

void llmcs_model_options_init_sized(llmcs_model_options *options, size_t struct_size) {
    const llmcs_model_options defaults = {.struct_size = sizeof defaults};
    ll_options_init(options, struct_size, &defaults, sizeof defaults);
}

llmcs_status ll_model_options_read(const llmcs_model_options *options, llmcs_model_options *out) {
    llmcs_model_options_init(out);
    if (!options) return LLMCS_OK;
    LL_TRY(ll_options_in(out, sizeof *out, OPTIONS_OLDEST, options, "llmcs_model_options"));
    if (out->n_threads < 0 || out->n_threads > MAX_THREADS)
        return ll_fail(LLMCS_ARG, "n_threads: %d is not valid (0 to %d)", (int)out->n_threads, MAX_THREADS);
    if ((unsigned)out->load_mode > LLMCS_LOAD_MMAP)
        return ll_fail(LLMCS_ARG, "load_mode: %d is not valid (0 to %d)", (int)out->load_mode, LLMCS_LOAD_MMAP);
    if ((unsigned)out->backend > LLMCS_BACKEND_OPENBLAS)
        return ll_fail(LLMCS_ARG, "backend: %d is not valid (0 to %d)", (int)out->backend, LLMCS_BACKEND_OPENBLAS);
    if ((unsigned)out->weights > LLMCS_WEIGHTS_INT4)
        return ll_fail(LLMCS_ARG, "weights: %d is not valid (0 to %d)", (int)out->weights, LLMCS_WEIGHTS_INT4);
    if ((unsigned)out->kv_type > LLMCS_KV_F16)
        return ll_fail(LLMCS_ARG, "kv_type: %d is not valid (0 to %d)", (int)out->kv_type, LLMCS_KV_F16);
    if (out->flags & ~LLMCS_LOAD_CHECK_FINITE)
        return ll_fail(LLMCS_ARG, "flags: 0x%x has unknown bits", (unsigned)out->flags);
    if (out->n_adapters && !out->adapters)
        return ll_fail(LLMCS_ARG, "adapters: NULL, and n_adapters is %zu", out->n_adapters);
    if (out->allocator && (!out->allocator->alloc || !out->allocator->free))
        return ll_fail(LLMCS_ARG, "allocator: alloc or free is NULL");
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------------- source */

llmcs_status ll_model_open_source(const llmcs_allocator *a, const char *path, llmcs_load_mode mode, ll_source *source) {
    if (!path || !*path) return ll_fail(LLMCS_ARG, "the path of the model is empty");
    return ll_source_open(source, a, path, mode);
}

ll_source ll_model_module(const ll_source *source, const ll_config *config) {
    return ll_source_in(source, config->sentence.present ? config->sentence.transformer_path : NULL);
}

/* With do_lower_case sentence-transformers lowercases texts itself; we support it only if the tokenizer does so, too.
 */
static llmcs_status check_case(const llmcs_tokenizer *t, const char *where, const ll_config *config) {
    enum { N = 8 };
    int32_t upper[N], lower[N];
    size_t n_upper, n_lower;
    if (!config->sentence.do_lower_case) return LLMCS_OK;
    LL_TRY(llmcs_encode(t, "A", 1, NULL, 0, NULL, upper, NULL, NULL, N, &n_upper));
    LL_TRY(llmcs_encode(t, "a", 1, NULL, 0, NULL, lower, NULL, NULL, N, &n_lower));
    if (n_upper == n_lower && memcmp(upper, lower, n_upper * sizeof *upper) == 0) return LLMCS_OK;
    return ll_fail(LLMCS_UNSUPPORTED,
                   "%s/sentence_bert_config.json: do_lower_case is true, but the tokenizer keeps case", where);
}

llmcs_status ll_model_fit_tokenizer(const llmcs_tokenizer *t, const char *where, const ll_config *config,
                                    const ll_log *log) {
    size_t n_vocab = llmcs_tokenizer_n_vocab(t);
    if (n_vocab > (size_t)config->vocab_size)
        ll_log_say(log, LLMCS_LOG_WARN,
                   "%s: the tokenizer has ids up to %zu, but config.json's vocab_size is %d: texts that need a larger "
                   "id are refused",
                   where, n_vocab - 1, (int)config->vocab_size);
    return check_case(t, where, config);
}

/* A module's tokenizer may be in the parent of its folder. */
llmcs_status ll_model_find_tokenizer(const llmcs_allocator *a, const ll_source *source, const ll_config *config,
                                     ll_source *where, bool *present) {
    *where = ll_model_module(source, config);
    LL_TRY(ll_tokenizer_files_present(a, where, present));
    if (*present || !where->within || !where->within[0]) return LLMCS_OK;
    *where = *source;
    return ll_tokenizer_files_present(a, where, present);
}

llmcs_status ll_model_open_tokenizer(const llmcs_allocator *a, const ll_source *source, const ll_config *config,
                                     const ll_log *log, ll_no_tokenizer *why, llmcs_tokenizer **tokenizer) {
    static const char foreign[] = "spm.model"; /* DeBERTa's, which is not supported */
    ll_source where;
    bool present;
    *tokenizer = NULL;
    why->reason[0] = '\0';
    LL_TRY(ll_model_find_tokenizer(a, source, config, &where, &present));
    if (!present) {
        LL_TRY(ll_source_has(&where, a, foreign, &present));
        if (present)
            ll_format(why->reason, sizeof why->reason, "%s: the tokenizer %s is not supported", source->path, foreign);
        return LLMCS_OK;
    }
    llmcs_status st = ll_tokenizer_open(&where, config->model_type, a, log, tokenizer);
    if (st == LLMCS_UNSUPPORTED) {
        ll_format(why->reason, sizeof why->reason, "%s", llmcs_error_message());
        ll_log_say(log, LLMCS_LOG_WARN, "the model opens for token ids only: %s", why->reason);
        return LLMCS_OK;
    }
    if (!st) st = ll_model_fit_tokenizer(*tokenizer, source->path, config, log);
    if (st) llmcs_tokenizer_free(tokenizer);
    return st;
}

/* --------------------------------------------------------------------------------------------------- open */

static uint32_t heads_of(const ll_config *c) {
    if (c->head == LL_HEAD_CAUSAL_LM)
        return LLMCS_HEAD_CAUSAL_LM | (ll_family_has_source(c->family) ? LLMCS_HEAD_SEQ2SEQ_LM : 0);
    if (c->head == LL_HEAD_CLASSIFICATION) return LLMCS_HEAD_CLASSIFICATION | LLMCS_HEAD_EMBEDDING;
    if (c->head == LL_HEAD_MASKED_LM) return LLMCS_HEAD_MASKED_LM | LLMCS_HEAD_EMBEDDING;
    if (c->head == LL_HEAD_TOKENS) return LLMCS_HEAD_TOKEN_CLASSIFICATION | LLMCS_HEAD_EMBEDDING;
    if (c->head == LL_HEAD_SPAN) return LLMCS_HEAD_QUESTION_ANSWERING | LLMCS_HEAD_EMBEDDING;
    return LLMCS_HEAD_EMBEDDING;
}

/* Adds names like "LABEL_3" where the folder has none, as Transformers does. */
static llmcs_status name_labels(ll_config *c) {
    if (c->n_labels <= 0) return LLMCS_OK;
    if (!c->id2label) {
        LL_TRY(ll_arena_alloc(&c->arena, (size_t)c->n_labels, sizeof *c->id2label, "labels", &c->id2label));
        for (int32_t i = 0; i < c->n_labels; i++) c->id2label[i] = NULL;
    }
    for (int32_t i = 0; i < c->n_labels; i++) {
        char name[24];
        if (c->id2label[i]) continue;
        int len = ll_format(name, sizeof name, "LABEL_%d", (int)i);
        LL_TRY(ll_arena_copy_text(&c->arena, name, (size_t)len, "labels", &c->id2label[i]));
    }
    return LLMCS_OK;
}

/* Opens the tokenizer on the caller's thread while the others read weights. */
typedef struct tokenizer_job {
    llmcs_model *model;
    const ll_source *source;
} tokenizer_job;

static llmcs_status open_tokenizer_meanwhile(void *user) {
    const tokenizer_job *job = user;
    llmcs_model *m = job->model;
    return ll_model_open_tokenizer(&m->allocator, job->source, &m->config, &m->log, &m->no_tokenizer, &m->tokenizer);
}

ll_adapter_paths ll_model_adapter_paths(const llmcs_model_options *o, const ll_log *log) {
    return (ll_adapter_paths){o->adapters, o->n_adapters, o->load_mode, log};
}

static void close_tensors(ll_tensors **tensors) {
    if (*tensors) ll_tensors_close(tensors);
}

/* Loads the modules after the pooling; their weights are counted with the network's. */
static llmcs_status load_modules(llmcs_model *m, const ll_source *source, const llmcs_model_options *o) {
    const ll_sentence_load load = {&m->allocator, &m->config, source, o, &m->log};
    uint64_t n_parameters, bytes;
    LL_TRY(ll_sentence_net_load(&load, m->pool, &m->sentence, &n_parameters, &bytes));
    m->net->n_parameters += n_parameters;
    m->net->weights_bytes += bytes;
    return LLMCS_OK;
}

static llmcs_status load_weights(llmcs_model *m, const ll_source *source, const llmcs_model_options *o) {
    ll_source module = ll_model_module(source, &m->config);
    const ll_adapter_paths paths = ll_model_adapter_paths(o, &m->log);
    ll_adapters *adapters LL_CLEANUP(ll_adapters_close) = NULL;
    ll_tensors *tensors LL_CLEANUP(close_tensors) = NULL;
    LL_TRY(ll_tensors_open(&m->allocator, &module, o->load_mode, &m->log, &tensors));
    LL_TRY(ll_tensors_fit(tensors, &m->config, &m->log));
    LL_TRY(ll_net_create(&m->config, &m->allocator, m->kernels, m->openblas, &m->net));
    LL_TRY(ll_adapters_open(&m->allocator, &paths, &m->config, tensors, m->net, &adapters));
    m->adapters_hash = ll_adapters_hash(adapters);
    tokenizer_job job = {m, source};
    const ll_load_options options = {.weights = o->weights,
                                     .check_finite = (o->flags & LLMCS_LOAD_CHECK_FINITE) != 0,
                                     .progress = o->progress,
                                     .progress_user = o->progress_user,
                                     .meanwhile = open_tokenizer_meanwhile,
                                     .meanwhile_user = &job};
    LL_TRY(ll_net_load(m->net, tensors, m->pool, &options));
    LL_TRY(ll_net_set_kv_type(m->net, o->kv_type));
    LL_TRY(ll_tensors_check_unchanged(tensors));
    LL_TRY(ll_adapters_check_unchanged(adapters));
    return load_modules(m, source, o);
}

llmcs_status ll_model_pick_backend(const llmcs_allocator *a, llmcs_backend backend, const ll_kernels **kernels,
                                   ll_openblas **openblas) {
    ll_cpu cpu = ll_cpu_detect();
    *openblas = NULL;
    LL_TRY(ll_kernels_pick(&cpu, kernels));
    if (backend != LLMCS_BACKEND_OPENBLAS) return LLMCS_OK;
    LL_TRY(ll_openblas_open(a, *kernels, openblas));
    *kernels = &(*openblas)->kernels;
    return LLMCS_OK;
}

static llmcs_status open_parts(llmcs_model *m, const ll_source *source, const llmcs_model_options *o) {
    LL_TRY(ll_config_read(&m->config, &m->allocator, source, &m->log));
    LL_TRY(ll_model_pick_backend(&m->allocator, o->backend, &m->kernels, &m->openblas));
    LL_TRY(ll_pool_create(&m->allocator, o->n_threads, &m->log, &m->pool));
    if (m->openblas) LL_TRY(ll_openblas_reserve(m->openblas, &m->allocator, (size_t)ll_pool_size(m->pool)));
    LL_TRY(load_weights(m, source, o));
    LL_TRY(name_labels(&m->config));
    m->heads = heads_of(&m->config);
    m->n_ctx = ll_model_config_n_ctx(&m->config);
    if (m->net->generates) return LLMCS_OK;
    /* A pool runs one forward pass at a time; without one, each calling thread may run its own, up to the cores. */
    return ll_encoder_create(&m->allocator, ll_pool_size(m->pool) > 1 ? 1 : ll_cpu_usable(), &m->encoder);
}

static llmcs_status open_path(llmcs_model *m, const char *path, const llmcs_model_options *o) {
    ll_source source LL_CLEANUP(ll_source_close) = {0};
    LL_TRY(ll_model_open_source(&m->allocator, path, o->load_mode, &source));
    return open_parts(m, &source, o);
}

/* Enforces the caller's bound before any large allocation. */
static llmcs_status check_bound(const char *path, const llmcs_model_options *o) {
    if (!o->max_bytes) return LLMCS_OK;
    ll_model_plan plan;
    LL_TRY(ll_model_plan_open(&plan, path, o));
    const uint64_t peak_bytes = plan.peak_bytes;
    ll_model_plan_close(&plan);
    if (peak_bytes <= o->max_bytes) return LLMCS_OK;
    return ll_fail(LLMCS_LIMIT, "%s: opening takes %llu bytes, max_bytes is %llu", path, (unsigned long long)peak_bytes,
                   (unsigned long long)o->max_bytes);
}

static void destroy_model(llmcs_model *m) {
    llmcs_allocator a = m->allocator;
    ll_encoder_free(m, &m->encoder);
    ll_net_free(&m->net);
    ll_sentence_net_free(&a, &m->sentence);
    ll_openblas_close(&a, &m->openblas);
    llmcs_tokenizer_free(&m->tokenizer);
    if (m->pool) ll_pool_free(&m->pool);
    ll_config_free(&m->config);
    m->magic = FREED;
    ll_free(&a, m);
}

static void destroy_unless_taken(llmcs_model **m) {
    if (*m) destroy_model(*m);
}

llmcs_status llmcs_model_open(const char *path, const llmcs_model_options *options, llmcs_model **model) {
    LL_PUBLIC_CALL;
    if (!model) return ll_fail(LLMCS_ARG, "llmcs_model_open: model is NULL");
    *model = NULL;
    llmcs_model_options o;
    LL_TRY(ll_model_options_read(options, &o));
    llmcs_allocator a = ll_allocator_or_default(o.allocator);
    LL_TRY(check_bound(path, &o));
    llmcs_model *fresh;
    LL_TRY(ll_alloc_zero(&a, 1, sizeof *fresh, "model", &fresh));
    fresh->allocator = a;
    fresh->log = (ll_log){o.log, o.log_user};
    fresh->owner = getpid();
    atomic_init(&fresh->references, 1);
    atomic_init(&fresh->fingerprint, 0);
    llmcs_model *m LL_CLEANUP(destroy_unless_taken) = fresh; /* log and progress callbacks may throw */
    LL_TRY(open_path(m, path, &o));
    m->magic = MAGIC;
    *model = m;
    m = NULL;
    return LLMCS_OK;
}

void ll_model_retain(llmcs_model *m) { atomic_fetch_add(&m->references, 1); }

void llmcs_model_free(llmcs_model **model) {
    LL_PUBLIC_CALL;
    if (!model || !*model) return;
    llmcs_model *m = *model;
    *model = NULL;
    if (m->magic == MAGIC && atomic_fetch_sub(&m->references, 1) == 1) destroy_model(m);
}

/* -------------------------------------------------------------------------------------------------- checks */

llmcs_status ll_model_check(const llmcs_model *m) {
    if (!m) return ll_fail(LLMCS_ARG, "the model is NULL");
    if (m->magic != MAGIC) return ll_fail(LLMCS_STATE, "the model was freed, or this is not a model");
    if (m->owner != getpid())
        return ll_fail(LLMCS_FORK, "the model was opened by process %d, this is %d", (int)m->owner, (int)getpid());
    return LLMCS_OK;
}

static const char *head_name(uint32_t head) {
    if (head == LLMCS_HEAD_MASKED_LM) return "masked-LM";
    if (head == LLMCS_HEAD_TOKEN_CLASSIFICATION) return "token-classification";
    return head == LLMCS_HEAD_QUESTION_ANSWERING ? "question-answering" : "classification";
}

llmcs_status ll_model_check_head(const llmcs_model *m, uint32_t head, const char *what) {
    LL_TRY(ll_model_check(m));
    if (m->heads & head) return LLMCS_OK;
    if (head == LLMCS_HEAD_SEQ2SEQ_LM)
        return ll_fail(LLMCS_NO_HEAD, "%s: %s is not an encoder-decoder, so it has no source", what,
                       m->config.model_type);
    const bool decoder = m->net->generates;
    if (decoder || head == LLMCS_HEAD_CAUSAL_LM)
        return ll_fail(LLMCS_NO_HEAD, "%s: %s is %s; use %s", what, m->config.model_type,
                       decoder ? "a decoder" : "an encoder and cannot generate",
                       decoder ? "llmcs_generate or llmcs_score" : "llmcs_classify or llmcs_embed");
    return ll_fail(LLMCS_NO_HEAD, "%s: the folder's architecture \"%s\" has no %s head", what, m->config.architecture,
                   head_name(head));
}

llmcs_status ll_model_check_tokenizer(const llmcs_model *m) {
    if (m->tokenizer) return LLMCS_OK;
    if (m->no_tokenizer.reason[0]) return ll_fail(LLMCS_UNSUPPORTED, "%s", m->no_tokenizer.reason);
    return ll_fail(LLMCS_TOKENIZER, "the model's folder has no tokenizer files");
}

/* --------------------------------------------------------------------------------------------------- info */

/* Computed on first use; concurrent threads compute the same value. */
uint64_t ll_model_fingerprint_of(llmcs_model *m) {
    uint64_t fingerprint = atomic_load_explicit(&m->fingerprint, memory_order_relaxed);
    if (fingerprint) return fingerprint;
    fingerprint = m->net->ops->fingerprint(m->net);
    fingerprint = ll_sentence_net_fingerprint(fingerprint, &m->sentence, &m->config);
    if (m->adapters_hash) fingerprint = ll_xxh64(&m->adapters_hash, sizeof m->adapters_hash, fingerprint);
    if (!fingerprint) fingerprint = 1;
    atomic_store_explicit(&m->fingerprint, fingerprint, memory_order_relaxed);
    return fingerprint;
}

llmcs_status llmcs_model_fingerprint(llmcs_model *model, uint64_t *fingerprint) {
    LL_PUBLIC_CALL;
    if (!fingerprint) return ll_fail(LLMCS_ARG, "llmcs_model_fingerprint: fingerprint is NULL");
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_EMBEDDING, "llmcs_model_fingerprint"));
    *fingerprint = ll_model_fingerprint_of(model);
    return LLMCS_OK;
}

static const char *const weights_names[] = {
    [LL_F32] = "f32", [LL_F16] = "f16", [LL_BF16] = "bf16", [LL_Q8] = "int8", [LL_Q4] = "int4"};

#define HEADS_WITH_LABELS (LLMCS_HEAD_CLASSIFICATION | LLMCS_HEAD_TOKEN_CLASSIFICATION)

llmcs_status llmcs_model_get_info(const llmcs_model *model, llmcs_model_info *info) {
    if (!model || !info) return ll_fail(LLMCS_ARG, "llmcs_model_get_info: model or info is NULL");
    if (model->magic != MAGIC) return ll_fail(LLMCS_STATE, "the model was freed, or this is not a model");
    const ll_config *c = &model->config;
    llmcs_model_info ours = {
        .struct_size = sizeof ours,
        .model_type = c->model_type,
        .architecture = c->architecture,
        .heads = model->heads | (model->net->has_pooler ? LLMCS_HEAD_POOLER : 0),
        .vocab_size = c->vocab_size,
        .n_ctx = (int32_t)model->n_ctx,
        .n_embd = c->n_embd,
        .n_layer = c->n_layer,
        .n_head = c->n_head,
        .n_inner = c->n_inner,
        .n_labels = model->heads & HEADS_WITH_LABELS ? c->n_labels : 0,
        .n_embedding = model->heads & LLMCS_HEAD_EMBEDDING ? (c->sentence.present ? c->sentence.n_out : c->n_embd) : 0,
        .bos_token_id = c->bos_token_id,
        .eos_token_id = c->n_eos_token_id ? c->eos_token_id[0] : -1,
        .pad_token_id = c->pad_token_id,
        .n_threads = ll_pool_size(model->pool),
        .cpu = model->kernels->name,
        .backend = model->openblas ? "openblas" : "native",
        .n_parameters = model->net->n_parameters,
        .weights_bytes = model->net->weights_bytes,
        .weights = weights_names[model->net->weight_type],
        .kv_type = model->net->kv.type == LL_KV_F16 ? "f16" : "f32",
        .similarity = c->sentence.similarity,
    };
    return ll_options_out(info, INFO_OLDEST, &ours, sizeof ours, "llmcs_model_info");
}

const char *llmcs_model_label(const llmcs_model *model, int32_t label) {
    if (!model || model->magic != MAGIC || !(model->heads & HEADS_WITH_LABELS)) return NULL;
    return label >= 0 && label < model->config.n_labels ? model->config.id2label[label] : NULL;
}

const char *llmcs_model_prompt_name(const llmcs_model *model, int32_t prompt) {
    if (!model || model->magic != MAGIC || prompt < 0 || (size_t)prompt >= model->config.sentence.n_prompts)
        return NULL;
    return model->config.sentence.prompts[prompt].name;
}

const char *llmcs_model_prompt_text(const llmcs_model *model, const char *name) {
    return model && model->magic == MAGIC && name ? ll_config_prompt(&model->config, name) : NULL;
}

const llmcs_tokenizer *llmcs_model_tokenizer(const llmcs_model *model) {
    return model && model->magic == MAGIC ? model->tokenizer : NULL;
}
