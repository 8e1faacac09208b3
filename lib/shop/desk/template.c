/* Texts with {placeholders}: parsed and checked with flows.json, filled in each turn. */
#include "shop/desk/template.h"

#include <math.h>
#include <string.h>

/* ---- reading */

static int find_query(const desk_query *list, size_t n, const char *name, size_t len) {
    for (size_t i = 0; i < n; i++)
        if (strlen(list[i].name) == len && !memcmp(list[i].name, name, len)) return (int)i;
    return -1;
}

static int find_column(const desk_query *q, const char *name) {
    for (size_t i = 0; i < q->n_columns; i++)
        if (!strcmp(q->columns[i], name)) return (int)i;
    return -1;
}

static llmcs_status read_filter(const desk_flows *f, const desk_json *node, const char *filter, desk_part *part) {
    if (!strcmp(filter, "money")) return part->filter = DESK_FILTER_MONEY, LLMCS_OK;
    if (!strcmp(filter, "date")) return part->filter = DESK_FILTER_DATE, LLMCS_OK;
    for (size_t i = 0; i < f->n_values; i++)
        if (!strcmp(f->values[i].name, filter)) {
            part->filter = DESK_FILTER_VALUES;
            part->values = (int)i;
            return LLMCS_OK;
        }
    return desk_bad(f, node, "|%.60s: expected a table of \"values\", money or date", filter);
}

/* Replaces {facts.name} by its value at once. */
static llmcs_status read_fact(desk_flows *f, const desk_json *node, const char *name, int lang, desk_part *part) {
    const desk_json *fact = desk_json_get(f->facts, name);
    if (fact && fact->type == DESK_JSON_OBJECT) fact = desk_json_get(fact, f->langs[lang]);
    if (!fact || (fact->type != DESK_JSON_STRING && fact->type != DESK_JSON_NUMBER))
        return desk_bad(f, node, "{facts.%.60s}: no such string or number in \"facts\" for \"%s\"", name,
                        f->langs[lang]);
    part->kind = DESK_PART_FACT;
    part->text = fact->text;
    return LLMCS_OK;
}

static llmcs_status read_dotted(desk_flows *f, const desk_json *node, const desk_scope *scope, char *name, char *dot,
                                int lang, desk_part *part) {
    *dot = 0;
    const char *key = dot + 1;
    if (!strcmp(name, "facts")) return read_fact(f, node, key, lang, part);
    const int find = scope->in_flow ? find_query(f->finds, f->n_finds, name, strlen(name)) : -1;
    if (find >= 0) {
        part->index = find;
        part->kind = !strcmp(key, "n") ? DESK_PART_ROWS : !strcmp(key, "list") ? DESK_PART_LIST : DESK_PART_COLUMN;
        part->column = part->kind == DESK_PART_COLUMN ? find_column(&f->finds[find], key) : 0;
        if (part->column < 0) return desk_bad(f, node, "{%s.%.60s}: find %s has no such column", name, key, name);
        return LLMCS_OK;
    }
    const int action = scope->in_flow ? find_query(f->actions, f->n_actions, name, strlen(name)) : -1;
    if (action < 0)
        return desk_bad(f, node, "{%s.%.60s}: no find or action named %s can be used here", name, key, name);
    part->kind = DESK_PART_ANSWER;
    part->index = action;
    return shop_arena_copy(&f->arena, key, strlen(key), &part->name);
}

static llmcs_status read_name(desk_flows *f, const desk_json *node, const desk_scope *scope, char *name, int lang,
                              desk_part *part) {
    char *dot = strchr(name, '.');
    if (dot) return read_dotted(f, node, scope, name, dot, lang, part);
    if (scope->own_find >= 0) {
        part->kind = DESK_PART_COLUMN;
        part->index = -1;
        part->column = find_column(&scope->finds[scope->own_find], name);
        if (part->column < 0) return desk_bad(f, node, "{%.60s}: this find has no such column", name);
        return LLMCS_OK;
    }
    for (size_t i = 0; scope->locals && scope->locals[i]; i++)
        if (!strcmp(scope->locals[i], name)) {
            part->kind = DESK_PART_LOCAL;
            part->name = scope->locals[i];
            return LLMCS_OK;
        }
    part->kind = DESK_PART_SLOT;
    part->index = desk_find_slot(f, name);
    if (part->index >= 0) return LLMCS_OK;
    return desk_bad(f, node, "no slot named {%.60s}; add it to \"slots\"", name);
}

