/* fields.h - JS values to C: strings, texts, token ids, and objects whose members are fields of parameter structs. */
#ifndef LLMCS_NODE_FIELDS_H
#define LLMCS_NODE_FIELDS_H

#include <llmcs_shop.h>
#include <node_api.h>

/* Memory of one call, freed together. */
typedef struct arena {
    void *first;
} arena;

void *arena_alloc(arena *a, size_t n,
                  size_t size); /* zeroed, of n * size bytes and never NULL for 0; NULL: no memory */
void arena_free(arena *a);

typedef enum field_type {
    FIELD_INT32, /* a number or a boolean */
    FIELD_FLOAT,
    FIELD_DOUBLE,
    FIELD_UINT64, /* a number or a BigInt */
    FIELD_SIZE,
    FIELD_STRING,
    FIELD_STRINGS, /* an array, or one string */
    FIELD_IDS,     /* an array, an Int32Array, or one number */
    FIELD_NAME,    /* one of `names`, as the enumeration's number */
    FIELD_SLOTS    /* an object of strings */
} field_type;

typedef struct field {
    const char *name; /* NULL: the end of a table */
    field_type type;
    size_t at, count_at; /* offsets of the value, and of the number of elements */
    const char *const *names;
} field;

/* What generate takes: the parameters, and how the answer is constrained. */
typedef struct generate_input {
    llmcs_generate_params params;
    const char *json_schema, *regex;
    const char *const *choices;
    size_t n_choices;
} generate_input;

extern const field model_fields[], engine_fields[], text_fields[], generate_fields[], message_fields[], ask_fields[];

/* These throw and return NULL or 0 if a value is wrong. Their results live as long as the arena. */
const char *get_string(napi_env env, napi_value value, const char *what, size_t *n_bytes, arena *a);
const char *const *get_strings(napi_env env, napi_value value, const char *what, size_t *n, arena *a);
llmcs_text *get_texts(napi_env env, napi_value value, size_t *n, arena *a);
int32_t *get_ids(napi_env env, napi_value value, size_t *n, arena *a);
/* Sets the fields that an object names; undefined and null change nothing. A name not in `table` is a TypeError. */
int get_fields(napi_env env, napi_value object, const char *what, const field *table, void *into, arena *a);

#endif
