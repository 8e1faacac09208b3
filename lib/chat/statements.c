/* Statements: text, {{ }}, and {% %} with the blocks they open, on an explicit stack. */
#include <string.h>

#include "base/utf8.h"
#include "chat/parser.h"

#define MAX_TARGET_DEPTH 8

/* ---- blocks */

static ll_block *innermost(ll_parser *x) { return x->n_blocks ? &x->blocks[x->n_blocks - 1] : NULL; }

static llmcs_status push_block(ll_parser *x, ll_block_kind kind, size_t at, ll_block **out) {
    if (x->n_blocks == LL_JINJA_MAX_BLOCKS)
        return ll_syntax_error(x->p, LLMCS_LIMIT, at, "more than %d blocks inside each other", LL_JINJA_MAX_BLOCKS);
    *out = &x->blocks[x->n_blocks++];
    **out = (ll_block){.kind = kind, .at = (uint32_t)at, .jump = -1, .ends = -1, .breaks = -1, .macro = -1};
    return LLMCS_OK;
}

static const char *block_name(ll_block_kind kind) {
    static const char *const names[] = {"if",   "if",  "for",    "for",  "macro",
                                        "call", "set", "filter", "with", "generation"};
    return names[kind];
}

/* Adds a jump whose target is not known yet to a list. */
static llmcs_status emit_jump(ll_parser *x, size_t at, int32_t *list) {
    LL_TRY(ll_emit(x, LL_OP_JUMP, at, *list));
    *list = (int32_t)x->p->n_code - 1;
    return LLMCS_OK;
}

static llmcs_status emit_jump_back(ll_parser *x, size_t at, int32_t target) {
    return ll_emit(x, LL_OP_JUMP, at, target - (int32_t)x->p->n_code - 1);
}

/* ---- targets of assignments */

static llmcs_status add_target(ll_parser *x, ll_op op, size_t at, int32_t a, int32_t b) {
    if (x->n_targets == sizeof x->targets / sizeof *x->targets)
        return ll_syntax_error(x->p, LLMCS_LIMIT, at, "too many names to assign to");
    x->targets[x->n_targets++] = (ll_instruction){.op = (uint8_t)op, .a = a, .b = b, .at = (uint32_t)at};
    return LLMCS_OK;
}

static llmcs_status parse_target_name(ll_parser *x, bool namespaces) {
    const ll_token *t = x->t;
    int32_t name, attribute;
    if (t->type != LL_T_NAME) return ll_unexpected(x, "name");
    for (const char *const *c = (const char *const[]){"true", "false", "none", "True", "False", "None", NULL}; *c; c++)
        if (ll_is_name(t, *c))
            return ll_syntax_error(x->p, LLMCS_FORMAT, t->at, "TemplateSyntaxError: can't assign to 'const'");
    LL_TRY(ll_intern(x, t->text, t->n, t->at, &name));
    x->t++;
    if (!namespaces || x->t->type != LL_T_DOT) return add_target(x, LL_OP_STORE, t->at, name, 0);
    x->t++;
    if (x->t->type != LL_T_NAME) return ll_unexpected(x, "name");
    LL_TRY(ll_intern(x, x->t->text, x->t->n, x->t->at, &attribute));
    x->t++;
    return add_target(x, LL_OP_STORE_ATTR, t->at, name, attribute);
}

/* The names from targets[first] on are a tuple of n. */
static llmcs_status make_tuple(ll_parser *x, size_t first, size_t at, size_t n) {
    LL_TRY(add_target(x, LL_OP_UNPACK, at, 0, 0));
    memmove(&x->targets[first + 1], &x->targets[first], (x->n_targets - 1 - first) * sizeof *x->targets);
    x->targets[first] = (ll_instruction){.op = LL_OP_UNPACK, .a = (int32_t)n, .at = (uint32_t)at};
    return LLMCS_OK;
}

static bool ends_targets(const ll_token *t) {
    return t->type == LL_T_ASSIGN || t->type == LL_T_BLOCK_END || t->type == LL_T_RPAREN || t->type == LL_T_EOF ||
           ll_is_name(t, "in");
}