/* Columns and answers may be numbers; a slot is always text. */
static bool fits_filter(const desk_part *part) {
    const bool number = part->kind == DESK_PART_COLUMN || part->kind == DESK_PART_ANSWER;
    return part->filter == DESK_FILTER_NONE || number ||
           (part->filter == DESK_FILTER_VALUES && part->kind == DESK_PART_SLOT);
}

static llmcs_status read_placeholder(desk_flows *f, const desk_json *node, const desk_scope *scope, char *name,
                                     int lang, desk_part *part) {
    char *filter = strchr(name, '|');
    if (filter) {
        *filter++ = 0;
        SHOP_TRY(read_filter(f, node, filter, part));
    }
    SHOP_TRY(read_name(f, node, scope, name, lang, part));
    if (fits_filter(part)) return LLMCS_OK;
    return desk_bad(f, node, "{%.60s|%.60s}: expected a column of a find or an answer of an action before |%.60s", name,
                    filter, filter);
}

/* Reads one variant in one language. Counts the parts first: each brace makes at most two. */
static llmcs_status read_template(desk_flows *f, const desk_json *node, const desk_scope *scope, int lang,
                                  desk_template *out) {
    const char *text = node->text;
    desk_part *parts;
    desk_buffer literal = {.allocator = &f->arena.allocator};
    size_t n = 0, max = 2;
    llmcs_status status = LLMCS_OK;
    for (const char *p = text; *p; p++) max += *p == '{' ? 2 : 0;
    SHOP_TRY(shop_arena_alloc(&f->arena, max, sizeof *parts, &parts));
    for (const char *p = text; !status; p++) {
        const bool brace = (*p == '{' || *p == '}') && p[1] == *p;
        if (*p && (brace || (*p != '{' && *p != '}'))) {
            desk_put(&literal, p, 1);
            p += brace;
            continue;
        }
        if (literal.n) {
            parts[n].kind = DESK_PART_LITERAL;
            status = shop_arena_copy(&f->arena, literal.text, literal.n, &parts[n++].text);
            desk_buffer_cut(&literal, 0);
        }
        if (!*p || status) break;
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        char name[128];
        if (!end || end - p >= (ptrdiff_t)sizeof name || end == p + 1) {
            status = desk_bad(f, node, "unpaired or empty braces; write {{ or }} to print a brace");
            break;
        }
        memcpy(name, p + 1, (size_t)(end - p - 1));
        name[end - p - 1] = 0;
        status = read_placeholder(f, node, scope, name, lang, &parts[n++]);
        p = end;
    }
    if (!status) status = literal.status;
    desk_buffer_free(&literal);
    *out = (desk_template){parts, n};
    return status;
}

static llmcs_status read_language(desk_flows *f, const desk_json *node, const desk_scope *scope, int lang,
                                  desk_text *text) {
    const desk_json *said = desk_json_get(node, f->langs[lang]);
    if (!said)
        return desk_bad(f, node, "\"%s\" is missing: a text needs every language of \"languages\"", f->langs[lang]);
    const bool several = said->type == DESK_JSON_ARRAY;
    if ((!several && said->type != DESK_JSON_STRING) || (several && (!said->n || said->n > DESK_MAX_VARIANTS)))
        return desk_bad(f, said, "found %s, expected a string or an array of 1 to %d strings",
                        desk_json_type_name(said->type), DESK_MAX_VARIANTS);
    desk_template *variants;
    const size_t n = several ? said->n : 1;
    SHOP_TRY(shop_arena_alloc(&f->arena, n, sizeof *variants, &variants));
    const desk_json *one = several ? said->first : said;
    for (size_t i = 0; i < n; i++, one = one->next) {
        if (one->type != DESK_JSON_STRING || !*one->text)
            return desk_bad(f, one, "found %s, expected a string that is not empty", desk_json_type_name(one->type));
        SHOP_TRY(read_template(f, one, scope, lang, &variants[i]));
    }
    text->variants[lang] = variants;
    text->n_variants[lang] = n;
    return LLMCS_OK;
}

