/*
 * Compiles the steps of a flow. Each branch becomes a block of operations after the block with its step, and ends with
 * a jump back to the next step. Blocks wait in a list, so nesting needs no recursion.
 */
#include <string.h>

#include "shop/desk/flows.h"

enum { MAX_BLOCKS = 96, MAX_VALUES = 64 };

typedef struct block {
    const desk_json *steps;
    int back;                       /* operation to continue with; -1: the flow ends */
    int op, branch;                 /* the operation whose yes (0) or no (1) branch this is; op -1: the flow itself */
    bool confirmed[DESK_MAX_SLOTS]; /* slots that a confirmation on this path has shown */
} block;

typedef struct compiler {
    desk_flows *f;
    desk_flow *flow;
    desk_op *ops; /* [DESK_MAX_OPS] */
    size_t n;
    block blocks[MAX_BLOCKS];
    size_t n_blocks, done;
    const desk_json *at;                               /* current step, for messages */
    bool own_from[DESK_MAX_SLOTS];                     /* a step of the flow sets the slot's `from` */
    bool finds[DESK_MAX_FINDS], named[DESK_MAX_FINDS]; /* executed somewhere in the flow; used by one of its texts */
} compiler;

static llmcs_status add_op(compiler *p, desk_op_kind kind, desk_op **op) {
    if (p->n == DESK_MAX_OPS) return desk_bad(p->f, p->at, "more than %d steps in a flow", DESK_MAX_OPS);
    *op = &p->ops[p->n++];
    **op = (desk_op){.kind = kind, .yes = -1, .no = -1, .index = -1};
    return LLMCS_OK;
}

/* Queues the branch `key` of the step for compilation. Without that key the default stays. */
static llmcs_status add_branch(compiler *p, const desk_json *step, const char *key, int branch, int back,
                               const bool confirmed[DESK_MAX_SLOTS]) {
    const desk_json *steps = desk_json_get(step, key);
    if (!steps) return LLMCS_OK;
    if (steps->type != DESK_JSON_ARRAY)
        return desk_bad(p->f, steps, "found %s, expected an array of steps", desk_json_type_name(steps->type));
    if (p->n_blocks == MAX_BLOCKS) return desk_bad(p->f, steps, "more than %d branches in a flow", MAX_BLOCKS);
    block *b = &p->blocks[p->n_blocks++];
    *b = (block){.steps = steps, .back = back, .op = (int)p->n - 1, .branch = branch};
    memcpy(b->confirmed, confirmed, sizeof b->confirmed);
    return LLMCS_OK;
}

static llmcs_status read_text(compiler *p, const desk_json *node, const desk_text **text) {
    const desk_scope scope = {.own_find = -1, .in_flow = true};
    SHOP_TRY(desk_text_read(p->f, node, &scope, text));
    desk_text_finds(p->f, *text, p->named);
    for (size_t i = 0; i < p->f->n_slots; i++)
        for (size_t lang = 0; lang < p->f->n_langs; lang++)
            for (size_t v = 0; v < (*text)->n_variants[lang]; v++)
                for (size_t k = 0; k < (*text)->variants[lang][v].n; k++) {
                    const desk_part *part = &(*text)->variants[lang][v].parts[k];
                    if (part->kind == DESK_PART_SLOT && part->index == (int)i) p->flow->uses[i] = true;
                }
    return LLMCS_OK;
}

static int query_by_name(const desk_query *list, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list[i].name, name)) return (int)i;
    return -1;
}

