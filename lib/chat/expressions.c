/* Expressions, by operator precedence with an explicit stack. The grammar and precedences are those of jinja2's
 * parser.py. */
#include <string.h>

#include "chat/builtins.h"
#include "chat/parser.h"

#define MAX_MOVED ((size_t)1 << 24)

/* ---- code */

llmcs_status ll_emit(ll_parser *x, ll_op op, size_t at, int32_t a) {
    ll_program *p = x->p;
    LL_TRY(ll_grow(&p->allocator, &p->code, p->n_code, &p->code_capacity, p->n_code + 1, sizeof *p->code,
                   "template code"));
    p->code[p->n_code++] = (ll_instruction){.op = (uint8_t)op, .a = a, .at = (uint32_t)at};
    return LLMCS_OK;
}

void ll_patch(ll_parser *x, int32_t instruction) {
    if (instruction >= 0) x->p->code[instruction].a = (int32_t)x->p->n_code - instruction - 1;
}

void ll_patch_list(ll_parser *x, int32_t list) {
    while (list >= 0) {
        const int32_t next = x->p->code[list].a;
        ll_patch(x, list);
        list = next;
    }
}

static void reverse(ll_instruction *code, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        const ll_instruction swap = code[i];
        code[i] = code[n - 1 - i];
        code[n - 1 - i] = swap;
    }
}

llmcs_status ll_rotate(ll_parser *x, size_t begin, size_t middle) {
    ll_instruction *code = x->p->code + begin;
    const size_t n = x->p->n_code - begin, front = middle - begin;
    x->n_moved += n;
    if (x->n_moved > MAX_MOVED) return ll_syntax_error(x->p, LLMCS_LIMIT, x->t->at, "too many inline ifs");
    reverse(code, front);
    reverse(code + front, n - front);
    reverse(code, n);
    return LLMCS_OK;
}

static llmcs_status add_constant(ll_parser *x, ll_value v, int32_t *constant) {
    ll_program *p = x->p;
    LL_TRY(ll_grow(&p->allocator, &p->constants, p->n_constants, &p->constants_capacity, p->n_constants + 1,
                   sizeof *p->constants, "template constants"));
    p->constants[p->n_constants] = v;
    *constant = (int32_t)p->n_constants++;
    return LLMCS_OK;
}

llmcs_status ll_string_constant(ll_parser *x, const char *text, size_t n, int32_t *constant) {
    ll_string *s;
    LL_TRY(ll_arena_alloc(&x->p->arena, 1, sizeof *s, "template string", &s));
    *s = (ll_string){.text = text, .n = n, .origin = LL_ORIGIN_TEMPLATE};
    return add_constant(x, ll_text_value(s), constant);
}

static llmcs_status emit_constant(ll_parser *x, ll_value v, size_t at) {
    int32_t constant;
    LL_TRY(add_constant(x, v, &constant));
    return ll_emit(x, LL_OP_CONST, at, constant);
}

int32_t ll_program_find_name(const ll_program *p, const char *text, size_t n) {
    for (size_t i = 0; i < p->n_names; i++)
        if (p->names[i].n == n && memcmp(p->names[i].text, text, n) == 0) return (int32_t)i;
    return -1;
}

llmcs_status ll_intern(ll_parser *x, const char *text, size_t n, size_t at, int32_t *name) {
    ll_program *p = x->p;
    *name = ll_program_find_name(p, text, n);
    if (*name >= 0) return LLMCS_OK;
    if (p->n_names == LL_JINJA_MAX_NAMES)
        return ll_syntax_error(p, LLMCS_LIMIT, at, "more than %d different names", LL_JINJA_MAX_NAMES);
    LL_TRY(ll_grow(&p->allocator, &p->names, p->n_names, &p->names_capacity, p->n_names + 1, sizeof *p->names,
                   "template names"));
    p->names[p->n_names] = (ll_jinja_name){.text = text, .n = (uint32_t)n};
    *name = (int32_t)p->n_names++;
    return LLMCS_OK;
}

/* ---- tokens */

bool ll_is_name(const ll_token *t, const char *text) {
    return t->type == LL_T_NAME && t->n == strlen(text) && memcmp(t->text, text, t->n) == 0;
}

llmcs_status ll_unexpected(const ll_parser *x, const char *expected) {
    char show[64];
    const char *found = ll_token_show(x->t, show);
    if (expected)
        return ll_syntax_error(x->p, LLMCS_FORMAT, x->t->at, "TemplateSyntaxError: expected token '%s', got '%s'",
                               expected, found);
    return ll_syntax_error(x->p, LLMCS_FORMAT, x->t->at, "TemplateSyntaxError: unexpected '%s'", found);
}

