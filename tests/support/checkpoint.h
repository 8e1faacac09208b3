/* Checkpoints made in a test: a golden one is read, changed, and written to a temporary folder. */
#ifndef TESTS_SUPPORT_CHECKPOINT_H
#define TESTS_SUPPORT_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "support/temp.h"

typedef struct stored_tensor {
    char name[128];
    char dtype[8]; /* "F32" */
    int rank;
    uint64_t shape[4];
    unsigned char *data;
    size_t n_bytes;
} stored_tensor;

typedef struct checkpoint {
    stored_tensor *tensors;
    size_t n_tensors, capacity;
    char *config; /* config.json */
} checkpoint;

/* All of these fail the running test where something goes wrong. */
checkpoint *checkpoint_read(const char *folder);
void checkpoint_free(checkpoint *c);

stored_tensor *checkpoint_find(checkpoint *c, const char *name); /* NULL: no such tensor */
void checkpoint_remove(checkpoint *c, const char *name);
stored_tensor *checkpoint_add_f32(checkpoint *c, const char *name, int rank, const uint64_t *shape, const float *data);
float *checkpoint_f32(checkpoint *c, const char *name); /* the data of a float32 tensor */
/* Takes `prefix` from the beginning of every name that has it. */
void checkpoint_drop_prefix(checkpoint *c, const char *prefix);
/* Replaces the value of a top-level key of config.json, or adds it. The golden configs have a key on a line. */
void checkpoint_set(checkpoint *c, const char *key, const char *json_value);

/* Writes config.json and model.safetensors, or with n_shards > 1 so many shards and their index. */
void checkpoint_write(const checkpoint *c, const char *folder, size_t n_shards);

#endif
