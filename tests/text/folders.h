/* A temporary folder with the older files of a tokenizer, without its tokenizer.json. */
#ifndef TESTS_TEXT_FOLDERS_H
#define TESTS_TEXT_FOLDERS_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/suite.h"
#include "support/temp.h"

static const char *const FOLDER_OLDER[] = {"vocab.json", "merges.txt", "vocab.txt", "tokenizer_config.json"};

/* Into a new folder, which temp_remove deletes. */
static inline void folder_link_older(const char *from, char folder[TEMP_PATH_BYTES]) {
    char *absolute = realpath(from, NULL);
    ck_assert_ptr_nonnull(absolute);
    temp_folder(folder);
    for (size_t i = 0; i < sizeof FOLDER_OLDER / sizeof *FOLDER_OLDER; i++) {
        char source[1300], target[700];
        snprintf(source, sizeof source, "%s/%s", absolute, FOLDER_OLDER[i]);
        snprintf(target, sizeof target, "%s/%s", folder, FOLDER_OLDER[i]);
        if (access(source, R_OK) == 0) ck_assert_int_eq(symlink(source, target), 0);
    }
    free(absolute);
}

#endif
