/*
 * product_copy - writes the text of a product page from the product's title and attributes.
 *
 *     product_copy "Ostra Classic Mug, moss green, 400 ml; material: bone china"
 *     echo "类型#裤*版型#宽松*风格#性感" | product_copy
 *
 * A language model writes several texts; the program prints only what it can verify. It takes the text that names most
 * of the given values. It keeps a sentence only if llmcs_shop_gate finds all its numbers, names and promises in the
 * input, if it names a value that earlier sentences do not, and if it uses no value with the key of another one. Values
 * that are not named are appended as given. --explain shows which sentences were dropped; --seed N starts with a
 * sample;
 * --model accepts any GPT-2 folder that was trained on "Product: ...\nCopy:".
 */
#include <errno.h>
#include <llmcs_shop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

enum { TRIES = 8, FREE_TRIES = 4, MAX_ITEMS = 32, MAX_BYTES = 4096 };

/* A value of the input, with or without a key. */
typedef struct item {
    char key[128], value[256];
    int said;
} item;

typedef struct product {
    const char *given;
    int chinese;
    item items[MAX_ITEMS];
    size_t n_items, n_names; /* the first ones are the product's name */
} product;

typedef struct writer {
    llmcs_session *session;
    const llmcs_tokenizer *tokenizer;
    llmcs_generate_params params;
    int32_t *others; /* tokens of the other language, [as many as there are tokens] */
    int seeded, explain;
} writer;

