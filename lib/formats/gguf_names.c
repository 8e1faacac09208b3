/* Composes and parses the tensor names of GGUF files and checkpoints from the names in lib/families. */
#include "formats/gguf_names.h"

#include <string.h>

#define OWN "llmcs." /* prefix of names that only this library uses */

/* ---------------------------------------------------------------------------------------------------- one name */

/* The ".weight" or ".bias" at the end of a name, else NULL. */
static const char *weight_or_bias_suffix(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".weight") == 0 || strcmp(dot, ".bias") == 0) ? dot : NULL;
}

static bool text_equals(const char *text, size_t len, const char *other) {
    return text && len == strlen(other) && memcmp(text, other, len) == 0;
}

static bool is_checkpoint_name(const ll_name *n, const char *name, const char *end) {
    const size_t len = (size_t)(end - name);
    return (n->checkpoint && text_equals(name, len, n->checkpoint)) ||
           (n->alternative && text_equals(name, len, n->alternative));
}

/* The entry whose name on one side is [name, end), or NULL. */
static const ll_name *find_name(const ll_name *names, size_t n, const char *name, const char *end, bool gguf) {
    for (size_t i = 0; i < n; i++) {
        if (gguf && names[i].gguf && text_equals(name, (size_t)(end - name), names[i].gguf)) return &names[i];
        if (!gguf && is_checkpoint_name(&names[i], name, end)) return &names[i];
    }
    return NULL;
}

/* The kinds of a family's tensors: those of the whole stack, of each layer, and of the heads. */
static const ll_name *find_whole(const ll_family *f, const char *name, const char *end, bool gguf) {
    return find_name(f->stack[0].names, LL_FIRST_LAYER_ROLE, name, end, gguf);
}

static const ll_name *find_in_layer(const ll_family *f, const char *name, const char *end, bool gguf) {
    return find_name(f->stack[0].names + LL_FIRST_LAYER_ROLE, LL_N_ROLES - LL_FIRST_LAYER_ROLE, name, end, gguf);
}

static const ll_name *find_head(const ll_family *f, const char *name, const char *end, bool gguf) {
    for (const ll_class *k = f->classes; k->name; k++) {
        const ll_name *found = k->head ? find_name(&k->head->dense, 1, name, end, gguf) : NULL;
        if (!found && k->head) found = find_name(&k->head->norm, 1, name, end, gguf);
        if (!found && k->head) found = find_name(&k->head->out, 1, name, end, gguf);
        if (found) return found;
    }
    return NULL;
}

/* The length of a layer's number at `text`; 0: there is none. */
static size_t digits_of(const char *text) {
    size_t n = strspn(text, "0123456789");
    return n < 10 ? n : 0;
}

