/*
 * shop_desk - the desk inside a service that handles many conversations at the same time.
 *
 *     examples/shop/import.sh shop.db
 *     printf '%s\n' 'web-1 c001 Where is PL26111334?' 'web-2 c002 取消PL26111606' 'web-2 c002 是的' | shop_desk shop.db
 *
 * Each line has a conversation, the logged-in customer ("-": nobody) and the text. The customer comes from your
 * service's login, never from the text. All threads share one desk; a conversation always goes to the same thread, so
 * its messages are answered in order.
 */
#include <llmcs_shop.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

#define MAX_THREADS 64

typedef struct worker {
    pthread_t thread;
    FILE *in;      /* the lines of its conversations */
    int to_worker; /* the other end of that pipe */
    llmcs_shop_desk *desk;
    int n_failed;
} worker;

static void print_turn(const llmcs_shop_message *message, const llmcs_shop_turn *turn) {
    flockfile(stdout);
    printf("%s < %s\n", message->conversation, message->text);
    printf("%s > %s\n  [%s", message->conversation, turn->reply, llmcs_shop_desk_route_name(turn->route));
    if (*turn->flow) printf(", flow %s", turn->flow);
    if (turn->action_state)
        printf(", %s %s %s", turn->action, turn->action_object, llmcs_shop_action_state_name(turn->action_state));
    for (size_t i = 0; i < turn->n_citations; i++) printf(", entry %s", turn->citations[i]->id);
    if (*turn->handover_reason) printf(", to a person: %s", turn->handover_reason);
    printf(", %.1f ms]\n", turn->ms.total);
    fflush(stdout);
    funlockfile(stdout);
}

static void answer_line(worker *w, char *line) {
    llmcs_shop_turn *turn = NULL;
    llmcs_shop_message message;
    llmcs_shop_message_init(&message);
    message.conversation = strsep(&line, " ");
    message.customer = strsep(&line, " ");
    message.text = line;
    if (!message.customer || !message.text) {
        fprintf(stderr, "shop_desk: expected CONVERSATION CUSTOMER TEXT in each line\n");
        w->n_failed++;
        return;
    }
    if (!strcmp(message.customer, "-")) message.customer = NULL;
    message.deadline_ms = 2000; /* afterwards the reply is the template or the entry itself */
    if (llmcs_shop_desk_say(w->desk, &message, &turn)) {
        fprintf(stderr, "shop_desk: %s: %s\n", message.conversation, llmcs_error_message());
        w->n_failed++;
        return;
    }
    print_turn(&message, turn);
    llmcs_shop_turn_free(&turn);
}

static void *answer_lines(void *user) {
    worker *w = user;
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, w->in) >= 0) {
        line[strcspn(line, "\r\n")] = 0;
        if (*line) answer_line(w, line);
    }
    free(line);
    return NULL;
}

static int start_worker(worker *w, llmcs_shop_desk *desk) {
    int ends[2];
    *w = (worker){.desk = desk};
    if (pipe(ends)) return 1;
    w->to_worker = ends[1];
    w->in = fdopen(ends[0], "r");
    if (w->in && !pthread_create(&w->thread, NULL, answer_lines, w)) return 0;
    if (w->in)
        fclose(w->in);
    else
        close(ends[0]);
    close(ends[1]);
    return 1;
}

static void write_all(int fd, const char *bytes, size_t n) {
    for (ssize_t done; n; bytes += done, n -= (size_t)done)
        if ((done = write(fd, bytes, n)) < 0) return;
}

/* Gives each line of stdin to the worker of its conversation. */
static void hand_out_lines(worker *workers, int n) {
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t bytes; (bytes = getline(&line, &capacity, stdin)) >= 0;) {
        unsigned hash = 5381;
        for (const char *c = line; *c && *c != ' '; c++) hash = hash * 33 + (unsigned char)*c;
        write_all(workers[hash % (unsigned)n].to_worker, line, (size_t)bytes);
    }
    free(line);
}

static int serve(llmcs_shop_desk *desk, int n_wanted) {
    worker workers[MAX_THREADS];
    int n = 0, n_failed = 0;
    while (n < n_wanted && !start_worker(&workers[n], desk)) n++;
    if (!n) return fprintf(stderr, "shop_desk: no thread could be started\n"), 1;
    hand_out_lines(workers, n);
    for (int i = 0; i < n; i++) close(workers[i].to_worker);
    for (int i = 0; i < n; i++) {
        pthread_join(workers[i].thread, NULL);
        fclose(workers[i].in);
        n_failed += workers[i].n_failed;
    }
    return n_failed != 0;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"threads", required_argument, NULL, 't'}, {"help", no_argument, NULL, 'h'}, {0}};
    int n_threads = 4;
    for (int c; (c = next_option(argc, argv, options)) != -1;) {
        if (c == 't' && (n_threads = atoi(optarg)) >= 1 && n_threads <= MAX_THREADS) continue;
        fprintf(c == 'h' ? stdout : stderr, "usage: shop_desk [--threads 1..%d] STORE < messages\n", MAX_THREADS);
        return c == 'h' ? 0 : 2;
    }
    if (optind != argc - 1) return fprintf(stderr, "shop_desk: name one store; shop_desk --help\n"), 2;
    llmcs_shop_service *service = NULL; /* the store and what its settings name: encoder, classifiers, flows, wording */
    if (llmcs_shop_service_open(argv[optind], NULL, &service)) {
        fprintf(stderr, "shop_desk: %s\n", llmcs_error_message());
        return 1;
    }
    const int code = serve(llmcs_shop_service_desk(service), n_threads);
    llmcs_shop_service_free(&service);
    return code;
}
