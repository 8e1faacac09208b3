/* Source to tokens, as jinja2's lexer.py with trim_blocks and lstrip_blocks: the white space that tags take away, raw
 * blocks, comments, names, numbers, strings with Python's escapes, and operators. */
#include "chat/lexer.h"

#include <string.h>

#include "base/utf8.h"
#include "formats/decimal.h"

typedef struct lexer {
    ll_program *p;
    ll_tokens_of *out;
    const char *s;
    size_t n, at;
    bool line_starting; /* the last match ended with a line feed */
    char brackets[LL_JINJA_MAX_PENDING];
    size_t depth;
} lexer;

void ll_program_position(const ll_program *p, size_t at, size_t *line, size_t *column) {
    *line = *column = 1;
    for (size_t i = 0; i < at && i < p->n_source; i++) {
        if (p->source[i] == '\n')
            ++*line, *column = 1;
        else if (((unsigned char)p->source[i] & 0xc0) != 0x80)
            ++*column;
    }
}

void ll_set_syntax_error(const ll_program *p, size_t at, const char *fmt, ...) {
    char what[200];
    size_t line, column;
    va_list args;
    va_start(args, fmt);
    ll_format_args(what, sizeof what, fmt, args);
    va_end(args);
    ll_program_position(p, at, &line, &column);
    ll_set_message("%s: line %zu, column %zu: %s", p->name, line, column, what);
}

static llmcs_status bad(const lexer *x, size_t at, const char *what) {
    return ll_syntax_error(x->p, LLMCS_FORMAT, at, "TemplateSyntaxError: %s", what);
}

/* ---- characters */

size_t ll_space_at(const char *text, size_t n, size_t i) {
    const unsigned char c = (unsigned char)text[i];
    if (c < 0x80) return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20);
    uint32_t cp;
    const size_t len = ll_utf8_decode(text + i, n - i, &cp);
    const bool space = cp == 0x85 || cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 ||
                       cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
    return space ? len : 0;
}

static size_t skip_space(const lexer *x, size_t at) {
    for (size_t len; at < x->n && (len = ll_space_at(x->s, x->n, at)); at += len) {
    }
    return at;
}

/* The end of [begin, end) without the white space at its end. */
static size_t cut_space(const lexer *x, size_t begin, size_t end) {
    while (end > begin) {
        size_t i = end - 1;
        while (i > begin && ((unsigned char)x->s[i] & 0xc0) == 0x80) i--;
        if (!ll_space_at(x->s, x->n, i)) break;
        end = i;
    }
    return end;
}

