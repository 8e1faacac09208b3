/* What a folder sets beyond its network: how to generate, how to embed, what its files are. Each setting is read,
 * refused or logged. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/config.h"
#include "formats/tensors.h"
#include "support/checkpoint.h"
#include "support/suite.h"
#include "support/temp.h"

static char folder[TEMP_PATH_BYTES], logged[16384];

static void make_folder(void) { temp_folder(folder); }
static void remove_folder(void) { temp_remove(folder); }

#define GPT2                                                                                                     \
    "\"model_type\":\"gpt2\",\"architectures\":[\"GPT2LMHeadModel\"],\"vocab_size\":100,\"n_positions\":32,\"n_" \
    "embd\":24,"                                                                                                 \
    "\"n_layer\":2,\"n_head\":4,\"bos_token_id\":0,\"eos_token_id\":0"
#define BERT                                                                                               \
    "\"model_type\":\"bert\",\"architectures\":[\"BertForSequenceClassification\"],\"vocab_size\":100,"    \
    "\"max_position_embeddings\":32,\"hidden_size\":24,\"num_hidden_layers\":2,\"num_attention_heads\":4," \
    "\"intermediate_size\":48"

/* "WARN text\n" for each line. */
static void collect(void *user, llmcs_log_level level, const char *message) {
    (void)user;
    const size_t n = strlen(logged);
    snprintf(logged + n, sizeof logged - n, "%s %s\n", level == LLMCS_LOG_WARN ? "WARN" : "INFO", message);
}

static llmcs_status read_folder(ll_config *c) {
    llmcs_allocator a = ll_allocator_default();
    const ll_log log = {collect, NULL};
    logged[0] = 0;
    return ll_config_read(c, &a, &(ll_source){.path = folder}, &log);
}

/* config.json with these further members, and generation_config.json unless NULL. */
static void open_gpt2(const char *more, const char *generation, ll_config *c) {
    char text[4096];
    snprintf(text, sizeof text, "{" GPT2 "%s%s}", more[0] ? "," : "", more);
    temp_write_text(folder, "config.json", text);
    remove(temp_path(folder, "generation_config.json"));
    if (generation) temp_write_text(folder, "generation_config.json", generation);
    ck_assert_msg(read_folder(c) == LLMCS_OK, "%s: %s", text, llmcs_error_message());
}

static void must_log(const char *line) {
    ck_assert_msg(strstr(logged, line) != NULL, "no \"%s\" in\n%s", line, logged);
}

/* ----------------------------------------------------------------------------------------------- generation */

START_TEST(lists_of_generation_config) {
    ll_config c;
    open_gpt2("",
              "{\"bad_words_ids\":[[5],[6,7]],\"suppress_tokens\":[1,2,100],\"begin_suppress_tokens\":[3],"
              "\"forced_bos_token_id\":4,\"forced_eos_token_id\":[8,9],\"stop_strings\":[\"\\n\",\"END\"],"
              "\"renormalize_logits\":true,\"encoder_repetition_penalty\":1.5,\"encoder_no_repeat_ngram_size\":2}",
              &c);
    ck_assert_uint_eq(c.generation.n_bad_words_ids, 2);
    ck_assert(c.generation.bad_words_ids[0].n_ids == 1 && c.generation.bad_words_ids[0].ids[0] == 5);
    ck_assert(c.generation.bad_words_ids[1].n_ids == 2 && c.generation.bad_words_ids[1].ids[1] == 7);
    ck_assert(c.generation.suppress_tokens.n_ids == 2 && c.generation.suppress_tokens.ids[1] == 2);
    ck_assert(c.generation.begin_suppress_tokens.n_ids == 1 && c.generation.begin_suppress_tokens.ids[0] == 3);
    ck_assert_int_eq(c.generation.forced_bos_token_id, 4);
    ck_assert(c.generation.forced_eos_token_id.n_ids == 2 && c.generation.forced_eos_token_id.ids[0] == 8);
    ck_assert_uint_eq(c.generation.n_stop_strings, 2);
    ck_assert_str_eq(c.generation.stop_strings[0], "\n");
    ck_assert_str_eq(c.generation.stop_strings[1], "END");
    ck_assert(c.generation.renormalize_logits && c.generation.encoder_repetition_penalty == 1.5);
    ck_assert_int_eq(c.generation.encoder_no_repeat_ngram_size, 2);
    must_log("WARN ");
    must_log("suppress_tokens: 100 is ignored");
    ll_config_free(&c);
    /* one instead of a list; a word with an id that is none is another word */
    open_gpt2("", "{\"stop_strings\":\"x\",\"forced_eos_token_id\":8,\"bad_words_ids\":[[5,100],[6]]}", &c);
    ck_assert(c.generation.n_stop_strings == 1 && c.generation.forced_eos_token_id.n_ids == 1);
    ck_assert(c.generation.n_bad_words_ids == 1 && c.generation.bad_words_ids[0].ids[0] == 6);
    ll_config_free(&c);
}
END_TEST

