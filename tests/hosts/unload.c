/*
 * A host that loads the library at run time and leaves without freeing what it opened, many times over. Each time is a
 * child process of its own, so that a crash is counted instead of ending the test.
 *
 * usage: unload LIBRARY BERT GPT2 TIMES
 *
 * Prints "HOW: N of TIMES children crashed" for each way to leave, and fails if one did.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <llmcs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_RUN = 3 };

/* The functions a host would look up, typed by the header's own declarations. */
typedef struct library {
    void *handle;
    __typeof__(&llmcs_model_open) model_open;
    __typeof__(&llmcs_model_free) model_free;
    __typeof__(&llmcs_encoder_eval) encoder_eval;
    __typeof__(&llmcs_engine_create) engine_create;
    __typeof__(&llmcs_engine_submit_ids) engine_submit_ids;
    __typeof__(&llmcs_error_message) error_message;
} library;

static const char *library_path, *bert, *gpt2;

static void *find(void *handle, const char *name) {
    void *function = dlsym(handle, name);
    if (function) return function;
    fprintf(stderr, "unload: %s\n", dlerror());
    exit(CANNOT_RUN);
}

static library load(const char *path) {
    library lib = {.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    if (!lib.handle) {
        fprintf(stderr, "unload: %s\n", dlerror());
        exit(CANNOT_RUN);
    }
    /* POSIX lets dlsym's result become a pointer to a function; ISO C needs the detour over an object pointer. */
    *(void **)&lib.model_open = find(lib.handle, "llmcs_model_open");
    *(void **)&lib.model_free = find(lib.handle, "llmcs_model_free");
    *(void **)&lib.encoder_eval = find(lib.handle, "llmcs_encoder_eval");
    *(void **)&lib.engine_create = find(lib.handle, "llmcs_engine_create");
    *(void **)&lib.engine_submit_ids = find(lib.handle, "llmcs_engine_submit_ids");
    *(void **)&lib.error_message = find(lib.handle, "llmcs_error_message");
    return lib;
}

static void check(const library *lib, llmcs_status status, const char *call) {
    if (!status) return;
    fprintf(stderr, "unload: %s: %s\n", call, lib->error_message());
    exit(CANNOT_RUN);
}

/* Two threads, so that one of the pool's is waiting for work whatever machine this is. */
static llmcs_model *open_model(const library *lib, const char *folder) {
    llmcs_model_options options = {.struct_size = sizeof options, .n_threads = 2};
    llmcs_model *model = NULL;
    check(lib, lib->model_open(folder, &options, &model), "llmcs_model_open");
    return model;
}

static void classify(const library *lib, llmcs_model *model) {
    static const int32_t ids[] = {5, 9, 2, 7, 11, 3, 8, 4};
    const size_t n_ids = sizeof ids / sizeof *ids;
    float logits[16];
    llmcs_encoder_outputs outputs = {.struct_size = sizeof outputs, .logits = logits};
    check(lib, lib->encoder_eval(model, ids, NULL, &n_ids, 1, &outputs), "llmcs_encoder_eval");
}

/* Leaves an engine's thread in the middle of its answers. */
static void start_engine(const library *lib) {
    static const int32_t prompt[] = {90, 56, 236, 12, 200};
    llmcs_engine *engine = NULL;
    check(lib, lib->engine_create(open_model(lib, gpt2), NULL, &engine), "llmcs_engine_create");
    for (int i = 0; i < 8; i++) {
        llmcs_request *request = NULL;
        check(lib, lib->engine_submit_ids(engine, prompt, 5, NULL, NULL, &request), "llmcs_engine_submit_ids");
    }
}

static library shared_lib;
static llmcs_model *shared_model;

static void *classify_for_ever(void *unused) {
    (void)unused;
    for (;;) classify(&shared_lib, shared_model);
    return NULL;
}

/* Long enough for a thread that is waiting or computing to run code that would be gone. */
static void let_threads_run(void) { usleep(2000); }

static void close_idle_pool(library lib) {
    classify(&lib, open_model(&lib, bert));
    dlclose(lib.handle);
    let_threads_run();
}

static void close_running_engine(library lib) {
    start_engine(&lib);
    dlclose(lib.handle);
    let_threads_run();
}

static void exit_during_calls(library lib) {
    shared_lib = lib;
    shared_model = open_model(&lib, bert);
    pthread_t thread;
    if (pthread_create(&thread, NULL, classify_for_ever, NULL)) exit(CANNOT_RUN);
    start_engine(&lib);
    let_threads_run();
}

static void close_and_load_again(library lib) {
    llmcs_model *model = open_model(&lib, bert);
    classify(&lib, model);
    lib.model_free(&model);
    dlclose(lib.handle);
    let_threads_run();
    library again = load(library_path);
    classify(&again, open_model(&again, bert));
    dlclose(again.handle);
    let_threads_run();
}

static const struct {
    const char *name;
    void (*leave)(library lib);
} ways[] = {{"dlclose with an idle pool", close_idle_pool},
            {"dlclose while an engine computes", close_running_engine},
            {"exit during calls", exit_during_calls},
            {"dlclose and dlopen again", close_and_load_again}};

int main(int argc, char **argv) {
    if (argc != 5) return fprintf(stderr, "usage: unload LIBRARY BERT GPT2 TIMES\n"), 2;
    const int times = atoi(argv[4]);
    int failed = 0;
    library_path = argv[1];
    bert = argv[2];
    gpt2 = argv[3];
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        int crashed = 0;
        for (int i = 0; i < times; i++) {
            fflush(stdout);
            pid_t child = fork();
            if (child < 0) return CANNOT_RUN;
            if (!child) {
                ways[w].leave(load(library_path));
                exit(0);
            }
            int status = 0;
            if (waitpid(child, &status, 0) != child) return CANNOT_RUN;
            if (WIFEXITED(status) && WEXITSTATUS(status)) return CANNOT_RUN;
            if (!WIFEXITED(status)) crashed++;
        }
        printf("%s: %d of %d children crashed\n", ways[w].name, crashed, times);
        failed |= crashed;
    }
    return failed != 0;
}
