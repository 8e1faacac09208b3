/*
 * Measures opening a model, and its peak memory. Memory is counted per process, so each opening runs in a separate
 * process: this program with the command `open`.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "e2e.h"

extern char **environ;

/* getrusage would include the parent's peak. */
double bench_peak_kb(void) {
    char line[128];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %lf", &kb) == 1) break;
    if (f) fclose(f);
    return kb;
}

/* A conversation of 64 tokens and 8 more, or a text of 64. */
static llmcs_status use(llmcs_model *model, const llmcs_model_info *i) {
    int32_t ids[64];
    for (int32_t t = 0; t < 64; t++) ids[t] = t * 31 % i->vocab_size;
    const size_t n = i->n_ctx < 72 ? 8 : 64;
    if (!(i->heads & LLMCS_HEAD_CAUSAL_LM)) {
        float *hidden = bench_memory(n * (size_t)i->n_embd * sizeof *hidden);
        const llmcs_encoder_outputs out = {sizeof out, hidden, NULL, NULL};
        const llmcs_status status = llmcs_encoder_eval(model, ids, NULL, &n, 1, &out);
        free(hidden);
        return status;
    }
    llmcs_session *session = NULL;
    llmcs_status status = llmcs_session_create(model, NULL, &session);
    if (!status) status = llmcs_session_eval(session, ids, n, LLMCS_LOGITS_LAST);
    for (size_t t = 0; t < 8 && !status; t++) status = llmcs_session_eval(session, ids + t, 1, LLMCS_LOGITS_LAST);
    llmcs_session_free(&session);
    return status;
}

/* Prints "milliseconds kB kB": time to open, peak memory after opening and after the first use. */
int bench_open_main(const bench_options *o) {
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.n_threads = o->threads.values[0];
    options.backend = o->backend;
    options.weights = (llmcs_weights)o->weights.values[0];
    options.kv_type = (llmcs_kv_type)o->kv_types.values[0];
    llmcs_model *model = NULL;
    llmcs_model_info info = {.struct_size = sizeof info};
    const uint64_t start = ll_now_ns();
    if (llmcs_model_open(o->path, &options, &model)) return bench_failed(o->path);
    const double ms = (double)(ll_now_ns() - start) * 1e-6, opened_kb = bench_peak_kb();
    llmcs_status status = llmcs_model_get_info(model, &info);
    if (!status) status = use(model, &info);
    if (!status) printf("%.3f %.0f %.0f\n", ms, opened_kb, bench_peak_kb());
    llmcs_model_free(&model);
    return status ? bench_failed(o->path) : 0;
}

/* Runs this program and reads its output. False after an error message. */
static bool run_self(char *const *argv, char *output, size_t size) {
    int ends[2], status = 1;
    pid_t child = -1;
    posix_spawn_file_actions_t actions;
    if (pipe(ends)) return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    const bool started = !posix_spawn(&child, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *f = fdopen(ends[0], "r");
    const bool read = f && started && fgets(output, (int)size, f);
    if (f) fclose(f);
    if (started) waitpid(child, &status, 0);
    return read && !status;
}

static bool open_once(const subject *s, double *ms, double *opened_mb, double *used_mb) {
    static const char *const backends[] = {"auto", "native", "openblas"};
    char threads[16], output[128] = "";
    snprintf(threads, sizeof threads, "%d", s->b->n_threads);
    char *const argv[] = {(char *)(uintptr_t) "llmcs-bench",
                          (char *)(uintptr_t) "open",
                          (char *)(uintptr_t)s->path,
                          (char *)(uintptr_t) "--threads",
                          threads,
                          (char *)(uintptr_t) "--weights",
                          (char *)(uintptr_t)bench_weights_name((int)s->options.weights),
                          (char *)(uintptr_t) "--kv-type",
                          (char *)(uintptr_t)bench_kv_type_name((int)s->options.kv_type),
                          (char *)(uintptr_t) "--backend",
                          (char *)(uintptr_t)backends[s->options.backend],
                          NULL};
    if (!run_self(argv, output, sizeof output) || sscanf(output, "%lf %lf %lf", ms, opened_mb, used_mb) != 3)
        return false;
    *opened_mb *= 1024e-6;
    *used_mb *= 1024e-6;
    return true;
}

static void report(const subject *s, const char *label, const char *name, const char *unit, double *values, size_t n) {
    const bench_row row = e2e_row(s, label, name, 0, 0, 1, unit);
    bench_figure f = {.value = bench_median(values, n)};
    f.least = values[0];
    f.most = values[n - 1];
    bench_report_row(s->b, &row, &f);
}

int e2e_opening(const subject *s) {
    double ms[BENCH_MAX_REPEATS], opened[BENCH_MAX_REPEATS], used[BENCH_MAX_REPEATS];
    const size_t n = (size_t)s->b->repeats;
    for (size_t i = 0; i < n; i++) {
        if (open_once(s, &ms[i], &opened[i], &used[i])) continue;
        fprintf(stderr, "llmcs-bench: %s: could not be opened in a process of its own\n", s->path);
        return 1;
    }
    report(s, "opening, page cache warm", "open", "ms", ms, n);
    report(s, "peak memory when opened", "peak_opened", "MB", opened, n);
    report(s, "peak memory after first use", "peak_used", "MB", used, n);
    return 0;
}