/* Reads a subject: "order", "login", "o.status" or "o.n". */
static llmcs_status read_subject(compiler *p, const desk_json *node, const char *name, desk_subject *subject) {
    const char *dot = strchr(name, '.');
    *subject = (desk_subject){.slot = -1, .find = -1, .column = -1};
    if (!strcmp(name, "login")) {
        subject->slot = DESK_SUBJECT_LOGIN;
        return LLMCS_OK;
    }
    if (!dot) {
        subject->slot = desk_find_slot(p->f, name);
        if (subject->slot < 0) return desk_bad(p->f, node, "\"%.60s\": expected a slot, login or find.column", name);
        p->flow->uses[subject->slot] = true;
        return LLMCS_OK;
    }
    for (size_t i = 0; i < p->f->n_finds; i++)
        if (strlen(p->f->finds[i].name) == (size_t)(dot - name) &&
            !memcmp(p->f->finds[i].name, name, (size_t)(dot - name)))
            subject->find = (int)i;
    if (subject->find < 0) return desk_bad(p->f, node, "\"%.60s\": no find has this name; add it to \"finds\"", name);
    p->named[subject->find] = true;
    const desk_query *find = &p->f->finds[subject->find];
    if (!strcmp(dot + 1, "n")) return LLMCS_OK;
    for (size_t i = 0; i < find->n_columns; i++)
        if (!strcmp(find->columns[i], dot + 1)) subject->column = (int)i;
    return subject->column >= 0 ? LLMCS_OK
                                : desk_bad(p->f, node, "find %s has no column \"%.60s\"", find->name, dot + 1);
}

/* ---- conditions */

static llmcs_status read_value_list(compiler *p, const desk_json *node, desk_condition *condition) {
    const char **values;
    const bool several = node->type == DESK_JSON_ARRAY;
    const size_t n = several ? node->n : 1;
    if (n > MAX_VALUES || !n) return desk_bad(p->f, node, "%d values, expected 1 to %d", (int)n, MAX_VALUES);
    SHOP_TRY(shop_arena_alloc(&p->f->arena, n, sizeof *values, &values));
    const desk_json *one = several ? node->first : node;
    for (size_t i = 0; i < n; i++, one = one->next) {
        if (one->type == DESK_JSON_BOOL)
            values[i] = one->number != 0 ? "yes" : "no";
        else if (one->type == DESK_JSON_STRING || one->type == DESK_JSON_NUMBER)
            values[i] = one->text;
        else
            return desk_bad(p->f, one, "found %s, expected a value", desk_json_type_name(one->type));
    }
    condition->compare = DESK_IS;
    condition->values = values;
    condition->n_values = n;
    return LLMCS_OK;
}

static llmcs_status read_condition(compiler *p, const desk_json *node, desk_condition *condition) {
    static const struct {
        const char *key;
        desk_compare compare;
    } numbers[] = {{"less", DESK_LESS}, {"more", DESK_MORE}, {"older_days", DESK_OLDER}, {"newer_days", DESK_NEWER}};
    SHOP_TRY(read_subject(p, node, node->key, &condition->subject));
    if (node->type == DESK_JSON_NULL) {
        condition->compare = DESK_IS_EMPTY;
        return LLMCS_OK;
    }
    if (node->type != DESK_JSON_OBJECT) return read_value_list(p, node, condition);
    for (size_t i = 0; i < 4 && node->n == 1; i++)
        if (!strcmp(node->first->key, numbers[i].key) && node->first->type == DESK_JSON_NUMBER) {
            condition->compare = numbers[i].compare;
            condition->number = node->first->number;
            return LLMCS_OK;
        }
    return desk_bad(p->f, node, "expected one of less, more, older_days, newer_days with a number");
}

static llmcs_status read_conditions(compiler *p, const desk_json *all, const desk_condition **conditions, size_t *n) {
    desk_condition *made;
    *n = 0;
    if (all->type != DESK_JSON_OBJECT || !all->n) return desk_bad(p->f, all, "expected an object of conditions");
    SHOP_TRY(shop_arena_alloc(&p->f->arena, all->n, sizeof *made, &made));
    *conditions = made;
    for (const desk_json *one = all->first; one; one = one->next) SHOP_TRY(read_condition(p, one, &made[(*n)++]));
    return LLMCS_OK;
}

