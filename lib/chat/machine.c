/* The stack machine: one function per instruction. */
#include "chat/machine.h"

#include <string.h>

#include "chat/builtins.h"
#include "chat/lexer.h"
#include "text/hash.h"

/* ---- failures */

void ll_set_error_at(ll_machine *m, const char *type, const char *fmt, ...) {
    char what[200];
    va_list args;
    va_start(args, fmt);
    ll_format_args(what, sizeof what, fmt, args);
    va_end(args);
    ll_set_syntax_error(m->p, m->at ? m->at->at : 0, "%s%s%s", type ? type : "", type ? ": " : "", what);
}

llmcs_status ll_step_fail(ll_machine *m) {
    m->steps_left = 0;
    return ll_too_much(m, "steps");
}

/* ---- the stack */

static llmcs_status push(ll_machine *m, ll_value v) {
    if (m->height == LL_JINJA_MAX_STACK) return ll_too_much(m, "values at once");
    m->stack[m->height++] = v;
    return LLMCS_OK;
}

static ll_value pop(ll_machine *m) { return m->stack[--m->height]; }
static ll_value *top(ll_machine *m) { return &m->stack[m->height - 1]; }

static void jump(ll_machine *m) { m->pc = (size_t)((int64_t)m->pc + m->at->a); }

/* ---- variables */

/* NULL: the scope lacks the name. */
static llmcs_status find_binding(ll_machine *m, const ll_scope *scope, int32_t name, ll_binding **out) {
    size_t n = 0;
    for (*out = scope->first; *out && (*out)->name != name; *out = (*out)->next) n++;
    return ll_step(m, n / 8);
}

static llmcs_status bind(ll_machine *m, int32_t name, ll_value v) {
    ll_binding *b;
    if (m->scope == &m->root) {
        m->globals[name] = v;
        return LLMCS_OK;
    }
    LL_TRY(find_binding(m, m->scope, name, &b));
    if (!b) {
        LL_TRY(ll_value_alloc(m, 1, sizeof *b, &b));
        *b = (ll_binding){.name = name, .next = m->scope->first};
        m->scope->first = b;
    }
    b->value = v;
    return LLMCS_OK;
}

static llmcs_status op_load(ll_machine *m) {
    const int32_t name = m->at->a;
    ll_value v = m->globals[name];
    for (const ll_scope *s = m->scope; s != &m->root; s = s->parent) {
        ll_binding *b;
        LL_TRY(find_binding(m, s, name, &b));
        LL_TRY(ll_step(m, 1));
        if (!b) continue;
        v = b->value;
        break;
    }
    if (ll_is_absent(v)) LL_TRY(ll_undefined_name(m, m->p->names[name].text, m->p->names[name].n, &v));
    return push(m, v);
}

static llmcs_status op_store(ll_machine *m) { return bind(m, m->at->a, pop(m)); }

/* The namespace that variable a holds. */
static llmcs_status load_namespace(ll_machine *m, ll_value *ns) {
    LL_TRY(op_load(m));
    *ns = pop(m);
    if (ns->type == LL_V_NAMESPACE) return LLMCS_OK;
    return ll_raise(m, "TemplateRuntimeError", "cannot assign attribute on non-namespace object");
}

static llmcs_status op_check_namespace(ll_machine *m) {
    ll_value ns;
    return load_namespace(m, &ns);
}

static llmcs_status op_store_attr(ll_machine *m) {
    const ll_jinja_name *name = &m->p->names[m->at->b];
    const ll_value v = pop(m);
    ll_value key, ns;
    LL_TRY(load_namespace(m, &ns));
    LL_TRY(ll_new_string(m, name->text, name->n, LL_ORIGIN_TEMPLATE, &key));
    return ll_dict_set(m, ns.dict, key, v);
}

static llmcs_status op_const(ll_machine *m) { return push(m, m->p->constants[m->at->a]); }

static llmcs_status new_scope(ll_machine *m, ll_scope *parent) {
    ll_scope *s;
    LL_TRY(ll_value_alloc(m, 1, sizeof *s, &s));
    *s = (ll_scope){.parent = parent};
    m->scope = s;
    return LLMCS_OK;
}

static llmcs_status op_scope(ll_machine *m) { return new_scope(m, m->scope); }