/* "a", "a, b", "a, (b, c)", "ns.a": appends their stores to x->targets. */
static llmcs_status parse_targets(ll_parser *x, bool namespaces) {
    struct {
        size_t first, n;
        bool tuple;
    } level[MAX_TARGET_DEPTH] = {{x->n_targets, 0, false}};
    size_t depth = 0;
    for (;;) {
        if (x->t->type == LL_T_LPAREN) {
            if (++depth == MAX_TARGET_DEPTH)
                return ll_syntax_error(x->p, LLMCS_LIMIT, x->t->at, "names too deep in brackets");
            level[depth].first = x->n_targets;
            level[depth].n = 0;
            level[depth].tuple = false;
            x->t++;
            continue;
        }
        LL_TRY(parse_target_name(x, namespaces));
        level[depth].n++;
        while (x->t->type == LL_T_RPAREN && depth) {
            if (level[depth].tuple) LL_TRY(make_tuple(x, level[depth].first, x->t->at, level[depth].n));
            level[--depth].n++;
            x->t++;
        }
        if (x->t->type != LL_T_COMMA) break;
        level[depth].tuple = true;
        x->t++;
        while (depth && x->t->type == LL_T_RPAREN) {
            LL_TRY(make_tuple(x, level[depth].first, x->t->at, level[depth].n));
            level[--depth].n++;
            x->t++;
        }
        if (ends_targets(x->t)) break;
    }
    if (depth) return ll_unexpected(x, ")");
    return level[0].tuple ? make_tuple(x, level[0].first, x->t->at, level[0].n) : LLMCS_OK;
}

static llmcs_status emit_targets(ll_parser *x, size_t first) {
    for (size_t i = first; i < x->n_targets; i++) {
        if (x->targets[i].op == LL_OP_STORE) ll_see_name(x, x->targets[i].a, true);
        LL_TRY(ll_emit(x, (ll_op)x->targets[i].op, x->targets[i].at, x->targets[i].a));
        ll_last(x)->b = x->targets[i].b;
    }
    return LLMCS_OK;
}

/* ---- if */

static llmcs_status parse_condition(ll_parser *x, ll_block *b, size_t at) {
    LL_TRY(ll_parse_expression(x, LL_EXPR_TUPLE));
    LL_TRY(ll_emit(x, LL_OP_JUMP_IF_FALSE, at, 0));
    b->jump = (int32_t)x->p->n_code - 1;
    return LLMCS_OK;
}

static llmcs_status parse_if(ll_parser *x, size_t at) {
    ll_block *b;
    LL_TRY(push_block(x, LL_B_IF, at, &b));
    return parse_condition(x, b, at);
}

static llmcs_status parse_elif(ll_parser *x, size_t at) {
    ll_block *b = innermost(x);
    LL_TRY(emit_jump(x, at, &b->ends));
    ll_patch(x, b->jump);
    return parse_condition(x, b, at);
}

/* ---- for */

static llmcs_status emit_loop(ll_parser *x, size_t at, size_t first_target, bool filtered, ll_block *b) {
    LL_TRY(ll_emit(x, LL_OP_FOR, at, 0));
    ll_last(x)->n_args = filtered;
    b->jump = (int32_t)x->p->n_code - 1;
    LL_TRY(ll_emit(x, LL_OP_NEXT, at, 0));
    b->ends = (int32_t)x->p->n_code - 1;
    return emit_targets(x, first_target);
}

static llmcs_status parse_for(ll_parser *x, size_t at) {
    const size_t first = x->n_targets;
    ll_block *b;
    LL_TRY(parse_targets(x, false));
    if (!ll_is_name(x->t, "in")) return ll_unexpected(x, "in");
    x->t++;
    LL_TRY(ll_parse_expression(x, LL_EXPR_TUPLE));
    LL_TRY(push_block(x, LL_B_FOR, at, &b));
    if (ll_is_name(x->t, "if")) {
        const size_t condition = x->t++->at;
        LL_TRY(emit_loop(x, condition, first, true, b));
        LL_TRY(ll_parse_expression(x, LL_EXPR_INLINE_IF));
        LL_TRY(ll_emit(x, LL_OP_KEEP, condition, 0));
        LL_TRY(emit_jump_back(x, condition, b->ends));
        ll_patch(x, b->ends);
        LL_TRY(ll_emit(x, LL_OP_END_FILTERED, condition, 0));
    }
    if (ll_is_name(x->t, "recursive"))
        return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, x->t->at, "recursive loops are not supported");
    LL_TRY(emit_loop(x, at, first, false, b));
    x->n_targets = first;
    return LLMCS_OK;
}

