/* The state of a running template. Every function here charges steps and memory to the machine, so rendering is bounded
 * whatever the template does; every failure names the line and column of the instruction. */
#ifndef LL_CHAT_MACHINE_H
#define LL_CHAT_MACHINE_H

#include "chat/program.h"
#include "formats/json.h"

#define LL_JINJA_MAX_STEPS ((uint64_t)20 * 1000 * 1000) /* one an instruction, item or 16 bytes */
#define LL_JINJA_MAX_BYTES ((size_t)96 << 20)           /* of values, above 16 times the variables' */
#define LL_JINJA_MAX_OUTPUT ((size_t)16 << 20)          /* bytes of the text, or of any one string */
#define LL_JINJA_MAX_STACK 2048
#define LL_JINJA_MAX_CALLS 96     /* nested macro calls */
#define LL_JINJA_MAX_LOOPS 512    /* nested loops, those of macros included */
#define LL_JINJA_MAX_CAPTURES 512 /* nested blocks whose text becomes a value, and macros */
#define LL_JINJA_MAX_RANGE 100000 /* as jinja2's sandbox */

/* A growing text, with the origin of each byte. */
typedef struct ll_builder {
    char *text;
    uint8_t *origins;
    size_t n, text_capacity, origin_capacity;
} ll_builder;

typedef struct ll_binding {
    int32_t name;
    ll_value value;
    struct ll_binding *next;
} ll_binding;

typedef struct ll_scope {
    struct ll_scope *parent; /* NULL: the template's own, whose variables are machine->globals */
    ll_binding *first;
} ll_scope;

typedef struct ll_loop {
    const ll_value *items;
    size_t n, index;         /* index of the current item */
    bool started, completed; /* completed: some pass reached the end of the body, without continue */
    ll_value last_changed;
    bool has_changed;
    /* What NEXT and END_FOR restore. */
    ll_scope *scope;
    size_t height, n_captures;
    ll_value *kept; /* with a filter: [n] the items that passed it */
    size_t n_kept;
} ll_loop;

typedef struct ll_closure {
    const ll_macro *macro;
    size_t entry;
    ll_scope *scope;
} ll_closure;

/* A macro that is running. */
typedef struct ll_frame {
    size_t return_to;
    ll_scope *scope;
    uint32_t passed; /* bit i: parameter i was passed */
} ll_frame;

typedef struct ll_method {
    ll_value self;
    int method; /* ll_method_id of methods.c */
} ll_method;

/* A local date and time. */
typedef struct ll_time {
    int year, month, day, hour, minute, second; /* month and day from 1 */
} ll_time;

typedef struct ll_machine {
    const ll_program *p;
    llmcs_allocator allocator;
    ll_arena arena;
    uint64_t steps_left;
    size_t bytes_left;
    ll_time now;
    bool has_now;
    uint64_t seed;     /* of the dicts' hashes */
    ll_value *globals; /* [p->n_names]; UNDEFINED with no reason: not set */
    ll_value *stack;
    size_t height;
    ll_scope root, *scope;
    ll_loop **loops;
    size_t n_loops;
    ll_frame *frames;
    size_t n_frames;
    size_t *captures; /* [n_captures] where in `out` each begins */
    size_t n_captures;
    ll_builder out, scratch;
    size_t pc;
    const ll_instruction *at;
    int32_t loop_name, caller_name, varargs_name, kwargs_name; /* their numbers; -1: the template does not use them */
} ll_machine;

/* ---- machine.c */

/* A machine for the program, with no variables. ll_machine_free even after a failure. */
llmcs_status ll_machine_init(ll_machine *m, const ll_program *p, const llmcs_allocator *a);
void ll_machine_free(ll_machine *m);
/* Sets a variable; one that the template does not use is ignored. */
void ll_machine_set(ll_machine *m, const char *name, size_t n, ll_value v);
/* Executes the program; the text is m->out. Errors: TEMPLATE UNSUPPORTED LIMIT NOMEM. */
llmcs_status ll_machine_run(ll_machine *m);

/* Fail with TEMPLATE, "<name>: line 3, column 7: TypeError: ...", UNSUPPORTED and LIMIT, with the place. Macros for the
 * reason ll_fail is one. */
#define ll_raise(m, type, ...) (ll_set_error_at(m, type, __VA_ARGS__), ll_same_status(LLMCS_TEMPLATE))
#define ll_unsupported(m, ...) (ll_set_error_at(m, NULL, __VA_ARGS__), ll_same_status(LLMCS_UNSUPPORTED))
#define ll_too_much(m, what) \
    (ll_set_error_at(m, NULL, "the template needs too much: %s", what), ll_same_status(LLMCS_LIMIT))
