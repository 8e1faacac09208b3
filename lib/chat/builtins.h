/* Filters, tests, methods and functions by their names. */
#ifndef LL_CHAT_BUILTINS_H
#define LL_CHAT_BUILTINS_H

#include "chat/machine.h"

/* The arguments of a call. */
typedef struct ll_args {
    const ll_value *values;
    size_t n;
    const int32_t *names; /* [n_named] of the program's */
    const ll_value *named;
    size_t n_named;
} ll_args;

/* out[i]: the argument that names[i] has, or ll_absent(). TypeError if one of the first n_required is missing, or one
 * is too many, or has another name. */
llmcs_status ll_bind(ll_machine *m, const char *function, const ll_args *args, const char *const *names,
                     size_t n_required, size_t n_names, ll_value *out);
static inline llmcs_status ll_bind_none(ll_machine *m, const char *function, const ll_args *args) {
    return ll_bind(m, function, args, NULL, 0, 0, NULL);
}
/* If absent *i is unchanged. TypeError for a value that is not an integer. */
llmcs_status ll_optional_int(ll_machine *m, ll_value v, int64_t *i);

/* ---- filters.c, filters_items.c */
/* -1: none; *known: jinja2 has one of this name. */
int ll_find_filter(const char *name, size_t n, bool *known);
llmcs_status ll_apply_filter(ll_machine *m, int filter, ll_value v, const ll_args *args, ll_value *out);

typedef llmcs_status (*ll_filter_fn)(ll_machine *m, ll_value v, const ll_args *args, ll_value *out);
typedef struct ll_filter_row {
    const char *name;
    ll_filter_fn apply;
} ll_filter_row;
extern const ll_filter_row ll_item_filters[]; /* filters_items.c; like all of them it ends with NULL */
extern const ll_filter_row ll_text_filters[]; /* filters_text.c */

/* ---- tests.c */
int ll_find_test(const char *name, size_t n, bool *known);
llmcs_status ll_apply_test(ll_machine *m, int test, ll_value v, const ll_args *args, bool *result);

/* ---- methods.c */
/* The method of this name that values of v's type have. -1: none. *known: Python has one that is not supported;
 * *unsafe: one that the sandbox refuses. */
int ll_find_method(ll_value v, const char *name, size_t n, bool *known, bool *unsafe);
llmcs_status ll_call_method(ll_machine *m, const ll_method *method, const ll_args *args, ll_value *out);

/* ---- functions.c */
typedef enum ll_function {
    LL_F_RANGE,
    LL_F_DICT,
    LL_F_NAMESPACE,
    LL_F_RAISE,
    LL_F_STRFTIME,
    LL_N_FUNCTIONS
} ll_function;
extern const char *const ll_function_names[LL_N_FUNCTIONS];
llmcs_status ll_call_function(ll_machine *m, int function, const ll_args *args, ll_value *out);

#endif
