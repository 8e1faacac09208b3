/* Which network a config.json describes: family, class and head. Files from before model_type (2019) are recognised
 * by their tensors. */
#include <string.h>

#include "formats/config_parts.h"
#include "formats/folder.h"
#include "formats/tensors.h"

/* model_type, and how the names of the family's classes begin. */
static const struct {
    const char *model_type, *class_prefix;
    ll_family family;
} families[] = {
    {"gpt2", "GPT2", LL_FAMILY_GPT2},
    {"bert", "Bert", LL_FAMILY_BERT},
    {"distilbert", "DistilBert", LL_FAMILY_DISTILBERT},
    {"roberta", "Roberta", LL_FAMILY_ROBERTA},
    {"xlm-roberta", "XLMRoberta", LL_FAMILY_ROBERTA},
    {"camembert", "Camembert", LL_FAMILY_ROBERTA},
};
#define N_FAMILIES (sizeof families / sizeof *families)
/* The Unigram tokenizers of the last two are not supported. */
#define FAMILY_NAMES "gpt2, bert, distilbert, roberta (for token ids also xlm-roberta, camembert)"

/* What follows the prefix. GPT2Model has no head of its own, but GPT-2's is its embedding. */
static const struct {
    const char *rest;
    ll_head of_gpt2, of_encoders; /* LL_HEAD_NONE: no such class for GPT-2 */
} classes[] = {
    {"Model", LL_HEAD_CAUSAL_LM, LL_HEAD_NONE},
    {"LMHeadModel", LL_HEAD_CAUSAL_LM, LL_HEAD_NONE},
    {"DoubleHeadsModel", LL_HEAD_CAUSAL_LM, LL_HEAD_NONE},
    {"ForSequenceClassification", LL_HEAD_NONE, LL_HEAD_CLASSIFICATION},
    {"ForTokenClassification", LL_HEAD_NONE, LL_HEAD_TOKENS},
    {"ForQuestionAnswering", LL_HEAD_NONE, LL_HEAD_SPAN},
    {"ForMaskedLM", LL_HEAD_NONE, LL_HEAD_MASKED_LM},
    {"ForPreTraining", LL_HEAD_NONE, LL_HEAD_MASKED_LM},
};

/* The class name without its family's prefix; *i is set to the family. NULL if no family has such a class. */
static const char *split_class(const char *architecture, size_t *i) {
    for (*i = 0; *i < N_FAMILIES; ++*i) {
        size_t n = strlen(families[*i].class_prefix);
        if (strncmp(architecture, families[*i].class_prefix, n) == 0) return architecture + n;
    }
    return NULL;
}

/* The first of architectures, or "". */
static llmcs_status read_architecture(ll_config *c, const ll_settings *f, ll_json *v) {
    c->architecture = "";
    LL_TRY(ll_settings_find(f, "architectures", v));
    if (ll_json_get_type(*v) == LL_JSON_MISSING || ll_json_get_type(*v) == LL_JSON_NULL) return LLMCS_OK;
    if (ll_json_get_type(*v) != LL_JSON_ARRAY) return ll_settings_bad(f, "architectures", *v, "a list of class names");
    *v = ll_json_first(*v);
    if (ll_json_get_type(*v) == LL_JSON_MISSING) return LLMCS_OK;
    return ll_config_copy_text(c, f, "architectures", *v, &c->architecture);
}

/* ------------------------------------------------------------------------------------- known by the tensors */

/* A family is recognised by a tensor that only it has (the end of the tensor's name), its class by a further tensor.
 * The first entry that matches decides. */
static const struct {
    const char *tensor;
    ll_family family;
    const char *architecture;
    ll_head head;
} tensor_signs[] = {
    {"wpe.weight", LL_FAMILY_GPT2, "GPT2LMHeadModel", LL_HEAD_CAUSAL_LM},
    {"pre_classifier.weight", LL_FAMILY_DISTILBERT, "DistilBertForSequenceClassification", LL_HEAD_CLASSIFICATION},
    {"vocab_transform.weight", LL_FAMILY_DISTILBERT, "DistilBertForMaskedLM", LL_HEAD_MASKED_LM},
    {"transformer.layer.0.attention.q_lin.weight", LL_FAMILY_DISTILBERT, "DistilBertModel", LL_HEAD_NONE},
    {"classifier.out_proj.weight", LL_FAMILY_ROBERTA, "RobertaForSequenceClassification", LL_HEAD_CLASSIFICATION},
    {"lm_head.layer_norm.weight", LL_FAMILY_ROBERTA, "RobertaForMaskedLM", LL_HEAD_MASKED_LM},
    {"roberta.embeddings.word_embeddings.weight", LL_FAMILY_ROBERTA, "RobertaModel", LL_HEAD_NONE},
    {"cls.predictions.transform.dense.weight", LL_FAMILY_BERT, "BertForMaskedLM", LL_HEAD_MASKED_LM},
    {"bert.embeddings.word_embeddings.weight", LL_FAMILY_BERT, "BertModel", LL_HEAD_NONE},
};

static const ll_tensor *find_ending(const ll_tensors *t, const char *ending) {
    const size_t n = strlen(ending);
    for (size_t i = 0; i < ll_tensors_count(t); i++) {
        const ll_tensor *tensor = ll_tensors_at(t, i);
        const size_t rest = tensor->name_bytes - ll_min(n, tensor->name_bytes);
        if (strcmp(tensor->name + rest, ending) == 0 && (rest == 0 || tensor->name[rest - 1] == '.')) return tensor;
    }
    return NULL;
}

