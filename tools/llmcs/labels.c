/* Names of labels that are keys: a JSON object must not have a key twice. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void cli_label_names_free(char **names, int32_t n_labels) {
    for (int32_t i = 0; names && i < n_labels; i++) free(names[i]);
    free(names);
}

static bool is_taken(char **names, int32_t n, const char *name) {
    for (int32_t i = 0; i < n; i++)
        if (!strcmp(names[i], name)) return true;
    return false;
}

char **cli_label_names(const llmcs_model *model, int32_t n_labels) {
    char **names = calloc((size_t)n_labels + 1, sizeof *names);
    for (int32_t i = 0; names && i < n_labels; i++) {
        const char *label = llmcs_model_label(model, i);
        const size_t capacity = strlen(label) + 32;
        if (!(names[i] = malloc(capacity))) {
            cli_label_names_free(names, n_labels);
            return NULL;
        }
        strcpy(names[i], label);
        for (int32_t number = i; is_taken(names, i, names[i]); number += n_labels)
            snprintf(names[i], capacity, "%s#%d", label, number);
    }
    return names;
}
