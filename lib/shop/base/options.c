/* Structs of the API by their size: defaults out, settings in, results out. */
#include "shop/base/options.h"

#include <string.h>

#include "shop/base/alloc.h"

/* A larger struct_size means that the struct was not initialised. */
enum { MAX_STRUCT_BYTES = 65536 };

static llmcs_status read_size(const void *in, size_t oldest_size, const char *name, size_t *found) {
    memcpy(found, in, sizeof *found);
    if (*found >= oldest_size && *found <= MAX_STRUCT_BYTES) return LLMCS_OK;
    return shop_fail(LLMCS_ARG, "%s.struct_size is %llu, expected sizeof(%s), at least %llu: initialise it first", name,
                     (unsigned long long)*found, name, (unsigned long long)oldest_size);
}

static void copy_out(void *caller, size_t caller_size, const void *ours, size_t size) {
    memcpy(caller, ours, shop_min(caller_size, size));
    if (caller_size > size) memset((unsigned char *)caller + size, 0, caller_size - size);
    memcpy(caller, &caller_size, sizeof caller_size);
}

void shop_options_init(void *caller, size_t caller_size, const void *ours, size_t size) {
    if (caller && caller_size >= sizeof(size_t)) copy_out(caller, caller_size, ours, size);
}

llmcs_status shop_options_in(void *out, size_t size, size_t oldest_size, const void *in, const char *name) {
    size_t found;
    SHOP_TRY(read_size(in, oldest_size, name, &found));
    const unsigned char *bytes = in;
    for (size_t i = size; i < found; i++)
        if (bytes[i])
            return shop_fail(LLMCS_ARG, "%s holds a field this version (%s) does not know", name, llmcs_shop_version());
    memcpy(out, in, shop_min(found, size));
    memcpy(out, &size, sizeof size);
    return LLMCS_OK;
}

llmcs_status shop_options_out(void *caller, size_t oldest_size, const void *ours, size_t size, const char *name) {
    size_t found;
    SHOP_TRY(read_size(caller, oldest_size, name, &found));
    copy_out(caller, found, ours, size);
    return LLMCS_OK;
}
