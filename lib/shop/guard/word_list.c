/* Reads word lists. */
#include "shop/guard/word_list.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shop/guard/word_tree.h"

#define HEAD "llmcs-words 1"

/* ---- parsing */

typedef struct list_reader {
    shop_word_list *list;
    const llmcs_allocator *a;
    const char *name;
    uint32_t line;
    enum { IN_NOTHING, IN_SECTION, IN_CLASS, IN_EXCEPT } in;
    uint32_t current;    /* section or class */
    bool wants_built_in; /* [built-in] */
    shop_text_view view;
    shop_letters letters;
} list_reader;

static llmcs_status fail_at(const list_reader *r, const char *what, const char *found, size_t n) {
    return shop_fail(LLMCS_FORMAT, "%s: line %u: \"%.*s\": %s", r->name, r->line, (int)shop_min(n, 60), found, what);
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static void trim(const char **text, size_t *n) {
    while (*n && is_blank(**text)) ++*text, --*n;
    while (*n && is_blank((*text)[*n - 1])) --*n;
}

static bool is_name(const char *text, size_t n) {
    if (!n || n >= SHOP_CATEGORY_BYTES) return false;
    for (size_t i = 0; i < n; i++) {
        const char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return false;
    }
    return true;
}

/* "0.75"; no locale and no exponents. */
static bool read_weight(const char *text, size_t n, double *weight) {
    uint32_t digits = 0, unit = 1;
    bool fraction = false;
    if (!n || n > 8) return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') return false;
        digits = digits * 10 + (uint32_t)(text[i] - '0');
        if (fraction) unit *= 10;
    }
    *weight = (double)digits / (double)unit;
    return *weight <= 1;
}

/* Splits off the next word of text, up to a blank. */
static size_t next_word(const char **text, size_t *n, const char **word) {
    trim(text, n);
    size_t len = 0;
    while (len < *n && !is_blank((*text)[len])) len++;
    *word = *text;
    *text += len;
    *n -= len;
    return len;
}

static bool read_action(const char *word, size_t n, int32_t *action) {
    static const char *const names[] = {"allow", "mask", "warn", "block", "handover"};
    for (int32_t i = 0; i < 5; i++)
        if (strlen(names[i]) == n && !memcmp(names[i], word, n)) {
            *action = i;
            return true;
        }
    return false;
}

static llmcs_status find_class(list_reader *r, const char *name, size_t n, uint32_t *index) {
    shop_word_list *list = r->list;
    if (!is_name(name, n)) return fail_at(r, "expected the name of a class: small letters, digits and -", name, n);
    for (uint32_t i = 0; i < list->n_classes; i++)
        if (strlen(list->classes[i].name) == n && !memcmp(list->classes[i].name, name, n)) {
            *index = i;
            return LLMCS_OK;
        }
    SHOP_TRY(shop_grow(r->a, &list->classes, list->n_classes, &list->class_capacity, list->n_classes + 1,
                       sizeof *list->classes, "word list"));
    SHOP_TRY(shop_grow(r->a, &list->atoms, list->n_atoms, &list->atom_capacity, list->n_atoms + 1, sizeof *list->atoms,
                       "word list"));
    shop_class *c = &list->classes[list->n_classes];
    *c = (shop_class){.atom = (uint32_t)list->n_atoms, .line = r->line};
    memcpy(c->name, name, n);
    list->atoms[list->n_atoms++] = SHOP_NONE;
    *index = (uint32_t)list->n_classes++;
    return LLMCS_OK;
}