llmcs_status desk_conditions_read(desk_flows *f, const desk_json *all, desk_flow *flow,
                                  const desk_condition **conditions, size_t *n) {
    compiler *p;
    SHOP_TRY(shop_alloc_zero(&f->arena.allocator, 1, sizeof *p, "compiler", &p));
    p->f = f;
    p->flow = flow;
    const llmcs_status status = read_conditions(p, all, conditions, n);
    shop_free(&f->arena.allocator, p);
    return status;
}

/* ---- steps */

static llmcs_status step_slot(compiler *p, const desk_json *step, block *b) {
    const desk_json *name = desk_json_get(step, "slot"), *from = desk_json_get(step, "from");
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_SLOT, &op));
    op->index = desk_find_slot(p->f, name->text);
    if (op->index < 0) return desk_bad(p->f, name, "no slot named \"%.60s\"; add it to \"slots\"", name->text);
    p->flow->uses[op->index] = true;
    int *find = &p->flow->from[op->index];
    if (from) {
        const int own = from->type == DESK_JSON_STRING ? query_by_name(p->f->finds, p->f->n_finds, from->text) : -1;
        if (own < 0) return desk_bad(p->f, from, "expected the name of a find");
        SHOP_TRY(desk_check_from(p->f, from, &p->f->finds[own]));
        if (p->own_from[op->index] && own != *find)
            return desk_bad(p->f, from, "this flow already lists %s for slot %s", p->f->finds[*find].name, name->text);
        *find = own;
        p->own_from[op->index] = true;
    }
    if (*find >= 0) p->finds[*find] = true;
    return add_branch(p, step, "none", 1, (int)p->n, b->confirmed);
}

static llmcs_status step_find(compiler *p, const desk_json *step, block *b) {
    const desk_json *name = desk_json_get(step, "find");
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_FIND, &op));
    op->index = query_by_name(p->f->finds, p->f->n_finds, name->text);
    if (op->index < 0) return desk_bad(p->f, name, "no find named \"%.60s\"; add it to \"finds\"", name->text);
    p->finds[op->index] = true;
    return add_branch(p, step, "none", 1, (int)p->n, b->confirmed);
}

static llmcs_status step_if(compiler *p, const desk_json *step, block *b) {
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_IF, &op));
    SHOP_TRY(read_conditions(p, desk_json_get(step, "if"), &op->conditions, &op->n_conditions));
    SHOP_TRY(add_branch(p, step, "then", 0, (int)p->n, b->confirmed));
    return add_branch(p, step, "else", 1, (int)p->n, b->confirmed);
}

static llmcs_status step_say(compiler *p, const desk_json *step) {
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_SAY, &op));
    return read_text(p, desk_json_get(step, "say"), &op->text);
}

static llmcs_status step_say_by(compiler *p, const desk_json *step) {
    const desk_json *subject = desk_json_get(step, "say_by"), *of;
    desk_say_case *cases;
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_SAY_BY, &op));
    if (subject->type != DESK_JSON_STRING) return desk_bad(p->f, subject, "expected a slot or find.column");
    SHOP_TRY(read_subject(p, subject, subject->text, &op->subject));
    SHOP_TRY(desk_need(p->f, step, "of", DESK_JSON_OBJECT, &of));
    SHOP_TRY(shop_arena_alloc(&p->f->arena, of->n, sizeof *cases, &cases));
    for (const desk_json *one = of->first; one; one = one->next) {
        if (!strcmp(one->key, "note")) continue;
        cases[op->n_cases].value = strcmp(one->key, "*") ? one->key : NULL;
        SHOP_TRY(read_text(p, one, &cases[op->n_cases++].text));
    }
    op->cases = cases;
    return LLMCS_OK;
}

