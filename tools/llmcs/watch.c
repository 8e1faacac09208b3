#include "watch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file is watched by its path, so that links into a download cache count as the files they are. */
static void add_file(file_watch *w, const char *path, const char *name) {
    if (w->n == WATCH_MAX_FILES || !(w->names[w->n] = strdup(name))) return;
    w->watches[w->n] = w->fd < 0 ? -1 : inotify_add_watch(w->fd, path, IN_OPEN);
    w->n++;
}

static void add_folder(file_watch *w, const char *path, const char *prefix) {
    struct dirent **entries = NULL;
    const int n = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *entry = entries[i]->d_name;
        char inner[4096], name[1024];
        struct stat info;
        const bool fits = snprintf(inner, sizeof inner, "%s/%s", path, entry) < (int)sizeof inner &&
                          snprintf(name, sizeof name, "%s%s", prefix, entry) < (int)sizeof name - 1;
        if (*entry != '.' && fits && !stat(inner, &info)) {
            if (S_ISREG(info.st_mode)) add_file(w, inner, name);
            if (S_ISDIR(info.st_mode) && !*prefix) add_folder(w, inner, strcat(name, "/")); /* one level only */
        }
        free(entries[i]);
    }
    free(entries);
}

void watch_start(file_watch *w, const char *path) {
    struct stat info;
    *w = (file_watch){.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    if (stat(path, &info)) return;
    if (S_ISDIR(info.st_mode))
        add_folder(w, path, "");
    else
        add_file(w, path, path);
}

void watch_collect(file_watch *w) {
    char events[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n;
    while (w->fd >= 0 && (n = read(w->fd, events, sizeof events)) > 0)
        for (char *at = events; at < events + n;) {
            const struct inotify_event *event = (const void *)at;
            for (size_t i = 0; i < w->n; i++)
                if (w->watches[i] == event->wd) w->opened[i] = true; /* two names of one file share a watch */
            at += sizeof *event + event->len;
        }
}

void watch_stop(file_watch *w) {
    if (w->fd >= 0) close(w->fd);
    for (size_t i = 0; i < w->n; i++) free(w->names[i]);
    *w = (file_watch){.fd = -1};
}
