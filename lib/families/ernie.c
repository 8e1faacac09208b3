/*
 * ERNIE (Sun et al. 2019 and 2020): BERT that adds the first row of a table of tasks to every token.
 *
 *     x = norm(word[token] + type[t] + position[p] + task[0])
 */
#include "families/bert.h"

static const ll_key keys[] = {LL_BERT_KEYS, LL_BOOL(use_task_id, false, "use_task_id"),
                              LL_INT(task_vocab_size, 3, 1, LL_MAX_WIDTH, "task_type_vocab_size"), LL_NO_MORE_KEYS};
static const ll_must_be must_be[] = {LL_ENCODER_MUST_BE, {0}};

const ll_family ll_family_ernie = {
    .name = "ernie",
    .number = 42,
    .model_types = {{"ernie", "Ernie", NULL}},
    .prefix = "ernie.",
    .keys = keys,
    .must_be = must_be,
    .classes = ll_bert_classes,
    .tokens = {.bos = -1, .eos = -1, .pad = 0},
    .stack = {{
        .layers = "encoder.layer.%d.",
        .embed = {.positions = LL_POSITIONS_TABLE},
        .names = {LL_BERT_EMBEDDINGS, [LL_TASKS] = {"embeddings.task_type_embeddings", "llmcs.task_types", NULL},
                  [LL_POOLER] = {"pooler.dense", "cls", NULL}, LL_BERT_LAYER},
    }},
};
