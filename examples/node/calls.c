/* calls.c - cancel flags, handles, JS values, and calls: async works with their promises. */
#include "binding.h"

/* ------------------------------------------------------------------------------------------- cancel flags */

flag *flag_new(void) {
    flag *f = calloc(1, sizeof *f);
    if (f) f->n_refs = 1;
    return f;
}

flag *flag_ref(flag *f) {
    if (f) f->n_refs++;
    return f;
}

void flag_free(flag *f) {
    if (f && --f->n_refs == 0) free(f);
}

/* ------------------------------------------------------------------------------------------------ handles */

const napi_type_tag tag_of[] = {{0, 0},
                                {0x6c6c6d6373000001, 1},
                                {0x6c6c6d6373000002, 2},
                                {0x6c6c6d6373000003, 3},
                                {0x6c6c6d6373000004, 4},
                                {0x6c6c6d6373000005, 5},
                                {0x6c6c6d6373000006, 6}};

static void object_free(kind k, void *object) {
    llmcs_model *model = object;
    llmcs_shop_service *service = object;
    llmcs_shop_names *names = object;
    if (k == KIND_MODEL) llmcs_model_free(&model);
    if (k == KIND_ENGINE) engine_end(object);
    if (k == KIND_SERVICE) llmcs_shop_service_free(&service);
    if (k == KIND_NAMES) llmcs_shop_names_free(&names);
}

handle *handle_ref(handle *h) {
    h->n_refs++;
    return h;
}

void handle_free(handle *h) {
    while (h && --h->n_refs == 0) {
        handle *of = h->of;
        object_free(h->kind, h->object);
        free(h);
        h = of;
    }
}

static void finalize_box(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    box *b = data;
    handle_free(b->handle);
    free(b);
}

/* --------------------------------------------------------------------------------------------- JS helpers */

napi_value undefined(napi_env env) {
    napi_value value = NULL;
    napi_get_undefined(env, &value);
    return value;
}

napi_value no_memory(napi_env env) {
    napi_throw_error(env, "LLMCS_NOMEM", "memory is exhausted");
    return NULL;
}

static handle *handle_new(kind k, void *object, handle *of) {
    handle *h = calloc(1, sizeof *h);
    if (!h) {
        object_free(k, object);
        return NULL;
    }
    h->kind = k;
    h->n_refs = 1;
    h->object = object;
    h->of = of ? handle_ref(of) : NULL;
    return h;
}

/* A new JS object that owns the C object, which is freed if there is no memory for it. */
napi_value wrap_object(napi_env env, kind k, void *object, handle *of) {
    napi_value value;
    handle *h = handle_new(k, object, of);
    box *b = h ? malloc(sizeof *b) : NULL;
    if (b) b->handle = h;
    if (!b || napi_create_object(env, &value) != napi_ok ||
        napi_wrap(env, value, b, finalize_box, NULL, NULL) != napi_ok) {
        free(b);
        handle_free(h);
        return no_memory(env);
    }
    napi_type_tag_object(env, value, &tag_of[k]);
    return value;
}

box *box_of(napi_env env, napi_value value, kind k) {
    bool is = false;
    void *data = NULL;
    if (napi_check_object_type_tag(env, value, &tag_of[k], &is) != napi_ok || !is ||
        napi_unwrap(env, value, &data) != napi_ok) {
        napi_throw_type_error(env, "LLMCS_ARG", "this is not an object of this package");
        return NULL;
    }
    return data;
}

handle *handle_of(napi_env env, napi_value value, kind k) {
    box *b = box_of(env, value, k);
    if (b && !b->handle) napi_throw_error(env, "LLMCS_STATE", "the object is closed");
    return b ? b->handle : NULL;
}

static void finalize_flag(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    flag_free(data);
}

/* The flag in a JS object, with a reference; a new one for any other value. */
flag *flag_of(napi_env env, napi_value value) {
    napi_valuetype type;
    bool is = false;
    void *data = NULL;
    if (napi_typeof(env, value, &type) == napi_ok && type == napi_object &&
        napi_check_object_type_tag(env, value, &tag_of[KIND_FLAG], &is) == napi_ok && is &&
        napi_unwrap(env, value, &data) == napi_ok)
        return flag_ref(data);
    return flag_new();
}

/* newFlag() */
napi_value new_flag(napi_env env, napi_callback_info info) {
    (void)info;
    napi_value object;
    flag *f = flag_new();
    if (!f || napi_create_object(env, &object) != napi_ok ||
        napi_wrap(env, object, f, finalize_flag, NULL, NULL) != napi_ok) {
        flag_free(f);
        return no_memory(env);
    }
    napi_type_tag_object(env, object, &tag_of[KIND_FLAG]);
    return object;
}

/* setFlag(flag): cancels the calls that have it. */
napi_value set_flag(napi_env env, napi_callback_info info) {
    napi_value arg[1];
    size_t n = 1;
    if (napi_get_cb_info(env, info, &n, arg, NULL, NULL) != napi_ok) return NULL;
    flag *f = flag_of(env, arg[0]);
    if (f) f->set = 1;
    flag_free(f);
    return undefined(env);
}

napi_value make_error(napi_env env, llmcs_status status, const char *message) {
    napi_value code, text, error = NULL, number;
    char name[32] = "LLMCS_";
    strncat(name, llmcs_status_name(status), sizeof name - 7);
    napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &code);
    napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text);
    napi_create_error(env, code, text, &error);
    napi_create_int32(env, (int32_t)status, &number);
    napi_set_named_property(env, error, "status", number);
    return error;
}

/* Throws the error of a call that this thread has just made. */
void throw_status(napi_env env, llmcs_status status) {
    napi_throw(env, make_error(env, status, llmcs_error_message()));
}

