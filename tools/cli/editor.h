/* Lines typed at a terminal, with editing and history (libedit). */
#ifndef TOOLS_CLI_EDITOR_H
#define TOOLS_CLI_EDITOR_H

#include <stddef.h>

typedef struct editor editor;

/* NULL if the terminal does not support editing; then read lines as from a file. */
editor *editor_open(const char *prompt);
void editor_close(editor *e);
/* The next line without its line end, valid until the next call; NULL at Ctrl-D. Ctrl-C empties the line. */
const char *editor_read(editor *e, size_t *len);

#endif
