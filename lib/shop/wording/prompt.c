/* Builds prompts; inserted texts are cleaned so that they cannot imitate a speaker's line. */
#include "shop/wording/prompt.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "shop/base/utf8.h"

enum { TEMPLATE_BYTES = 65536 };

/* ---- text */

static bool breaks_lines(int32_t c) {
    return c <= ' ' || (c >= 0x7f && c <= 0xa0) || c == 0x2028 || c == 0x2029 || c == 0x3000 || c == 0xfeff;
}

/* True if the text ends with the name of a speaker. */
static bool ends_with_speaker(const char *text, size_t begin, size_t n) {
    static const char *const speakers[] = {"user", "bot", "facts", "assistant", "system", "human", "customer"};
    while (n > begin && text[n - 1] == ' ') n--;
    for (size_t i = 0; i < sizeof speakers / sizeof *speakers; i++) {
        const size_t len = strlen(speakers[i]);
        if (n - begin < len || sqlite3_strnicmp(text + n - len, speakers[i], (int)len) != 0) continue;
        const char before = n - begin > len ? text[n - len - 1] : ' ';
        if (!((before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z'))) return true;
    }
    return false;
}

/* True for ":" and characters that look like it or become it in NFKC. */
static bool is_colon(int32_t c) {
    return c == ':' || c == 0xff1a || c == 0xfe55 || c == 0xfe13 || c == 0x2236 || c == 0xa789;
}

llmcs_status shop_text_add_clean(shop_text *t, const char *bytes, size_t n) {
    const size_t begin = t->n;
    SHOP_TRY(shop_text_add(t, "", 0)); /* bytes are there, even if nothing is added */
    for (size_t i = 0; i < n;) {
        uint32_t code;
        char character[4];
        const size_t used = shop_utf8_decode((const unsigned char *)bytes + i, n - i, &code);
        const int32_t c = (int32_t)code;
        if (!breaks_lines(c) && !(is_colon(c) && ends_with_speaker(t->bytes, begin, t->n)))
            SHOP_TRY(shop_text_add(t, character, shop_utf8_encode(code, character)));
        else if (t->n > begin && t->bytes[t->n - 1] != ' ')
            SHOP_TRY(shop_text_add(t, " ", 1));
        i += used;
    }
    while (t->n > begin && t->bytes[t->n - 1] == ' ') t->bytes[--t->n] = 0;
    return LLMCS_OK;
}

/* ---- form */

static llmcs_status copy_part(const llmcs_allocator *a, const char *text, size_t n, char **part) {
    return shop_copy_text(a, text, n, "prompt template", part);
}

/* Splits "User: {prompt}\nBot: {answer}\n" into its three parts. Spaces before {answer} belong to the answer's tokens.
 */
static llmcs_status set_turn(const llmcs_allocator *a, const char *turn, shop_prompt_form *form) {
    const char *prompt = strstr(turn, "{prompt}");
    if (!prompt) return shop_fail(LLMCS_FORMAT, "prompt_template.json: turn: expected a string with {prompt}");
    const char *rest = prompt + strlen("{prompt}"), *answer = strstr(rest, "{answer}");
    SHOP_TRY(copy_part(a, turn, (size_t)(prompt - turn), &form->before));
    SHOP_TRY(copy_part(a, rest, answer ? (size_t)(answer - rest) : strlen(rest), &form->between));
    const char *after = answer ? answer + strlen("{answer}") : "\n";
    return copy_part(a, after, strlen(after), &form->after);
}

static llmcs_status set_system(const llmcs_allocator *a, const char *system, shop_prompt_form *form) {
    const char *at = strstr(system, "{system}");
    if (!at) return shop_fail(LLMCS_FORMAT, "prompt_template.json: system: expected a string with {system}");
    SHOP_TRY(copy_part(a, system, (size_t)(at - system), &form->system_before));
    at += strlen("{system}");
    return copy_part(a, at, strlen(at), &form->system_after);
}

static llmcs_status add_stop(const llmcs_allocator *a, const char *stop, shop_prompt_form *form) {
    if (!stop || !*stop || form->n_stop_strings == SHOP_PROMPT_STOPS) return LLMCS_OK;
    SHOP_TRY(copy_part(a, stop, strlen(stop), &form->stop_strings[form->n_stop_strings]));
    form->n_stop_strings++;
    return LLMCS_OK;
}

static const char *const default_turn = "User: {prompt}\nBot: {answer}\n", *const default_system = "Facts: {system}\n";
static const char *const default_stops[] = {"\nUser:", "\nFacts:", "\nBot:"};

/* Reads the rows (turn, system, stop string): one for each stop string, or one with NULL. */
static llmcs_status read_rows(const llmcs_allocator *a, sqlite3_stmt *s, shop_prompt_form *form) {
    int code;
    bool first = true;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        const char *turn = (const char *)sqlite3_column_text(s, 0), *system = (const char *)sqlite3_column_text(s, 1);
        if (first) SHOP_TRY(set_turn(a, turn ? turn : "", form));
        if (first) SHOP_TRY(set_system(a, system ? system : default_system, form));
        first = false;
        SHOP_TRY(add_stop(a, (const char *)sqlite3_column_text(s, 2), form));
    }
    if (code == SQLITE_NOMEM) return shop_fail(LLMCS_NOMEM, "prompt_template.json: no memory");
    return code == SQLITE_DONE && !first ? LLMCS_OK : shop_fail(LLMCS_FORMAT, "prompt_template.json: not JSON");
}

static llmcs_status parse(const llmcs_allocator *a, const char *json, size_t n, shop_prompt_form *form) {
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    llmcs_status status = shop_fail(LLMCS_NOMEM, "prompt_template.json: no memory");
    if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db,
                           "SELECT json_extract(?1, '$.turn'), json_extract(?1, '$.system'), value"
                           " FROM (SELECT 1) LEFT JOIN json_each(?1, '$.stop_strings')",
                           -1, &s, NULL) == SQLITE_OK &&
        sqlite3_bind_text(s, 1, json, (int)n, SQLITE_STATIC) == SQLITE_OK)
        status = read_rows(a, s, form);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return status;
}

