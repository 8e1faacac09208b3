/* llmcs-shop measure-desk: measures the time of turns by kind and step. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"

enum { N_KINDS = 6, N_STEPS = 12, FRESH = 20 };

typedef struct measure_job {
    int32_t turns, kind, callers;
    const char *customer;
} measure_job;

static const cli_option options[] = {
    CLI_BOUNDED("turns", offsetof(measure_job, turns), "turns of each kind [1000]", 10, 1000000),
    CLI_BOUNDED("kind", offsetof(measure_job, kind), "only this kind, 1 to 6 [all]", 0, N_KINDS),
    CLI_BOUNDED("callers", offsetof(measure_job, callers), "threads that talk to the desk at once [1]", 1, 256),
    CLI_PLAIN("customer", CLI_STRING, offsetof(measure_job, customer), "id of the customer who is logged in [c001]"),
};

/* Frequent messages of customers. Each kind cycles through its lines. */
static const struct {
    const char *name, *texts[4];
} kinds[N_KINDS] = {
    {"order look-up",
     {"Where is my order PL26110112?", "PL26110112到哪了", "track order PL26110112", "帮我查一下PL26110112的物流"}},
    {"question", {"What does shipping cost?", "运费多少？", "How long do refunds take?", "可以开发票吗？"}},
    {"small talk", {"thanks", "谢谢", "hello", "你好"}},
    {"recommendation", {"can you recommend a gift under 150", "推荐一个礼物", "recommend a mug", "有什么好茶推荐"}},
    {"asks and declines", {"I want to cancel my order", "no", "我要退货", "算了"}},
    {"nothing fits", {"what is the capital of france", "今天天气怎么样", "sing a song", "讲个笑话"}},
};

static const char *const step_names[N_STEPS] = {"load",      "check_in", "mask", "encode",  "classify",  "knowledge",
                                                "recommend", "flow",     "call", "wording", "check_out", "store"};

