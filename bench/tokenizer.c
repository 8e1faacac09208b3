/* llmcs-bench tokenizer FOLDER: speed in MB/s on one core, for ordinary text and for the worst cases of each family. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench.h"
#include "llmcs.h"

#define TEXT_BYTES ((size_t)4 << 20)

/* Repeats `piece`; with `vary`, its digits change, so that a cache of known words does not suffice. */
static char *fill(const char *piece, int vary) {
    char *text = malloc(TEXT_BYTES + 64);
    const size_t n = strlen(piece);
    if (!text) return NULL;
    uint32_t state = 1;
    for (size_t at = 0; at < TEXT_BYTES; at += n) {
        memcpy(text + at, piece, n < TEXT_BYTES + 64 - at ? n : TEXT_BYTES + 64 - at);
        for (size_t i = at; vary && i < at + n && i < TEXT_BYTES; i++) {
            state = state * 1664525u + 1013904223u;
            if (text[i] == '#') text[i] = (char)('a' + (state >> 24) % 26);
        }
    }
    return text;
}

static int measure(const bench *b, const llmcs_tokenizer *t, const char *name, const char *piece, int vary) {
    double rates[BENCH_MAX_REPEATS];
    char *text = fill(piece, vary);
    int32_t *ids = malloc((TEXT_BYTES + 16) * sizeof *ids);
    size_t n = 0;
    llmcs_status status = text && ids ? LLMCS_OK : LLMCS_NOMEM;
    size_t len = TEXT_BYTES;
    while (text && len && ((unsigned char)text[len] & 0xc0) == 0x80) len--; /* not inside a character */
    for (int i = 0; i < b->repeats && !status; i++) {
        const uint64_t start = ll_now_ns();
        status = llmcs_encode(t, text, len, NULL, 0, NULL, ids, NULL, NULL, TEXT_BYTES + 16, &n);
        rates[i] = (double)len * 1e3 / (double)(ll_now_ns() - start);
    }
    free(text);
    free(ids);
    if (status) return bench_failed(name);
    const size_t n_rates = (size_t)b->repeats;
    const bench_row row = {.label = name, .name = name, .model = b->options->path, .tokens = n, .unit = "MB/s"};
    const double median = bench_median(rates, n_rates);
    bench_report_row(b, &row, &(bench_figure){.value = median, .least = rates[0], .most = rates[n_rates - 1]});
    return 0;
}

int bench_tokenizer_main(const bench *b) {
    static const struct {
        const char *name, *piece;
        int vary;
    } families[] = {
        {"English",
         "The parcel arrived two days late, but the jacket fits well and the colour is exactly as shown. I'd order "
         "from this shop again; customer service answered within 10 minutes.\n",
         0},
        {"English, rare words", "The parc#l arr#ved tw# d##s l###, but th# j##k## fits we## and th# col##r is ##.\n",
         1},
        {"Chinese", "快递很快，衣服质量不错，颜色和图片一样，客服回答也很耐心，下次还会再来购买的。", 0},
        {"one letter", "aaaaaaaaaaaaaaaa", 0},
        {"random letters", "################", 1},
        {"spaces", "                ", 0},
        {"digits", "1234567890123456", 0},
        {"one character of Chinese", "汉汉汉汉汉汉汉汉", 0},
        {"newlines", "\n\n\n\n\n\n\n\n", 0},
        {"emoji", "\U0001f469\u200d\U0001f4bb", 0},
    };
    llmcs_tokenizer *t = NULL;
    if (llmcs_tokenizer_open(b->options->path, NULL, &t)) return bench_failed("tokenizer");
    bench_report_heading(b->options, "tokenizer of %s, one core", b->options->path);
    int code = 0;
    for (size_t i = 0; i < sizeof families / sizeof *families && !code; i++)
        code = measure(b, t, families[i].name, families[i].piece, families[i].vary);
    llmcs_tokenizer_free(&t);
    return code;
}
