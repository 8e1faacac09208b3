/* engine.c - generation: an engine, the thread that waits for its events, and requests. */
#include "binding.h"

/* ------------------------------------------------------------------------------------------------- engine */

/* An engine with the thread that waits for its events. */
typedef struct engine {
    llmcs_engine *native;
    pthread_t dispatcher;
    napi_threadsafe_function deliver; /* released by the dispatcher */
    napi_env env;
    bool hooked;
    struct request *orphans; /* requests that finished when nothing could be delivered any more; freed once the
                                dispatcher has ended */
    size_t n_requests;       /* of the loop's thread: submitted and not finished. They keep the loop alive */
} engine;

typedef struct event {
    struct request *request;
    char *text;
    size_t text_bytes;
    bool finished;
    llmcs_status status; /* of a finished request */
    char message[256];
    llmcs_result *result;
} event;

/* A submitted prompt. */
typedef struct request {
    atomic_int n_refs; /* its JS object, its call, the dispatcher */
    pthread_mutex_t mutex;
    pthread_cond_t submitted;
    llmcs_request *native; /* under the mutex; freed when the last event was delivered */
    bool ready;            /* under the mutex: submit has returned */
    bool logprobs;         /* wanted by its parameters */
    size_t n_top;
    handle *engine; /* until the last event was delivered */
    napi_ref on_event;
    event *last; /* allocated early, so the end of a request can always be delivered */
    struct request *next;
} request;

static void event_free(event *e) {
    if (!e) return;
    llmcs_result_free(&e->result);
    free(e->text);
    free(e);
}