static bool is_at(const lexer *x, size_t at, const char *what) {
    const size_t n = strlen(what);
    return x->n - at >= n && memcmp(x->s + at, what, n) == 0;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool begins_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static llmcs_status push(lexer *x, ll_token_type type, size_t at, const char *text, size_t n) {
    ll_tokens_of *o = x->out;
    LL_TRY(ll_grow(&x->p->allocator, &o->tokens, o->n, &o->capacity, o->n + 1, sizeof *o->tokens, "template tokens"));
    o->tokens[o->n++] = (ll_token){.type = type, .at = (uint32_t)at, .text = text, .n = n};
    return LLMCS_OK;
}

/* ---- data between tags */

/* The sign after "{%", "{{" or "{#": '-', '+', or 0. */
static char sign_at(const lexer *x, size_t at) {
    return at < x->n && (x->s[at] == '-' || x->s[at] == '+') ? x->s[at] : 0;
}

/* The end of the text [begin, end) in front of a tag with this sign. */
static size_t text_end(const lexer *x, size_t begin, size_t end, char sign, bool variable) {
    if (sign == '-') return cut_space(x, begin, end);
    if (sign == '+' || variable) return end;
    size_t line = end;
    while (line > begin && x->s[line - 1] != '\n') line--;
    if (line == begin && !x->line_starting) return end;
    return skip_space(x, line) >= end && line < end ? line : end;
}

static llmcs_status push_data(lexer *x, size_t begin, size_t end) {
    return end > begin ? push(x, LL_T_DATA, begin, x->s + begin, end - begin) : LLMCS_OK;
}

/* The position after a tag's end at `at`: "%}" and a line feed, "-%}" and all white space, or "+%}"; 0: no tag's end.
 */
static size_t tag_end(const lexer *x, size_t at, const char *end, bool variable) {
    const char first = at < x->n ? x->s[at] : 0;
    if (first == '-' && is_at(x, at + 1, end)) return skip_space(x, at + 3);
    if (first == '+' && !variable && is_at(x, at + 1, end)) return at + 3;
    if (!is_at(x, at, end)) return 0;
    at += 2;
    return !variable && at < x->n && x->s[at] == '\n' ? at + 1 : at;
}

static void move_to(lexer *x, size_t at) {
    x->line_starting = at > 0 && x->s[at - 1] == '\n';
    x->at = at;
}

/* "{%- word -%}" at `at`: *sign is its first sign, the result what follows the word's white space; 0: it is not that.
 */
static size_t word_tag(const lexer *x, size_t at, const char *word, char *sign) {
    if (!is_at(x, at, "{%")) return 0;
    *sign = sign_at(x, at + 2);
    at = skip_space(x, at + 2 + (*sign != 0));
    if (!is_at(x, at, word)) return 0;
    return skip_space(x, at + strlen(word));
}

/* The text of a raw block, from x->at to {% endraw %}. */
static llmcs_status lex_raw(lexer *x, size_t opened) {
    for (size_t i = x->at; i < x->n; i++) {
        char sign;
        const size_t word = x->s[i] == '{' ? word_tag(x, i, "endraw", &sign) : 0;
        const size_t end = word ? tag_end(x, word, "%}", false) : 0;
        if (!end) continue;
        LL_TRY(push_data(x, x->at, text_end(x, x->at, i, sign, false)));
        move_to(x, end);
        return LLMCS_OK;
    }
    return bad(x, opened, "Missing end of raw directive");
}

static llmcs_status lex_comment(lexer *x, size_t opened) {
    for (size_t i = x->at; i < x->n; i++) {
        const size_t end = tag_end(x, i, "#}", false);
        if (!end) continue;
        move_to(x, end);
        return LLMCS_OK;
    }
    return bad(x, opened, "Missing end of comment tag");
}

/* The next tag at or after `at`; n: there is none. */
static size_t find_tag(const lexer *x, size_t at) {
    while (at < x->n) {
        const char *open = memchr(x->s + at, '{', x->n - at);
        if (!open) return x->n;
        at = (size_t)(open - x->s);
        if (at + 1 < x->n && (x->s[at + 1] == '{' || x->s[at + 1] == '%' || x->s[at + 1] == '#')) return at;
        at++;
    }
    return x->n;
}

/* Text up to the next tag, and the tag's beginning. *inside: 'v' or 'b' where a tag has begun. */
static llmcs_status lex_data(lexer *x, char *inside) {
    const size_t tag = find_tag(x, x->at);
    *inside = 0;
    if (tag == x->n) {
        LL_TRY(push_data(x, x->at, tag));
        move_to(x, tag);
        return LLMCS_OK;
    }
    const char kind = x->s[tag + 1];
    char sign = sign_at(x, tag + 2);
    size_t raw = kind == '%' ? word_tag(x, tag, "raw", &sign) : 0;
    if (raw && is_at(x, raw, "-%}"))
        raw = skip_space(x, raw + 3);
    else if (raw)
        raw = is_at(x, raw, "%}") ? raw + 2 : 0;
    LL_TRY(push_data(x, x->at, text_end(x, x->at, tag, sign, kind == '{')));
    if (raw) {
        move_to(x, raw);
        return lex_raw(x, tag);
    }
    move_to(x, tag + 2 + (sign != 0));
    if (kind == '#') return lex_comment(x, tag);
    *inside = kind == '{' ? 'v' : 'b';
    return push(x, kind == '{' ? LL_T_VARIABLE_BEGIN : LL_T_BLOCK_BEGIN, tag, NULL, 0);
}

/* ---- inside tags */

/* Digits with single underscores between them, from `at`. */
static size_t digits_end(const lexer *x, size_t at) {
    while (at < x->n && (is_digit(x->s[at]) || (x->s[at] == '_' && at + 1 < x->n && is_digit(x->s[at + 1])))) at++;
    return at;
}

/* The end of a float at x->at; 0: not a float. */
static size_t float_end(const lexer *x) {
    if (x->at > 0 && x->s[x->at - 1] == '.') return 0;
    const size_t whole = digits_end(x, x->at);
    size_t end = whole;
    if (end + 1 < x->n && x->s[end] == '.' && is_digit(x->s[end + 1])) end = digits_end(x, end + 1);
    if (end < x->n && (x->s[end] == 'e' || x->s[end] == 'E')) {
        size_t exponent = end + 1;
        if (exponent < x->n && (x->s[exponent] == '+' || x->s[exponent] == '-')) exponent++;
        if (exponent < x->n && is_digit(x->s[exponent])) return digits_end(x, exponent);
    }
    return end > whole ? end : 0;
}

static llmcs_status lex_float(lexer *x, size_t end) {
    char text[400];
    size_t n = 0, i = x->at;
    ll_decimal d;
    while (i + 1 < end && x->s[i] == '0' && (is_digit(x->s[i + 1]) || x->s[i + 1] == '_')) i++;
    for (; i < end && n < sizeof text; i++)
        if (x->s[i] != '_') text[n++] = x->s[i];
    LL_TRY(push(x, LL_T_FLOAT, x->at, NULL, 0));
    double *out = &x->out->tokens[x->out->n - 1].real;
    if (i < end || !ll_decimal_scan(text, n, &d) || d.len != n)
        return ll_syntax_error(x->p, LLMCS_LIMIT, x->at, "a number of more than 400 characters");
    if (!ll_decimal_double(&d, out)) *out = (double)__builtin_inf();
    move_to(x, end);
    return LLMCS_OK;
}

static llmcs_status lex_integer(lexer *x) {
    int base = 10;
    size_t i = x->at;
    int64_t value = 0;
    const char second = i + 1 < x->n ? (char)(x->s[i + 1] | 0x20) : 0;
    if (x->s[i] == '0' && (second == 'x' || second == 'o' || second == 'b')) {
        base = second == 'x' ? 16 : second == 'o' ? 8 : 2;
        i += 2;
        if (i >= x->n || ll_digit_value(x->s[i]) >= base) base = 10, i = x->at;
    }
    const bool zero = base == 10 && x->s[i] == '0';
    for (; i < x->n; i++) {
        if (x->s[i] == '_' && i + 1 < x->n && ll_digit_value(x->s[i + 1]) < base) continue;
        const int digit = ll_digit_value(x->s[i]);
        if (digit >= base || (zero && digit)) break;
        if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
            return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, x->at, "integers of more than 64 bits are not supported");
    }
    LL_TRY(push(x, LL_T_INT, x->at, NULL, 0));
    x->out->tokens[x->out->n - 1].integer = value;
    move_to(x, i);
    return LLMCS_OK;
}

