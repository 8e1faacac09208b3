/* Passes of an encoder: their memory, how they are made of requests, and what becomes of their outputs. */
#include "runtime/encoder/encoder.h"

#include <string.h>

#include "runtime/numbers.h"

/* A pass takes up to this many rows, or one longer text; a call with many texts asks for as much at a time. Measured
 * with int8 weights on two cores: passes of 192 to 256 rows are the best, those of 64 and of 1,024 are up to a tenth
 * slower (the first wait more, the second leave the caches). A small pass also lets others in soon. */
#define PASS_ROWS ((size_t)256)
#define PASS_RUNS ((size_t)64)
/* Masked LM: words of so many rows are kept together; a request for more is run by itself. */
#define PASS_WORDS ((size_t)32)

/* --------------------------------------------------------------------------------------------------- rooms */

void ll_encoder_workspace_free(const llmcs_model *m, ll_encoder_workspace *room) {
    if (!room) return;
    const llmcs_allocator *a = &m->allocator;
    void *const parts[] = {room->workspace, room->kv,     room->blocks, room->segments, room->ids,    room->type_ids,
                           room->word_rows, room->hidden, room->pooled, room->parts,    room->logits, room->words};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) ll_free(a, parts[i]);
    ll_free(a, room);
}

static llmcs_status room_fill(ll_encoder_workspace *room, const llmcs_model *m) {
    const llmcs_allocator *a = &m->allocator;
    bool words = (m->heads & LLMCS_HEAD_MASKED_LM) != 0;
    size_t n_labels = m->heads & LLMCS_HEAD_CLASSIFICATION ? (size_t)m->config.n_labels : 0;
    size_t row_bytes = (size_t)m->config.n_embd * sizeof(float), block_bytes = ll_kv_block_bytes(&m->net->kv);
    /* Every sequence may leave its last block half empty. */
    size_t n_blocks = room->max_rows / LL_KV_BLOCK + room->max_segments;
    ll_forward_size size = {.n_rows = room->max_rows,
                            .n_segments = room->max_segments,
                            .n_logit_rows = words ? room->max_rows : 0,
                            .max_positions = m->n_ctx,
                            .n_threads = (size_t)ll_pool_size(m->pool)};
    size_t n_floats = m->net->ops->workspace_floats(m->net, &size);
    LL_TRY(ll_alloc(a, n_floats, sizeof(float), "workspace", &room->workspace));
    LL_TRY(ll_alloc(a, n_blocks, block_bytes, "keys and values", &room->kv));
    LL_TRY(ll_alloc(a, n_blocks, sizeof(void *), "block table", &room->blocks));
    LL_TRY(ll_alloc(a, room->max_segments, sizeof(ll_segment), "runs", &room->segments));
    LL_TRY(ll_alloc(a, room->max_segments, sizeof *room->parts, "parts of a pass", &room->parts));
    LL_TRY(ll_alloc(a, room->max_rows, sizeof(int32_t), "token ids", &room->ids));
    LL_TRY(ll_alloc(a, room->max_rows, sizeof(int32_t), "type ids", &room->type_ids));
    LL_TRY(ll_alloc(a, words ? room->max_rows : 0, sizeof(uint32_t), "rows", &room->word_rows));
    LL_TRY(ll_alloc(a, room->max_rows, row_bytes, "hidden states", &room->hidden));
    LL_TRY(ll_alloc(a, room->max_segments, row_bytes, "pooled states", &room->pooled));
    LL_TRY(ll_alloc(a, room->max_segments, n_labels * sizeof(float), "logits", &room->logits));
    LL_TRY(
        ll_alloc(a, words ? room->max_words : 0, (size_t)m->config.vocab_size * sizeof(float), "words", &room->words));
    for (size_t i = 0; i < n_blocks; i++) room->blocks[i] = room->kv + i * block_bytes;
    return LLMCS_OK;
}

llmcs_status ll_encoder_workspace_create(const llmcs_model *m, ll_encoder_workspace **room) {
    ll_encoder_workspace *r;
    *room = NULL;
    LL_TRY(ll_alloc_zero(&m->allocator, 1, sizeof *r, "encoder workspace", &r));
    r->max_rows = ll_max(PASS_ROWS, m->n_ctx);
    r->max_segments = PASS_RUNS;
    r->max_words = PASS_WORDS;
    llmcs_status st = room_fill(r, m);
    if (st)
        ll_encoder_workspace_free(m, r);
    else
        *room = r;
    return st;
}

