/* Containers read token by token, against the same text read into nodes; deferred ones take no memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/json_stream.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"

/* ----------------------------------------------------------------------------------------- random documents */

typedef struct text {
    char at[20000];
    size_t n;
} text;

static void put(text *t, const char *s) {
    const size_t n = strlen(s);
    ck_assert_uint_lt(t->n + n, sizeof t->at);
    memcpy(t->at + t->n, s, n);
    t->n += n;
}

static void put_space(text *t, uint64_t *seed) {
    static const char *const spaces[] = {"", "", " ", "\n", "\n        \n\t", "\r\n  "};
    put(t, spaces[random_below(seed, sizeof spaces / sizeof *spaces)]);
}

static void put_string(text *t, uint64_t *seed) {
    static const char *const parts[] = {"a", "\\\"", "\\\\", "\\n",    "\\u0120", "\\ud83d\\ude00",
                                        "]", "{",    ",",    "\u4e2d", "\\/"};
    put(t, "\"");
    for (size_t k = random_below(seed, 5); k > 0; k--) put(t, parts[random_below(seed, sizeof parts / sizeof *parts)]);
    put(t, "\"");
}

static void put_value(text *t, uint64_t *seed, int depth) {
    static const char *const scalars[] = {"0",    "-1", "12345678901234567890", "1e3", "2.5", "true", "false",
                                          "null", "77"};
    const size_t kind = random_below(seed, depth > 3 || t->n > 15000 ? 2 : 4);
    put_space(t, seed);
    if (kind == 0) put(t, scalars[random_below(seed, sizeof scalars / sizeof *scalars)]);
    if (kind == 1) put_string(t, seed);
    if (kind >= 2) {
        const size_t n = random_below(seed, 6);
        put(t, kind == 2 ? "[" : "{");
        for (size_t i = 0; i < n; i++) {
            if (i) put(t, ",");
            put_space(t, seed);
            if (kind == 3) {
                put_string(t, seed);
                put_space(t, seed);
                put(t, ":");
            }
            put_value(t, seed, depth + 1);
        }
        put_space(t, seed);
        put(t, kind == 2 ? "]" : "}");
    }
    put_space(t, seed);
}

/* -------------------------------------------------------------------------------------------------- comparing */

static void check_string(const ll_json_token *token, const char *want, size_t n_want) {
    char got[200];
    ck_assert_int_eq(token->kind, '"');
    ck_assert_uint_le(token->n, sizeof got);
    ck_assert_uint_eq(ll_json_unescape(token, got), n_want);
    ck_assert_mem_eq(got, want, n_want);
}

/* The tokens of v, of which `token` is the first. */
static void check_value(ll_json_stream *s, ll_json_token token, ll_json v) {
    static const char kinds[] = {0, 'n', 't', '0', '"', '[', '{'}; /* by ll_json_type */
    const ll_json_type type = ll_json_get_type(v);
    size_t len;
    bool flag = false;
    if (type == LL_JSON_BOOL && ll_json_bool(v, &flag))
        ck_assert_int_eq(token.kind, flag ? 't' : 'f');
    else
        ck_assert_int_eq(token.kind, kinds[type]);
    ck_assert_uint_eq(ll_json_token_offset(s, &token), ll_json_offset(v));
    if (type == LL_JSON_STRING) {
        const char *want = ll_json_string(v, &len);
        check_string(&token, want, len);
    }
    if (type == LL_JSON_NUMBER) {
        int64_t a = 0, b = 0;
        double x, y;
        ck_assert(ll_json_token_int64(&token, &a) == ll_json_int64(v, &b) && (!ll_json_int64(v, &b) || a == b));
        ck_assert(ll_json_token_double(&token, &x) && ll_json_double(v, &y) && x >= y && x <= y);
    }
    if (type != LL_JSON_ARRAY && type != LL_JSON_OBJECT) return;
    for (ll_json m = ll_json_first(v); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        const char *key = ll_json_key(m, &len);
        token = ll_json_stream_next(s);
        if (key) {
            check_string(&token, key, len);
            token = ll_json_stream_next(s);
        }
        check_value(s, token, m);
    }
    token = ll_json_stream_next(s);
    ck_assert(token.kind == (type == LL_JSON_ARRAY ? ']' : '}') || (token.kind == 0 && s->depth == 0));
}

