/*
 * The shop's calls as JSON, for `llmcs-shop ... --jsonl` and llmcs-server. A call reads the members of `request` and
 * adds those of the answer to `out`; after a failure, request_message() returns the message.
 */
#ifndef TOOLS_SHOP_CALLS_H
#define TOOLS_SHOP_CALLS_H

#include "import.h"
#include "llmcs_shop.h"
#include "request.h"

enum { CALL_MAX_ASK = 20 };

/* A message for the desk. */
typedef struct turn_call {
    llmcs_shop_desk *desk;
    const char *customer, *lang; /* for requests that name none; or NULL */
    double deadline_ms;          /* upper limit for that of a request; 0: no limit, and the desk's if it names none */
    const int32_t *cancel;       /* or NULL */
    llmcs_text_fn on_text;       /* or NULL */
    void *on_text_user;
} turn_call;
llmcs_status call_turn(const turn_call *call, const json_t *request, cli_answer *out);

/* {"id","lang","version","text","entry","reply"}, for answers and replies. */
json_t *citation_json(const llmcs_shop_citation *citation);

llmcs_status call_ask(llmcs_shop *shop, const llmcs_shop_ask_params *defaults, const json_t *request, cli_answer *out);

/* A request for recommendations. */
typedef struct recommend_call {
    const char *customer, *item, *text, *lang;
    cli_strings categories, tags_all, tags_any, tags_none, exclude;
    double price_min, price_max, diversity, half_life_days, weight_content, weight_together, weight_popular;
    int32_t k, seen; /* seen: position in recommend_seen_names */
    bool out_of_stock;
} recommend_call;
extern const char *const recommend_seen_names[];
void recommend_call_init(recommend_call *call);
/* The strings of `params` are those of `call`. */
void recommend_params(const recommend_call *call, llmcs_shop_recommend_params *params);
llmcs_status call_recommend(llmcs_shop *shop, const recommend_call *defaults, const json_t *request, cli_answer *out);

llmcs_status call_assist(llmcs_shop_assistant *assistant, const llmcs_shop_assist_params *defaults,
                         const json_t *request, cli_answer *out);

/* Rows: their allowed keys, and readers into llmcs_shop_feedback and llmcs_shop_entry. */
extern const char *const feedback_keys[], *const entry_keys[];
llmcs_status read_feedback(import_row *row);
llmcs_status read_entry(import_row *row);

#endif