static llmcs_status set_default(const llmcs_allocator *a, shop_prompt_form *form) {
    SHOP_TRY(set_turn(a, default_turn, form));
    return set_system(a, default_system, form);
}

static llmcs_status read_file(const llmcs_allocator *a, FILE *from, shop_prompt_form *form) {
    char *json;
    SHOP_TRY(shop_alloc(a, TEMPLATE_BYTES + 1, 1, "prompt template", &json));
    const size_t n = fread(json, 1, TEMPLATE_BYTES + 1, from);
    llmcs_status status = n <= TEMPLATE_BYTES
                              ? LLMCS_OK
                              : shop_fail(LLMCS_LIMIT, "prompt_template.json: more than %d bytes", TEMPLATE_BYTES);
    if (!status && ferror(from)) status = shop_fail(LLMCS_IO, "prompt_template.json: cannot be read");
    if (!status) status = parse(a, json, n, form);
    shop_free(a, json);
    return status;
}

llmcs_status shop_prompt_form_read(const llmcs_allocator *a, const char *folder, shop_prompt_form *form) {
    char path[2048];
    *form = (shop_prompt_form){0};
    FILE *from = NULL;
    if (folder) {
        sqlite3_snprintf(sizeof path, path, "%s/prompt_template.json", folder);
        from = fopen(path, "rbe");
        if (!from && errno != ENOENT && errno != ENOTDIR)
            return shop_fail(LLMCS_IO, "%s: cannot be opened (errno %d)", path, errno);
    }
    llmcs_status status = from ? read_file(a, from, form) : set_default(a, form);
    if (from) fclose(from);
    for (size_t i = 0; !status && i < sizeof default_stops / sizeof *default_stops; i++)
        status = add_stop(a, default_stops[i], form);
    return status;
}

void shop_prompt_form_free(const llmcs_allocator *a, shop_prompt_form *form) {
    shop_free(a, form->system_before);
    shop_free(a, form->system_after);
    shop_free(a, form->before);
    shop_free(a, form->between);
    shop_free(a, form->after);
    for (size_t i = 0; i < form->n_stop_strings; i++) shop_free(a, form->stop_strings[i]);
    *form = (shop_prompt_form){0};
}

/* ---- prompt */

static size_t length(const char *text, size_t n) { return !text ? 0 : n == LLMCS_NUL ? strlen(text) : n; }

llmcs_status shop_prompt_facts(const shop_wording_request *r, shop_text *facts) {
    const size_t n_entry = length(r->entry, r->entry_bytes);
    for (size_t i = 0; i < r->n_facts; i++) {
        const shop_fact *f = &r->facts[i];
        if (i) SHOP_TRY(shop_text_add(facts, "; ", 2));
        if (f->key) {
            SHOP_TRY(shop_text_add_clean(facts, f->key, strlen(f->key)));
            SHOP_TRY(shop_text_add(facts, ": ", 2));
        }
        SHOP_TRY(shop_text_add_clean(facts, f->value, strlen(f->value)));
    }
    if (r->n_facts && n_entry) SHOP_TRY(shop_text_add(facts, ". ", 2));
    if (n_entry) return shop_text_add_clean(facts, r->entry, n_entry);
    return r->n_facts ? LLMCS_OK : shop_text_add_clean(facts, r->fallback, length(r->fallback, r->fallback_bytes));
}

static llmcs_status add_part(shop_text *prompt, const char *part) { return shop_text_add(prompt, part, strlen(part)); }

/* Removes the space at the end: the answer's first token starts with one. */
static void trim_space(shop_text *prompt) {
    while (prompt->n && prompt->bytes[prompt->n - 1] == ' ') prompt->bytes[--prompt->n] = 0;
}

llmcs_status shop_prompt_make(const shop_prompt_form *form, const shop_wording_request *r, const shop_text *facts,
                              size_t n_turns, shop_text *prompt) {
    prompt->n = 0;
    SHOP_TRY(add_part(prompt, form->system_before));
    SHOP_TRY(shop_text_add(prompt, facts->bytes, facts->n));
    SHOP_TRY(add_part(prompt, form->system_after));
    for (size_t i = r->n_history - n_turns; i < r->n_history; i++) {
        const shop_wording_turn *t = &r->history[i];
        SHOP_TRY(add_part(prompt, form->before));
        SHOP_TRY(shop_text_add_clean(prompt, t->user, length(t->user, t->user_bytes)));
        SHOP_TRY(add_part(prompt, form->between));
        SHOP_TRY(shop_text_add_clean(prompt, t->reply, length(t->reply, t->reply_bytes)));
        SHOP_TRY(add_part(prompt, form->after));
    }
    SHOP_TRY(add_part(prompt, form->before));
    SHOP_TRY(shop_text_add_clean(prompt, r->user, length(r->user, r->user_bytes)));
    SHOP_TRY(add_part(prompt, form->between));
    trim_space(prompt);
    return LLMCS_OK;
}
