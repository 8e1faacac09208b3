/* The golden fixtures of tests/data/golden: checkpoints with random weights and what Transformers computes on them. */
#ifndef TESTS_SUPPORT_GOLDEN_H
#define TESTS_SUPPORT_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/json.h"

#define GOLDEN_FOLDER "tests/data/golden/"
#define GOLDEN_MAX_IDS 256

extern const char *const golden_names[]; /* all checkpoints, NULL at the end */
/* Those of make_decoders.py that generate. */
extern const char *const golden_decoder_names[];
/* Those of make_seq2seq.py. */
extern const char *const golden_seq2seq_names[];
/* Those of ../shared/golden that these tests read, too, where they are at hand. */
extern const char *const golden_shared_decoder_names[]; /* the last six are encoder-decoders */

typedef struct golden golden;

/* Fails the running test if the files are missing. */
golden *golden_open(const char *name);
golden *golden_open_folder(const char *folder); /* of any other place */
void golden_close(golden *g);

const char *golden_folder(const golden *g);
ll_json golden_cases(const golden *g); /* an array of objects */
bool golden_is(ll_json golden_case, const char *kind);

/* The ids under `key`, at most GOLDEN_MAX_IDS; 0 if there are none. */
size_t golden_ids(ll_json golden_case, const char *key, int32_t *ids);

/* The float32 tensor that the case names under `key`: *n elements. NULL if the case has no such key. */
const float *golden_tensor(const golden *g, ll_json golden_case, const char *key, size_t *n);

/* Within 1e-4 absolute plus 1e-4 relative, every one. */
void golden_assert_close(const float *found, const float *expected, size_t n, const char *what);

#endif
