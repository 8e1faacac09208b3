/* Runs the fuzz targets on every input kept in tests/data/hostile/TARGET, and on random damage to each of them, so
 * that what once fell out of a fuzzer stays fixed in every build. */
#include <dirent.h>

#include "fuzz/targets.h"
#include "fuzz/targets_calls.h"
#include "fuzz/targets_model.h"
#include "fuzz/targets_search.h"
#include "fuzz/targets_spans.h"
#include "fuzz/targets_text.h"
#include "support/random.h"
#include "support/suite.h"

#define LARGEST (1 << 20)

typedef int (*target)(const uint8_t *data, size_t size);

/* The bytes go to the end of their own allocation: a sanitizer sees any read behind them. */
static void run_on(target run, const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, data, size);
    run(exact, size);
    free(exact);
}

static void damage_and_run(target run, uint8_t *data, size_t size, uint64_t *seed) {
    static const char bytes[] = "{}[]:,\"\\0123456789.-eEtfnu \n\x80\xff";
    for (int i = 0; i < (int)(60 / suite_step(4)) && size > 0; i++) {
        size_t at = random_below(seed, size);
        uint8_t kept = data[at];
        data[at] = (uint8_t)bytes[random_below(seed, sizeof bytes - 1)];
        run_on(run, data, i % 4 ? size : at);
        data[at] = kept;
    }
}

/* Returns how many inputs there were. */
static int replay(target run, const char *name) {
    static uint8_t data[LARGEST];
    uint64_t seed = 20240607;
    char folder[100];
    int n = 0;
    snprintf(folder, sizeof folder, "tests/data/hostile/%s", name);
    DIR *d = opendir(folder);
    ck_assert_msg(d != NULL, "%s", folder);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!f) continue;
        size_t size = fread(data, 1, sizeof data, f);
        fclose(f);
        run_on(run, data, size);
        damage_and_run(run, data, size, &seed);
        n++;
    }
    closedir(d);
    run_on(run, data, 0);
    remove_fuzz_folder();
    return n;
}

START_TEST(json) { ck_assert_int_ge(replay(fuzz_json, "json"), 5); }
END_TEST
START_TEST(safetensors) { ck_assert_int_ge(replay(fuzz_safetensors, "safetensors"), 5); }
END_TEST
START_TEST(header) { ck_assert_int_ge(replay(fuzz_header, "header"), 5); }
END_TEST
START_TEST(shards) { ck_assert_int_ge(replay(fuzz_index, "index"), 5); }
END_TEST
START_TEST(gguf) { ck_assert_int_ge(replay(fuzz_gguf, "gguf"), 5); }
END_TEST
START_TEST(session) { ck_assert_int_ge(replay(fuzz_session, "session"), 5); }
END_TEST
START_TEST(vectors) { ck_assert_int_ge(replay(fuzz_vectors, "vectors"), 15); }
END_TEST
START_TEST(config) { ck_assert_int_ge(replay(fuzz_config, "config"), 5); }
END_TEST

START_TEST(tokenizer) { ck_assert_int_ge(replay(fuzz_tokenizer, "tokenizer"), 5); }
END_TEST
START_TEST(text) { ck_assert_int_ge(replay(fuzz_text, "text"), 5); }
END_TEST
START_TEST(matcher) { ck_assert_int_ge(replay(fuzz_matcher, "matcher"), 5); }
END_TEST
START_TEST(model_folder) { ck_assert_int_ge(replay(fuzz_folder_model, "folder"), 2); }
END_TEST
START_TEST(open_files) { ck_assert_int_ge(replay(fuzz_open, "open"), 2); }
END_TEST
START_TEST(open_gguf) { ck_assert_int_ge(replay(fuzz_open, "gguf"), 5); }
END_TEST
START_TEST(quantize) { ck_assert_int_ge(replay(fuzz_quantize, "quantize"), 2); }
END_TEST
START_TEST(oom) { ck_assert_int_ge(replay(fuzz_oom, "oom"), 4); }
END_TEST
START_TEST(windows) { ck_assert_int_ge(replay(fuzz_windows, "windows"), 5); }
END_TEST
START_TEST(spans) { ck_assert_int_ge(replay(fuzz_spans, "spans"), 8); }
END_TEST
START_TEST(calls_in_any_order) { ck_assert_int_ge(replay(fuzz_calls, "calls"), 5); }
END_TEST

static void add(TCase *t) {
    printf("fuzz/replay: seed 20240607\n");
    tcase_add_test(t, json);
    tcase_add_test(t, safetensors);
    tcase_add_test(t, header);
    tcase_add_test(t, shards);
    tcase_add_test(t, gguf);
    tcase_add_test(t, config);
    tcase_add_test(t, session);
    tcase_add_test(t, vectors);
    tcase_add_test(t, tokenizer);
    tcase_add_test(t, text);
    tcase_add_test(t, matcher);
    tcase_add_test(t, model_folder);
    tcase_add_test(t, open_files);
    tcase_add_test(t, open_gguf);
    tcase_add_test(t, quantize);
    tcase_add_test(t, oom);
    tcase_add_test(t, windows);
    tcase_add_test(t, spans);
    tcase_add_test(t, calls_in_any_order);
}

SUITE_MAIN("fuzz/replay", add)
