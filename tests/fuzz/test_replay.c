/* Replays the inputs of the core's fuzz targets. */
#include "fuzz/replay.h"
#include "fuzz/targets.h"
#include "fuzz/targets_adapter.h"
#include "fuzz/targets_calls.h"
#include "fuzz/targets_chat.h"
#include "fuzz/targets_grammar.h"
#include "fuzz/targets_model.h"
#include "fuzz/targets_search.h"
#include "fuzz/targets_sentencepiece.h"
#include "fuzz/targets_spans.h"
#include "fuzz/targets_split.h"
#include "fuzz/targets_text.h"

static void replay(replay_target target, const char *name, int least) {
    replay_inputs(target, name, least, (int)(60 / suite_step(4)));
    remove_fuzz_folder();
}

START_TEST(json) { replay(fuzz_json, "json", 5); }
END_TEST
START_TEST(safetensors) { replay(fuzz_safetensors, "safetensors", 5); }
END_TEST
START_TEST(header) { replay(fuzz_header, "header", 5); }
END_TEST
START_TEST(shards) { replay(fuzz_index, "index", 5); }
END_TEST
START_TEST(gguf) { replay(fuzz_gguf, "gguf", 5); }
END_TEST
START_TEST(session) { replay(fuzz_session, "session", 5); }
END_TEST
START_TEST(vectors) { replay(fuzz_vectors, "vectors", 15); }
END_TEST
START_TEST(config) { replay(fuzz_config, "config", 5); }
END_TEST

START_TEST(tokenizer) { replay(fuzz_tokenizer, "tokenizer", 5); }
END_TEST
START_TEST(sentencepiece) { replay(fuzz_sentencepiece, "sentencepiece", 6); }
END_TEST
START_TEST(text) { replay(fuzz_text, "text", 5); }
END_TEST
START_TEST(split) { replay(fuzz_split, "split", 8); }
END_TEST
START_TEST(grammar) { replay(fuzz_grammar, "grammar", 8); }
END_TEST
START_TEST(matcher) { replay(fuzz_matcher, "matcher", 5); }
END_TEST
START_TEST(model_folder) { replay(fuzz_folder_model, "folder", 2); }
END_TEST
START_TEST(open_files) { replay(fuzz_open, "open", 2); }
END_TEST
START_TEST(open_gguf) { replay(fuzz_open, "gguf", 5); }
END_TEST
START_TEST(quantize) { replay(fuzz_quantize, "quantize", 2); }
END_TEST
START_TEST(adapter) { replay(fuzz_adapter, "adapter", 8); }
END_TEST
START_TEST(oom) { replay(fuzz_oom, "oom", 4); }
END_TEST
START_TEST(windows) { replay(fuzz_windows, "windows", 5); }
END_TEST
START_TEST(spans) { replay(fuzz_spans, "spans", 8); }
END_TEST
START_TEST(chat_templates) { replay(fuzz_chat, "chat", 5); }
END_TEST
START_TEST(calls_in_any_order) { replay(fuzz_calls, "calls", 5); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, json);
    tcase_add_test(t, safetensors);
    tcase_add_test(t, header);
    tcase_add_test(t, shards);
    tcase_add_test(t, gguf);
    tcase_add_test(t, config);
    tcase_add_test(t, session);
    tcase_add_test(t, vectors);
    tcase_add_test(t, tokenizer);
    tcase_add_test(t, sentencepiece);
    tcase_add_test(t, text);
    tcase_add_test(t, split);
    tcase_add_test(t, grammar);
    tcase_add_test(t, matcher);
    tcase_add_test(t, model_folder);
    tcase_add_test(t, open_files);
    tcase_add_test(t, open_gguf);
    tcase_add_test(t, quantize);
    tcase_add_test(t, adapter);
    tcase_add_test(t, oom);
    tcase_add_test(t, windows);
    tcase_add_test(t, spans);
    tcase_add_test(t, chat_templates);
    tcase_add_test(t, calls_in_any_order);
}

SUITE_MAIN("fuzz/replay", add)