static bool has_prefix(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* The part after "h.3." of a checkpoint's name without prefix, or NULL; *number points to the layer's number. */
static const char *inside_layer(const ll_family *f, const char *name, const char **number, size_t *n_digits) {
    const char *pattern = f->stack[0].layers, *after = strchr(pattern, '%') + 2;
    const size_t n_before = (size_t)(strchr(pattern, '%') - pattern);
    if (strncmp(name, pattern, n_before) != 0) return NULL;
    *number = name + n_before;
    *n_digits = digits_of(*number);
    if (!*n_digits || !has_prefix(*number + *n_digits, after)) return NULL;
    return *number + *n_digits + strlen(after);
}

/* "a", n bytes of "b", "c", "suffix". */
static bool compose_name(char out[LL_MAX_NAME_TEXT], const char *a, const char *b, size_t b_bytes, const char *c,
                         const char *suffix) {
    int len = ll_format(out, LL_MAX_NAME_TEXT, "%s%.*s%s%s", a, (int)b_bytes, b, c, suffix);
    return len >= 0 && len < LL_MAX_NAME_TEXT;
}

static bool keep_name(char out[LL_MAX_NAME_TEXT], const char *name) { return compose_name(out, name, "", 0, "", ""); }

bool ll_gguf_to_checkpoint(const ll_family *family, const char *name, char out[LL_MAX_NAME_TEXT]) {
    const char *end = weight_or_bias_suffix(name);
    const ll_name *found;
    if (!end) return keep_name(out, name);
    const char *number = has_prefix(name, "blk.") ? name + 4 : "";
    const size_t digits = digits_of(number);
    if (digits && number[digits] == '.' && number + digits < end) {
        char before[LL_MAX_NAME_TEXT], rest[LL_MAX_NAME_TEXT];
        const char *pattern = family->stack[0].layers, *at = strchr(pattern, '%');
        found = find_in_layer(family, number + digits + 1, end, true);
        if (!found) return keep_name(out, name);
        ll_format(before, sizeof before, "%s%.*s", family->prefix, (int)(at - pattern), pattern);
        ll_format(rest, sizeof rest, "%s%s", at + 2, found->checkpoint);
        return compose_name(out, before, number, digits, rest, end);
    }
    found = find_head(family, name, end, true);
    if (found) return compose_name(out, found->checkpoint, "", 0, "", end);
    found = find_whole(family, name, end, true);
    return found ? compose_name(out, family->prefix, "", 0, found->checkpoint, end) : keep_name(out, name);
}

bool ll_checkpoint_to_gguf(const ll_family *family, const char *name, char out[LL_MAX_NAME_TEXT], bool *known) {
    const char *end = weight_or_bias_suffix(name), *number;
    size_t digits;
    *known = false;
    if (!end) return keep_name(out, name);
    const ll_name *found = find_head(family, name, end, false);
    const char *inner = has_prefix(name, family->prefix) ? name + strlen(family->prefix) : name;
    if (!found || !found->gguf) found = find_whole(family, inner, end, false);
    if (found && found->gguf) {
        *known = !has_prefix(found->gguf, OWN);
        return compose_name(out, found->gguf, "", 0, "", end);
    }
    const char *rest = inside_layer(family, inner, &number, &digits);
    found = rest && rest <= end ? find_in_layer(family, rest, end, false) : NULL;
    if (!found || !found->gguf) return keep_name(out, name);
    char dotted[LL_MAX_NAME_TEXT];
    ll_format(dotted, sizeof dotted, ".%s", found->gguf);
    *known = true;
    return compose_name(out, "blk.", number, digits, dotted, end);
}

/* -------------------------------------------------------------------------------------------------- prefixes */

/* True if `name`, whose suffix begins at `end`, is a tensor of the family without any prefix. */
static bool is_inner_name(const ll_family *family, const char *name, const char *end) {
    const char *number;
    size_t digits;
    if (name >= end) return false;
    if (find_whole(family, name, end, false)) return true;
    const char *rest = inside_layer(family, name, &number, &digits);
    return rest && rest <= end && find_in_layer(family, rest, end, false);
}

bool ll_checkpoint_prefix(const ll_family *family, const char *name, size_t *n_bytes) {
    const char *end = weight_or_bias_suffix(name);
    for (const char *at = name; end && at; at = strchr(at, '.')) {
        if (*at == '.') at++;
        if (!is_inner_name(family, at, end)) continue;
        *n_bytes = (size_t)(at - name);
        return true;
    }
    return false;
}

ll_role ll_checkpoint_role(const ll_family *family, const char *name, size_t n_bytes) {
    const char *end = name + n_bytes, *number;
    size_t digits;
    const ll_name *found = find_whole(family, name, end, false);
    if (!found) {
        const char *rest = inside_layer(family, name, &number, &digits);
        if (rest && rest <= end) found = find_in_layer(family, rest, end, false);
    }
    return found ? (ll_role)(found - family->stack[0].names) : LL_N_ROLES;
}

/* ---------------------------------------------------------------------------------------------------- families */

/* The family of an architecture: the one whose tokenizer matches, else the first. */
static const ll_family *family_of_architecture(const char *text, size_t len, const char *model, size_t model_len) {
    const ll_family *found = NULL;
    for (size_t i = 0; ll_families[i]; i++) {
        const ll_family *f = ll_families[i];
        if (!f->gguf || !text_equals(text, len, f->gguf)) continue;
        if (f->gguf_tokenizer && text_equals(model, model_len, f->gguf_tokenizer)) return f;
        if (!f->gguf_tokenizer && !found) found = f;
    }
    return found;
}

/* "gpt2 and bert" */
static void architecture_names(char out[256]) {
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; ll_families[i] && used < 256; i++) {
        bool seen = !ll_families[i]->gguf;
        for (size_t k = 0; k < i && !seen; k++)
            seen = ll_families[k]->gguf && strcmp(ll_families[k]->gguf, ll_families[i]->gguf) == 0;
        if (!seen) used += (size_t)ll_format(out + used, 256 - used, "%s%s", used ? ", " : "", ll_families[i]->gguf);
    }
}

llmcs_status ll_gguf_family(const ll_gguf *g, const ll_family **family) {
    const char *text, *model;
    size_t len, model_len;
    char names[256];
    LL_TRY(ll_gguf_text(g, "llmcs.model_family", &text, &len));
    for (size_t i = 0; ll_families[i]; i++)
        if (text_equals(text, len, ll_families[i]->name)) {
            *family = ll_families[i];
            return LLMCS_OK;
        }
    LL_TRY(ll_gguf_text(g, "general.architecture", &text, &len));
    LL_TRY(ll_gguf_text(g, "tokenizer.ggml.model", &model, &model_len));
    if (!text) return ll_gguf_missing(g, "general.architecture");
    *family = family_of_architecture(text, len, model, model_len);
    if (*family) return LLMCS_OK;
    architecture_names(names);
    return ll_fail(LLMCS_UNSUPPORTED, "%s: architecture \"%.*s\" is not supported, only %s", g->name,
                   (int)ll_min(len, 40), text, names);
}

llmcs_status ll_gguf_runs_in_llama_cpp(const ll_gguf *g, const ll_family *family, bool *runs) {
    const char *text;
    size_t len;
    LL_TRY(ll_gguf_text(g, "general.architecture", &text, &len));
    *runs = text && family->gguf && text_equals(text, len, family->gguf);
    return LLMCS_OK;
}
