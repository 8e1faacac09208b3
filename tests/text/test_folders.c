/* Folders of tokenizer files of many kinds, and what Transformers 4.51 makes of them (tests/data/tokenizers/folders.py
 * says how): ids with and without special tokens read from the text, offsets, roles, decoding. $LLMCS_TEST_FOLDERS
 * names another file of such cases. */
#include "support/suite.h"
#include "support/temp.h"
#include "text/golden.h"

#define CASES "tests/data/tokenizers/folders.jsonl"
#define MAX_BASES 32
#define CAPACITY 256
#define N_ROLES 7
#define CUT 4 /* max_length of a text's "cut" */

typedef struct base {
    char name[40];
    char *files; /* a folder that holds them */
} base;

typedef struct cases {
    const char *path;
    base bases[MAX_BASES];
    size_t n_bases, n_cases, n_texts, n_wrong;
} cases;

static void show(const char *what, ll_json want, const int32_t *got, size_t n) {
    printf("    %s: expected", what);
    for (ll_json m = ll_json_first(want); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        int64_t id = 0;
        ll_json_int64(m, &id);
        printf(" %d", (int)id);
    }
    printf(", found");
    for (size_t i = 0; i < n; i++) printf(" %d", got[i]);
    printf("\n");
}

/* False, and a line about it, if an array of integers is not what was found; an absent array is not compared. */
static bool same(const char *what, ll_json want, const int32_t *got, size_t n) {
    if (ll_json_get_type(want) != LL_JSON_ARRAY) return true;
    size_t n_want;
    int32_t *ids = golden_ids(want, &n_want);
    bool equal = n_want == n && (!n || memcmp(ids, got, n * sizeof *ids) == 0);
    free(ids);
    if (!equal) show(what, want, got, n);
    return equal;
}

static bool check_offsets(ll_json want, const llmcs_span *spans, size_t n) {
    size_t i = 0, n_wrong = 0;
    for (ll_json m = ll_json_first(want); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m), i++) {
        int64_t begin = -1, end = -1;
        ll_json_int64(ll_json_first(m), &begin);
        ll_json_int64(ll_json_next(ll_json_first(m)), &end);
        if (i < n && spans[i].begin == (size_t)begin && spans[i].end == (size_t)end) continue;
        n_wrong++;
        printf("    offsets of token %zu: expected %d..%d, found %d..%d\n", i, (int)begin, (int)end,
               i < n ? (int)spans[i].begin : -1, i < n ? (int)spans[i].end : -1);
    }
    return n_wrong == 0;
}

static bool check_text(const llmcs_tokenizer *t, ll_json text) {
    int32_t ids[CAPACITY], plain[CAPACITY], cut[CAPACITY];
    llmcs_span spans[CAPACITY];
    size_t len, n, n_plain, n_cut, n_decoded, n_want;
    char decoded[4 * CAPACITY];
    const char *bytes = ll_json_string(ll_json_get(text, "text"), &len);
    llmcs_encode_params p;
    llmcs_encode_params_init(&p);
    ck_assert_int_eq(llmcs_encode(t, bytes, len, NULL, 0, &p, plain, NULL, NULL, CAPACITY, &n_plain), LLMCS_OK);
    p.flags |= LLMCS_PARSE_SPECIAL;
    ck_assert_int_eq(llmcs_encode(t, bytes, len, NULL, 0, &p, ids, NULL, spans, CAPACITY, &n), LLMCS_OK);
    p.truncation = LLMCS_TRUNCATE_LONGEST_FIRST;
    p.max_length = CUT;
    ck_assert_int_eq(llmcs_encode(t, bytes, len, NULL, 0, &p, cut, NULL, NULL, CAPACITY, &n_cut), LLMCS_OK);
    bool right = same("ids", ll_json_get(text, "ids"), ids, n);
    right = same("cut", ll_json_get(text, "cut"), cut, n_cut) && right;
    right = same("plain", ll_json_get(text, "plain"), plain, n_plain) && right;
    right = right && check_offsets(ll_json_get(text, "offsets"), spans, n);
    const char *want = ll_json_string(ll_json_get(text, "skipped"), &n_want);
    if (want && right) {
        ck_assert_int_eq(llmcs_decode(t, ids, n, LLMCS_SKIP_SPECIAL, decoded, sizeof decoded, &n_decoded), LLMCS_OK);
        right = n_want == n_decoded && memcmp(want, decoded, n_want) == 0;
        if (!right) printf("    decoded: expected \"%s\", found \"%.*s\"\n", want, (int)n_decoded, decoded);
    }
    if (!right) printf("    text: \"%.*s\"\n", (int)len, bytes);
    return right;
}