/* [category action weight], [category action weight rule], [@class], [except], [built-in] */
static llmcs_status read_header(list_reader *r, const char *text, size_t n) {
    const char *whole = text, *word;
    const size_t whole_bytes = n;
    shop_word_section s = {0};
    if (n < 2 || text[n - 1] != ']') return fail_at(r, "expected ] at the end of the line", whole, whole_bytes);
    text++;
    n -= 2;
    size_t len = next_word(&text, &n, &word);
    if (len == 6 && !memcmp(word, "except", 6) && !n) {
        r->in = IN_EXCEPT;
        return LLMCS_OK;
    }
    if (len == 8 && !memcmp(word, "built-in", 8) && !n) {
        r->in = IN_NOTHING;
        r->wants_built_in = true;
        return LLMCS_OK;
    }
    if (len && word[0] == '@') {
        r->in = IN_CLASS;
        return find_class(r, word + 1, len - 1, &r->current);
    }
    if (!is_name(word, len))
        return fail_at(r, "expected the name of a category: small letters, digits and -", word, len);
    memcpy(s.category, word, len);
    len = next_word(&text, &n, &word);
    if (!read_action(word, len, &s.action))
        return fail_at(r, "expected allow, mask, warn, block or handover", word, len);
    len = next_word(&text, &n, &word);
    if (!read_weight(word, len, &s.weight)) return fail_at(r, "expected a weight from 0 to 1", word, len);
    len = next_word(&text, &n, &word);
    s.rule = len == 4 && !memcmp(word, "rule", 4);
    if (len && !s.rule) return fail_at(r, "expected \"rule\" or nothing", word, len);
    if (r->list->n_sections == SHOP_MAX_SECTIONS)
        return shop_fail(LLMCS_LIMIT, "%s: line %u: more than %d sections", r->name, r->line, SHOP_MAX_SECTIONS);
    SHOP_TRY(shop_grow(r->a, &r->list->sections, r->list->n_sections, &r->list->section_capacity,
                       r->list->n_sections + 1, sizeof s, "word list"));
    r->current = (uint32_t)r->list->n_sections;
    r->list->sections[r->list->n_sections++] = s;
    r->in = IN_SECTION;
    return LLMCS_OK;
}

/* Adds the letters of a literal part as an entry for the atom. */
static llmcs_status add_literal(list_reader *r, const char *text, size_t n, uint32_t atom) {
    shop_word_list *list = r->list;
    SHOP_TRY(shop_text_view_fill(r->a, text, n, &r->view));
    SHOP_TRY(shop_letters_fold(r->a, &r->view, &r->letters));
    const size_t count = r->letters.n;
    if (!count || count > SHOP_MAX_ENTRY) return fail_at(r, "expected a word of 1 to 64 letters", text, n);
    if (list->n_entries == SHOP_MAX_ENTRIES)
        return shop_fail(LLMCS_LIMIT, "%s: line %u: more than %d words", r->name, r->line, SHOP_MAX_ENTRIES);
    SHOP_TRY(shop_grow(r->a, &list->letters, list->n_letters, &list->letter_capacity, list->n_letters + count,
                       sizeof *list->letters, "word list"));
    SHOP_TRY(shop_grow(r->a, &list->entries, list->n_entries, &list->entry_capacity, list->n_entries + 1,
                       sizeof *list->entries, "word list"));
    for (size_t i = 0; i < count; i++) {
        const shop_letter *l = &r->letters.at[i];
        const uint8_t gap = l->gap == SHOP_GAP_HARD ? SHOP_GAP_SOFT : l->gap;
        list->letters[list->n_letters + i] = (shop_entry_letter){l->code, l->run, i ? gap : SHOP_GAP_NONE, l->han};
    }
    list->entries[list->n_entries++] = (shop_word_entry){(uint32_t)list->n_letters, (uint32_t)count, atom, SHOP_NONE};
    list->n_letters += count;
    return LLMCS_OK;
}

static llmcs_status add_use(list_reader *r, uint32_t atom, uint32_t phrase, uint32_t part) {
    shop_word_list *list = r->list;
    SHOP_TRY(shop_grow(r->a, &list->uses, list->n_uses, &list->use_capacity, list->n_uses + 1, sizeof *list->uses,
                       "word list"));
    list->uses[list->n_uses] = (shop_atom_use){phrase, part, list->atoms[atom]};
    list->atoms[atom] = (uint32_t)list->n_uses++;
    return LLMCS_OK;
}

static llmcs_status add_literal_part(list_reader *r, const char *text, size_t n, uint32_t phrase, uint32_t part) {
    shop_word_list *list = r->list;
    SHOP_TRY(shop_grow(r->a, &list->atoms, list->n_atoms, &list->atom_capacity, list->n_atoms + 1, sizeof *list->atoms,
                       "word list"));
    const uint32_t atom = (uint32_t)list->n_atoms++;
    list->atoms[atom] = SHOP_NONE;
    SHOP_TRY(add_literal(r, text, n, atom));
    return add_use(r, atom, phrase, part);
}

