/* The shared, immutable model: the content of a folder, ready for inference. */
#ifndef LL_RUNTIME_MODEL_H
#define LL_RUNTIME_MODEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/log.h"
#include "base/pool.h"
#include "formats/config.h"
#include "kernels/openblas/openblas.h"
#include "models/model.h"
#include "runtime/adapter/adapter.h"
#include "runtime/encoder/modules.h"

struct ll_encoder; /* encoder/encoder.h */

/* Why the folder's tokenizer is not supported, so that the model works with token ids only; "": it is open or absent.
 */
typedef struct ll_no_tokenizer {
    char reason[256];
} ll_no_tokenizer;

struct llmcs_model {
    uint32_t magic; /* best effort against use after free */
    atomic_size_t references;
    pid_t owner; /* threads and locks are this process's */
    llmcs_allocator allocator;
    ll_log log;
    ll_config config;
    const ll_kernels *kernels;
    ll_openblas *openblas; /* NULL: our own kernels */
    ll_pool *pool;
    ll_net *net;
    ll_sentence_net sentence;   /* the modules after the pooling of a sentence-transformers folder */
    llmcs_tokenizer *tokenizer; /* NULL: none in the folder, or one that is not supported */
    ll_no_tokenizer no_tokenizer;
    uint32_t heads;               /* LLMCS_HEAD_* */
    size_t n_ctx;                 /* most tokens of one sequence */
    uint64_t adapters_hash;       /* of LoRA adapters; 0: none */
    _Atomic uint64_t fingerprint; /* of the network, for saved sessions and indexes; 0: not computed yet */
    struct ll_encoder *encoder;   /* the queue of an encoder's calls; NULL: a decoder */
};

/* Checks that this process may use `m` now. ARG (NULL), STATE (freed), FORK. */
llmcs_status ll_model_check(const llmcs_model *m);
/* The same, and that it has `head` (an LLMCS_HEAD_*), else NO_HEAD. what: the caller, for the message. */
llmcs_status ll_model_check_head(const llmcs_model *m, uint32_t head, const char *what);
/* TOKENIZER if the folder has none, UNSUPPORTED with the reason if it has one that is not supported. */
llmcs_status ll_model_check_tokenizer(const llmcs_model *m);

void ll_model_retain(llmcs_model *m);

/* The network's fingerprint, never 0. The first call takes a while. */
uint64_t ll_model_fingerprint_of(llmcs_model *m);

/* Copies the options to *out, with defaults filled in, and checks them. options may be NULL. */
llmcs_status ll_model_options_read(const llmcs_model_options *options, llmcs_model_options *out);

/* NULL and empty paths are ARG; else as ll_source_open. */
llmcs_status ll_model_open_source(const llmcs_allocator *a, const char *path, llmcs_load_mode mode, ll_source *source);
/* The folder of config.json and weights: the source itself, or a sentence-transformers folder's module. */
ll_source ll_model_module(const ll_source *source, const ll_config *config);
/* The location of the tokenizer's files; *present is false if there are none. */
llmcs_status ll_model_find_tokenizer(const llmcs_allocator *a, const ll_source *source, const ll_config *config,
                                     ll_source *where, bool *present);
/* Checks that the tokenizer fits the config. If it has ids beyond the vocabulary, logs a warning: using one gives
 * TOKEN_RANGE. where: a path for the message. */
llmcs_status ll_model_fit_tokenizer(const llmcs_tokenizer *t, const char *where, const ll_config *config,
                                    const ll_log *log);
/* Opens the source's tokenizer. *tokenizer is NULL if there is none, or if it is not supported: *why gives the reason.
 */
llmcs_status ll_model_open_tokenizer(const llmcs_allocator *a, const ll_source *source, const ll_config *config,
                                     const ll_log *log, ll_no_tokenizer *why, llmcs_tokenizer **tokenizer);
/* Most tokens of one sequence. */
static inline size_t ll_model_config_n_ctx(const ll_config *c) { return (size_t)(c->n_positions - c->position_offset); }
/* The adapters of the options. */
ll_adapter_paths ll_model_adapter_paths(const llmcs_model_options *o, const ll_log *log);
/* Selects the kernel set and, if requested, opens OpenBLAS, whose kernels are then *kernels. The caller closes
 * *openblas after the network. */
llmcs_status ll_model_pick_backend(const llmcs_allocator *a, llmcs_backend backend, const ll_kernels **kernels,
                                   ll_openblas **openblas);

#endif
