/* Opens a store with the encoder in its settings. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

static bool open_shop(store *s, const char *path, uint32_t flags) {
    llmcs_shop_options options;
    llmcs_shop_options_init(&options);
    options.encoder = s->encoder;
    options.flags = flags;
    if (flags & LLMCS_SHOP_CREATE)
        options.postgres = ""; /* init uses only the file, so that it can correct the setting */
    options.log = cli_print_warning;
    if (!llmcs_shop_open(path, &options, &s->shop)) return true;
    cli_failed("open");
    return false;
}

/* The setting "llmcs.encoder" in fresh memory; NULL after an error message. */
static char *remembered_encoder(const char *path) {
    enum { PATH_BYTES = 65537 };
    store s = {0};
    size_t n;
    char *folder = malloc(PATH_BYTES);
    if (!folder) cli_error("no memory for a path");
    if (folder && open_shop(&s, path, LLMCS_SHOP_READ_ONLY) &&
        !llmcs_shop_get_setting(s.shop, "llmcs.encoder", folder, PATH_BYTES, &n)) {
        store_close(&s);
        return folder;
    }
    if (folder && s.shop) cli_failed("open");
    store_close(&s);
    free(folder);
    return NULL;
}

static bool open_encoder(store *s, const cli_common *common, const char *folder) {
    cli_common with_folder = *common;
    /* Three times as fast as float32, with the same answers. */
    if (with_folder.weights == LLMCS_WEIGHTS_AUTO) with_folder.weights = LLMCS_WEIGHTS_INT8;
    with_folder.folder = folder;
    if (!cli_open(&with_folder, NULL, &s->encoder)) return true;
    cli_failed("open the encoder");
    return false;
}

bool store_open(store *s, const cli_common *common, store_encoder which, const char *folder, uint32_t flags) {
    *s = (store){0};
    if (which == STORE_ENCODER && folder && !open_encoder(s, common, folder)) return false;
    if (which == STORE_ENCODER && !folder) {
        char *remembered = remembered_encoder(common->folder);
        const bool opened = remembered && (!*remembered || open_encoder(s, common, remembered));
        free(remembered);
        if (!opened) return false;
    }
    if (open_shop(s, common->folder, flags)) return true;
    store_close(s);
    return false;
}

void store_close(store *s) {
    llmcs_shop_free(&s->shop);
    llmcs_model_free(&s->encoder);
}

char *path_from_file(const char *file, const char *path) {
    const char *slash = strrchr(file, '/');
    const size_t folder = path[0] == '/' || !slash ? 0 : (size_t)(slash - file) + 1, bytes = strlen(path) + 1;
    char *joined = malloc(folder + bytes);
    if (!joined) return NULL;
    memcpy(joined, file, folder);
    memcpy(joined + folder, path, bytes);
    return joined;
}
