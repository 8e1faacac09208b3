/* Threads that ask while others put and retire: every question finds what was put before it, and vectors of several
 * handles follow one store. */
#include <pthread.h>
#include <stdlib.h>

#include "shop/store/shop_case.h"
#include "support/model_fixture.h"

enum { N_ASKERS = 3, N_ROUNDS = 12 };

typedef struct job {
    llmcs_shop *shop;
    int number;
    atomic_int *failed;
    char why[300];
} job;

static void note_failure(job *j, const char *what) {
    if (!atomic_fetch_add(j->failed, 1)) snprintf(j->why, sizeof j->why, "%s: %s", what, llmcs_error_message());
}

static bool finds(job *j, const char *question, const char *id) {
    llmcs_shop_answer *a = NULL;
    bool found = false;
    if (llmcs_shop_ask(j->shop, question, LLMCS_NUL, NULL, &a)) return note_failure(j, "ask"), false;
    for (size_t i = 0; i < a->n_candidates; i++) found = found || !strcmp(a->candidates[i]->id, id);
    llmcs_shop_answer_free(&a);
    return found;
}

static void put(job *j, const char *id, const char *question) {
    const llmcs_shop_entry e = {
        .struct_size = sizeof e, .id = id, .lang = "en", .questions = &question, .n_questions = 1, .answer = "yes"};
    const llmcs_shop_entry *list[] = {&e};
    if (llmcs_shop_put_entries(j->shop, list, 1, NULL, NULL, NULL)) note_failure(j, "put");
}

static void *put_and_retire(void *user) {
    job *j = user;
    for (int i = 0; i < N_ROUNDS; i++) {
        char id[32], question[64];
        snprintf(id, sizeof id, "t%d-%d", j->number, i);
        snprintf(question, sizeof question, "zebra%d number%d", j->number, i);
        put(j, id, question);
        if (!finds(j, question, id)) note_failure(j, "an entry that was put is not found");
        if (i % 2 && llmcs_shop_retire_entry(j->shop, id, NULL, NULL)) note_failure(j, "retire");
        if (i % 2 && finds(j, question, id)) note_failure(j, "an entry that was retired is found");
    }
    return NULL;
}

static void *ask_again(void *user) {
    job *j = user;
    for (int i = 0; i < 3 * N_ROUNDS; i++)
        if (!finds(j, "do you sell a hat", "hat")) note_failure(j, "the hat is not found");
    return NULL;
}

START_TEST(ask_put_and_retire_at_once) {
    char folder[TEMP_PATH_BYTES], path[TEMP_PATH_BYTES + 16], model_folder[TEMP_PATH_BYTES];
    llmcs_shop *shop = NULL, *other = NULL;
    llmcs_shop_options o;
    atomic_int failed = 0;
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/shop.db", folder);
    text_bert_folder("bert-embed", model_folder);
    llmcs_model *encoder = open_model(model_folder, 1);
    llmcs_shop_options_init(&o);
    o.encoder = encoder;
    o.flags = LLMCS_SHOP_CREATE;
    o.busy_ms = 60000;
    o.n_readers = 2;
    SHOP_OK(llmcs_shop_open(path, &o, &shop));
    SHOP_OK(llmcs_shop_open(path, &o, &other));
    job jobs[N_ASKERS + 2];
    pthread_t threads[N_ASKERS + 2];
    for (int i = 0; i < N_ASKERS + 2; i++)
        jobs[i] = (job){.shop = i % 2 ? other : shop, .number = i, .failed = &failed};
    put(&jobs[0], "hat", "do you sell a hat");
    for (int i = 0; i < N_ASKERS + 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, i < 2 ? put_and_retire : ask_again, &jobs[i]), 0);
    for (int i = 0; i < N_ASKERS + 2; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < N_ASKERS + 2; i++) ck_assert_msg(!jobs[i].why[0], "%s", jobs[i].why);
    ck_assert_uint_eq(shop_info(shop).n_entries, 1 + N_ROUNDS);
    llmcs_shop_free(&shop);
    llmcs_shop_free(&other);
    llmcs_model_free(&encoder);
    temp_remove(model_folder);
    temp_remove(folder);
}
END_TEST

static void add(TCase *t) { tcase_add_test(t, ask_put_and_retire_at_once); }

SUITE_MAIN("shop/knowledge/knowledge_threads", add)
