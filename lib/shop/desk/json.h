/* JSON as a tree in an arena, parsed by SQLite's json_tree. */
#ifndef SHOP_DESK_JSON_H
#define SHOP_DESK_JSON_H

#include "shop/desk/text.h"
#include "shop/store/connection.h"

typedef enum desk_json_type {
    DESK_JSON_NULL,
    DESK_JSON_BOOL,
    DESK_JSON_NUMBER,
    DESK_JSON_STRING,
    DESK_JSON_ARRAY,
    DESK_JSON_OBJECT
} desk_json_type;

typedef struct desk_json {
    const struct desk_json *parent, *first, *next; /* first: first child; next: next sibling */
    struct desk_json *last;                        /* last child, while the tree is built */
    desk_json_type type;
    const char *key;  /* member name; NULL in an array */
    size_t index;     /* position in an array */
    size_t n;         /* number of children */
    const char *text; /* a string, or a number as written; else "" */
    double number;    /* also 1 or 0 for a bool */
} desk_json;

/* `what` starts messages: "flows.json". Errors: JSON (also for a string with NUL, a control character or invalid UTF-8,
 * and for a duplicate key); LIMIT (more than max_nodes values or 256 levels). */
llmcs_status desk_json_parse(shop_connection *c, shop_arena *a, const char *what, const char *text, size_t n,
                             size_t max_nodes, const desk_json **root);

/* Returns the member, or NULL; also NULL if `object` is NULL or no object. */
const desk_json *desk_json_get(const desk_json *object, const char *key);
/* Returns the member's string, or `fallback`. */
const char *desk_json_text(const desk_json *object, const char *key, const char *fallback);
double desk_json_number(const desk_json *object, const char *key, double fallback);

const char *desk_json_type_name(desk_json_type type);

/* Formats a path such as "flows.cancel.steps[2].confirm"; cuts the start if it is longer. */
enum { DESK_PATH_BYTES = 200 };
typedef struct desk_json_path {
    char text[DESK_PATH_BYTES];
} desk_json_path;
desk_json_path desk_json_where(const desk_json *node);

/* Returns the byte where `text` stops being JSON (RFC 8259; at most 1,024 levels), or SIZE_MAX if all of it is. */
size_t desk_json_error_at(const char *text, size_t n);

#endif
