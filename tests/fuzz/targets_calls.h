/* Target of calls in any order: three sessions and an engine without a thread, every parameter of generation, saving
 * and restoring with damage, callbacks that stop. */
#ifndef TESTS_FUZZ_TARGETS_CALLS_H
#define TESTS_FUZZ_TARGETS_CALLS_H

#include <math.h>

#include "fuzz/fuzz.h"

#define CALLS_VOCAB 257
#define CALLS_N_CTX 64
#define MOST_IDS 80

/* Everything lives as long as the process: each input goes on from what the last one left. */
static struct calls_state {
    llmcs_model *model;
    llmcs_session *sessions[3];
    llmcs_engine *engine;
    llmcs_request *requests[4];
    unsigned char *saved;
    size_t saved_capacity, n_saved;
    reader in;
} calls;

/* ------------------------------------------------------------------------------------------------ set up */

/* GPT-2's alphabet of bytes: printable Latin-1 stands for itself, the others for U+0100 on, in order. */
static UNUSED void write_byte_vocabulary(void) {
    static char text[8192];
    size_t n = (size_t)snprintf(text, sizeof text, "{\"<|endoftext|>\": 0");
    unsigned next = 256;
    for (unsigned b = 0; b < 256; b++) {
        const bool plain = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        n += (size_t)snprintf(text + n, sizeof text - n, ", \"\\u%04x\": %u", plain ? b : next++, b + 1);
    }
    n += (size_t)snprintf(text + n, sizeof text - n, "}");
    fuzz_write("vocab.json", text, n);
    fuzz_write_text("merges.txt", "#version: 0.2\n");
}

static UNUSED void start_calls(void) {
    llmcs_model_options options;
    llmcs_session_options short_session;
    llmcs_engine_options engine_options;
    clear_fuzz_folder();
    fuzz_copy("tests/data/golden/gpt2-tiny/config.json", "config.json");
    fuzz_copy("tests/data/golden/gpt2-tiny/model.safetensors", "model.safetensors");
    write_byte_vocabulary();
    llmcs_model_options_init(&options);
    options.n_threads = 1;
    MUST(!llmcs_model_open(fuzz_folder, &options, &calls.model));
    llmcs_session_options_init(&short_session);
    short_session.n_ctx = 17;
    for (size_t i = 0; i < 3; i++)
        MUST(!llmcs_session_create(calls.model, i == 2 ? &short_session : NULL, &calls.sessions[i]));
    llmcs_engine_options_init(&engine_options);
    engine_options.flags = LLMCS_ENGINE_NO_THREAD;
    engine_options.max_batch = 5;
    engine_options.max_queue = 3;
    engine_options.kv_bytes = 9 * 64 * 1024;
    MUST(!llmcs_engine_create(calls.model, &engine_options, &calls.engine));
    calls.saved_capacity = (size_t)1 << 20;
    calls.saved = exact_alloc(calls.saved_capacity);
}

/* -------------------------------------------------------------------------------------------- parameters */

static UNUSED uint8_t next_u8(void) { return read_u8(&calls.in); }

static UNUSED float next_float(void) {
    static const float values[] = {0,   1,    -1,   1e-45f, 1e-38f, 1e38f, INFINITY, -INFINITY,
                                   NAN, 0.5f, 0.9f, 1.1f,   2,      100,   1e-30f,   1e30f};
    const uint8_t which = next_u8();
    const uint32_t bits = which < 250 ? 0 : read_u32(&calls.in);
    float x;
    memcpy(&x, &bits, sizeof x);
    return which < 250 ? values[which % 16] : x;
}

static UNUSED int32_t next_int(void) {
    static const int32_t values[] = {0, 1, 2, 3, -1, INT32_MAX, INT32_MIN, 5, 10, 64, 65, 256, 257, 16, 4096, 4097};
    const uint8_t which = next_u8();
    return which < 200 ? values[which % 16] : which < 250 ? which - 200 : (int32_t)read_u32(&calls.in);
}

