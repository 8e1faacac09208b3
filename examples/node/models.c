/* models.c - models: open, classify, embed, rerank, encode, decode. */
#include "binding.h"

/* ------------------------------------------------------------------------------------------------- models */

static int cancelled(void *user, float done) {
    (void)done;
    return ((call *)user)->cancel->set;
}

static void discard_model(call *c) { llmcs_model_free(&c->out.model); }

static void run_open(call *c) { c->status = llmcs_model_open(c->path, &c->in_.model, &c->out.model); }

static napi_value finish_open(napi_env env, call *c) {
    llmcs_model *made = c->out.model;
    c->out.model = NULL;
    return wrap_object(env, KIND_MODEL, made, NULL);
}

/* open...(path, options, flag) */
napi_value start_open(napi_env env, napi_callback_info info, const char *what, void (*run)(call *),
                      napi_value (*finish)(napi_env, call *), void (*discard)(call *)) {
    napi_value a[3];
    call *c;
    if (!get_args(env, info, a, 3) || !(c = call_new(env, NULL, a[2], run, finish))) return NULL;
    c->discard = discard;
    llmcs_model_options_init(&c->in_.model);
    c->in_.model.progress = cancelled;
    c->in_.model.progress_user = c;
    c->path = get_string(env, a[0], what, NULL, &c->memory);
    if (c->path) get_fields(env, a[1], "an option of open", model_fields, &c->in_.model, &c->memory);
    return call_start(env, c);
}

/* openModel(path, options, flag) */
napi_value open_model(napi_env env, napi_callback_info info) {
    return start_open(env, info, "path", run_open, finish_open, discard_model);
}

/* closeHandle(object, kind): later calls fail, those that run are finished. */
napi_value close_handle(napi_env env, napi_callback_info info) {
    napi_value a[2];
    uint32_t k = 0;
    if (!get_args(env, info, a, 2) || napi_get_value_uint32(env, a[1], &k) != napi_ok || k < KIND_MODEL ||
        k > KIND_NAMES)
        return NULL;
    box *b = box_of(env, a[0], (kind)k);
    if (!b) return NULL;
    handle *h = b->handle;
    b->handle = NULL;
    handle_free(h);
    return undefined(env);
}

/* modelInfo(model) */
napi_value model_info(napi_env env, napi_callback_info info) {
    napi_value a[1], object, labels;
    llmcs_model_info i = {.struct_size = sizeof i};
    handle *h;
    if (!get_args(env, info, a, 1) || !(h = handle_of(env, a[0], KIND_MODEL))) return NULL;
    llmcs_status status = llmcs_model_get_info(h->object, &i);
    if (status) return throw_status(env, status), NULL;
    napi_create_object(env, &object);
    set_string(env, object, "modelType", i.model_type);
    set_string(env, object, "weights", i.weights);
    set_string(env, object, "cpu", i.cpu);
    set_number(env, object, "heads", i.heads);
    set_number(env, object, "vocabSize", i.vocab_size);
    set_number(env, object, "nCtx", i.n_ctx);
    set_number(env, object, "nLayer", i.n_layer);
    set_number(env, object, "nEmbedding", i.n_embedding);
    set_number(env, object, "nThreads", i.n_threads);
    set_number(env, object, "nParameters", (double)i.n_parameters);
    set_number(env, object, "weightsBytes", (double)i.weights_bytes);
    napi_create_array(env, &labels);
    for (int32_t id = 0; id < i.n_labels; id++) {
        napi_value name;
        const char *label = llmcs_model_label(h->object, id);
        if (napi_create_string_utf8(env, label ? label : "", NAPI_AUTO_LENGTH, &name) == napi_ok)
            napi_set_element(env, labels, (uint32_t)id, name);
    }
    napi_set_named_property(env, object, "labels", labels);
    return object;
}

/* Width of a row of outputs. */
static size_t row_width(call *c, bool embedding) {
    llmcs_model_info i = {.struct_size = sizeof i};
    c->status = llmcs_model_get_info(c->on->object, &i);
    int32_t n = embedding ? i.n_embedding : i.n_labels;
    if (embedding && c->params.truncate_dim && c->params.truncate_dim < (size_t)n) n = (int32_t)c->params.truncate_dim;
    return n > 0 ? (size_t)n : 0;
}

static void run_classify(call *c) {
    c->width = row_width(c, false);
    if (c->status || !(c->floats = run_alloc(c, c->n_texts * c->width, sizeof(float))) ||
        !(c->ids = run_alloc(c, c->n_texts, sizeof(int32_t))))
        return;
    c->status = llmcs_classify(c->on->object, c->texts, c->n_texts, &c->params, c->floats, c->ids, NULL);
}

static napi_value finish_classify(napi_env env, call *c) {
    napi_value object;
    napi_create_object(env, &object);
    napi_set_named_property(env, object, "scores",
                            typed_array(env, napi_float32_array, c->floats, c->n_texts * c->width, sizeof(float)));
    napi_set_named_property(env, object, "labels",
                            typed_array(env, napi_int32_array, c->ids, c->n_texts, sizeof(int32_t)));
    return object;
}

