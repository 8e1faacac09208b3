/*
 * binding.c - the native half of the Node package: libllmcs and libllmcs_shop by Node-API. index.js is the other half.
 *
 * The event loop never waits. What computes or reads files is an async work on libuv's threads and a promise here
 * (calls.c). Generation is an llmcs_engine with a dispatcher thread, which waits for the engine's events and hands
 * each to the loop by a thread-safe function (engine.c).
 *
 * Lifetimes. A JS object owns a struct handle; every call that uses it holds a reference, too, so close() and the
 * garbage collector are safe at any time: the last reference frees the C object. Nothing is global: each environment
 * (the main thread, every Worker) has its own struct instance.
 */
#include "binding.h"

/* ------------------------------------------------------------------------------------------------- module */

static void free_instance(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    free(data);
}

NAPI_MODULE_INIT() {
    static const struct {
        const char *name;
        napi_callback function;
    } functions[] = {{"newFlag", new_flag},
                     {"setFlag", set_flag},
                     {"cancelAll", cancel_all},
                     {"openModel", open_model},
                     {"modelInfo", model_info},
                     {"closeHandle", close_handle},
                     {"classify", classify},
                     {"embed", embed},
                     {"rerank", rerank},
                     {"encode", encode},
                     {"decode", decode},
                     {"createEngine", create_engine},
                     {"stopEngine", stop_engine},
                     {"submit", submit},
                     {"cancelRequest", cancel_request},
                     {"requestTokens", request_tokens},
                     {"openService", open_service},
                     {"turn", turn},
                     {"ask", ask},
                     {"mask", mask},
                     {"unmask", unmask}};
    instance *in = calloc(1, sizeof *in);
    if (!in || napi_set_instance_data(env, in, free_instance, NULL) != napi_ok) {
        free(in);
        return no_memory(env);
    }
    in->env = env;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        napi_value function;
        if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function) !=
            napi_ok)
            return NULL;
        napi_set_named_property(env, exports, functions[i].name, function);
    }
    set_string(env, exports, "version", llmcs_version());
    return exports;
}