static double clock_ms(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* Resident memory (MB) and number of threads of this process, from /proc; 0 if unavailable. */
static void read_process(double *megabytes, long *threads) {
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    *megabytes = 0;
    *threads = 0;
    while (f && fgets(line, sizeof line, f)) {
        if (!strncmp(line, "VmRSS:", 6)) *megabytes = (double)strtol(line + 6, NULL, 10) / 1024;
        if (!strncmp(line, "Threads:", 8)) *threads = strtol(line + 8, NULL, 10);
    }
    if (f) fclose(f);
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void add_steps(const llmcs_shop_turn *turn, double sums[N_STEPS]) {
    const llmcs_shop_turn_ms *ms = &turn->ms;
    const double steps[N_STEPS] = {ms->load,      ms->check_in, ms->mask, ms->encode,  ms->classify,  ms->knowledge,
                                   ms->recommend, ms->flow,     ms->call, ms->wording, ms->check_out, ms->store};
    for (int i = 0; i < N_STEPS; i++) sums[i] += steps[i];
}

/* A caller, which makes turns of one kind in its own conversations. */
typedef struct caller {
    pthread_t thread;
    llmcs_shop_desk *desk;
    const measure_job *job;
    size_t kind;
    int number;
    int32_t first, n; /* of the kind's turns */
    double *times;
    double sums[N_STEPS];
    char failed[300];
} caller;

/* A new conversation every FRESH turns. */
static void *call_desk(void *user) {
    caller *c = user;
    for (int32_t i = 0; i < c->n; i++) {
        llmcs_shop_message m;
        llmcs_shop_turn *turn = NULL;
        char conversation[64];
        snprintf(conversation, sizeof conversation, "measure-%zu-%ld-%d-%d", c->kind, (long)time(NULL), c->number,
                 i / FRESH);
        llmcs_shop_message_init(&m);
        m.conversation = conversation;
        m.customer = c->job->customer;
        m.text = kinds[c->kind].texts[i % 4];
        if (llmcs_shop_desk_say(c->desk, &m, &turn)) {
            snprintf(c->failed, sizeof c->failed, "%s", llmcs_error_message());
            return NULL;
        }
        c->times[c->first + i] = turn->ms.total;
        add_steps(turn, c->sums);
        llmcs_shop_turn_free(&turn);
    }
    return NULL;
}

static void report_kind(const measure_job *j, size_t kind, double cpu_ms, double wall_ms, double *times,
                        const double sums[N_STEPS]) {
    double megabytes;
    long threads;
    qsort(times, (size_t)j->turns, sizeof *times, by_size);
    printf("%-18s %8.0f %8.2f %8.0f %8.2f %8.2f  ", kinds[kind].name, 1000 / cpu_ms, cpu_ms, 1000 / wall_ms,
           times[j->turns / 2], times[j->turns * 99 / 100]);
    for (int s = 0; s < N_STEPS; s++)
        if (sums[s] / j->turns >= 0.005) printf(" %s %.2f", step_names[s], sums[s] / j->turns);
    read_process(&megabytes, &threads);
    printf("; %.0f MB, %ld threads\n", megabytes, threads);
    fflush(stdout);
}

/* False after an error message. */
static bool measure_kind(llmcs_shop_desk *desk, size_t kind, const measure_job *j, double *times) {
    double sums[N_STEPS] = {0};
    caller *callers = calloc((size_t)j->callers, sizeof *callers);
    if (!callers) return cli_error("no memory for callers"), false;
    const double cpu = clock_ms(CLOCK_PROCESS_CPUTIME_ID), wall = clock_ms(CLOCK_MONOTONIC);
    int n_started = 0;
    bool ok = true;
    for (int32_t i = 0, first = 0; i < j->callers && ok; i++) {
        caller *c = &callers[i];
        const int32_t n = (j->turns - first) / (j->callers - i);
        *c = (caller){.desk = desk, .job = j, .kind = kind, .number = i, .first = first, .n = n, .times = times};
        first += n;
        ok = !pthread_create(&c->thread, NULL, call_desk, c);
        n_started += ok;
    }
    if (!ok) cli_error("a thread could not be started");
    for (int i = 0; i < n_started; i++) {
        pthread_join(callers[i].thread, NULL);
        if (*callers[i].failed && ok) ok = (cli_error("measure: %s", callers[i].failed), false);
        for (int s = 0; s < N_STEPS; s++) sums[s] += callers[i].sums[s];
    }
    if (ok)
        report_kind(j, kind, (clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu) / j->turns,
                    (clock_ms(CLOCK_MONOTONIC) - wall) / j->turns, times, sums);
    free(callers);
    return ok;
}

static int measure_desk_command(int argc, char **argv) {
    cli_common common;
    measure_job j = {.turns = 1000, .callers = 1, .customer = "c001"};
    llmcs_shop_service_options o;
    llmcs_model_options model;
    llmcs_shop_service *service = NULL;
    int code = cli_parse(&cmd_measure_desk, argc, argv, &common, &j);
    if (code >= 0) return code;
    cli_model_options(&common, &model);
    llmcs_shop_service_options_init(&o);
    o.model = &model;
    o.log = cli_print_warning;
    if (llmcs_shop_service_open(common.folder, &o, &service)) return cli_failed("open");
    double *times = malloc((size_t)j.turns * sizeof *times);
    code = times ? EXIT_DONE : cli_error("no memory for times");
    if (times) {
        /* the first question reads the vectors, the second the words of all entries */
        for (int i = 0; i < 2; i++) {
            llmcs_shop_answer *answer = NULL;
            (void)llmcs_shop_ask(llmcs_shop_service_shop(service), "hello", LLMCS_NUL, NULL, &answer);
            llmcs_shop_answer_free(&answer);
        }
        printf("%-18s %8s %8s %8s %8s %8s   %s\n", "kind", "a core/s", "cpu ms", "turns/s", "p50 ms", "p99 ms",
               "mean ms by step");
    }
    for (size_t k = 0; times && k < N_KINDS && code == EXIT_DONE; k++)
        if ((!j.kind || j.kind == (int32_t)k + 1) && !measure_kind(llmcs_shop_service_desk(service), k, &j, times))
            code = EXIT_FAILED;
    free(times);
    llmcs_shop_service_free(&service);
    return code;
}

const cli_command cmd_measure_desk = {
    .name = "measure-desk",
    .arguments = "",
    .target = "STORE",
    .summary = "Measures the time of a turn of the desk, by kind of message and by step, with the store's models.",
    .notes =
        "a core/s is by processor time, so other programs on the machine change it little; turns/s is by the clock, of "
        "all callers together; p50 and p99 are the customer's waiting time. The conversations stay in the store, so "
        "use a copy.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_MODEL,
    .execute = measure_desk_command};
