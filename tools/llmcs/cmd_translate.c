/* llmcs translate: texts into another language, with an encoder-decoder. */
#include "commands.h"
#include "generate_many.h"

static int translate(llmcs_model *model, const gen_params *g, const cli_common *common) {
    static const many_options how = {.translate = true};
    llmcs_model_info info = {.struct_size = sizeof info};
    if (llmcs_model_get_info(model, &info)) return cli_failed("open");
    if (!(info.heads & LLMCS_HEAD_SEQ2SEQ_LM))
        return cli_error("%s: %s is no encoder-decoder and does not translate; llmcs check says what it can do",
                         common->folder, info.model_type);
    if (!common->jsonl && !cli_tokenizer(model)) return EXIT_FAILED;
    return generate_many(common, model, g, &how);
}

static int translate_command(int argc, char **argv) {
    cli_common common;
    gen_params g = {0};
    llmcs_model *model = NULL;
    int code = cli_parse(&cmd_translate, argc, argv, &common, &g);
    if (code < 0) code = gen_check_options(&cmd_translate, &common, &g);
    if (code < 0 && g.file && common.n_texts)
        code = cli_usage_error(&cmd_translate, "--file and texts: give one of them");
    if (code < 0 && !common.jsonl && cli_was_given(&common, "logprobs"))
        code = cli_usage_error(&cmd_translate, "--logprobs needs --jsonl");
    if (code >= 0) return code;
    if (cli_open(&common, NULL, &model)) return cli_failed("open");
    code = gen_read_options(&cmd_translate, &common, model, &g);
    if (code == EXIT_DONE) code = translate(model, &g, &common);
    gen_free(&g);
    llmcs_model_free(&model);
    return code;
}

const cli_command cmd_translate = {
    .name = "translate",
    .arguments = "[text ...]",
    .summary =
        "Translates each text: each argument, or each line of stdin or of --file. Defaults are those of the "
        "folder.",
    .notes =
        "mBART's languages are en_XX, zh_CN, ...; Marian's, where a model has several targets, fra, cmn_Hans, ...: "
        "a wrong one is answered with some that there are. T5 reads its task from the text: \"translate English to "
        "German: ...\".\n"
        "Many lines are translated together and printed in order, one line each. A line that cannot be translated "
        "is an empty one, and stderr says why.",
    .jsonl_help =
        "{\"text\":\"...\"} or {\"input_ids\":[...]} (the source's tokens), and any parameter above by its "
        "name with underscores -> {\"translations\":[\"...\"], \"sequences\":[[ids]], "
        "\"finish_reasons\":[\"...\"]}, with beams \"sequences_scores\". Lists as for llmcs generate.",
    .options = gen_options + GEN_TRANSLATE,
    .n_options = GEN_ALL - GEN_TRANSLATE,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL | CLI_TAKES_KV,
    .max_texts = CLI_ANY_TEXTS,
    .execute = translate_command};
