/*
 * Synonyms from WordNet 3's index files (wndb(5WN)): two words are synonyms if they, or their base forms, are in the
 * same set. Base forms are found as in morphy(7WN): by the exception lists, then by rules of detachment.
 *
 * A line of index.POS: lemma pos n_synsets n_pointers [pointer ...] n_senses n_tagged offset ...; lines that start with
 * a space are the licence. A line of POS.exc: inflected base ...
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shop/base/hash.h"
#include "shop/metrics/measure.h"

enum { N_POS = 4, MAX_FILE = 64 << 20, MAX_WORD = 64 };

static const char *const pos_names[N_POS] = {"noun", "verb", "adj", "adv"};

/* The sets or base forms of a word for one part of speech: bytes [begin, end) of the file's text. */
typedef struct entry {
    uint32_t word, word_bytes; /* in the text */
    uint32_t begin, end;
} entry;

typedef struct index_file {
    char *text; /* lines with NUL instead of LF */
    entry *entries;
    size_t n, capacity;
    uint32_t *slots; /* [n_slots] entry + 1 */
    size_t n_slots;
} index_file;

struct shop_wordnet {
    index_file synsets[N_POS], exceptions[N_POS];
};

static llmcs_status read_file(const llmcs_allocator *a, const char *path, char **text, size_t *n) {
    FILE *file = fopen(path, "rbe");
    if (!file) return shop_fail(LLMCS_IO, "%s: cannot be opened; WordNet's index files are needed", path);
    llmcs_status status = LLMCS_OK;
    const long size = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
    if (size < 0 || size > MAX_FILE || fseek(file, 0, SEEK_SET))
        status = shop_fail(LLMCS_IO, "%s: %lld bytes, expected a file of at most %d", path, (long long)size, MAX_FILE);
    if (!status) status = shop_alloc(a, (size_t)size + 1, 1, path, text);
    if (!status) {
        *n = fread(*text, 1, (size_t)size, file);
        (*text)[*n] = 0;
        if (*n != (size_t)size) status = shop_fail(LLMCS_IO, "%s: cannot be read", path);
    }
    fclose(file);
    return status;
}

static size_t home_of(const char *word, size_t n, size_t n_slots) {
    return (size_t)shop_xxh64(word, n) & (n_slots - 1);
}

static const entry *find(const index_file *f, const char *word, size_t n) {
    for (size_t i = home_of(word, n, f->n_slots); f->slots[i]; i = (i + 1) & (f->n_slots - 1)) {
        const entry *e = &f->entries[f->slots[i] - 1];
        if (e->word_bytes == n && !memcmp(f->text + e->word, word, n)) return e;
    }
    return NULL;
}

static llmcs_status make_table(const llmcs_allocator *a, index_file *f) {
    f->n_slots = 64;
    while (f->n_slots < 2 * f->n) f->n_slots *= 2;
    SHOP_TRY(shop_alloc_zero(a, f->n_slots, sizeof *f->slots, "wordnet", &f->slots));
    for (size_t e = 0; e < f->n; e++) {
        size_t i = home_of(f->text + f->entries[e].word, f->entries[e].word_bytes, f->n_slots);
        while (f->slots[i]) i = (i + 1) & (f->n_slots - 1);
        f->slots[i] = (uint32_t)e + 1;
    }
    return LLMCS_OK;
}

/* Skips n fields and the spaces after them. NULL: the line has fewer. */
static const char *skip_fields(const char *line, const char *end, unsigned long n) {
    for (; n && line < end; n--) {
        while (line < end && *line != ' ') line++;
        while (line < end && *line == ' ') line++;
    }
    return n ? NULL : line;
}

/* Where the offsets of a line of index.POS start, or NULL. */
static const char *find_offsets(const char *line, const char *end) {
    const char *at = skip_fields(line, end, 3);
    if (!at || at == end) return NULL;
    unsigned long n_pointers = 0;
    for (const char *digit = at; digit < end && *digit >= '0' && *digit <= '9' && n_pointers <= 100; digit++)
        n_pointers = n_pointers * 10 + (unsigned long)(*digit - '0');
    return n_pointers > 100 ? NULL : skip_fields(at, end, 1 + n_pointers + 2);
}

static llmcs_status load(const llmcs_allocator *a, const char *folder, const char *name, bool synsets, index_file *f) {
    char path[1024];
    size_t n_bytes = 0;
    sqlite3_snprintf(sizeof path, path, "%s/%s", folder, name);
    SHOP_TRY(read_file(a, path, &f->text, &n_bytes));
    for (size_t i = 0, line = 1; i < n_bytes; line++) {
        char *begin = f->text + i, *end = memchr(begin, '\n', n_bytes - i);
        if (!end) end = f->text + n_bytes;
        *end = 0;
        i = (size_t)(end - f->text) + 1;
        if (end == begin || *begin == ' ') continue;
        const char *rest = synsets ? find_offsets(begin, end) : skip_fields(begin, end, 1);
        if (!rest)
            return shop_fail(LLMCS_FORMAT, "%s: line %lld is not one of WordNet's index (wndb(5WN))", path,
                             (long long)line);
        SHOP_TRY(shop_grow(a, &f->entries, f->n, &f->capacity, f->n + 1, sizeof *f->entries, "wordnet"));
        f->entries[f->n++] = (entry){(uint32_t)(begin - f->text), (uint32_t)strcspn(begin, " "),
                                     (uint32_t)(rest - f->text), (uint32_t)(end - f->text)};
    }
    return make_table(a, f);
}

