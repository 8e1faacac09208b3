/* Which network a config.json describes: family, class and head. Files from before model_type (2019) are recognised
 * by their tensors. */
#include <string.h>

#include "families/family.h"
#include "formats/config_parts.h"
#include "formats/folder.h"
#include "formats/tensors.h"

/* Reads the first of architectures, or "". */
static llmcs_status read_architecture(ll_config *c, const ll_settings *f, ll_json *v) {
    c->architecture = "";
    LL_TRY(ll_settings_find(f, "architectures", v));
    if (ll_json_get_type(*v) == LL_JSON_MISSING || ll_json_get_type(*v) == LL_JSON_NULL) return LLMCS_OK;
    if (ll_json_get_type(*v) != LL_JSON_ARRAY) return ll_settings_bad(f, "architectures", *v, "a list of class names");
    *v = ll_json_first(*v);
    if (ll_json_get_type(*v) == LL_JSON_MISSING) return LLMCS_OK;
    return ll_config_copy_text(c, f, "architectures", *v, &c->architecture);
}

/* ------------------------------------------------------------------------------------- found by the tensors */

static const ll_tensor *find_ending(const ll_tensors *t, const char *ending) {
    const size_t n = strlen(ending);
    for (size_t i = 0; i < ll_tensors_count(t); i++) {
        const ll_tensor *tensor = ll_tensors_at(t, i);
        const size_t rest = tensor->name_bytes - ll_min(n, tensor->name_bytes);
        if (strcmp(tensor->name + rest, ending) == 0 && (rest == 0 || tensor->name[rest - 1] == '.')) return tensor;
    }
    return NULL;
}

static bool matches_signature(const ll_signature *signature, const ll_tensors *t) {
    for (size_t i = 0; i < sizeof signature->tensors / sizeof *signature->tensors && signature->tensors[i]; i++) {
        const ll_tensor *tensor = find_ending(t, signature->tensors[i]);
        if (!tensor) return false;
        if (i > 0 || signature->rows == 0) continue;
        if (tensor->rank != 2 || (signature->rows > 0) != (tensor->shape[0] == 1)) return false;
    }
    return true;
}

static const ll_class *find_class(const ll_family *family, const char *name) {
    for (const ll_class *k = family->classes; k->name; k++)
        if (strcmp(k->name, name) == 0) return k;
    return NULL;
}

/* A decoder in a sentence-transformers folder pools its hidden states (Qwen3-Embedding, whose class is
 * Qwen3ForCausalLM). */
static void set_head(ll_config *c, const ll_class *found) {
    const bool embeds =
        c->sentence.present && c->family->decoder && found->head && found->head->head == LL_HEAD_CAUSAL_LM;
    c->head_spec = embeds ? NULL : found->head;
    c->head = c->head_spec ? c->head_spec->head : LL_HEAD_NONE;
}

/* The first signature that matches decides. Signatures with a family's prefix are tried before those without. */
static bool recognise_by_tensors(ll_config *c, const ll_tensors *t) {
    for (int bare = 0; bare < 2; bare++)
        for (size_t i = 0; ll_families[i]; i++) {
            const ll_signature *signature = bare ? ll_families[i]->bare_signatures : ll_families[i]->signatures;
            for (; signature && signature->architecture; signature++) {
                const ll_family *family = ll_families[i];
                const char *name;
                if (!matches_signature(signature, t)) continue;
                c->architecture = signature->architecture;
                c->model_type = family->model_types[0].name;
                ll_family_of_class(signature->architecture, &family, &name);
                c->family = family;
                set_head(c, find_class(family, name));
                return true;
            }
        }
    return false;
}

static llmcs_status read_family_of_tensors(ll_config *c, const ll_settings *f, const ll_source *source,
                                           const ll_log *log) {
    const ll_log silent = {0};
    char names[LL_FAMILY_NAMES_BYTES];
    ll_tensors *t = NULL;
    bool known = false;
    const llmcs_status status = ll_tensors_open(&c->arena.allocator, source, LLMCS_LOAD_COPY, &silent, &t);
    if (status == LLMCS_NOMEM) return status;
    if (!status) {
        known = recognise_by_tensors(c, t);
        ll_tensors_close(&t);
    }
    if (!known)
        return ll_fail(LLMCS_CONFIG,
                       "%s: neither model_type nor architectures, and the tensors match no known family: add "
                       "\"model_type\": one of %s",
                       f->name, ll_family_names(names));
    ll_log_say(log, LLMCS_LOG_INFO, "%s: neither model_type nor architectures: by its tensors it is a %s", f->name,
               c->architecture);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------ found by the file */

static llmcs_status read_family(ll_config *c, const ll_settings *f, ll_json model_type) {
    char names[LL_FAMILY_NAMES_BYTES];
    LL_TRY(ll_config_copy_text(c, f, "model_type", model_type, &c->model_type));
    if (ll_family_find(c->model_type, &c->family)) return LLMCS_OK;
    return ll_settings_unsupported(f, "model_type", model_type, ll_family_names(names));
}

/* "GPT2LMHeadModel, GPT2Model": the classes of a family, for messages. */
static const char *class_names(const ll_family *family, char out[256]) {
    size_t used = 0;
    out[0] = '\0';
    for (const ll_class *k = family->classes; k->name && used < 256; k++)
        used += (size_t)ll_format(out + used, 256 - used, "%s%s%s", used ? ", " : "",
                                  family->model_types[0].class_prefix, k->name);
    return out;
}

static llmcs_status read_head(ll_config *c, const ll_settings *f, ll_json architecture) {
    const ll_family *family;
    const char *name;
    char names[256];
    set_head(c, &c->family->classes[0]);
    if (!c->architecture[0]) return LLMCS_OK;
    if (!ll_family_of_class(c->architecture, &family, &name))
        return ll_settings_unsupported(f, "architectures", architecture, NULL);
    if (family != c->family)
        return ll_fail(LLMCS_CONFIG, "%s: architectures: %.60s is not of model_type %s", f->name, c->architecture,
                       c->model_type);
    const ll_class *found = find_class(family, name);
    if (!found) return ll_settings_unsupported(f, "architectures", architecture, class_names(family, names));
    set_head(c, found);
    return LLMCS_OK;
}

llmcs_status ll_config_family(ll_config *c, const ll_settings *f, const ll_source *source, const ll_log *log) {
    ll_json architecture, model_type;
    char names[LL_FAMILY_NAMES_BYTES], expected[LL_FAMILY_NAMES_BYTES + 8];
    const char *class_name;
    LL_TRY(read_architecture(c, f, &architecture));
    LL_TRY(ll_settings_find(f, "model_type", &model_type));
    if (ll_json_get_type(model_type) != LL_JSON_MISSING) {
        LL_TRY(read_family(c, f, model_type));
        return read_head(c, f, architecture);
    }
    if (!c->architecture[0]) return read_family_of_tensors(c, f, source, log);
    const ll_model_type *m = ll_family_of_class(c->architecture, &c->family, &class_name);
    ll_format(expected, sizeof expected, "one of %s", ll_family_names(names));
    if (!m) return ll_settings_bad(f, "model_type", model_type, expected);
    c->model_type = m->name;
    return read_head(c, f, architecture);
}
