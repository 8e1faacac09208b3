/* Typed members of a JSON file that describes a model. If a member has the wrong type or range, the message names file,
 * key, expected and found value. */
#ifndef LL_FORMATS_SETTINGS_H
#define LL_FORMATS_SETTINGS_H

#include "formats/json.h"
#include "formats/source.h"

#define LL_MAX_SETTINGS_BYTES ((size_t)4 << 20) /* of a file; the largest known list some thousand labels */
#define LL_MAX_SETTINGS 65536                   /* members of its object */

typedef struct ll_settings {
    llmcs_allocator allocator;
    char *path, *text;
    ll_json_doc *doc;
    const char *name; /* of the file, for messages */
    ll_json root;     /* an object, or for modules.json an array */
} ll_settings;

/* Reads file `name` of `source`; its root must have type `root`. On failure there is nothing to close. */
llmcs_status ll_settings_open(ll_settings *f, const llmcs_allocator *a, const ll_source *source, const char *name,
                              ll_json_type root);
void ll_settings_close(ll_settings *f);

/* The member; MISSING if it is absent, CONFIG if it occurs twice. */
llmcs_status ll_settings_find(const ll_settings *f, const char *key, ll_json *value);

/* The value for messages: *n bytes of its source, or "nothing", "an array", "an object". */
const char *ll_settings_show(ll_json value, int *n);

/* Fails with CONFIG: "config.json: n_head: expected an integer from 1 to 2147483647, found \"12\"". */
llmcs_status ll_settings_bad(const ll_settings *f, const char *key, ll_json value, const char *expected);

/* Fails with UNSUPPORTED: "config.json: hidden_act: "mish" is not supported: only gelu, ...". supported may be NULL. */
llmcs_status ll_settings_unsupported(const ll_settings *f, const char *key, ll_json value, const char *supported);

/* These leave *out unchanged if the member is absent; those named _or_null also if it is null. */
llmcs_status ll_settings_int(const ll_settings *f, const char *key, int64_t min, int64_t max, int64_t *out);
llmcs_status ll_settings_int_or_null(const ll_settings *f, const char *key, int64_t min, int64_t max, int64_t *out);
llmcs_status ll_settings_double_or_null(const ll_settings *f, const char *key, double min, double max, double *out);
llmcs_status ll_settings_bool_or_null(const ll_settings *f, const char *key, bool *out);

/* The same for a value instead of a member. */
llmcs_status ll_settings_read_int(const ll_settings *f, const char *key, ll_json v, int64_t min, int64_t max,
                                  int64_t *out);

#endif