/* Reads a phrase: literal parts, ~ and <class>. */
static llmcs_status add_phrase(list_reader *r, const char *text, size_t n) {
    shop_word_list *list = r->list;
    const char *whole = text;
    const size_t whole_bytes = n;
    SHOP_TRY(shop_grow(r->a, &list->phrases, list->n_phrases, &list->phrase_capacity, list->n_phrases + 1,
                       sizeof *list->phrases, "word list"));
    const uint32_t phrase = (uint32_t)list->n_phrases++;
    shop_phrase p = {.section = r->in == IN_EXCEPT ? SHOP_NONE : r->current, .state = SHOP_NONE};
    while (n) {
        size_t len = 0;
        trim(&text, &n);
        if (!n) break;
        if (p.n_parts == SHOP_MAX_PARTS) return fail_at(r, "expected at most 6 parts in a phrase", whole, whole_bytes);
        if (text[0] == '~') {
            if (!p.n_parts || n == 1) return fail_at(r, "expected a part before and after ~", whole, whole_bytes);
            p.gaps = (uint8_t)(p.gaps | 1u << p.n_parts);
            len = 1;
        } else if (text[0] == '<') {
            uint32_t class_index;
            while (len < n && text[len] != '>') len++;
            if (len == n) return fail_at(r, "expected > after the name of a class", whole, whole_bytes);
            SHOP_TRY(find_class(r, text + 1, len - 1, &class_index));
            SHOP_TRY(add_use(r, list->classes[class_index].atom, phrase, p.n_parts));
            p.n_parts++;
            len++;
        } else {
            while (len < n && text[len] != '~' && text[len] != '<') len++;
            SHOP_TRY(add_literal_part(r, text, len, phrase, p.n_parts));
            p.n_parts++;
        }
        text += len;
        n -= len;
    }
    if (p.n_parts > 1) p.state = (uint32_t)list->n_states++;
    list->phrases[phrase] = p;
    return LLMCS_OK;
}

static llmcs_status add_item(list_reader *r, const char *text, size_t n) {
    trim(&text, &n);
    if (!n) return LLMCS_OK;
    if (r->in == IN_NOTHING) return fail_at(r, "expected a section header first: [category action weight]", text, n);
    if (r->in != IN_CLASS) return add_phrase(r, text, n);
    r->list->classes[r->current].n_members++;
    return add_literal(r, text, n, r->list->classes[r->current].atom);
}

static llmcs_status read_line(list_reader *r, const char *line, size_t n) {
    trim(&line, &n);
    if (!n || line[0] == '#') return LLMCS_OK;
    if (line[0] == '[') return read_header(r, line, n);
    while (n) {
        const char *comma = memchr(line, ',', n);
        const size_t len = comma ? (size_t)(comma - line) : n;
        SHOP_TRY(add_item(r, line, len));
        line += len + (comma != NULL);
        n -= len + (comma != NULL);
    }
    return LLMCS_OK;
}

/* Reads one text, which starts with the version line. */
static llmcs_status read_text(list_reader *r, const char *text) {
    bool first = true;
    r->line = 0;
    r->in = IN_NOTHING;
    if (!strncmp(text, "\xef\xbb\xbf", 3)) text += 3;
    while (*text) {
        const char *end = strchr(text, '\n');
        size_t n = end ? (size_t)(end - text) : strlen(text);
        r->line++;
        if (first) {
            const char *head = text;
            size_t len = n;
            trim(&head, &len);
            if (len < 12 || memcmp(head, HEAD, 12) != 0)
                return fail_at(r, "expected \"" HEAD "\": not a word list", head, len);
            if (len != sizeof HEAD - 1 || memcmp(head, HEAD, len) != 0)
                return shop_fail(LLMCS_UNSUPPORTED, "%s: line 1: \"%.*s\": this library reads version 1", r->name,
                                 (int)shop_min(len, 40), head);
            first = false;
        } else {
            SHOP_TRY(read_line(r, text, n));
        }
        text += n + (end != NULL);
    }
    return first ? shop_fail(LLMCS_FORMAT, "%s: empty, expected \"" HEAD "\" in the first line", r->name) : LLMCS_OK;
}

/* Joins the lines of a built-in list into one text. */
static llmcs_status join_lines(const llmcs_allocator *a, const char *const *lines, char **text) {
    size_t n = 1, at = 0;
    for (size_t i = 0; lines[i]; i++) n += strlen(lines[i]) + 1;
    SHOP_TRY(shop_alloc(a, n, 1, "word list", text));
    for (size_t i = 0; lines[i]; i++) {
        const size_t len = strlen(lines[i]);
        memcpy(*text + at, lines[i], len);
        (*text)[at + len] = '\n';
        at += len + 1;
    }
    (*text)[at] = 0;
    return LLMCS_OK;
}

