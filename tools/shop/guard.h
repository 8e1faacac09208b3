/* Opens a guard by the command line, the store's settings, and the files installed with this program. */
#ifndef TOOLS_SHOP_GUARD_H
#define TOOLS_SHOP_GUARD_H

#include "store.h"

/* Options for a job with a member `guard` of type guard_choice. */
typedef struct guard_choice {
    const char *tagger, *order_pattern;
} guard_choice;
#define GUARD_OPTIONS(job)                                                                                             \
    CLI_PLAIN("tagger", CLI_STRING, offsetof(job, guard.tagger),                                                       \
              "file that finds names and addresses in running text; none: only cues [the store's \"llmcs.tagger\", "   \
              "else the one of this program]"),                                                                        \
        CLI_PLAIN("order_pattern", CLI_STRING, offsetof(job, guard.order_pattern),                                     \
                  "pattern of order numbers, in PCRE2 syntax [the store's \"llmcs.order_pattern\", else a code after " \
                  "words such as \"order number\"]")

/* shop: may be NULL. False after an error message. */
bool guard_open(const guard_choice *choice, llmcs_shop *shop, llmcs_shop_guard **guard);

#endif