static int failed(const char *doing) {
    fprintf(stderr, "product_copy: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

static int is_chinese(const char *text) { return text[strcspn(text, "\xe4\xe5\xe6\xe7\xe8\xe9")] != 0; }

/* ---- what is given */

/* The end of an item: at a comma, semicolon, | or *, also fullwidth, and in Chinese at a space. */
static const char *item_end(const char *at, int chinese, size_t *len) {
    static const char *const marks[] = {", ", ";", "|", "*", "，", "；", "、", " "};
    const char *first = at + strlen(at);
    *len = 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks - !chinese; i++) {
        const char *found = strstr(at, marks[i]);
        if (found && found < first) first = found, *len = strlen(marks[i]);
    }
    return first;
}

static void copy_trimmed(char *to, size_t capacity, const char *begin, const char *end) {
    while (begin < end && *begin == ' ') begin++;
    while (begin < end && end[-1] == ' ') end--;
    snprintf(to, capacity, "%.*s", (int)(end - begin), begin);
}

/* Splits "Ostra Classic Mug, 400 ml; material: bone china". The name is the first item, in Chinese brand and name. */
static void read_product(product *p, const char *given) {
    size_t len;
    *p = (product){.given = given, .chinese = is_chinese(given)};
    for (const char *at = given; *at && p->n_items < MAX_ITEMS;) {
        item *it = &p->items[p->n_items];
        const char *end = item_end(at, p->chinese, &len), *value = at;
        for (const char *c = at; c < end && value == at; c++) {
            const size_t colon = *c == ':' || *c == '#' ? 1 : strncmp(c, "：", 3) ? 0 : 3;
            if (colon) copy_trimmed(it->key, sizeof it->key, at, c), value = c + colon;
        }
        copy_trimmed(it->value, sizeof it->value, value, end);
        p->n_items += it->value[0] != 0;
        at = end + len;
    }
    while (p->n_names < p->n_items && p->n_names < (p->chinese ? 2 : 1) && !p->items[p->n_names].key[0]) p->n_names++;
}

/* The text without spaces and in lower case, so that "400 ml" is found in "400ml". */
static void squeeze(char *to, size_t capacity, const char *text) {
    size_t n = 0;
    for (; *text && n + 1 < capacity; text++)
        if (*text != ' ') to[n++] = (char)(*text >= 'A' && *text <= 'Z' ? *text + 32 : *text);
    to[n] = 0;
}

static int holds(const char *text, const char *part) {
    char in[MAX_BYTES], wanted[512];
    squeeze(in, sizeof in, text);
    squeeze(wanted, sizeof wanted, part);
    return strstr(in, wanted) != NULL;
}

/* ---- what stays of the model's text */

/* Why a sentence cannot stay, or NULL. It must name something new, and no value under another one's key. */
static const char *fault_of(const product *p, const char *sentence) {
    static llmcs_shop_gate_verdict verdict;
    const llmcs_shop_fact given = {NULL, p->given};
    int news = 0;
    verdict.struct_size = sizeof verdict;
    if (llmcs_shop_gate(sentence, LLMCS_NUL, &given, 1, p->chinese ? "zh" : "en", &verdict)) return "no memory";
    if (!verdict.passed) return verdict.reason;
    for (size_t i = 0; i < p->n_items; i++) {
        const item *it = &p->items[i];
        const int named = holds(sentence, it->value);
        news |= named && !it->said;
        if (!named && it->key[0] && holds(sentence, it->key)) return "it gives a key another value";
    }
    return news ? NULL : "it says nothing new";
}

/* The end of the sentence at `text`: behind ". ", "。" and their like. */
static const char *sentence_end(const char *text) {
    for (; *text; text++) {
        if (strchr(".!?", *text) && (text[1] == ' ' || !text[1])) return text + 1;
        if (!strncmp(text, "。", 3) || !strncmp(text, "！", 3) || !strncmp(text, "？", 3)) return text + 3;
    }
    return text;
}

/* Writes the sentences that stay to `out` and returns how many items they name; 0 if they do not name the product. */
static size_t keep_sentences(product *p, const char *text, char out[MAX_BYTES], int explain) {
    size_t n = 0, n_said = 0;
    out[0] = 0;
    for (size_t i = 0; i < p->n_items; i++) p->items[i].said = 0;
    for (const char *end; *(text += strspn(text, " ")); text = end) {
        char sentence[1024];
        end = sentence_end(text);
        snprintf(sentence, sizeof sentence, "%.*s", (int)(end - text), text);
        const char *fault = fault_of(p, sentence);
        if (fault && explain) fprintf(stderr, "product_copy: dropped (%s): %s\n", fault, sentence);
        if (fault || n + strlen(sentence) + 2 > MAX_BYTES) continue;
        for (size_t i = 0; i < p->n_items; i++) p->items[i].said |= holds(sentence, p->items[i].value);
        for (size_t i = 0; i < p->n_names; i++)
            if (!p->items[i].said) return out[0] = 0, 0; /* the first sentence introduces the product */
        n += (size_t)snprintf(out + n, MAX_BYTES - n, "%s%s", n && !p->chinese ? " " : "", sentence);
    }
    for (size_t i = 0; i < p->n_items; i++) n_said += p->items[i].said != 0;
    return n_said;
}

/* Adds what is unsaid as it was given. */
static void print_copy(const product *p, const char *text) {
    fputs(text, stdout);
    for (size_t i = 0; i < p->n_items; i++) {
        const item *it = &p->items[i];
        const char *key = it->key[0] ? it->key : p->chinese ? "另有" : "also";
        if (holds(text, it->value)) continue;
        if (p->chinese)
            printf("%s：%s。", key, it->value);
        else
            printf(" %c%s: %s.", *key >= 'a' && *key <= 'z' ? *key - 32 : *key, key + 1, it->value);
    }
    putchar('\n');
    fflush(stdout);
}

/* ---- the model */

/* Makes tokens of the other language impossible: Han in an English list, letters in a Chinese one, but for what the
 * attributes hold themselves. */
static void suppress_foreign_tokens(writer *w, const product *p) {
    char text[256];
    size_t n_others = 0, len;
    for (size_t i = 0; i < llmcs_tokenizer_n_vocab(w->tokenizer); i++) {
        const int32_t id = (int32_t)i;
        int letters = 0, high = 0;
        if (llmcs_decode(w->tokenizer, &id, 1, LLMCS_SKIP_SPECIAL, text, sizeof text - 1, &len)) continue;
        text[len] = 0;
        for (const char *c = text; *c; c++) {
            high |= *c < 0;
            letters |= (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        }
        if ((p->chinese ? letters : high) && !strstr(p->given, text + (*text == ' '))) w->others[n_others++] = id;
    }
    w->params.suppress_tokens = (llmcs_ids){w->others, n_others};
}

/* " Meet the Ostra Classic Mug.", or 这款石野经典马克杯，: the model goes on from there. A small model misspells names
 * that it does not know. */
static void begin_with_name(const product *p, char opening[1024]) {
    snprintf(opening, 1024, p->chinese ? " 这款%s%s，" : " Meet the %s%s.", p->items[0].value,
             p->n_names > 1 ? p->items[1].value : "");
}

static char *make_prompt(const char *given, const char *opening) {
    char *prompt = NULL;
    if (asprintf(&prompt, "Product: %s\nCopy:%s", given, opening) < 0) return NULL;
    for (char *c = prompt; c < prompt + strlen("Product: ") + strlen(given); c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
    return prompt;
}

/* One text of the model; 0, or 1 after an error. */
static int generate(writer *w, const product *p, int with_name, char text[MAX_BYTES]) {
    char opening[1024] = "";
    llmcs_result *result = NULL;
    if (with_name) begin_with_name(p, opening);
    char *prompt = make_prompt(p->given, opening);
    if (!prompt) return fprintf(stderr, "product_copy: no memory for the attributes\n"), 1;
    const llmcs_status status = llmcs_generate(w->session, prompt, LLMCS_NUL, &w->params, NULL, NULL, &result);
    if (!status) snprintf(text, MAX_BYTES, "%s%s", opening, result->sequences[0]->text);
    free(prompt);
    llmcs_result_free(&result);
    return status ? failed("generate") : 0;
}

/* The best of several texts: first the most probable one, which keeps closest to what was given, then samples; the last
 * ones begin with the name. */
static int write_copy(writer *w, const char *given) {
    static char best[MAX_BYTES], kept[MAX_BYTES], text[MAX_BYTES];
    static product p;
    size_t most = 0;
    int code = 0;
    const uint64_t seed = w->params.seed;
    read_product(&p, given);
    suppress_foreign_tokens(w, &p);
    best[0] = 0;
    for (int i = 0; i < TRIES && !code && most < p.n_items; i++, w->params.seed++) {
        const int with_name = i >= FREE_TRIES && p.n_names;
        w->params.do_sample = w->seeded || i % FREE_TRIES > 0;
        code = generate(w, &p, with_name, text);
        const size_t n = code ? 0 : keep_sentences(&p, text, kept, w->explain);
        if (n > most) most = n, memcpy(best, kept, sizeof best);
    }
    w->params.seed = seed;
    if (w->explain) fprintf(stderr, "product_copy: the model names %zu of %zu values\n", most, p.n_items);
    if (!code && most) print_copy(&p, best);
    if (!code && !most) puts(given), fflush(stdout);
    return code;
}

/* Each argument, or each line of stdin that is not empty. */
static int write_all(writer *w, char **products) {
    int code = 0;
    char *line = NULL;
    size_t capacity = 0;
    for (int i = 0; products[i]; i++) code |= write_copy(w, products[i]);
    while (!*products && getline(&line, &capacity, stdin) >= 0) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0]) code |= write_copy(w, line);
    }
    free(line);
    return code;
}

