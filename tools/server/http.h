/* Shared by http.c, exchange.c, watch.c, auth.c and main.c. */
#ifndef TOOLS_SERVER_HTTP_H
#define TOOLS_SERVER_HTTP_H

#include <microhttpd.h>

#include "server.h"

/* http.c. Binds and listens; the port is known afterwards. False after log_event. */
bool http_listen(server *s);
int http_port(const server *s);
bool http_start(server *s);
/* Accepts no further connections; existing ones continue. */
void http_close_listener(server *s);
/* All requests end as if their clients had gone; close_too: all connections are closed, also those whose clients do not
 * read, or have sent half a request. */
void http_cancel_all(server *s, bool close_too);
/* Requests that are not answered in full. */
size_t http_active(const server *s);
size_t http_connections(const server *s);
/* After all requests have ended. */
void http_stop(server *s);

/* exchange.c */
exchange *exchange_create(server *s, struct MHD_Connection *connection, const char *path);
/* Notes that another thread will answer. Called on the HTTP thread before others know x. */
void exchange_suspend(exchange *x);
/* MHD is done with it: releases MHD's reference. */
void exchange_complete(exchange *x);
/* The client is gone: calls on_gone. */
void exchange_lose_client(exchange *x);

/* watch.c: which connections there are, whether their clients are, and how long they take to send a request. */
typedef struct watch watch;
watch *watch_create(server *s, size_t capacity);
void watch_free(watch *w); /* joins its thread */
/* An id, or UINT32_MAX if there are too many. */
uint32_t watch_add(watch *w, int fd);
void watch_remove(watch *w, uint32_t id);
/* The connection has received a whole request, x; NULL: it waits for the next one. */
void watch_set(watch *w, uint32_t id, exchange *x);
/* limits.max_connections were open before it and still are. */
bool watch_is_surplus(watch *w, uint32_t id);
size_t watch_count(watch *w);
void watch_lose_all(watch *w, bool close_too);

/* auth.c. The caller with this Authorization header (NULL: none). False: unknown. `customer`: buffer for the name
 * of a token's goes. */
bool auth_identify(const config *c, const char *authorization, caller *who, char customer[CUSTOMER_CAPACITY]);
/* token.c. The customer of a JSON Web Token, signed by HS256 with the secret, that is valid now. */
bool token_verify(const unsigned char *secret, size_t secret_bytes, const char *token, int64_t now_s,
                  char customer[CUSTOMER_CAPACITY]);

/* config.c. The configuration of the command line and its --config file. -1 to go on, or the exit code. */
int config_read(config *c, int argc, char **argv);
void config_free(config *c);

struct http {
    struct MHD_Daemon *daemon;
    watch *watch;
    int listen_fd, port;
    int32_t n_active;
    int64_t bodies_bytes; /* of requests that are not freed */
};

#endif
