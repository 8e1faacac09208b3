/*
 * The sources of an encoder-decoder's requests: which are encoded in a step, and how far.
 *
 * Short ones are encoded whole in one step, as many as its budget holds. A longer one is encoded in parts, a layer or a
 * few of them in each step, while the sequences of other requests go on; short ones that come later do not wait for it.
 */
#include <string.h>

#include "runtime/engine/engine.h"

static void clear(ll_source_batch *s) { s->n_rows = s->n_sources = s->n_done = s->end = 0; }

/* A forward pass that failed may have left its sources. */
void ll_sources_begin_step(llmcs_engine *e) { clear(&e->sched.step.sources); }

static void add(ll_source_batch *s, llmcs_request *r) {
    const llmcs_ids ids = r->sched.gen.source;
    s->segments[s->n_sources] = (ll_segment){
        .first_row = s->n_rows, .n_rows = ids.n_ids, .source_blocks = r->sched.source.blocks, .n_source = ids.n_ids};
    s->sources[s->n_sources++] = &r->sched.source;
    memcpy(s->ids + s->n_rows, ids.ids, ids.n_ids * sizeof *ids.ids);
    s->n_rows += ids.n_ids;
}

bool ll_sources_has(const llmcs_engine *e, const llmcs_request *r) {
    const ll_source_batch *parts = &e->sched.sources;
    size_t i = 0;
    while (i < parts->n_sources && parts->sources[i] != &r->sched.source) i++;
    return i < parts->n_sources;
}

bool ll_sources_fits(const llmcs_engine *e, const llmcs_request *r, size_t budget) {
    const ll_source_batch *parts = &e->sched.sources;
    const size_t n = r->sched.gen.source.n_ids;
    if (n <= budget) return true;
    return !parts->n_done && (!parts->n_rows || parts->n_rows + n <= (size_t)e->options.max_chunk);
}

size_t ll_sources_add(llmcs_engine *e, llmcs_request *r, size_t budget) {
    const size_t n = r->sched.gen.source.n_ids;
    const bool is_whole = n <= budget;
    add(is_whole ? &e->sched.step.sources : &e->sched.sources, r);
    return is_whole ? n : 0;
}

/* Removes source i. What earlier steps left of the rows behind it moves with them. */
static void remove_source(ll_source_batch *s, size_t i, size_t n_embd) {
    const size_t n = s->segments[i].n_rows, at = s->segments[i].first_row, n_behind = s->n_rows - at - n;
    memmove(s->ids + at, s->ids + at + n, n_behind * sizeof *s->ids);
    if (s->residual && s->n_done)
        memmove(s->residual + at * n_embd, s->residual + (at + n) * n_embd, n_behind * n_embd * sizeof *s->residual);
    for (; i + 1 < s->n_sources; i++) {
        s->sources[i] = s->sources[i + 1];
        s->segments[i] = s->segments[i + 1];
        s->segments[i].first_row -= n;
    }
    s->n_rows -= n;
    if (!--s->n_sources) clear(s);
}

void ll_sources_drop(llmcs_engine *e, const ll_sequence *source) {
    const size_t n_embd = (size_t)e->model->net->config->n_embd;
    ll_source_batch *lists[] = {&e->sched.sources, &e->sched.step.sources};
    for (size_t l = 0; l < 2; l++) {
        size_t i = 0;
        while (i < lists[l]->n_sources && lists[l]->sources[i] != source) i++;
        if (i < lists[l]->n_sources) remove_source(lists[l], i, n_embd);
    }
}

/* Rows that parts [begin, end) count for. All parts together count for every row once. */
static size_t rows_of(size_t n_rows, size_t begin, size_t end, size_t n_parts) {
    return n_rows * end / n_parts - n_rows * begin / n_parts;
}

void ll_sources_plan(llmcs_engine *e, size_t budget) {
    ll_source_batch *whole = &e->sched.step.sources, *parts = &e->sched.sources;
    ll_step_counts *counts = &e->sched.step.n;
    const size_t n_parts = ll_net_source_parts(e->model->net);
    whole->end = n_parts;
    counts->source_rows = counts->encoded_rows = whole->n_rows;
    counts->source_work = (double)whole->n_rows;
    if (!parts->n_sources || !n_parts) return;
    const size_t n = ll_max(budget * n_parts / parts->n_rows, 1);
    parts->end = ll_min(parts->n_done + n, n_parts);
    counts->source_rows += rows_of(parts->n_rows, parts->n_done, parts->end, n_parts);
    counts->encoded_rows += parts->n_rows;
    counts->source_work += (double)(parts->n_rows * (parts->end - parts->n_done)) / (double)n_parts;
}

static llmcs_status evaluate(llmcs_engine *e, ll_source_batch *s, bool (*should_stop)(void *engine)) {
    const ll_batch batch = {.n_rows = s->n_rows,
                            .ids = s->ids,
                            .segments = s->segments,
                            .n_segments = s->n_sources,
                            .encodes = true,
                            .first_part = s->n_done,
                            .end_part = s->end,
                            .residual = s->residual,
                            .should_stop = should_stop,
                            .user = e};
    LL_TRY(ll_net_forward(e->model->net, e->model->pool, &batch, e->sched.workspace));
    s->n_done = s->end;
    if (s->n_done < ll_net_source_parts(e->model->net)) return LLMCS_OK;
    for (size_t i = 0; i < s->n_sources; i++) s->sources[i]->n_tokens = s->segments[i].n_rows;
    clear(s);
    return LLMCS_OK;
}

llmcs_status ll_sources_forward(llmcs_engine *e, bool (*should_stop)(void *engine)) {
    if (e->sched.step.sources.n_sources) LL_TRY(evaluate(e, &e->sched.step.sources, should_stop));
    return e->sched.sources.n_sources ? evaluate(e, &e->sched.sources, should_stop) : LLMCS_OK;
}