START_TEST(lists_of_wrong_types_are_refused) {
    static const char *const cases[][2] = {
        {"bad_words_ids", "[5]"},
        {"bad_words_ids", "[[]]"},
        {"bad_words_ids", "5"},
        {"bad_words_ids", "[[\"a\"]]"},
        {"suppress_tokens", "[0.5]"},
        {"suppress_tokens", "\"1\""},
        {"stop_strings", "[1]"},
        {"stop_strings", "[\"\"]"},
        {"stop_strings", "7"},
        {"forced_bos_token_id", "[1]"},
        {"max_length", "0"},
        {"min_length", "-1"},
        {"num_beams", "1000000"},
        {"num_return_sequences", "4097"},
        {"typical_p", "0"},
        {"epsilon_cutoff", "1.5"},
        {"eta_cutoff", "-1"},
        {"num_beam_groups", "0"},
        {"diversity_penalty", "-1"},
        {"max_time", "-1"},
        {"sequence_bias", "7"},
        {"sequence_bias", "[[[],1.0]]"},
        {"sequence_bias", "[[1,2]]"},
        {"sequence_bias", "[[[1]]]"},
        {"sequence_bias", "[[[1],\"2\"]]"},
        {"exponential_decay_length_penalty", "[1]"},
        {"exponential_decay_length_penalty", "[1.5,1.5]"},
        {"exponential_decay_length_penalty", "[1,-2]"},
        {"exponential_decay_length_penalty", "3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        ll_config c;
        snprintf(text, sizeof text, "{\"%s\":%s}", cases[i][0], cases[i][1]);
        temp_write_text(folder, "config.json", "{" GPT2 "}");
        temp_write_text(folder, "generation_config.json", text);
        ck_assert_msg(read_folder(&c) == LLMCS_CONFIG, "%s", text);
        ck_assert_msg(strstr(llmcs_error_message(), "generation_config.json") != NULL &&
                          strstr(llmcs_error_message(), cases[i][0]) != NULL,
                      "%s: %s", text, llmcs_error_message());
    }
}
END_TEST

/* max_length and min_length count the prompt, but for max_length's default, 20 new tokens; the _new_tokens win. */
START_TEST(lengths_as_transformers_counts_them) {
    ll_config c;
    open_gpt2("", "{\"max_length\":30,\"min_length\":12}", &c);
    ck_assert(c.generation.max_length == 30 && c.generation.max_new_tokens == 0 && c.generation.min_length == 12);
    ll_config_free(&c);
    open_gpt2("", "{\"max_length\":20}", &c);
    ck_assert(c.generation.max_length == 0 && c.generation.max_new_tokens == 20);
    ll_config_free(&c);
    open_gpt2("", "{\"max_length\":30,\"max_new_tokens\":7,\"min_length\":12,\"min_new_tokens\":3}", &c);
    ck_assert(c.generation.max_length == 0 && c.generation.max_new_tokens == 7);
    ck_assert(c.generation.min_length == 0 && c.generation.min_new_tokens == 3);
    ll_config_free(&c);
}
END_TEST

START_TEST(config_json_generates_where_there_is_no_other_file) {
    static const char more[] =
        "\"do_sample\":true,\"top_k\":7,\"top_p\":0.5,\"temperature\":2,\"repetition_penalty\":5,\"num_beams\":3,"
        "\"no_repeat_ngram_size\":2,\"length_penalty\":0.5,\"early_stopping\":true,\"max_length\":50,\"min_length\":4,"
        "\"bad_words_ids\":[[9]],\"typical_p\":0.5,\"penalty_alpha\":0.5,\"task_specific_params\":{\"text-generation\":"
        "{\"max_length\":50}}";
    ll_config c;
    open_gpt2(more, NULL, &c);
    ck_assert(c.generation.do_sample && c.generation.top_k == 7 && c.generation.top_p == 0.5);
    ck_assert(c.generation.temperature == 2 && c.generation.repetition_penalty == 5 && c.generation.num_beams == 3);
    ck_assert(c.generation.no_repeat_ngram_size == 2 && c.generation.length_penalty == 0.5);
    ck_assert(c.generation.early_stopping == LLMCS_EARLY_STOPPING_TRUE && c.generation.max_length == 50);
    ck_assert(c.generation.min_length == 4 && c.generation.n_bad_words_ids == 1);
    ck_assert(c.generation.typical_p == 0.5);
    must_log("config.json: penalty_alpha: 0.5 is not applied");
    must_log("config.json: task_specific_params is not applied");
    ll_config_free(&c);
    open_gpt2(more, "{}", &c); /* then only that file counts */
    ck_assert(!c.generation.do_sample && c.generation.top_k == 50 && c.generation.num_beams == 1);
    ck_assert(c.generation.n_bad_words_ids == 0 && c.generation.typical_p == 1);
    ll_config_free(&c);
}
END_TEST

START_TEST(further_generation_settings) {
    ll_config c;
    open_gpt2("",
              "{\"typical_p\":0.2,\"epsilon_cutoff\":3e-4,\"eta_cutoff\":1,\"num_beam_groups\":2,"
              "\"diversity_penalty\":0.5,\"guidance_scale\":1.5,\"max_time\":2.5,"
              "\"exponential_decay_length_penalty\":[5,1.5],\"sequence_bias\":[[[1,2],2.0],[[3],-1],[[4,100],5.0]]}",
              &c);
    ck_assert(c.generation.typical_p == 0.2 && c.generation.epsilon_cutoff == 3e-4);
    ck_assert(c.generation.eta_cutoff == 0); /* as in Transformers, which applies less than 1 */
    ck_assert(c.generation.num_beam_groups == 2 && c.generation.diversity_penalty == 0.5);
    ck_assert(c.generation.guidance_scale == 1.5 && c.generation.max_time == 2.5);
    ck_assert(c.generation.exponential_decay_start == 5 && c.generation.exponential_decay_factor == 1.5);
    ck_assert_uint_eq(c.generation.n_sequence_bias, 2);
    ck_assert(c.generation.sequence_bias[0].ids.n_ids == 2 && c.generation.sequence_bias[0].bias == 2.0f);
    ck_assert(c.generation.sequence_bias[1].ids.ids[0] == 3 && c.generation.sequence_bias[1].bias == -1.0f);
    must_log("sequence_bias: 100 is ignored");
    ll_config_free(&c);
}
END_TEST

START_TEST(generation_settings_that_are_not_applied_are_logged) {
    static const char *const on[][2] = {
        {"penalty_alpha", "0.6"},          {"force_words_ids", "[[1]]"},      {"constraints", "[1]"},
        {"forced_decoder_ids", "[[1,2]]"}, {"remove_invalid_values", "true"}, {"watermarking_config", "{\"bias\":2}"},
        {"dola_layers", "\"high\""},       {"token_healing", "true"},         {"top_h", "0.4"}};
    static const char *const off[][2] = {{"typical_p", "1.0"},       {"epsilon_cutoff", "0.0"},
                                         {"num_beam_groups", "1"},   {"penalty_alpha", "null"},
                                         {"token_healing", "false"}, {"guidance_scale", "1"},
                                         {"use_cache", "true"},      {"transformers_version", "\"4.51.0\""},
                                         {"force_words_ids", "[]"},  {"pad_token_id", "3"}};
    ll_config c;
    char text[200], line[200];
    for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
        snprintf(text, sizeof text, "{\"%s\":%s}", on[i][0], on[i][1]);
        open_gpt2("", text, &c);
        const bool scalar = on[i][1][0] != '[' && on[i][1][0] != '{';
        snprintf(line, sizeof line, "generation_config.json: %s: %s is not applied", on[i][0],
                 scalar               ? on[i][1]
                 : on[i][1][0] == '[' ? "an array"
                                      : "an object");
        must_log(line);
        ck_assert_int_eq(strncmp(logged, "WARN ", 5), 0);
        ck_assert_msg(strchr(logged, '\n') == logged + strlen(logged) - 1, "once: %s", logged);
        ll_config_free(&c);
    }
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        snprintf(text, sizeof text, "{\"%s\":%s}", off[i][0], off[i][1]);
        open_gpt2("", text, &c);
        ck_assert_str_eq(logged, "");
        ll_config_free(&c);
    }
    open_gpt2("", "{\"seed\":7}", &c);
    must_log("INFO ");
    must_log("generation_config.json: seed: 7 is an unknown key and is not applied");
    ll_config_free(&c);
}
END_TEST