void ll_encoder_workspaces_free(llmcs_model *m) {
    while (m->idle) {
        ll_encoder_workspace *next = m->idle->next;
        ll_encoder_workspace_free(m, m->idle);
        m->idle = next;
    }
    m->n_idle = 0;
}

/* ------------------------------------------------------------------------------------------- making a pass */

size_t ll_encoder_chunk(const size_t *lengths, size_t n, size_t *n_rows) {
    size_t i = 0;
    *n_rows = 0;
    while (i < n && i < PASS_RUNS && (i == 0 || *n_rows + lengths[i] <= PASS_ROWS)) *n_rows += lengths[i++];
    return i;
}

/* A request whose words do not fit the room has its pass for itself, and gets them at once where they belong. */
static bool is_alone(const ll_encoder_workspace *room, const ll_encoder_request *r) {
    return r->n_word_rows > room->max_words;
}

/* May its words go with those of the pass? */
static bool words_fit(const ll_encoder_workspace *room, const ll_encoder_request *r) {
    if (!room->n_parts) return true;
    if (room->n_word_rows > room->max_words || is_alone(room, r)) return false;
    return r->n_word_rows <= room->max_words - room->n_word_rows;
}

size_t ll_encoder_fit(const ll_encoder_workspace *room, const ll_encoder_request *r) {
    const size_t left_rows = room->n_rows < PASS_ROWS ? PASS_ROWS - room->n_rows : 0;
    const size_t left_runs = room->max_segments - room->n_segments;
    const size_t *lengths = r->lengths + r->n_taken, n = r->n - r->n_taken;
    size_t rows, fit = ll_encoder_chunk(lengths, n, &rows);
    if (!words_fit(room, r)) return 0;
    if (!room->n_parts || (fit <= left_runs && rows <= left_rows)) return fit;
    if (fit == n) return 0;
    for (rows = fit = 0; fit < left_runs && lengths[fit] <= left_rows - rows; fit++) rows += lengths[fit];
    return fit;
}

/* The rows of one sequence, whose keys and values take blocks of their own. */
static void add_run(ll_encoder_workspace *room, size_t n_rows) {
    room->segments[room->n_segments++] =
        (ll_segment){.first_row = room->n_rows, .n_rows = n_rows, .kv_blocks = room->blocks + room->n_blocks};
    room->n_rows += n_rows;
    room->n_blocks += (n_rows + LL_KV_BLOCK - 1) / LL_KV_BLOCK;
}

void ll_encoder_add(ll_encoder_workspace *room, ll_encoder_request *r, size_t n) {
    ll_encoder_slice part = {.request = r,
                             .first = r->n_taken,
                             .n = n,
                             .first_segment = room->n_segments,
                             .first_row = room->n_rows,
                             .first_word = room->n_word_rows};
    for (size_t i = 0; i < n; i++) add_run(room, r->lengths[r->n_taken + i]);
    part.n_rows = room->n_rows - part.first_row;
    memcpy(room->ids + part.first_row, r->ids + r->n_taken_rows, part.n_rows * sizeof *room->ids);
    if (r->type_ids)
        memcpy(room->type_ids + part.first_row, r->type_ids + r->n_taken_rows, part.n_rows * sizeof *room->type_ids);
    else
        memset(room->type_ids + part.first_row, 0, part.n_rows * sizeof *room->type_ids);
    for (size_t i = 0; i < r->n_word_rows; i++)
        room->word_rows[room->n_word_rows++] = (uint32_t)part.first_row + r->word_rows[i];
    room->typed |= r->type_ids != NULL;
    room->want |= r->want;
    r->n_taken += n;
    r->n_taken_rows += part.n_rows;
    room->parts[room->n_parts++] = part;
}

void ll_encoder_clear(ll_encoder_workspace *room) {
    room->n_parts = room->n_rows = room->n_segments = room->n_blocks = room->n_word_rows = 0;
    room->want = 0;
    room->typed = false;
}

/* ------------------------------------------------------------------------------------------------- outputs */

static size_t text_number(const ll_encoder_request *r, size_t sequence) {
    return r->text_of ? r->text_of[sequence] : r->first_text + sequence;
}