static bool recognise_by_tensors(ll_config *c, const ll_tensors *t) {
    for (size_t i = 0; i < sizeof tensor_signs / sizeof *tensor_signs; i++) {
        if (!find_ending(t, tensor_signs[i].tensor)) continue;
        c->family = tensor_signs[i].family;
        c->architecture = tensor_signs[i].architecture;
        c->head = tensor_signs[i].head;
        return true;
    }
    /* A bare encoder: RoBERTa has one token type, BERT two. */
    const ll_tensor *types = find_ending(t, "embeddings.token_type_embeddings.weight");
    if (!types || types->rank != 2 || !find_ending(t, "encoder.layer.0.attention.self.query.weight")) return false;
    c->family = types->shape[0] == 1 ? LL_FAMILY_ROBERTA : LL_FAMILY_BERT;
    c->architecture = types->shape[0] == 1 ? "RobertaModel" : "BertModel";
    c->head = LL_HEAD_NONE;
    return true;
}

/* BERT's classifier reads the pooler; one without a pooler classifies tokens. */
static void recognise_bert_classifier(ll_config *c, const ll_tensors *t) {
    if (c->family != LL_FAMILY_BERT || c->head != LL_HEAD_NONE) return;
    if (!find_ending(t, "classifier.weight") || !find_ending(t, "pooler.dense.weight")) return;
    c->architecture = "BertForSequenceClassification";
    c->head = LL_HEAD_CLASSIFICATION;
}

static const char *model_type_of(ll_family family) {
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (families[i].family == family) return families[i].model_type;
    return "";
}

static llmcs_status read_family_of_tensors(ll_config *c, const ll_settings *f, const ll_source *source,
                                           const ll_log *log) {
    const ll_log silent = {0};
    ll_tensors *t = NULL;
    bool known = false;
    const llmcs_status status = ll_tensors_open(&c->arena.allocator, source, LLMCS_LOAD_COPY, &silent, &t);
    if (status == LLMCS_NOMEM) return status;
    if (!status) {
        known = recognise_by_tensors(c, t);
        if (known) recognise_bert_classifier(c, t);
        ll_tensors_close(&t);
    }
    if (!known)
        return ll_fail(LLMCS_CONFIG,
                       "%s: neither model_type nor architectures, and the tensors do not say what they are of: add "
                       "\"model_type\": one of " FAMILY_NAMES,
                       f->name);
    c->model_type = model_type_of(c->family);
    ll_log_say(log, LLMCS_LOG_INFO, "%s: neither model_type nor architectures: by its tensors it is a %s", f->name,
               c->architecture);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------ known by the file */

static llmcs_status read_family(ll_config *c, const ll_settings *f, ll_json model_type) {
    LL_TRY(ll_config_copy_text(c, f, "model_type", model_type, &c->model_type));
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (strcmp(c->model_type, families[i].model_type) == 0) {
            c->family = families[i].family;
            return LLMCS_OK;
        }
    return ll_settings_unsupported(f, "model_type", model_type, FAMILY_NAMES);
}

static llmcs_status read_head(ll_config *c, const ll_settings *f, ll_json architecture) {
    bool gpt2 = c->family == LL_FAMILY_GPT2;
    size_t family;
    c->head = gpt2 ? LL_HEAD_CAUSAL_LM : LL_HEAD_NONE;
    if (!c->architecture[0]) return LLMCS_OK;
    const char *rest = split_class(c->architecture, &family);
    if (!rest) return ll_settings_unsupported(f, "architectures", architecture, NULL);
    if (families[family].family != c->family)
        return ll_fail(LLMCS_CONFIG, "%s: architectures: %.60s is not of model_type %s", f->name, c->architecture,
                       c->model_type);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strcmp(rest, classes[i].rest) != 0) continue;
        c->head = gpt2 ? classes[i].of_gpt2 : classes[i].of_encoders;
        bool headless = !gpt2 && strcmp(rest, "Model") == 0;
        if (c->head != LL_HEAD_NONE || headless) return LLMCS_OK;
    }
    return ll_settings_unsupported(f, "architectures", architecture,
                                   gpt2 ? "GPT2LMHeadModel, GPT2Model"
                                        : "...Model, ...ForSequenceClassification, ...ForTokenClassification, "
                                          "...ForQuestionAnswering, ...ForMaskedLM, ...ForPreTraining");
}

llmcs_status ll_config_family(ll_config *c, const ll_settings *f, const ll_source *source, const ll_log *log) {
    ll_json architecture, model_type;
    size_t i;
    LL_TRY(read_architecture(c, f, &architecture));
    LL_TRY(ll_settings_find(f, "model_type", &model_type));
    if (ll_json_get_type(model_type) != LL_JSON_MISSING) {
        LL_TRY(read_family(c, f, model_type));
    } else if (!c->architecture[0]) {
        return read_family_of_tensors(c, f, source, log);
    } else if (split_class(c->architecture, &i)) {
        c->model_type = families[i].model_type;
        c->family = families[i].family;
    } else {
        return ll_settings_bad(f, "model_type", model_type, "one of " FAMILY_NAMES);
    }
    return read_head(c, f, architecture);
}