static llmcs_status read_built_in(list_reader *r) {
    const char *const *const lists[] = {shop_english_lines, shop_chinese_lines};
    for (size_t i = 0; i < 2; i++) {
        char *text;
        SHOP_TRY(join_lines(r->a, lists[i], &text));
        const llmcs_status status = read_text(r, text);
        shop_free(r->a, text);
        SHOP_TRY(status);
    }
    return LLMCS_OK;
}

static llmcs_status read_all(list_reader *r, const char *const *texts, size_t n) {
    for (size_t i = 0; i < n; i++) SHOP_TRY(read_text(r, texts[i]));
    if (r->wants_built_in) SHOP_TRY(read_built_in(r));
    for (size_t i = 0; i < r->list->n_classes; i++)
        if (!r->list->classes[i].n_members)
            return shop_fail(LLMCS_FORMAT, "%s: line %u: class <%s> has no members: add a section [@%s]", r->name,
                             r->list->classes[i].line, r->list->classes[i].name, r->list->classes[i].name);
    return shop_word_tree_build(r->list);
}

llmcs_status shop_word_list_parse(const llmcs_allocator *a, const char *name, const char *const *texts, size_t n,
                                  shop_word_list **list) {
    *list = NULL;
    shop_word_list *l;
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof *l, "word list", &l));
    l->allocator = *a;
    list_reader r = {.list = l, .a = &l->allocator, .name = name};
    const llmcs_status status = read_all(&r, texts, n);
    shop_text_view_free(a, &r.view);
    shop_letters_free(a, &r.letters);
    if (status)
        shop_word_list_free(&l);
    else
        *list = l;
    return status;
}

void shop_word_list_free(shop_word_list **list) {
    shop_word_list *l = *list;
    if (!l) return;
    const llmcs_allocator a = l->allocator;
    *list = NULL;
    shop_free(&a, l->sections);
    shop_free(&a, l->classes);
    shop_free(&a, l->phrases);
    shop_free(&a, l->letters);
    shop_free(&a, l->entries);
    shop_free(&a, l->atoms);
    shop_free(&a, l->uses);
    shop_free(&a, l->nodes);
    shop_free(&a, l->edges);
    shop_free(&a, l);
}

/* ---- where lists come from */

llmcs_status shop_word_list_built_in(const llmcs_allocator *a, shop_word_list **list) {
    static const char *const all[] = {HEAD "\n[built-in]\n"};
    return shop_word_list_parse(a, "the built-in word list", all, 1, list);
}

static llmcs_status read_file(const llmcs_allocator *a, const char *path, char **text) {
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st)) {
        const int error = errno;
        if (fd >= 0) close(fd);
        return shop_fail(LLMCS_IO, "%s: cannot be opened (errno %d)", path, error);
    }
    llmcs_status status = LLMCS_OK;
    if (!S_ISREG(st.st_mode)) status = shop_fail(LLMCS_IO, "%s: not a regular file", path);
    if (!status && st.st_size > SHOP_WORD_LIST_BYTES)
        status = shop_fail(LLMCS_LIMIT, "%s: %lld bytes, expected at most %d", path, (long long)st.st_size,
                           SHOP_WORD_LIST_BYTES);
    if (!status) status = shop_alloc(a, (size_t)st.st_size + 1, 1, "word list", text);
    for (size_t at = 0; !status;) {
        const ssize_t got = read(fd, *text + at, (size_t)st.st_size - at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) status = shop_fail(LLMCS_IO, "%s: cannot be read (errno %d)", path, errno);
        if (got <= 0) {
            (*text)[at] = 0;
            break;
        }
        at += (size_t)got;
        if (at == (size_t)st.st_size) (*text)[at] = 0;
    }
    if (!status && strlen(*text) != (size_t)st.st_size)
        status = shop_fail(LLMCS_FORMAT, "%s: byte %lld is a NUL, or the file changed while it was read", path,
                           (long long)strlen(*text));
    close(fd);
    return status;
}

llmcs_status shop_word_list_open(const llmcs_allocator *a, const char *path, shop_word_list **list) {
    char *text = NULL;
    *list = NULL;
    llmcs_status status = read_file(a, path, &text);
    const char *const texts[] = {text};
    if (!status) status = shop_word_list_parse(a, path, texts, 1, list);
    shop_free(a, text);
    return status;
}
