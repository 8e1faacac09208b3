/*
 * service_threads - a small service that answers many customers at the same time with one engine.
 *
 *     service_threads [--model FOLDER] [--facts TEXT] [--workers N] [--deadline MS] [--queue N] < questions.txt
 *
 * Each line of stdin is a question, which is answered from the facts. The facts are a prefix of all prompts, so the
 * engine evaluates them once. A real service must also compare each answer with the facts, see reply.c. Worker threads
 * submit questions to the engine, which batches them, and print each answer with its number as soon as it is complete.
 * A question that reaches its deadline gets the text so far. If the engine's queue is full, a worker waits and tries
 * again; a network service would tell its client to retry later. At the end of stdin the workers finish the remaining
 * questions.
 */
#include <llmcs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "options.h"

#define MAX_WORKERS 256

typedef struct service {
    llmcs_engine *engine;
    llmcs_generate_params params;
    const char *facts;             /* one line, or NULL */
    pthread_mutex_t input, output; /* one thread reads at a time, one prints */
    unsigned n_questions;          /* read so far; under `input` */
    unsigned n_answered, n_failed; /* under `output` */
} service;

/* The next question that is not empty, and its number. 0: there are no more. */
static unsigned read_question(service *s, char **line, size_t *capacity) {
    unsigned number = 0;
    pthread_mutex_lock(&s->input);
    while (!number && getline(line, capacity, stdin) >= 0) {
        (*line)[strcspn(*line, "\r\n")] = 0;
        if (**line) number = ++s->n_questions;
    }
    pthread_mutex_unlock(&s->input);
    return number;
}

static void print_answer(service *s, unsigned number, const llmcs_sequence *answer) {
    const char *text = answer->text + strspn(answer->text, " "); /* the prompt ends at "Bot:" */
    const char *cut = answer->finish_reason == LLMCS_FINISH_DEADLINE ? " [out of time]" : "";
    pthread_mutex_lock(&s->output);
    printf("%u: %s%s\n", number, text, cut);
    fflush(stdout);
    s->n_answered++;
    pthread_mutex_unlock(&s->output);
}

static void print_failure(service *s, unsigned number, const char *message) {
    pthread_mutex_lock(&s->output);
    fprintf(stderr, "%u: no answer: %s\n", number, message);
    s->n_failed++;
    pthread_mutex_unlock(&s->output);
}

/* Waits while the queue is full. All other failures are reported for the question. */
static llmcs_status submit(service *s, const char *prompt, llmcs_request **request) {
    const struct timespec pause = {0, 5 * 1000 * 1000};
    llmcs_status status;
    while ((status = llmcs_engine_submit(s->engine, prompt, LLMCS_NUL, &s->params, NULL, request)) == LLMCS_QUEUE_FULL)
        nanosleep(&pause, NULL);
    return status;
}

static void answer(service *s, unsigned number, const char *question) {
    char *prompt = NULL;
    llmcs_request *request = NULL;
    llmcs_result *result = NULL;
    if (asprintf(&prompt, "%s%s%sUser: %s\nBot:", s->facts ? "Facts: " : "", s->facts ? s->facts : "",
                 s->facts ? "\n" : "", question) < 0) {
        print_failure(s, number, "no memory");
        return;
    }
    if (!submit(s, prompt, &request) && !llmcs_request_wait(request, -1, &result))
        print_answer(s, number, result->sequences[0]);
    else
        print_failure(s, number, llmcs_error_message());
    free(prompt);
    llmcs_result_free(&result);
    llmcs_request_free(&request);
}

static void *answer_questions(void *user) {
    service *s = user;
    char *line = NULL;
    size_t capacity = 0;
    for (unsigned number; (number = read_question(s, &line, &capacity));) answer(s, number, line);
    free(line);
    return NULL;
}