static llmcs_status end_loop_body(ll_parser *x, ll_block *b, size_t at) {
    LL_TRY(emit_jump_back(x, at, b->ends));
    ll_last(x)->n_args = 1;
    ll_patch(x, b->ends);
    ll_patch_list(x, b->breaks);
    return ll_emit(x, LL_OP_END_FOR, at, 0);
}

static llmcs_status parse_else(ll_parser *x, size_t at) {
    ll_block *b = innermost(x);
    if (b->kind == LL_B_IF) {
        LL_TRY(emit_jump(x, at, &b->ends));
        ll_patch(x, b->jump);
        b->kind = LL_B_ELSE;
        b->jump = -1;
        return LLMCS_OK;
    }
    LL_TRY(end_loop_body(x, b, at));
    ll_last(x)->a = -1; /* the end of a list */
    b->ends = (int32_t)x->p->n_code - 1;
    ll_patch(x, b->jump);
    b->kind = LL_B_FOR_ELSE;
    return ll_emit(x, LL_OP_SCOPE, at, 0);
}

/* break and continue: NEXT and END_FOR restore the scope and drop what was captured. */
static llmcs_status parse_jump(ll_parser *x, size_t at, bool leave) {
    for (size_t i = x->n_blocks; i-- > 0;) {
        ll_block *b = &x->blocks[i];
        if (b->kind == LL_B_MACRO || b->kind == LL_B_CALL) break;
        if (b->filter_end > b->filter_begin)
            return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, at,
                                   "break and continue in a filtered block are not supported");
        if (b->kind != LL_B_FOR) continue;
        return leave ? emit_jump(x, at, &b->breaks) : emit_jump_back(x, at, b->ends);
    }
    return ll_syntax_error(x->p, LLMCS_FORMAT, at, "SyntaxError: '%s' outside loop", leave ? "break" : "continue");
}

/* The value of a filter or call block. */
static llmcs_status emit_block_output(ll_parser *x, size_t at) {
    LL_TRY(ll_emit(x, LL_OP_OUTPUT, at, 0));
    ll_last(x)->n_args = 1;
    return LLMCS_OK;
}

/* ---- macros and call blocks */

static llmcs_status add_macro(ll_parser *x, ll_block *b, uint32_t name) {
    ll_program *p = x->p;
    LL_TRY(ll_grow(&p->allocator, &p->macros, p->n_macros, &p->macros_capacity, p->n_macros + 1, sizeof *p->macros,
                   "template macros"));
    b->macro = (int32_t)p->n_macros;
    p->macros[p->n_macros++] = (ll_macro){.name = name};
    return LLMCS_OK;
}

static llmcs_status emit_macro(ll_parser *x, ll_block *b, size_t at) {
    LL_TRY(ll_emit(x, LL_OP_MACRO, at, 0));
    ll_last(x)->b = b->macro;
    b->jump = (int32_t)x->p->n_code - 1;
    return LLMCS_OK;
}

static llmcs_status add_parameter(ll_parser *x, const ll_block *b, bool *defaults) {
    ll_macro *m = &x->p->macros[b->macro];
    int32_t name;
    if (m->n_params == LL_JINJA_MAX_ARGS)
        return ll_syntax_error(x->p, LLMCS_LIMIT, x->t->at, "more than %d parameters", LL_JINJA_MAX_ARGS);
    if (x->t->type != LL_T_NAME) return ll_unexpected(x, "name");
    LL_TRY(ll_intern(x, x->t->text, x->t->n, x->t->at, &name));
    m->explicit_caller |= ll_is_name(x->t, "caller");
    m->params[m->n_params++] = name;
    const size_t at = x->t++->at;
    if (x->t->type != LL_T_ASSIGN) {
        if (!*defaults) return LLMCS_OK;
        return ll_syntax_error(x->p, LLMCS_FORMAT, at,
                               "TemplateSyntaxError: non-default argument follows default argument");
    }
    if (b->kind == LL_B_CALL)
        return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, at,
                               "defaults in the parameters of a call block are not supported");
    *defaults = m->has_default[m->n_params - 1] = true;
    x->t++;
    LL_TRY(ll_emit(x, LL_OP_DEFAULT, at, 0));
    ll_last(x)->b = (int32_t)m->n_params - 1;
    const int32_t passed = (int32_t)x->p->n_code - 1;
    LL_TRY(ll_parse_expression(x, LL_EXPR_INLINE_IF));
    LL_TRY(ll_emit(x, LL_OP_STORE, at, name));
    ll_patch(x, passed);
    return LLMCS_OK;
}