llmcs_status ll_expect(ll_parser *x, ll_token_type type, const char *expected) {
    if (x->t->type != type) return ll_unexpected(x, expected);
    x->t++;
    return LLMCS_OK;
}

/* ---- the stack */

static ll_pending *top(ll_parser *x) { return &x->pending[x->n_pending - 1]; }

static llmcs_status push(ll_parser *x, ll_pending_kind kind, size_t at, ll_pending **out) {
    if (x->n_pending == LL_JINJA_MAX_PENDING)
        return ll_syntax_error(x->p, LLMCS_LIMIT, at, "an expression more than %d levels deep", LL_JINJA_MAX_PENDING);
    ll_pending *e = &x->pending[x->n_pending++];
    *e = (ll_pending){.kind = kind, .at = (uint32_t)at, .start = x->p->n_code, .patch = -1};
    if (out) *out = e;
    return LLMCS_OK;
}

static llmcs_status push_operator(ll_parser *x, ll_pending_kind kind, int op) {
    ll_pending *e;
    LL_TRY(push(x, kind, x->t->at, &e));
    e->op = (uint8_t)op;
    x->t++;
    return LLMCS_OK;
}

/* "a if b" and its else: [a][b] becomes [b, jump to the else part][a, jump past it]. */
static llmcs_status begin_else(ll_parser *x, ll_pending *e) {
    const size_t front = e->middle - e->start;
    LL_TRY(ll_emit(x, LL_OP_JUMP_IF_FALSE, e->at, (int32_t)front + 1));
    LL_TRY(ll_rotate(x, e->start, e->middle));
    LL_TRY(ll_emit(x, LL_OP_JUMP, e->at, 0));
    e->patch = (int32_t)x->p->n_code - 1;
    e->kind = LL_P_ELSE;
    e->start = x->p->n_code;
    return LLMCS_OK;
}

/* Emits the operator that is on top of the stack, whose right side is complete. */
static llmcs_status reduce_one(ll_parser *x) {
    ll_pending *e = top(x);
    switch (e->kind) {
        case LL_P_IF:
            LL_TRY(begin_else(x, e));
            LL_TRY(ll_emit(x, LL_OP_ELSE_UNDEFINED, e->at, 0));
            ll_patch(x, e->patch);
            break;
        case LL_P_ELSE:
        case LL_P_OR:
        case LL_P_AND:
            ll_patch(x, e->patch);
            break;
        case LL_P_NOT:
            LL_TRY(ll_emit(x, LL_OP_NOT, e->at, 0));
            break;
        case LL_P_COMPARE:
            LL_TRY(ll_emit(x, LL_OP_COMPARE, e->at, 0));
            ll_last(x)->n_args = e->op;
            ll_patch_list(x, e->patch);
            break;
        case LL_P_CONCAT:
            LL_TRY(ll_emit(x, LL_OP_CONCAT, e->at, (int32_t)e->n + 1));
            break;
        case LL_P_SIGN:
            LL_TRY(ll_emit(x, (ll_op)e->op, e->at, 0));
            break;
        default:
            LL_TRY(ll_emit(x, LL_OP_BINARY, e->at, 0));
            ll_last(x)->n_args = e->op;
            break;
    }
    x->n_pending--;
    return LLMCS_OK;
}

/* Emits all operators on top of the stack that bind at least as strongly as `kind`. */
static llmcs_status reduce(ll_parser *x, ll_pending_kind kind) {
    while (top(x)->kind >= kind) LL_TRY(reduce_one(x));
    return LLMCS_OK;
}

/* ---- operands */

void ll_see_name(ll_parser *x, int32_t name, bool stored) {
    ll_jinja_name *n = &x->p->names[name];
    if (n->seen) return;
    for (size_t i = 0; i < x->n_blocks; i++)
        if (x->blocks[i].kind > LL_B_ELSE) return; /* not the template's own scope */
    n->seen = true;
    n->hidden = stored && x->n_blocks == 0;
}

static llmcs_status emit_variable(ll_parser *x) {
    const ll_token *t = x->t++;
    int32_t name;
    LL_TRY(ll_intern(x, t->text, t->n, t->at, &name));
    ll_see_name(x, name, false);
    for (size_t i = x->n_blocks; i-- > 0;) {
        if (x->blocks[i].kind != LL_B_MACRO && x->blocks[i].kind != LL_B_CALL) continue;
        ll_macro *m = &x->p->macros[x->blocks[i].macro];
        m->caller |= ll_is_name(t, "caller");
        m->kwargs |= ll_is_name(t, "kwargs");
        m->varargs |= ll_is_name(t, "varargs");
    }
    return ll_emit(x, LL_OP_LOAD, t->at, name);
}

