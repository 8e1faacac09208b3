/* llmcs_generate: stop strings, streaming, prompts as text. The tokenizer has a token for every byte, and a model
 * with random weights says bytes that are seldom UTF-8: the hard case for text that comes in pieces. */
#include "base/utf8.h"
#include "runtime/generate/text_stream.h"
#include "runtime/generate_case.h"
#include "support/random.h"

static char folder[TEMP_PATH_BYTES];
static llmcs_model *model;
static llmcs_session *session;

static void setup(void) {
    make_text_folder(folder);
    model = open_with(folder, 1, NULL);
    session = new_session(model);
}

static void teardown(void) {
    llmcs_session_free(&session);
    llmcs_model_free(&model);
    temp_remove(folder);
}

typedef struct pieces {
    char text[4096];
    size_t n_bytes, n_pieces, stop_after;
} pieces;

/* Every piece is whole characters. */
static int collect(void *user, const char *text, size_t text_bytes) {
    pieces *p = user;
    if (!text_bytes || p->n_bytes + text_bytes > sizeof p->text) ck_abort_msg("a piece of %zu bytes", text_bytes);
    for (size_t at = 0; at < text_bytes;) {
        uint32_t cp;
        at += ll_utf8_decode(text + at, text_bytes - at, &cp);
        if (cp == LL_UTF8_BAD) ck_abort_msg("a piece that is not UTF-8");
    }
    memcpy(p->text + p->n_bytes, text, text_bytes);
    p->n_bytes += text_bytes;
    return ++p->n_pieces == p->stop_after;
}

static llmcs_result *generate(const char *prompt, const llmcs_generate_params *params, pieces *p) {
    llmcs_result *result = NULL;
    if (p) p->n_bytes = p->n_pieces = 0;
    OK(llmcs_generate(session, prompt, LLMCS_NUL, params, p ? collect : NULL, p, &result));
    if (p) {
        ck_assert_uint_eq(p->n_bytes, result->sequences[0]->text_bytes);
        ck_assert_mem_eq(p->text, result->sequences[0]->text, p->n_bytes);
    }
    return result;
}

/* ------------------------------------------------------------------------------------------- the stream */

/* Where the text ends: before the first byte of the stop string that is complete first, of several the longest. */
static size_t naive_end(const char *text, size_t n, const char *const *stops, size_t n_stops) {
    for (size_t end = 1; end <= n; end++) {
        size_t longest = 0;
        for (size_t s = 0; s < n_stops; s++) {
            size_t length = strlen(stops[s]);
            if (length <= end && length > longest && !memcmp(text + end - length, stops[s], length)) longest = length;
        }
        if (longest) return end - longest;
    }
    return n;
}

typedef struct stream_case {
    ll_stop_strings stops;
    ll_text_stream stream;
    pieces got;
    llmcs_allocator allocator;
} stream_case;

static void open_stream(stream_case *c, const char *const *stops, size_t n) {
    memset(c, 0, sizeof *c);
    c->allocator = ll_allocator_default();
    OK(ll_stop_strings_init(&c->stops, &c->allocator, stops, n));
    OK(ll_text_stream_init(&c->stream, llmcs_model_tokenizer(model), &c->stops));
    c->stream.on_text = collect;
    c->stream.user = &c->got;
}

static void close_stream(stream_case *c) {
    ll_text_stream_free(&c->stream);
    ll_stop_strings_free(&c->stops, &c->allocator);
}

static ll_stream_verdict feed(stream_case *c, const char *text, size_t n) {
    ll_stream_verdict verdict = LL_STREAM_GOES_ON;
    for (size_t i = 0; i < n && verdict == LL_STREAM_GOES_ON; i++)
        OK(ll_text_stream_push(&c->stream, (unsigned char)text[i] + 1, &verdict));
    if (verdict == LL_STREAM_GOES_ON) OK(ll_text_stream_finish(&c->stream, &verdict));
    return verdict;
}