static UNUSED int32_t next_id(void) {
    const uint8_t id = next_u8();
    return id < 250 ? id : next_int();
}

static UNUSED size_t next_ids(int32_t *ids, size_t most) {
    const size_t n = next_u8() % (most + 1);
    for (size_t i = 0; i < n; i++) ids[i] = next_id();
    return n;
}

/* Few, so that a call takes milliseconds; what is refused anyway may be larger. */
static UNUSED int32_t few(int32_t n) { return n > 12 && n <= 4096 ? 12 : n; }

/* The arrays that parameters point to. */
static struct {
    int32_t eos[8], words[16], lookup[64];
    llmcs_ids bad_words[8];
    llmcs_logit_bias bias[16];
} lists;

static UNUSED void set_lists(llmcs_generate_params *p, unsigned which) {
    static const char *const stop_strings[] = {"a", "", "\xff", "ab", "\n", "\xe4\xbd\xa0"};
    if (which == 0) {
        p->n_eos_token_id = next_ids(lists.eos, 4);
        p->eos_token_id = lists.eos;
    } else if (which == 1) {
        (void)next_ids(lists.words, 15);
        p->n_bad_words_ids = next_u8() % 8u;
        for (size_t i = 0; i < p->n_bad_words_ids; i++)
            lists.bad_words[i] = (llmcs_ids){lists.words + i, next_u8() % 4u};
        p->bad_words_ids = lists.bad_words;
    } else if (which == 2) {
        p->n_logit_bias = next_u8() % 16u;
        for (size_t i = 0; i < p->n_logit_bias; i++) lists.bias[i] = (llmcs_logit_bias){next_id(), next_float()};
        p->logit_bias = lists.bias;
    } else if (which == 3) {
        p->stop_strings = stop_strings;
        p->n_stop_strings = next_u8() % 7u;
    } else {
        p->n_prompt_lookup_ids = next_ids(lists.lookup, 63);
        p->prompt_lookup_ids = lists.lookup;
    }
}

static UNUSED void set_number(llmcs_generate_params *p, unsigned which) {
    int32_t *const ints[] = {&p->max_new_tokens,
                             &p->min_new_tokens,
                             &p->do_sample,
                             &p->top_k,
                             &p->no_repeat_ngram_size,
                             &p->num_beams,
                             &p->logprobs,
                             &p->num_return_sequences,
                             &p->prompt_lookup_num_tokens,
                             &p->max_matching_ngram_size};
    float *const floats[] = {&p->temperature,       &p->top_p,          &p->min_p,
                             &p->presence_penalty,  &p->length_penalty, &p->frequency_penalty,
                             &p->repetition_penalty};
    const size_t n_ints = sizeof ints / sizeof *ints, n_floats = sizeof floats / sizeof *floats;
    if (which < n_ints)
        *ints[which] = next_int();
    else if (which < n_ints + n_floats)
        *floats[which - n_ints] = next_float();
    else if (which == n_ints + n_floats)
        p->early_stopping = (llmcs_early_stopping)next_int();
    else if (which == n_ints + n_floats + 1)
        p->seed = read_u32(&calls.in);
    else if (which == n_ints + n_floats + 2)
        p->encode_flags = next_u8();
    else
        p->deadline_ms = (double)next_float();
}

static UNUSED llmcs_generate_params next_params(void) {
    llmcs_generate_params p;
    MUST(!llmcs_generate_params_init(&p, next_u8() & 1 ? calls.model : NULL));
    p.max_new_tokens = 5;
    for (unsigned n = next_u8() % 12u; n > 0; n--) {
        const unsigned which = next_u8() % 26u;
        if (which < 5)
            set_lists(&p, which);
        else
            set_number(&p, which - 5);
    }
    p.num_beams = few(p.num_beams);
    p.num_return_sequences = few(p.num_return_sequences);
    return p;
}

/* --------------------------------------------------------------------------------------------- promises */