static llmcs_status step_confirm(compiler *p, const desk_json *step, block *b) {
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_CONFIRM, &op));
    const desk_json *again = desk_json_get(step, "again");
    SHOP_TRY(read_text(p, desk_json_get(step, "confirm"), &op->text));
    if (again) SHOP_TRY(read_text(p, again, &op->again));
    SHOP_TRY(add_branch(p, step, "no", 1, -1, b->confirmed)); /* a no never continues into the confirmed step */
    for (size_t i = 0; i < p->f->n_slots; i++)
        if (desk_text_shows(p->f, op->text, (int)i) && (!op->again || desk_text_shows(p->f, op->again, (int)i)))
            b->confirmed[i] = true;
    return LLMCS_OK;
}

static llmcs_status step_do(compiler *p, const desk_json *step, block *b) {
    const desk_json *name = desk_json_get(step, "do");
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_DO, &op));
    op->index = query_by_name(p->f->actions, p->f->n_actions, name->text);
    if (op->index < 0) return desk_bad(p->f, name, "no action named \"%.60s\"; add it to \"actions\"", name->text);
    const desk_query *action = &p->f->actions[op->index];
    p->flow->uses[action->object] = true;
    if (action->destructive && !b->confirmed[action->object])
        return desk_bad(p->f, name,
                        "%s is destructive: expected a \"confirm\" before it that shows {%s} in every language",
                        action->name, p->f->slots[action->object].name);
    SHOP_TRY(add_branch(p, step, "done", 0, (int)p->n, b->confirmed));
    SHOP_TRY(add_branch(p, step, "failed", 1, (int)p->n, b->confirmed));
    /* One confirmation covers one action. */
    memset(b->confirmed, 0, sizeof b->confirmed);
    return LLMCS_OK;
}

static llmcs_status step_entry(compiler *p, const desk_json *step) {
    const desk_json *id = desk_json_get(step, "entry");
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_ENTRY, &op));
    if (id->type != DESK_JSON_STRING || !*id->text) return desk_bad(p->f, id, "expected the id of an entry");
    op->id = id->text;
    return LLMCS_OK;
}

/* Reads {"tags": ["a", "b"], "accept": 0.3}. */
static llmcs_status read_knowledge(compiler *p, const desk_json *how, desk_op *op) {
    static const char *const keys[] = {"tags", "accept", NULL};
    const desk_json *tags = desk_json_get(how, "tags");
    const char **list;
    SHOP_TRY(desk_check_keys(p->f, how, keys));
    SHOP_TRY(desk_read_number(p->f, how, "accept", 0, 1, &op->accept));
    if (!tags) return LLMCS_OK;
    if (tags->type != DESK_JSON_ARRAY || !tags->n || tags->n > DESK_MAX_TAGS)
        return desk_bad(p->f, tags, "expected an array of 1 to %d tags", DESK_MAX_TAGS);
    SHOP_TRY(shop_arena_alloc(&p->f->arena, tags->n, sizeof *list, &list));
    for (const desk_json *one = tags->first; one; one = one->next) {
        if (one->type != DESK_JSON_STRING || !*one->text) return desk_bad(p->f, one, "expected a tag");
        list[op->n_tags++] = one->text;
    }
    op->tags = list;
    return LLMCS_OK;
}

static llmcs_status step_knowledge(compiler *p, const desk_json *step, block *b) {
    const desk_json *how = desk_json_get(step, "knowledge");
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_KNOWLEDGE, &op));
    op->accept = -1;
    if (how->type == DESK_JSON_OBJECT)
        SHOP_TRY(read_knowledge(p, how, op));
    else if (how->type != DESK_JSON_BOOL)
        return desk_bad(p->f, how, "expected true, or {\"tags\": [...], \"accept\": ...}");
    return add_branch(p, step, "none", 1, (int)p->n, b->confirmed);
}

