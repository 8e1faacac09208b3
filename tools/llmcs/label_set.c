#include "label_set.h"

#include <stdlib.h>
#include <string.h>

void label_set_free(label_set *set) {
    for (size_t i = 0; i < set->n; i++) free(set->names[i]);
    free(set->names);
    free(set->scores);
    free(set->infos);
    *set = (label_set){0};
}

static llmcs_status out_of_memory(void) { return request_error(LLMCS_NOMEM, "labels: out of memory"); }

static llmcs_status add(label_set *set, const char *name, size_t len) {
    if (!len) return request_error(LLMCS_ARG, "labels: one of them is empty");
    for (size_t i = 0; i < set->n; i++)
        if (strlen(set->names[i]) == len && !memcmp(set->names[i], name, len))
            return request_error(LLMCS_ARG, "labels: \"%.80s\" occurs twice", set->names[i]);
    char **names = realloc(set->names, (set->n + 1) * sizeof *names);
    if (!names) return out_of_memory();
    set->names = names;
    names[set->n] = malloc(len + 1);
    if (!names[set->n]) return out_of_memory();
    memcpy(names[set->n], name, len);
    names[set->n++][len] = 0;
    return LLMCS_OK;
}

/* Workspace of scoring. */
static llmcs_status complete(label_set *set) {
    if (!set->n) return request_error(LLMCS_ARG, "labels: expected one or more names, found none");
    set->scores = malloc(set->n * sizeof *set->scores);
    set->infos = calloc(set->n, sizeof *set->infos);
    return set->scores && set->infos ? LLMCS_OK : out_of_memory();
}

llmcs_status label_set_split(label_set *set, const char *list) {
    for (const char *at = list; *at;) {
        const char *begin = at + strspn(at, " \t"), *end = begin + strcspn(begin, ",");
        at = *end ? end + 1 : end;
        while (end > begin && (end[-1] == ' ' || end[-1] == '\t')) end--;
        if (end == begin) continue; /* as Transformers' pipeline */
        const llmcs_status status = add(set, begin, (size_t)(end - begin));
        if (status) return status;
    }
    return complete(set);
}

llmcs_status label_set_read(label_set *set, const json_t *list) {
    if (!json_is_array(list)) return request_error(LLMCS_ARG, "labels: expected a list of strings");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *name = json_array_get(list, i);
        if (!json_is_string(name) || strlen(json_string_value(name)) != json_string_length(name))
            return request_error(LLMCS_ARG, "labels[%zu]: expected a string", i);
        const llmcs_status status = add(set, json_string_value(name), json_string_length(name));
        if (status) return status;
    }
    return complete(set);
}

llmcs_status label_set_score(label_set *set, llmcs_model *model, const char *text, size_t len,
                             const llmcs_text_params *params) {
    const llmcs_text one = {text, len, NULL, 0};
    set->infos[0].struct_size = sizeof *set->infos;
    const llmcs_status status =
        llmcs_zero_shot(model, &one, 1, (const char *const *)set->names, set->n, params, set->scores, set->infos);
    if (status) return status;
    set->best = 0;
    set->info = set->infos[0];
    for (size_t i = 1; i < set->n; i++) {
        const int32_t truncated = set->info.truncated | set->infos[i].truncated;
        if (set->scores[i] > set->scores[set->best]) set->best = i;
        if (set->infos[i].n_tokens > set->info.n_tokens) set->info = set->infos[i];
        set->info.truncated = truncated;
    }
    return LLMCS_OK;
}
