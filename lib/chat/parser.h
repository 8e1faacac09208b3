/* Shared by the two halves of the parser: expressions.c and statements.c. */
#ifndef LL_CHAT_PARSER_H
#define LL_CHAT_PARSER_H

#include "chat/lexer.h"

/* What is open in an expression, innermost last. The kinds up to LL_P_SUBSCRIPT are brackets of some sort, the others
 * operators that wait for their right side, by rising precedence. */
typedef enum ll_pending_kind {
    LL_P_TOP, /* the whole expression */
    LL_P_PAREN,
    LL_P_LIST,
    LL_P_DICT_KEY,
    LL_P_DICT_VALUE,
    LL_P_CALL,
    LL_P_FILTER,
    LL_P_TEST,
    LL_P_TEST_ARG, /* the argument of "is divisibleby 3" */
    LL_P_SUBSCRIPT,
    LL_P_IF,   /* a if |b */
    LL_P_ELSE, /* a if b else |c */
    LL_P_OR,
    LL_P_AND,
    LL_P_NOT,
    LL_P_COMPARE,
    LL_P_ADDITION,
    LL_P_CONCAT,
    LL_P_PRODUCT,
    LL_P_POWER,
    LL_P_SIGN
} ll_pending_kind;

typedef struct ll_pending {
    ll_pending_kind kind;
    uint8_t op;   /* ll_binary, ll_compare, LL_OP_NEGATE or LL_OP_PLUS */
    bool tuple;   /* PAREN, TOP: a comma was seen */
    bool negated; /* TEST: "is not" */
    uint32_t at;
    size_t start;   /* brackets, ELSE: where the code of the current part begins; IF: of what is in front */
    size_t middle;  /* IF: where the condition begins */
    int32_t patch;  /* instruction whose jump ends here; COMPARE: the last of a list; -1: none */
    int32_t callee; /* filter or test */
    size_t n;       /* items or arguments so far; SUBSCRIPT: colons */
    size_t n_kwargs;
} ll_pending;

typedef enum ll_block_kind {
    LL_B_IF,
    LL_B_ELSE, /* of an if */
    LL_B_FOR,
    LL_B_FOR_ELSE,
    LL_B_MACRO,
    LL_B_CALL,
    LL_B_SET,
    LL_B_FILTER,
    LL_B_WITH,
    LL_B_GENERATION
} ll_block_kind;

/* A statement that is open. */
typedef struct ll_block {
    ll_block_kind kind;
    uint32_t at;
    int32_t jump;        /* IF: to the next branch; FOR: the FOR instruction; MACRO, CALL: the MACRO instruction */
    int32_t ends;        /* IF: list of jumps past the statement; FOR: NEXT; linked by their `a` */
    int32_t breaks;      /* FOR: list of jumps out of it */
    int32_t macro;       /* MACRO, CALL: its number */
    ll_instruction call; /* CALL: the call itself, made at the end */
    int32_t kwargs[LL_JINJA_MAX_ARGS]; /* CALL: its names */
    size_t first_target;               /* SET: its stores are targets[first_target ...] of the parser */
    size_t filter_begin; /* SET, FILTER: code [filter_begin, filter_end) is for the text of the block, and is moved */
    size_t filter_end;   /* after it */
    int32_t name;        /* MACRO */
} ll_block;

typedef struct ll_parser {
    ll_program *p;
    ll_tokens_of tokens;
    const ll_token *t; /* the current one */
    ll_pending pending[LL_JINJA_MAX_PENDING];
    size_t n_pending;
    int32_t kwargs[LL_JINJA_MAX_PENDING]; /* names of keyword arguments of the calls that are open */
    size_t n_kwargs;
    ll_block blocks[LL_JINJA_MAX_BLOCKS];
    size_t n_blocks;
    ll_instruction targets[4 * LL_JINJA_MAX_TARGETS]; /* stores of assignments that are open */
    size_t n_targets;
    size_t n_moved; /* instructions moved for inline ifs: bounded */
} ll_parser;

/* What an expression may contain. */
#define LL_EXPR_TUPLE 0x1u /* a, b without brackets */
#define LL_EXPR_INLINE_IF 0x2u

/* Compiles one expression, up to the first token that cannot continue it. */
llmcs_status ll_parse_expression(ll_parser *x, unsigned how);
/* The filters of a filter or set block, up to the block's end: code for a value on the stack. */
llmcs_status ll_parse_filters(ll_parser *x);

llmcs_status ll_emit(ll_parser *x, ll_op op, size_t at, int32_t a);
static inline ll_instruction *ll_last(const ll_parser *x) { return &x->p->code[x->p->n_code - 1]; }
/* Makes the instruction jump to the end of the code. */
void ll_patch(ll_parser *x, int32_t instruction);
/* The same for all instructions of a list. */
void ll_patch_list(ll_parser *x, int32_t list);
/* Moves code [middle, end) in front of [begin, middle). */
llmcs_status ll_rotate(ll_parser *x, size_t begin, size_t middle);

llmcs_status ll_intern(ll_parser *x, const char *text, size_t n, size_t at, int32_t *name);
llmcs_status ll_string_constant(ll_parser *x, const char *text, size_t n, int32_t *constant);
/* Notes that a variable is read or set. One that is set before it is read is never the caller's. */
void ll_see_name(ll_parser *x, int32_t name, bool stored);
bool ll_is_name(const ll_token *t, const char *text);
llmcs_status ll_unexpected(const ll_parser *x, const char *expected);
llmcs_status ll_expect(ll_parser *x, ll_token_type type, const char *expected);

#endif
