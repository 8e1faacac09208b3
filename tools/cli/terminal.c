/* Text for a terminal: escapes control characters, cuts between characters. */
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* C0 controls, DEL, and the C1 controls U+0080 to U+009F as UTF-8. Returns the control's bytes, 0 if there is none. */
static size_t control_bytes(const char *text, size_t len) {
    const unsigned char c = (unsigned char)*text;
    if (c < 0x20 || c == 0x7f) return 1;
    return c == 0xc2 && len > 1 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0 ? 2 : 0;
}

void cli_print_escaped(FILE *to, const char *text, size_t len, bool spaces_too) {
    for (size_t i = 0; i < len;) {
        const size_t n = control_bytes(text + i, len - i);
        const bool space = text[i] == '\n' || text[i] == '\t' || text[i] == '\r';
        if (!n || (space && !spaces_too))
            fputc(text[i++], to);
        else
            for (const size_t end = i + n; i < end; i++) fprintf(to, "\\x%02x", (unsigned char)text[i]);
    }
}

void cli_print_generated(const char *text, size_t len) {
    if (isatty(STDOUT_FILENO))
        cli_print_escaped(stdout, text, len, false);
    else
        fwrite(text, 1, len, stdout);
}

size_t cli_cut_utf8(const char *text, size_t len, size_t max) {
    if (len <= max) return len;
    while (max && ((unsigned char)text[max] & 0xc0) == 0x80) max--;
    return max;
}
