/* Runs a fuzz target on every input kept in tests/data/hostile/NAME, and on random damage to each of them, so that what
 * once fell out of a fuzzer stays fixed in every build. */
#ifndef TESTS_FUZZ_REPLAY_H
#define TESTS_FUZZ_REPLAY_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/random.h"
#include "support/suite.h"

enum { REPLAY_SEED = 20240607, REPLAY_LARGEST = 1 << 20 };

typedef int (*replay_target)(const uint8_t *data, size_t size);

/* The bytes go to the end of their own allocation: a sanitizer sees any read behind them. */
static inline void replay_exactly(replay_target target, const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, data, size);
    target(exact, size);
    free(exact);
}

/* One byte becomes one that parsers care for, or any; every fourth time what is behind it is cut off, too. */
static inline void replay_damaged(replay_target target, uint8_t *data, size_t size, int times, uint64_t *seed) {
    static const char bytes[] = "{}[]:,\"\\0123456789.-eEtfnu \n\x80\xff";
    for (int i = 0; i < times && size > 0; i++) {
        const size_t at = random_below(seed, size);
        const uint8_t kept = data[at];
        data[at] = i % 2 ? (uint8_t)random_next(seed) : (uint8_t)bytes[random_below(seed, sizeof bytes - 1)];
        replay_exactly(target, data, i % 4 ? size : at);
        data[at] = kept;
    }
}

static inline int replay_is_input(const struct dirent *e) { return e->d_name[0] != '.'; }

/* In the order of their names, so that a seed means the same on every file system. At least `least` inputs there are;
 * `times`: how often each is damaged. */
static inline void replay_inputs(replay_target target, const char *name, int least, int times) {
    static uint8_t data[REPLAY_LARGEST];
    uint64_t seed = REPLAY_SEED;
    struct dirent **entries;
    char folder[100], path[400];
    snprintf(folder, sizeof folder, "tests/data/hostile/%s", name);
    printf("%s: seed %d\n", folder, (int)REPLAY_SEED);
    const int n = scandir(folder, &entries, replay_is_input, alphasort);
    ck_assert_msg(n >= least, "%s: %d inputs", folder, n);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        FILE *f = fopen(path, "rb");
        ck_assert_msg(f != NULL, "%s", path);
        const size_t size = fread(data, 1, sizeof data, f);
        fclose(f);
        free(entries[i]);
        replay_exactly(target, data, size);
        replay_damaged(target, data, size, times, &seed);
    }
    free(entries);
    replay_exactly(target, data, 0);
}

#endif
