"""The C side: structs and functions of include/llmcs.h, and the shared library that has them.

tests/python compares every struct, offset and function here with the header.
"""

from __future__ import annotations

import ctypes as c
from typing import Any, Dict, Tuple

from ._library import bind, load, version_of

NUL = c.c_size_t(-1).value
MINIMUM = (0, 5)  # the first version of the library with these structs and functions

STATUS = {
    0: "OK",
    1: "ARG",
    2: "NOMEM",
    3: "IO",
    4: "FORMAT",
    5: "JSON",
    6: "CONFIG",
    7: "TOKENIZER",
    8: "UNSUPPORTED",
    9: "LIMIT",
    10: "CHANGED",
    11: "NOSPACE",
    12: "CONTEXT_FULL",
    13: "TOKEN_RANGE",
    14: "UTF8",
    15: "NUMERIC",
    16: "CANCELLED",
    17: "BUSY",
    18: "STATE",
    19: "THREAD",
    20: "FORK",
    21: "DEADLINE",
    22: "INTERNAL",
    23: "QUEUE_FULL",
    24: "PENDING",
    25: "BUFFER",
    26: "NO_HEAD",
    27: "TEMPLATE",
}

i32, u32, u64, size, f32, f64, ptr, text = (
    c.c_int32,
    c.c_uint32,
    c.c_uint64,
    c.c_size_t,
    c.c_float,
    c.c_double,
    c.c_void_p,
    c.c_char_p,
)
enum, P = c.c_int, c.POINTER

TextFn = c.CFUNCTYPE(c.c_int, ptr, ptr, size)
TokenFn = c.CFUNCTYPE(c.c_int, ptr, i32)
LogFn = c.CFUNCTYPE(None, ptr, enum, text)
ProgressFn = c.CFUNCTYPE(c.c_int, ptr, f32)


def _struct(name: str, *fields: Tuple[Any, str]) -> Any:
    """A ctypes struct from (type, "names") in the header's order."""
    return type(name, (c.Structure,), {"_fields_": [(n, t) for t, names in fields for n in names.split()]})


