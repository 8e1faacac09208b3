/* The table of generation parameters, and those of the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen_params.h"

#define AT(field) offsetof(gen_params, params.field)
#define OF(member) offsetof(gen_params, member)

static const char *const early_stopping_names[] = {"false", "true", "never", NULL}; /* by llmcs_early_stopping */

const cli_option gen_options[] = {
    CLI_PLAIN("template", CLI_STRING, OF(template), "prompt template; none: the text itself is the prompt"),
    CLI_PLAIN("system", CLI_STRING, OF(system), "system text before the first turn (needs a template)"),
    /* GEN_TRANSLATE: options of a translation; GEN_FIRST_KEY. */
    CLI_PLAIN("max_new_tokens", CLI_INT, AT(max_new_tokens), "at most this many new tokens"),
    CLI_PLAIN("min_new_tokens", CLI_INT, AT(min_new_tokens), "no end before this many"),
    CLI_PLAIN("max_length", CLI_INT, AT(max_length),
              "without --max-new-tokens, or with 0: at most this many tokens, the prompt's included"),
    CLI_PLAIN("min_length", CLI_INT, AT(min_length),
              "with --min-new-tokens 0: no end before this many, the prompt's included"),
    CLI_PLAIN("do_sample", CLI_SWITCH, AT(do_sample), "sample instead of taking the most probable token"),
    CLI_PLAIN("greedy", CLI_FLAG, OF(greedy), "do not sample, regardless of the folder's defaults"),
    CLI_PLAIN("temperature", CLI_FLOAT, AT(temperature), "below 1 sharper, above 1 flatter"),
    CLI_PLAIN("top_k", CLI_INT, AT(top_k), "sample among the k most probable (0: off)"),
    CLI_PLAIN("top_p", CLI_FLOAT, AT(top_p), "sample among the most probable that sum to p (1: off)"),
    CLI_PLAIN("min_p", CLI_FLOAT, AT(min_p), "exclude tokens below this share of the best probability (0: off)"),
    CLI_PLAIN("typical_p", CLI_FLOAT, AT(typical_p),
              "sample among the tokens of typical surprise that sum to p (1: off)"),
    CLI_PLAIN("epsilon_cutoff", CLI_FLOAT, AT(epsilon_cutoff), "exclude tokens below this probability (0: off)"),
    CLI_PLAIN("eta_cutoff", CLI_FLOAT, AT(eta_cutoff), "the same, lower where the entropy is high (0: off)"),
    CLI_PLAIN("repetition_penalty", CLI_FLOAT, AT(repetition_penalty),
              "above 1: tokens seen before become less probable"),
    CLI_PLAIN("presence_penalty", CLI_FLOAT, AT(presence_penalty),
              "subtracted once from the logit of every token generated"),
    CLI_PLAIN("frequency_penalty", CLI_FLOAT, AT(frequency_penalty),
              "subtracted for each time the token was generated"),
    CLI_PLAIN("no_repeat_ngram_size", CLI_INT, AT(no_repeat_ngram_size),
              "no n tokens in the same order twice (0: off)"),
    CLI_PLAIN("encoder_repetition_penalty", CLI_FLOAT, AT(encoder_repetition_penalty),
              "above 1: the prompt's tokens become more probable"),
    CLI_PLAIN("encoder_no_repeat_ngram_size", CLI_INT, AT(encoder_no_repeat_ngram_size),
              "no n tokens of the prompt in the same order again (0: off)"),
    CLI_PLAIN("seed", CLI_UINT64, AT(seed), "same seed, same text"),
    CLI_PLAIN("deadline_ms", CLI_DOUBLE, AT(deadline_ms),
              "stop after this many milliseconds with the text so far (0: off)"),
    CLI_PLAIN("max_time", CLI_DOUBLE, AT(max_time), "end with the token during which these seconds pass (0: off)"),
    CLI_PLAIN("guidance_scale", CLI_FLOAT, AT(guidance_scale),
              "above 1: closer to the prompt, away from --negative-prompt (1: off)"),
    CLI_PLAIN("parse_special", CLI_FLAG, OF(parse_special),
              "special tokens written in a prompt become those tokens; never for text of users"),
    CLI_PLAIN("prompt_lookup_num_tokens", CLI_INT, AT(prompt_lookup_num_tokens),
              "propose this many draft tokens from the text so far: same text, sooner (0: off)"),
    CLI_PLAIN("max_matching_ngram_size", CLI_INT, AT(max_matching_ngram_size),
              "for that, look for the last this many tokens [2]"),
    CLI_PLAIN("stop_strings", CLI_STRINGS, OF(stop), "end before this text (may be given several times)"),
    /* GEN_CHAT_KEYS: options that are not keys of a request. */
    CLI_PLAIN("eos_token_id", CLI_STRING, OF(eos), "end tokens instead of the model's: id[,id...]"),
    CLI_PLAIN("suppress_tokens", CLI_STRING, OF(listed[GEN_SUPPRESS]), "tokens never generated: id[,id...]"),
    CLI_PLAIN("begin_suppress_tokens", CLI_STRING, OF(listed[GEN_BEGIN_SUPPRESS]),
              "not as the first new token: id[,id...]"),
    CLI_PLAIN("forced_bos_token_id", CLI_STRING, OF(listed[GEN_FORCED_BOS]),
              "comes after a prompt of one token: id[,id...]"),
    CLI_PLAIN("forced_eos_token_id", CLI_STRING, OF(listed[GEN_FORCED_EOS]),
              "is the last of --max-new-tokens tokens: id[,id...]"),
    CLI_PLAIN("decoder_input_ids", CLI_STRING, OF(listed[GEN_DECODER_INPUT]),
              "what an encoder-decoder's decoder starts with: id[,id...]"),
    CLI_PLAIN("exponential_decay_length_penalty", CLI_STRING, OF(decay),
              "after START new tokens the end becomes FACTOR times as likely with each: START,FACTOR"),
    CLI_PLAIN("json_schema", CLI_STRING, OF(schema_file),
              "the answer is JSON that satisfies the JSON schema in this file"),
    CLI_PLAIN("regex", CLI_STRING, OF(regex), "the whole answer matches this regular expression"),
    CLI_PLAIN("choices", CLI_STRINGS, OF(choices), "the answer is this text (or another one, given again)"),
    CLI_PLAIN("negative_prompt", CLI_STRING, OF(negative_prompt),
              "for guidance: what the answer should not follow [the prompt's last token]"),
    CLI_BOUNDED("n_ctx", OF(n_ctx), "most tokens of a conversation [the model's, at most 4096]", 1, INT32_MAX),
    /* GEN_CHAT: keys that are not options of a chat. */
    CLI_PLAIN("num_beams", CLI_INT, AT(num_beams), "beam search with this many beams"),
    CLI_PLAIN("num_return_sequences", CLI_INT, AT(num_return_sequences), "this many answers"),
    CLI_CHOICE("early_stopping", AT(early_stopping), "when beam search ends", early_stopping_names),
    CLI_PLAIN("length_penalty", CLI_FLOAT, AT(length_penalty), "beam scores are divided by length ** X"),
    CLI_PLAIN("num_beam_groups", CLI_INT, AT(num_beam_groups),
              "diverse beam search: this many groups that avoid each other's tokens"),
    CLI_PLAIN("diversity_penalty", CLI_FLOAT, AT(diversity_penalty), "for that, what such a token costs"),
    CLI_PLAIN("renormalize_logits", CLI_SWITCH, AT(renormalize_logits),
              "beam search: probabilities sum to 1 again once they are processed"),
    CLI_PLAIN("logprobs", CLI_SWITCH, AT(logprobs), "log-probability of each token"),
    CLI_PLAIN("from", CLI_STRING, AT(source_lang),
              "translation: language of the text, en_XX for example [the folder's]"),
    CLI_PLAIN("to", CLI_STRING, AT(target_lang), "translation: language to translate into [the folder's]"),
    /* GEN_KEYS: of generate --jsonl, and of translations. */
    CLI_BOUNDED("max_batch", OF(max_batch), "with many lines: sequences that are evaluated together [64]", 1, 4096),
    CLI_PLAIN("kv_bytes", CLI_UINT64, OF(kv_bytes),
              "with many lines: memory for keys and values [of 8192 tokens at most]"),
    /* GEN_GENERATE: of translations alone. */
    CLI_PLAIN("file", CLI_STRING, OF(file), "translate the lines of this file"),
};
_Static_assert(sizeof gen_options / sizeof *gen_options == GEN_ALL, "the sections of the table");