static llmcs_status step_recommend(compiler *p, const desk_json *step, block *b) {
    static const char *const keys[] = {"by", "k", "have", NULL};
    const desk_json *how = desk_json_get(step, "recommend");
    double k = 3;
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_RECOMMEND, &op));
    if (how->type != DESK_JSON_OBJECT) return desk_bad(p->f, how, "expected {\"by\": ..., \"k\": ...}");
    SHOP_TRY(desk_check_keys(p->f, how, keys));
    SHOP_TRY(desk_read_number(p->f, how, "k", 1, 10, &k));
    op->k = (size_t)k;
    SHOP_TRY(desk_read_bool(p->f, how, "have", &op->have));
    const char *by = desk_json_text(how, "by", "text");
    op->by = !strcmp(by, "text") ? DESK_BY_TEXT : !strcmp(by, "customer") ? DESK_BY_CUSTOMER : DESK_BY_PRODUCT;
    if (op->by != DESK_BY_PRODUCT) return add_branch(p, step, "none", 1, (int)p->n, b->confirmed);
    op->index = desk_find_slot(p->f, by);
    if (op->index < 0 || p->f->slots[op->index].type != DESK_SLOT_PRODUCT)
        return desk_bad(p->f, how, "\"%.60s\": expected text, customer, or a slot of type product", by);
    p->flow->uses[op->index] = true;
    return add_branch(p, step, "none", 1, (int)p->n, b->confirmed);
}

static llmcs_status step_last_action(compiler *p, const desk_json *step, block *b) {
    const desk_json *yes = desk_json_get(step, "last_action");
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_LAST_ACTION, &op));
    if (yes->type != DESK_JSON_BOOL || yes->number < 1) return desk_bad(p->f, yes, "expected true");
    return add_branch(p, step, "none", 1, (int)p->n, b->confirmed);
}

static llmcs_status step_hand_over(compiler *p, const desk_json *step) {
    const desk_json *reason = desk_json_get(step, "hand_over"), *say = desk_json_get(step, "say");
    double priority = 0;
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_HAND_OVER, &op));
    if (reason->type != DESK_JSON_STRING || !*reason->text) return desk_bad(p->f, reason, "expected a reason");
    op->id = reason->text;
    SHOP_TRY(desk_read_number(p->f, step, "priority", 0, 2, &priority));
    op->priority = (int)priority;
    return say ? read_text(p, say, &op->text) : LLMCS_OK;
}

static llmcs_status step_set(compiler *p, const desk_json *step) {
    const desk_json *all = desk_json_get(step, "set");
    int *slots;
    const char **values;
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_SET, &op));
    if (all->type != DESK_JSON_OBJECT) return desk_bad(p->f, all, "expected {\"slot\": \"value\"}");
    SHOP_TRY(shop_arena_alloc(&p->f->arena, all->n, sizeof *slots, &slots));
    SHOP_TRY(shop_arena_alloc(&p->f->arena, all->n, sizeof *values, &values));
    for (const desk_json *one = all->first; one; one = one->next, op->n_set++) {
        slots[op->n_set] = desk_find_slot(p->f, one->key);
        if (slots[op->n_set] < 0) return desk_bad(p->f, one, "no slot has this name; add it to \"slots\"");
        if (one->type != DESK_JSON_STRING && one->type != DESK_JSON_NUMBER && one->type != DESK_JSON_NULL)
            return desk_bad(p->f, one, "expected a string, a number or null");
        values[op->n_set] = one->type == DESK_JSON_NULL ? NULL : one->text;
        p->flow->uses[slots[op->n_set]] = true;
    }
    op->set_slots = slots;
    op->set_values = values;
    return LLMCS_OK;
}

static llmcs_status step_go(compiler *p, const desk_json *step) {
    const desk_json *name = desk_json_get(step, "go");
    desk_op *op;
    SHOP_TRY(add_op(p, DESK_OP_GO, &op));
    op->index = desk_find_flow(p->f, name->text);
    return op->index >= 0 ? LLMCS_OK : desk_bad(p->f, name, "no flow named \"%.60s\"; add it to \"flows\"", name->text);
}

static llmcs_status step_end(compiler *p) {
    desk_op *op;
    return add_op(p, DESK_OP_END, &op);
}