static void request_free(request *r) {
    if (!r || --r->n_refs) return;
    event_free(r->last);
    pthread_cond_destroy(&r->submitted);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

static request *request_new(void) {
    request *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    if (!(r->last = calloc(1, sizeof *r->last)) || pthread_mutex_init(&r->mutex, NULL)) {
        free(r->last);
        free(r);
        return NULL;
    }
    pthread_cond_init(&r->submitted, NULL); /* which cannot fail on Linux */
    r->n_refs = 1;
    return r;
}

/* The request needs the loop and its engine no longer. env NULL: the environment ends. */
static void request_leave(napi_env env, request *r) {
    engine *e = r->engine->object;
    if (env && --e->n_requests == 0) napi_unref_threadsafe_function(env, e->deliver);
    if (env && r->on_event) napi_delete_reference(env, r->on_event);
    r->on_event = NULL;
    pthread_mutex_lock(&r->mutex);
    llmcs_request_free(&r->native);
    pthread_mutex_unlock(&r->mutex);
    handle *h = r->engine;
    r->engine = NULL;
    request_free(r);
    handle_free(h);
}

/* [[{ id, logprob }, ...], ...]: k tokens at each of n places. */
static napi_value top_array(napi_env env, const llmcs_top_token *top, size_t n, size_t k) {
    napi_value rows, row, one;
    napi_create_array_with_length(env, n, &rows);
    for (size_t i = 0; i < n; i++) {
        napi_create_array_with_length(env, k, &row);
        for (size_t j = 0; j < k; j++) {
            napi_create_object(env, &one);
            set_number(env, one, "id", top[i * k + j].id);
            set_number(env, one, "logprob", (double)top[i * k + j].logprob);
            napi_set_element(env, row, (uint32_t)j, one);
        }
        napi_set_element(env, rows, (uint32_t)i, row);
    }
    return rows;
}

static napi_value result_object(napi_env env, const llmcs_result *r) {
    napi_value object, sequences;
    napi_create_object(env, &object);
    napi_create_array_with_length(env, r->n_sequences, &sequences);
    for (size_t i = 0; i < r->n_sequences; i++) {
        const llmcs_sequence *s = r->sequences[i];
        napi_value one;
        napi_create_object(env, &one);
        set_text(env, one, "text", s->text, s->text_bytes);
        set_string(env, one, "finishReason", llmcs_finish_reason_name(s->finish_reason));
        napi_set_named_property(env, one, "ids", typed_array(env, napi_int32_array, s->ids, s->n_ids, sizeof *s->ids));
        if (s->logprobs) {
            set_number(env, one, "score", (double)s->score);
            napi_set_named_property(env, one, "logprobs",
                                    typed_array(env, napi_float32_array, s->logprobs, s->n_ids, sizeof(float)));
        }
        if (s->top_logprobs)
            napi_set_named_property(env, one, "topLogprobs",
                                    top_array(env, s->top_logprobs, s->n_ids, s->n_top_logprobs));
        napi_set_element(env, sequences, (uint32_t)i, one);
    }
    napi_set_named_property(env, object, "sequences", sequences);
    set_number(env, object, "nPromptTokens", (double)r->n_prompt_tokens);
    set_number(env, object, "nNewTokens", (double)r->n_new_tokens);
    set_number(env, object, "nCachedTokens", (double)r->n_cached_tokens);
    return object;
}

/* On the loop's thread: onEvent(text, finished, error, result). env NULL: the environment ends. */
static void deliver_event(napi_env env, napi_value unused, void *context, void *data) {
    (void)unused, (void)context;
    event *e = data;
    request *r = e->request;
    napi_value callback = NULL, global, args[4], returned;
    if (env && r->on_event && napi_get_reference_value(env, r->on_event, &callback) == napi_ok && callback) {
        napi_get_global(env, &global);
        for (int i = 0; i < 4; i++) args[i] = undefined(env);
        if (e->text) napi_create_string_utf8(env, e->text, e->text_bytes, &args[0]);
        napi_get_boolean(env, e->finished, &args[1]);
        if (e->status) args[2] = make_error(env, e->status, e->message);
        if (e->result) args[3] = result_object(env, e->result);
        napi_call_function(env, global, callback, 4, args, &returned);
    }
    if (e->finished) request_leave(env, r);
    event_free(e);
}

/* Reads the request's news into an event for the loop; NULL: none. */
static event *read_event(request *r, bool finished) {
    size_t n = 0;
    event *e = finished ? r->last : calloc(1, sizeof *e);
    if (!e) return NULL; /* no memory: the text comes with a later event */
    e->request = r;
    e->finished = finished;
    /* A request of several sequences has no text before it is finished: STATE. */
    if (!llmcs_request_read(r->native, NULL, 0, &n, NULL) && n && (e->text = malloc(n)) &&
        llmcs_request_read(r->native, e->text, n, &e->text_bytes, NULL))
        e->text_bytes = 0;
    if (finished) {
        r->last = NULL;
        e->status = llmcs_request_wait(r->native, 0, &e->result);
        if (e->status) strncpy(e->message, llmcs_error_message(), sizeof e->message - 1);
    } else if (!e->text_bytes) {
        event_free(e);
        return NULL;
    }
    return e;
}

/* The thread that waits for an engine. */
static void *dispatch(void *user) {
    engine *e = user;
    llmcs_engine_event next = {.struct_size = sizeof next};
    bool open = true; /* the environment takes events */
    while (!llmcs_engine_next(e->native, -1, &next)) {
        request *r = next.user;
        bool finished = next.finished != 0;
        pthread_mutex_lock(&r->mutex);
        while (!r->ready) pthread_cond_wait(&r->submitted, &r->mutex);
        event *out = read_event(r, finished);
        pthread_mutex_unlock(&r->mutex);
        if (out && open && napi_call_threadsafe_function(e->deliver, out, napi_tsfn_nonblocking) == napi_ok) continue;
        if (!out) continue;
        open = false;
        event_free(out);
        if (finished) r->next = e->orphans, e->orphans = r;
    }
    if (open) napi_release_threadsafe_function(e->deliver, napi_tsfn_release);
    return NULL;
}

/* Ends the engine, its requests and its dispatcher; waits for a step of the model at most. */
static void engine_stop(engine *e) {
    if (!e->native) return;
    llmcs_engine_stop(e->native);
    pthread_join(e->dispatcher, NULL);
    llmcs_engine_free(&e->native);
}

/* The environment ends: nothing is delivered any more. Runs before Node ends the thread-safe function, which was made
 * earlier than this hook. */
static void at_exit(void *data) {
    engine *e = data;
    e->hooked = false;
    engine_stop(e);
    request *orphans = e->orphans;
    e->orphans = NULL;
    while (orphans) { /* the last of them may free the engine */
        request *r = orphans;
        orphans = r->next;
        request_leave(NULL, r);
    }
}

void engine_end(void *data) {
    engine *e = data;
    if (!e) return;
    if (e->hooked) napi_remove_env_cleanup_hook(e->env, at_exit, e);
    engine_stop(e);
    free(e);
}

static void run_engine(call *c) {
    c->status = llmcs_engine_create(c->on->object, &c->in_.engine, &c->out.engine->native);
}

static void discard_engine(call *c) {
    if (c->out.engine) llmcs_engine_free(&c->out.engine->native);
    free(c->out.engine);
}

static napi_value finish_engine(napi_env env, call *c) {
    engine *e = c->out.engine;
    napi_value name;
    e->env = env;
    napi_create_string_utf8(env, "llmcs engine", NAPI_AUTO_LENGTH, &name);
    if (napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, NULL, NULL, deliver_event, &e->deliver) !=
        napi_ok)
        return no_memory(env);
    napi_unref_threadsafe_function(env, e->deliver);
    if (pthread_create(&e->dispatcher, NULL, dispatch, e)) {
        napi_release_threadsafe_function(e->deliver, napi_tsfn_abort);
        napi_throw_error(env, "LLMCS_THREAD", "cannot start the thread for the engine's events");
        return NULL;
    }
    c->out.engine = NULL;
    e->hooked = napi_add_env_cleanup_hook(env, at_exit, e) == napi_ok;
    return wrap_object(env, KIND_ENGINE, e, c->on);
}