START_TEST(stop_strings_are_found_as_a_search_of_everything_finds_them) {
    static const char *const pool[] = {
        "a",       "ab", "aab", "aabaab", "baa", "bb", "\xe4\xb8\xad", "a\xe4\xb8\xad", "\xe4\xb8\xad\xe6\x96\x87",
        "abababab"};
    static const char *const letters[] = {"a", "b", "\xe4\xb8\xad", "\xe6\x96\x87"};
    uint64_t seed = 41, state = seed;
    for (int round = 0; round < 4000; round++) {
        const char *stops[4];
        size_t n_stops = random_below(&state, 4), n = 0;
        for (size_t s = 0; s < n_stops; s++) stops[s] = pool[random_below(&state, 10)];
        char text[256];
        for (size_t i = random_below(&state, 40); i > 0; i--) {
            const char *letter = letters[random_below(&state, 8) % 5 % 4];
            memcpy(text + n, letter, strlen(letter));
            n += strlen(letter);
        }
        stream_case c;
        open_stream(&c, stops, n_stops);
        ll_stream_verdict verdict = feed(&c, text, n);
        size_t end = naive_end(text, n, stops, n_stops);
        if (c.got.n_bytes != end || memcmp(c.got.text, text, end))
            ck_abort_msg("seed %llu round %d: %zu bytes, not %zu", (unsigned long long)seed, round, c.got.n_bytes, end);
        if ((end < n) != (verdict == LL_STREAM_STOP_STRING))
            ck_abort_msg("seed %llu round %d: verdict %d", (unsigned long long)seed, round, (int)verdict);
        close_stream(&c);
    }
}
END_TEST

/* Text goes out as soon as it cannot be the start of a stop string, and not before. */
START_TEST(text_is_held_back_no_longer_than_needed) {
    static const char *const stops[] = {"END."};
    static const size_t sent[] = {1, 1, 1, 1, 5, 5, 5}; /* after x, E, N, D, x, E, N */
    stream_case c;
    open_stream(&c, stops, 1);
    for (size_t i = 0; i < 7; i++) {
        ll_stream_verdict verdict;
        OK(ll_text_stream_push(&c.stream, "xENDxEN"[i] + 1, &verdict));
        ck_assert_int_eq(verdict, LL_STREAM_GOES_ON);
        ck_assert_uint_eq(c.got.n_bytes, sent[i]);
    }
    ll_stream_verdict verdict;
    OK(ll_text_stream_finish(&c.stream, &verdict));
    ck_assert_uint_eq(c.got.n_bytes, 7);
    close_stream(&c);
}
END_TEST

/* A text full of beginnings of the stop string: n bytes cost a few n comparisons, not n times the length. */
START_TEST(searching_is_linear) {
    enum { LENGTH = 20000, TEXT = 2000000 };
    static char stop[LENGTH + 1];
    memset(stop, 'a', LENGTH - 1);
    stop[LENGTH - 1] = 'b';
    const char *const stops[] = {stop};
    stream_case c;
    open_stream(&c, stops, 1);
    c.stream.on_text = NULL;
    for (size_t i = 0; i < TEXT; i++) { /* a search that starts over would need 4e10 steps: it would not end */
        ll_stream_verdict verdict;
        OK(ll_text_stream_push(&c.stream, 'a' + 1, &verdict));
    }
    ck_assert_uint_eq(c.stream.n_sent, TEXT - (LENGTH - 1));
    close_stream(&c);
}
END_TEST

/* However many stop strings there are, a byte costs the same: looking at each of them would take 4e10 steps here. */
START_TEST(searching_takes_no_longer_with_many_strings) {
    enum { N_STOPS = 20000, TEXT = 7 * 300000 };
    static char written[N_STOPS][16];
    static const char *stops[N_STOPS];
    for (size_t i = 0; i < N_STOPS; i++) {
        snprintf(written[i], sizeof written[i], "ab%zu.", i);
        stops[i] = written[i];
    }
    stream_case c;
    ll_stream_verdict verdict = LL_STREAM_GOES_ON;
    open_stream(&c, stops, N_STOPS);
    c.stream.on_text = NULL;
    for (size_t i = 0; i < TEXT; i++) OK(ll_text_stream_push(&c.stream, "ab19999"[i % 7] + 1, &verdict));
    ck_assert_int_eq(verdict, LL_STREAM_GOES_ON);
    OK(ll_text_stream_push(&c.stream, '.' + 1, &verdict));
    ck_assert_int_eq(verdict, LL_STREAM_STOP_STRING); /* "ab19999." */
    close_stream(&c);
}
END_TEST

/* ---------------------------------------------------------------------------------------- generated text */

