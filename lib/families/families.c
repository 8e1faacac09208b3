/* The list of supported families, and look-up by model_type or class name. */
#include <string.h>

#include "base/status.h"
#include "families/family.h"

#define ADDRESS(name) &ll_family_##name,
const ll_family *const ll_families[] = {LL_FAMILIES(ADDRESS) NULL};

const ll_model_type *ll_family_find(const char *model_type, const ll_family **family) {
    for (size_t i = 0; ll_families[i]; i++)
        for (const ll_model_type *m = ll_families[i]->model_types; m->name; m++)
            if (strcmp(m->name, model_type) == 0) {
                *family = ll_families[i];
                return m;
            }
    return NULL;
}

const ll_model_type *ll_family_of_class(const char *architecture, const ll_family **family, const char **class_name) {
    const ll_model_type *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; ll_families[i]; i++)
        for (const ll_model_type *m = ll_families[i]->model_types; m->name; m++) {
            const size_t n = strlen(m->class_prefix);
            if (n <= longest || strncmp(architecture, m->class_prefix, n) != 0) continue;
            longest = n;
            found = m;
            *family = ll_families[i];
            *class_name = architecture + n;
        }
    return found;
}

const char *ll_family_names(char out[LL_FAMILY_NAMES_BYTES]) {
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; ll_families[i]; i++)
        for (const ll_model_type *m = ll_families[i]->model_types; m->name && used < LL_FAMILY_NAMES_BYTES; m++)
            used += (size_t)ll_format(out + used, LL_FAMILY_NAMES_BYTES - used, "%s%s", used ? ", " : "", m->name);
    return out;
}