START_TEST(settings_of_config_json_that_nobody_reads_are_logged) {
    ll_config c;
    open_gpt2("\"attn_pdrop\":0.1,\"summary_type\":\"cls_index\",\"torch_dtype\":\"float32\",\"_name_or_path\":\"x\"",
              "{}", &c);
    ck_assert_str_eq(logged, "");
    ll_config_free(&c);
    open_gpt2("\"auto_map\":{\"AutoModel\":\"own.Model\"},\"rope_theta\":10000", "{}", &c);
    must_log("config.json: auto_map: an object is not applied: the folder's own code is not run\n");
    must_log("config.json: rope_theta: 10000 is an unknown key and is not applied\n");
    ll_config_free(&c);
}
END_TEST

/* Folders as training and Transformers write them say nothing that would be worth a line. */
START_TEST(usual_folders_are_silent) {
    static const char *const folders[] = {"tests/data/golden/gpt2-tiny",      "tests/data/golden/bert-cls",
                                          "tests/data/golden/bert-embed",     "tests/data/golden/bert-mlm",
                                          "tests/data/golden/distilbert-cls", "tests/data/golden/roberta-cls",
                                          "examples/models/shop-gpt2",        "examples/models/review-bert",
                                          "examples/models/shop-encoder",     "examples/models/shop-translate"};
    llmcs_allocator a = ll_allocator_default();
    const ll_log log = {collect, NULL};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        ll_config c;
        logged[0] = 0;
        ck_assert_int_eq(ll_config_read(&c, &a, &(ll_source){.path = folders[i]}, &log), LLMCS_OK);
        ck_assert_msg(!logged[0], "%s: %s", folders[i], logged);
        ll_config_free(&c);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------ sentence-transformers */

#define MODULE(type, path) "{\"path\":\"" path "\",\"type\":\"" type "\"}"
#define OWN(name, path) MODULE("sentence_transformers.models." name, path)
#define TWO OWN("Transformer", "") "," OWN("Pooling", "1_Pooling")

static llmcs_status read_sentence(const char *modules, const char *pooling, const char *prompts, ll_config *c) {
    temp_write_text(folder, "config.json", "{" BERT "}");
    temp_write_text(folder, "modules.json", modules);
    mkdir(temp_path(folder, "1_Pooling"), 0700);
    temp_write_text(folder, "1_Pooling/config.json", pooling);
    remove(temp_path(folder, "config_sentence_transformers.json"));
    if (prompts) temp_write_text(folder, "config_sentence_transformers.json", prompts);
    return read_folder(c);
}

START_TEST(prompts) {
    ll_config c;
    ck_assert_int_eq(read_sentence("[" TWO "]", "{\"include_prompt\":false}",
                                   "{\"prompts\":{\"q\":\"query: \",\"d\":\"doc: \"},\"default_prompt_name\":\"q\","
                                   "\"similarity_fn_name\":\"cosine\",\"__version__\":{}}",
                                   &c),
                     LLMCS_OK);
    ck_assert_str_eq(c.sentence.prompt, "query: ");
    ck_assert(c.sentence.exclude_prompt && c.sentence.strip);
    must_log("default_prompt_name: \"query: \" is prepended to every text");
    ll_config_free(&c);
    ck_assert_int_eq(
        read_sentence("[" TWO "]", "{}", "{\"prompts\":{\"q\":\"query: \"},\"default_prompt_name\":null}", &c),
        LLMCS_OK);
    ck_assert_str_eq(c.sentence.prompt, "");
    ck_assert(!c.sentence.exclude_prompt);
    must_log("prompts: \"q\" is not the default");
    ll_config_free(&c);
    ck_assert_int_eq(
        read_sentence("[" TWO "]", "{}", "{\"prompts\":{\"q\":\"x\"},\"default_prompt_name\":\"none\"}", &c),
        LLMCS_CONFIG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "default_prompt_name"));
    ck_assert_int_eq(read_sentence("[" TWO "]", "{}", "{\"prompts\":[1]}", &c), LLMCS_CONFIG);
    ck_assert_int_eq(read_sentence("[" TWO "]", "{}", "{\"prompts\":{\"q\":7},\"default_prompt_name\":\"q\"}", &c),
                     LLMCS_CONFIG);
    ck_assert_int_eq(read_sentence("[" TWO "]", "{}", "{\"model_type\":\"SparseEncoder\"}", &c), LLMCS_UNSUPPORTED);
}
END_TEST

