/* The tagger: it learns names and addresses that no rule finds, the same bytes each time and after an interruption; a
 * damaged file is refused; every allocation may fail. */
#include <unistd.h>

#include "guard_case.h"
#include "shop/guard/tagger.h"
#include "support/edit.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/temp.h"

enum { N_ROWS = 240, N_FAULT_ROWS = 12 };

typedef struct rows {
    char texts[N_ROWS][160];
    llmcs_shop_tagged_span spans[N_ROWS][2];
    llmcs_shop_tagged_text rows[N_ROWS];
} rows;

/* Sentences without a cue that the rules know: what remains is the surname, the place, and the words around them. */
static void make_rows(rows *r, size_t n, const char *zh_between) {
    static const char *const zh_names[] = {"王小明", "李娜", "张伟强", "刘洋", "陈静怡", "赵磊"};
    static const char *const zh_places[] = {"杭州", "北京", "成都", "广州", "武汉"};
    static const char *const en_names[] = {"Sarah Lee", "Tom Novak", "Ann Smith", "Luis Garcia"};
    static const char *const en_places[] = {"Kingsway 14", "Via Roma 131", "Harjukuja 54"};
    uint64_t seed = 20261132;
    for (size_t i = 0; i < n; i++) {
        const bool zh = i % 2 == 0;
        const char *name = zh ? zh_names[random_below(&seed, 6)] : en_names[random_below(&seed, 4)];
        const char *place = zh ? zh_places[random_below(&seed, 5)] : en_places[random_below(&seed, 3)];
        const char *before = zh ? "昨天" : "Yesterday ", *between = zh ? zh_between : " moved to ",
                   *after = zh ? "玩" : " again";
        snprintf(r->texts[i], sizeof r->texts[i], "%s%s%s%s%s", before, name, between, place, after);
        const size_t a = strlen(before), b = a + strlen(name), c = b + strlen(between), d = c + strlen(place);
        r->spans[i][0] = (llmcs_shop_tagged_span){a, b, "NAME"};
        r->spans[i][1] = (llmcs_shop_tagged_span){c, d, "ADDRESS"};
        r->rows[i] = (llmcs_shop_tagged_text){r->texts[i], LLMCS_NUL, r->spans[i], 2};
    }
}

static llmcs_status train(const rows *r, size_t n, const char *path, const char *checkpoint, llmcs_progress_fn progress,
                          void *user, const llmcs_allocator *a) {
    llmcs_shop_tagger_params p;
    llmcs_shop_tagger_params_init(&p);
    p.n_epochs = 4;
    p.checkpoint_path = checkpoint;
    p.progress = progress;
    p.progress_user = user;
    p.allocator = a;
    return llmcs_shop_tagger_train(r->rows, n, &p, path);
}

static char folder[TEMP_PATH_BYTES];
static rows own;

static void open_folder(void) {
    temp_folder(folder);
    make_rows(&own, N_ROWS, "去了");
}
static void close_folder(void) { temp_remove(folder); }

START_TEST(learns_both_languages) {
    ck_assert_msg(!train(&own, N_ROWS, temp_path(folder, "t"), NULL, NULL, NULL, NULL), "%s", llmcs_error_message());
    llmcs_shop_guard *g = guard_open(NULL, temp_path(folder, "t"));
    /* None of these names, and not this street, was in the rows. */
    CHECK_CASES(g, {"昨天周雅琴去了武汉玩", "昨天<NAME_1>去了<ADDRESS_1>玩"},
                {"Yesterday Peter Wood moved to Kingsway 14 again", "Yesterday <NAME_1> moved to <ADDRESS_1> again"},
                {"昨天13800138000去了", "昨天<PHONE_1>去了"}, {"", ""});
    llmcs_shop_mask_params p;
    llmcs_shop_masked *m = NULL;
    llmcs_shop_mask_params_init(&p);
    p.flags = LLMCS_SHOP_MASK_NO_TAGGER;
    ck_assert(!llmcs_shop_mask(g, NULL, "昨天周雅琴去了武汉玩", LLMCS_NUL, &p, &m));
    ck_assert_uint_eq(m->n_spans, 0);
    llmcs_shop_masked_free(&m);
    llmcs_shop_guard_free(&g);
}
END_TEST

/* Before a title the rule takes the shortest name that begins with a surname, here 金琴; the tagger knows better. */
START_TEST(longer_spans_of_the_tagger_win) {
    make_rows(&own, N_ROWS, "先生去了");
    ck_assert(!train(&own, N_ROWS, temp_path(folder, "t"), NULL, NULL, NULL, NULL));
    llmcs_shop_guard *rules = guard_open(NULL, NULL), *g = guard_open(NULL, temp_path(folder, "t"));
    CHECK_CASES(rules, {"昨天王金琴先生去了武汉玩", "昨天王<NAME_1>先生去了武汉玩"});
    CHECK_CASES(g, {"昨天王金琴先生去了武汉玩", "昨天<NAME_1>先生去了<ADDRESS_1>玩"});
    llmcs_shop_guard_free(&rules);
    llmcs_shop_guard_free(&g);
}
END_TEST

