#include "editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { HISTORY_LINES = 500 };

struct editor {
    EditLine *line;
    History *history;
    const char *prompt;
};

static char *prompt_of(EditLine *line) {
    editor *e = NULL;
    el_get(line, EL_CLIENTDATA, &e);
    return (char *)(uintptr_t)e->prompt;
}

/* libedit asks the locale how many bytes a character has; text here is UTF-8 always. Numbers keep their points. */
static void use_utf8(void) {
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8");
}

editor *editor_open(const char *prompt) {
    HistEvent event;
    editor *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    use_utf8();
    e->prompt = prompt;
    e->line = el_init(cli_program, stdin, stdout, stderr);
    e->history = history_init();
    if (!e->line || !e->history) {
        editor_close(e);
        return NULL;
    }
    history(e->history, &event, H_SETSIZE, HISTORY_LINES);
    history(e->history, &event, H_SETUNIQUE, 1);
    el_set(e->line, EL_CLIENTDATA, e);
    el_set(e->line, EL_PROMPT, prompt_of);
    el_set(e->line, EL_EDITOR, "emacs");
    el_set(e->line, EL_HIST, history, e->history);
    /* While a line is edited, Ctrl-C is a key; while an answer is generated, it is a signal. */
    el_set(e->line, EL_SETTY, "-d", "-isig", NULL);
    el_set(e->line, EL_BIND, "^C", "em-kill-line", NULL);
    el_source(e->line, NULL); /* ~/.editrc */
    return e;
}

void editor_close(editor *e) {
    if (e->line) el_end(e->line);
    if (e->history) history_end(e->history);
    free(e);
}

const char *editor_read(editor *e, size_t *len) {
    int n = 0;
    const char *line = el_gets(e->line, &n);
    HistEvent event;
    if (!line || n <= 0) return NULL;
    if (n > 1) history(e->history, &event, H_ENTER, line);
    *len = (size_t)n - (line[n - 1] == '\n');
    return line;
}