llmcs_status shop_wordnet_open(const llmcs_allocator *a, const char *folder, struct shop_wordnet **wordnet) {
    char name[32];
    llmcs_status status = shop_alloc_zero(a, 1, sizeof **wordnet, "wordnet", wordnet);
    for (int p = 0; p < N_POS && !status; p++) {
        sqlite3_snprintf(sizeof name, name, "index.%s", pos_names[p]);
        status = load(a, folder, name, true, &(*wordnet)->synsets[p]);
        sqlite3_snprintf(sizeof name, name, "%s.exc", pos_names[p]);
        if (!status) status = load(a, folder, name, false, &(*wordnet)->exceptions[p]);
    }
    if (status) shop_wordnet_free(a, wordnet);
    return status;
}

static void free_file(const llmcs_allocator *a, index_file *f) {
    shop_free(a, f->text);
    shop_free(a, f->entries);
    shop_free(a, f->slots);
}

void shop_wordnet_free(const llmcs_allocator *a, struct shop_wordnet **wordnet) {
    if (!*wordnet) return;
    for (int p = 0; p < N_POS; p++) {
        free_file(a, &(*wordnet)->synsets[p]);
        free_file(a, &(*wordnet)->exceptions[p]);
    }
    shop_free(a, *wordnet);
    *wordnet = NULL;
}

/* Offsets are numbers of eight digits. */
static bool share_a_set(const index_file *f, const entry *x, const entry *y) {
    for (uint32_t i = x->begin; i + 8 <= x->end; i += 9)
        for (uint32_t j = y->begin; j + 8 <= y->end; j += 9)
            if (!memcmp(f->text + i, f->text + j, 8)) return true;
    return false;
}

/* Rules of detachment of each part of speech: an ending and what replaces it. */
static const char *const endings[N_POS][9][2] = {{{"s", ""},
                                                  {"ses", "s"},
                                                  {"ves", "f"},
                                                  {"xes", "x"},
                                                  {"zes", "z"},
                                                  {"ches", "ch"},
                                                  {"shes", "sh"},
                                                  {"men", "man"},
                                                  {"ies", "y"}},
                                                 {{"s", ""},
                                                  {"ies", "y"},
                                                  {"es", "e"},
                                                  {"es", ""},
                                                  {"ed", "e"},
                                                  {"ed", ""},
                                                  {"ing", "e"},
                                                  {"ing", ""},
                                                  {NULL, NULL}},
                                                 {{"er", ""}, {"est", ""}, {"er", "e"}, {"est", "e"}, {NULL, NULL}},
                                                 {{NULL, NULL}}};

/* Entries of a word and of its base forms, of one part of speech. */
enum { MAX_BASES = 12 };
typedef struct bases {
    const entry *at[MAX_BASES];
    size_t n;
} bases;

static void add_base(bases *b, const index_file *f, const char *base, size_t n) {
    const entry *e = find(f, base, n);
    if (e && b->n < MAX_BASES) b->at[b->n++] = e;
}

/* A word in an exception list has only the base forms listed there. */
static void find_bases(bases *b, const struct shop_wordnet *w, int pos, const char *word, size_t n) {
    const index_file *f = &w->synsets[pos], *exceptions = &w->exceptions[pos];
    b->n = 0;
    add_base(b, f, word, n);
    const entry *e = find(exceptions, word, n);
    for (uint32_t i = e ? e->begin : 0; e && i < e->end;) {
        const size_t length = strcspn(exceptions->text + i, " ");
        add_base(b, f, exceptions->text + i, length);
        i += (uint32_t)length + 1;
    }
    for (int r = 0; !e && r < 9 && endings[pos][r][0]; r++) {
        const char *ending = endings[pos][r][0], *replacement = endings[pos][r][1];
        const size_t k = strlen(ending), extra = strlen(replacement);
        char base[MAX_WORD + 8];
        if (k >= n || memcmp(word + n - k, ending, k) != 0) continue;
        memcpy(base, word, n - k);
        for (size_t i = 0; i < extra; i++) base[n - k + i] = replacement[i];
        add_base(b, f, base, n - k + extra);
    }
}

/* False: cannot be a word of WordNet. */
static bool to_bytes(const uint32_t *word, size_t n, char *bytes) {
    if (!n || n > MAX_WORD) return false;
    for (size_t i = 0; i < n; i++) {
        if (word[i] >= 0x80 || word[i] <= ' ' || word[i] == '_') return false;
        bytes[i] = (char)word[i];
    }
    return true;
}

bool shop_wordnet_synonyms(const struct shop_wordnet *wordnet, const uint32_t *word, size_t word_n,
                           const uint32_t *other, size_t other_n) {
    char a[MAX_WORD], b[MAX_WORD];
    if (!to_bytes(word, word_n, a) || !to_bytes(other, other_n, b)) return false;
    for (int pos = 0; pos < N_POS; pos++) {
        bases x, y;
        find_bases(&x, wordnet, pos, a, word_n);
        if (x.n) find_bases(&y, wordnet, pos, b, other_n);
        for (size_t i = 0; i < x.n; i++)
            for (size_t j = 0; j < y.n; j++)
                if (share_a_set(&wordnet->synsets[pos], x.at[i], y.at[j])) return true;
    }
    return false;
}
