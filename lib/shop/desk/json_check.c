/* Finds where a text stops being JSON. SQLite before 3.42 does not report it. */
#include <string.h>

#include "shop/desk/json.h"

enum { MAX_DEPTH = 1024 };

typedef struct checker {
    const char *text;
    size_t n, at;
} checker;

static char peek(const checker *c) { return c->at < c->n ? c->text[c->at] : 0; }

static void skip_space(checker *c) {
    while (c->at < c->n && strchr(" \t\r\n", c->text[c->at]) && c->text[c->at]) c->at++;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool skip_digits(checker *c) {
    const size_t begin = c->at;
    while (is_digit(peek(c))) c->at++;
    return c->at > begin;
}

static bool skip_number(checker *c) {
    c->at += peek(c) == '-';
    if (peek(c) == '0')
        c->at++;
    else if (!skip_digits(c))
        return false;
    if (peek(c) == '.') {
        c->at++;
        if (!skip_digits(c)) return false;
    }
    if (peek(c) == 'e' || peek(c) == 'E') {
        c->at++;
        c->at += peek(c) == '+' || peek(c) == '-';
        return skip_digits(c);
    }
    return true;
}

static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

static bool skip_string(checker *c) {
    for (c->at++; c->at < c->n && c->text[c->at] != '"'; c->at++) {
        if ((unsigned char)c->text[c->at] < 0x20) return false;
        if (c->text[c->at] != '\\') continue;
        c->at++;
        const char kind = peek(c);
        if (!kind || !strchr("\"\\/bfnrtu", kind)) return false;
        for (int i = 0; kind == 'u' && i < 4; i++) {
            c->at++;
            if (!is_hex(peek(c))) return false;
        }
    }
    if (c->at >= c->n) return false;
    c->at++;
    return true;
}

static bool skip_word(checker *c) {
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < 3; i++) {
        const size_t n = strlen(words[i]);
        if (c->n - c->at >= n && !memcmp(c->text + c->at, words[i], n)) {
            c->at += n;
            return true;
        }
    }
    return false;
}

static bool skip_plain(checker *c) {
    const char first = peek(c);
    return first == '"' ? skip_string(c) : first == '-' || is_digit(first) ? skip_number(c) : skip_word(c);
}

/* Skips `"key" :` of an object. */
static bool skip_key(checker *c) {
    skip_space(c);
    if (peek(c) != '"' || !skip_string(c)) return false;
    skip_space(c);
    if (peek(c) != ':') return false;
    c->at++;
    return true;
}

size_t desk_json_error_at(const char *text, size_t n) {
    checker c = {text, n, 0};
    char open[MAX_DEPTH]; /* brackets still open */
    size_t depth = 0;
    bool empty = false; /* right after an opening bracket */
    for (;;) {
        skip_space(&c);
        const char first = peek(&c);
        if (empty && first == (open[depth - 1] == '{' ? '}' : ']')) {
            c.at++;
            depth--;
        } else {
            if (empty && open[depth - 1] == '{' && !skip_key(&c)) return c.at;
            skip_space(&c);
            if (peek(&c) == '{' || peek(&c) == '[') {
                if (depth == MAX_DEPTH) return c.at;
                open[depth++] = c.text[c.at++];
                empty = true;
                continue;
            }
            if (!skip_plain(&c)) return c.at;
        }
        empty = false;
        /* What may follow a value. */
        for (skip_space(&c); depth && peek(&c) == (open[depth - 1] == '{' ? '}' : ']'); skip_space(&c)) {
            c.at++;
            depth--;
        }
        if (!depth) return c.at == n ? SIZE_MAX : c.at;
        if (peek(&c) != ',') return c.at;
        c.at++;
        if (open[depth - 1] == '{' && !skip_key(&c)) return c.at;
        if (open[depth - 1] == '[') skip_space(&c);
    }
}
