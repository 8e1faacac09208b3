/* The tensors of a checkpoint: one safetensors file, several shards, or GGUF. */
#ifndef LL_FORMATS_TENSORS_H
#define LL_FORMATS_TENSORS_H

#include "base/alloc.h"
#include "base/log.h"
#include "formats/source.h"
#include "formats/tensor.h"
#include "formats/tensors_change.h"

typedef struct ll_tensors ll_tensors;

/* Opens model.safetensors of a folder, or without it the shards that model.safetensors.index.json names (never outside
 * the folder), and checks all headers strictly. Common mistakes get their own message: a git-lfs pointer, a folder with
 * only pytorch_model.bin, another kind of file instead of a folder, a missing path. Memory while reading stays below
 * eight times the headers.
 * A GGUF file was checked when its source was opened, and the source must outlive the tensors; its tensors get the
 * names of the family's Hugging Face checkpoints. */
llmcs_status ll_tensors_open(const llmcs_allocator *a, const ll_source *source, llmcs_load_mode mode, const ll_log *log,
                             ll_tensors **tensors);
/* Opens one safetensors file of a folder: an adapter's. */
llmcs_status ll_tensors_open_file(const llmcs_allocator *a, const char *folder, const char *name, llmcs_load_mode mode,
                                  ll_tensors **tensors);
void ll_tensors_close(ll_tensors **tensors);

struct ll_config; /* config.h */

/* Detects the prefix of the checkpoint's tensor names, and adds a tied network's token table under its own name if the
 * file has it only under the head's. Before this call ll_tensors_prefix and ll_tensors_outer are "". */
llmcs_status ll_tensors_fit(ll_tensors *t, const struct ll_config *config, const ll_log *log);
/* The prefix of the family's layers: "transformer.", "", "module.transformer.". */
const char *ll_tensors_prefix(const ll_tensors *t);
/* The prefix of heads: "", "module.". */
const char *ll_tensors_outer(const ll_tensors *t);
/* The name without either prefix. */
const char *ll_tensors_plain_name(const ll_tensors *t, const ll_tensor *tensor);

/* True for a GGUF file of a llama.cpp architecture: tensors are as its converter stores them (families/family.h,
 * ll_family.gguf_traits; norm weights include the 1 that the family adds). In a GGUF file whose network llama.cpp does
 * not run, tensors are as in the checkpoint. */
bool ll_tensors_as_llama_cpp(const ll_tensors *t);

/* From now on ll_tensors_read_f32 applies *change to tensor i; *change must outlive the tensors. A caller that reads
 * stored bytes must check that tensor->change is NULL. */
void ll_tensors_change(ll_tensors *t, size_t i, const ll_tensor_change *change);
/* Adds a copy of a tensor's entry under `name`; invalidates earlier pointers to tensors. FORMAT: the name exists. */
llmcs_status ll_tensors_add(ll_tensors *t, const ll_tensor *tensor, const char *name);

size_t ll_tensors_count(const ll_tensors *t);
const ll_tensor *ll_tensors_at(const ll_tensors *t, size_t i);
/* NULL if no tensor has the name. O(log n). */
const ll_tensor *ll_tensors_find(const ll_tensors *t, const char *name);
/* The path of the file that holds the data of `tensor`, for messages; a long path is cut at its start. */
const char *ll_tensors_path(const ll_tensors *t, const ll_tensor *tensor);

/* Reads elements [first, first + n) of any type as float32: dequantises blocks and applies an adapter's changes.
 * Allocates nothing, so small reads in a loop are cheap. UNSUPPORTED for LL_DTYPE_OTHER, FORMAT for a value of an
 * adapter that is not finite, IO, CHANGED. Thread-safe. */
llmcs_status ll_tensors_read_f32(const ll_tensors *t, const ll_tensor *tensor, uint64_t first, size_t n, float *out);

/* Reads bytes [first_byte, first_byte + n_bytes) of the tensor as stored (little-endian), for any type: rows of a
 * quantised tensor, or float16 that stays float16. ARG outside the tensor, IO, CHANGED. Thread-safe. */
llmcs_status ll_tensors_read_raw(const ll_tensors *t, const ll_tensor *tensor, uint64_t first_byte, size_t n_bytes,
                                 void *out);

/* True if writing to `path` would replace one of the checkpoint's files. */
bool ll_tensors_would_replace(const ll_tensors *t, const char *path);

/* CHANGED if any file has changed since it was opened. */
llmcs_status ll_tensors_check_unchanged(const ll_tensors *t);

#endif