Allocator = _struct("llmcs_allocator", (ptr, "alloc free user"))
ModelOptions = _struct(
    "llmcs_model_options",
    (size, "struct_size"),
    (i32, "n_threads"),
    (enum, "load_mode backend"),
    (u32, "flags"),
    (u64, "max_bytes"),
    (P(Allocator), "allocator"),
    (LogFn, "log"),
    (ptr, "log_user"),
    (ProgressFn, "progress"),
    (ptr, "progress_user"),
    (enum, "weights kv_type"),
    (P(text), "adapters"),
    (size, "n_adapters"),
)
ModelInfo = _struct(
    "llmcs_model_info",
    (size, "struct_size"),
    (text, "model_type architecture"),
    (u32, "heads"),
    (
        i32,
        "vocab_size n_ctx n_embd n_layer n_head n_inner n_labels n_embedding bos_token_id "
        "eos_token_id pad_token_id n_threads",
    ),
    (text, "cpu backend"),
    (u64, "n_parameters weights_bytes"),
    (text, "weights kv_type similarity"),
)
Text = _struct("llmcs_text", (text, "text"), (size, "text_bytes"), (text, "pair"), (size, "pair_bytes"))
TextParams = _struct(
    "llmcs_text_params",
    (size, "struct_size"),
    (enum, "overflow truncation"),
    (size, "max_length stride"),
    (enum, "window_pooling"),
    (u32, "flags"),
    (enum, "pooling normalize"),
    (f64, "deadline_ms"),
    (P(i32), "cancel"),
    (size, "max_windows"),
    (enum, "aggregation rerank_score"),
    (text, "prompt_name prompt"),
    (size, "truncate_dim"),
    (text, "hypothesis"),
    (i32, "multi_label"),
)
TextInfo = _struct("llmcs_text_info", (size, "struct_size n_tokens n_evaluated n_windows"), (i32, "truncated"))
TextSpan = _struct(
    "llmcs_text_span", (size, "begin end"), (f32, "score"), (i32, "label_id"), (text, "label")
)
TextSpans = _struct("llmcs_text_spans", (P(P(TextSpan)), "spans"), (size, "n_spans"))
SpanResult = _struct("llmcs_span_result", (P(P(TextSpans)), "texts"), (size, "n_texts"))
AnswerParams = _struct(
    "llmcs_answer_params",
    (size, "struct_size max_seq_len"),
    (i32, "doc_stride max_answer_len top_k handle_impossible_answer align_to_words"),
    (u32, "flags"),
    (f64, "deadline_ms"),
    (P(i32), "cancel"),
    (size, "max_windows"),
)
CallLimits = _struct("llmcs_call_limits", (size, "struct_size"), (f64, "deadline_ms"), (P(i32), "cancel"))
MaskToken = _struct("llmcs_mask_token", (size, "position"), (i32, "id"), (f32, "probability"))
Ids = _struct("llmcs_ids", (P(i32), "ids"), (size, "n_ids"))
LogitBias = _struct("llmcs_logit_bias", (i32, "id"), (f32, "bias"))
SequenceBias = _struct("llmcs_sequence_bias", (Ids, "ids"), (f32, "bias"))
GenerateParams = _struct(
    "llmcs_generate_params",
    (size, "struct_size"),
    (i32, "max_new_tokens min_new_tokens do_sample"),
    (f32, "temperature"),
    (i32, "top_k"),
    (f32, "top_p min_p repetition_penalty presence_penalty frequency_penalty"),
    (i32, "no_repeat_ngram_size num_beams num_return_sequences"),
    (enum, "early_stopping"),
    (f32, "length_penalty"),
    (u64, "seed"),
    (P(i32), "eos_token_id"),
    (size, "n_eos_token_id"),
    (P(Ids), "bad_words_ids"),
    (size, "n_bad_words_ids"),
    (P(LogitBias), "logit_bias"),
    (size, "n_logit_bias"),
    (P(text), "stop_strings"),
    (size, "n_stop_strings"),
    (i32, "logprobs"),
    (u32, "encode_flags"),
    (f64, "deadline_ms"),
    (i32, "prompt_lookup_num_tokens max_matching_ngram_size"),
    (P(i32), "prompt_lookup_ids"),
    (size, "n_prompt_lookup_ids"),
    (i32, "max_length min_length"),
    (f32, "encoder_repetition_penalty"),
    (i32, "encoder_no_repeat_ngram_size renormalize_logits"),
    (Ids, "suppress_tokens begin_suppress_tokens forced_bos_token_id forced_eos_token_id"),
    (f32, "typical_p epsilon_cutoff eta_cutoff"),
    (i32, "num_beam_groups"),
    (f32, "diversity_penalty"),
    (i32, "exponential_decay_start"),
    (f32, "exponential_decay_factor"),
    (P(SequenceBias), "sequence_bias"),
    (size, "n_sequence_bias"),
    (f64, "max_time"),
    (f32, "guidance_scale"),
    (Ids, "negative_prompt_ids"),
    (ptr, "grammar"),
    (Ids, "decoder_input_ids"),
    (c.c_char_p, "source_lang target_lang"),
    (P(i32), "cancel"),
    (i32, "top_logprobs"),
)
TopToken = _struct("llmcs_top_token", (i32, "id"), (f32, "logprob"))
Sequence = _struct(
    "llmcs_sequence",
    (P(i32), "ids"),
    (size, "n_ids"),
    (ptr, "text"),
    (size, "text_bytes"),
    (enum, "finish_reason"),
    (f32, "score"),
    (P(f32), "logprobs"),
    (P(TopToken), "top_logprobs"),
    (size, "n_top_logprobs"),
)
Result = _struct(
    "llmcs_result",
    (P(P(Sequence)), "sequences"),
    (size, "n_sequences n_prompt_tokens n_new_tokens"),
    (f64, "prompt_ms decode_ms"),
    (size, "n_cached_tokens n_draft_tokens n_accepted_tokens"),
)
EncodeParams = _struct(
    "llmcs_encode_params",
    (size, "struct_size"),
    (u32, "flags"),
    (enum, "truncation"),
    (size, "max_length"),
    (c.c_char_p, "source_lang target_lang"),
)
Span = _struct("llmcs_span", (size, "begin end"))
SessionOptions = _struct("llmcs_session_options", (size, "struct_size"), (i32, "n_ctx"))
ScoreResult = _struct("llmcs_score_result", (f64, "logprob"), (size, "n_tokens"))
EngineOptions = _struct(
    "llmcs_engine_options",
    (size, "struct_size"),
    (u64, "kv_bytes"),
    (i32, "n_ctx max_batch max_queue max_chunk"),
    (f64, "step_ms"),
    (u32, "flags"),
)
SubmitOptions = _struct(
    "llmcs_submit_options",
    (size, "struct_size"),
    (i32, "priority"),
    (TextFn, "on_text"),
    (TokenFn, "on_token"),
    (ptr, "user"),
)
EngineEvent = _struct("llmcs_engine_event", (size, "struct_size"), (ptr, "request user"), (c.c_int, "finished"))
Histogram = _struct("llmcs_histogram", (u64 * 104, "counts"), (u64, "n"), (f64, "sum_ms max_ms"))
EngineStats = _struct(
    "llmcs_engine_stats",
    (size, "struct_size"),
    (
        u64,
        "n_submitted n_refused n_finished n_cancelled n_deadline n_failed n_waiting n_running n_steps n_rows "
        "n_prompt_tokens n_cached_tokens n_new_tokens n_draft_tokens n_accepted_tokens n_preempted n_evicted_blocks "
        "n_blocks n_used_blocks n_cached_blocks step_ns forward_ns sample_ns",
    ),
    (Histogram, "waiting_ms first_token_ms per_token_ms"),
)
EncoderOutputs = _struct("llmcs_encoder_outputs", (size, "struct_size"), (P(f32), "hidden pooled logits"))
PlanInfo = _struct("llmcs_plan_info", (size, "struct_size"), (u64, "model_bytes peak_bytes session_bytes sequence_bytes encoder_bytes"))
EnginePlanInfo = _struct(
    "llmcs_engine_plan_info",
    (size, "struct_size"),
    (u64, "engine_bytes kv_block_tokens kv_block_bytes n_blocks n_conversations request_bytes"),
)
MergeParams = _struct(
    "llmcs_merge_params",
    (size, "struct_size"),
    (P(Allocator), "allocator"),
    (LogFn, "log"),
    (ptr, "log_user"),
    (ProgressFn, "progress"),
    (ptr, "progress_user"),
)
QuantizeParams = _struct(
    "llmcs_quantize_params",
    (size, "struct_size"),
    (enum, "type"),
    (P(Allocator), "allocator"),
    (LogFn, "log"),
    (ptr, "log_user"),
    (ProgressFn, "progress"),
    (ptr, "progress_user"),
)
IndexOptions = _struct(
    "llmcs_index_options",
    (size, "struct_size"),
    (i32, "dim"),
    (enum, "type metric"),
    (i32, "n_threads"),
    (u32, "flags"),
    (u64, "max_bytes model_fingerprint"),
    (P(Allocator), "allocator"),
)
ItemTags = _struct("llmcs_item_tags", (u64, "tags"), (f64, "number"))
SearchStats = _struct("llmcs_search_stats", (size, "struct_size"), (u64, "n_scored n_passed n_lists n_rescored ns"))
SearchParams = _struct(
    "llmcs_search_params",
    (size, "struct_size k"),
    (i32, "exact n_probe rescore"),
    (u64, "tags_all tags_any tags_none"),
    (f64, "number_min number_max"),
    (P(u64), "exclude"),
    (size, "n_exclude"),
    (P(SearchStats), "stats"),
)
IndexInfo = _struct(
    "llmcs_index_info",
    (size, "struct_size"),
    (u64, "n_vectors"),
    (i32, "dim"),
    (enum, "type metric"),
    (u32, "flags"),
    (i32, "n_lists n_probe n_threads"),
    (u64, "n_removed bytes model_fingerprint"),
    (text, "cpu"),
)
IndexBuildParams = _struct(
    "llmcs_index_build_params",
    (size, "struct_size min_vectors"),
    (i32, "n_lists n_iterations sample"),
    (u64, "seed"),
    (ProgressFn, "progress"),
    (ptr, "progress_user"),
)
IndexMeasurement = _struct(
    "llmcs_index_measurement",
    (size, "struct_size"),
    (f64, "recall worst_recall ms p99_ms exact_ms vectors_scored lists_probed"),
)
ChatOptions = _struct("llmcs_chat_options", (size, "struct_size"), (text, "template_name"), (P(Allocator), "allocator"))
ChatMessage = _struct(
    "llmcs_chat_message",
    (text, "role content"),
    (size, "content_bytes"),
    (text, "json"),
    (size, "json_bytes"),
)
ChatParams = _struct(
    "llmcs_chat_params",
    (size, "struct_size"),
    (P(ChatMessage), "messages"),
    (size, "n_messages"),
    (text, "tools documents variables"),
    (i32, "add_generation_prompt continue_final_message"),
    (text, "now"),
)
ChatPrompt = _struct("llmcs_chat_prompt", (ptr, "text"), (size, "text_bytes"), (ptr, "is_template"))

