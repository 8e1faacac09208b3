/* What the command keeps next to the vectors of an index, in its attachment: the names of items, which are JSON strings
 * or integers, the names of tags, and the model's folder. An item's id in the index is the number of its name. */
#ifndef TOOLS_LLMCS_INDEX_NAMES_H
#define TOOLS_LLMCS_INDEX_NAMES_H

#include <jansson.h>

#include "cli.h"

enum { NAMES_MAX_TAGS = 64 };

typedef struct index_names {
    char *model;  /* a path, or NULL */
    char **items; /* [n] each name as JSON; NULL: the item was removed */
    size_t n, capacity;
    char *tags[NAMES_MAX_TAGS];
    size_t n_tags;
    json_t *numbers; /* from names to numbers; made at the first names_find */
} index_names;

void names_free(index_names *names);
/* The attachment of an index. False after an error message: it is not one of this command. */
bool names_load(index_names *names, llmcs_index *index, const char *path);
/* False after an error message. */
bool names_store(const index_names *names, llmcs_index *index);

/* The number of a name, or -1. */
json_int_t names_find(index_names *names, const char *name);
/* The same; a new number if there is none. -1: no memory. */
json_int_t names_number(index_names *names, const char *name);
void names_remove(index_names *names, size_t number);
/* The bit of a tag; 0: not known, or with `add` more than NAMES_MAX_TAGS. */
uint64_t names_tag(index_names *names, const char *tag, bool add);
/* A name as JSON, for strings and integers; allocated. NULL: neither, or no memory. */
char *names_of(const json_t *id);

#endif
