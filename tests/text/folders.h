/* A temporary folder with the older files of a tokenizer, without its tokenizer.json. */
#ifndef TESTS_TEXT_FOLDERS_H
#define TESTS_TEXT_FOLDERS_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/suite.h"

static const char *const FOLDER_OLDER[] = {"vocab.json", "merges.txt", "vocab.txt", "tokenizer_config.json"};

/* folder: "/tmp/...XXXXXX", becomes the new folder's name. */
static inline void folder_link_older(const char *from, char *folder) {
    char *absolute = realpath(from, NULL);
    ck_assert_ptr_nonnull(absolute);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < sizeof FOLDER_OLDER / sizeof *FOLDER_OLDER; i++) {
        char source[1300], target[700];
        snprintf(source, sizeof source, "%s/%s", absolute, FOLDER_OLDER[i]);
        snprintf(target, sizeof target, "%s/%s", folder, FOLDER_OLDER[i]);
        if (access(source, R_OK) == 0) ck_assert_int_eq(symlink(source, target), 0);
    }
    free(absolute);
}

static inline void folder_unlink_older(const char *folder) {
    for (size_t i = 0; i < sizeof FOLDER_OLDER / sizeof *FOLDER_OLDER; i++) {
        char path[700];
        snprintf(path, sizeof path, "%s/%s", folder, FOLDER_OLDER[i]);
        unlink(path);
    }
    rmdir(folder);
}

#endif
