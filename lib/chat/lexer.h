/* The tokens of a template. */
#ifndef LL_CHAT_LEXER_H
#define LL_CHAT_LEXER_H

#include "chat/program.h"

typedef enum ll_token_type {
    LL_T_DATA,
    LL_T_BLOCK_BEGIN, /* {% */
    LL_T_BLOCK_END,
    LL_T_VARIABLE_BEGIN, /* {{ */
    LL_T_VARIABLE_END,
    LL_T_NAME,
    LL_T_STRING,
    LL_T_INT,
    LL_T_FLOAT,
    LL_T_ADD,
    LL_T_SUB,
    LL_T_MUL,
    LL_T_DIV,
    LL_T_FLOORDIV,
    LL_T_MOD,
    LL_T_POW,
    LL_T_TILDE,
    LL_T_LBRACKET,
    LL_T_RBRACKET,
    LL_T_LPAREN,
    LL_T_RPAREN,
    LL_T_LBRACE,
    LL_T_RBRACE,
    LL_T_EQ,
    LL_T_NE,
    LL_T_LT,
    LL_T_LE,
    LL_T_GT,
    LL_T_GE,
    LL_T_ASSIGN,
    LL_T_DOT,
    LL_T_COLON,
    LL_T_PIPE,
    LL_T_COMMA,
    LL_T_SEMICOLON,
    LL_T_EOF
} ll_token_type;

typedef struct ll_token {
    ll_token_type type;
    uint32_t at;      /* byte of the source */
    const char *text; /* of DATA, NAME and STRING (unescaped) */
    size_t n;
    union {
        int64_t integer;
        double real;
    };
} ll_token;

typedef struct ll_tokens_of {
    ll_token *tokens; /* ends with EOF */
    size_t n, capacity;
} ll_tokens_of;

/* The tokens of p->source; texts point into it or into p->arena. Errors as ll_program_compile. */
llmcs_status ll_lex(ll_program *p, ll_tokens_of *out);

/* "{{", "name", ",": a token for messages. */
const char *ll_token_show(const ll_token *t, char out[64]);

/* Fails with `status`: "<name>: line 3, column 7: <what>". A macro for the reason ll_fail is one. */
#define ll_syntax_error(p, status, at, ...) (ll_set_syntax_error(p, at, __VA_ARGS__), ll_same_status(status))
void ll_set_syntax_error(const ll_program *p, size_t at, const char *fmt, ...) LL_PRINTF(3, 4);

/* Bytes of the white space character at text[i] by Python's str.isspace; 0: not white space. */
size_t ll_space_at(const char *text, size_t n, size_t i);

#endif