static int stop_at_half(void *user, float done) {
    (void)user;
    return done > 0.6f;
}

START_TEST(goes_on_from_a_checkpoint) {
    size_t n_once = 0, n_resumed = 0;
    ck_assert(!train(&own, N_ROWS, temp_path(folder, "once"), NULL, NULL, NULL, NULL));
    char checkpoint[TEMP_PATH_BYTES];
    snprintf(checkpoint, sizeof checkpoint, "%s", temp_path(folder, "checkpoint"));
    ck_assert_int_eq(train(&own, N_ROWS, temp_path(folder, "resumed"), checkpoint, stop_at_half, NULL, NULL),
                     LLMCS_CANCELLED);
    ck_assert_int_eq(access(checkpoint, F_OK), 0);
    ck_assert_int_ne(access(temp_path(folder, "resumed"), F_OK), 0);
    ck_assert(!train(&own, N_ROWS, temp_path(folder, "resumed"), checkpoint, NULL, NULL, NULL));
    ck_assert_int_ne(access(checkpoint, F_OK), 0);
    char *once = edit_read(temp_path(folder, "once"), &n_once),
         *resumed = edit_read(temp_path(folder, "resumed"), &n_resumed);
    ck_assert_uint_eq(n_once, n_resumed);
    ck_assert_mem_eq(once, resumed, n_once);
    free(once);
    free(resumed);
    /* One of other rows, and one that is damaged, are not used. */
    temp_write_text(folder, "checkpoint", "LLTAGCP1 is not enough");
    ck_assert(!train(&own, 40, temp_path(folder, "other"), checkpoint, NULL, NULL, NULL));
}
END_TEST

START_TEST(damaged_files_are_refused) {
    uint64_t seed = 20261133;
    size_t n = 0;
    ck_assert(!train(&own, N_ROWS, temp_path(folder, "t"), NULL, NULL, NULL, NULL));
    char *file = edit_read(temp_path(folder, "t"), &n);
    for (int i = 0; i < 600; i++) {
        llmcs_shop_guard_options o;
        llmcs_shop_guard *g = NULL;
        const size_t at = i < 200 ? (size_t)i % n : random_below(&seed, n), cut = i % 3 ? n : at;
        const char kept = file[at];
        file[at] = (char)(file[at] ^ (1 << random_below(&seed, 8)));
        temp_write(folder, "bad", file, cut);
        file[at] = kept;
        llmcs_shop_guard_options_init(&o);
        const char *path = temp_path(folder, "bad");
        o.tagger_path = path;
        const llmcs_status status = llmcs_shop_guard_create(&o, &g);
        ck_assert_msg(status == LLMCS_FORMAT || status == LLMCS_UNSUPPORTED, "byte %zu: %d", at, status);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), path));
        ck_assert_ptr_null(g);
    }
    free(file);
}
END_TEST

START_TEST(misuse) {
    llmcs_shop_tagger_params p;
    llmcs_shop_tagged_span overlap[2] = {{0, 4, "NAME"}, {3, 6, "NAME"}}, past = {0, 99, "NAME"},
                           unnamed = {0, 2, NULL};
    llmcs_shop_tagged_text text = {"abcdefgh", LLMCS_NUL, overlap, 2};
    const char *path = temp_path(folder, "t");
    ck_assert_int_eq(llmcs_shop_tagger_train(NULL, 1, NULL, path), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_tagger_train(&text, 0, NULL, path), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_tagger_train(&text, 1, NULL, path), LLMCS_ARG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "texts[0]"));
    text.spans = &past;
    text.n_spans = 1;
    ck_assert_int_eq(llmcs_shop_tagger_train(&text, 1, NULL, path), LLMCS_ARG);
    text.spans = &unnamed;
    ck_assert_int_eq(llmcs_shop_tagger_train(&text, 1, NULL, path), LLMCS_ARG);
    text.n_spans = 0;
    ck_assert_int_eq(llmcs_shop_tagger_train(&text, 1, NULL, path), LLMCS_ARG);
    static const struct {
        int32_t n_epochs, max_features, min_count;
        double l2;
    } bad[] = {{0, 2000, 2, 0}, {1001, 2000, 2, 0}, {1, 999, 2, 0},
               {1, 2000, 0, 0}, {1, 2000, 2, -1},   {1, 2000, 2, 11}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        llmcs_shop_tagger_params_init(&p);
        p.n_epochs = bad[i].n_epochs;
        p.max_features = bad[i].max_features;
        p.min_count = bad[i].min_count;
        p.l2 = bad[i].l2;
        ck_assert_int_eq(llmcs_shop_tagger_train(own.rows, 4, &p, path), LLMCS_ARG);
    }
    ck_assert_int_eq(llmcs_shop_tagger_train(own.rows, 4, NULL, "/nonexistent/t"), LLMCS_IO);
}
END_TEST

