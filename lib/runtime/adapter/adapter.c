/* Opens adapters and applies them to the tensors of a checkpoint. */
#include "runtime/adapter/adapter.h"

#include <string.h>

#include "base/call.h"
#include "base/xxh64.h"
#include "formats/folder.h"
#include "models/heads.h"
#include "runtime/adapter/modules.h"
#include "runtime/adapter/names.h"

#define MAX_ADAPTERS 64
#define READ_ELEMENTS 256 /* at once */

/* One folder. */
typedef struct adapter {
    ll_adapter_config config;
    ll_adapter_rules rules;
    ll_tensors *tensors;
    char prefix[LL_ADAPTER_NAME_BYTES]; /* of the stack's modules in its names: "model." */
} adapter;

struct ll_adapters {
    ll_arena arena; /* changes and products */
    adapter *items;
    size_t n;
    uint64_t hash;
};

/* The tensors of one adapter for a tensor of the model. */
typedef struct slot {
    const ll_tensor *a, *b, *whole;
    bool embedding;
} slot;

/* While adapters are applied. */
typedef struct binding {
    ll_adapters *set;
    adapter *adapter; /* the current one */
    ll_config *config;
    ll_tensors *base;
    size_t n;                   /* tensors of the base */
    slot *slots;                /* [n], of the current adapter */
    ll_tensor_change **changes; /* [n] */
    uint8_t *used;              /* [n] 1: the network reads the tensor */
} binding;

static size_t number_of(const ll_tensors *t, const ll_tensor *tensor) { return (size_t)(tensor - ll_tensors_at(t, 0)); }

static const char *tensors_path(const adapter *x) {
    return ll_tensors_count(x->tensors) ? ll_tensors_path(x->tensors, ll_tensors_at(x->tensors, 0)) : x->config.path;
}

/* ---------------------------------------------------------------------------------------------- open, close */

/* Fails if the tensor file is missing; the message mentions a pickled one. */
static llmcs_status check_file(const llmcs_allocator *a, const char *folder) {
    bool there, pickled;
    LL_TRY(ll_folder_has(a, folder, LL_ADAPTER_TENSORS, &there));
    if (there) return LLMCS_OK;
    LL_TRY(ll_folder_has(a, folder, "adapter_model.bin", &pickled));
    return ll_fail(LLMCS_IO, "%s: " LL_ADAPTER_TENSORS " is missing%s", ll_folder_tail(folder),
                   pickled ? "; found adapter_model.bin: save the adapter again with PEFT's save_pretrained" : "");
}

/* PEFT's trainers also save a tokenizer, usually the model's. */
static llmcs_status log_tokenizer(const llmcs_allocator *a, const char *folder, const ll_log *log) {
    bool there;
    LL_TRY(ll_folder_has(a, folder, "tokenizer_config.json", &there));
    if (there)
        ll_log_say(log, LLMCS_LOG_INFO, "%s: the adapter's tokenizer is not read, the model's is",
                   ll_folder_tail(folder));
    return LLMCS_OK;
}

static llmcs_status open_adapter(adapter *x, const llmcs_allocator *a, const char *folder,
                                 const ll_adapter_paths *paths) {
    if (!folder || !*folder) return ll_fail(LLMCS_ARG, "the path of an adapter is empty");
    LL_TRY(ll_adapter_config_read(&x->config, a, folder));
    LL_TRY(ll_adapter_rules_open(&x->rules, a, &x->config));
    LL_TRY(check_file(a, folder));
    LL_TRY(log_tokenizer(a, folder, paths->log));
    return ll_tensors_open_file(a, folder, LL_ADAPTER_TENSORS, paths->load_mode, &x->tensors);
}

static void close_adapter(adapter *x) {
    if (x->tensors) ll_tensors_close(&x->tensors);
    ll_adapter_rules_free(&x->rules);
    ll_adapter_config_free(&x->config);
}

