/* Which files of a folder are opened: inotify watches on each of them. */
#ifndef TOOLS_LLMCS_WATCH_H
#define TOOLS_LLMCS_WATCH_H

#include <stdbool.h>
#include <stddef.h>

enum { WATCH_MAX_FILES = 512 };

typedef struct file_watch {
    int fd; /* -1: this system has no inotify to spare, `opened` says nothing */
    size_t n;
    char *names[WATCH_MAX_FILES]; /* from the folder: "config.json", "1_Pooling/config.json" */
    int watches[WATCH_MAX_FILES];
    bool opened[WATCH_MAX_FILES];
} file_watch;

/* The files of a folder and of the folders in it, sorted; a path that is a file is its only one. */
void watch_start(file_watch *w, const char *path);
/* Marks the files that were opened since the last call. */
void watch_collect(file_watch *w);
void watch_stop(file_watch *w);

#endif