/* "id,id,...", allocated. NULL: not such a list, or no memory. */
static int32_t *read_id_list(const char *text, size_t *n) {
    int32_t *ids = calloc(strlen(text) + 1, sizeof *ids);
    *n = 0;
    for (const char *p = text; ids && *p;) {
        char *end;
        const long id = strtol(p, &end, 10);
        if (end == p || (*end && *end != ',') || id < 0 || id > INT32_MAX) {
            free(ids);
            return NULL;
        }
        ids[(*n)++] = (int32_t)id;
        p = *end ? end + 1 : end;
    }
    return ids;
}

static int bad_list(const cli_command *command, const char *option, const char *text) {
    return cli_usage_error(command, "%s: '%s' is not a list of token ids", option, text);
}

static int read_id_lists(gen_params *g, const cli_command *command) {
    static const char *const options[GEN_N_ID_LISTS] = {"--suppress-tokens", "--begin-suppress-tokens",
                                                        "--forced-bos-token-id", "--forced-eos-token-id",
                                                        "--decoder-input-ids"};
    llmcs_ids *const lists[GEN_N_ID_LISTS] = {&g->params.suppress_tokens, &g->params.begin_suppress_tokens,
                                              &g->params.forced_bos_token_id, &g->params.forced_eos_token_id,
                                              &g->params.decoder_input_ids};
    if (g->eos) {
        g->params.eos_token_id = g->eos_ids = read_id_list(g->eos, &g->params.n_eos_token_id);
        if (!g->eos_ids) return bad_list(command, "--eos-token-id", g->eos);
    }
    for (size_t i = 0; i < GEN_N_ID_LISTS; i++) {
        if (!g->listed[i]) continue;
        lists[i]->ids = g->id_lists[i] = read_id_list(g->listed[i], &lists[i]->n_ids);
        if (!g->id_lists[i]) return bad_list(command, options[i], g->listed[i]);
    }
    return EXIT_DONE;
}