/* createEngine(model, options) */
napi_value create_engine(napi_env env, napi_callback_info info) {
    napi_value a[2];
    call *c = call_of(env, info, a, 2, KIND_MODEL, run_engine, finish_engine);
    if (!c) return NULL;
    c->discard = discard_engine;
    llmcs_engine_options_init(&c->in_.engine);
    if (!(c->out.engine = calloc(1, sizeof *c->out.engine)))
        no_memory(env);
    else
        get_fields(env, a[1], "an option of the engine", engine_fields, &c->in_.engine, &c->memory);
    return call_start(env, c);
}

static void run_stop(call *c) { llmcs_engine_stop(((engine *)c->on->object)->native); }

static napi_value finish_nothing(napi_env env, call *c) {
    (void)c;
    return undefined(env);
}

/* stopEngine(engine): its requests end with what they have. */
napi_value stop_engine(napi_env env, napi_callback_info info) {
    napi_value a[1];
    call *c = call_of(env, info, a, 1, KIND_ENGINE, run_stop, finish_nothing);
    return c ? call_start(env, c) : NULL;
}

static llmcs_status make_grammar(call *c, llmcs_grammar **grammar) {
    const generate_input *in = c->generate;
    const llmcs_tokenizer *t = llmcs_model_tokenizer(c->on->of->object);
    int n = (in->json_schema != NULL) + (in->regex != NULL) + (in->choices != NULL);
    if (!n) return LLMCS_OK;
    if (n > 1) return llmcs_set_error(LLMCS_ARG, "json_schema, regex, choices: give only one of them");
    if (in->json_schema) return llmcs_grammar_json_schema(t, in->json_schema, LLMCS_NUL, grammar);
    if (in->regex) return llmcs_grammar_regex(t, in->regex, LLMCS_NUL, grammar);
    return llmcs_grammar_choices(t, in->choices, in->n_choices, grammar);
}

static void run_submit(call *c) {
    engine *e = c->on->object;
    request *r = c->out.request;
    llmcs_request *native = NULL;
    llmcs_grammar *grammar = NULL;
    llmcs_submit_options options;
    llmcs_submit_options_init(&options);
    options.user = r;
    c->status = make_grammar(c, &grammar);
    c->generate->params.grammar = grammar;
    r->n_refs++; /* the dispatcher's: the request may finish before submit returns */
    if (!c->status)
        c->status = llmcs_engine_submit(e->native, c->text, c->text_bytes, &c->generate->params, &options, &native);
    llmcs_grammar_free(&grammar); /* the request keeps it */
    pthread_mutex_lock(&r->mutex);
    r->native = native;
    r->ready = true;
    pthread_cond_signal(&r->submitted);
    pthread_mutex_unlock(&r->mutex);
}

static void finalize_request(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    request_free(data);
}

static napi_value finish_submit(napi_env env, call *c) {
    napi_value object;
    request *r = c->out.request;
    c->out.request = NULL;
    if (napi_create_object(env, &object) != napi_ok ||
        napi_wrap(env, object, r, finalize_request, NULL, NULL) != napi_ok) {
        request_free(r);
        return no_memory(env);
    }
    napi_type_tag_object(env, object, &tag_of[KIND_REQUEST]);
    return object;
}

/* Of a prompt that was not submitted. */
static void discard_submit(call *c) {
    request *r = c->out.request;
    if (!r) return;
    if (r->engine) {
        if (!r->ready) r->n_refs++;   /* it did not run */
        request_leave(c->in->env, r); /* drops the reference meant for the dispatcher */
    }
    request_free(r);
}