static llmcs_status emit_name(ll_parser *x) {
    static const struct {
        const char *name;
        int value; /* 0, 1; 2: None */
    } constants[] = {{"true", 1}, {"True", 1}, {"false", 0}, {"False", 0}, {"none", 2}, {"None", 2}};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        if (!ll_is_name(x->t, constants[i].name)) continue;
        const size_t at = x->t++->at;
        return emit_constant(x, constants[i].value == 2 ? ll_none() : ll_bool(constants[i].value == 1), at);
    }
    return emit_variable(x);
}

/* Adjacent strings are concatenated. */
static llmcs_status emit_string(ll_parser *x) {
    const ll_token *first = x->t;
    size_t n = 0;
    int32_t constant;
    const char *text = first->text;
    for (; x->t->type == LL_T_STRING; x->t++) n += x->t->n;
    if (x->t - first > 1) {
        char *joined;
        LL_TRY(ll_arena_alloc(&x->p->arena, n, 1, "template string", &joined));
        n = 0;
        for (const ll_token *t = first; t < x->t; t++) {
            if (t->n) memcpy(joined + n, t->text, t->n);
            n += t->n;
        }
        text = joined;
    }
    LL_TRY(ll_string_constant(x, text, n, &constant));
    return ll_emit(x, LL_OP_CONST, first->at, constant);
}

/* At the beginning of an argument of a call, filter or test: "name=" belongs to the argument. */
static llmcs_status begin_argument(ll_parser *x, ll_pending *e) {
    if (e->n + e->n_kwargs == LL_JINJA_MAX_ARGS)
        return ll_syntax_error(x->p, LLMCS_LIMIT, x->t->at, "more than %d arguments", LL_JINJA_MAX_ARGS);
    if (x->t->type == LL_T_MUL || x->t->type == LL_T_POW)
        return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, x->t->at, "*args and **kwargs in calls are not supported");
    if (x->t->type == LL_T_NAME && x->t[1].type == LL_T_ASSIGN) {
        if (x->n_kwargs == LL_JINJA_MAX_PENDING)
            return ll_syntax_error(x->p, LLMCS_LIMIT, x->t->at, "too many keyword arguments");
        LL_TRY(ll_intern(x, x->t->text, x->t->n, x->t->at, &x->kwargs[x->n_kwargs]));
        for (size_t i = 1; i <= e->n_kwargs; i++)
            if (x->kwargs[x->n_kwargs - i] == x->kwargs[x->n_kwargs])
                return ll_syntax_error(x->p, LLMCS_FORMAT, x->t->at, "SyntaxError: keyword argument repeated: %.*s",
                                       (int)x->t->n, x->t->text);
        x->n_kwargs++;
        e->n_kwargs++;
        x->t += 2;
    } else if (e->n_kwargs) {
        return ll_syntax_error(x->p, LLMCS_FORMAT, x->t->at,
                               "TemplateSyntaxError: invalid syntax for function call expression");
    } else {
        e->n++;
    }
    return LLMCS_OK;
}

/* The call, filter or test on top of the stack is complete. */
static llmcs_status end_call(ll_parser *x) {
    static const ll_op ops[] = {
        [LL_P_CALL] = LL_OP_CALL, [LL_P_FILTER] = LL_OP_FILTER, [LL_P_TEST] = LL_OP_TEST, [LL_P_TEST_ARG] = LL_OP_TEST};
    const ll_pending e = *top(x);
    ll_program *p = x->p;
    LL_TRY(ll_grow(&p->allocator, &p->kwarg_names, p->n_kwarg_names, &p->kwarg_names_capacity,
                   p->n_kwarg_names + e.n_kwargs, sizeof *p->kwarg_names, "keyword arguments"));
    x->n_kwargs -= e.n_kwargs;
    for (size_t i = 0; i < e.n_kwargs; i++) p->kwarg_names[p->n_kwarg_names + i] = x->kwargs[x->n_kwargs + i];
    LL_TRY(ll_emit(x, ops[e.kind], e.at, (int32_t)p->n_kwarg_names));
    p->n_kwarg_names += e.n_kwargs;
    ll_last(x)->n_args = (uint8_t)e.n;
    ll_last(x)->n_kwargs = (uint16_t)e.n_kwargs;
    ll_last(x)->b = e.callee;
    if (e.negated) LL_TRY(ll_emit(x, LL_OP_NOT, e.at, 0));
    x->n_pending--;
    return LLMCS_OK;
}