llmcs_status desk_text_read(desk_flows *f, const desk_json *node, const desk_scope *scope, const desk_text **text) {
    desk_text *t;
    if (node->type == DESK_JSON_STRING) {
        const desk_json *named = desk_json_get(f->texts, node->text);
        if (!named) return desk_bad(f, node, "no text named \"%.60s\"; add it to \"texts\"", node->text);
        node = named;
    }
    if (node->type != DESK_JSON_OBJECT)
        return desk_bad(f, node, "found %s, expected a text, {\"en\": ...}, or the name of one",
                        desk_json_type_name(node->type));
    for (const desk_json *child = node->first; child; child = child->next)
        if (strcmp(child->key, "note") != 0 && desk_find_lang(f, child->key) < 0)
            return desk_bad(f, child, "\"%.60s\" is not one of \"languages\"", child->key);
    SHOP_TRY(shop_arena_alloc(&f->arena, 1, sizeof *t, &t));
    for (size_t i = 0; i < f->n_langs; i++) SHOP_TRY(read_language(f, node, scope, (int)i, t));
    *text = t;
    return LLMCS_OK;
}

bool desk_text_shows(const desk_flows *f, const desk_text *text, int slot) {
    for (size_t lang = 0; lang < f->n_langs; lang++)
        for (size_t v = 0; v < text->n_variants[lang]; v++) {
            const desk_template *t = &text->variants[lang][v];
            bool shown = false;
            for (size_t i = 0; i < t->n; i++)
                shown = shown || (t->parts[i].kind == DESK_PART_SLOT && t->parts[i].index == slot);
            if (!shown) return false;
        }
    return true;
}

void desk_text_finds(const desk_flows *f, const desk_text *text, bool finds[DESK_MAX_FINDS]) {
    for (size_t lang = 0; lang < f->n_langs; lang++)
        for (size_t v = 0; v < text->n_variants[lang]; v++)
            for (size_t i = 0; i < text->variants[lang][v].n; i++) {
                const desk_part *p = &text->variants[lang][v].parts[i];
                const bool named =
                    p->kind == DESK_PART_COLUMN || p->kind == DESK_PART_ROWS || p->kind == DESK_PART_LIST;
                if (named && p->index >= 0) finds[p->index] = true;
            }
}

/* ---- saying */

void desk_date_say(int64_t seconds, char out[16]) {
    /* Howard Hinnant's civil_from_days: days since 1970-01-01 to year, month, day. */
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    if (days < -700000 || days > 2900000) days = 0;
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t of_era = days - era * 146097;
    const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted = (5 * day_of_year + 2) / 153;
    const int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
    const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    const int64_t year = year_of_era + era * 400 + (month <= 2);
    sqlite3_snprintf(16, out, "%04d-%02d-%02d", (int)year, (int)month, (int)day);
}

static const char *translate(const desk_values_in *v, int table, const char *value) {
    const desk_json *found = desk_json_get(v->flows->values[table].json, value);
    return found ? desk_json_text(found, v->flows->langs[v->lang], value) : value;
}

/* Prints a value through its filter. */
static void say_value(const desk_part *part, const desk_values_in *v, const char *text, double number,
                      desk_buffer *out) {
    char date[16];
    switch (part->filter) {
        case DESK_FILTER_VALUES:
            desk_puts(out, translate(v, part->values, text));
            break;
        case DESK_FILTER_MONEY:
            if (fabs(number - nearbyint(number)) < 0.005)
                desk_putf(out, "%lld", (long long)nearbyint(fabs(number) < 1e15 ? number : 0));
            else
                desk_putf(out, "%.2f", number);
            break;
        case DESK_FILTER_DATE:
            desk_date_say(fabs(number) < 1e15 ? (int64_t)number : 0, date);
            desk_puts(out, date);
            break;
        default:
            desk_puts(out, text);
    }
}

static const char *local_value(const desk_values_in *v, const char *name) {
    for (size_t i = 0; i < v->n_locals; i++)
        if (!strcmp(v->locals[i].name, name)) return v->locals[i].value;
    return NULL;
}