void ll_adapters_close(ll_adapters **adapters) {
    ll_adapters *set = *adapters;
    *adapters = NULL;
    if (!set) return;
    const llmcs_allocator a = set->arena.allocator;
    for (size_t i = 0; i < set->n; i++) close_adapter(&set->items[i]);
    ll_free(&a, set->items);
    ll_arena_free(&set->arena);
    ll_free(&a, set);
}

/* ------------------------------------------------------------------------------------------------- the base */

/* The name that the head of a tied network would have in the base's files. */
static void tied_head_name(const binding *b, char out[LL_ADAPTER_NAME_BYTES]) {
    ll_format(out, LL_ADAPTER_NAME_BYTES, "%s%s.weight", ll_tensors_outer(b->base),
              b->config->head_spec->out.checkpoint);
}

/* Unties the head: gives the network its own head tensor, a copy of the token table as it is stored. */
static llmcs_status untie(binding *b) {
    char tokens[LL_ADAPTER_NAME_BYTES], head[LL_ADAPTER_NAME_BYTES];
    ll_tensor_change *change;
    ll_tensor *kept;
    ll_format(tokens, sizeof tokens, "%s%s.weight", ll_tensors_prefix(b->base),
              ll_role_name(&b->config->family->stack[0], LL_TOKENS));
    tied_head_name(b, head);
    const ll_tensor *table = ll_tensors_find(b->base, tokens);
    if (!table) return LLMCS_OK; /* loading the network reports that it is missing */
    if (!ll_tensors_find(b->base, head)) LL_TRY(ll_tensors_add(b->base, table, head));
    table = ll_tensors_find(b->base, tokens);
    const ll_tensor *copy = ll_tensors_find(b->base, head);
    b->config->tie_word_embeddings = false;
    if (copy->offset == table->offset && copy->file == table->file) return LLMCS_OK;
    /* A head stored in the file is not used: a tied network computes with the token table. */
    LL_TRY(ll_arena_alloc(&b->set->arena, 1, sizeof *change, "changes of tensors", &change));
    LL_TRY(ll_arena_alloc(&b->set->arena, 1, sizeof *kept, "changes of tensors", &kept));
    *kept = *table; /* adding tensors moves the original */
    *change = (ll_tensor_change){.other = b->base, .replacement = kept};
    ll_tensors_change(b->base, number_of(b->base, copy), change);
    return LLMCS_OK;
}

/* True for heads that an adapter may add if the model's files lack them. */
static bool is_head(const ll_config *c, const char *module) {
    const ll_head_spec *h = c->head_spec;
    const char *const names[] = {h->dense.checkpoint, h->norm.checkpoint, h->out.checkpoint};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i] && strcmp(names[i], module) == 0) return true;
    return false;
}

/* Adds the tensors that only the adapted network has. */
static llmcs_status prepare_base(binding *b) {
    for (size_t i = 0; i < ll_tensors_count(b->adapter->tensors); i++) {
        const ll_tensor *t = ll_tensors_at(b->adapter->tensors, i);
        ll_adapter_name name;
        ll_base_name at;
        char head[LL_ADAPTER_NAME_BYTES];
        LL_TRY(ll_adapter_name_read(&name, b->adapter->tensors, t));
        ll_base_name_of(&at, b->base, b->config, name.tensor);
        if (!b->config->head_spec) continue;
        if (ll_heads_tied(b->config)) {
            tied_head_name(b, head);
            if (at.role == LL_TOKENS || strcmp(at.stored, head) == 0) LL_TRY(untie(b));
        }
        if (name.part == LL_ADAPTER_WHOLE && is_head(b->config, name.module) && !ll_tensors_find(b->base, at.stored))
            LL_TRY(ll_tensors_add(b->base, t, at.stored));
    }
    return LLMCS_OK;
}

static void mark_used(void *user, const ll_tensor *t) {
    binding *b = user;
    b->used[number_of(b->base, t)] = 1;
}