static int read_decay(gen_params *g, const cli_command *command) {
    char *end = NULL, *last = NULL;
    const long start = strtol(g->decay, &end, 10);
    if (end != g->decay && *end == ',') g->params.exponential_decay_factor = strtof(end + 1, &last);
    if (!last || last == end + 1 || *last || start < 0 || start > INT32_MAX)
        return cli_usage_error(command, "--exponential-decay-length-penalty: '%s' is not START,FACTOR", g->decay);
    g->params.exponential_decay_start = (int32_t)start;
    return EXIT_DONE;
}

llmcs_status gen_set_negative(gen_params *g, const llmcs_model *model, const char *text, size_t len) {
    const llmcs_tokenizer *t = llmcs_model_tokenizer(model);
    llmcs_encode_params how;
    size_t n = 0;
    llmcs_encode_params_init(&how);
    how.flags = g->params.encode_flags;
    if (!t) return llmcs_set_error(LLMCS_TOKENIZER, "a negative prompt as text needs the model's tokenizer");
    llmcs_status status = llmcs_encode(t, text, len, NULL, 0, &how, NULL, NULL, NULL, 0, &n);
    if (status) return status;
    g->negative_ids = calloc(n + 1, sizeof *g->negative_ids);
    if (!g->negative_ids) return llmcs_set_error(LLMCS_NOMEM, "no memory for the negative prompt");
    status = llmcs_encode(t, text, len, NULL, 0, &how, g->negative_ids, NULL, NULL, n, &n);
    g->params.negative_prompt_ids = (llmcs_ids){g->negative_ids, n};
    return status;
}

/* The file's text, allocated; at most 1 MB, which is more than any grammar may have. */
static char *read_schema(const char *path, size_t *len) {
    enum { MOST = 1 << 20 };
    FILE *f = fopen(path, "rb");
    char *text = f ? malloc(MOST) : NULL;
    *len = text ? fread(text, 1, MOST, f) : 0;
    const bool failed = !text || ferror(f);
    if (f) fclose(f);
    if (!failed) return text;
    free(text);
    cli_error("--json-schema: %s cannot be read", path);
    return NULL;
}