static void check_case(cases *c, ll_json object, const char *folder, const char *name) {
    llmcs_tokenizer *t;
    int32_t roles[N_ROLES];
    int64_t n_vocab;
    bool right = llmcs_tokenizer_open(folder, NULL, &t) == LLMCS_OK;
    c->n_cases++;
    if (!right) {
        c->n_wrong++;
        printf("  %s: %s\n", name, llmcs_error_message());
        return;
    }
    for (int r = 0; r < N_ROLES; r++) roles[r] = llmcs_special_token(t, (llmcs_special)r);
    right = same("roles", ll_json_get(object, "roles"), roles, N_ROLES);
    if (ll_json_int64(ll_json_get(object, "n_vocab"), &n_vocab) && (size_t)n_vocab != llmcs_tokenizer_n_vocab(t)) {
        printf("    vocabulary: expected %d, found %zu\n", (int)n_vocab, llmcs_tokenizer_n_vocab(t));
        right = false;
    }
    ll_json texts = ll_json_get(object, "texts");
    for (ll_json m = ll_json_first(texts); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        right = check_text(t, m) && right;
        c->n_texts++;
    }
    if (!right) printf("  %s is wrong\n", name);
    c->n_wrong += !right;
    llmcs_tokenizer_free(&t);
}

static void write_files(const char *folder, ll_json files) {
    for (ll_json m = ll_json_first(files); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        char name[64];
        size_t name_len, len;
        const char *key = ll_json_key(m, &name_len), *text = ll_json_string(m, &len);
        snprintf(name, sizeof name, "%.*s", (int)name_len, key);
        temp_write(folder, name, text, len);
    }
}

static void copy_text(char *out, size_t size, ll_json v) {
    size_t len = 0;
    const char *text = ll_json_string(v, &len);
    snprintf(out, size, "%.*s", (int)len, text ? text : "");
}

/* A line: files that cases share, or a case. */
static void check_line(void *user, size_t line, ll_json object) {
    cases *c = user;
    llmcs_allocator a = ll_allocator_default();
    char name[120], shared[40], folder[TEMP_PATH_BYTES];
    (void)line;
    copy_text(shared, sizeof shared, ll_json_get(object, "base"));
    if (ll_json_get_type(ll_json_get(object, "name")) == LL_JSON_MISSING) {
        base *b = &c->bases[c->n_bases++];
        ck_assert_uint_le(c->n_bases, MAX_BASES);
        snprintf(b->name, sizeof b->name, "%s", shared);
        temp_folder(folder); /* its files stay there until the end */
        b->files = strdup(folder);
        write_files(folder, ll_json_get(object, "files"));
        return;
    }
    copy_text(name, sizeof name, ll_json_get(object, "name"));
    temp_folder(folder);
    for (size_t i = 0; i < c->n_bases; i++) {
        if (strcmp(c->bases[i].name, shared) != 0) continue;
        static const char *const names[] = {"config.json", "tokenizer.json", "vocab.txt", "vocab.json", "merges.txt"};
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            char *data;
            size_t len;
            if (ll_file_read_all(&a, temp_path(c->bases[i].files, names[k]), 1u << 20, &data, &len)) continue;
            temp_write(folder, names[k], data, len);
            ll_free(&a, data);
        }
    }
    write_files(folder, ll_json_get(object, "files"));
    check_case(c, object, folder, name);
    temp_remove(folder);
}

START_TEST(every_folder_is_read_as_transformers_reads_it) {
    static cases c;
    const char *other = getenv("LLMCS_TEST_FOLDERS");
    c = (cases){.path = other ? other : CASES};
    golden_each(c.path, check_line, &c);
    for (size_t i = 0; i < c.n_bases; i++) {
        temp_remove(c.bases[i].files);
        free(c.bases[i].files);
    }
    fflush(stdout);
    ck_assert_msg(c.n_wrong == 0, "%zu of %zu folders are wrong", c.n_wrong, c.n_cases);
    ck_assert_uint_gt(c.n_cases, 50);
    ck_assert_uint_gt(c.n_texts, 200);
}
END_TEST

/* Byte-level BPE of decoders (tests/data/tokenizers/byte_level.py). */
START_TEST(every_kind_of_byte_level_bpe) {
    static cases c;
    c = (cases){.path = "tests/data/tokenizers/byte_level.jsonl"};
    golden_each(c.path, check_line, &c);
    fflush(stdout);
    ck_assert_msg(c.n_wrong == 0, "%zu of %zu tokenizers are wrong", c.n_wrong, c.n_cases);
    ck_assert_uint_ge(c.n_cases, 16);
    ck_assert_uint_gt(c.n_texts, 600);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_folder_is_read_as_transformers_reads_it);
    tcase_add_test(t, every_kind_of_byte_level_bpe);
}

SUITE_MAIN("text/folders", add)
