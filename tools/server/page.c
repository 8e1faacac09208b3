/* Serves the page: / is index.html, /page/NAME any file of it. The page needs no key; its calls do. */
#include "page.h"

#include <string.h>

#include "server.h"

static const char *type_of(const char *name) {
    static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
                                           {".css", "text/css; charset=utf-8"},
                                           {".js", "text/javascript; charset=utf-8"},
                                           {".svg", "image/svg+xml"},
                                           {".png", "image/png"},
                                           {".json", "application/json"}};
    const char *end = strrchr(name, '.');
    for (size_t i = 0; end && i < sizeof types / sizeof *types; i++)
        if (!strcmp(end, types[i][0])) return types[i][1];
    return "application/octet-stream";
}

static void send_file(exchange *x, const char *name) {
    for (size_t i = 0; i < n_page_files; i++) {
        if (strcmp(page_files[i].name, name) != 0) continue;
        x_add_header(
            x, "Content-Security-Policy",
            "default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors 'none'");
        x_add_header(x, "Cache-Control", "no-cache");
        x_add_header(x, "Referrer-Policy", "no-referrer");
        reply_bytes(x, 200, type_of(name), page_files[i].bytes, page_files[i].n, false);
        return;
    }
    reply_error(x, 404, "not_found", NULL, "there is no such path");
}

/* The roles of the caller's key, so that the page shows only what they allow. Public: no key, no roles. */
static void whoami(exchange *x) {
    static const struct {
        unsigned role;
        const char *name;
    } names[] = {{ROLE_INFERENCE, "inference"}, {ROLE_CUSTOMER, "customer"}, {ROLE_SHOP, "shop"},
                 {ROLE_AGENT, "agent"},         {ROLE_METRICS, "metrics"},   {ROLE_ADMIN, "admin"}};
    json_t *roles = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (x->caller.roles & (names[i].role | ROLE_ADMIN)) json_array_append_new(roles, json_string(names[i].name));
    reply_json(x, 200,
               json_pack("{sssoss?sb}", "name", x->caller.name, "roles", roles, "customer", x->caller.customer, "shop",
                         x->server->shop != NULL));
}

static void send_index(exchange *x) { send_file(x, "index.html"); }
static void send_named(exchange *x) { send_file(x, x->params[0]); }

static const route routes[] = {
    {"GET", "/", ROLE_PUBLIC, RUN_INLINE, 0, send_index},
    {"GET", "/whoami", ROLE_PUBLIC, RUN_INLINE, 0, whoami},
    {"GET", "/page/{}", ROLE_PUBLIC, RUN_INLINE, 0, send_named},
};

const api api_page = {.name = "page", .routes = routes, .n_routes = sizeof routes / sizeof *routes};