/* After the opening bracket of a call. *operand: an argument follows. */
static llmcs_status begin_call(ll_parser *x, ll_pending_kind kind, int32_t callee, bool negated, bool *operand) {
    ll_pending *e;
    LL_TRY(push(x, kind, x->t->at, &e));
    e->callee = callee;
    e->negated = negated;
    x->t++;
    *operand = x->t->type != LL_T_RPAREN;
    if (*operand) return begin_argument(x, e);
    x->t++;
    return end_call(x);
}

/* An empty bracket is an operand; else one follows. */
static llmcs_status begin_bracket(ll_parser *x, ll_pending_kind kind, ll_token_type close, ll_op empty, bool *operand) {
    const size_t at = x->t++->at;
    *operand = x->t->type != close;
    if (*operand) return push(x, kind, at, NULL);
    x->t++;
    return ll_emit(x, empty, at, 0);
}

/* True if "not" is allowed here; it is not on the right of arithmetic and comparisons. */
static bool not_is_operator(const ll_parser *x) {
    const ll_pending_kind kind = x->pending[x->n_pending - 1].kind;
    return kind <= LL_P_NOT && kind != LL_P_TEST_ARG;
}

/* Parses one token where an operand is expected. *operand: one is still expected. */
static llmcs_status parse_operand(ll_parser *x, bool *operand) {
    const ll_token *t = x->t;
    *operand = false;
    switch (t->type) {
        case LL_T_NAME:
            if (!ll_is_name(t, "not") || !not_is_operator(x)) return emit_name(x);
            *operand = true;
            return push_operator(x, LL_P_NOT, 0);
        case LL_T_ADD:
        case LL_T_SUB:
            if (top(x)->kind == LL_P_TEST_ARG) return ll_unexpected(x, NULL);
            *operand = true;
            return push_operator(x, LL_P_SIGN, t->type == LL_T_SUB ? LL_OP_NEGATE : LL_OP_PLUS);
        case LL_T_STRING:
            return emit_string(x);
        case LL_T_INT:
            x->t++;
            return emit_constant(x, ll_int(t->integer), t->at);
        case LL_T_FLOAT:
            x->t++;
            return emit_constant(x, ll_real(t->real), t->at);
        case LL_T_LPAREN:
            return begin_bracket(x, LL_P_PAREN, LL_T_RPAREN, LL_OP_TUPLE, operand);
        case LL_T_LBRACKET:
            return begin_bracket(x, LL_P_LIST, LL_T_RBRACKET, LL_OP_LIST, operand);
        case LL_T_LBRACE:
            return begin_bracket(x, LL_P_DICT_KEY, LL_T_RBRACE, LL_OP_DICT, operand);
        default:
            return ll_unexpected(x, NULL);
    }
}

/* ---- after an operand */

/* The name of a filter or test; it may contain dots. */
static llmcs_status read_dotted(ll_parser *x, char *out, size_t size) {
    size_t n = 0;
    out[0] = 0;
    for (;;) {
        if (x->t->type != LL_T_NAME) return ll_unexpected(x, "name");
        n += (size_t)ll_format(out + n, size - n, "%s%.*s", n ? "." : "", (int)ll_min(x->t->n, 60), x->t->text);
        x->t++;
        if (x->t->type != LL_T_DOT || n + 64 > size) return LLMCS_OK;
        x->t++;
    }
}

/* A filter or test that is not in our table. Inside an if, as in jinja2, it fails only where it is reached: *callee is
 * then less than 0, -1 - its name. */
static llmcs_status no_builtin(ll_parser *x, const char *what, const char *name, bool known, size_t at, int *callee) {
    for (size_t i = 0; i < x->n_blocks; i++) {
        if (x->blocks[i].kind != LL_B_IF && x->blocks[i].kind != LL_B_ELSE) continue;
        const char *copy;
        int32_t number;
        LL_TRY(ll_arena_copy_text(&x->p->arena, name, strlen(name), "template name", &copy));
        LL_TRY(ll_intern(x, copy, strlen(copy), at, &number));
        *callee = -1 - number;
        return LLMCS_OK;
    }
    if (known) return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, at, "the %s '%s' is not supported", what, name);
    return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, at, "TemplateAssertionError: No %s named '%s'.", what, name);
}

/* At the name of a filter. */
static llmcs_status parse_filter(ll_parser *x, bool *operand) {
    char name[160];
    bool known;
    const size_t at = x->t->at;
    *operand = false;
    LL_TRY(read_dotted(x, name, sizeof name));
    int filter = ll_find_filter(name, strlen(name), &known);
    if (filter < 0) LL_TRY(no_builtin(x, "filter", name, known, at, &filter));
    if (x->t->type == LL_T_LPAREN) return begin_call(x, LL_P_FILTER, filter, false, operand);
    LL_TRY(ll_emit(x, LL_OP_FILTER, at, 0));
    ll_last(x)->b = filter;
    return LLMCS_OK;
}

