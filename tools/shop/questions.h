/* Labelled questions from a file of JSON Lines: {"text", "id" or null, "lang"?}. */
#ifndef TOOLS_SHOP_QUESTIONS_H
#define TOOLS_SHOP_QUESTIONS_H

#include <jansson.h>

#include "cli.h"
#include "llmcs_shop.h"

typedef struct questions {
    llmcs_shop_labelled *items; /* strings belong to `rows` */
    size_t n, capacity;
    json_t *rows;
} questions;

/* Adds the rows of a file. False after an error message. */
bool questions_read(questions *q, const cli_common *common, const char *file);
void questions_free(questions *q);

#endif