static int read_grammar(gen_params *g, const llmcs_model *model) {
    const llmcs_tokenizer *t = llmcs_model_tokenizer(model);
    llmcs_status status = LLMCS_OK;
    if (!t) return cli_error("a grammar needs the model's tokenizer");
    if (g->schema_file) {
        size_t len;
        char *text = read_schema(g->schema_file, &len);
        if (!text) return EXIT_FAILED;
        status = llmcs_grammar_json_schema(t, text, len, &g->grammar);
        free(text);
    } else if (g->regex) {
        status = llmcs_grammar_regex(t, g->regex, LLMCS_NUL, &g->grammar);
    } else {
        status = llmcs_grammar_choices(t, g->choices.items, g->choices.n, &g->grammar);
    }
    g->params.grammar = g->grammar;
    return status ? cli_failed("grammar") : EXIT_DONE;
}

int gen_check_options(const cli_command *command, const cli_common *common, const gen_params *g) {
    if (g->greedy && cli_was_given(common, "do_sample"))
        return cli_usage_error(command, "--greedy and --do-sample contradict each other");
    if (g->template && strcmp(g->template, "none") != 0 && !template_is_valid_turn(g->template))
        return cli_usage_error(command, "--template: '%s' has no {prompt}", g->template);
    if (!!g->schema_file + !!g->regex + !!g->choices.n > 1)
        return cli_usage_error(command, "--json-schema, --regex and --choices: give one of them");
    for (size_t i = 0; i < g->stop.n; i++)
        if (!*g->stop.items[i]) return cli_usage_error(command, "--stop-strings: an empty text stops at once");
    return -1;
}

int gen_read_options(const cli_command *command, const cli_common *common, const llmcs_model *model, gen_params *g) {
    memset(g, 0, sizeof *g);
    if (llmcs_generate_params_init(&g->params, model)) return cli_failed("open");
    cli_apply_again(common, g);
    if (g->params.max_length > 0 && cli_was_given(common, "max_length") && !cli_was_given(common, "max_new_tokens"))
        g->params.max_new_tokens = 0; /* else the default number of new tokens would go before */
    if (g->parse_special) g->params.encode_flags |= LLMCS_PARSE_SPECIAL;
    if (common->strict_utf8) g->params.encode_flags |= LLMCS_STRICT_UTF8;
    if (g->greedy) g->params.do_sample = 0;
    if (g->stop.n) {
        g->params.stop_strings = g->stop.items;
        g->params.n_stop_strings = g->stop.n;
    }
    int code = read_id_lists(g, command);
    if (code == EXIT_DONE && g->decay) code = read_decay(g, command);
    if (code == EXIT_DONE && g->negative_prompt)
        code = gen_set_negative(g, model, g->negative_prompt, LLMCS_NUL) ? cli_failed("encode") : EXIT_DONE;
    if (code == EXIT_DONE && (g->schema_file || g->regex || g->choices.n)) code = read_grammar(g, model);
    return code;
}

bool gen_add_stop_strings(gen_params *g, const prompt_template *t) {
    const size_t n = g->params.n_stop_strings;
    const char **all = malloc((n + t->n_stop_strings + 1) * sizeof *all);
    if (!all) return false;
    for (size_t i = 0; i < n; i++) all[i] = g->params.stop_strings[i];
    for (size_t i = 0; i < t->n_stop_strings; i++) all[n + i] = t->stop_strings[i];
    free(g->stop_strings);
    g->stop_strings = all;
    g->params.stop_strings = all;
    g->params.n_stop_strings = n + t->n_stop_strings;
    return true;
}

void gen_free(gen_params *g) {
    for (size_t i = 0; i < GEN_N_ID_LISTS; i++) free(g->id_lists[i]);
    for (size_t i = 0; i < g->n_bad_words; i++) free((void *)(uintptr_t)g->bad_words[i].ids);
    free(g->bad_words);
    for (size_t i = 0; i < g->n_sequence_bias; i++) free((void *)(uintptr_t)g->sequence_bias[i].ids.ids);
    free(g->sequence_bias);
    free(g->negative_ids);
    llmcs_grammar_free(&g->grammar);
    free(g->eos_ids);
    free(g->bias);
    free(g->stop_strings);
    free(g->lookup_ids);
}