/* True if the token is the argument of a test without brackets. */
static bool begins_test_argument(const ll_token *t) {
    if (t->type == LL_T_NAME) return !ll_is_name(t, "else") && !ll_is_name(t, "or") && !ll_is_name(t, "and");
    return t->type == LL_T_STRING || t->type == LL_T_INT || t->type == LL_T_FLOAT || t->type == LL_T_LBRACKET ||
           t->type == LL_T_LBRACE;
}

/* After "is". */
static llmcs_status parse_test(ll_parser *x, bool *operand) {
    char name[160];
    bool known;
    ll_pending *e;
    const bool negated = ll_is_name(x->t, "not");
    if (negated) x->t++;
    const size_t at = x->t->at;
    *operand = false;
    LL_TRY(read_dotted(x, name, sizeof name));
    int test = ll_find_test(name, strlen(name), &known);
    if (test < 0) LL_TRY(no_builtin(x, "test", name, known, at, &test));
    if (x->t->type == LL_T_LPAREN) return begin_call(x, LL_P_TEST, test, negated, operand);
    if (begins_test_argument(x->t)) {
        if (ll_is_name(x->t, "is"))
            return ll_syntax_error(x->p, LLMCS_FORMAT, x->t->at,
                                   "TemplateSyntaxError: You cannot chain multiple tests with is");
        LL_TRY(push(x, LL_P_TEST_ARG, at, &e));
        *e = (ll_pending){.kind = LL_P_TEST_ARG,
                          .at = (uint32_t)at,
                          .negated = negated,
                          .callee = test,
                          .n = 1,
                          .start = x->p->n_code,
                          .patch = -1};
        *operand = true;
        return LLMCS_OK;
    }
    LL_TRY(ll_emit(x, LL_OP_TEST, at, 0));
    ll_last(x)->b = test;
    return negated ? ll_emit(x, LL_OP_NOT, at, 0) : LLMCS_OK;
}

static llmcs_status parse_attribute(ll_parser *x) {
    const size_t at = x->t++->at;
    const ll_token *t = x->t;
    int32_t name;
    if (t->type == LL_T_INT) {
        x->t++;
        LL_TRY(emit_constant(x, ll_int(t->integer), t->at));
        return ll_emit(x, LL_OP_GETITEM, at, 0);
    }
    if (t->type != LL_T_NAME)
        return ll_syntax_error(x->p, LLMCS_FORMAT, t->at, "TemplateSyntaxError: expected name or number");
    x->t++;
    LL_TRY(ll_intern(x, t->text, t->n, t->at, &name));
    return ll_emit(x, LL_OP_GETATTR, at, name);
}

/* Behind "[" or a colon of a slice: parts that are left out are None. *operand: a part follows. */
static llmcs_status begin_subscript_part(ll_parser *x, bool *operand) {
    ll_pending *e = top(x);
    for (;;) {
        const ll_token_type type = x->t->type;
        *operand = type != LL_T_COLON && type != LL_T_RBRACKET;
        if (*operand || (type == LL_T_RBRACKET && e->n == 0)) return LLMCS_OK;
        LL_TRY(emit_constant(x, ll_none(), x->t->at));
        if (type == LL_T_RBRACKET) return LLMCS_OK;
        if (e->n == 2) return ll_unexpected(x, "]");
        e->n++;
        x->t++;
    }
}

static llmcs_status begin_subscript(ll_parser *x, bool *operand) {
    LL_TRY(push(x, LL_P_SUBSCRIPT, x->t->at, NULL));
    x->t++;
    LL_TRY(begin_subscript_part(x, operand));
    top(x)->start = x->p->n_code;
    if (*operand || top(x)->n) return LLMCS_OK;
    x->t++; /* x[] is x[()] */
    LL_TRY(ll_emit(x, LL_OP_TUPLE, top(x)->at, 0));
    LL_TRY(ll_emit(x, LL_OP_GETITEM, top(x)->at, 0));
    x->n_pending--;
    return LLMCS_OK;
}

static llmcs_status end_subscript(ll_parser *x) {
    const ll_pending e = *top(x);
    x->n_pending--;
    x->t++;
    if (e.n && e.n_kwargs) return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, e.at, "slices in tuples are not supported");
    if (e.n_kwargs) LL_TRY(ll_emit(x, LL_OP_TUPLE, e.at, (int32_t)e.n_kwargs + 1));
    if (e.n == 0) return ll_emit(x, LL_OP_GETITEM, e.at, 0);
    if (e.n == 1) LL_TRY(emit_constant(x, ll_none(), e.at));
    return ll_emit(x, LL_OP_SLICE, e.at, 0);
}