static UNUSED bool known_status(llmcs_status st) {
    MUST(st == LLMCS_OK || llmcs_error_message()[0]);
    return st != LLMCS_INTERNAL && st != LLMCS_FORK && st != LLMCS_NOMEM && st != LLMCS_THREAD &&
           strcmp(llmcs_status_name(st), "UNKNOWN") != 0;
}

static UNUSED int on_text(void *user, const char *text, size_t n_bytes) {
    (void)user;
    MUST(is_utf8(text, n_bytes));
    return next_u8() == 255;
}

static UNUSED int on_token(void *user, int32_t id) {
    (void)user;
    MUST(id >= 0 && id < CALLS_VOCAB);
    return next_u8() == 255;
}

static UNUSED void check_result(llmcs_status st, llmcs_result **result) {
    MUST(known_status(st) && !st == !!*result);
    for (size_t i = 0; *result && i < (*result)->n_sequences; i++) {
        const llmcs_sequence *s = (*result)->sequences[i];
        MUST(s->text[s->text_bytes] == 0 && is_utf8(s->text, s->text_bytes) && s->n_ids <= CALLS_N_CTX);
        for (size_t k = 0; k < s->n_ids; k++) {
            MUST(s->ids[k] >= 0 && s->ids[k] < CALLS_VOCAB);
            MUST(!s->logprobs || s->logprobs[k] < 1e-3f);
        }
    }
    llmcs_result_free(result);
}

/* ------------------------------------------------------------------------------------------ session calls */

static UNUSED void call_generate(llmcs_session *s, bool with_text) {
    llmcs_generate_params p = next_params();
    llmcs_result *result = NULL;
    int32_t ids[MOST_IDS];
    size_t n;
    if (with_text) {
        const char *text = (const char *)read_bytes(&calls.in, next_u8() % 60u, &n);
        check_result(llmcs_generate(s, text, n, &p, next_u8() & 1 ? on_text : NULL, NULL, &result), &result);
    } else {
        n = next_ids(ids, 20);
        check_result(llmcs_generate_ids(s, ids, n, &p, next_u8() & 1 ? on_token : NULL, NULL, &result), &result);
    }
}

static UNUSED void call_distribution(llmcs_session *s) {
    llmcs_generate_params p = next_params();
    float *probabilities = exact_alloc(CALLS_VOCAB * sizeof *probabilities);
    llmcs_status st = llmcs_next_distribution(s, &p, probabilities);
    double sum = 0;
    MUST(known_status(st));
    for (size_t i = 0; !st && i < CALLS_VOCAB; i++) {
        MUST(probabilities[i] >= 0 && probabilities[i] <= 1.0001f);
        sum += (double)probabilities[i];
    }
    MUST(st || fabs(sum - 1) < 1e-3);
    free(probabilities);
}

static UNUSED void call_score(llmcs_session *s) {
    static const char *const candidates[] = {"a", "bc", ""};
    llmcs_score_result results[3];
    int32_t ids[MOST_IDS];
    size_t best = 0;
    const size_t n = next_ids(ids, 10), half = n / 2;
    MUST(known_status(llmcs_score_ids(s, ids, half, ids + half, n - half, results)));
    llmcs_status st = llmcs_choose(s, "hi", next_u8() % 3u, candidates, next_u8() % 4u, next_u8() & 1, results, &best);
    MUST(known_status(st) && (st || best < 3));
}

static UNUSED void call_save_or_restore(llmcs_session *s, bool restore) {
    size_t n;
    if (!restore) {
        llmcs_status st = llmcs_session_save(s, calls.saved, calls.saved_capacity, &n);
        MUST(known_status(st));
        if (!st) calls.n_saved = n;
    } else if (calls.n_saved) {
        if (next_u8() & 1) calls.saved[read_u32(&calls.in) % calls.n_saved] ^= next_u8();
        MUST(known_status(llmcs_session_restore(s, calls.saved, calls.n_saved - (next_u8() > 250))));
    }
}

