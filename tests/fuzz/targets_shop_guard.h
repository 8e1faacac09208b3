/* Any bytes are a text that is masked and unmasked, or the file of a tagger, or a pattern of order numbers. */
#ifndef TESTS_FUZZ_TARGETS_SHOP_GUARD_H
#define TESTS_FUZZ_TARGETS_SHOP_GUARD_H

#include "fuzz/fuzz.h"
#include "llmcs_shop.h"

/* Masks, and gets the same bytes back. */
static void mask_and_unmask(const llmcs_shop_guard *guard, llmcs_shop_names *names, const char *text, size_t n,
                            const llmcs_shop_mask_params *params) {
    llmcs_shop_masked *m = NULL;
    const llmcs_status status = llmcs_shop_mask(guard, names, text, n, params, &m);
    MUST(!status || status == LLMCS_LIMIT);
    if (status) return;
    char *back = exact_alloc(n + 1);
    size_t n_back, last = 0;
    MUST(!llmcs_shop_unmask(names, m->text, m->text_bytes, back, n + 1, &n_back));
    MUST(n_back == n && memcmp(back, text, n) == 0);
    for (size_t i = 0; i < m->n_spans; i++) {
        const llmcs_shop_masked_span *s = m->spans[i];
        MUST(s->begin >= last && s->begin < s->end && s->end <= n);
        MUST(memcmp(m->text + s->masked_begin + 1, s->name, strlen(s->name)) == 0);
        last = s->end;
    }
    free(back);
    llmcs_shop_masked_free(&m);
}

static llmcs_status create_guard(counter *c, const char *pattern, const char *tagger, llmcs_shop_guard **guard) {
    llmcs_shop_guard_options o;
    const llmcs_allocator a = counting(c);
    llmcs_shop_guard_options_init(&o);
    o.order_pattern = pattern;
    o.tagger_path = tagger;
    o.allocator = &a;
    return llmcs_shop_guard_create(&o, guard);
}

/* A tagger of a few rows, trained once: its file, damaged, is an input too. */
static void make_tagger(void) {
    static const llmcs_shop_tagged_span spans[] = {{6, 15, "NAME"}, {21, 27, "ADDRESS"}};
    static const llmcs_shop_tagged_text rows[] = {{"昨天王小明去了杭州玩", LLMCS_NUL, spans, 2},
                                                  {"昨天李大伟去了北京玩", LLMCS_NUL, spans, 2}};
    llmcs_shop_tagger_params p;
    llmcs_shop_tagger_params_init(&p);
    p.n_epochs = 2;
    p.min_count = 1;
    MUST(!llmcs_shop_tagger_train(rows, 2, &p, fuzz_path("good.tagger")));
}

/* The file with bytes of the input written over it: each 5 are a place and a value. It is refused or used. */
static void damage_tagger(reader *in) {
    static uint8_t good[1 << 18], bytes[1 << 18];
    counter c = {0};
    llmcs_shop_guard *guard = NULL;
    FILE *f = fopen(fuzz_path("good.tagger"), "rb");
    MUST(f != NULL);
    const size_t n_good = fread(good, 1, sizeof good, f),
                 n = in->left && *in->at == 255 ? read_u32(in) % n_good : n_good;
    fclose(f);
    memcpy(bytes, good, n_good);
    while (in->left >= 5) {
        const uint32_t at = read_u32(in);
        bytes[at % n_good] = read_u8(in);
    }
    fuzz_write("bad.tagger", bytes, n);
    char path[160];
    snprintf(path, sizeof path, "%s", fuzz_path("bad.tagger"));
    const llmcs_status status = create_guard(&c, NULL, path, &guard);
    MUST(!status || status == LLMCS_FORMAT || status == LLMCS_UNSUPPORTED);
    llmcs_shop_guard_free(&guard);
    MUST(c.live == 0);
}

/* The first byte: flags, whether the guard has a tagger, and what the rest is. */
static UNUSED int fuzz_shop_guard(const uint8_t *data, size_t size) {
    static llmcs_shop_guard *plain, *tagging;
    static counter kept;
    reader in = {data, size};
    const uint8_t how = read_u8(&in);
    if (make_fuzz_folder()) {
        make_tagger();
        MUST(!create_guard(&kept, "PL[0-9]{8}", NULL, &plain));
        MUST(!create_guard(&kept, NULL, fuzz_path("good.tagger"), &tagging));
    }
    if (how % 16 == 15) {
        damage_tagger(&in);
        return 0;
    }
    llmcs_shop_mask_params p;
    llmcs_shop_names *names = NULL;
    counter c = {0};
    const llmcs_allocator a = counting(&c);
    llmcs_shop_mask_params_init(&p);
    p.flags = how & 3;
    if (how & 8) p.kinds = how * 41u;
    MUST(!llmcs_shop_names_create(NULL, NULL, NULL, &a, &names));
    if (how % 16 == 14 && size < 200) { /* a pattern, matched on itself */
        char pattern[200] = "";
        llmcs_shop_guard *guard = NULL;
        counter of_pattern = {0};
        memcpy(pattern, in.at, in.left);
        const llmcs_status status = create_guard(&of_pattern, pattern, NULL, &guard);
        MUST(!status || status == LLMCS_ARG || status == LLMCS_NOMEM);
        if (!status) mask_and_unmask(guard, names, pattern, in.left, &p);
        llmcs_shop_guard_free(&guard);
        MUST(of_pattern.live == 0);
    } else {
        const long before = kept.live;
        char *text = exact_copy(in.at, in.left);
        mask_and_unmask(how & 4 ? tagging : plain, names, text, in.left, &p);
        free(text);
        MUST(kept.live == before);
    }
    llmcs_shop_names_free(&names);
    MUST(c.live == 0);
    return 0;
}

#endif