START_TEST(pieces_are_whole_characters_and_together_the_text) {
    uint64_t seed = 3;
    llmcs_generate_params p = defaults(50);
    p.do_sample = 1;
    p.top_k = 0;
    p.temperature = 2.0f; /* any byte */
    size_t n_bad = 0;
    for (p.seed = seed; p.seed < seed + 60; p.seed++) {
        pieces got = {0};
        llmcs_result *r = generate("Hello", &p, &got);
        const llmcs_sequence *s = r->sequences[0];
        char all[4096];
        size_t n;
        OK(llmcs_decode(llmcs_model_tokenizer(model), s->ids, s->n_ids, LLMCS_SKIP_SPECIAL, all, sizeof all, &n));
        ck_assert_uint_eq(s->text_bytes, n);
        ck_assert_mem_eq(s->text, all, n);
        for (size_t i = 0; i + 2 < n; i++) n_bad += !memcmp(all + i, "\xef\xbf\xbd", 3);
        llmcs_result_free(&r);
    }
    ck_assert_uint_gt(n_bad, 100); /* the hard case did come up */
}
END_TEST

/* A stop string taken from the text itself, at every place and length. */
static void stop_at(const char *whole, size_t n_whole, size_t from, size_t length, llmcs_generate_params p) {
    char stop[16] = {0};
    memcpy(stop, whole + from, length);
    const char *const strings[] = {stop};
    p.stop_strings = strings;
    p.n_stop_strings = 1;
    size_t end = naive_end(whole, n_whole, strings, 1);
    pieces got = {0};
    llmcs_result *streamed = generate("Hello", &p, &got), *quiet = generate("Hello", &p, NULL);
    same_result(streamed, quiet);
    ck_assert_int_eq(streamed->sequences[0]->finish_reason, LLMCS_FINISH_STOP);
    ck_assert_uint_eq(streamed->sequences[0]->text_bytes, end);
    ck_assert_mem_eq(streamed->sequences[0]->text, whole, end);
    llmcs_result_free(&streamed);
    llmcs_result_free(&quiet);
}

START_TEST(stop_strings_end_the_text_before_them) {
    llmcs_generate_params p = defaults(30);
    p.do_sample = 1;
    p.seed = 8;
    p.temperature = 2.0f;
    p.top_k = 0;
    llmcs_result *r = generate("Hello", &p, NULL);
    const llmcs_sequence *s = r->sequences[0];
    size_t n_tried = 0;
    for (size_t from = 0; from < s->text_bytes; from++) {
        if (((unsigned char)s->text[from] & 0xc0) == 0x80) continue; /* inside a character */
        for (size_t length = 1; length <= 9 && from + length <= s->text_bytes; length++) {
            if (((unsigned char)s->text[from + length] & 0xc0) == 0x80 || !s->text[from + length - 1]) continue;
            if (memchr(s->text + from, 0, length)) continue; /* NUL-terminated strings have none inside */
            if (from + length == s->text_bytes) continue;    /* complete only when the last character is given up */
            stop_at(s->text, s->text_bytes, from, length, p);
            n_tried++;
        }
    }
    ck_assert_uint_gt(n_tried, 60);
    llmcs_result_free(&r);
}
END_TEST

START_TEST(stop_strings_work_with_beams_and_with_several_sequences) {
    llmcs_generate_params p = defaults(20);
    p.num_beams = 3;
    llmcs_result *whole = generate("Hello", &p, NULL), *r;
    char stop[8] = {0};
    size_t n = whole->sequences[0]->text_bytes, from = n / 2, length = 1;
    while (from > 0 && ((unsigned char)whole->sequences[0]->text[from] & 0xc0) == 0x80) from--;
    while (((unsigned char)whole->sequences[0]->text[from + length] & 0xc0) == 0x80) length++;
    memcpy(stop, whole->sequences[0]->text + from, length);
    const char *const strings[] = {"never to be seen", stop};
    p.stop_strings = strings;
    p.n_stop_strings = 2;
    int n_stopped = 0;
    for (int mode = 0; mode < 2; mode++) {
        p.num_beams = mode ? 1 : 3;
        p.do_sample = mode;
        p.num_return_sequences = 3;
        r = generate("Hello", &p, NULL);
        for (size_t i = 0; i < r->n_sequences; i++) {
            const llmcs_sequence *s = r->sequences[i];
            char all[1024];
            size_t n_all;
            OK(llmcs_decode(llmcs_model_tokenizer(model), s->ids, s->n_ids, LLMCS_SKIP_SPECIAL, all, sizeof all,
                            &n_all));
            size_t end = naive_end(all, n_all, strings, 2);
            ck_assert_uint_eq(s->text_bytes, end);
            ck_assert_mem_eq(s->text, all, end);
            ck_assert_int_eq(s->finish_reason == LLMCS_FINISH_STOP, end < n_all);
            n_stopped += end < n_all;
        }
        llmcs_result_free(&r);
    }
    ck_assert_int_gt(n_stopped, 0);
    llmcs_result_free(&whole);
}
END_TEST