START_TEST(settings_of_the_transformer_by_any_of_their_names) {
    static const char *const names[] = {"sentence_xlnet_config.json",      "sentence_xlm-roberta_config.json",
                                        "sentence_albert_config.json",     "sentence_camembert_config.json",
                                        "sentence_distilbert_config.json", "sentence_roberta_config.json",
                                        "sentence_bert_config.json"};
    ll_config c;
    for (int i = 0; i < 7; i++) { /* a later one here comes earlier there, and wins */
        char text[64];
        snprintf(text, sizeof text, "{\"max_seq_length\":%d}", 10 + i);
        temp_write_text(folder, names[i], text);
        ck_assert_int_eq(read_sentence("[" TWO "]", "{}", NULL, &c), LLMCS_OK);
        ck_assert_int_eq(c.sentence.max_seq_length, 10 + i);
        ll_config_free(&c);
    }
    temp_write_text(folder, names[6], "{\"max_seq_length\":null,\"tokenizer_args\":{\"padding_side\":\"left\"}}");
    ck_assert_int_eq(read_sentence("[" TWO "]", "{}", NULL, &c), LLMCS_OK);
    ck_assert_int_eq(c.sentence.max_seq_length, 0);
    must_log("WARN ");
    must_log("tokenizer_args: an object is not applied");
    ll_config_free(&c);
}
END_TEST