START_TEST(tokens_are_those_of_the_nodes) {
    uint64_t seed = (uint64_t)time(NULL);
    llmcs_allocator a = ll_allocator_default();
    static const char *const root_key[] = {"", NULL};
    static text t;
    printf("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 3000; round++) {
        ll_json_doc *nodes, *deferred;
        ll_json_stream s;
        t.n = 0;
        put(&t, "[");
        put_value(&t, &seed, 0);
        put(&t, "]");
        ck_assert_int_eq(ll_json_parse(&a, "nodes", t.at, t.n, 7, &nodes), LLMCS_OK);
        ck_assert_int_eq(ll_json_parse_deferring(&a, "deferred", t.at, t.n, 7, root_key, &deferred), LLMCS_OK);
        ck_assert_uint_eq(ll_json_count(ll_json_root(deferred)), 1);
        ck_assert_int_eq(ll_json_get_type(ll_json_first(ll_json_root(deferred))), LL_JSON_MISSING);
        ll_json_stream_begin(&s, ll_json_root(deferred));
        check_value(&s, ll_json_stream_next(&s), ll_json_first(ll_json_root(nodes)));
        ck_assert_int_eq(ll_json_stream_next(&s).kind, 0);
        ck_assert_int_eq(ll_json_stream_next(&s).kind, 0);
        ll_json_stream_begin(&s, ll_json_root(deferred)); /* a value is passed as a whole */
        const ll_json_token first = ll_json_stream_next(&s);
        ll_json_stream_skip(&s, &first);
        ck_assert_int_eq(ll_json_stream_next(&s).kind, 0);
        ll_json_free(&nodes);
        ll_json_free(&deferred);
    }
}
END_TEST

/* Only members of a member of the root are deferred; what stands next to them is read as ever. */
START_TEST(deferred_members_are_counted_and_passed) {
    static const char json[] =
        "{\"vocab\":[1],\"model\":{\"a\":1,\"vocab\":{\"x\":{\"vocab\":[2]},\"y\":\"\\n\"},\"b\":[2,{\"vocab\":[3]}],"
        "\"merges\":[],\"merges2\":[4],\"c\":\"\\t\"},\"z\":[5]}";
    static const char *const keys[] = {"vocab", "merges", NULL};
    fail_alloc f;
    fail_alloc_init(&f);
    llmcs_allocator a = fail_alloc_get(&f);
    ll_json_doc *doc;
    size_t len;
    ck_assert_int_eq(ll_json_parse_deferring(&a, "x", json, sizeof json - 1, 0, keys, &doc), LLMCS_OK);
    const ll_json root = ll_json_root(doc), model = ll_json_get(root, "model"), vocab = ll_json_get(model, "vocab");
    ck_assert_int_eq(ll_json_get_type(ll_json_first(ll_json_get(root, "vocab"))), LL_JSON_NUMBER);
    ck_assert_int_eq(ll_json_get_type(vocab), LL_JSON_OBJECT);
    ck_assert_uint_eq(ll_json_count(vocab), 2);
    ck_assert_int_eq(ll_json_get_type(ll_json_first(vocab)), LL_JSON_MISSING);
    ck_assert_int_eq(ll_json_get_type(ll_json_get(vocab, "x")), LL_JSON_MISSING);
    ck_assert_uint_eq(ll_json_count(ll_json_get(model, "merges")), 0);
    ck_assert_uint_eq(ll_json_count(ll_json_get(model, "b")), 2);
    ck_assert_int_eq(ll_json_get_type(ll_json_first(ll_json_get(model, "merges2"))), LL_JSON_NUMBER);
    const char *tab = ll_json_string(ll_json_get(model, "c"), &len);
    ck_assert_uint_eq(len, 1);
    ck_assert_int_eq(tab[0], '\t');
    ck_assert_int_eq(ll_json_get_type(ll_json_first(ll_json_get(root, "z"))), LL_JSON_NUMBER);
    ll_json_free(&doc);
    ck_assert_int_eq(f.live, 0);
}
END_TEST

/* What is not JSON is refused inside a deferred value as well, with its place. */
START_TEST(deferred_values_are_checked) {
    static const char *const keys[] = {"vocab", NULL};
    static const char *const bad[] = {"{\"m\":{\"vocab\":{\"a\":01}}}", "{\"m\":{\"vocab\":[1,]}}",
                                      "{\"m\":{\"vocab\":{\"a\" 1}}}",  "{\"m\":{\"vocab\":[\"\\x\"]}}",
                                      "{\"m\":{\"vocab\":[\"\xff\"]}}", "{\"m\":{\"vocab\":[[[[1]]]}}"};
    llmcs_allocator a = ll_allocator_default();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ll_json_doc *doc;
        ck_assert_int_eq(ll_json_parse_deferring(&a, "x", bad[i], strlen(bad[i]), 0, keys, &doc), LLMCS_JSON);
        ck_assert_ptr_null(doc);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "byte"));
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, tokens_are_those_of_the_nodes);
    tcase_add_test(t, deferred_members_are_counted_and_passed);
    tcase_add_test(t, deferred_values_are_checked);
}

SUITE_MAIN("formats/json_stream", add)
