/* Chooses the tagger and the order pattern of a guard. */
#include "guard.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETTING_BYTES = 65537 };

/* A setting of the store in fresh memory, or NULL if there is none. */
static char *setting(llmcs_shop *shop, const char *key) {
    size_t n = 0;
    char *value = shop ? malloc(SETTING_BYTES) : NULL;
    if (value && !llmcs_shop_get_setting(shop, key, value, SETTING_BYTES, &n) && n) return value;
    free(value);
    return NULL;
}

/* The tagger that is installed with this program, or next to where it was built; NULL if there is none. */
static char *own_tagger(void) {
    static const char *const places[] = {"/../share/llmcs/names.tagger", "/../../examples/models/heads/names.tagger"};
    char program[4096];
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 64);
    if (n <= 0) return NULL;
    program[n] = 0;
    char *slash = strrchr(program, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        strcpy(slash, places[i]);
        if (!access(program, R_OK)) return strdup(program);
    }
    return NULL;
}

bool guard_open(const guard_choice *choice, llmcs_shop *shop, llmcs_shop_guard **guard) {
    llmcs_shop_guard_options options;
    llmcs_shop_guard_options_init(&options);
    const bool none = choice->tagger && !strcmp(choice->tagger, "none");
    char *tagger = choice->tagger ? NULL : setting(shop, "llmcs.tagger"), *pattern = NULL;
    if (!tagger && !choice->tagger) tagger = own_tagger();
    options.tagger_path = none ? NULL : choice->tagger ? choice->tagger : tagger;
    if (!choice->order_pattern) pattern = setting(shop, "llmcs.order_pattern");
    options.order_pattern = choice->order_pattern ? choice->order_pattern : pattern;
    const bool opened = !llmcs_shop_guard_create(&options, guard);
    if (!opened) cli_failed("open the guard");
    free(tagger);
    free(pattern);
    return opened;
}