START_TEST(modules_that_are_not_run_say_why) {
    static const char *const cases[][2] = {
        {"[" MODULE("custom_st.Transformer", "") "," OWN("Pooling", "1_Pooling") "]", "custom_st.Transformer"},
        {"[" OWN("Transformer", "") "," MODULE("own.Pooling", "1_Pooling") "]", "code from the folder"},
        {"[" TWO "," OWN("Pooling", "1_Pooling") "]", "a second Pooling module"},
        {"[" OWN("Transformer", "") "," OWN("Transformer", "") "]", "a second Transformer module"},
        {"[" OWN("Pooling", "1_Pooling") "]", "a Pooling module before the Transformer"},
        {"[" OWN("Transformer", "") "," OWN("Normalize", "n") "]", "a Normalize module before the Pooling"},
        {"[" TWO "," OWN("CNN", "2_CNN") "]", "sentence_transformers.models.CNN"},
    };
    ll_config c;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(read_sentence(cases[i][0], "{}", NULL, &c), LLMCS_UNSUPPORTED);
        ck_assert_msg(strstr(llmcs_error_message(), cases[i][1]) != NULL, "%s", llmcs_error_message());
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------- labels */

START_TEST(equal_labels_get_names_of_their_own) {
    ll_config c;
    temp_write_text(folder, "config.json",
                    "{" BERT
                    ",\"id2label\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"a\",\"3\":\"a#2\",\"4\":\"a\",\"5\":\"b\"}}");
    ck_assert_int_eq(read_folder(&c), LLMCS_OK);
    static const char *const expected[] = {"a", "b", "a#3", "a#2", "a#4", "b#2"};
    for (size_t i = 0; i < 6; i++) ck_assert_str_eq(c.id2label[i], expected[i]);
    must_log("id2label: \"b\" occurs twice: class 5 is called \"b#2\"");
    ll_config_free(&c);
}
END_TEST

/* ---------------------------------------------------------------------------------------- no model_type */

/* The golden checkpoint without the two keys is the same network. */
START_TEST(network_without_model_type_is_known_by_its_tensors) {
    static const struct {
        const char *folder, *model_type, *architecture;
        ll_head head;
    } cases[] = {
        {"gpt2-tiny", "gpt2", "GPT2LMHeadModel", LL_HEAD_CAUSAL_LM},
        {"bert-cls", "bert", "BertForSequenceClassification", LL_HEAD_CLASSIFICATION},
        {"bert-embed", "bert", "BertModel", LL_HEAD_NONE},
        {"bert-mlm", "bert", "BertForMaskedLM", LL_HEAD_MASKED_LM},
        {"distilbert-cls", "distilbert", "DistilBertForSequenceClassification", LL_HEAD_CLASSIFICATION},
        {"roberta-cls", "roberta", "RobertaForSequenceClassification", LL_HEAD_CLASSIFICATION},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[128], text[8192];
        ll_config c;
        snprintf(path, sizeof path, "tests/data/golden/%s", cases[i].folder);
        checkpoint *golden = checkpoint_read(path);
        checkpoint_write(golden, folder, 1);
        char *model_type = strstr(golden->config, "\"model_type\""),
             *classes = strstr(golden->config, "\"architectures\"");
        ck_assert(model_type && classes);
        memcpy(model_type, "\"_model_typ\"", 12);
        memcpy(classes, "\"_rchitectures\"", 15);
        snprintf(text, sizeof text, "%s", golden->config);
        temp_write_text(folder, "config.json", text);
        ck_assert_msg(read_folder(&c) == LLMCS_OK, "%s: %s", path, llmcs_error_message());
        ck_assert_str_eq(c.model_type, cases[i].model_type);
        ck_assert_str_eq(c.architecture, cases[i].architecture);
        ck_assert_int_eq((int)c.head, (int)cases[i].head);
        must_log("neither model_type nor architectures");
        ll_config_free(&c);
        /* nothing to know it by */
        remove(temp_path(folder, "model.safetensors"));
        ck_assert_int_eq(read_folder(&c), LLMCS_CONFIG);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "add \"model_type\": one of gpt2, bert"));
        checkpoint_free(golden);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------- folders */

START_TEST(other_formats_are_named) {
    static const char *const names[] = {"model.onnx", "onnx/model.onnx", "openvino_model.xml"};
    llmcs_allocator a = ll_allocator_default();
    const ll_log silent = {NULL, NULL};
    mkdir(temp_path(folder, "onnx"), 0700);
    temp_write_text(folder, "config.json", "{" BERT "}");
    for (size_t i = 0; i < 3; i++) {
        ll_tensors *t;
        temp_write_text(folder, names[i], "x");
        ck_assert_int_eq(ll_tensors_open(&a, &(ll_source){.path = folder}, LLMCS_LOAD_COPY, &silent, &t),
                         LLMCS_UNSUPPORTED);
        ck_assert_msg(strstr(llmcs_error_message(), names[i]) != NULL, "%s", llmcs_error_message());
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "save_pretrained"));
        remove(temp_path(folder, names[i]));
    }
}
END_TEST

