#include "support/temp.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/suite.h"

/* TMPDIR, else memory, where thousands of small files are cheap to write over, else the disk. */
void temp_folder(char path[TEMP_PATH_BYTES]) {
    const char *bases[] = {getenv("TMPDIR"), "/dev/shm", "/tmp"};
    bool made = false;
    for (size_t i = 0; i < 3 && !made; i++) {
        if (!bases[i] || strlen(bases[i]) > 200) continue;
        strcpy(path, bases[i]);
        strcat(path, "/llmcs-test-XXXXXX");
        made = mkdtemp(path) != NULL;
    }
    ck_assert_msg(made, "no folder can be made in TMPDIR, /dev/shm or /tmp");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where) {
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

void *temp_alloc(size_t n_bytes) {
    void *p = malloc(n_bytes);
    ck_assert_ptr_nonnull(p);
    return p;
}

void temp_remove(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

const char *temp_path(const char *folder, const char *name) {
    static char paths[4][TEMP_PATH_BYTES * 2];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void temp_write(const char *folder, const char *name, const void *data, size_t len) {
    FILE *f = fopen(temp_path(folder, name), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

void temp_write_text(const char *folder, const char *name, const char *text) {
    temp_write(folder, name, text, strlen(text));
}