_OUT = P(ptr)  # where a function stores the handle that it creates
_GENERATE = (P(GenerateParams), ptr, ptr, P(P(Result)))  # the callback as a pointer: it is of two types
FUNCTIONS = {  # name: result, arguments. Every pointer is declared, or a 64-bit handle would be cut to an int.
    "llmcs_version": (text,),
    "llmcs_status_name": (text, enum),
    "llmcs_error_message": (text,),
    "llmcs_model_options_init_sized": (None, P(ModelOptions), size),
    "llmcs_model_open": (enum, text, P(ModelOptions), _OUT),
    "llmcs_model_free": (None, _OUT),
    "llmcs_model_get_info": (enum, ptr, P(ModelInfo)),
    "llmcs_model_label": (text, ptr, i32),
    "llmcs_model_prompt_name": (text, ptr, i32),
    "llmcs_model_prompt_text": (text, ptr, text),
    "llmcs_model_tokenizer": (ptr, ptr),
    "llmcs_text_params_init_sized": (None, P(TextParams), size),
    "llmcs_classify": (enum, ptr, P(Text), size, P(TextParams), P(f32), P(i32), P(TextInfo)),
    "llmcs_zero_shot": (enum, ptr, P(Text), size, P(text), size, P(TextParams), P(f32), P(TextInfo)),
    "llmcs_embed": (enum, ptr, P(Text), size, P(TextParams), P(f32), P(TextInfo)),
    "llmcs_rerank": (enum, ptr, text, size, P(Text), size, P(TextParams), P(f32), P(TextInfo)),
    "llmcs_span_result_free": (None, P(P(SpanResult))),
    "llmcs_tag": (enum, ptr, P(Text), size, P(TextParams), P(TextInfo), P(P(SpanResult))),
    "llmcs_answer_params_init_sized": (None, P(AnswerParams), size),
    "llmcs_answer_span": (enum, ptr, P(Text), size, P(AnswerParams), P(TextInfo), P(P(SpanResult))),
    "llmcs_fill_mask": (enum, ptr, text, size, size, P(MaskToken), size, P(size)),
    "llmcs_fill_mask_within": (enum, ptr, text, size, size, P(CallLimits), P(MaskToken), size, P(size)),
    "llmcs_generate_params_init_sized": (enum, P(GenerateParams), size, ptr),
    "llmcs_finish_reason_name": (text, enum),
    "llmcs_result_free": (None, P(P(Result))),
    "llmcs_generate": (enum, ptr, text, size, *_GENERATE),
    "llmcs_generate_ids": (enum, ptr, P(i32), size, *_GENERATE),
    "llmcs_next_distribution": (enum, ptr, P(GenerateParams), P(f32)),
    "llmcs_tokenizer_open": (enum, text, P(Allocator), _OUT),
    "llmcs_tokenizer_free": (None, _OUT),
    "llmcs_grammar_choices": (enum, ptr, P(text), size, _OUT),
    "llmcs_grammar_regex": (enum, ptr, text, size, _OUT),
    "llmcs_grammar_json_schema": (enum, ptr, text, size, _OUT),
    "llmcs_grammar_free": (None, _OUT),
    "llmcs_encode_params_init_sized": (None, P(EncodeParams), size),
    "llmcs_encode": (enum, ptr, text, size, text, size, P(EncodeParams), P(i32), P(i32), P(Span), size, P(size)),
    "llmcs_decode": (enum, ptr, P(i32), size, u32, ptr, size, P(size)),
    "llmcs_decoder_create": (enum, ptr, u32, _OUT),
    "llmcs_decoder_free": (None, _OUT),
    "llmcs_decoder_push": (enum, ptr, i32, _OUT, P(size)),
    "llmcs_decoder_finish": (enum, ptr, _OUT, P(size)),
    "llmcs_tokenizer_n_vocab": (size, ptr),
    "llmcs_token_to_id": (i32, ptr, text, size),
    "llmcs_tokenizer_describe": (enum, ptr, ptr, size, P(size)),
    "llmcs_id_to_token": (ptr, ptr, i32, P(size)),
    "llmcs_special_token": (i32, ptr, enum),
    "llmcs_tokenizer_languages": (enum, ptr, P(i32), size, P(size)),
    "llmcs_session_options_init_sized": (None, P(SessionOptions), size),
    "llmcs_session_create": (enum, ptr, P(SessionOptions), _OUT),
    "llmcs_session_free": (None, _OUT),
    "llmcs_session_encode": (enum, ptr, P(i32), size, P(f32)),
    "llmcs_session_encode_within": (enum, ptr, P(i32), size, P(CallLimits), P(f32)),
    "llmcs_session_eval": (enum, ptr, P(i32), size, enum),
    "llmcs_session_eval_within": (enum, ptr, P(i32), size, enum, P(CallLimits)),
    "llmcs_session_logits": (enum, ptr, P(P(f32)), P(size)),
    "llmcs_session_tokens": (enum, ptr, P(i32), size, P(size)),
    "llmcs_session_rewind": (enum, ptr, size),
    "llmcs_session_fork": (enum, ptr, _OUT),
    "llmcs_session_save": (enum, ptr, ptr, size, P(size)),
    "llmcs_session_restore": (enum, ptr, ptr, size),
    "llmcs_session_cancel": (None, ptr),
    "llmcs_score": (enum, ptr, text, size, text, size, P(ScoreResult)),
    "llmcs_score_ids": (enum, ptr, P(i32), size, P(i32), size, P(ScoreResult)),
    "llmcs_score_within": (enum, ptr, text, size, text, size, P(CallLimits), P(ScoreResult)),
    "llmcs_score_ids_within": (enum, ptr, P(i32), size, P(i32), size, P(CallLimits), P(ScoreResult)),
    "llmcs_choose": (enum, ptr, text, size, P(text), size, c.c_int, P(ScoreResult), P(size)),
    "llmcs_choose_within": (enum, ptr, text, size, P(text), size, c.c_int, P(CallLimits), P(ScoreResult), P(size)),
    "llmcs_chat_options_init_sized": (None, P(ChatOptions), size),
    "llmcs_chat_open": (enum, text, P(ChatOptions), _OUT),
    "llmcs_chat_open_text": (enum, text, size, text, P(ChatOptions), _OUT),
    "llmcs_chat_free": (None, _OUT),
    "llmcs_chat_params_init_sized": (None, P(ChatParams), size),
    "llmcs_chat_render": (enum, ptr, P(ChatParams), P(P(ChatPrompt))),
    "llmcs_chat_prompt_free": (None, P(P(ChatPrompt))),
    "llmcs_chat_encode": (enum, ptr, ptr, P(ChatPrompt), P(i32), size, P(size)),
    "llmcs_chat_generate": (enum, ptr, ptr, P(ChatParams), *_GENERATE),
    "llmcs_engine_options_init_sized": (None, P(EngineOptions), size),
    "llmcs_engine_create": (enum, ptr, P(EngineOptions), _OUT),
    "llmcs_engine_stop": (enum, ptr),
    "llmcs_engine_free": (None, _OUT),
    "llmcs_submit_options_init_sized": (None, P(SubmitOptions), size),
    "llmcs_engine_submit": (enum, ptr, text, size, P(GenerateParams), P(SubmitOptions), _OUT),
    "llmcs_engine_submit_ids": (enum, ptr, P(i32), size, P(GenerateParams), P(SubmitOptions), _OUT),
    "llmcs_request_cancel": (None, ptr),
    "llmcs_request_wait": (enum, ptr, f64, P(P(Result))),
    "llmcs_request_read": (enum, ptr, ptr, size, P(size), P(c.c_int)),
    "llmcs_request_tokens": (enum, ptr, size, size, P(i32), P(f32), P(TopToken), P(size)),
    "llmcs_request_free": (None, _OUT),
    "llmcs_engine_fd": (c.c_int, ptr),
    "llmcs_engine_next": (enum, ptr, f64, P(EngineEvent)),
    "llmcs_engine_step": (enum, ptr, P(c.c_int)),
    "llmcs_histogram_quantile": (f64, P(Histogram), f64),
    "llmcs_engine_get_stats": (enum, ptr, P(EngineStats)),
    "llmcs_encoder_eval": (enum, ptr, P(i32), P(i32), P(size), size, P(EncoderOutputs)),
    "llmcs_encoder_eval_within": (enum, ptr, P(i32), P(i32), P(size), size, P(CallLimits), P(EncoderOutputs)),
    "llmcs_plan": (enum, text, P(ModelOptions), P(SessionOptions), P(PlanInfo)),
    "llmcs_engine_plan": (enum, text, P(ModelOptions), P(EngineOptions), size, P(EnginePlanInfo)),
    "llmcs_merge_params_init_sized": (None, P(MergeParams), size),
    "llmcs_merge": (enum, text, P(text), size, text, P(MergeParams)),
    "llmcs_quantize_params_init_sized": (None, P(QuantizeParams), size),
    "llmcs_quantize": (enum, text, text, P(QuantizeParams)),
    "llmcs_model_fingerprint": (enum, ptr, P(u64)),
    "llmcs_index_options_init_sized": (None, P(IndexOptions), size),
    "llmcs_index_create": (enum, P(IndexOptions), _OUT),
    "llmcs_index_free": (None, _OUT),
    "llmcs_index_put": (enum, ptr, P(u64), P(f32), P(ItemTags), size),
    "llmcs_index_remove": (enum, ptr, P(u64), size, P(size)),
    "llmcs_index_get": (enum, ptr, u64, P(f32), P(ItemTags), P(c.c_int)),
    "llmcs_search_params_init_sized": (None, P(SearchParams), size),
    "llmcs_index_search": (enum, ptr, P(f32), size, P(SearchParams), P(u64), P(f32), P(size)),
    "llmcs_index_get_info": (enum, ptr, P(IndexInfo)),
    "llmcs_index_build_params_init_sized": (None, P(IndexBuildParams), size),
    "llmcs_index_build": (enum, ptr, P(IndexBuildParams)),
    "llmcs_index_measure": (enum, ptr, P(f32), size, P(SearchParams), P(IndexMeasurement)),
    "llmcs_index_set_attachment": (enum, ptr, ptr, size),
    "llmcs_index_get_attachment": (enum, ptr, ptr, size, P(size)),
    "llmcs_index_save": (enum, ptr, text),
    "llmcs_index_open": (enum, text, P(IndexOptions), _OUT),
}


def _load() -> c.CDLL:
    library = load("LLMCS_LIBRARY", "libllmcs.so", "libllmcs.so.1")
    if not hasattr(library, "llmcs_version"):
        raise ImportError("llmcs: %s is not libllmcs: it lacks llmcs_version" % library._name)
    bind(library, version_of(library.llmcs_version), FUNCTIONS, MINIMUM)
    return library


lib = _load()


def initialised(struct: Any) -> Any:
    """A new struct with the library's defaults: from the *_init_sized function of its name."""
    value = struct()
    getattr(lib, struct.__name__ + "_init_sized")(c.byref(value), c.sizeof(value))
    return value


def sized(struct: Any) -> Any:
    """A new struct for the library to fill: only struct_size is set."""
    return struct(struct_size=c.sizeof(struct))


def fields(value: Any) -> Dict[str, Any]:
    """A struct's fields but struct_size as a dict, C strings as str."""
    out = {name: getattr(value, name) for name, _ in value._fields_ if name != "struct_size"}
    return {name: v.decode("utf-8", "replace") if isinstance(v, bytes) else v for name, v in out.items()}