/* ------------------------------------------------------------------------------------------------ the slots */

/* PEFT may write one parameter under two names; the values must be the same. */
static llmcs_status check_copies(const adapter *x, const ll_tensor *one, const ll_tensor *two) {
    float p[READ_ELEMENTS], q[READ_ELEMENTS];
    bool same = one->n_elements == two->n_elements;
    for (uint64_t i = 0; same && i < one->n_elements; i += READ_ELEMENTS) {
        const uint64_t left = one->n_elements - i;
        const size_t n = left < READ_ELEMENTS ? (size_t)left : READ_ELEMENTS;
        LL_TRY(ll_tensors_read_f32(x->tensors, one, i, n, p));
        LL_TRY(ll_tensors_read_f32(x->tensors, two, i, n, q));
        same = memcmp(p, q, n * sizeof *p) == 0;
    }
    if (same) return LLMCS_OK;
    return ll_fail(LLMCS_FORMAT, "%s: tensors \"%.80s\" and \"%.80s\" are the same parameter but differ",
                   tensors_path(x), one->name, two->name);
}

static llmcs_status fill_slot(binding *b, slot *s, const ll_tensor *t, const ll_adapter_name *name) {
    const ll_tensor **at = name->part == LL_ADAPTER_A ? &s->a : name->part == LL_ADAPTER_B ? &s->b : &s->whole;
    if (*at && name->part == LL_ADAPTER_WHOLE) return check_copies(b->adapter, *at, t);
    if (*at)
        return ll_fail(LLMCS_FORMAT, "%s: tensors \"%.80s\" and \"%.80s\" belong to the same module",
                       tensors_path(b->adapter), (*at)->name, t->name);
    *at = t;
    if (name->part != LL_ADAPTER_WHOLE) s->embedding = name->embedding;
    return LLMCS_OK;
}

static llmcs_status no_place(const binding *b, const ll_tensor *t, const char *why) {
    return ll_fail(
        LLMCS_CONFIG, "%s: tensor \"%.100s\" has no place in this %.24s: %s; is the adapter of another model?",
        tensors_path(b->adapter), t->name, b->config->architecture[0] ? b->config->architecture : "model", why);
}