static const desk_rows *rows_of(const desk_values_in *v, int find) { return v->finds ? v->finds[find] : NULL; }

/* Prints a part; false if its value is missing. */
static bool say_part(const desk_part *part, const desk_values_in *v, desk_buffer *out) {
    const desk_rows *rows;
    const char *text;
    switch (part->kind) {
        case DESK_PART_SLOT:
            text = v->slots ? v->slots[part->index] : NULL;
            if (!text || !*text) return false;
            say_value(part, v, text, 0, out);
            return true;
        case DESK_PART_COLUMN: {
            rows = part->index < 0 ? v->own : rows_of(v, part->index);
            const size_t row = part->index < 0 ? v->own_row : 0;
            if (!rows || row >= rows->n) return false;
            const desk_cell *cell = &rows->cells[row * rows->n_columns + (size_t)part->column];
            if (!cell->text || !*cell->text) return false;
            say_value(part, v, cell->text, cell->number, out);
            return true;
        }
        case DESK_PART_ROWS:
            rows = rows_of(v, part->index);
            if (rows) desk_putf(out, "%lld", (long long)rows->n);
            return rows != NULL;
        case DESK_PART_LIST:
            rows = rows_of(v, part->index);
            if (!rows || !rows->n) return false;
            desk_rows_say(&v->flows->finds[part->index], rows, v, DESK_MAX_ROWS, false, out);
            return true;
        case DESK_PART_ANSWER: {
            const desk_json *answer = v->answers ? desk_json_get(v->answers[part->index], part->name) : NULL;
            if (!answer || !*answer->text) return false;
            say_value(part, v, answer->text, answer->number, out);
            return true;
        }
        case DESK_PART_LOCAL:
            text = local_value(v, part->name);
            if (text) desk_puts(out, text);
            return text != NULL;
        default:
            desk_puts(out, part->text);
            return true;
    }
}

/* Returns the length of a sentence end at p: the mark and the spaces after it. */
static size_t sentence_end(const char *p) {
    static const char *const marks[] = {"。", "！", "？", "!", "?", "\n", ".", NULL};
    for (size_t i = 0; marks[i]; i++) {
        size_t n = strlen(marks[i]);
        if (strncmp(p, marks[i], n) != 0) continue;
        if (marks[i][0] == '.' && p[1] && p[1] != ' ' && p[1] != '\n') return 0; /* 3.5, a.b */
        while (p[n] == ' ') n++;
        return n;
    }
    return 0;
}

void desk_text_say(const desk_text *text, const desk_values_in *v, desk_buffer *out, bool *said) {
    const size_t n_variants = text->n_variants[v->lang];
    const desk_template *t = &text->variants[v->lang][v->turn % n_variants];
    const size_t start = out->n;
    size_t sentence = out->n;
    bool whole = true;
    for (size_t i = 0; i < t->n; i++) {
        const desk_part *part = &t->parts[i];
        if (part->kind != DESK_PART_LITERAL) {
            whole = say_part(part, v, out) && whole;
            continue;
        }
        for (const char *p = part->text; *p;) {
            const size_t end = sentence_end(p);
            desk_put(out, p, end ? end : 1);
            p += end ? end : 1;
            if (!end) continue;
            if (!whole) desk_buffer_cut(out, sentence);
            sentence = out->n;
            whole = true;
        }
    }
    if (!whole) desk_buffer_cut(out, sentence);
    while (out->n > start && out->text[out->n - 1] == ' ') desk_buffer_cut(out, out->n - 1);
    if (said) *said = out->n > start;
}

void desk_rows_say(const desk_query *find, const desk_rows *rows, const desk_values_in *v, size_t most, bool numbered,
                   desk_buffer *out) {
    desk_values_in own = *v;
    own.own = rows;
    for (size_t i = 0; i < rows->n && i < most; i++) {
        if (i || numbered) desk_puts(out, "\n");
        if (numbered) desk_putf(out, "%d. ", (int)i + 1);
        own.own_row = i;
        if (find->line)
            desk_text_say(find->line, &own, out, NULL);
        else
            desk_puts(out, rows->cells[i * rows->n_columns].text ? rows->cells[i * rows->n_columns].text : "");
    }
}