/* (a, b, c=1): names, and code that sets those that were not passed. */
static llmcs_status parse_signature(ll_parser *x, const ll_block *b) {
    ll_macro *m = &x->p->macros[b->macro];
    bool defaults = false;
    LL_TRY(ll_arena_alloc(&x->p->arena, LL_JINJA_MAX_ARGS, sizeof *m->params, "macro parameters", &m->params));
    LL_TRY(
        ll_arena_alloc(&x->p->arena, LL_JINJA_MAX_ARGS, sizeof *m->has_default, "macro parameters", &m->has_default));
    memset(m->has_default, 0, LL_JINJA_MAX_ARGS * sizeof *m->has_default);
    LL_TRY(ll_expect(x, LL_T_LPAREN, "("));
    while (x->t->type != LL_T_RPAREN) {
        LL_TRY(add_parameter(x, b, &defaults));
        if (x->t->type == LL_T_RPAREN) break;
        LL_TRY(ll_expect(x, LL_T_COMMA, ","));
        if (x->t->type == LL_T_RPAREN) return ll_unexpected(x, "name");
    }
    x->t++;
    return LLMCS_OK;
}

static llmcs_status parse_macro(ll_parser *x, size_t at) {
    ll_block *b;
    int32_t name;
    LL_TRY(push_block(x, LL_B_MACRO, at, &b));
    if (x->t->type != LL_T_NAME) return ll_unexpected(x, "name");
    LL_TRY(ll_intern(x, x->t->text, x->t->n, x->t->at, &name));
    b->name = name;
    x->t++;
    LL_TRY(add_macro(x, b, (uint32_t)name));
    LL_TRY(emit_macro(x, b, at));
    return parse_signature(x, b);
}

static llmcs_status end_macro(ll_parser *x, const ll_block *b, size_t at) {
    LL_TRY(ll_emit(x, LL_OP_RETURN, at, 0));
    ll_patch(x, b->jump);
    if (b->kind == LL_B_CALL) return LLMCS_OK;
    ll_see_name(x, b->name, true);
    return ll_emit(x, LL_OP_STORE, b->at, b->name);
}

/* {% call(a) f(x) %}: the call is made at the end of the block, with its text as the macro `caller`. */
static llmcs_status parse_call_block(ll_parser *x, size_t at) {
    ll_block *b;
    LL_TRY(push_block(x, LL_B_CALL, at, &b));
    LL_TRY(add_macro(x, b, UINT32_MAX));
    if (x->t->type == LL_T_LPAREN) LL_TRY(parse_signature(x, b));
    x->n_blocks--; /* the call itself is outside */
    LL_TRY(ll_parse_expression(x, LL_EXPR_INLINE_IF));
    x->n_blocks++;
    b->call = *ll_last(x);
    if (b->call.op != LL_OP_CALL || b->call.n_kwargs == LL_JINJA_MAX_ARGS)
        return ll_syntax_error(x->p, LLMCS_FORMAT, at, "TemplateSyntaxError: expected call");
    for (size_t i = 0; i < b->call.n_kwargs; i++) b->kwargs[i] = x->p->kwarg_names[(size_t)b->call.a + i];
    x->p->n_code--;
    return emit_macro(x, b, at);
}