START_TEST(a_callback_may_stop_the_text) {
    llmcs_generate_params p = defaults(40);
    p.do_sample = 1;
    llmcs_result *whole = generate("Hello", &p, NULL);
    for (size_t stop = 1; stop <= 5; stop++) {
        pieces got = {.stop_after = stop};
        llmcs_result *r = generate("Hello", &p, &got);
        ck_assert_int_eq(r->sequences[0]->finish_reason, LLMCS_FINISH_CALLBACK);
        ck_assert_uint_eq(got.n_pieces, stop);
        ck_assert_mem_eq(r->sequences[0]->text, whole->sequences[0]->text, got.n_bytes);
        llmcs_result_free(&r);
    }
    llmcs_result_free(&whole);
}
END_TEST

static int cancel_at_third(void *user, const char *text, size_t text_bytes) {
    pieces *p = user;
    collect(p, text, text_bytes);
    if (p->n_pieces == 3) llmcs_session_cancel(session);
    return 0;
}

START_TEST(cancelled_text_is_complete_up_to_there) {
    llmcs_generate_params p = defaults(40);
    p.do_sample = 1;
    static const char *const strings[] = {"zzzzzzz"};
    p.stop_strings = strings;
    p.n_stop_strings = 1;
    pieces got = {0};
    llmcs_result *r;
    OK(llmcs_generate(session, "Hello", 5, &p, cancel_at_third, &got, &r));
    ck_assert_int_eq(r->sequences[0]->finish_reason, LLMCS_FINISH_CANCELLED);
    ck_assert_uint_eq(r->sequences[0]->text_bytes, got.n_bytes);
    ck_assert_mem_eq(r->sequences[0]->text, got.text, got.n_bytes);
    llmcs_result_free(&r);
}
END_TEST

START_TEST(prompts_are_encoded_as_asked) {
    llmcs_generate_params p = defaults(3);
    llmcs_result *r = generate("a<|endoftext|>b", &p, NULL); /* text of users stays text */
    ck_assert_uint_eq(r->n_prompt_tokens, 15);
    llmcs_result_free(&r);
    p.encode_flags = LLMCS_PARSE_SPECIAL;
    r = generate("a<|endoftext|>b", &p, NULL);
    ck_assert_uint_eq(r->n_prompt_tokens, 3);
    llmcs_result_free(&r);
    p.encode_flags = 0;
    r = generate("", &p, NULL); /* BOS */
    ck_assert_uint_eq(r->n_prompt_tokens, 1);
    llmcs_result_free(&r);
    OK(llmcs_generate(session, NULL, 0, &p, NULL, NULL, &r));
    llmcs_result_free(&r);
    OK(llmcs_generate(session, "a\0b", 3, &p, NULL, NULL, &r));
    ck_assert_uint_eq(r->n_prompt_tokens, 3);
    llmcs_result_free(&r);
    char longer[100];
    memset(longer, 'x', sizeof longer);
    FAILS(LLMCS_CONTEXT_FULL, "100", llmcs_generate(session, longer, sizeof longer, &p, NULL, NULL, &r));
    ck_assert_ptr_null(r);
}
END_TEST

/* Ids and text are two ways to ask for the same. */
START_TEST(ids_and_text_agree) {
    llmcs_generate_params p = defaults(20);
    const int32_t ids[] = {'H' + 1, 'i' + 1};
    llmcs_result *a = generate("Hi", &p, NULL), *b = generate_ids(session, ids, 2, &p);
    same_result(a, b);
    ck_assert_uint_gt(b->sequences[0]->text_bytes, 0);
    llmcs_result_free(&a);
    llmcs_result_free(&b);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, stop_strings_are_found_as_a_search_of_everything_finds_them);
    tcase_add_test(t, text_is_held_back_no_longer_than_needed);
    tcase_add_test(t, searching_is_linear);
    tcase_add_test(t, searching_takes_no_longer_with_many_strings);
    tcase_add_test(t, pieces_are_whole_characters_and_together_the_text);
    tcase_add_test(t, stop_strings_end_the_text_before_them);
    tcase_add_test(t, stop_strings_work_with_beams_and_with_several_sequences);
    tcase_add_test(t, a_callback_may_stop_the_text);
    tcase_add_test(t, cancelled_text_is_complete_up_to_there);
    tcase_add_test(t, prompts_are_encoded_as_asked);
    tcase_add_test(t, ids_and_text_agree);
}

SUITE_MAIN("runtime/generate_text", add)