static void run_embed(call *c) {
    c->width = row_width(c, true);
    if (c->status || !(c->floats = run_alloc(c, c->n_texts * c->width, sizeof(float)))) return;
    c->status = llmcs_embed(c->on->object, c->texts, c->n_texts, &c->params, c->floats, NULL);
}

static void run_rerank(call *c) {
    c->width = 1;
    if (!(c->floats = run_alloc(c, c->n_texts, sizeof(float)))) return;
    c->status = llmcs_rerank(c->on->object, c->text, c->text_bytes, c->texts, c->n_texts, &c->params, c->floats, NULL);
}

static napi_value finish_floats(napi_env env, call *c) {
    return typed_array(env, napi_float32_array, c->floats, c->n_texts * c->width, sizeof(float));
}

/* classify(model, texts, params, flag), embed(...) */
static napi_value start_texts(napi_env env, napi_callback_info info, void (*run)(call *),
                              napi_value (*finish)(napi_env, call *)) {
    napi_value a[4];
    call *c = call_of(env, info, a, 4, KIND_MODEL, run, finish);
    if (!c) return NULL;
    c->texts = get_texts(env, a[1], &c->n_texts, &c->memory);
    if (c->texts) get_fields(env, a[2], "a parameter of texts", text_fields, &c->params, &c->memory);
    return call_start(env, c);
}

napi_value classify(napi_env env, napi_callback_info info) {
    return start_texts(env, info, run_classify, finish_classify);
}

napi_value embed(napi_env env, napi_callback_info info) { return start_texts(env, info, run_embed, finish_floats); }

/* rerank(model, query, documents, params, flag) */
napi_value rerank(napi_env env, napi_callback_info info) {
    napi_value a[5];
    call *c = call_of(env, info, a, 5, KIND_MODEL, run_rerank, finish_floats);
    if (!c) return NULL;
    c->text = get_string(env, a[1], "query", &c->text_bytes, &c->memory);
    if (c->text) c->texts = get_texts(env, a[2], &c->n_texts, &c->memory);
    if (c->texts) get_fields(env, a[3], "a parameter of texts", text_fields, &c->params, &c->memory);
    return call_start(env, c);
}

/* -------------------------------------------------------------------------------------------------- tokenizer */

static const llmcs_tokenizer *tokenizer_of(call *c) {
    const llmcs_tokenizer *t = llmcs_model_tokenizer(c->on->object);
    if (!t) c->status = llmcs_set_error(LLMCS_TOKENIZER, "this model's folder has no tokenizer");
    return t;
}

static void run_encode(call *c) {
    const llmcs_tokenizer *t = tokenizer_of(c);
    llmcs_encode_params params;
    llmcs_encode_params_init(&params);
    if (!c->in_.flags) params.flags = 0;
    if (!t) return;
    c->status = llmcs_encode(t, c->text, c->text_bytes, NULL, 0, &params, NULL, NULL, NULL, 0, &c->n);
    if (c->status || !(c->ids = run_alloc(c, c->n, sizeof(int32_t))) || !c->n) return;
    c->status = llmcs_encode(t, c->text, c->text_bytes, NULL, 0, &params, c->ids, NULL, NULL, c->n, &c->n);
}

static napi_value finish_encode(napi_env env, call *c) {
    return typed_array(env, napi_int32_array, c->ids, c->n, sizeof(int32_t));
}

/* encode(model, text, withSpecialTokens) */
napi_value encode(napi_env env, napi_callback_info info) {
    napi_value a[3];
    bool special = true;
    call *c = call_of(env, info, a, 3, KIND_MODEL, run_encode, finish_encode);
    if (!c) return NULL;
    c->text = get_string(env, a[1], "text", &c->text_bytes, &c->memory);
    napi_get_value_bool(env, a[2], &special);
    c->in_.flags = special;
    return call_start(env, c);
}

static void run_decode(call *c) {
    const llmcs_tokenizer *t = tokenizer_of(c);
    if (!t) return;
    c->status = llmcs_decode(t, c->ids, c->n, c->in_.flags, NULL, 0, &c->text_bytes);
    if (c->status || !(c->out.text = run_alloc(c, c->text_bytes, 1)) || !c->text_bytes) return;
    c->status = llmcs_decode(t, c->ids, c->n, c->in_.flags, c->out.text, c->text_bytes, &c->text_bytes);
}

static napi_value finish_decode(napi_env env, call *c) {
    napi_value text = NULL;
    napi_create_string_utf8(env, c->out.text, c->text_bytes, &text);
    return text;
}

/* decode(model, ids, skipSpecial): ids is an Int32Array */
napi_value decode(napi_env env, napi_callback_info info) {
    napi_value a[3];
    bool skip = false;
    call *c = call_of(env, info, a, 3, KIND_MODEL, run_decode, finish_decode);
    if (!c) return NULL;
    c->ids = get_ids(env, a[1], &c->n, &c->memory);
    napi_get_value_bool(env, a[2], &skip);
    c->in_.flags = skip ? LLMCS_SKIP_SPECIAL : 0;
    return call_start(env, c);
}