void ll_set_error_at(ll_machine *m, const char *type, const char *fmt, ...) LL_PRINTF(3, 4);
llmcs_status ll_step_fail(ll_machine *m);
static inline llmcs_status ll_step(ll_machine *m, size_t n) {
    if (n >= m->steps_left) return ll_step_fail(m);
    m->steps_left -= n;
    return LLMCS_OK;
}
/* Charges for n bytes that are read or written. */
static inline llmcs_status ll_step_bytes(ll_machine *m, size_t n) { return ll_step(m, n / 16 + 1); }
/* Charges for a float that is written or rounded with integers of up to 1,074 bits. */
static inline llmcs_status ll_step_float(ll_machine *m) { return ll_step(m, 256); }

/* ---- values.c */

llmcs_status ll_value_alloc(ll_machine *m, size_t count, size_t size, void *out);
/* Strings: of data, a part of another, a copy. */
llmcs_status ll_new_string(ll_machine *m, const char *text, size_t n, uint8_t origin, ll_value *out);
llmcs_status ll_substring(ll_machine *m, const ll_string *s, size_t begin, size_t end, ll_value *out);
static inline llmcs_status ll_literal(ll_machine *m, const char *text, size_t n, ll_value *out) {
    return ll_new_string(m, text, n, LL_ORIGIN_DATA, out);
}
llmcs_status ll_with_markup(ll_machine *m, ll_value s, bool markup, ll_value *out);
bool ll_string_is(const ll_string *s, const char *text);

/* A list or tuple of n items. The caller sets them, then calls ll_finish_list, which computes the depth. */
llmcs_status ll_new_list(ll_machine *m, ll_value_type type, size_t n, ll_value *out);
llmcs_status ll_finish_list(ll_machine *m, ll_value list);
llmcs_status ll_new_dict(ll_machine *m, size_t capacity, ll_value_type type, ll_value *out);
/* Copies the value; the key must be hashable. */
llmcs_status ll_dict_set(ll_machine *m, ll_dict *d, ll_value key, ll_value value);
/* NULL: absent. */
llmcs_status ll_dict_get(ll_machine *m, const ll_dict *d, ll_value key, const ll_value **value);
const ll_value *ll_dict_get_text(const ll_machine *m, const ll_dict *d, const char *text, size_t n);
/* The (key, value) tuples, as a list of this type. */
llmcs_status ll_dict_items(ll_machine *m, const ll_dict *d, ll_value_type type, ll_value *out);
/* True if Python can hash it; UNSUPPORTED for tuples. */
bool ll_is_hashable(ll_value v);

llmcs_status ll_new_undefined(ll_machine *m, const char *hint, ll_value *out);
llmcs_status ll_undefined_name(ll_machine *m, const char *name, size_t n, ll_value *out);
/* object[name] or object.name does not exist. */
llmcs_status ll_undefined_member(ll_machine *m, ll_value object, ll_value name, ll_value *out);
/* An inline if without else, at this byte of the source. */
llmcs_status ll_undefined_else(ll_machine *m, size_t at, ll_value *out);
llmcs_status ll_unsafe_member(ll_machine *m, ll_value object, const char *name, size_t n, ll_value *out);
/* Fails as jinja2 does when an undefined value is used. */
llmcs_status ll_fail_undefined(ll_machine *m, ll_value v);
static inline bool ll_is_absent(ll_value v) { return v.type == LL_V_UNDEFINED && !v.undefined; }
static inline ll_value ll_absent(void) { return (ll_value){.type = LL_V_UNDEFINED, .undefined = NULL}; }

const char *ll_type_name(ll_value v); /* Python's: "str", "NoneType" */
bool ll_truth(ll_value v);
bool ll_as_int(ll_value v, int64_t *i); /* of int and bool */
bool ll_as_real(ll_value v, double *d); /* and float */
/* The items of a for loop. TypeError for a value that is not iterable. Consumes a generator. */
llmcs_status ll_iterate(ll_machine *m, ll_value v, const ll_value **items, size_t *n);
bool ll_is_iterable(ll_value v);
/* len(v); false: it has none. */
bool ll_length(ll_value v, size_t *n);

/* ---- compare.c */

llmcs_status ll_equal(ll_machine *m, ll_value a, ll_value b, bool *equal);
/* a < b; TypeError where Python has it. `op`: as it is written, for the message. */
llmcs_status ll_less(ll_machine *m, ll_value a, ll_value b, const char *op, bool *less);
llmcs_status ll_compare_values(ll_machine *m, ll_compare op, ll_value a, ll_value b, bool *result);

/* ---- operators.c, members.c */

llmcs_status ll_apply_binary(ll_machine *m, ll_binary op, ll_value a, ll_value b, ll_value *out);
llmcs_status ll_apply_sign(ll_machine *m, bool negate, ll_value v, ll_value *out);
/* Python's getattr; *found false: an AttributeError. */
llmcs_status ll_python_attribute(ll_machine *m, ll_value object, const char *name, size_t n, ll_value *out,
                                 bool *found);
