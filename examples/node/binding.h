/* binding.h - shared by the files of the binding. binding.c explains the lifetimes. */
#ifndef LLMCS_NODE_BINDING_H
#define LLMCS_NODE_BINDING_H

#define NAPI_VERSION 8
#include <llmcs_shop.h>
#include <node_api.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"

/* What llmcs_text_params.cancel points to; shared by a JS object and the calls that it may cancel. */
typedef struct flag {
    _Atomic int32_t set;
    atomic_int n_refs;
} flag;

typedef enum kind { KIND_MODEL = 1, KIND_ENGINE, KIND_SERVICE, KIND_NAMES, KIND_REQUEST, KIND_FLAG } kind;

typedef struct handle {
    kind kind;
    atomic_int n_refs; /* one of the JS object until close(), one of each call */
    struct handle *of; /* parent object; holds a reference to it */
    void *object;
} handle;

typedef struct call call;

/* What a JS object wraps: its handle, or NULL once closed. */
typedef struct box {
    handle *handle;
} box;

/* By kind; objects without the tag are rejected. */
extern const napi_type_tag tag_of[];

/* Of one environment. */
typedef struct instance {
    napi_env env;
    call *calls; /* running calls, for cancelAll() */
} instance;

/* An async work and its promise. `run` is on libuv's thread, `finish` on the loop: its value, or NULL with an exception
 * pending. */
struct call {
    instance *in;
    call *next, *previous;
    napi_async_work work;
    napi_deferred deferred;
    handle *on; /* the object that it was called on; a reference */
    flag *cancel;
    arena memory;
    llmcs_status status;
    char message[256];
    void (*run)(call *c);
    napi_value (*finish)(napi_env env, call *c);
    void (*discard)(call *c); /* frees what `run` made and `finish` did not take; may be NULL */
    /* Arguments and results. */
    llmcs_text *texts;
    size_t n_texts;
    const char *text;
    size_t text_bytes;
    llmcs_text_params params;
    float *floats;
    int32_t *ids;
    size_t n, width;
    const char *path;
    union {
        llmcs_model_options model;
        llmcs_engine_options engine;
        llmcs_shop_message message;
        llmcs_shop_ask_params ask;
        uint32_t flags;
    } in_;
    union {
        llmcs_model *model;
        struct engine *engine;
        struct request *request;
        llmcs_shop_service *service;
        llmcs_shop_turn *turn;
        llmcs_shop_answer *answer;
        llmcs_shop_masked *masked;
        char *text;
    } out;
    generate_input *generate;
    llmcs_shop_names *names;
};

/* calls.c, engine.c */
flag *flag_new(void);
flag *flag_ref(flag *f);
void flag_free(flag *f);
handle *handle_ref(handle *h);
void handle_free(handle *h);
napi_value undefined(napi_env env);
napi_value no_memory(napi_env env);
napi_value wrap_object(napi_env env, kind k, void *object, handle *of);
box *box_of(napi_env env, napi_value value, kind k);
handle *handle_of(napi_env env, napi_value value, kind k);
flag *flag_of(napi_env env, napi_value value);
napi_value make_error(napi_env env, llmcs_status status, const char *message);
void throw_status(napi_env env, llmcs_status status);
void set_number(napi_env env, napi_value object, const char *name, double number);
void set_bool(napi_env env, napi_value object, const char *name, bool is);
void set_text(napi_env env, napi_value object, const char *name, const char *text, size_t n);
void set_string(napi_env env, napi_value object, const char *name, const char *text);
napi_value typed_array(napi_env env, napi_typedarray_type type, const void *data, size_t n, size_t size);
call *call_new(napi_env env, handle *on, napi_value cancel, void (*run)(call *),
               napi_value (*finish)(napi_env, call *));
call *call_of(napi_env env, napi_callback_info info, napi_value *args, size_t n, kind k, void (*run)(call *),
              napi_value (*finish)(napi_env, call *));
napi_value call_start(napi_env env, call *c);
bool get_args(napi_env env, napi_callback_info info, napi_value *args, size_t n);
void *run_alloc(call *c, size_t n, size_t size);
void engine_end(void *data);

/* models.c */
napi_value start_open(napi_env env, napi_callback_info info, const char *what, void (*run)(call *),
                      napi_value (*finish)(napi_env, call *), void (*discard)(call *));

/* The functions of the module; index.js calls them. */
napi_value new_flag(napi_env env, napi_callback_info info);
napi_value set_flag(napi_env env, napi_callback_info info);
napi_value cancel_all(napi_env env, napi_callback_info info);
napi_value open_model(napi_env env, napi_callback_info info);
napi_value close_handle(napi_env env, napi_callback_info info);
napi_value model_info(napi_env env, napi_callback_info info);
napi_value classify(napi_env env, napi_callback_info info);
napi_value embed(napi_env env, napi_callback_info info);
napi_value rerank(napi_env env, napi_callback_info info);
napi_value encode(napi_env env, napi_callback_info info);
napi_value decode(napi_env env, napi_callback_info info);
napi_value create_engine(napi_env env, napi_callback_info info);
napi_value stop_engine(napi_env env, napi_callback_info info);
napi_value submit(napi_env env, napi_callback_info info);
napi_value cancel_request(napi_env env, napi_callback_info info);
napi_value request_tokens(napi_env env, napi_callback_info info);
napi_value open_service(napi_env env, napi_callback_info info);
napi_value turn(napi_env env, napi_callback_info info);
napi_value ask(napi_env env, napi_callback_info info);
napi_value mask(napi_env env, napi_callback_info info);
napi_value unmask(napi_env env, napi_callback_info info);

#endif