static int serve(const char *folder, uint64_t seed, writer *w, char **products) {
    static const char *const stop[] = {"\n"};
    llmcs_model *model = NULL;
    int code = 1;
    if (llmcs_model_open(folder, NULL, &model) || llmcs_session_create(model, NULL, &w->session) ||
        llmcs_generate_params_init(&w->params, model)) {
        failed("open");
    } else if (!(w->tokenizer = llmcs_model_tokenizer(model)) ||
               !(w->others = calloc(llmcs_tokenizer_n_vocab(w->tokenizer) + 1, sizeof *w->others))) {
        fprintf(stderr, "product_copy: %s: no tokenizer, or no memory\n", folder);
    } else {
        w->params.stop_strings = stop;
        w->params.n_stop_strings = 1;
        w->params.max_new_tokens = 120;
        w->params.temperature = 0.6f;
        w->params.top_p = 0.9f;
        w->params.seed = seed;
        code = write_all(w, products);
    }
    free(w->others);
    llmcs_session_free(&w->session);
    llmcs_model_free(&model);
    return code;
}

static int read_seed(const char *text, uint64_t *seed) {
    char *end;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"explain", no_argument, NULL, 'x'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *folder = "examples/models/shop-gpt2";
    uint64_t seed = 0;
    static writer w;
    for (int c; (c = next_option(argc, argv, options)) != -1;) {
        if (c == 'm') {
            folder = optarg;
        } else if (c == 'x') {
            w.explain = 1;
        } else if (c != 's' || !(w.seeded = read_seed(optarg, &seed))) {
            fprintf(c == 'h' ? stdout : stderr,
                    "usage: product_copy [--model FOLDER] [--seed N] [--explain] [attributes ...]    (or products on "
                    "stdin)\n");
            return c == 'h' ? 0 : 2;
        }
    }
    return serve(folder, seed, &w, argv + optind);
}
