/* Prints figures as lines of a table, or as elements of one JSON document (RFC 8259). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define STOLEN_TO_SAY 2.0 /* percent */

/* Ticks of all processors since the system started: the first line of /proc/stat, proc(5). */
typedef struct processor_time {
    double all, stolen; /* stolen: the virtual machine was ready to run, but its host ran something else */
} processor_time;

static bool first_row;
static processor_time at_begin;

static processor_time processor_time_now(void) {
    enum { STEAL = 7, N_FIELDS }; /* after user, nice, system, idle, iowait, irq and softirq */
    char line[256] = "";
    processor_time now = {0};
    FILE *file = fopen("/proc/stat", "r");
    if (!file) return now;
    char *at = fgets(line, sizeof line, file) ? line + strcspn(line, " ") : line;
    fclose(file);
    for (int i = 0; i < N_FIELDS; i++) {
        const double ticks = (double)strtoull(at, &at, 10);
        now.all += ticks;
        if (i == STEAL) now.stolen = ticks;
    }
    return now;
}

/* Percentage of the processors' time since the start of the report that was stolen by the host. */
static double stolen_percent(void) {
    const processor_time now = processor_time_now();
    return now.all > at_begin.all ? 100 * (now.stolen - at_begin.stolen) / (now.all - at_begin.all) : 0;
}

/* A JSON string; NULL is null. */
static void put_string(const char *name, const char *value) {
    printf("\"%s\": ", name);
    if (!value) {
        printf("null, ");
        return;
    }
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        if (*c < 0x20)
            printf("\\u%04x", *c);
        else if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else
            putchar(*c);
    }
    printf("\", ");
}

void bench_report_begin(const bench_options *o) {
    at_begin = processor_time_now();
    if (!o->json) return;
    printf("{");
    put_string("version", llmcs_version());
    put_string("compiler", __VERSION__);
    printf("\"repeats\": %d, \"figures\": [", o->repeats);
    first_row = true;
}

void bench_report_end(const bench_options *o) {
    const double stolen = stolen_percent();
    if (o->json)
        printf("\n], \"stolen_percent\": %.2f}\n", stolen);
    else if (stolen >= STOLEN_TO_SAY)
        printf("\nThis machine's host took %.0f %% of the processors' time meanwhile: do not rely on these figures.\n",
               stolen);
    fflush(stdout);
}

void bench_report_heading(const bench_options *o, const char *format, ...) {
    if (o->json) return;
    va_list args;
    va_start(args, format);
    printf("\n");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout);
}

static void put_json(const bench *b, const bench_row *row, const bench_figure *f) {
    printf(first_row ? "\n{" : ",\n{");
    first_row = false;
    put_string("section", b->section);
    put_string("name", row->name);
    put_string("label", row->label);
    put_string("model", row->model);
    put_string("weights", row->weights);
    put_string("kv_type", row->kv_type);
    put_string("backend", row->backend);
    put_string("cpu", row->cpu ? row->cpu : b->kernels->name);
    printf("\"threads\": %d, \"tokens\": %zu, \"batch\": %zu, ", b->n_threads, row->tokens, row->batch);
    put_string("unit", row->unit);
    printf("\"value\": %.9g, \"least\": %.9g, \"most\": %.9g", f->value, f->least, f->most);
    if (f->limit > 0) {
        printf(", \"limit\": %.9g, \"share\": %.6g, ", f->limit, f->share);
        printf("\"limit_of\": \"%s\"", f->limit_of);
    }
    if (row->load > 0) printf(", \"load\": %.6g", row->load);
    if (f->p99 > 0) printf(", \"p95\": %.9g, \"p99\": %.9g", f->p95, f->p99);
    printf("}");
}

static void put_line(const bench_row *row, const bench_figure *f) {
    printf("  %-46s %10.*f %-9s", row->label, f->value < 10 ? 2 : 1, f->value, row->unit);
    if (f->p99 > 0) printf(" p95 %.1f, p99 %.1f", f->p95, f->p99);
    if (f->limit > 0) printf(" %4.0f %% of %9.1f, %s", 100 * f->share, f->limit, f->limit_of);
    printf("\n");
}

void bench_report_row(const bench *b, const bench_row *row, const bench_figure *f) {
    if (b->options->json)
        put_json(b, row, f);
    else
        put_line(row, f);
    fflush(stdout);
}
