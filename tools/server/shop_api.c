/*
 * The shop's calls: opens the store of --shop with all that its settings name. s->shop is the llmcs_shop_service; it is
 * NULL without a store, and then the routes below are not there. Keys of the configuration's "shop" object besides
 * "store" are read here.
 */
#include "llmcs_shop.h"
#include "llmcs_shop_desk.h"
#include "server.h"

static bool is_enabled(const server *s) { return s->shop != NULL; }

static void log_library(void *user, llmcs_log_level level, const char *message) {
    (void)user;
    if (level >= LLMCS_LOG_WARN) log_message(LOG_WARN, "shop", "%s", message);
}

static bool open_shop(server *s) {
    llmcs_shop_service_options options;
    llmcs_shop_service *service = NULL;
    if (!s->config.shop) return true;
    llmcs_shop_service_options_init(&options);
    options.log = log_library;
    if (llmcs_shop_service_open(s->config.shop, &options, &service)) {
        log_message(LOG_ERROR, "shop", "%s: %s", s->config.shop, llmcs_error_message());
        return false;
    }
    s->shop = service;
    return true;
}

static void close_shop(server *s) {
    llmcs_shop_service *service = s->shop;
    llmcs_shop_service_free(&service);
    s->shop = NULL;
}

const api api_shop = {.name = "shop", .open = open_shop, .close = close_shop, .enabled = is_enabled};
