/* Entries of the knowledge base: list, versions, put, retire. */
#include <stdlib.h>
#include <string.h>

#include "shop.h"

enum { MAX_TEXTS = 65, ANSWER_BYTES = 65537 };

static json_t *strings_json(const char *const *items, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(list, json_text(items[i], strlen(items[i])));
    return list;
}

static int32_t add_entry(void *list, const llmcs_shop_listed_entry *e) {
    json_t *tags = json_loads(e->tags, 0, NULL);
    json_t *row = json_pack("{sssssisbsososo}", "id", e->id, "lang", e->lang, "version", (int)e->version, "retired",
                            (int)e->retired, "questions", strings_json(e->questions, e->n_questions), "answer",
                            json_text(e->answer, strlen(e->answer)), "tags", tags ? tags : json_array());
    if (row && e->valid_from) json_object_set_new(row, "valid_from", json_integer(e->valid_from));
    if (row && e->valid_until) json_object_set_new(row, "valid_until", json_integer(e->valid_until));
    return json_array_append_new(list, row);
}

static void list_entries(exchange *x, const llmcs_shop_entries_params *params, bool must_exist) {
    json_t *list = json_array();
    size_t n = 0;
    request_begin();
    const llmcs_status status = llmcs_shop_list_entries(shop_of(x)->shop, params, add_entry, list, &n);
    if (!status && (n || !must_exist)) {
        reply_json(x, 200, json_pack("{sosI}", "entries", list, "all", (json_int_t)n));
        return;
    }
    json_decref(list);
    if (status)
        shop_fail(x, status);
    else
        reply_error(x, 404, "not_found", NULL, "there is no entry of this id");
}

/* ?search=words&lang=en&retired=1&skip=0&k=50 */
void shop_list_faq(exchange *x) {
    llmcs_shop_entries_params params;
    int64_t retired, skip, k;
    llmcs_shop_entries_params_init(&params);
    params.search = x_query(x, "search");
    params.lang = x_query(x, "lang");
    if (params.lang && !*params.lang) params.lang = NULL;
    if (!shop_query_int(x, "retired", 0, 1, 0, &retired) || !shop_query_int(x, "skip", 0, INT32_MAX, 0, &skip) ||
        !shop_query_int(x, "k", 1, 1000, 100, &k))
        return;
    params.retired = (int32_t)retired;
    params.skip = (size_t)skip;
    params.k = (size_t)k;
    list_entries(x, &params, false);
}

/* One version as it was. */
static void send_version(exchange *x, const char *lang, int32_t version) {
    char *text = malloc(ANSWER_BYTES);
    json_t *questions = json_array(), *answer = NULL;
    llmcs_status status = text ? LLMCS_OK : request_error(LLMCS_NOMEM, "no memory for a text");
    size_t n = 0;
    for (size_t i = 0; !status && i < MAX_TEXTS; i++) {
        status = llmcs_shop_entry_text(shop_of(x)->shop, x->params[0], lang, version, i, text, ANSWER_BYTES, &n);
        if (status) break;
        if (i)
            json_array_append_new(questions, json_text(text, n));
        else
            answer = json_text(text, n);
    }
    free(text);
    if (status == LLMCS_ARG && answer) status = LLMCS_OK; /* there are no more questions */
    if (!status) {
        reply_json(x, 200,
                   json_pack("{sssssisoso}", "id", x->params[0], "lang", lang, "version", (int)version, "questions",
                             questions, "answer", answer));
        return;
    }
    json_decref(questions);
    json_decref(answer);
    if (status == LLMCS_ARG)
        reply_error(x, 404, "not_found", NULL, "there is no such version");
    else
        shop_fail(x, status);
}

/* ?lang=en&version=2: that version; else the entry in all its languages, retired or not. */
void shop_get_faq(exchange *x) {
    llmcs_shop_entries_params params;
    int64_t version;
    const char *lang = x_query(x, "lang");
    request_begin();
    if (!shop_query_int(x, "version", 1, INT32_MAX, 0, &version)) return;
    if (version) {
        send_version(x, lang ? lang : "", (int32_t)version);
        return;
    }
    llmcs_shop_entries_params_init(&params);
    params.id = x->params[0];
    params.retired = 1;
    list_entries(x, &params, true);
}

/* {"lang"?, "question" or "questions", "answer", "tags"?, "valid_from"?, "valid_until"?}, as a row of import-faq. */
void shop_put_faq(exchange *x) {
    llmcs_shop_entry entry = {.struct_size = sizeof entry};
    const llmcs_shop_entry *rows[] = {&entry};
    json_t *request = json_copy(x->json);
    import_row row = {.json = request, .item = &entry};
    llmcs_status refused = LLMCS_OK;
    request_begin();
    const char *actor = shop_actor(x, request, "agent");
    if (!actor) {
        json_decref(request);
        return;
    }
    json_object_del(request, "agent");
    json_object_del(request, "id"); /* also where the path's is not UTF-8, so that json_string fails */
    json_object_set_new(request, "id", json_string(x->params[0]));
    llmcs_status status = request_check_keys(request, entry_keys);
    if (!status) status = read_entry(&row);
    if (!status) status = llmcs_shop_put_entries(shop_of(x)->shop, rows, 1, shop_keep_refusal, &refused, NULL);
    if (!status) status = refused;
    if (status)
        shop_fail(x, status);
    else if (shop_audit(x, actor, "put entry", "entry", x->params[0])) {
        llmcs_shop_entries_params params;
        llmcs_shop_entries_params_init(&params);
        params.id = entry.id;
        params.lang = entry.lang;
        list_entries(x, &params, true);
    }
    for (size_t i = 0; i < row.n_arrays; i++) free(row.arrays[i]);
    json_decref(request);
}

/* ?lang=en: in that language alone */
void shop_retire_faq(exchange *x) {
    const char *lang = x_query(x, "lang");
    size_t n = 0;
    request_begin();
    const llmcs_status status = llmcs_shop_retire_entry(shop_of(x)->shop, x->params[0], lang, &n);
    if (status)
        shop_fail(x, status);
    else if (!n)
        reply_error(x, 404, "not_found", NULL, "there is no such entry, or it is retired");
    else if (shop_audit(x, x->caller.name, "retire entry", "entry", x->params[0]))
        reply_json(x, 200, json_pack("{sssI}", "id", x->params[0], "retired", (json_int_t)n));
}
