/*
 * flows.json, parsed and checked. examples/shop/flows.md describes the format. Immutable once read.
 *
 *   flows_file.c    the file: names, facts, values, slots, finds, actions, intents, rules
 *   flows_steps.c   compiles the steps of a flow into a program: operations with jumps
 *   flows_words.c   words that describe objects, mark values and name flows
 *   template.c      texts with {placeholders}
 *   defaults.c      the built-in sentences
 */
#ifndef SHOP_DESK_FLOWS_H
#define SHOP_DESK_FLOWS_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "shop/desk/json.h"

enum {
    DESK_MAX_LANGS = 8,
    DESK_MAX_SLOTS = 48,
    DESK_MAX_FINDS = 48,
    DESK_MAX_ACTIONS = 48,
    DESK_MAX_FLOWS = 128,
    DESK_MAX_OPS = 192,     /* per flow */
    DESK_MAX_VARIANTS = 16, /* per text and language */
    DESK_MAX_COLUMNS = 32,
    DESK_MAX_ROWS = 50,
    DESK_MAX_PARAMETERS = 64, /* per statement */
    DESK_MAX_TAGS = 8,        /* per knowledge step */
    DESK_MAX_PATTERN = 4000   /* bytes of a pattern */
};

/* ---- texts */

typedef enum desk_part_kind {
    DESK_PART_LITERAL,
    DESK_PART_SLOT,   /* index */
    DESK_PART_COLUMN, /* index: find, column */
    DESK_PART_ROWS,   /* index: find; number of its rows */
    DESK_PART_LIST,   /* index: find; its rows as text */
    DESK_PART_FACT,   /* text: value in this language */
    DESK_PART_ANSWER, /* index: action; name: key of the host's answer */
    DESK_PART_LOCAL   /* name: "a", "b", "list", "choices" in built-in sentences */
} desk_part_kind;

typedef enum desk_filter { DESK_FILTER_NONE, DESK_FILTER_VALUES, DESK_FILTER_MONEY, DESK_FILTER_DATE } desk_filter;

typedef struct desk_part {
    desk_part_kind kind;
    const char *text; /* of a literal or fact */
    const char *name; /* of a column, answer or local */
    int index, column;
    desk_filter filter;
    int values; /* index of a table in "values" */
} desk_part;

typedef struct desk_template {
    const desk_part *parts; /* [n] */
    size_t n;
} desk_template;

/* A text in all languages. Each turn picks one of its variants. */
typedef struct desk_text {
    const desk_template *variants[DESK_MAX_LANGS];
    size_t n_variants[DESK_MAX_LANGS];
} desk_text;

/* The built-in sentences. */
typedef enum desk_sentence {
    DESK_ASK_BACK,
    DESK_NOT_UNDERSTOOD,
    DESK_WHICH_OF,
    DESK_AGAIN,
    DESK_HANDOVER_TEXT,
    DESK_WAITING,
    DESK_LOGIN,
    DESK_NOT_FOUND,
    DESK_ACTION_FAILED,
    DESK_ACTION_UNKNOWN,
    DESK_IN_PROGRESS,
    DESK_UNAVAILABLE_TEXT,
    DESK_BLOCKED_TEXT,
    DESK_TOO_LONG,
    DESK_NOTHING_DONE,
    DESK_NOTHING_TO_CONFIRM,
    DESK_ACKNOWLEDGED,
    DESK_NO_ANSWER,
    DESK_SORRY,
    DESK_NO_RECOMMENDATION,
    DESK_RECOMMEND_TEXT,
    DESK_CLOSED_LIST,
    DESK_PART_UNANSWERED,
    DESK_NONE_FITS,
    DESK_STUCK,
    DESK_LEFT_OPEN,
    DESK_ALREADY_DONE,
    DESK_HAVE_THESE,
    DESK_NONE_SUCH,
    DESK_NO_MORE,
    DESK_NOT_STATED,
    DESK_NOT_SOLD,
    DESK_NOT_SAID,
    DESK_DONE_HERE,
    DESK_OFF_TOPIC,
    DESK_ALL_I_KNOW,
    DESK_SAME_AGAIN,
    DESK_TOTAL,
    DESK_N_SENTENCES
} desk_sentence;

/* ---- data */

typedef enum desk_slot_type {
    DESK_SLOT_ORDER,
    DESK_SLOT_CODE,
    DESK_SLOT_CHOICE,
    DESK_SLOT_PRODUCT,
    DESK_SLOT_YES_NO,
    DESK_SLOT_NUMBER,
    DESK_SLOT_QUANTITY,
    DESK_SLOT_DATE,
    DESK_SLOT_PHONE,
    DESK_SLOT_EMAIL,
    DESK_SLOT_ADDRESS,
    DESK_SLOT_NAME,
    DESK_SLOT_TEXT,
    DESK_N_SLOT_TYPES
} desk_slot_type;