static llmcs_status end_call_block(ll_parser *x, const ll_block *b, size_t at) {
    ll_program *p = x->p;
    const size_t n = b->call.n_kwargs;
    int32_t caller;
    LL_TRY(end_macro(x, b, at));
    LL_TRY(ll_intern(x, "caller", 6, b->at, &caller));
    LL_TRY(ll_grow(&p->allocator, &p->kwarg_names, p->n_kwarg_names, &p->kwarg_names_capacity, p->n_kwarg_names + n + 1,
                   sizeof *p->kwarg_names, "keyword arguments"));
    for (size_t i = 0; i <= n; i++) p->kwarg_names[p->n_kwarg_names + i] = i < n ? b->kwargs[i] : caller;
    LL_TRY(ll_emit(x, LL_OP_CALL, b->call.at, (int32_t)p->n_kwarg_names));
    p->n_kwarg_names += n + 1;
    ll_last(x)->n_args = b->call.n_args;
    ll_last(x)->n_kwargs = (uint16_t)(n + 1);
    return emit_block_output(x, b->at);
}

/* ---- set, filter, with, generation, print */

/* Captures the following output as a value, after the code of its filters, if there are any. */
static llmcs_status begin_capture(ll_parser *x, ll_block *b, bool filters) {
    b->filter_begin = x->p->n_code;
    if (filters) LL_TRY(ll_parse_filters(x));
    b->filter_end = x->p->n_code;
    LL_TRY(ll_emit(x, LL_OP_CAPTURE, b->at, 0));
    return ll_emit(x, LL_OP_SCOPE, b->at, 0);
}

static llmcs_status end_capture(ll_parser *x, const ll_block *b, size_t at) {
    LL_TRY(ll_emit(x, LL_OP_END_SCOPE, at, 0));
    LL_TRY(ll_emit(x, LL_OP_END_CAPTURE, at, 0));
    return b->filter_end > b->filter_begin ? ll_rotate(x, b->filter_begin, b->filter_end) : LLMCS_OK;
}

static llmcs_status parse_set(ll_parser *x, size_t at) {
    const size_t first = x->n_targets;
    ll_block *b;
    LL_TRY(parse_targets(x, true));
    if (x->t->type == LL_T_ASSIGN) {
        x->t++;
        for (size_t i = first; i < x->n_targets; i++) /* before the value, as jinja2 does */
            if (x->targets[i].op == LL_OP_STORE_ATTR)
                LL_TRY(ll_emit(x, LL_OP_CHECK_NAMESPACE, x->targets[i].at, x->targets[i].a));
        LL_TRY(ll_parse_expression(x, LL_EXPR_TUPLE | LL_EXPR_INLINE_IF));
        LL_TRY(emit_targets(x, first));
        x->n_targets = first;
        return LLMCS_OK;
    }
    LL_TRY(push_block(x, LL_B_SET, at, &b));
    b->first_target = first;
    const bool filters = x->t->type == LL_T_PIPE;
    if (filters) x->t++;
    return begin_capture(x, b, filters);
}

static llmcs_status parse_with(ll_parser *x, size_t at) {
    const size_t first = x->n_targets;
    ll_block *b;
    while (x->t->type != LL_T_BLOCK_END) {
        if (x->n_targets > first) LL_TRY(ll_expect(x, LL_T_COMMA, ","));
        LL_TRY(parse_target_name(x, false));
        LL_TRY(ll_expect(x, LL_T_ASSIGN, "="));
        LL_TRY(ll_parse_expression(x, LL_EXPR_INLINE_IF));
    }
    LL_TRY(push_block(x, LL_B_WITH, at, &b));
    LL_TRY(ll_emit(x, LL_OP_SCOPE, at, 0));
    for (size_t i = x->n_targets; i-- > first;) LL_TRY(ll_emit(x, LL_OP_STORE, at, x->targets[i].a));
    x->n_targets = first;
    return LLMCS_OK;
}

static llmcs_status parse_filter_block(ll_parser *x, size_t at) {
    ll_block *b;
    LL_TRY(push_block(x, LL_B_FILTER, at, &b));
    return begin_capture(x, b, true);
}

static llmcs_status parse_generation(ll_parser *x, size_t at) {
    ll_block *b;
    LL_TRY(push_block(x, LL_B_GENERATION, at, &b));
    return ll_emit(x, LL_OP_SCOPE, at, 0);
}