static llmcs_status lex_name(lexer *x) {
    size_t i = x->at;
    while (i < x->n && (begins_name(x->s[i]) || is_digit(x->s[i]))) i++;
    if ((unsigned char)x->s[x->at] >= 0x80 && ll_space_at(x->s, x->n, x->at))
        return bad(x, x->at, "Invalid character in identifier");
    LL_TRY(push(x, LL_T_NAME, x->at, x->s + x->at, i - x->at));
    move_to(x, i);
    return LLMCS_OK;
}

/* The number of an escape: up to n digits of the base. */
static size_t escape_number(const lexer *x, size_t at, size_t end, size_t n, int base, uint32_t *cp) {
    size_t i = 0;
    for (*cp = 0; i < n && at + i < end && ll_digit_value(x->s[at + i]) < base; i++)
        *cp = *cp * (uint32_t)base + (uint32_t)ll_digit_value(x->s[at + i]);
    return i;
}

/* Decodes one escape, after its backslash, at *i and appends the result. */
static llmcs_status unescape_one(lexer *x, size_t *i, size_t end, char *out, size_t *n) {
    static const char letters[] = "\\'\"abfnrtv", meanings[] = "\\'\"\a\b\f\n\r\t\v";
    const char c = x->s[*i];
    const char *found = c ? strchr(letters, c) : NULL;
    uint32_t cp;
    if (c == '\n') {
        ++*i;
    } else if (found) {
        out[(*n)++] = meanings[found - letters];
        ++*i;
    } else if (c >= '0' && c <= '7') {
        *i += escape_number(x, *i, end, 3, 8, &cp);
        *n += ll_utf8_encode(cp, out + *n);
    } else if (c == 'x' || c == 'u' || c == 'U') {
        const size_t want = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        if (escape_number(x, *i + 1, end, want, 16, &cp) < want)
            return bad(x, *i - 1, "truncated \\xXX or \\uXXXX escape");
        if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
            return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, *i - 1, "an escape that is no character of Unicode");
        *n += ll_utf8_encode(cp, out + *n);
        *i += 1 + want;
    } else if (c == 'N') {
        return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, *i - 1, "\\N{...} escapes are not supported");
    } else {
        out[(*n)++] = '\\';
    }
    return LLMCS_OK;
}