/* ---- operators */

static llmcs_status parse_comparison(ll_parser *x, ll_compare op) {
    LL_TRY(reduce(x, LL_P_ADDITION));
    ll_pending *e = top(x);
    if (e->kind != LL_P_COMPARE) return push_operator(x, LL_P_COMPARE, (int)op);
    LL_TRY(ll_emit(x, LL_OP_COMPARE_CHAIN, e->at, e->patch));
    ll_last(x)->n_args = e->op;
    e->patch = (int32_t)x->p->n_code - 1;
    e->op = (uint8_t)op;
    x->t++;
    return LLMCS_OK;
}

static llmcs_status parse_and_or(ll_parser *x, ll_pending_kind kind) {
    LL_TRY(reduce(x, kind));
    LL_TRY(ll_emit(x, kind == LL_P_AND ? LL_OP_AND : LL_OP_OR, x->t->at, 0));
    LL_TRY(push_operator(x, kind, 0));
    top(x)->patch = (int32_t)x->p->n_code - 1;
    return LLMCS_OK;
}

static llmcs_status parse_inline_if(ll_parser *x) {
    ll_pending *e;
    LL_TRY(reduce(x, LL_P_OR));
    if (top(x)->kind == LL_P_IF) LL_TRY(reduce_one(x));
    const size_t start = top(x)->start;
    LL_TRY(push(x, LL_P_IF, x->t->at, &e));
    e->start = start;
    e->middle = x->p->n_code;
    x->t++;
    return LLMCS_OK;
}

static llmcs_status parse_product(ll_parser *x, ll_pending_kind kind, ll_binary op) {
    LL_TRY(reduce(x, kind));
    return push_operator(x, kind, (int)op);
}

static llmcs_status parse_concat(ll_parser *x) {
    LL_TRY(reduce(x, LL_P_PRODUCT));
    if (top(x)->kind != LL_P_CONCAT) LL_TRY(push(x, LL_P_CONCAT, x->t->at, NULL));
    top(x)->n++;
    x->t++;
    return LLMCS_OK;
}

/* True if an inline if is allowed here. */
static bool allows_inline_if(const ll_parser *x, unsigned how) {
    for (size_t i = x->n_pending; i-- > 0;) {
        if (x->pending[i].kind == LL_P_TOP) return how & LL_EXPR_INLINE_IF;
        if (x->pending[i].kind <= LL_P_SUBSCRIPT) return true;
    }
    return false;
}

/* A name that is an operator. *known: it was one, and an operand follows. */
static llmcs_status parse_word(ll_parser *x, unsigned how, bool *known) {
    *known = true;
    if (ll_is_name(x->t, "and")) return parse_and_or(x, LL_P_AND);
    if (ll_is_name(x->t, "or")) return parse_and_or(x, LL_P_OR);
    if (ll_is_name(x->t, "in")) return parse_comparison(x, LL_IN);
    if (ll_is_name(x->t, "not") && ll_is_name(x->t + 1, "in")) {
        x->t++;
        return parse_comparison(x, LL_NOT_IN);
    }
    if (ll_is_name(x->t, "if") && allows_inline_if(x, how)) return parse_inline_if(x);
    if (ll_is_name(x->t, "else")) {
        LL_TRY(reduce(x, LL_P_OR));
        while (top(x)->kind == LL_P_ELSE) LL_TRY(reduce_one(x));
        if (top(x)->kind == LL_P_IF) {
            x->t++;
            return begin_else(x, top(x));
        }
    }
    *known = false;
    return LLMCS_OK;
}

static llmcs_status parse_operator(ll_parser *x, unsigned how, bool *known) {
    *known = true;
    switch (x->t->type) {
        case LL_T_ADD:
            return parse_product(x, LL_P_ADDITION, LL_ADD);
        case LL_T_SUB:
            return parse_product(x, LL_P_ADDITION, LL_SUB);
        case LL_T_MUL:
            return parse_product(x, LL_P_PRODUCT, LL_MUL);
        case LL_T_DIV:
            return parse_product(x, LL_P_PRODUCT, LL_DIV);
        case LL_T_FLOORDIV:
            return parse_product(x, LL_P_PRODUCT, LL_FLOORDIV);
        case LL_T_MOD:
            return parse_product(x, LL_P_PRODUCT, LL_MOD);
        case LL_T_POW:
            return parse_product(x, LL_P_POWER, LL_POW);
        case LL_T_TILDE:
            return parse_concat(x);
        case LL_T_EQ:
            return parse_comparison(x, LL_EQ);
        case LL_T_NE:
            return parse_comparison(x, LL_NE);
        case LL_T_LT:
            return parse_comparison(x, LL_LT);
        case LL_T_LE:
            return parse_comparison(x, LL_LE);
        case LL_T_GT:
            return parse_comparison(x, LL_GT);
        case LL_T_GE:
            return parse_comparison(x, LL_GE);
        case LL_T_NAME:
            return parse_word(x, how, known);
        default:
            *known = false;
            return LLMCS_OK;
    }
}