llmcs_status ll_get_attribute(ll_machine *m, ll_value object, const char *name, size_t n, ll_value *out);
llmcs_status ll_get_item(ll_machine *m, ll_value object, ll_value key, ll_value *out);
llmcs_status ll_get_slice(ll_machine *m, ll_value object, const ll_value parts[3], ll_value *out);

/* ---- text.c: strings by characters */

size_t ll_count_chars(const char *text, size_t n);
/* Byte position of character i (at most the length). */
size_t ll_char_offset(const char *text, size_t n, size_t i);
/* First position of `what` in [begin, end), or SIZE_MAX. An empty text is found at begin. */
size_t ll_find_text(const char *text, size_t begin, size_t end, const char *what, size_t n);
typedef enum ll_case { LL_LOWER, LL_UPPER, LL_CAPITALIZE, LL_TITLE, LL_SWAP_CASE } ll_case;
llmcs_status ll_change_case(ll_machine *m, const ll_string *s, ll_case how, ll_value *out);
/* chars NULL: white space. sides: 1 left, 2 right. */
llmcs_status ll_strip(ll_machine *m, const ll_string *s, const ll_string *chars, int sides, ll_value *out);
llmcs_status ll_replace(ll_machine *m, const ll_string *s, const ll_string *old, const ll_string *by, int64_t count,
                        ll_value *out);
llmcs_status ll_split_lines(ll_machine *m, const ll_string *s, bool keep_ends, ll_value *out);

/* ---- write.c: values as text */

llmcs_status ll_put(ll_machine *m, ll_builder *b, const char *text, size_t n, uint8_t origin);
llmcs_status ll_put_string(ll_machine *m, ll_builder *b, const ll_string *s);
llmcs_status ll_put_part(ll_machine *m, ll_builder *b, const ll_string *s, size_t begin, size_t end);
static inline llmcs_status ll_put_c(ll_machine *m, ll_builder *b, char c) {
    return ll_put(m, b, &c, 1, LL_ORIGIN_DATA);
}
/* str(v), repr(v). */
llmcs_status ll_put_str(ll_machine *m, ll_builder *b, ll_value v);
llmcs_status ll_put_repr(ll_machine *m, ll_builder *b, ll_value v);
/* HTML-escaped str(v), except for Markup. */
llmcs_status ll_put_escaped(ll_machine *m, ll_builder *b, ll_value v);

typedef struct ll_json_style {
    bool ascii, sort_keys;
    const ll_string *indent;                         /* NULL: one line; else what each level begins with */
    const ll_string *item_separator, *key_separator; /* NULL: the default */
} ll_json_style;
llmcs_status ll_put_json(ll_machine *m, ll_builder *b, ll_value v, const ll_json_style *style);

/* Moves the text from `begin` on out of a builder (ll_take: the scratch builder) into a string. */
llmcs_status ll_take_from(ll_machine *m, ll_builder *b, size_t begin, ll_value *out);
llmcs_status ll_take(ll_machine *m, size_t begin, ll_value *out);
/* str(v) as a string; a Markup stays one (soft_str) if `soft`. */
llmcs_status ll_to_string(ll_machine *m, ll_value v, bool soft, const ll_string **out);
/* repr(v), cut to fit a message. */
void ll_show(ll_machine *m, ll_value v, char *out, size_t size);
void ll_builder_free(const llmcs_allocator *a, ll_builder *b);

/* ---- numbers.c */

#define LL_NUMBER_BYTES 400
/* Python's repr of a float. Returns the length. */
size_t ll_float_repr(double v, char out[LL_NUMBER_BYTES]);
/* "%.*f", exactly rounded, half to even. Returns the length; 0: too long. */
size_t ll_float_fixed(double v, int decimals, char out[LL_NUMBER_BYTES]);
/* Python's round(v, digits). */
double ll_float_round(double v, int digits);
/* Python's float(text) and int(text, base), white space around it allowed; false: not a number. */
bool ll_parse_float(const char *text, size_t n, double *out);
bool ll_parse_int(const char *text, size_t n, int base, int64_t *out, bool *too_large);

/* ---- format.c */

/* text % args, as far as it is supported. */
llmcs_status ll_format_percent(ll_machine *m, const ll_string *format, ll_value args, ll_value *out);
/* text.format(...) */
struct ll_args;
llmcs_status ll_format_braces(ll_machine *m, const ll_string *format, const struct ll_args *args, ll_value *out);

/* ---- json_values.c */

/* A value of a JSON document, which must outlive the machine: strings are not copied. `origin` of its strings. */
llmcs_status ll_value_of_json(ll_machine *m, ll_json v, uint8_t origin, ll_value *out);

/* ---- strftime.c */

llmcs_status ll_strftime(ll_machine *m, const ll_string *format, ll_value *out);
/* "2026-03-05", "2026-03-05T14:07:09", "2026-03-05 14:07". False: not a date. */
bool ll_parse_time(const char *text, size_t n, ll_time *time);
/* Seconds since 1970 as UTC. */
ll_time ll_time_of_unix(int64_t seconds);

#endif
