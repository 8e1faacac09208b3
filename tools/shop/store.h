/* Opens the store that the command line names. */
#ifndef TOOLS_SHOP_STORE_H
#define TOOLS_SHOP_STORE_H

#include "cli.h"
#include "llmcs_shop.h"

typedef struct store {
    llmcs_shop *shop;
    llmcs_model *encoder; /* or NULL */
} store;

/* Where the encoder comes from. */
typedef enum store_encoder {
    STORE_NO_ENCODER, /* the command embeds nothing */
    STORE_ENCODER     /* the folder of --encoder, else that of `llmcs-shop init --encoder`, else none */
} store_encoder;

/* False after an error message. `folder`: of --encoder, or NULL. flags: LLMCS_SHOP_*. */
bool store_open(store *s, const cli_common *common, store_encoder which, const char *folder, uint32_t flags);
void store_close(store *s);

/* Resolves `path`, which is stored in `file`, against the folder of the file if it is relative. The caller frees it.
 * NULL: no memory. */
char *path_from_file(const char *file, const char *path);

#endif