static UNUSED void call_session(llmcs_session **session, unsigned which) {
    llmcs_session *s = *session, *copy = NULL;
    int32_t ids[MOST_IDS];
    const float *logits;
    size_t n;
    switch (which) {
        case 0:
            n = next_ids(ids, 70);
            MUST(known_status(llmcs_session_eval(s, ids, n, (llmcs_want_logits)(next_u8() % 4))));
            break;
        case 1:
            if (!llmcs_session_logits(s, &logits, &n)) MUST(n >= 1 && isfinite(logits[n * CALLS_VOCAB - 1]));
            break;
        case 2:
            MUST(known_status(llmcs_session_tokens(s, ids, next_u8() % MOST_IDS, &n)) && n <= CALLS_N_CTX);
            break;
        case 3:
            MUST(known_status(llmcs_session_rewind(s, next_u8() % 80u)));
            break;
        case 4:
            if (!known_status(llmcs_session_fork(s, &copy)) || !copy) break;
            llmcs_session_free(session);
            *session = copy;
            break;
        case 5:
            llmcs_session_cancel(s);
            break;
        case 6:
        case 7:
            call_save_or_restore(s, which == 7);
            break;
        case 8:
            call_distribution(s);
            break;
        case 9:
            call_score(s);
            break;
        default:
            call_generate(s, which & 1);
    }
}

/* ------------------------------------------------------------------------------------------- engine calls */

static UNUSED void call_submit(llmcs_request **request, bool with_text) {
    llmcs_generate_params p = next_params();
    llmcs_submit_options options;
    int32_t ids[MOST_IDS];
    size_t n;
    llmcs_status st;
    llmcs_request_free(request);
    llmcs_submit_options_init(&options);
    options.priority = next_int();
    if (next_u8() & 1) options.on_text = on_text;
    if (next_u8() & 1) options.on_token = on_token;
    if (with_text) {
        const char *text = (const char *)read_bytes(&calls.in, next_u8() % 60u, &n);
        st = llmcs_engine_submit(calls.engine, text, n, &p, &options, request);
    } else {
        n = next_ids(ids, 30);
        st = llmcs_engine_submit_ids(calls.engine, ids, n, &p, &options, request);
    }
    MUST(known_status(st) && !st == !!*request);
}

static UNUSED void call_read(llmcs_request *request) {
    int finished;
    size_t n, capacity = next_u8() % 16u;
    char *text = exact_alloc(capacity);
    llmcs_status st = llmcs_request_read(request, text, capacity, &n, &finished);
    MUST(known_status(st) && (st || (n <= capacity && is_utf8(text, n))));
    free(text);
}

static UNUSED void call_engine(unsigned which) {
    llmcs_request **request = &calls.requests[next_u8() % 4];
    llmcs_engine_event event = {.struct_size = sizeof event};
    llmcs_engine_stats stats = {.struct_size = sizeof stats};
    llmcs_result *result = NULL;
    int progressed;
    switch (which) {
        case 0:
        case 1:
            call_submit(request, which);
            break;
        case 2:
            for (unsigned n = next_u8() % 6u; n > 0; n--) MUST(!llmcs_engine_step(calls.engine, &progressed));
            break;
        case 3:
            if (*request) check_result(llmcs_request_wait(*request, next_u8() % 2, &result), &result);
            break;
        case 4:
            if (*request) call_read(*request);
            break;
        case 5:
            if (*request) llmcs_request_cancel(*request);
            break;
        case 6:
            llmcs_request_free(request);
            break;
        default:
            MUST(known_status(llmcs_engine_next(calls.engine, 0, &event)));
            MUST(!llmcs_engine_get_stats(calls.engine, &stats) && stats.n_used_blocks <= stats.n_blocks);
    }
}

static UNUSED int fuzz_calls(const uint8_t *data, size_t size) {
    if (!calls.model) start_calls();
    calls.in = (reader){data, size};
    for (int n = 0; calls.in.left && n < 40; n++) {
        const unsigned which = next_u8() % 24u;
        if (which < 14)
            call_session(&calls.sessions[next_u8() % 3], which);
        else
            call_engine((which - 14) % 8u);
    }
    return 0;
}

#endif