/* As many workers as could be started; 0 if none. */
static int run_workers(service *s, int n_wanted) {
    pthread_t workers[MAX_WORKERS];
    int n = 0;
    while (n < n_wanted && !pthread_create(&workers[n], NULL, answer_questions, s)) n++;
    for (int i = 0; i < n; i++) pthread_join(workers[i], NULL);
    return n;
}

static void print_counters(llmcs_engine *engine) {
    llmcs_engine_stats stats = {.struct_size = sizeof stats};
    if (llmcs_engine_get_stats(engine, &stats)) return;
    fprintf(stderr,
            "%llu steps, %llu new tokens, %llu of %llu prompt tokens from the cache, first token after %.0f ms\n",
            (unsigned long long)stats.n_steps, (unsigned long long)stats.n_new_tokens,
            (unsigned long long)stats.n_cached_tokens, (unsigned long long)stats.n_prompt_tokens,
            llmcs_histogram_quantile(&stats.first_token_ms, 0.5));
}

typedef struct arguments {
    const char *folder, *facts;
    long n_workers, deadline_ms, max_queue;
} arguments;

static int read_number(const char *text, long most, long *number) {
    char *end;
    *number = strtol(text, &end, 10);
    return end != text && !*end && *number >= 1 && *number <= most;
}

/* -1 to go on, or the exit code. */
static int read_arguments(arguments *a, int argc, char **argv) {
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"workers", required_argument, NULL, 'w'},
                                            {"deadline", required_argument, NULL, 'd'},
                                            {"queue", required_argument, NULL, 'q'},
                                            {"facts", required_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    *a = (arguments){"examples/models/shop-gpt2", NULL, 16, 30000, 64};
    int c, right = 1;
    while (right && (c = next_option(argc, argv, options)) != -1) {
        if (c == 'm')
            a->folder = optarg;
        else if (c == 'f')
            a->facts = optarg;
        else
            right = (c == 'w' && read_number(optarg, MAX_WORKERS, &a->n_workers)) ||
                    (c == 'd' && read_number(optarg, 1000000000, &a->deadline_ms)) ||
                    (c == 'q' && read_number(optarg, 1000000, &a->max_queue));
    }
    if (right && optind == argc) return -1;
    fprintf(c == 'h' ? stdout : stderr,
            "usage: service_threads [--model FOLDER] [--facts TEXT] [--workers N] [--deadline MS] [--queue N] < "
            "questions\n");
    return c == 'h' ? 0 : 2;
}

static int failed(const char *doing) {
    fprintf(stderr, "service_threads: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

static int serve(llmcs_model *model, service *s, const arguments *a) {
    static const char *const stop[] = {"\nUser:"}; /* never speak for the customer */
    llmcs_engine_options options;
    llmcs_engine_options_init(&options);
    options.max_queue = (int32_t)a->max_queue;
    if (llmcs_generate_params_init(&s->params, model)) return failed("parameters");
    s->facts = a->facts;
    s->params.stop_strings = stop;
    s->params.n_stop_strings = 1;
    s->params.max_new_tokens = 160;
    s->params.deadline_ms = (double)a->deadline_ms; /* counts from when a question is submitted */
    if (llmcs_engine_create(model, &options, &s->engine)) return failed("engine");
    const int n = run_workers(s, (int)a->n_workers);
    print_counters(s->engine);
    llmcs_engine_free(&s->engine);
    if (n) return s->n_failed != 0;
    fprintf(stderr, "service_threads: no thread could be started\n");
    return 1;
}

int main(int argc, char **argv) {
    service s = {.input = PTHREAD_MUTEX_INITIALIZER, .output = PTHREAD_MUTEX_INITIALIZER};
    arguments a;
    llmcs_model *model = NULL;
    int code = read_arguments(&a, argc, argv);
    if (code >= 0) return code;
    if (llmcs_model_open(a.folder, NULL, &model)) return failed("open");
    code = serve(model, &s, &a);
    llmcs_model_free(&model);
    return code;
}