static llmcs_status op_end_scope(ll_machine *m) {
    m->scope = m->scope->parent;
    return LLMCS_OK;
}

/* ---- members and operators */

static llmcs_status op_getattr(ll_machine *m) {
    const ll_jinja_name *name = &m->p->names[m->at->a];
    return ll_get_attribute(m, *top(m), name->text, name->n, top(m));
}

static llmcs_status op_getitem(ll_machine *m) {
    const ll_value key = pop(m);
    return ll_get_item(m, *top(m), key, top(m));
}

static llmcs_status op_slice(ll_machine *m) {
    m->height -= 3;
    const ll_value parts[3] = {m->stack[m->height], m->stack[m->height + 1], m->stack[m->height + 2]};
    return ll_get_slice(m, *top(m), parts, top(m));
}

static llmcs_status op_not(ll_machine *m) {
    *top(m) = ll_bool(!ll_truth(*top(m)));
    return LLMCS_OK;
}

static llmcs_status op_negate(ll_machine *m) { return ll_apply_sign(m, true, *top(m), top(m)); }
static llmcs_status op_plus(ll_machine *m) { return ll_apply_sign(m, false, *top(m), top(m)); }

static llmcs_status op_binary(ll_machine *m) {
    const ll_value right = pop(m);
    return ll_apply_binary(m, (ll_binary)m->at->n_args, *top(m), right, top(m));
}

static llmcs_status op_concat(ll_machine *m) {
    const size_t n = (size_t)m->at->a, begin = m->scratch.n;
    for (size_t i = m->height - n; i < m->height; i++) LL_TRY(ll_put_str(m, &m->scratch, m->stack[i]));
    m->height -= n - 1;
    return ll_take(m, begin, top(m));
}

static llmcs_status op_compare(ll_machine *m) {
    bool result;
    const ll_value right = pop(m);
    LL_TRY(ll_compare_values(m, (ll_compare)m->at->n_args, *top(m), right, &result));
    *top(m) = ll_bool(result);
    return LLMCS_OK;
}

static llmcs_status op_compare_chain(ll_machine *m) {
    bool result;
    const ll_value right = pop(m);
    LL_TRY(ll_compare_values(m, (ll_compare)m->at->n_args, *top(m), right, &result));
    *top(m) = result ? right : ll_bool(false);
    if (!result) jump(m);
    return LLMCS_OK;
}

static llmcs_status op_jump(ll_machine *m) {
    if (m->at->n_args) m->loops[m->n_loops - 1]->completed = true;
    jump(m);
    return LLMCS_OK;
}

static llmcs_status op_jump_if_false(ll_machine *m) {
    if (!ll_truth(pop(m))) jump(m);
    return LLMCS_OK;
}

static llmcs_status op_and(ll_machine *m) {
    if (ll_truth(*top(m)))
        m->height--;
    else
        jump(m);
    return LLMCS_OK;
}

static llmcs_status op_or(ll_machine *m) {
    if (ll_truth(*top(m)))
        jump(m);
    else
        m->height--;
    return LLMCS_OK;
}

static llmcs_status op_else_undefined(ll_machine *m) {
    ll_value v;
    LL_TRY(ll_undefined_else(m, m->at->at, &v));
    return push(m, v);
}

/* ---- containers */

static llmcs_status make_list(ll_machine *m, ll_value_type type) {
    const size_t n = (size_t)m->at->a;
    ll_value list;
    LL_TRY(ll_new_list(m, type, n, &list));
    m->height -= n;
    if (n) memcpy(list.list->items, &m->stack[m->height], n * sizeof *m->stack);
    LL_TRY(ll_finish_list(m, list));
    return push(m, list);
}

static llmcs_status op_list(ll_machine *m) { return make_list(m, LL_V_LIST); }
static llmcs_status op_tuple(ll_machine *m) { return make_list(m, LL_V_TUPLE); }

static llmcs_status op_dict(ll_machine *m) {
    const size_t n = (size_t)m->at->a;
    ll_value dict;
    LL_TRY(ll_new_dict(m, n, LL_V_DICT, &dict));
    m->height -= 2 * n;
    for (size_t i = 0; i < n; i++)
        LL_TRY(ll_dict_set(m, dict.dict, m->stack[m->height + 2 * i], m->stack[m->height + 2 * i + 1]));
    return push(m, dict);
}