typedef struct desk_option {
    const char *value;
    const char *const *words; /* [n_words] folded, in all languages */
    size_t n_words;
    const desk_text *label; /* NULL: the value is shown */
} desk_option;

/* Values of a status column with the words for them: "not sent yet" means paid or packed. */
typedef struct desk_status_words {
    const char *const *values; /* [n_values] */
    size_t n_values;
    const char *const *words; /* [n_words] folded */
    size_t n_words;
} desk_status_words;

/* How customers describe an object: columns of the finds that list it; NULL where not configured. */
typedef struct desk_described {
    const char *status, *date, *price, *title;
    const desk_status_words *statuses; /* [n_statuses] */
    size_t n_statuses;
    int all; /* find of all objects, including those a flow does not offer; -1: none */
} desk_described;

/* A kind of goods: the customers' words for it, and title words that identify it. */
typedef struct desk_kind {
    const char *const *words; /* [n_words] folded */
    size_t n_words;
    const char *const *titles; /* [n_titles] */
    size_t n_titles;
} desk_kind;

typedef struct desk_slot {
    const char *name;
    desk_slot_type type;
    pcre2_code *pattern; /* or NULL */
    const desk_text *ask;
    const desk_text *again; /* or NULL */
    const desk_text *none;  /* or NULL */
    int from;               /* find with the candidates, or -1 */
    bool only;              /* take the only row of `from` without asking */
    bool first;             /* take a free text from the message that starts the flow */
    double first_min;       /* if that has at least this many bytes */
    bool parts;             /* only if that names goods or how many */
    bool remark;            /* collects statements made at a confirmation */
    double min, max;
    int tries;
    const desk_option *options; /* [n_options] */
    size_t n_options;
    const desk_described *described; /* of an order slot, or NULL */
    pcre2_code *like;                /* pattern that a free text must contain; or NULL */
    const char *const *lead;         /* [n_lead] words in front of a free text that do not belong to it */
    size_t n_lead;
} desk_slot;

/* A find or an action. */
typedef struct desk_query {
    const char *name;
    const char *sql; /* or NULL */
    bool host;       /* answered by the host, not by a statement */
    bool is_action;
    bool personal;   /* needs a login */
    uint32_t tables; /* bits of desk_table_names */
    const char *columns[DESK_MAX_COLUMNS];
    size_t n_columns;
    const desk_text *line; /* of a find; NULL: its first column */
    /* actions */
    bool destructive;
    int object; /* slot index */
    int64_t max_rows;
    int detail[DESK_MAX_SLOTS];
    size_t n_detail;
} desk_query;

typedef enum desk_op_kind {
    DESK_OP_SLOT,
    DESK_OP_FIND,
    DESK_OP_IF,
    DESK_OP_SAY,
    DESK_OP_SAY_BY,
    DESK_OP_CONFIRM,
    DESK_OP_DO,
    DESK_OP_ENTRY,
    DESK_OP_KNOWLEDGE,
    DESK_OP_RECOMMEND,
    DESK_OP_LAST_ACTION,
    DESK_OP_HAND_OVER,
    DESK_OP_SET,
    DESK_OP_GO,
    DESK_OP_JUMP,
    DESK_OP_END
} desk_op_kind;

typedef enum desk_compare { DESK_IS, DESK_IS_EMPTY, DESK_LESS, DESK_MORE, DESK_OLDER, DESK_NEWER } desk_compare;

enum { DESK_SUBJECT_LOGIN = -2 };

/* A slot, or a column of a find. */
typedef struct desk_subject {
    int slot;         /* or -1; DESK_SUBJECT_LOGIN: "yes" if the customer is logged in, else "no" */
    int find, column; /* column -1: the number of rows */
} desk_subject;

typedef struct desk_condition {
    desk_subject subject;
    desk_compare compare;
    const char *const *values; /* [n_values] for DESK_IS */
    size_t n_values;
    double number;
} desk_condition;

typedef struct desk_say_case {
    const char *value; /* NULL: any other value */
    const desk_text *text;
} desk_say_case;

typedef enum desk_recommend_by { DESK_BY_TEXT, DESK_BY_CUSTOMER, DESK_BY_PRODUCT } desk_recommend_by;