/* Assigns every tensor of the adapter to a tensor of the model. */
static llmcs_status fill_slots(binding *b) {
    adapter *x = b->adapter;
    bool has_prefix = false;
    memset(b->slots, 0, b->n * sizeof *b->slots);
    ll_format(x->prefix, sizeof x->prefix, "%s", ll_family_prefix(b->config->family, b->config->head_spec));
    for (size_t i = 0; i < ll_tensors_count(x->tensors); i++) {
        const ll_tensor *t = ll_tensors_at(x->tensors, i);
        ll_adapter_name name;
        ll_base_name at;
        LL_TRY(ll_adapter_name_read(&name, x->tensors, t));
        if (name.part == LL_ADAPTER_ORIGINAL) continue;
        ll_base_name_of(&at, b->base, b->config, name.tensor);
        const ll_tensor *found = ll_tensors_find(b->base, at.stored);
        if (!found) return no_place(b, t, "the model lacks the module");
        if (!b->used[number_of(b->base, found)]) return no_place(b, t, "the network does not use the module");
        if (at.role != LL_N_ROLES && has_prefix &&
            (strlen(x->prefix) != at.prefix_bytes || memcmp(x->prefix, name.tensor, at.prefix_bytes) != 0))
            return no_place(b, t, "other names begin differently");
        if (at.role != LL_N_ROLES) ll_format(x->prefix, sizeof x->prefix, "%.*s", (int)at.prefix_bytes, name.tensor);
        has_prefix |= at.role != LL_N_ROLES;
        LL_TRY(fill_slot(b, &b->slots[number_of(b->base, found)], t, &name));
    }
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- the rules */

/* A tensor of the base as a module of Transformers' model. */
typedef struct module {
    char name[LL_ADAPTER_NAME_BYTES + 64]; /* in the adapter's spelling, without ".weight" */
    ll_role role;
    bool is_bias;
} module;

static void module_of(const binding *b, const ll_tensor *t, module *m) {
    ll_base_name at;
    ll_base_name_of(&at, b->base, b->config, t->name);
    m->role = at.role;
    if (at.role != LL_N_ROLES)
        ll_format(m->name, sizeof m->name, "%s%s", b->adapter->prefix, t->name + at.prefix_bytes);
    else
        ll_format(m->name, sizeof m->name, "%s", ll_tensors_plain_name(b->base, t));
    char *last = strrchr(m->name, '.');
    m->is_bias = last && (strcmp(last, ".bias") == 0 || strcmp(last, ".beta") == 0);
    if (last) *last = '\0';
}

static bool is_table(ll_role role) {
    return role == LL_TOKENS || role == LL_POSITIONS || role == LL_TYPES || role == LL_TASKS || role == LL_DISTANCE;
}

/* True for the matrix of a head that computes the logits. */
static bool is_output(const ll_config *c, const module *m) {
    return m->role == LL_N_ROLES && c->head_spec && c->head_spec->out.checkpoint &&
           strcmp(c->head_spec->out.checkpoint, m->name) == 0;
}

/* True for the pooler: checkpoints may have one although the network, and so its adapters, do not use it. */
static bool is_optional(const ll_config *c, const module *m) {
    return m->role == LL_POOLER && !(c->head_spec && c->head_spec->pooler);
}

static llmcs_status missing(const binding *b, const module *m, const char *key, const char *what) {
    return ll_fail(LLMCS_CONFIG, "%s: %s selects \"%.80s\", but %s has no %s for it", b->adapter->config.path, key,
                   m->name, LL_ADAPTER_TENSORS, what);
}

static llmcs_status check_product(binding *b, const slot *s, const module *m, bool is_matrix) {
    bool is_target = false;
    const bool linear = is_matrix && !is_table(m->role) && !is_output(b->config, m);
    if (is_matrix) LL_TRY(ll_adapter_targets(&b->adapter->rules, m->name, linear, &is_target));
    if (!s->a != !s->b)
        return ll_fail(LLMCS_CONFIG, "%s: module \"%.80s\" has %s but no %s", tensors_path(b->adapter), m->name,
                       s->a ? "lora_A" : "lora_B", s->a ? "lora_B" : "lora_A");
    if (s->a && !is_target)
        return ll_fail(LLMCS_CONFIG,
                       "%s: tensor \"%.80s\" belongs to a module that target_modules of %s does not select",
                       tensors_path(b->adapter), s->a->name, LL_ADAPTER_CONFIG);
    if (s->a && s->embedding != is_table(m->role))
        return ll_fail(LLMCS_CONFIG, "%s: tensor \"%.80s\": the module is %s", tensors_path(b->adapter), s->a->name,
                       s->embedding ? "not an embedding" : "an embedding; expected lora_embedding_A and _B");
    return is_target && !s->a && !is_optional(b->config, m) ? missing(b, m, "target_modules", "lora_A") : LLMCS_OK;
}

/* True if the module of a bias has a product B A. */
static bool has_product(const binding *b, const ll_tensor *bias) {
    char weight[LL_ADAPTER_NAME_BYTES + 64];
    const char *dot = strrchr(bias->name, '.');
    ll_format(weight, sizeof weight, "%.*s.weight", (int)(dot - bias->name), bias->name);
    const ll_tensor *t = ll_tensors_find(b->base, weight);
    return t && b->slots[number_of(b->base, t)].a;
}

static llmcs_status check_whole(binding *b, const slot *s, const ll_tensor *t, const module *m) {
    const ll_adapter_bias bias = b->adapter->config.bias;
    const bool saved = ll_adapter_saves(&b->adapter->rules, m->name);
    const bool trained =
        m->is_bias && (bias == LL_ADAPTER_BIAS_ALL || (bias == LL_ADAPTER_BIAS_LORA_ONLY && has_product(b, t)));
    const bool generates = b->config->head == LL_HEAD_CAUSAL_LM || b->config->head == LL_HEAD_MASKED_LM;
    const bool vocabulary = m->role == LL_TOKENS || (generates && is_output(b->config, m)); /* save_embedding_layers */
    if (s->whole && !saved && !trained && !vocabulary)
        return ll_fail(LLMCS_CONFIG, "%s: tensor \"%.100s\": neither bias nor modules_to_save of %s selects it",
                       tensors_path(b->adapter), s->whole->name, LL_ADAPTER_CONFIG);
    if ((saved || trained) && !s->whole && !is_optional(b->config, m))
        return missing(b, m, saved ? "modules_to_save" : "bias", m->is_bias ? "bias" : "weight");
    return LLMCS_OK;
}

/* Fails for names in the config that match no module of the network. */
static llmcs_status check_names(const binding *b) {
    const ll_adapter_config *c = &b->adapter->config;
    const ll_adapter_rules *r = &b->adapter->rules;
    for (size_t i = 0; i < c->targets.names.n; i++)
        if (!r->target_found[i])
            return ll_fail(LLMCS_CONFIG,
                           "%s: target_modules: the model has no \"%.60s\"; is the adapter of another model?", c->path,
                           c->targets.names.items[i]);
    for (size_t i = 0; i < c->modules_to_save.n; i++) {
        const char *name = c->modules_to_save.items[i];
        const bool by_default = c->default_heads && (strcmp(name, "classifier") == 0 || strcmp(name, "score") == 0);
        if (!r->saved_found[i] && !by_default)
            return ll_fail(LLMCS_CONFIG, "%s: modules_to_save: the model has no \"%.60s\"", c->path, name);
    }
    return LLMCS_OK;
}

static llmcs_status check_rules(binding *b) {
    module m;
    for (size_t i = 0; i < b->n; i++) {
        const ll_tensor *t = ll_tensors_at(b->base, i);
        if (!b->used[i]) continue;
        module_of(b, t, &m);
        LL_TRY(check_product(b, &b->slots[i], &m, t->rank == 2));
    }
    for (size_t i = 0; i < b->n; i++) {
        const ll_tensor *t = ll_tensors_at(b->base, i);
        if (!b->used[i]) continue;
        module_of(b, t, &m);
        LL_TRY(check_whole(b, &b->slots[i], t, &m));
    }
    return check_names(b);
}

/* ----------------------------------------------------------------------------------------------- the changes */

static llmcs_status check_shape(const binding *b, const ll_tensor *t, int rank, const uint64_t *shape) {
    char found[LL_SHAPE_TEXT_BYTES], expected[LL_SHAPE_TEXT_BYTES];
    if (t->rank == rank && memcmp(t->shape, shape, (size_t)rank * sizeof *shape) == 0) return LLMCS_OK;
    return ll_fail(LLMCS_CONFIG, "%s: tensor \"%.80s\" is %s, expected %s for this model and rank",
                   tensors_path(b->adapter), t->name, ll_shape_text(t->shape, t->rank, found),
                   ll_shape_text(shape, rank, expected));
}

/* Reads a matrix, transposed if `transpose`. */
static llmcs_status read_matrix(binding *b, const ll_tensor *t, bool transpose, float **out) {
    const size_t n_rows = (size_t)t->shape[0], n_columns = (size_t)t->shape[1], n = (size_t)t->n_elements;
    float *values;
    LL_TRY(ll_arena_alloc(&b->set->arena, n, sizeof *values, "matrices of an adapter", &values));
    for (size_t row = 0; row < n_rows; row++) {
        for (size_t column = 0, part; column < n_columns; column += part) {
            float some[READ_ELEMENTS];
            part = ll_min(READ_ELEMENTS, n_columns - column);
            LL_TRY(ll_tensors_read_f32(b->adapter->tensors, t, row * n_columns + column, part, some));
            LL_TRY(ll_weights_check_finite(b->adapter->tensors, t, some, row * n_columns + column, part));
            for (size_t i = 0; i < part; i++)
                values[transpose ? (column + i) * n_rows + row : row * n_columns + column + i] = some[i];
        }
    }
    b->set->hash = ll_xxh64(values, n * sizeof *values, b->set->hash);
    *out = values;
    return LLMCS_OK;
}

/* Adds the product B A to a tensor's change, transposed for GPT-2's Conv1D ([n_in, n_out]) and for embeddings. */
static llmcs_status add_product(binding *b, const slot *s, const ll_tensor *t, const module *m,
                                ll_tensor_change *change) {
    const bool in_out = b->config->family->stack[0].in_out && m->role != LL_N_ROLES && m->role >= LL_FIRST_LAYER_ROLE;
    const bool transposed = s->embedding || (in_out && !t->out_in);
    const uint64_t n_out = t->shape[transposed], n_in = t->shape[!transposed];
    ll_tensor_product *p, **end = &change->products;
    int64_t rank;
    LL_TRY(ll_arena_alloc(&b->set->arena, 1, sizeof *p, "products of an adapter", &p));
    *p = (ll_tensor_product){0};
    LL_TRY(ll_adapter_scale(&b->adapter->rules, m->name, &rank, &p->scale));
    const uint64_t r = (uint64_t)rank;
    LL_TRY(check_shape(b, s->a, 2, (const uint64_t[]){r, n_in}));
    LL_TRY(check_shape(b, s->b, 2, (const uint64_t[]){n_out, r}));
    p->rank = (size_t)r;
    LL_TRY(read_matrix(b, s->a, transposed, transposed ? &p->left : &p->right));
    LL_TRY(read_matrix(b, s->b, transposed, transposed ? &p->right : &p->left));
    b->set->hash = ll_xxh64(&p->scale, sizeof p->scale, ll_xxh64(t->name, t->name_bytes, b->set->hash));
    while (*end) end = &(*end)->next;
    *end = p;
    return LLMCS_OK;
}

static llmcs_status get_change(binding *b, size_t i, ll_tensor_change **change) {
    if (!b->changes[i]) {
        LL_TRY(ll_arena_alloc(&b->set->arena, 1, sizeof **change, "changes of tensors", &b->changes[i]));
        const ll_tensor *t = ll_tensors_at(b->base, i);
        *b->changes[i] = t->change ? *t->change : (ll_tensor_change){0};
        ll_tensors_change(b->base, i, b->changes[i]);
    }
    *change = b->changes[i];
    return LLMCS_OK;
}

static llmcs_status replace(binding *b, const slot *s, const ll_tensor *t, ll_tensor_change *change) {
    if (change->products || (change->replacement && change->other != b->base))
        return ll_fail(LLMCS_CONFIG, "%s: tensor \"%.100s\": an earlier adapter also changes this module",
                       tensors_path(b->adapter), s->whole->name);
    LL_TRY(check_shape(b, s->whole, t->rank, t->shape));
    if (b->config->family->stack[0].norm.plus_one && ll_tensors_as_llama_cpp(b->base) && t->rank == 1)
        return ll_fail(LLMCS_UNSUPPORTED,
                       "%s: tensor \"%.100s\": the GGUF file stores these weights plus 1: apply the adapter to the "
                       "Hugging Face folder",
                       tensors_path(b->adapter), s->whole->name);
    if (s->whole->dtype == LL_DTYPE_OTHER)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: tensor \"%.100s\" is of type %s; " LL_DTYPE_NAMES " are supported",
                       tensors_path(b->adapter), s->whole->name, s->whole->dtype_name);
    *change = (ll_tensor_change){.other = b->adapter->tensors, .replacement = s->whole};
    b->set->hash = ll_xxh64(t->name, t->name_bytes, b->set->hash);
    return LLMCS_OK;
}

