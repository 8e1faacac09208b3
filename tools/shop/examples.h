/* Labelled texts from files of JSON Lines: {"text":"...", "label":"..."}; other keys are ignored. */
#ifndef TOOLS_SHOP_EXAMPLES_H
#define TOOLS_SHOP_EXAMPLES_H

#include <jansson.h>

#include "cli.h"
#include "llmcs_shop.h"

typedef struct examples {
    llmcs_shop_example *items; /* strings belong to `rows` */
    size_t n, capacity;
    json_t *rows;
} examples;

/* Adds the rows of a file. False after an error message. */
bool examples_read(examples *e, const char *file);
void examples_free(examples *e);

#endif