/* For the request's own thread, whose message it will be. */
static void fail_numeric(ll_encoder_request *r, size_t sequence, const char *what) {
    r->status = LLMCS_NUMERIC;
    ll_format(r->message, sizeof r->message, "text %zu: NaN or infinity came out of the network (%s)",
              text_number(r, sequence), what);
}

static bool check_rows(const llmcs_model *m, const ll_encoder_slice *p, const ll_encoder_answer *a) {
    ll_encoder_request *r = p->request;
    size_t n = (size_t)m->config.n_embd, row = 0;
    for (size_t i = 0; i < p->n; i++) {
        const size_t n_rows = r->lengths[p->first + i], n_labels = (size_t)m->config.n_labels;
        const char *bad = NULL;
        if (a->hidden && !ll_all_finite(m->kernels, a->hidden + row * n, n_rows * n)) bad = "hidden states";
        if (a->pooled && !ll_all_finite(m->kernels, a->pooled + i * n, n)) bad = "pooled states";
        if (a->logits && !ll_all_finite(m->kernels, a->logits + i * n_labels, n_labels)) bad = "logits";
        if (bad) fail_numeric(r, p->first + i, bad);
        if (bad) return false;
        row += n_rows;
    }
    return true;
}

/* words: of the part's first row that wants some. */
static bool check_words(const llmcs_model *m, const ll_encoder_slice *p, const float *words) {
    ll_encoder_request *r = p->request;
    size_t vocab = (size_t)m->config.vocab_size, sequence = 0, end = r->lengths[0];
    for (size_t i = 0; i < r->n_word_rows; i++) {
        while (r->word_rows[i] >= end) end += r->lengths[++sequence];
        if (ll_all_finite(m->kernels, words + i * vocab, vocab)) continue;
        fail_numeric(r, sequence, "logits");
        return false;
    }
    return true;
}

/* words: of the pass, [n_word_rows, vocab_size]. */
static void answer(const llmcs_model *m, const ll_encoder_workspace *room, const ll_encoder_slice *p,
                   const float *words) {
    ll_encoder_request *r = p->request;
    const size_t n = (size_t)m->config.n_embd, vocab = (size_t)m->config.vocab_size;
    const ll_encoder_answer a = {
        .first = p->first,
        .n = p->n,
        .n_rows = p->n_rows,
        .hidden = r->want & LL_WANT_HIDDEN ? room->hidden + p->first_row * n : NULL,
        .pooled = r->want & LL_WANT_POOLED ? room->pooled + p->first_segment * n : NULL,
        .logits = r->want & LL_WANT_LOGITS ? room->logits + p->first_segment * (size_t)m->config.n_labels : NULL};
    if (!check_rows(m, p, &a)) return;
    if (r->n_word_rows) {
        const float *own = words + p->first_word * vocab;
        if (!check_words(m, p, own)) return;
        if (own != r->words) memcpy(r->words, own, r->n_word_rows * vocab * sizeof *own);
    }
    if (r->sink) r->sink(r->user, &a);
}

static llmcs_status run(llmcs_model *m, const ll_encoder_workspace *room, float *words) {
    const ll_batch batch = {.n_rows = room->n_rows,
                            .ids = room->ids,
                            .type_ids = room->typed ? room->type_ids : NULL,
                            .segments = room->segments,
                            .n_segments = room->n_segments,
                            .logit_rows = room->word_rows,
                            .n_logit_rows = room->n_word_rows,
                            .logits = room->n_word_rows             ? words
                                      : room->want & LL_WANT_LOGITS ? room->logits
                                                                    : NULL,
                            .hidden = room->want & LL_WANT_HIDDEN ? room->hidden : NULL,
                            .pooled = room->want & LL_WANT_POOLED ? room->pooled : NULL};
    return ll_net_forward(m->net, m->pool, &batch, room->workspace);
}

void ll_encoder_forward(llmcs_model *m, ll_encoder_workspace *room) {
    float *words = room->n_word_rows > room->max_words ? room->parts[0].request->words : room->words;
    const llmcs_status st = run(m, room, words);
    for (size_t i = 0; i < room->n_parts; i++) {
        ll_encoder_request *r = room->parts[i].request;
        if (!st) {
            answer(m, room, &room->parts[i], words);
        } else {
            r->status = st;
            ll_format(r->message, sizeof r->message, "%s", llmcs_error_message());
        }
    }
}
