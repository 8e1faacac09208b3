/* Text from stdin: bounded lines, line ends and byte order marks of Windows, text that is not UTF-8. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const char byte_order_mark[] = "\xEF\xBB\xBF";

/* False: no memory. */
static bool append_byte(cli_lines *l, char c) {
    if (l->len + 2 > l->capacity) {
        const size_t capacity = l->capacity ? 2 * l->capacity : 256;
        char *larger = realloc(l->line, capacity);
        if (!larger) return false;
        l->line = larger;
        l->capacity = capacity;
    }
    l->line[l->len++] = c;
    l->line[l->len] = 0;
    return true;
}

static bool lines_failed(cli_lines *l, const char *what) {
    fflush(stdout);
    fprintf(stderr, "%s: %s: %s\n", cli_program, l->from ? "input file" : "stdin", what);
    l->failed = true;
    return false;
}

bool cli_next_line(cli_lines *l) {
    FILE *from = l->from ? l->from : stdin;
    bool any = false, bom = !l->number;
    int c = 0;
    l->len = 0;
    l->too_long = false;
    while ((c = getc_unlocked(from)) != EOF && c != '\n') {
        any = true;
        l->too_long = l->too_long || l->len > l->max_bytes; /* a CR may follow max_bytes */
        if (l->too_long) continue;
        if (!append_byte(l, (char)c)) return lines_failed(l, "no memory for a line");
        if (bom && l->len == 3 && !memcmp(l->line, byte_order_mark, 3)) l->len = 0, bom = false;
    }
    if (c == EOF && ferror(from)) return lines_failed(l, "cannot be read");
    if (c == EOF && !any) return false;
    if (!l->capacity && !(append_byte(l, 0))) return lines_failed(l, "no memory for a line");
    if (!any) l->len = 0;
    if (c == '\n' && !l->too_long && l->len && l->line[l->len - 1] == '\r') l->len--;
    l->too_long = l->too_long || l->len > l->max_bytes;
    l->line[l->len] = 0;
    l->number++;
    return true;
}

void cli_lines_free(cli_lines *l) { free(l->line); }

bool cli_is_blank(const char *text, size_t len) {
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t')) len--;
    return !len;
}

static bool is_utf8(const char *text, size_t len) {
    bool ascii = true;
    for (size_t i = 0; i < len && ascii; i++) ascii = (unsigned char)text[i] < 0x80;
    if (ascii) return true;
    json_t *string = json_stringn(text, len);
    json_decref(string);
    return string;
}

bool cli_check_utf8(const cli_common *common, const char *text, size_t len, size_t line) {
    static bool warned;
    char where[64] = "the text";
    if (is_utf8(text, len)) return true;
    if (line) snprintf(where, sizeof where, "line %zu of stdin", line);
    if (!common->strict_utf8 && warned) return true;
    warned = true;
    fflush(stdout);
    fprintf(stderr, "%s: %s is not UTF-8%s; iconv -f GBK -t UTF-8 (or LATIN1, ...) converts it\n", cli_program, where,
            common->strict_utf8 ? "" : ": its bad bytes are read as U+FFFD (--strict-utf8 refuses such text)");
    return !common->strict_utf8;
}

/* CR LF becomes LF; a byte order mark at the start and the last line end go. */
static void normalise_line_ends(char *text, size_t *len) {
    size_t n = 0, i = *len >= 3 && !memcmp(text, byte_order_mark, 3) ? 3 : 0;
    for (; i < *len; i++)
        if (text[i] != '\r' || i + 1 == *len || text[i + 1] != '\n') text[n++] = text[i];
    if (n && text[n - 1] == '\n') n--;
    text[n] = 0;
    *len = n;
}

static char *read_stdin(size_t max_bytes, size_t *len) {
    size_t used = 0, capacity = 1 << 16;
    char *text = malloc(capacity);
    while (text) {
        used += fread(text + used, 1, capacity - used - 1, stdin);
        if (used < capacity - 1 || used > max_bytes) break;
        capacity *= 2;
        char *larger = realloc(text, capacity);
        if (!larger) free(text);
        text = larger;
    }
    if (text && !ferror(stdin) && used <= max_bytes) {
        text[used] = 0;
        *len = used;
        return text;
    }
    if (text && !ferror(stdin))
        cli_error("the text on stdin is longer than --max-line-bytes (%zu)", max_bytes);
    else
        cli_error("stdin: %s", text ? "cannot be read" : "no memory for the text");
    free(text);
    return NULL;
}

static char *join_arguments(const cli_common *common, size_t *len) {
    char *text = NULL;
    FILE *joined = open_memstream(&text, len);
    if (!joined) return NULL;
    for (int i = 0; i < common->n_texts; i++) fprintf(joined, "%s%s", i ? " " : "", common->texts[i]);
    if (!fclose(joined)) return text;
    free(text);
    return NULL;
}

char *cli_text(const cli_common *common, size_t *len) {
    char *text = NULL;
    if (common->n_texts) {
        text = join_arguments(common, len);
        if (!text) cli_error("no memory for the text");
    } else {
        text = read_stdin((size_t)common->max_line_bytes, len);
        if (text) normalise_line_ends(text, len);
    }
    if (!text || cli_check_utf8(common, text, *len, 0)) return text;
    free(text);
    return NULL;
}

static int each_line(const cli_common *common, int (*each)(void *user, const char *text, size_t len), void *user) {
    cli_lines lines = {.max_bytes = (size_t)common->max_line_bytes};
    const bool progress = isatty(STDERR_FILENO) && !isatty(STDIN_FILENO) && !isatty(STDOUT_FILENO);
    int code = EXIT_DONE;
    while (code == EXIT_DONE && cli_next_line(&lines)) {
        if (lines.too_long)
            code = cli_error("line %zu of stdin is longer than --max-line-bytes (%zu)", lines.number, lines.max_bytes);
        else if (!cli_check_utf8(common, lines.line, lines.len, lines.number))
            code = EXIT_FAILED;
        else if (!cli_is_blank(lines.line, lines.len))
            code = each(user, lines.line, lines.len);
        if (progress && lines.number % 16 == 0) fprintf(stderr, "\r%zu lines", lines.number);
    }
    if (progress) fprintf(stderr, "\r%zu lines\n", lines.number);
    if (lines.failed) code = EXIT_FAILED;
    cli_lines_free(&lines);
    return code;
}

int cli_each_text(const cli_common *common, int (*each)(void *user, const char *text, size_t len), void *user) {
    int code = EXIT_DONE;
    if (!common->n_texts) return each_line(common, each, user);
    for (int i = 0; i < common->n_texts && code == EXIT_DONE; i++) {
        const size_t len = strlen(common->texts[i]);
        code = cli_check_utf8(common, common->texts[i], len, 0) ? each(user, common->texts[i], len) : EXIT_FAILED;
    }
    return code;
}