/* Every small file goes through one reader, which knows failed downloads. */
START_TEST(failed_downloads_are_named_in_any_file) {
    static const char *const names[] = {"tokenizer.json", "vocab.txt", "merges.txt", "generation_config.json"};
    static const char *const contents[][2] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"},
        {"<!DOCTYPE html>\n<html>", "web page"},
        {"\n <html>", "web page"},
        {"Entry not found", "the download failed"},
        {"Access to model x is restricted", "ask for access"}};
    llmcs_allocator a = ll_allocator_default();
    const ll_source source = {.path = folder};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < sizeof contents / sizeof *contents; k++) {
            char *data;
            size_t len;
            temp_write_text(folder, names[i], contents[k][0]);
            ck_assert_int_eq(ll_source_read(&source, &a, names[i], temp_path(folder, names[i]), 1000, &data, &len),
                             LLMCS_FORMAT);
            ck_assert_ptr_null(data);
            ck_assert_ptr_nonnull(strstr(llmcs_error_message(), names[i]));
            ck_assert_ptr_nonnull(strstr(llmcs_error_message(), contents[k][1]));
        }
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, lists_of_generation_config);
    tcase_add_test(t, lists_of_wrong_types_are_refused);
    tcase_add_test(t, lengths_as_transformers_counts_them);
    tcase_add_test(t, config_json_generates_where_there_is_no_other_file);
    tcase_add_test(t, further_generation_settings);
    tcase_add_test(t, generation_settings_that_are_not_applied_are_logged);
    tcase_add_test(t, settings_of_config_json_that_nobody_reads_are_logged);
    tcase_add_test(t, usual_folders_are_silent);
    tcase_add_test(t, prompts);
    tcase_add_test(t, settings_of_the_transformer_by_any_of_their_names);
    tcase_add_test(t, modules_that_are_not_run_say_why);
    tcase_add_test(t, equal_labels_get_names_of_their_own);
    tcase_add_test(t, network_without_model_type_is_known_by_its_tensors);
    tcase_add_test(t, other_formats_are_named);
    tcase_add_test(t, failed_downloads_are_named_in_any_file);
}

SUITE_MAIN("formats/folder_settings", add)