static llmcs_status op_unpack(ll_machine *m) {
    const size_t want = (size_t)m->at->a;
    const ll_value v = pop(m), *items;
    size_t n;
    if (!ll_is_iterable(v)) return ll_raise(m, "TypeError", "cannot unpack non-iterable %s object", ll_type_name(v));
    LL_TRY(ll_iterate(m, v, &items, &n));
    if (n < want) return ll_raise(m, "ValueError", "not enough values to unpack (expected %zu, got %zu)", want, n);
    if (n > want) return ll_raise(m, "ValueError", "too many values to unpack (expected %zu)", want);
    while (n > 0) LL_TRY(push(m, items[--n]));
    return LLMCS_OK;
}

/* ---- output */

/* n_args 1: the result of a filter or call block, which jinja2 does not make a string of. */
static llmcs_status op_output(ll_machine *m) {
    const ll_value v = pop(m);
    if (m->at->n_args && v.type != LL_V_STRING)
        return ll_raise(m, "TypeError", "expected str instance, %s found", ll_type_name(v));
    return ll_put_str(m, &m->out, v);
}

static llmcs_status op_text(ll_machine *m) { return ll_put_string(m, &m->out, m->p->constants[m->at->a].string); }

static llmcs_status op_capture(ll_machine *m) {
    if (m->n_captures == LL_JINJA_MAX_CAPTURES) return ll_too_much(m, "blocks inside each other");
    m->captures[m->n_captures++] = m->out.n;
    return LLMCS_OK;
}

static llmcs_status op_end_capture(ll_machine *m) {
    ll_value text;
    LL_TRY(ll_take_from(m, &m->out, m->captures[--m->n_captures], &text));
    return push(m, text);
}

/* ---- loops */

static llmcs_status op_for(ll_machine *m) {
    const ll_value v = pop(m);
    const bool filtered = m->at->n_args;
    ll_loop *l;
    if (m->n_loops == LL_JINJA_MAX_LOOPS) return ll_too_much(m, "loops inside each other");
    LL_TRY(ll_value_alloc(m, 1, sizeof *l, &l));
    *l = (ll_loop){.scope = m->scope, .height = m->height, .n_captures = m->n_captures};
    LL_TRY(ll_iterate(m, v, &l->items, &l->n));
    if (!l->n && !filtered) {
        jump(m);
        return LLMCS_OK;
    }
    if (filtered) LL_TRY(ll_value_alloc(m, l->n, sizeof *l->kept, &l->kept));
    m->loops[m->n_loops++] = l;
    return LLMCS_OK;
}

/* Restores the state from before the body of the innermost loop. */
static ll_loop *restore(ll_machine *m) {
    ll_loop *l = m->loops[m->n_loops - 1];
    m->scope = l->scope;
    m->height = l->height;
    if (m->n_captures > l->n_captures) {
        m->out.n = m->captures[l->n_captures];
        m->n_captures = l->n_captures;
    }
    return l;
}

static llmcs_status op_next(ll_machine *m) {
    ll_loop *l = restore(m);
    if (l->started) l->index++;
    l->started = true;
    if (l->index >= l->n) {
        l->index = l->n ? l->n - 1 : 0;
        jump(m);
        return LLMCS_OK;
    }
    LL_TRY(op_scope(m));
    if (!l->kept && m->loop_name >= 0) LL_TRY(bind(m, m->loop_name, (ll_value){.type = LL_V_LOOP, .loop = l}));
    return push(m, l->items[l->index]);
}

static llmcs_status op_keep(ll_machine *m) {
    ll_loop *l = m->loops[m->n_loops - 1];
    if (ll_truth(pop(m))) l->kept[l->n_kept++] = l->items[l->index];
    return LLMCS_OK;
}

static llmcs_status op_end_for(ll_machine *m) {
    if (restore(m)->completed) jump(m);
    m->n_loops--;
    return LLMCS_OK;
}

static llmcs_status op_end_filtered(ll_machine *m) {
    const ll_loop *l = restore(m);
    ll_value list;
    m->n_loops--;
    LL_TRY(ll_new_list(m, LL_V_LIST, l->n_kept, &list));
    if (l->n_kept) memcpy(list.list->items, l->kept, l->n_kept * sizeof *l->kept);
    LL_TRY(ll_finish_list(m, list));
    return push(m, list);
}

/* ---- calls */

