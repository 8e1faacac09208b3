/*
 * llmcs_shop.h - the public interface of libllmcs_shop: what an online shop needs on top of libllmcs.
 *
 * libllmcs.so runs models; libllmcs_shop.so finds and decides with them: classify customers' texts, answer from a
 * knowledge base, recommend products, measure answers. This header includes the others, in the order most programs need
 * them.
 *
 * Rules
 *
 * - All rules of llmcs.h hold here too: statuses and llmcs_error_message(), UTF-8 with a length in bytes (LLMCS_NUL),
 *   ownership, sized structs, threads, callbacks. The library never prints, aborts, exits or installs a handler.
 * - A text that is not UTF-8 is read as the core reads it: one U+FFFD for each maximal ill-formed part.
 * - Everything abstains: each answer has a calibrated probability of being right and a threshold.
 * - A model handed to a function or an object must live until the object is freed.
 */
#ifndef LLMCS_SHOP_H
#define LLMCS_SHOP_H

#include "llmcs.h"

#if defined(LLMCS_SHOP_BUILD) && defined(__GNUC__)
#define LLMCS_SHOP_API __attribute__((visibility("default")))
#else
#define LLMCS_SHOP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define LLMCS_SHOP_VERSION_MAJOR 0
#define LLMCS_SHOP_VERSION_MINOR 1
#define LLMCS_SHOP_VERSION_PATCH 0

/* Version of the library that runs, "0.1.0". Never fails. */
LLMCS_SHOP_API const char *llmcs_shop_version(void);

#ifdef __cplusplus
}
#endif
#endif