static llmcs_status lex_string(lexer *x) {
    const char quote = x->s[x->at];
    const size_t begin = x->at + 1;
    size_t end = begin, n = 0;
    bool escaped = false;
    while (end < x->n && x->s[end] != quote) {
        escaped |= x->s[end] == '\\';
        end += x->s[end] == '\\' ? 2 : 1;
    }
    if (end >= x->n)
        return ll_syntax_error(x->p, LLMCS_FORMAT, x->at, "TemplateSyntaxError: unexpected char '%c'", quote);
    const char *text = x->s + begin;
    if (escaped) {
        char *out;
        LL_TRY(ll_arena_alloc(&x->p->arena, end - begin + 4, 1, "template string", &out));
        for (size_t i = begin; i < end;) {
            if (x->s[i] != '\\') {
                out[n++] = x->s[i++];
                continue;
            }
            i++;
            LL_TRY(unescape_one(x, &i, end, out, &n));
        }
        text = out;
    } else {
        n = end - begin;
    }
    LL_TRY(push(x, LL_T_STRING, x->at, text, n));
    move_to(x, end + 1);
    return LLMCS_OK;
}

static const struct {
    char text[3];
    ll_token_type type;
} OPERATORS[] = {{"//", LL_T_FLOORDIV}, {"**", LL_T_POW},     {"==", LL_T_EQ},    {"!=", LL_T_NE},
                 {">=", LL_T_GE},       {"<=", LL_T_LE},      {"+", LL_T_ADD},    {"-", LL_T_SUB},
                 {"/", LL_T_DIV},       {"*", LL_T_MUL},      {"%", LL_T_MOD},    {"~", LL_T_TILDE},
                 {"[", LL_T_LBRACKET},  {"]", LL_T_RBRACKET}, {"(", LL_T_LPAREN}, {")", LL_T_RPAREN},
                 {"{", LL_T_LBRACE},    {"}", LL_T_RBRACE},   {">", LL_T_GT},     {"<", LL_T_LT},
                 {"=", LL_T_ASSIGN},    {".", LL_T_DOT},      {":", LL_T_COLON},  {"|", LL_T_PIPE},
                 {",", LL_T_COMMA},     {";", LL_T_SEMICOLON}};

