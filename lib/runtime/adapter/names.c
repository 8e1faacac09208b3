/* Parses names of tensors. */
#include "runtime/adapter/names.h"

#include <string.h>

#include "families/family.h"

#define PREFIX "base_model.model."

/* Removes `part` from the name, if it is at the end or followed by a dot. */
static bool remove_component(char *name, const char *part) {
    const size_t n = strlen(part);
    for (char *at = strstr(name, part); at; at = strstr(at + 1, part)) {
        if (at[n] && at[n] != '.') continue;
        memmove(at, at + n, strlen(at + n) + 1);
        return true;
    }
    return false;
}

/* Removes ".lora_A" and the like, with or without ".weight". Older files also contain the adapter's name in training.
 */
static bool take_product(ll_adapter_name *n) {
    static const char *const parts[] = {".lora_A", ".lora_B", ".lora_embedding_A", ".lora_embedding_B"};
    for (int i = 0; i < 4; i++) {
        if (!remove_component(n->tensor, parts[i])) continue;
        n->part = i % 2 ? LL_ADAPTER_B : LL_ADAPTER_A;
        n->embedding = i >= 2;
        remove_component(n->tensor, ".default");
        return true;
    }
    return false;
}

static llmcs_status refuse(const ll_tensors *adapter, const ll_tensor *t, const char *what) {
    return ll_fail(LLMCS_UNSUPPORTED, "%s: tensor \"%.100s\": %s is not supported", ll_tensors_path(adapter, t),
                   t->name, what);
}

llmcs_status ll_adapter_name_read(ll_adapter_name *n, const ll_tensors *adapter, const ll_tensor *t) {
    const size_t n_prefix = strlen(PREFIX);
    const char *name = strncmp(t->name, PREFIX, n_prefix) == 0 ? t->name + n_prefix : t->name;
    *n = (ll_adapter_name){.part = LL_ADAPTER_WHOLE};
    if (strlen(name) >= sizeof n->tensor)
        return ll_fail(LLMCS_LIMIT, "%s: tensor \"%.80s...\": names have at most %d bytes", ll_tensors_path(adapter, t),
                       name, LL_ADAPTER_NAME_BYTES - 1);
    memcpy(n->tensor, name, strlen(name) + 1);
    if (strstr(name, ".lora_magnitude_vector")) return refuse(adapter, t, "DoRA (use_dora)");
    if (take_product(n)) {
        char *weight = strrchr(n->tensor, '.');
        if (weight && strcmp(weight, ".bias") == 0) return refuse(adapter, t, "a bias of lora_B (lora_bias)");
        if (!n->embedding && weight && strcmp(weight, ".weight") == 0) *weight = '\0';
        memcpy(n->module, n->tensor, sizeof n->module);
        if (strlen(n->module) + sizeof ".weight" > sizeof n->tensor) return refuse(adapter, t, "so long a name");
        ll_format(n->tensor, sizeof n->tensor, "%s.weight", n->module);
        return LLMCS_OK;
    }
    if (remove_component(n->tensor, ".original_module")) n->part = LL_ADAPTER_ORIGINAL;
    n->copy = remove_component(n->tensor, ".modules_to_save");
    if (n->copy) remove_component(n->tensor, ".default");
    remove_component(n->tensor, ".base_layer");
    memcpy(n->module, n->tensor, sizeof n->module);
    char *last = strrchr(n->module, '.');
    n->module[last ? last - n->module : 0] = '\0';
    return LLMCS_OK;
}

/* True for the prefixes that may precede the stack's own names: none (a model without head), the family's, or those of
 * multimodal models. */
static bool is_known_prefix(const ll_config *c, const char *name, size_t n) {
    const char *const known[] = {"", ll_family_prefix(c->family, c->head_spec), "model.", "language_model.model.",
                                 "model.language_model."};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == n && memcmp(name, known[i], n) == 0) return true;
    return false;
}

/* The oldest BERT checkpoints use TensorFlow's names gamma and beta. */
static void use_older_name(ll_base_name *b, const ll_tensors *base) {
    char older[sizeof b->stored];
    const char *dot = strrchr(b->stored, '.');
    if (!dot || ll_tensors_find(base, b->stored)) return;
    ll_format(older, sizeof older, "%.*s%s", (int)(dot - b->stored), b->stored,
              strcmp(dot, ".weight") == 0 ? ".gamma" : ".beta");
    if (ll_tensors_find(base, older)) memcpy(b->stored, older, sizeof older);
}

void ll_base_name_of(ll_base_name *b, const ll_tensors *base, const ll_config *c, const char *tensor) {
    size_t n = 0;
    *b = (ll_base_name){.role = LL_N_ROLES};
    if (ll_checkpoint_prefix(c->family, tensor, &n) &&
        (is_known_prefix(c, tensor, n) || strncmp(tensor, ll_tensors_prefix(base), n) == 0)) {
        const char *plain = tensor + n, *dot = strrchr(plain, '.');
        b->prefix_bytes = n;
        b->role = ll_checkpoint_role(c->family, plain, dot ? (size_t)(dot - plain) : strlen(plain));
        ll_format(b->stored, sizeof b->stored, "%s%s", ll_tensors_prefix(base), plain);
        use_older_name(b, base);
    } else {
        const char *outer = ll_tensors_outer(base);
        const bool has_outer = strncmp(tensor, outer, strlen(outer)) == 0;
        ll_format(b->stored, sizeof b->stored, "%s%s", has_outer ? "" : outer, tensor);
    }
}