void set_number(napi_env env, napi_value object, const char *name, double number) {
    napi_value value;
    if (napi_create_double(env, number, &value) == napi_ok) napi_set_named_property(env, object, name, value);
}

void set_bool(napi_env env, napi_value object, const char *name, bool is) {
    napi_value value;
    if (napi_get_boolean(env, is, &value) == napi_ok) napi_set_named_property(env, object, name, value);
}

void set_text(napi_env env, napi_value object, const char *name, const char *text, size_t n) {
    napi_value value;
    if (napi_create_string_utf8(env, text ? text : "", text ? n : 0, &value) == napi_ok)
        napi_set_named_property(env, object, name, value);
}

void set_string(napi_env env, napi_value object, const char *name, const char *text) {
    set_text(env, object, name, text, NAPI_AUTO_LENGTH);
}

/* A typed array with a copy of n elements of `size` bytes. */
napi_value typed_array(napi_env env, napi_typedarray_type type, const void *data, size_t n, size_t size) {
    napi_value buffer, array = NULL;
    void *bytes = NULL;
    if (napi_create_arraybuffer(env, n * size, &bytes, &buffer) != napi_ok) return undefined(env);
    if (n) memcpy(bytes, data, n * size);
    napi_create_typedarray(env, type, n, buffer, 0, &array);
    return array;
}

/* -------------------------------------------------------------------------------------------------- calls */

static void call_free(call *c) {
    if (c->discard) c->discard(c);
    if (c->previous) c->previous->next = c->next;
    if (c->next) c->next->previous = c->previous;
    if (c->in->calls == c) c->in->calls = c->next;
    handle_free(c->on);
    flag_free(c->cancel);
    arena_free(&c->memory);
    free(c);
}

static void execute_call(napi_env env, void *data) {
    (void)env;
    call *c = data;
    c->run(c);
    if (c->status) strncpy(c->message, llmcs_error_message(), sizeof c->message - 1);
}

static void complete_call(napi_env env, napi_status status, void *data) {
    call *c = data;
    napi_value value = NULL;
    bool thrown = false;
    if (status != napi_ok && !c->status) c->status = LLMCS_CANCELLED;
    if (!c->status) value = c->finish(env, c);
    if (c->status) {
        napi_reject_deferred(env, c->deferred, make_error(env, c->status, c->message));
    } else if (napi_is_exception_pending(env, &thrown) == napi_ok && thrown) {
        napi_get_and_clear_last_exception(env, &value);
        napi_reject_deferred(env, c->deferred, value);
    } else if (value) {
        napi_resolve_deferred(env, c->deferred, value);
    } /* else the environment ends, and the promise stays unsettled */
    napi_delete_async_work(env, c->work);
    call_free(c);
}

/* A call of a handle (NULL for open calls). NULL: an exception is pending. */
call *call_new(napi_env env, handle *on, napi_value cancel, void (*run)(call *),
               napi_value (*finish)(napi_env, call *)) {
    void *in = NULL;
    call *c = calloc(1, sizeof *c);
    if (!c || napi_get_instance_data(env, &in) != napi_ok || !(c->cancel = flag_of(env, cancel))) {
        free(c);
        no_memory(env);
        return NULL;
    }
    c->in = in;
    c->next = c->in->calls;
    if (c->next) c->next->previous = c;
    c->in->calls = c;
    c->on = on ? handle_ref(on) : NULL;
    c->run = run;
    c->finish = finish;
    llmcs_text_params_init(&c->params);
    c->params.cancel = (const int32_t *)&c->cancel->set;
    return c;
}

/* A call of the object in args[0]; a flag is its last argument. NULL: an exception is pending. */
call *call_of(napi_env env, napi_callback_info info, napi_value *args, size_t n, kind k, void (*run)(call *),
              napi_value (*finish)(napi_env, call *)) {
    handle *h;
    if (!get_args(env, info, args, n) || !(h = handle_of(env, args[0], k))) return NULL;
    return call_new(env, h, args[n - 1], run, finish);
}

/* Starts the call and returns its promise. */
napi_value call_start(napi_env env, call *c) {
    napi_value promise = NULL, name;
    bool thrown = false;
    napi_is_exception_pending(env, &thrown);
    if (thrown) { /* an argument was wrong */
        call_free(c);
        return NULL;
    }
    if (napi_create_string_utf8(env, "llmcs", NAPI_AUTO_LENGTH, &name) != napi_ok ||
        napi_create_async_work(env, NULL, name, execute_call, complete_call, c, &c->work) != napi_ok) {
        call_free(c);
        return no_memory(env);
    }
    if (napi_create_promise(env, &c->deferred, &promise) != napi_ok || napi_queue_async_work(env, c->work) != napi_ok) {
        napi_delete_async_work(env, c->work);
        call_free(c);
        return no_memory(env);
    }
    return promise;
}

/* cancelAll(): the calls that run end soon. For process.on('exit'): Node waits for async works before it ends. */
napi_value cancel_all(napi_env env, napi_callback_info info) {
    (void)info;
    void *in = NULL;
    if (napi_get_instance_data(env, &in) != napi_ok) return NULL;
    for (call *c = ((instance *)in)->calls; c; c = c->next) c->cancel->set = 1;
    return undefined(env);
}

bool get_args(napi_env env, napi_callback_info info, napi_value *args, size_t n) {
    size_t given = n;
    return napi_get_cb_info(env, info, &given, args, NULL, NULL) == napi_ok; /* those not given are undefined */
}

/* An allocation of `run`: reports NOMEM as the library does. */
void *run_alloc(call *c, size_t n, size_t size) {
    void *memory = arena_alloc(&c->memory, n, size);
    if (!memory) c->status = llmcs_set_error(LLMCS_NOMEM, "memory is exhausted");
    return memory;
}