/* submit(engine, prompt, params, onEvent) */
napi_value submit(napi_env env, napi_callback_info info) {
    napi_value a[4];
    llmcs_status status;
    call *c = call_of(env, info, a, 4, KIND_ENGINE, run_submit, finish_submit);
    if (!c) return NULL;
    c->discard = discard_submit;
    if (!(c->generate = arena_alloc(&c->memory, 1, sizeof *c->generate)) || !(c->out.request = request_new())) {
        no_memory(env);
    } else if ((status = llmcs_generate_params_init(&c->generate->params, c->on->of->object))) {
        throw_status(env, status);
    } else if ((c->text = get_string(env, a[1], "prompt", &c->text_bytes, &c->memory)) &&
               get_fields(env, a[2], "a parameter of generate", generate_fields, c->generate, &c->memory)) {
        if (napi_create_reference(env, a[3], 1, &c->out.request->on_event) != napi_ok)
            napi_throw_type_error(env, "LLMCS_ARG", "onEvent: expected a function");
        engine *e = c->on->object;
        c->out.request->engine = handle_ref(c->on);
        c->out.request->logprobs = c->generate->params.logprobs != 0;
        c->out.request->n_top = (size_t)c->generate->params.top_logprobs;
        if (e->n_requests++ == 0) napi_ref_threadsafe_function(env, e->deliver);
    }
    return call_start(env, c);
}

static request *request_of(napi_env env, napi_value value) {
    bool is = false;
    void *data = NULL;
    if (napi_check_object_type_tag(env, value, &tag_of[KIND_REQUEST], &is) != napi_ok || !is ||
        napi_unwrap(env, value, &data) != napi_ok)
        return NULL;
    return data;
}

typedef struct token_list {
    size_t n;
    int32_t *ids;         /* [n] */
    float *logprobs;      /* [n], or NULL */
    llmcs_top_token *top; /* [n, n_top], or NULL */
} token_list;

/* Under the request's mutex. */
static llmcs_status read_tokens(const request *r, size_t first, token_list *t) {
    llmcs_status status = llmcs_request_tokens(r->native, first, SIZE_MAX, NULL, NULL, NULL, &t->n);
    if (status) return status;
    t->ids = calloc(t->n + 1, sizeof *t->ids);
    if (r->logprobs) t->logprobs = calloc(t->n + 1, sizeof *t->logprobs);
    if (r->n_top) t->top = calloc(t->n * r->n_top + 1, sizeof *t->top);
    if (!t->ids || (r->logprobs && !t->logprobs) || (r->n_top && !t->top))
        return llmcs_set_error(LLMCS_NOMEM, "memory is exhausted");
    return llmcs_request_tokens(r->native, first, t->n, t->ids, t->logprobs, t->top, &t->n);
}

/* requestTokens(request, first): { ids, logprobs, topLogprobs }, or undefined once the last event was delivered */
napi_value request_tokens(napi_env env, napi_callback_info info) {
    napi_value a[2], out = NULL;
    int64_t first = 0;
    request *r = get_args(env, info, a, 2) ? request_of(env, a[0]) : NULL;
    if (!r) return NULL;
    if (napi_get_value_int64(env, a[1], &first) != napi_ok || first < 0) {
        napi_throw_type_error(env, "LLMCS_ARG", "first: expected an integer >= 0");
        return NULL;
    }
    token_list t = {0};
    pthread_mutex_lock(&r->mutex);
    const bool is_there = r->native != NULL;
    const llmcs_status status = is_there ? read_tokens(r, (size_t)first, &t) : LLMCS_OK;
    pthread_mutex_unlock(&r->mutex);
    if (status) throw_status(env, status);
    if (is_there && !status) {
        napi_create_object(env, &out);
        napi_set_named_property(env, out, "ids", typed_array(env, napi_int32_array, t.ids, t.n, sizeof *t.ids));
        if (t.logprobs)
            napi_set_named_property(env, out, "logprobs",
                                    typed_array(env, napi_float32_array, t.logprobs, t.n, sizeof(float)));
        if (t.top) napi_set_named_property(env, out, "topLogprobs", top_array(env, t.top, t.n, r->n_top));
    }
    free(t.top);
    free(t.logprobs);
    free(t.ids);
    return out;
}

/* cancelRequest(request) */
napi_value cancel_request(napi_env env, napi_callback_info info) {
    napi_value a[1];
    request *r = get_args(env, info, a, 1) ? request_of(env, a[0]) : NULL;
    if (!r) return NULL;
    pthread_mutex_lock(&r->mutex);
    if (r->native) llmcs_request_cancel(r->native);
    pthread_mutex_unlock(&r->mutex);
    return undefined(env);
}