/* ---- ends of brackets */

/* At a comma. *operand: another part follows; *ends: the comma does not belong to this expression. */
static llmcs_status parse_comma(ll_parser *x, unsigned how, bool *operand, bool *ends) {
    ll_pending *e = top(x);
    const ll_token_type next = x->t[1].type;
    *operand = true;
    if (e->kind == LL_P_TOP && !(how & LL_EXPR_TUPLE)) {
        *ends = true;
        return LLMCS_OK;
    }
    x->t++;
    e->start = x->p->n_code;
    switch (e->kind) {
        case LL_P_TOP:
            e->tuple = true;
            e->n++;
            *operand = next != LL_T_VARIABLE_END && next != LL_T_BLOCK_END && next != LL_T_RPAREN;
            return LLMCS_OK;
        case LL_P_PAREN:
            e->tuple = true;
            e->n++;
            *operand = next != LL_T_RPAREN;
            return LLMCS_OK;
        case LL_P_LIST:
            e->n++;
            *operand = next != LL_T_RBRACKET;
            return LLMCS_OK;
        case LL_P_DICT_VALUE:
            e->n++;
            e->kind = LL_P_DICT_KEY;
            *operand = next != LL_T_RBRACE;
            return LLMCS_OK;
        case LL_P_CALL:
        case LL_P_FILTER:
        case LL_P_TEST:
            *operand = next != LL_T_RPAREN;
            return *operand ? begin_argument(x, e) : LLMCS_OK;
        case LL_P_SUBSCRIPT:
            if (e->n || next == LL_T_RBRACKET)
                return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, x->t->at, "slices in tuples are not supported");
            e->n_kwargs++; /* x[a, b] is x[(a, b)] */
            return LLMCS_OK;
        default:
            x->t--;
            return ll_unexpected(x, NULL);
    }
}

/* What may follow an operand in a bracket, for messages. */
static const char *separator_of(ll_pending_kind kind) {
    return kind == LL_P_PAREN ? ")" : kind == LL_P_DICT_KEY ? ":" : ",";
}

/* A closing bracket. `last` says whether an operand precedes it: "(1, 2,)" ends with a comma. */
static llmcs_status parse_close(ll_parser *x, bool last, bool *ends) {
    ll_pending *e = top(x);
    const ll_token_type type = x->t->type;
    const size_t n = e->n + (last ? 1 : 0);
    if (type == LL_T_RPAREN && e->kind == LL_P_PAREN) {
        if (e->tuple) LL_TRY(ll_emit(x, LL_OP_TUPLE, e->at, (int32_t)n));
    } else if (type == LL_T_RBRACKET && e->kind == LL_P_LIST) {
        LL_TRY(ll_emit(x, LL_OP_LIST, e->at, (int32_t)n));
    } else if (type == LL_T_RBRACE && (e->kind == LL_P_DICT_VALUE || (e->kind == LL_P_DICT_KEY && !last))) {
        LL_TRY(ll_emit(x, LL_OP_DICT, e->at, (int32_t)n));
    } else if (type == LL_T_RPAREN && (e->kind == LL_P_CALL || e->kind == LL_P_FILTER || e->kind == LL_P_TEST)) {
        x->t++;
        return end_call(x);
    } else if (type == LL_T_RBRACKET && e->kind == LL_P_SUBSCRIPT) {
        return end_subscript(x);
    } else if (e->kind == LL_P_TOP) {
        *ends = true;
        return LLMCS_OK;
    } else {
        return ll_unexpected(x, separator_of(e->kind));
    }
    x->n_pending--;
    x->t++;
    return LLMCS_OK;
}

static llmcs_status parse_colon(ll_parser *x, bool *operand, bool *ends) {
    ll_pending *e = top(x);
    *operand = true;
    if (e->kind == LL_P_DICT_KEY) {
        e->kind = LL_P_DICT_VALUE;
        x->t++;
        e->start = x->p->n_code;
        return LLMCS_OK;
    }
    if (e->kind == LL_P_SUBSCRIPT) {
        if (e->n == 2) return ll_unexpected(x, "]");
        e->n++;
        x->t++;
        LL_TRY(begin_subscript_part(x, operand));
        e->start = x->p->n_code;
        return LLMCS_OK;
    }
    *ends = true;
    return LLMCS_OK;
}