static llmcs_status op_macro(ll_machine *m) {
    ll_closure *c;
    LL_TRY(ll_value_alloc(m, 1, sizeof *c, &c));
    *c = (ll_closure){&m->p->macros[m->at->b], m->pc, m->scope};
    jump(m);
    return push(m, (ll_value){.type = LL_V_MACRO, .macro = c});
}

static llmcs_status macro_error(ll_machine *m, const ll_macro *macro, const char *what, size_t n) {
    const ll_jinja_name *name = macro->name == UINT32_MAX ? NULL : &m->p->names[macro->name];
    return ll_raise(m, "TypeError", "macro %s%.*s%s takes %s%.*s", name ? "'" : "", name ? (int)ll_min(name->n, 60) : 4,
                    name ? name->text : "None", name ? "'" : "",
                    n == SIZE_MAX ? "not more than its " : "no keyword argument ",
                    (int)(n == SIZE_MAX ? strlen(what) : ll_min(n, 60)), what);
}

/* Binds one parameter: positional, by name, or undefined unless it has a default. */
static llmcs_status bind_parameter(ll_machine *m, const ll_macro *macro, size_t i, const ll_args *args, uint32_t *used,
                                   ll_frame *f) {
    char hint[120];
    ll_value v = ll_absent();
    if (i < args->n) v = args->values[i];
    for (size_t k = 0; i >= args->n && k < args->n_named; k++) {
        if (args->names[k] != macro->params[i]) continue;
        v = args->named[k];
        *used |= 1u << k;
    }
    if (!ll_is_absent(v)) {
        f->passed |= 1u << i;
    } else if (macro->has_default[i]) {
        return LLMCS_OK;
    } else {
        const ll_jinja_name *name = &m->p->names[macro->params[i]];
        ll_format(hint, sizeof hint, "parameter '%.*s' was not provided", (int)ll_min(name->n, 60), name->text);
        LL_TRY(ll_new_undefined(m, hint, &v));
    }
    return bind(m, macro->params[i], v);
}

/* caller, kwargs and varargs, where the body uses them. */
static llmcs_status bind_rest(ll_machine *m, const ll_macro *macro, const ll_args *args, uint32_t used) {
    ll_value caller = ll_absent(), kwargs, varargs, key;
    const size_t n_params = macro->n_params, n_more = args->n > n_params ? args->n - n_params : 0;
    LL_TRY(ll_new_dict(m, 0, LL_V_DICT, &kwargs));
    for (size_t k = 0; k < args->n_named; k++) {
        const ll_jinja_name *name = &m->p->names[args->names[k]];
        if (used >> k & 1) continue;
        if (macro->caller && !macro->explicit_caller && args->names[k] == m->caller_name) {
            caller = args->named[k];
            continue;
        }
        if (!macro->kwargs) return macro_error(m, macro, name->text, name->n);
        LL_TRY(ll_new_string(m, name->text, name->n, LL_ORIGIN_TEMPLATE, &key));
        LL_TRY(ll_dict_set(m, kwargs.dict, key, args->named[k]));
    }
    if (n_more && !macro->varargs) return macro_error(m, macro, "parameters", SIZE_MAX);
    LL_TRY(ll_new_list(m, LL_V_TUPLE, n_more, &varargs));
    if (n_more) memcpy(varargs.list->items, args->values + n_params, n_more * sizeof *args->values);
    LL_TRY(ll_finish_list(m, varargs));
    if (macro->varargs) LL_TRY(bind(m, m->varargs_name, varargs));
    if (macro->kwargs) LL_TRY(bind(m, m->kwargs_name, kwargs));
    if (!macro->caller || macro->explicit_caller) return LLMCS_OK;
    if (ll_is_absent(caller)) LL_TRY(ll_new_undefined(m, "No caller defined", &caller));
    return bind(m, m->caller_name, caller);
}

static llmcs_status call_macro(ll_machine *m, const ll_closure *c, const ll_args *args) {
    uint32_t used = 0;
    if (m->n_frames == LL_JINJA_MAX_CALLS) return ll_too_much(m, "macros inside each other");
    ll_frame *f = &m->frames[m->n_frames++];
    *f = (ll_frame){.return_to = m->pc, .scope = m->scope};
    LL_TRY(new_scope(m, c->scope));
    for (size_t i = 0; i < c->macro->n_params; i++) LL_TRY(bind_parameter(m, c->macro, i, args, &used, f));
    LL_TRY(bind_rest(m, c->macro, args, used));
    m->pc = c->entry;
    return op_capture(m);
}

