/*
 * A text as the gate compares it: tokens with their case, and every number with its unit.
 *
 * The text is first normalised to NFKC (fullwidth digits and letters, "①", "℃"), without invisible characters.
 * Sentences end at . ! ? ; 。 and line ends.
 */
#ifndef SHOP_WORDING_LEXER_H
#define SHOP_WORDING_LEXER_H

#include "shop/base/alloc.h"

typedef enum gate_kind {
    GATE_WORD,   /* letters, also with inner hyphens and apostrophes */
    GATE_NUMBER, /* digits; tokens[i].number says which of the numbers */
    GATE_CODE,   /* letters and digits: an order number, "USB3" */
    GATE_LINK,   /* a link or e-mail address */
    GATE_HAN,    /* one Han character */
    GATE_MARK    /* any other character except spaces */
} gate_kind;

typedef struct gate_token {
    uint64_t hash;       /* of the lower-case letters without apostrophes; for a mark, the code point */
    uint32_t begin, end; /* in code_points */
    uint32_t sentence;
    uint32_t number; /* index of numbers, for GATE_NUMBER */
    uint8_t kind;
    uint8_t topic; /* set by the gate: row of its topics that begins here, + 1; 0: none */
    bool capital;  /* the first letter is a capital */
} gate_token;

/* A number written in digits, words or Chinese numerals. */
typedef struct gate_number {
    uint64_t value; /* hash of its canonical form: "1299.5", "14:00", "11-20" for a date */
    uint32_t unit;  /* GATE_UNIT_* or a row of the table of units; 0: none */
    uint32_t begin, end;
    uint32_t sentence;
    uint32_t clause_topics, sentence_topics; /* set by the gate: bits of the topics that the number is about */
} gate_number;

typedef struct gate_lexed {
    const llmcs_allocator *allocator;
    int32_t *code_points; /* [n_code_points] */
    size_t n_code_points;
    gate_token *tokens;
    size_t n_tokens, tokens_capacity;
    gate_number *numbers;
    size_t n_numbers, numbers_capacity;
    size_t n_han, n_letters; /* characters */
    bool broken;             /* a control character, or bytes that are not UTF-8 */
} gate_lexed;

/* On success, free the result with gate_lexed_free. Errors: NOMEM LIMIT. */
llmcs_status gate_lex(const llmcs_allocator *a, const char *text, size_t text_bytes, gate_lexed *lexed);
void gate_lexed_free(gate_lexed *lexed);

enum { GATE_WORD_BYTES = 96 };

/* Writes the token in lower case without apostrophes, as UTF-8 without a NUL, truncated to GATE_WORD_BYTES. Returns its
 * length in bytes. */
size_t gate_token_word(const gate_lexed *lexed, const gate_token *token, char word[GATE_WORD_BYTES]);

#endif
