/* Copies structs between caller and library, whose versions and so struct sizes may differ. */
#include "base/options.h"

#include <string.h>

#include "base/size.h"

/* A larger struct_size is uninitialised memory. */
#define MAX_STRUCT_BYTES 65536

llmcs_status ll_options_check(const void *in, size_t oldest_size, const char *name) {
    size_t found;
    memcpy(&found, in, sizeof found);
    if (found >= oldest_size && found <= MAX_STRUCT_BYTES) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "%s.struct_size is %zu, expected sizeof(%s), at least %zu: initialise it first", name,
                   found, name, oldest_size);
}

static void copy_out(void *caller, size_t caller_size, const void *ours, size_t size) {
    memcpy(caller, ours, ll_min(caller_size, size));
    if (caller_size > size) memset((unsigned char *)caller + size, 0, caller_size - size);
    memcpy(caller, &caller_size, sizeof caller_size);
}

void ll_options_init(void *caller, size_t caller_size, const void *ours, size_t size) {
    if (caller && caller_size >= sizeof(size_t)) copy_out(caller, caller_size, ours, size);
}

llmcs_status ll_options_in(void *out, size_t size, size_t oldest_size, const void *in, const char *name) {
    size_t found;
    LL_TRY(ll_options_check(in, oldest_size, name));
    memcpy(&found, in, sizeof found);
    const unsigned char *bytes = in;
    for (size_t i = size; i < found; i++)
        if (bytes[i])
            return ll_fail(
                LLMCS_ARG,
                "%s: byte %zu is not 0, but version %s of the library has no field there: set newer fields to 0", name,
                i, llmcs_version());
    memcpy(out, in, ll_min(found, size));
    memcpy(out, &size, sizeof size);
    return LLMCS_OK;
}

llmcs_status ll_options_out(void *caller, size_t oldest_size, const void *ours, size_t size, const char *name) {
    size_t found;
    LL_TRY(ll_options_check(caller, oldest_size, name));
    memcpy(&found, caller, sizeof found);
    copy_out(caller, found, ours, size);
    return LLMCS_OK;
}