typedef struct desk_op {
    desk_op_kind kind;
    int index;              /* slot, find, action, flow */
    const desk_text *text;  /* NULL: the default text */
    const desk_text *again; /* CONFIRM: text when repeated; NULL: `text` */
    int yes, no;            /* next operation: yes: then, done; no: else, failed, none, no; -1: the default */
    const desk_condition *conditions;
    size_t n_conditions;
    desk_subject subject; /* SAY_BY */
    const desk_say_case *cases;
    size_t n_cases;
    const char *const *tags; /* [n_tags] KNOWLEDGE: entries with one of these tags */
    size_t n_tags;
    double accept;  /* KNOWLEDGE: lowest probability; negative: the calibrated threshold */
    const char *id; /* of an entry; or the reason of a handover */
    int priority;   /* of a handover */
    size_t k;       /* products */
    desk_recommend_by by;
    bool have;            /* RECOMMEND: answers "do you have ...?" rather than suggests */
    const int *set_slots; /* [n_set] */
    const char *const *set_values;
    size_t n_set;
} desk_op;

typedef struct desk_flow {
    const char *name;
    const desk_text *title; /* or NULL */
    bool small_talk, worded, always;
    bool alone;              /* its rule leaves other parts of the message unanswered */
    bool inherits;           /* takes the order of the flow that it interrupts */
    bool objects;            /* starts when a message only describes an order */
    bool closes;             /* thanks, goodbye: closes an open question */
    bool acts;               /* it, or a flow that it goes to, acts or opens a ticket */
    const char *const *cues; /* [n_cues] needs one of these words to replace an open question */
    size_t n_cues;
    bool listed;        /* starts for "the second one" of the products listed last */
    int follow;         /* flow that the object alone starts in the next message; -1: this one */
    int route;          /* llmcs_shop_desk_route of its turns */
    double entry_first; /* above 1: never */
    double accept;      /* -1: the classifier's threshold */
    const desk_op *ops; /* [n_ops]; ends with DESK_OP_END */
    size_t n_ops;
    bool uses[DESK_MAX_SLOTS]; /* slots that it fills or shows */
    int from[DESK_MAX_SLOTS];  /* find with the slot's candidates in this flow, or -1 */
} desk_flow;

typedef enum desk_intent_kind {
    DESK_INTENT_FLOW,
    DESK_INTENT_ENTRY,
    DESK_INTENT_KNOWLEDGE,
    DESK_INTENT_RECOMMEND,
    DESK_INTENT_UNKNOWN
} desk_intent_kind;

typedef struct desk_intent {
    const char *label;
    desk_intent_kind kind;
    int flow;
    const char *entry;
    double accept;      /* -1: the classifier's threshold */
    double entry_first; /* above 1: never */
} desk_intent;

typedef struct desk_rule {
    const char *const *words; /* [n_words] folded */
    size_t n_words;
    pcre2_code *pattern; /* or NULL */
    int flow;            /* or -1 */
    const char *entry;   /* or NULL */
    double entry_first;  /* for a rule with an entry; above 1: never */
    bool always, whole;
    bool foreign; /* matches text in other languages than English and Chinese */
} desk_rule;

/* What an entry gives way to while an order is in focus: the first choice whose conditions hold. */
typedef struct desk_entry_choice {
    const desk_condition *conditions;
    size_t n_conditions;
    const char *entry;
} desk_entry_choice;

typedef struct desk_entry_rule {
    const char *entry;
    const desk_entry_choice *choices; /* [n_choices] */
    size_t n_choices;
} desk_entry_rule;

/* What is added to the price of goods when the customer names it. */
typedef struct desk_extra {
    const char *const *words; /* [n_words] */
    size_t n_words;
    double fee; /* for each piece */
    const desk_text *title;
} desk_extra;

/* How sums of goods are made up; n_words is 0 if the desk makes none. */
typedef struct desk_totals {
    const char *const *words; /* [n_words] of a question about a sum */
    size_t n_words;
    const desk_extra *extras; /* [n_extras] */
    size_t n_extras;
    const desk_text *shipping_title; /* NULL: sums without shipping */
    double shipping, free_from;
    const char *const *elsewhere; /* [n_elsewhere] words of places with another fee */
    size_t n_elsewhere;
} desk_totals;

typedef struct desk_values {
    const char *name;
    const desk_json *json; /* {"value": {"en": "...", "zh": "..."}} */
} desk_values;

typedef struct desk_flows {
    shop_arena arena;
    const char *path; /* for messages */
    uint64_t fingerprint;
    double accept; /* lowest probability of an entry that answers; negative: the calibrated threshold */
    const char *langs[DESK_MAX_LANGS];
    size_t n_langs;
    const desk_json *root, *facts, *texts;
    desk_values *values; /* [n_values] */
    size_t n_values;
    const desk_text *sentences[DESK_N_SENTENCES];
    desk_slot *slots; /* and so on */
    size_t n_slots;
    desk_query *finds;
    size_t n_finds;
    desk_query *actions;
    size_t n_actions;
    desk_flow *flows;
    size_t n_flows;
    desk_intent *intents;
    size_t n_intents;
    desk_rule *rules;
    size_t n_rules;
    desk_kind *kinds;
    size_t n_kinds;
    desk_entry_rule *entries;
    size_t n_entries;
    desk_totals totals;
} desk_flows;