/* ---- the loop */

/* Postfix forms, which bind to the operand in front; *postfix: those of names and brackets, too, rather than of
 * filters only. *known: it was one. */
static llmcs_status parse_postfix(ll_parser *x, bool *postfix, bool *operand, bool *known) {
    const ll_token_type type = x->t->type;
    *known = true;
    *operand = false;
    if (type == LL_T_DOT && *postfix) return parse_attribute(x);
    if (type == LL_T_LBRACKET && *postfix) return begin_subscript(x, operand);
    if (type == LL_T_LPAREN) return begin_call(x, LL_P_CALL, -1, false, operand);
    if (top(x)->kind == LL_P_TEST_ARG) { /* its argument is complete; the token is looked at again */
        *postfix = false;
        return end_call(x);
    }
    if (type != LL_T_PIPE && !ll_is_name(x->t, "is")) {
        *known = false;
        return LLMCS_OK;
    }
    LL_TRY(reduce(x, LL_P_SIGN));
    x->t++;
    *postfix = false;
    return type == LL_T_PIPE ? parse_filter(x, operand) : parse_test(x, operand);
}

/* Parses one token after an operand. */
static llmcs_status parse_after_operand(ll_parser *x, unsigned how, bool *postfix, bool *operand, bool *ends) {
    bool known;
    LL_TRY(parse_postfix(x, postfix, operand, &known));
    if (known) {
        if (*operand) *postfix = true;
        return LLMCS_OK;
    }
    LL_TRY(parse_operator(x, how, &known));
    if (known) {
        *postfix = *operand = true;
        return LLMCS_OK;
    }
    LL_TRY(reduce(x, LL_P_IF));
    const ll_pending_kind kind = top(x)->kind;
    *postfix = kind != LL_P_FILTER && kind != LL_P_TEST; /* after their closing brackets */
    switch (x->t->type) {
        case LL_T_COMMA:
            return parse_comma(x, how, operand, ends);
        case LL_T_COLON:
            return parse_colon(x, operand, ends);
        case LL_T_RPAREN:
        case LL_T_RBRACKET:
        case LL_T_RBRACE:
            return parse_close(x, true, ends);
        default:
            if (top(x)->kind != LL_P_TOP) return ll_unexpected(x, separator_of(top(x)->kind));
            *ends = true;
            return LLMCS_OK;
    }
}

/* After a comma or colon that nothing follows: the bracket's end, or that of the whole. */
static llmcs_status parse_trailing(ll_parser *x, bool *ends) {
    if (top(x)->kind != LL_P_TOP) return parse_close(x, top(x)->kind == LL_P_SUBSCRIPT, ends);
    *ends = true;
    return LLMCS_OK;
}

llmcs_status ll_parse_expression(ll_parser *x, unsigned how) {
    bool operand = true, postfix = true, ends = false;
    const ll_token *before = NULL;
    x->n_pending = 0;
    LL_TRY(push(x, LL_P_TOP, x->t->at, NULL));
    while (!ends) {
        before = x->t;
        if (operand) {
            LL_TRY(parse_operand(x, &operand));
            postfix = true;
            continue;
        }
        LL_TRY(parse_after_operand(x, how, &postfix, &operand, &ends));
        /* A comma or a slice's colon before a closing bracket. */
        const bool separated = x->t > before && (x->t[-1].type == LL_T_COMMA || x->t[-1].type == LL_T_COLON);
        if (!operand && !ends && separated) {
            if (top(x)->kind == LL_P_TOP) {
                ll_pending *e = top(x);
                LL_TRY(ll_emit(x, LL_OP_TUPLE, e->at, (int32_t)e->n));
                return LLMCS_OK;
            }
            LL_TRY(parse_trailing(x, &ends));
        }
    }
    const ll_pending *e = top(x);
    return e->tuple ? ll_emit(x, LL_OP_TUPLE, e->at, (int32_t)e->n + 1) : LLMCS_OK;
}

llmcs_status ll_parse_filters(ll_parser *x) {
    bool operand, postfix, ends = false;
    x->n_pending = 0;
    LL_TRY(push(x, LL_P_TOP, x->t->at, NULL));
    for (;;) {
        LL_TRY(parse_filter(x, &operand));
        while (operand || top(x)->kind != LL_P_TOP) {
            postfix = true;
            if (operand)
                LL_TRY(parse_operand(x, &operand));
            else
                LL_TRY(parse_after_operand(x, LL_EXPR_INLINE_IF, &postfix, &operand, &ends));
        }
        if (x->t->type != LL_T_PIPE) return LLMCS_OK;
        x->t++;
    }
}