/* The keys of each kind of step. */
static const struct {
    const char *key;
    const char *const keys[6];
} kinds[] = {{"slot", {"slot", "from", "none"}},
             {"find", {"find", "none"}},
             {"if", {"if", "then", "else"}},
             {"hand_over", {"hand_over", "priority", "say"}},
             {"say_by", {"say_by", "of"}},
             {"confirm", {"confirm", "no", "again"}},
             {"do", {"do", "done", "failed"}},
             {"entry", {"entry"}},
             {"knowledge", {"knowledge", "none"}},
             {"recommend", {"recommend", "none"}},
             {"set", {"set"}},
             {"go", {"go"}},
             {"end", {"end"}},
             {"last_action", {"last_action", "none"}},
             {"say", {"say"}}};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static llmcs_status compile_step(compiler *p, const desk_json *step, block *b) {
    size_t kind = 0;
    p->at = step;
    if (step->type != DESK_JSON_OBJECT)
        return desk_bad(p->f, step, "found %s, expected a step", desk_json_type_name(step->type));
    while (kind < N_KINDS && !desk_json_get(step, kinds[kind].key)) kind++;
    if (kind == N_KINDS)
        return desk_bad(
            p->f, step,
            "no step: expected one of slot find if say say_by confirm do entry knowledge recommend hand_over "
            "set go end last_action");
    SHOP_TRY(desk_check_keys(p->f, step, kinds[kind].keys));
    switch (kind) {
        case 0:
            return step_slot(p, step, b);
        case 1:
            return step_find(p, step, b);
        case 2:
            return step_if(p, step, b);
        case 3:
            return step_hand_over(p, step);
        case 4:
            return step_say_by(p, step);
        case 5:
            return step_confirm(p, step, b);
        case 6:
            return step_do(p, step, b);
        case 7:
            return step_entry(p, step);
        case 8:
            return step_knowledge(p, step, b);
        case 9:
            return step_recommend(p, step, b);
        case 10:
            return step_set(p, step);
        case 11:
            return step_go(p, step);
        case 12:
            return step_end(p);
        case 13:
            return step_last_action(p, step, b);
        default:
            return step_say(p, step);
    }
}

static llmcs_status compile_block(compiler *p, block *b) {
    desk_op *op;
    if (b->op >= 0) *(b->branch ? &p->ops[b->op].no : &p->ops[b->op].yes) = (int)p->n;
    for (const desk_json *step = b->steps->first; step; step = step->next) SHOP_TRY(compile_step(p, step, b));
    p->at = b->steps;
    SHOP_TRY(add_op(p, b->back < 0 ? DESK_OP_END : DESK_OP_JUMP, &op));
    op->index = b->back;
    return LLMCS_OK;
}

llmcs_status desk_steps_read(desk_flows *f, const desk_json *node, desk_flow *flow) {
    compiler *p;
    SHOP_TRY(shop_alloc_zero(&f->arena.allocator, 1, sizeof *p, "flow", &p));
    *p = (compiler){.f = f, .flow = flow, .at = node};
    for (size_t i = 0; i < DESK_MAX_SLOTS; i++) flow->from[i] = i < f->n_slots ? f->slots[i].from : -1;
    llmcs_status status = shop_arena_alloc(&f->arena, DESK_MAX_OPS, sizeof *p->ops, &p->ops);
    p->blocks[p->n_blocks++] = (block){.steps = node, .back = -1, .op = -1};
    for (; !status && p->done < p->n_blocks; p->done++) status = compile_block(p, &p->blocks[p->done]);
    for (size_t i = 0; !status && i < f->n_finds; i++)
        if (p->named[i] && !p->finds[i])
            status = desk_bad(f, node, "a text uses find %s, but no step of the flow runs it", f->finds[i].name);
    flow->ops = p->ops;
    flow->n_ops = p->n;
    shop_free(&f->arena.allocator, p);
    return status;
}