/* ---- words */

static llmcs_status train_with_words(const char *lines, const char *out, const llmcs_allocator *a) {
    llmcs_shop_tagger_params p;
    llmcs_shop_tagger_params_init(&p);
    char path[TEMP_PATH_BYTES];
    temp_write_text(folder, "words", lines);
    snprintf(path, sizeof path, "%s", temp_path(folder, "words"));
    p.n_epochs = 4;
    p.words_path = path;
    p.allocator = a;
    return llmcs_shop_tagger_train(own.rows, N_ROWS, &p, out);
}

/* Places of two characters in the rows; one of three is told from its neighbours by the words alone. */
static const char places[] =
    "杭州\t2\t60\n北京\t2\t70\n成都\t2\t50\n广州\t2\t60\n武汉\t2\t60\n雅布赖\t2\t40\n去\t11\t90\n了\t15\t100\n"
    "玩\t11\t60\n昨天\t13\t70\nKingsway\t8\t10\nagain\t24\t90\n王\t32\t200\n王\t33\t1\n";

START_TEST(words_are_kept_by_hash) {
    char path[TEMP_PATH_BYTES];
    size_t n = 0;
    snprintf(path, sizeof path, "%s", temp_path(folder, "t"));
    ck_assert_msg(!train_with_words(places, path, NULL), "%s", llmcs_error_message());
    llmcs_shop_guard *g = guard_open(NULL, path);
    CHECK_CASES(g, {"昨天周雅琴去了武汉玩", "昨天<NAME_1>去了<ADDRESS_1>玩"},
                {"昨天周雅琴去了雅布赖玩", "昨天<NAME_1>去了<ADDRESS_1>玩"},
                {"Yesterday Peter Wood moved to Kingsway 14 again", "Yesterday <NAME_1> moved to <ADDRESS_1> again"});
    llmcs_shop_guard_free(&g);
    char *file = edit_read(path, &n);
    ck_assert_ptr_null(memmem(file, n, "雅布赖", strlen("雅布赖"))); /* hashes alone */
    free(file);
}
END_TEST

START_TEST(words_that_are_wrong_are_named) {
    static const struct {
        const char *lines, *error;
    } cases[] = {{"杭州\t2\t60\n杭州 2 60\n", "line 2: expected word, kind"},
                 {"杭州\t37\t60\n", "line 1: expected word, kind"},
                 {"杭州\t2\t256\n", "line 1: expected word, kind"},
                 {"杭州\t2\t6x\n", "line 1: expected word, kind"},
                 {"\t2\t6\n", "line 1: expected word, kind"},
                 {"杭州市西湖区路\t2\t60\n", "line 1: expected one word"},
                 {"two words\t2\t60\n", "line 1: expected one word"},
                 {"杭州\t32\t60\n", "line 1: expected one character"},
                 {"a\t32\t60\n", "line 1: expected one character"},
                 {"杭\t32\t0\n", "line 1: expected one character"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(train_with_words(cases[i].lines, temp_path(folder, "t"), NULL), LLMCS_FORMAT);
        ck_assert_msg(strstr(llmcs_error_message(), cases[i].error), "%s", llmcs_error_message());
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "words"));
    }
    ck_assert(!train_with_words("", temp_path(folder, "t"), NULL)); /* none */
    llmcs_shop_tagger_params p;
    llmcs_shop_tagger_params_init(&p);
    p.words_path = "/nonexistent";
    ck_assert_int_eq(llmcs_shop_tagger_train(own.rows, 4, &p, temp_path(folder, "t")), LLMCS_IO);
}
END_TEST

