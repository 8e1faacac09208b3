/* The files of page/, which a rule of the Makefile makes part of the program. */
#ifndef TOOLS_SERVER_PAGE_H
#define TOOLS_SERVER_PAGE_H

#include <stddef.h>

typedef struct page_file {
    const char *name; /* "index.html" */
    const unsigned char *bytes;
    size_t n;
} page_file;

extern const page_file page_files[];
extern const size_t n_page_files;

#endif
