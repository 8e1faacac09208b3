/* Searches, puts, removes, builds and saves at the same time: each search sees a version of the index as a whole. */
#include <pthread.h>
#include <stdatomic.h>

#include "search/search_case.h"

#define DIM 16
#define N_ITEMS 700
#define N_SEARCHERS 3

/* The writer puts all items of a generation at once: vector e1 times the generation, plus a little of the item's own
 * direction. With DOT and the query e1 the scores tell the generation: a search must see one generation only, of all
 * items that exist. Between generations it removes the odd items, or puts them back. */
typedef struct world {
    llmcs_index *index;
    atomic_bool stop;
    atomic_int n_searches;
    char folder[TEMP_PATH_BYTES];
} world;

static void write_generation(llmcs_index *index, int generation) {
    static float vectors[N_ITEMS * DIM];
    static uint64_t ids[N_ITEMS];
    static llmcs_item_tags tags[N_ITEMS];
    memset(vectors, 0, sizeof vectors);
    for (size_t i = 0; i < N_ITEMS; i++) {
        ids[i] = i;
        vectors[i * DIM] = (float)generation;
        tags[i] = (llmcs_item_tags){i % 2, (double)generation};
    }
    OK(llmcs_index_put(index, ids, vectors, tags, N_ITEMS));
}

static void remove_odd(llmcs_index *index) {
    uint64_t ids[N_ITEMS / 2];
    size_t n_removed;
    for (size_t i = 0; i < N_ITEMS / 2; i++) ids[i] = 2 * i + 1;
    OK(llmcs_index_remove(index, ids, N_ITEMS / 2, &n_removed));
    ck_assert_uint_eq(n_removed, N_ITEMS / 2);
}

/* All or the even items, each once, all of the same generation. */
static void check_view(llmcs_index *index, bool exact) {
    static const float query[2 * DIM] = {[0] = 1, [DIM] = 1};
    uint64_t *ids = temp_alloc(2 * (N_ITEMS + 9) * sizeof *ids);
    float *scores = temp_alloc(2 * (N_ITEMS + 9) * sizeof *scores);
    unsigned char seen[N_ITEMS] = {0};
    size_t n_found[2];
    llmcs_search_params p;
    llmcs_search_params_init(&p);
    p.k = N_ITEMS + 9;
    p.exact = exact;
    OK(llmcs_index_search(index, query, 2, &p, ids, scores, n_found));
    ck_assert_msg(n_found[0] == N_ITEMS || n_found[0] == N_ITEMS / 2, "%zu found", n_found[0]);
    ck_assert_uint_eq(n_found[1], n_found[0]);
    for (size_t i = 0; i < n_found[0]; i++) {
        ck_assert_msg(scores[i] == scores[0] && scores[p.k + i] == scores[0], "generations %g, %g and %g",
                      (double)scores[0], (double)scores[i], (double)scores[p.k + i]);
        ck_assert_uint_lt(ids[i], N_ITEMS);
        ck_assert_uint_eq(seen[ids[i]], 0);
        ck_assert(n_found[0] == N_ITEMS || ids[i] % 2 == 0);
        seen[ids[i]] = 1;
    }
    free(ids);
    free(scores);
}

static void *search_on_and_on(void *arg) {
    world *w = arg;
    for (int i = 0; !atomic_load(&w->stop); i++) {
        check_view(w->index, i % 2);
        atomic_fetch_add(&w->n_searches, 1);
    }
    return NULL;
}

static void *save_on_and_on(void *arg) {
    world *w = arg;
    while (!atomic_load(&w->stop)) {
        llmcs_index *copy = NULL;
        const char *path = temp_path(w->folder, "saved.index");
        OK(llmcs_index_save(w->index, path));
        OK(llmcs_index_open(path, NULL, &copy));
        check_view(copy, true);
        llmcs_index_free(&copy);
    }
    return NULL;
}

START_TEST(searches_see_whole_versions) {
    world w = {.index = make_index(DIM, _i ? LLMCS_VECTOR_F32 : LLMCS_VECTOR_INT8, LLMCS_METRIC_DOT, 0, 2)};
    pthread_t threads[N_SEARCHERS + 1];
    llmcs_index_build_params p;
    llmcs_index_build_params_init(&p);
    p.min_vectors = 1;
    p.n_lists = 8;
    temp_folder(w.folder);
    write_generation(w.index, 1);
    for (int i = 0; i < N_SEARCHERS; i++) ck_assert(!pthread_create(&threads[i], NULL, search_on_and_on, &w));
    ck_assert(!pthread_create(&threads[N_SEARCHERS], NULL, save_on_and_on, &w));
    const int n = suite_sanitized() || suite_emulated(NULL) ? 60 : 300;
    for (int generation = 2; generation < n || (atomic_load(&w.n_searches) < 20 && generation < 2000); generation++) {
        if (generation % 7 == 0) remove_odd(w.index);
        if (generation % 50 == 0) OK(llmcs_index_build(w.index, &p));
        write_generation(w.index, generation);
    }
    atomic_store(&w.stop, true);
    for (int i = 0; i <= N_SEARCHERS; i++) pthread_join(threads[i], NULL);
    check_view(w.index, false);
    for (int i = 0; i < 4; i++) write_generation(w.index, 1); /* no search needs the old slots any more */
    llmcs_index_info info = {.struct_size = sizeof info};
    OK(llmcs_index_get_info(w.index, &info));
    ck_assert_uint_eq(info.n_vectors, N_ITEMS);
    ck_assert_uint_lt(info.n_removed, 5 * N_ITEMS);
    llmcs_index_free(&w.index);
    temp_remove(w.folder);
}
END_TEST

/* Several writers: each has ids of its own, and finds them as it left them. */
typedef struct writer {
    llmcs_index *index;
    uint64_t first, seed;
} writer;

static void *write_own_items(void *arg) {
    writer *w = arg;
    float vector[DIM], stored[DIM];
    int found;
    for (int i = 0; i < 2000 / (int)suite_step(4); i++) {
        const uint64_t id = w->first + random_below(&w->seed, 50);
        random_fill(&w->seed, 1.0f, vector, DIM);
        OK(llmcs_index_put(w->index, &id, vector, NULL, 1));
        OK(llmcs_index_get(w->index, id, stored, NULL, &found));
        ck_assert(found && memcmp(vector, stored, sizeof vector) == 0);
        if (i % 3) continue;
        OK(llmcs_index_remove(w->index, &id, 1, NULL));
        OK(llmcs_index_get(w->index, id, stored, NULL, &found));
        ck_assert_int_eq(found, 0);
    }
    return NULL;
}

START_TEST(writers_take_turns) {
    llmcs_index *index = make_index(DIM, LLMCS_VECTOR_F32, LLMCS_METRIC_DOT, 0, 1);
    writer writers[3];
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        writers[i] = (writer){index, i * 1000, 80 + i};
        ck_assert(!pthread_create(&threads[i], NULL, write_own_items, &writers[i]));
    }
    for (size_t i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    llmcs_index_free(&index);
}
END_TEST

static void add(TCase *t) {
    printf("search/snapshots: seeds 80 to 82\n");
    tcase_add_loop_test(t, searches_see_whole_versions, 0, 2);
    tcase_add_test(t, writers_take_turns);
}

SUITE_MAIN("search/snapshots", add)