static llmcs_status make_changes(binding *b) {
    for (size_t i = 0; i < b->n; i++) {
        const slot *s = &b->slots[i];
        const ll_tensor *t = ll_tensors_at(b->base, i);
        ll_tensor_change *change;
        module m;
        if (!s->a && !s->whole) continue;
        LL_TRY(get_change(b, i, &change));
        if (s->whole) LL_TRY(replace(b, s, t, change));
        if (!s->a) continue;
        module_of(b, t, &m);
        LL_TRY(add_product(b, s, t, &m, change));
    }
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------------ apply */

static void free_binding(binding *b) {
    const llmcs_allocator *a = &b->set->arena.allocator;
    ll_free(a, b->slots);
    ll_free(a, b->changes);
    ll_free(a, b->used);
}

static llmcs_status apply(ll_adapters *set, ll_config *config, ll_tensors *tensors, ll_net *net) {
    const llmcs_allocator *a = &set->arena.allocator;
    binding b LL_CLEANUP(free_binding) = {.set = set, .config = config, .base = tensors};
    for (size_t i = 0; i < set->n; i++) {
        b.adapter = &set->items[i];
        LL_TRY(prepare_base(&b));
    }
    b.n = ll_tensors_count(tensors);
    LL_TRY(ll_alloc(a, b.n, sizeof *b.slots, "tensors of an adapter", &b.slots));
    LL_TRY(ll_alloc_zero(a, b.n, sizeof(void *), "tensors of an adapter", &b.changes));
    LL_TRY(ll_alloc_zero(a, b.n, 1, "tensors of an adapter", &b.used));
    LL_TRY(ll_net_visit(net, tensors, mark_used, &b));
    for (size_t i = 0; i < set->n; i++) {
        b.adapter = &set->items[i];
        LL_TRY(fill_slots(&b));
        LL_TRY(check_rules(&b));
        LL_TRY(make_changes(&b));
    }
    return LLMCS_OK;
}

static llmcs_status open_all(ll_adapters *set, const ll_adapter_paths *paths) {
    const llmcs_allocator *a = &set->arena.allocator;
    LL_TRY(ll_alloc_zero(a, paths->n, sizeof *set->items, "adapters", &set->items));
    for (; set->n < paths->n; set->n++) {
        const llmcs_status status = open_adapter(&set->items[set->n], a, paths->folders[set->n], paths);
        if (!status) continue;
        close_adapter(&set->items[set->n]);
        return status;
    }
    return LLMCS_OK;
}

llmcs_status ll_adapters_open(const llmcs_allocator *a, const ll_adapter_paths *paths, ll_config *config,
                              ll_tensors *tensors, ll_net *net, ll_adapters **adapters) {
    ll_adapters *set;
    *adapters = NULL;
    if (!paths->n) return LLMCS_OK;
    if (paths->n > MAX_ADAPTERS)
        return ll_fail(LLMCS_LIMIT, "adapters: found %zu, expected at most %d", paths->n, MAX_ADAPTERS);
    LL_TRY(ll_alloc_zero(a, 1, sizeof *set, "adapters", &set));
    ll_arena_init(&set->arena, a);
    set->hash = 1;
    llmcs_status status = open_all(set, paths);
    if (!status) status = apply(set, config, tensors, net);
    if (status) ll_adapters_close(&set);
    *adapters = set;
    return status;
}

llmcs_status ll_adapters_check_unchanged(const ll_adapters *set) {
    for (size_t i = 0; set && i < set->n; i++) LL_TRY(ll_tensors_check_unchanged(set->items[i].tensors));
    return LLMCS_OK;
}

uint64_t ll_adapters_hash(const ll_adapters *set) { return set ? set->hash : 0; }
