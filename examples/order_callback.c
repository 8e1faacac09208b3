/*
 * order_callback - orders in another system: a callback of the host looks them up and cancels them.
 *
 *     order_callback STORE                    plays the conversations below; creates STORE if it does not exist
 *     order_callback STORE "Where is A1?"     one conversation of your own
 *
 * An action has one of three outcomes, which the desk tells the customer: DONE; FAILED if it certainly did not happen;
 * UNKNOWN if that is not known. The desk never repeats an UNKNOWN action: it hands the conversation to a person.
 */
#include <llmcs_shop.h>
#include <stdio.h>
#include <string.h>

/* Data of the other system. A real one is a database or an HTTP service. */
static struct order {
    const char *id, *customer, *status;
} orders[] = {{"A1", "anna", "shipped"},
              {"A2", "anna", "paid"},
              {"A3", "anna", "paid"},
              {"A4", "anna", "paid"},
              {"A5", "ben", "paid"}};

static const char flows[] =
    "{\"format\":1,\"languages\":[\"en\"],"
    "\"slots\":{\"order\":{\"type\":\"order\",\"pattern\":\"A[0-9]+\",\"ask\":{\"en\":\"Which order?\"}}},"
    "\"finds\":{\"o\":{\"host\":true,\"columns\":[\"id\",\"status\"]}},"
    "\"actions\":{\"cancel\":{\"host\":true,\"object\":\"order\",\"destructive\":true}},"
    "\"flows\":{"
    "\"status\":{\"title\":{\"en\":\"order status\"},\"steps\":["
    "{\"slot\":\"order\"},{\"find\":\"o\"},{\"say\":{\"en\":\"Order {order}: {o.status}.\"}}]},"
    "\"cancel\":{\"title\":{\"en\":\"cancel an order\"},\"steps\":["
    "{\"slot\":\"order\"},{\"find\":\"o\"},"
    "{\"if\":{\"o.status\":\"shipped\"},"
    "\"then\":[{\"say\":{\"en\":\"{order} is on its way and cannot be cancelled.\"}}],"
    "\"else\":[{\"confirm\":{\"en\":\"Cancel order {order}?\"}},"
    "{\"do\":\"cancel\",\"done\":[{\"say\":{\"en\":\"Order {order} is cancelled.\"}}],"
    "\"failed\":[{\"say\":{\"en\":\"Order {order} was not cancelled.\"}}]}]}]}},"
    "\"rules\":[{\"words\":{\"en\":[\"cancel\"]},\"flow\":\"cancel\"},"
    "{\"words\":{\"en\":[\"where\",\"status\"]},\"flow\":\"status\"}]}";

static const char *slot_value(const llmcs_shop_call_request *request, const char *name) {
    for (size_t i = 0; i < request->n_slots; i++)
        if (!strcmp(request->slots[i].name, name)) return request->slots[i].value;
    return "";
}

/* Somebody else's order is no order: the customer comes from the login. */
static struct order *find_order(const llmcs_shop_call_request *request) {
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (!strcmp(orders[i].id, slot_value(request, "order")) && !strcmp(orders[i].customer, request->customer))
            return &orders[i];
    return NULL;
}

/* Runs on a thread of the desk. A real host keeps request->key with the action and refuses to act twice for one key. */
static void answer_call(void *user, const llmcs_shop_call_request *request, llmcs_shop_call *call) {
    struct order *order = find_order(request);
    char row[200];
    (void)user;
    if (!request->is_action) {
        snprintf(row, sizeof row, "[{\"id\":\"%s\",\"status\":\"%s\"}]", order ? order->id : "",
                 order ? order->status : "");
        llmcs_shop_call_answer(call, LLMCS_ACTION_DONE, order ? row : "[]");
    } else if (!order || !strcmp(order->id, "A3")) {
        llmcs_shop_call_answer(call, LLMCS_ACTION_FAILED, NULL); /* the warehouse says no */
    } else if (!strcmp(order->id, "A4")) {
        return; /* the line broke after the request was sent: no answer is UNKNOWN */
    } else {
        order->status = "cancelled";
        llmcs_shop_call_answer(call, LLMCS_ACTION_DONE, NULL);
    }
}

static int failed(const char *doing) {
    fprintf(stderr, "order_callback: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

static int say(llmcs_shop_desk *desk, const char *conversation, const char *text) {
    llmcs_shop_message message;
    llmcs_shop_turn *turn = NULL;
    llmcs_shop_message_init(&message);
    message.conversation = conversation;
    message.customer = "anna";
    message.text = text;
    if (llmcs_shop_desk_say(desk, &message, &turn)) return failed("say");
    printf("anna: %s\ndesk: %s\n", text, turn->reply);
    if (turn->action_state)
        printf("      [%s %s: %s]\n", turn->action, turn->action_object,
               llmcs_shop_action_state_name(turn->action_state));
    llmcs_shop_turn_free(&turn);
    return 0;
}

static int play(llmcs_shop_desk *desk) {
    static const char *const lines[][2] = {{"1", "Where is A1?"}, {"1", "Then cancel A1."}, {"2", "Cancel A2."},
                                           {"2", "Yes."},         {"2", "Status of A2?"},   {"3", "Cancel A3."},
                                           {"3", "Yes."},         {"4", "Cancel A4."},      {"4", "Yes."},
                                           {"5", "Where is A5?"}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (say(desk, lines[i][0], lines[i][1])) return 1;
    return 0;
}

int main(int argc, char **argv) {
    static const char *const all[] = {"*"};
    llmcs_shop *shop = NULL;
    llmcs_shop_desk *desk = NULL;
    llmcs_shop_options shop_options;
    llmcs_shop_desk_options options;
    if (argc < 2 || argv[1][0] == '-') {
        const int help = argc == 2 && !strcmp(argv[1], "--help");
        fprintf(help ? stdout : stderr, "usage: order_callback STORE [TEXT ...]\n");
        return help ? 0 : 2;
    }
    llmcs_shop_options_init(&shop_options);
    shop_options.flags = LLMCS_SHOP_CREATE;
    if (llmcs_shop_open(argv[1], &shop_options, &shop)) return failed("open the store");
    llmcs_shop_desk_options_init(&options);
    options.flows_json = flows;
    options.call = answer_call;
    options.host_calls = all;
    options.n_host_calls = 1;
    options.call_timeout_ms = 2000; /* an answer that comes later counts as UNKNOWN */
    int code = llmcs_shop_desk_open(shop, &options, &desk) ? failed("open the desk") : 0;
    if (!code && argc == 2) code = play(desk);
    for (int i = 2; i < argc && !code; i++) code = say(desk, "own", argv[i]);
    llmcs_shop_desk_free(&desk);
    llmcs_shop_free(&shop);
    return code;
}