/* Parses `text` of n bytes and prepares its statements on c. `path` appears in messages. NULL text: no flows, only the
 * built-in sentences. Frees everything on failure. */
llmcs_status desk_flows_read(shop_connection *c, const llmcs_allocator *allocator, const char *path, const char *text,
                             size_t n, desk_flows **flows);
void desk_flows_free(desk_flows **flows);

int desk_find_lang(const desk_flows *f, const char *lang); /* "zh" also matches "zh-TW"; -1: not found */
const desk_intent *desk_find_intent(const desk_flows *f, const char *label); /* or NULL */
int desk_find_flow(const desk_flows *f, const char *name);                   /* or -1 */
int desk_find_slot(const desk_flows *f, const char *name);

/* ---- while reading */

/* Fails with FORMAT and a message such as "flows.json: flows.a.steps[2]: found, expected ...". */
#define desk_bad(...) (desk_set_bad(__VA_ARGS__), shop_same_status(LLMCS_FORMAT))
void desk_set_bad(const desk_flows *f, const desk_json *node, const char *format, ...);
/* FORMAT if the object has a key that is neither in `keys` (NULL-terminated) nor "note". */
llmcs_status desk_check_keys(const desk_flows *f, const desk_json *object, const char *const *keys);
llmcs_status desk_need(const desk_flows *f, const desk_json *object, const char *key, desk_json_type type,
                       const desk_json **out);
/* Reads an optional string, bool or number; leaves *out unchanged if it is missing. */
llmcs_status desk_read_bool(const desk_flows *f, const desk_json *object, const char *key, bool *out);
llmcs_status desk_read_number(const desk_flows *f, const desk_json *object, const char *key, double least, double most,
                              double *out);

/* The names that a text may use: earlier finds, host actions, locals. */
typedef struct desk_scope {
    const desk_query *finds; /* those read so far, or NULL */
    size_t n_finds;
    int own_find;              /* find whose columns need no prefix, for `line`; -1: none */
    bool in_flow;              /* may use finds and answers */
    const char *const *locals; /* NULL-terminated, or NULL */
} desk_scope;

/* Reads a text, or the name of one of `texts`. */
llmcs_status desk_text_read(desk_flows *f, const desk_json *node, const desk_scope *scope, const desk_text **text);
/* True if every variant in every language shows the slot. */
bool desk_text_shows(const desk_flows *f, const desk_text *text, int slot);
/* Sets finds[i] for each find that the text uses. */
void desk_text_finds(const desk_flows *f, const desk_text *text, bool finds[DESK_MAX_FINDS]);

llmcs_status desk_sentences_read(desk_flows *f);

/* FORMAT if a find with a slot's candidates needs slots itself. */
llmcs_status desk_check_from(const desk_flows *f, const desk_json *from, const desk_query *find);

/* Compiles the steps of one flow. */
llmcs_status desk_steps_read(desk_flows *f, const desk_json *node, desk_flow *flow);

/* Reads the conditions of an "if". A slot that they name is marked in flow->uses. */
llmcs_status desk_conditions_read(desk_flows *f, const desk_json *all, desk_flow *flow,
                                  const desk_condition **conditions, size_t *n);
/* Reads "entries": which entry answers about the order in focus. */
llmcs_status desk_entries_read(desk_flows *f);
/* Reads "totals": how sums of goods are made up. */
llmcs_status desk_totals_read(desk_flows *f);

/* Prepares the statement of a find or action and reads its tables, parameters and columns. */
llmcs_status desk_query_check(shop_connection *c, const desk_flows *f, const desk_json *node, desk_query *query);

/* ---- flows_words.c */

/* Reads "described", "like" and "lead" of a slot. Call after the finds are read. */
llmcs_status desk_slot_words_read(desk_flows *f, const desk_json *node, desk_slot *slot);
/* Reads "cues" of a flow. */
llmcs_status desk_cues_read(desk_flows *f, const desk_json *node, desk_flow *flow);
llmcs_status desk_kinds_read(desk_flows *f);

/* Compiles a PCRE2 pattern: caseless, whole words. */
llmcs_status desk_pattern_read(desk_flows *f, const desk_json *node, pcre2_code **pattern);
/* Reads words of all languages: {"en": [...], "zh": [...]} or an array. */
llmcs_status desk_phrases_read(desk_flows *f, const desk_json *node, const char *const **words, size_t *n);

#endif