static llmcs_status parse_print(ll_parser *x, size_t at) {
    for (bool first = true; x->t->type != LL_T_BLOCK_END; first = false) {
        if (!first) LL_TRY(ll_expect(x, LL_T_COMMA, ","));
        LL_TRY(ll_parse_expression(x, LL_EXPR_INLINE_IF));
        LL_TRY(ll_emit(x, LL_OP_OUTPUT, at, 0));
    }
    return LLMCS_OK;
}

/* ---- ends */

static llmcs_status end_block(ll_parser *x, size_t at) {
    ll_block b = *innermost(x);
    x->n_blocks--;
    switch (b.kind) {
        case LL_B_IF:
        case LL_B_ELSE:
            ll_patch(x, b.jump);
            ll_patch_list(x, b.ends);
            return LLMCS_OK;
        case LL_B_FOR:
            LL_TRY(end_loop_body(x, &b, at));
            ll_patch(x, b.jump);
            return LLMCS_OK;
        case LL_B_FOR_ELSE:
            LL_TRY(ll_emit(x, LL_OP_END_SCOPE, at, 0));
            ll_patch_list(x, b.ends);
            return LLMCS_OK;
        case LL_B_MACRO:
            return end_macro(x, &b, at);
        case LL_B_CALL:
            return end_call_block(x, &b, at);
        case LL_B_SET:
            LL_TRY(end_capture(x, &b, at));
            LL_TRY(emit_targets(x, b.first_target));
            x->n_targets = b.first_target;
            return LLMCS_OK;
        case LL_B_FILTER:
            LL_TRY(end_capture(x, &b, at));
            return emit_block_output(x, at);
        default:
            return ll_emit(x, LL_OP_END_SCOPE, at, 0);
    }
}

/* "endif" at the end of an if, and so on. */
static bool ends_innermost(ll_parser *x, const ll_token *t) {
    const ll_block *b = innermost(x);
    if (!b || t->type != LL_T_NAME || t->n < 3 || memcmp(t->text, "end", 3) != 0) return false;
    const char *name = block_name(b->kind);
    return t->n - 3 == strlen(name) && memcmp(t->text + 3, name, t->n - 3) == 0;
}

/* ---- all statements */

typedef llmcs_status (*statement_fn)(ll_parser *x, size_t at);

static const struct {
    const char *name;
    statement_fn parse;
} STATEMENTS[] = {{"if", parse_if},           {"for", parse_for},
                  {"set", parse_set},         {"macro", parse_macro},
                  {"call", parse_call_block}, {"filter", parse_filter_block},
                  {"with", parse_with},       {"generation", parse_generation},
                  {"print", parse_print}};

/* jinja2's other statements, not supported here: they load other templates or change how text is escaped. */
static const char *const REFUSED[] = {"include", "import", "from", "extends", "block", "autoescape"};

static llmcs_status parse_known(ll_parser *x, const ll_token *t, bool *known) {
    const ll_block *b = innermost(x);
    *known = true;
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++)
        if (ll_is_name(t, STATEMENTS[i].name)) return STATEMENTS[i].parse(x, t->at);
    if (ll_is_name(t, "break")) return parse_jump(x, t->at, true);
    if (ll_is_name(t, "continue")) return parse_jump(x, t->at, false);
    if (ll_is_name(t, "elif") && b && b->kind == LL_B_IF) return parse_elif(x, t->at);
    if (ll_is_name(t, "else") && b && (b->kind == LL_B_IF || b->kind == LL_B_FOR)) return parse_else(x, t->at);
    if (ends_innermost(x, t)) return end_block(x, t->at);
    *known = false;
    return LLMCS_OK;
}

static llmcs_status parse_statement(ll_parser *x) {
    const ll_token *t = x->t;
    const ll_block *b = innermost(x);
    bool known;
    if (t->type != LL_T_NAME)
        return ll_syntax_error(x->p, LLMCS_FORMAT, t->at, "TemplateSyntaxError: tag name expected");
    x->t++;
    LL_TRY(parse_known(x, t, &known));
    if (known) return ll_expect(x, LL_T_BLOCK_END, "end of statement block");
    const int n = (int)ll_min(t->n, 60);
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        if (ll_is_name(t, REFUSED[i]))
            return ll_syntax_error(x->p, LLMCS_UNSUPPORTED, t->at, "{%% %.*s %%} is not supported", n, t->text);
    if (b)
        return ll_syntax_error(x->p, LLMCS_FORMAT, t->at,
                               "TemplateSyntaxError: Encountered unknown tag '%.*s' inside {%% %s %%}", n, t->text,
                               block_name(b->kind));
    return ll_syntax_error(x->p, LLMCS_FORMAT, t->at, "TemplateSyntaxError: Encountered unknown tag '%.*s'.", n,
                           t->text);
}