/* The likeliest segmentation: 北京 and 大学生 rather than 北京大学 and 生. */
START_TEST(words_are_segmented) {
    fail_alloc f;
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    static const char text[] = "在北京大学生 Paris";
    static const uint8_t begins[] = {0, 0, 1, 0, 1, 2, 0}, ends[] = {1, 2, 1, 3, 2, 1, 0};
    shop_tag_words words = {0};
    shop_text_view view = {0};
    shop_tokens tokens = {0};
    const shop_hits none = {0};
    temp_write_text(folder, "words",
                    "北京\t2\t80\n大学生\t10\t60\n北京大学\t3\t30\n大学\t10\t60\nparis\t8\t9\n在\t15\t90\n");
    ck_assert_msg(!shop_tag_words_read(&a, temp_path(folder, "words"), &words), "%s", llmcs_error_message());
    ck_assert_uint_eq(words.n, 6);
    ck_assert(!shop_text_view_fill(&a, text, strlen(text), &view));
    ck_assert(!shop_tokens_fill(&a, &view, &none, &words, &tokens));
    ck_assert_uint_eq(tokens.n, 7);
    for (size_t i = 0; i < 7; i++) {
        ck_assert_uint_eq(tokens.items[i].word_begin, begins[i]);
        ck_assert_uint_eq(tokens.items[i].word_end, ends[i]);
    }
    ck_assert_uint_eq(tokens.items[1].segment, 1 + 4 * 2 + SHOP_TAG_B);
    ck_assert_uint_eq(tokens.items[5].segment, 1 + 4 * 10 + SHOP_TAG_E);
    ck_assert_uint_eq(tokens.items[6].segment, 1 + 4 * 8 + SHOP_TAG_S);
    /* Named kinds are marked where they stand, chosen or not: 北京大学 ends at 学. */
    ck_assert_uint_eq(tokens.items[4].named, 1u << (3 * 3 + SHOP_TAG_E));
    ck_assert_uint_eq(tokens.items[1].named, 1u << (3 * 2 + SHOP_TAG_B) | 1u << (3 * 3 + SHOP_TAG_B));
    ck_assert_uint_eq(tokens.items[6].named, 1u << (3 * 8));
    shop_tag_words_free(&a, &words);
    shop_text_view_free(&a, &view);
    shop_free(&a, tokens.items);
    ck_assert_int_eq(f.live, 0);
}
END_TEST

START_TEST(every_allocation_of_words_fails) {
    llmcs_status status = LLMCS_NOMEM;
    for (long at = 0; status; at++) {
        fail_alloc f;
        fail_alloc_init(&f);
        const llmcs_allocator a = fail_alloc_get(&f);
        f.fail_at = at;
        shop_tag_words words = {0};
        temp_write_text(folder, "words", places);
        status = shop_tag_words_read(&a, temp_path(folder, "words"), &words);
        ck_assert_msg(!status || status == LLMCS_NOMEM, "allocation %ld: %s", at, llmcs_error_message());
        shop_tag_words_free(&a, &words);
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

START_TEST(every_allocation_fails) {
    fail_alloc f;
    llmcs_status status = LLMCS_NOMEM;
    for (long at = 0; status; at++) {
        fail_alloc_init(&f);
        const llmcs_allocator a = fail_alloc_get(&f);
        f.fail_at = at;
        char checkpoint[TEMP_PATH_BYTES];
        snprintf(checkpoint, sizeof checkpoint, "%s", temp_path(folder, "c"));
        unlink(checkpoint);
        status = train(&own, N_FAULT_ROWS, temp_path(folder, "f"), checkpoint, NULL, NULL, &a);
        ck_assert_msg(!status || status == LLMCS_NOMEM, "allocation %ld: %s", at, llmcs_error_message());
        ck_assert_int_eq(f.live, 0);
    }
    status = LLMCS_NOMEM;
    for (long at = 0; status; at++) {
        llmcs_shop_guard_options o;
        llmcs_shop_guard *g = NULL;
        llmcs_shop_masked *m = NULL;
        fail_alloc_init(&f);
        const llmcs_allocator a = fail_alloc_get(&f);
        f.fail_at = at;
        llmcs_shop_guard_options_init(&o);
        const char *path = temp_path(folder, "f");
        o.tagger_path = path;
        o.allocator = &a;
        status = llmcs_shop_guard_create(&o, &g);
        if (!status) status = llmcs_shop_mask(g, NULL, own.texts[0], LLMCS_NUL, NULL, &m);
        ck_assert_msg(!status || status == LLMCS_NOMEM, "allocation %ld: %s", at, llmcs_error_message());
        llmcs_shop_masked_free(&m);
        llmcs_shop_guard_free(&g);
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

static void add(TCase *t) {
    printf("shop/guard/tagger: seeds 20261132, 20261133\n");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, open_folder, close_folder);
    tcase_add_test(t, learns_both_languages);
    tcase_add_test(t, longer_spans_of_the_tagger_win);
    tcase_add_test(t, goes_on_from_a_checkpoint);
    tcase_add_test(t, damaged_files_are_refused);
    tcase_add_test(t, misuse);
    tcase_add_test(t, words_are_kept_by_hash);
    tcase_add_test(t, words_that_are_wrong_are_named);
    tcase_add_test(t, words_are_segmented);
    tcase_add_test(t, every_allocation_of_words_fails);
    tcase_add_test(t, every_allocation_fails);
}

SUITE_MAIN("shop/guard/tagger", add)
