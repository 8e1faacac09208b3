/*
 * A chat template as instructions for a stack machine. Templates are Jinja (the subset that chat templates use), with
 * the meaning of jinja2 3.1's ImmutableSandboxedEnvironment under trim_blocks, lstrip_blocks and the loopcontrols
 * extension: what Transformers' apply_chat_template uses.
 *
 * lexer.c makes tokens of the source, statements.c and expressions.c instructions of the tokens, machine.c executes
 * them. None of these recurses: the parser and the machine have explicit stacks with bounds. Written by hand because
 * no C library of Debian 12 reads Jinja.
 */
#ifndef LL_CHAT_PROGRAM_H
#define LL_CHAT_PROGRAM_H

#include "base/arena.h"
#include "chat/value.h"

#define LL_JINJA_MAX_SOURCE ((size_t)512 << 10) /* bytes of a template */
#define LL_JINJA_MAX_NAMES 1024                 /* different names in a template */
#define LL_JINJA_MAX_BLOCKS 64                  /* statements inside each other */
#define LL_JINJA_MAX_PENDING 200                /* operators and brackets open in one expression */
#define LL_JINJA_MAX_TARGETS 32                 /* names on the left of one assignment */
#define LL_JINJA_MAX_ARGS 32                    /* arguments of one call */

typedef enum ll_op {
    LL_OP_CONST,           /* push constant a */
    LL_OP_LOAD,            /* push variable a */
    LL_OP_STORE,           /* pop into variable a of the innermost scope */
    LL_OP_STORE_ATTR,      /* pop into attribute b (a name) of the namespace that variable a holds */
    LL_OP_CHECK_NAMESPACE, /* variable a must hold one */
    LL_OP_GETATTR,         /* x -> x.name a */
    LL_OP_GETITEM,         /* x, key -> x[key] */
    LL_OP_SLICE,           /* x, begin, end, step -> x[begin:end:step]; absent ones are None */
    LL_OP_JUMP, /* jumps are relative to the instruction after: code can move. n_args 1: the end of a loop's body */
    LL_OP_JUMP_IF_FALSE, /* pops */
    LL_OP_AND,           /* jump by a if the top is false, else pop */
    LL_OP_OR,            /* jump by a if the top is true, else pop */
    LL_OP_NOT,
    LL_OP_NEGATE,
    LL_OP_PLUS,
    LL_OP_BINARY,        /* x, y -> x operator y; n_args is an ll_binary */
    LL_OP_CONCAT,        /* n_args values -> their text */
    LL_OP_COMPARE,       /* x, y -> bool; n_args is an ll_compare */
    LL_OP_COMPARE_CHAIN, /* x, y -> y, or a false result and a jump by a */
    LL_OP_LIST,          /* a values -> list */
    LL_OP_TUPLE,
    LL_OP_DICT,           /* a pairs */
    LL_OP_CALL,           /* callee, n_args values, n_kwargs values named kwarg_names[a ...] -> result */
    LL_OP_FILTER,         /* value and arguments as for CALL; b is the filter, or less than 0: -1 - the name of one that
                             is not there */
    LL_OP_TEST,           /* the same; b is the test */
    LL_OP_ELSE_UNDEFINED, /* the value of an inline if without else */
    LL_OP_OUTPUT,         /* pop and append its text to the output; n_args 1: it must be a string */
    LL_OP_TEXT,           /* append constant a */
    LL_OP_FOR,  /* pop what to iterate over; jump by a if it is empty. n_args 1: filtered, see KEEP; never jumps */
    LL_OP_NEXT, /* push the next item in a new scope, or jump by a */
    LL_OP_KEEP, /* pop a condition; the item stays if it is true */
    LL_OP_END_FILTERED, /* end of the loop; push the list of items that stayed */
    LL_OP_END_FOR,      /* jump by a, past the else part, if a body reached its end; 0: there is none */
    LL_OP_UNPACK,       /* pop, push its a items, the first on top */
    LL_OP_SCOPE,        /* begin a scope */
    LL_OP_END_SCOPE,
    LL_OP_CAPTURE,     /* what is output from here becomes a value */
    LL_OP_END_CAPTURE, /* push it */
    LL_OP_MACRO,       /* push macro b, jump by a over its body, which follows */
    LL_OP_DEFAULT,     /* parameter b of the macro: jump by a if it was passed */
    LL_OP_RETURN
} ll_op;

typedef enum ll_binary { LL_ADD, LL_SUB, LL_MUL, LL_DIV, LL_FLOORDIV, LL_MOD, LL_POW } ll_binary;
typedef enum ll_compare { LL_EQ, LL_NE, LL_LT, LL_LE, LL_GT, LL_GE, LL_IN, LL_NOT_IN } ll_compare;

typedef struct ll_instruction {
    uint8_t op, n_args;
    uint16_t n_kwargs;
    int32_t a, b;
    uint32_t at; /* byte of the source, for messages */
} ll_instruction;

typedef struct ll_macro {
    uint32_t name;   /* of names; UINT32_MAX: a call block */
    int32_t *params; /* [n_params] names */
    size_t n_params;
    bool *has_default;            /* [n_params] */
    bool varargs, kwargs, caller; /* the body uses these names */
    bool explicit_caller;         /* caller is one of the parameters */
} ll_macro;

typedef struct ll_jinja_name {
    const char *text;
    uint32_t n;
    bool seen;   /* in the template's own scope */
    bool hidden; /* and there it is set, whatever happens, before it is read: as in jinja2, macros and loops that come
                    before do not see a variable of the caller's */
} ll_jinja_name;

typedef struct ll_program {
    llmcs_allocator allocator;
    ll_arena arena;   /* holds source, constants, names' text and parameters */
    const char *name; /* of the template, for messages */
    const char *source;
    size_t n_source;
    ll_instruction *code;
    size_t n_code, code_capacity;
    ll_value *constants;
    size_t n_constants, constants_capacity;
    ll_jinja_name *names;
    size_t n_names, names_capacity;
    int32_t *kwarg_names;
    size_t n_kwarg_names, kwarg_names_capacity;
    ll_macro *macros;
    size_t n_macros, macros_capacity;
} ll_program;

/* Compiles n bytes of source, which are copied, as is `name`. UNSUPPORTED for what the subset lacks, FORMAT for what is
 * not a template, LIMIT; messages have line and column. On failure there is nothing to free. */
llmcs_status ll_program_compile(ll_program *p, const llmcs_allocator *a, const char *name, const char *source,
                                size_t n);
void ll_program_free(ll_program *p);

/* Line and column, from 1, of a byte of the source. */
void ll_program_position(const ll_program *p, size_t at, size_t *line, size_t *column);

/* The number of a name; -1: the template does not use it. */
int32_t ll_program_find_name(const ll_program *p, const char *text, size_t n);

#endif