static llmcs_status parse_data(ll_parser *x) {
    const ll_token *t = x->t++;
    int32_t constant;
    LL_TRY(ll_string_constant(x, t->text, t->n, &constant));
    return ll_emit(x, LL_OP_TEXT, t->at, constant);
}

static llmcs_status parse_output(ll_parser *x) {
    const size_t at = x->t++->at;
    LL_TRY(ll_parse_expression(x, LL_EXPR_TUPLE | LL_EXPR_INLINE_IF));
    LL_TRY(ll_emit(x, LL_OP_OUTPUT, at, 0));
    return ll_expect(x, LL_T_VARIABLE_END, "end of print statement");
}

static llmcs_status parse_template(ll_parser *x) {
    while (x->t->type != LL_T_EOF) {
        if (x->t->type == LL_T_DATA) {
            LL_TRY(parse_data(x));
        } else if (x->t->type == LL_T_VARIABLE_BEGIN) {
            LL_TRY(parse_output(x));
        } else {
            x->t++;
            LL_TRY(parse_statement(x));
        }
    }
    const ll_block *b = innermost(x);
    if (!b) return ll_emit(x, LL_OP_RETURN, x->t->at, 0);
    return ll_syntax_error(x->p, LLMCS_FORMAT, b->at, "TemplateSyntaxError: {%% %s %%} does not end",
                           block_name(b->kind));
}

/* ---- the whole */

/* A copy with line feeds for other line ends, and without the last one. */
static llmcs_status copy_source(ll_program *p, const char *source, size_t n) {
    char *copy;
    size_t k = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        const size_t len = ll_utf8_decode(source + i, n - i, &cp);
        if (cp == LL_UTF8_BAD) return ll_fail(LLMCS_FORMAT, "%s: byte %zu: not UTF-8", p->name, i);
        i += len;
    }
    LL_TRY(ll_arena_alloc(&p->arena, n + 1, 1, "template", &copy));
    for (size_t i = 0; i < n; i++) {
        if (source[i] == '\r' && i + 1 < n && source[i + 1] == '\n') continue;
        copy[k++] = source[i] == '\r' ? '\n' : source[i];
    }
    if (k && copy[k - 1] == '\n') k--;
    copy[k] = 0;
    p->source = copy;
    p->n_source = k;
    return LLMCS_OK;
}

static llmcs_status compile(ll_program *p, ll_parser *x, const char *name, const char *source, size_t n) {
    LL_TRY(ll_arena_copy_text(&p->arena, name, strlen(name), "template name", &p->name));
    if (n > LL_JINJA_MAX_SOURCE)
        return ll_fail(LLMCS_LIMIT, "%s: %zu bytes, at most %zu are read", name, n, LL_JINJA_MAX_SOURCE);
    LL_TRY(copy_source(p, source, n));
    LL_TRY(ll_lex(p, &x->tokens));
    x->t = x->tokens.tokens;
    return parse_template(x);
}

llmcs_status ll_program_compile(ll_program *p, const llmcs_allocator *a, const char *name, const char *source,
                                size_t n) {
    ll_parser *x;
    *p = (ll_program){.allocator = *a};
    ll_arena_init(&p->arena, a);
    LL_TRY(ll_alloc_zero(a, 1, sizeof *x, "template parser", &x));
    x->p = p;
    llmcs_status status = compile(p, x, name, source, n);
    ll_free(a, x->tokens.tokens);
    ll_free(a, x);
    if (status) ll_program_free(p);
    return status;
}

void ll_program_free(ll_program *p) {
    const llmcs_allocator a = p->allocator;
    if (!a.free) return;
    ll_free(&a, p->code);
    ll_free(&a, p->constants);
    ll_free(&a, p->names);
    ll_free(&a, p->kwarg_names);
    ll_free(&a, p->macros);
    ll_arena_free(&p->arena);
    *p = (ll_program){0};
}
