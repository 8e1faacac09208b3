/* The labels that llmcs classify --labels chooses among, and their scores for one text. */
#ifndef TOOLS_LLMCS_LABEL_SET_H
#define TOOLS_LLMCS_LABEL_SET_H

#include "request.h"

/* Starts zeroed. */
typedef struct label_set {
    char **names;
    size_t n, best; /* best: the label of the highest score */
    float *scores;  /* [n] */
    llmcs_text_info *infos;
    llmcs_text_info info; /* of the longest pair; truncated: one of them was */
} label_set;

void label_set_free(label_set *set);
/* Of --labels: names between commas, without the spaces around them. ARG for none, and for one that is there twice;
 * request_message says which. */
llmcs_status label_set_split(label_set *set, const char *list);
/* Of a request: a list of strings. */
llmcs_status label_set_read(label_set *set, const json_t *list);
/* Sets scores, best and info. */
llmcs_status label_set_score(label_set *set, llmcs_model *model, const char *text, size_t len,
                             const llmcs_text_params *params);

#endif
