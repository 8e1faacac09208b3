/* Values of a running template: Python's types as far as templates see them. All memory of a rendering is an arena that
 * is freed at its end, so values are shared without counting and, as the sandbox has it, never change; but for
 * namespaces and the position of generators. */
#ifndef LL_CHAT_VALUE_H
#define LL_CHAT_VALUE_H

#include "base/alloc.h"

typedef enum ll_value_type {
    LL_V_UNDEFINED,
    LL_V_NONE,
    LL_V_BOOL,
    LL_V_INT,
    LL_V_FLOAT,
    LL_V_STRING,
    LL_V_LIST,
    LL_V_TUPLE,
    LL_V_RANGE,
    LL_V_GENERATOR, /* what map, select, items, reverse and others give: to be iterated over once */
    LL_V_KEYS,      /* views of a dict */
    LL_V_VALUES,
    LL_V_ITEMS,
    LL_V_DICT,
    LL_V_NAMESPACE,
    LL_V_LOOP,
    LL_V_MACRO,
    LL_V_FUNCTION, /* range, dict, namespace, raise_exception, strftime_now */
    LL_V_METHOD    /* of a string, a dict, a list, a loop */
} ll_value_type;

struct ll_string;
struct ll_list;
struct ll_dict;
struct ll_undefined;
struct ll_loop;
struct ll_closure;
struct ll_method;

typedef struct ll_value {
    ll_value_type type;
    union {
        bool boolean;
        int64_t integer;
        double real;
        const struct ll_string *string;
        struct ll_list *list; /* LIST, TUPLE, RANGE, GENERATOR, KEYS, VALUES, ITEMS */
        struct ll_dict *dict; /* DICT, NAMESPACE */
        const struct ll_undefined *undefined;
        struct ll_loop *loop;
        const struct ll_closure *macro;
        int function; /* ll_function */
        const struct ll_method *method;
    };
} ll_value;

/* UTF-8. Each byte has its origin: the template, or data. Only bytes of the template may become a control token. */
typedef struct ll_string {
    const char *text;
    const uint8_t *origins; /* [n] LL_ORIGIN_*; NULL: `origin` for all */
    size_t n;
    uint8_t origin;
    bool markup; /* made by safe or escape: jinja2's Markup, which escapes what is added to it */
} ll_string;

#define LL_ORIGIN_DATA 0
#define LL_ORIGIN_TEMPLATE 1

typedef struct ll_list {
    ll_value *items;
    size_t n;
    size_t taken;     /* GENERATOR: items that were iterated over */
    uint32_t depth;   /* containers inside each other, this one included */
    int64_t range[3]; /* RANGE: start, stop, step */
} ll_list;

#define LL_VALUE_MAX_DEPTH 96

/* In the order in which keys were first set. */
typedef struct ll_dict {
    ll_value *keys, *values;
    size_t n, capacity;
    uint32_t *slots; /* [n_slots] positions + 1 by hash, 0: free; NULL while n is small */
    size_t n_slots;  /* a power of two */
    uint32_t depth;
} ll_dict;

/* Why a value is undefined, for the error message when it is used. */
typedef struct ll_undefined {
    const char *hint;   /* the whole message; or NULL */
    const char *object; /* "dict object": what lacks the attribute or element; NULL: a variable */
    ll_value name;      /* of the variable, attribute or element */
    size_t no_else;     /* an inline if without else: its byte of the source + 1; 0: something else */
    bool unsafe;        /* a SecurityError */
} ll_undefined;

static inline ll_value ll_none(void) { return (ll_value){.type = LL_V_NONE}; }
static inline ll_value ll_bool(bool b) { return (ll_value){.type = LL_V_BOOL, .boolean = b}; }
static inline ll_value ll_int(int64_t i) { return (ll_value){.type = LL_V_INT, .integer = i}; }
static inline ll_value ll_real(double d) { return (ll_value){.type = LL_V_FLOAT, .real = d}; }
static inline ll_value ll_text_value(const ll_string *s) { return (ll_value){.type = LL_V_STRING, .string = s}; }
static inline ll_value ll_list_value(ll_value_type type, ll_list *l) { return (ll_value){.type = type, .list = l}; }
static inline bool ll_is_listlike(ll_value v) { return v.type >= LL_V_LIST && v.type <= LL_V_ITEMS; }
static inline uint8_t ll_origin_at(const ll_string *s, size_t i) { return s->origins ? s->origins[i] : s->origin; }

#endif