static llmcs_status check_brackets(lexer *x, char c) {
    if (c == '(' || c == '[' || c == '{') {
        if (x->depth == LL_JINJA_MAX_PENDING)
            return ll_syntax_error(x->p, LLMCS_LIMIT, x->at, "more than %d brackets inside each other",
                                   LL_JINJA_MAX_PENDING);
        x->brackets[x->depth++] = (char)(c == '(' ? ')' : c + 2);
    } else if (c == ')' || c == ']' || c == '}') {
        if (!x->depth) return ll_syntax_error(x->p, LLMCS_FORMAT, x->at, "TemplateSyntaxError: unexpected '%c'", c);
        const char expected = x->brackets[--x->depth];
        if (c != expected)
            return ll_syntax_error(x->p, LLMCS_FORMAT, x->at, "TemplateSyntaxError: unexpected '%c', expected '%c'", c,
                                   expected);
    }
    return LLMCS_OK;
}

static llmcs_status lex_operator(lexer *x) {
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++) {
        if (!is_at(x, x->at, OPERATORS[i].text)) continue;
        LL_TRY(check_brackets(x, x->s[x->at]));
        LL_TRY(push(x, OPERATORS[i].type, x->at, x->s + x->at, strlen(OPERATORS[i].text)));
        move_to(x, x->at + strlen(OPERATORS[i].text));
        return LLMCS_OK;
    }
    return ll_syntax_error(x->p, LLMCS_FORMAT, x->at, "TemplateSyntaxError: unexpected char '%c'", x->s[x->at]);
}

/* All tokens up to the tag's end. */
static llmcs_status lex_tag(lexer *x, bool variable) {
    x->depth = 0;
    while (x->at < x->n) {
        const size_t end = x->depth ? 0 : tag_end(x, x->at, variable ? "}}" : "%}", variable);
        const char c = x->s[x->at];
        size_t number;
        if (end) {
            LL_TRY(push(x, variable ? LL_T_VARIABLE_END : LL_T_BLOCK_END, x->at, NULL, 0));
            move_to(x, end);
            return LLMCS_OK;
        }
        if (ll_space_at(x->s, x->n, x->at))
            move_to(x, skip_space(x, x->at));
        else if (is_digit(c) && (number = float_end(x)))
            LL_TRY(lex_float(x, number));
        else if (is_digit(c))
            LL_TRY(lex_integer(x));
        else if (begins_name(c))
            LL_TRY(lex_name(x));
        else if (c == '"' || c == '\'')
            LL_TRY(lex_string(x));
        else
            LL_TRY(lex_operator(x));
    }
    return LLMCS_OK; /* the parser finds that the tag does not end */
}

llmcs_status ll_lex(ll_program *p, ll_tokens_of *out) {
    lexer x = {.p = p, .out = out, .s = p->source, .n = p->n_source, .line_starting = true};
    while (x.at < x.n) {
        char inside;
        LL_TRY(lex_data(&x, &inside));
        if (inside) LL_TRY(lex_tag(&x, inside == 'v'));
    }
    return push(&x, LL_T_EOF, x.n, NULL, 0);
}

const char *ll_token_show(const ll_token *t, char out[64]) {
    switch (t->type) {
        case LL_T_BLOCK_BEGIN:
            return "begin of statement block";
        case LL_T_BLOCK_END:
            return "end of statement block";
        case LL_T_VARIABLE_BEGIN:
            return "begin of print statement";
        case LL_T_VARIABLE_END:
            return "end of print statement";
        case LL_T_DATA:
            return "template data / text";
        case LL_T_STRING:
            return "string";
        case LL_T_INT:
            return "integer";
        case LL_T_FLOAT:
            return "float";
        case LL_T_EOF:
            return "end of template";
        default:
            ll_format(out, 64, "%.*s", (int)ll_min(t->n, 40), t->text);
            return out;
    }
}