static llmcs_status op_default(ll_machine *m) {
    if (m->frames[m->n_frames - 1].passed >> m->at->b & 1) jump(m);
    return LLMCS_OK;
}

/* The end of a macro; ll_machine_run detects the end of the template. */
static llmcs_status op_return(ll_machine *m) {
    const ll_frame *f = &m->frames[--m->n_frames];
    m->pc = f->return_to;
    m->scope = f->scope;
    return op_end_capture(m);
}

/* The arguments of the instruction, on top of the stack. */
static ll_args args_of(const ll_machine *m) {
    const size_t n = m->at->n_args, n_named = m->at->n_kwargs;
    const ll_value *values = m->stack + m->height - n - n_named;
    /* A program without named arguments has no names. */
    return (ll_args){values, n, n_named ? m->p->kwarg_names + m->at->a : NULL, values + n, n_named};
}

static llmcs_status op_call(ll_machine *m) {
    const ll_args args = args_of(m);
    const ll_value callee = args.values[-1];
    ll_value result = ll_none();
    LL_TRY(ll_step(m, 1));
    switch (callee.type) {
        case LL_V_MACRO:
            m->height -= args.n + args.n_named + 1; /* the arguments stay where they are until they are bound */
            return call_macro(m, callee.macro, &args);
        case LL_V_FUNCTION:
            LL_TRY(ll_call_function(m, callee.function, &args, &result));
            break;
        case LL_V_METHOD:
            LL_TRY(ll_call_method(m, callee.method, &args, &result));
            break;
        case LL_V_UNDEFINED:
            return ll_fail_undefined(m, callee);
        case LL_V_LOOP:
            return ll_raise(m, "TypeError", "The loop must have the 'recursive' marker to be called recursively.");
        default:
            return ll_raise(m, "TypeError", "'%s' object is not callable", ll_type_name(callee));
    }
    m->height -= args.n + args.n_named;
    *top(m) = result;
    return LLMCS_OK;
}

/* Fails for a filter or test that does not exist. */
static llmcs_status no_builtin(ll_machine *m, const char *what) {
    const ll_jinja_name *name = &m->p->names[-1 - m->at->b];
    const int n = (int)ll_min(name->n, 60);
    bool known;
    if (m->at->op == LL_OP_FILTER && ll_find_filter(name->text, name->n, &known) < 0 && known)
        return ll_unsupported(m, "the filter '%.*s' is not supported", n, name->text);
    return ll_raise(m, "TemplateRuntimeError", "No %s named '%.*s' found.", what, n, name->text);
}

static llmcs_status op_filter(ll_machine *m) {
    const ll_args args = args_of(m);
    ll_value result = ll_none();
    if (m->at->b < 0) return no_builtin(m, "filter");
    LL_TRY(ll_apply_filter(m, m->at->b, args.values[-1], &args, &result));
    m->height -= args.n + args.n_named;
    *top(m) = result;
    return LLMCS_OK;
}

static llmcs_status op_test(ll_machine *m) {
    const ll_args args = args_of(m);
    bool result;
    if (m->at->b < 0) return no_builtin(m, "test");
    LL_TRY(ll_apply_test(m, m->at->b, args.values[-1], &args, &result));
    m->height -= args.n + args.n_named;
    *top(m) = ll_bool(result);
    return LLMCS_OK;
}

/* ---- the whole */

typedef llmcs_status (*op_fn)(ll_machine *m);

static const op_fn OPS[] = {[LL_OP_CONST] = op_const,
                            [LL_OP_LOAD] = op_load,
                            [LL_OP_STORE] = op_store,
                            [LL_OP_STORE_ATTR] = op_store_attr,
                            [LL_OP_CHECK_NAMESPACE] = op_check_namespace,
                            [LL_OP_GETATTR] = op_getattr,
                            [LL_OP_GETITEM] = op_getitem,
                            [LL_OP_SLICE] = op_slice,
                            [LL_OP_JUMP] = op_jump,
                            [LL_OP_JUMP_IF_FALSE] = op_jump_if_false,
                            [LL_OP_AND] = op_and,
                            [LL_OP_OR] = op_or,
                            [LL_OP_NOT] = op_not,
                            [LL_OP_NEGATE] = op_negate,
                            [LL_OP_PLUS] = op_plus,
                            [LL_OP_BINARY] = op_binary,
                            [LL_OP_CONCAT] = op_concat,
                            [LL_OP_COMPARE] = op_compare,
                            [LL_OP_COMPARE_CHAIN] = op_compare_chain,
                            [LL_OP_LIST] = op_list,
                            [LL_OP_TUPLE] = op_tuple,
                            [LL_OP_DICT] = op_dict,
                            [LL_OP_CALL] = op_call,
                            [LL_OP_FILTER] = op_filter,
                            [LL_OP_TEST] = op_test,
                            [LL_OP_ELSE_UNDEFINED] = op_else_undefined,
                            [LL_OP_OUTPUT] = op_output,
                            [LL_OP_TEXT] = op_text,
                            [LL_OP_FOR] = op_for,
                            [LL_OP_NEXT] = op_next,
                            [LL_OP_KEEP] = op_keep,
                            [LL_OP_END_FILTERED] = op_end_filtered,
                            [LL_OP_END_FOR] = op_end_for,
                            [LL_OP_UNPACK] = op_unpack,
                            [LL_OP_SCOPE] = op_scope,
                            [LL_OP_END_SCOPE] = op_end_scope,
                            [LL_OP_CAPTURE] = op_capture,
                            [LL_OP_END_CAPTURE] = op_end_capture,
                            [LL_OP_MACRO] = op_macro,
                            [LL_OP_DEFAULT] = op_default,
                            [LL_OP_RETURN] = op_return};

llmcs_status ll_machine_run(ll_machine *m) {
    for (;;) {
        m->at = &m->p->code[m->pc++];
        LL_TRY(ll_step(m, 1));
        if (m->at->op == LL_OP_RETURN && !m->n_frames) return LLMCS_OK;
        LL_TRY(OPS[m->at->op](m));
    }
}

void ll_machine_set(ll_machine *m, const char *name, size_t n, ll_value v) {
    const int32_t number = ll_program_find_name(m->p, name, n);
    if (number >= 0 && !m->p->names[number].hidden) m->globals[number] = v;
}

llmcs_status ll_machine_init(ll_machine *m, const ll_program *p, const llmcs_allocator *a) {
    *m = (ll_machine){.p = p, .allocator = *a, .steps_left = LL_JINJA_MAX_STEPS, .bytes_left = LL_JINJA_MAX_BYTES};
    ll_arena_init(&m->arena, a);
    m->seed = ll_hash_seed();
    m->scope = &m->root;
    m->loop_name = ll_program_find_name(p, "loop", 4);
    m->caller_name = ll_program_find_name(p, "caller", 6);
    m->varargs_name = ll_program_find_name(p, "varargs", 7);
    m->kwargs_name = ll_program_find_name(p, "kwargs", 6);
    LL_TRY(ll_arena_alloc(&m->arena, p->n_names, sizeof *m->globals, "template variables", &m->globals));
    LL_TRY(ll_arena_alloc(&m->arena, LL_JINJA_MAX_STACK, sizeof *m->stack, "template stack", &m->stack));
    LL_TRY(ll_arena_alloc(&m->arena, LL_JINJA_MAX_LOOPS, sizeof(ll_loop *), "template loops", &m->loops));
    LL_TRY(ll_arena_alloc(&m->arena, LL_JINJA_MAX_CALLS, sizeof *m->frames, "template macros", &m->frames));
    LL_TRY(ll_arena_alloc(&m->arena, LL_JINJA_MAX_CAPTURES, sizeof *m->captures, "template blocks", &m->captures));
    for (size_t i = 0; i < p->n_names; i++) m->globals[i] = ll_absent();
    for (int f = 0; f < LL_N_FUNCTIONS; f++)
        ll_machine_set(m, ll_function_names[f], strlen(ll_function_names[f]),
                       (ll_value){.type = LL_V_FUNCTION, .function = f});
    return LLMCS_OK;
}

void ll_machine_free(ll_machine *m) {
    ll_builder_free(&m->allocator, &m->out);
    ll_builder_free(&m->allocator, &m->scratch);
    ll_arena_free(&m->arena);
}
