"""The C side: structs and functions of include/llmcs_shop*.h, and the shared library that has them.

tests/python/test_shop_binding.py compares every struct, offset and function here with the headers.
"""

from __future__ import annotations

import ctypes as c
import os
from typing import Any

from llmcs import _native as core
from llmcs._library import bind, file_of, load, require, version_of
from llmcs._native import P as P, TextFn as TextFn, f32 as f32, f64 as f64, text as text  # re-exported for the modules of this package
from llmcs._native import Allocator, LogFn, ModelOptions, ProgressFn, Text, _struct, enum, i32, ptr, size, u32, u64

MINIMUM = (0, 1)  # the first version of the library with these structs and functions
i64 = c.c_int64

RefusedFn = c.CFUNCTYPE(None, ptr, size, enum, text)

# ---- store

Options = _struct(
    "llmcs_shop_options",
    (size, "struct_size"),
    (ptr, "encoder"),
    (P(Allocator), "allocator"),
    (LogFn, "log"),
    (ptr, "log_user"),
    (u32, "flags"),
    (i32, "busy_ms n_readers"),
    (P(c.c_uint8), "master_key"),
    (text, "key_file postgres"),
)
Info = _struct(
    "llmcs_shop_info",
    (size, "struct_size"),
    (i32, "schema_version n_embedding"),
    (u64, "fingerprint n_entries n_questions n_products n_customers n_events n_orders n_vectors"),
)
ProductText = _struct("llmcs_shop_product_text", (text, "lang title description attributes"))
Product = _struct(
    "llmcs_shop_product",
    (size, "struct_size"),
    (text, "id"),
    (P(ProductText), "texts"),
    (size, "n_texts"),
    (text, "category brand"),
    (f64, "price"),
    (text, "currency"),
    (i64, "stock"),
    (P(text), "tags"),
    (size, "n_tags"),
)
Customer = _struct("llmcs_shop_customer", (size, "struct_size"), (text, "id name lang"), (i64, "since"))
Event = _struct("llmcs_shop_event", (size, "struct_size"), (text, "customer item type"), (i64, "time"))
OrderItem = _struct("llmcs_shop_order_item", (text, "item"), (i64, "quantity"), (f64, "price"))
Order = _struct(
    "llmcs_shop_order",
    (size, "struct_size"),
    (text, "id customer status"),
    (i64, "time"),
    (P(OrderItem), "items"),
    (size, "n_items"),
    (f64, "total"),
    (text, "currency carrier tracking city"),
)

# ---- classifier

Example = _struct("llmcs_shop_example", (text, "text"), (size, "text_bytes"), (text, "label"))
TrainParams = _struct(
    "llmcs_shop_train_params",
    (size, "struct_size"),
    (ptr, "encoder"),
    (text, "encoder_path"),
    (P(f32), "vectors"),
    (text, "oos_label"),
    (u32, "flags"),
    (i32, "n_threads n_folds max_iterations max_features"),
    (f64, "l2 accept_score keep"),
    (u64, "seed"),
    (P(Allocator), "allocator"),
    (ProgressFn, "progress"),
    (ptr, "progress_user"),
)
ClassifierOptions = _struct(
    "llmcs_shop_classifier_options", (size, "struct_size"), (ptr, "encoder"), (u64, "max_bytes"), (P(Allocator), "allocator")
)
ClassifierInfo = _struct(
    "llmcs_shop_classifier_info",
    (size, "struct_size"),
    (i32, "n_labels n_features n_embedding has_encoder"),
    (u64, "encoder_fingerprint"),
    (text, "encoder_path"),
    (u64, "n_rows n_oos_rows n_examples"),
    (f64, "l2 temperature accept_score accuracy macro_f1 ece oos_auroc in_scope_kept oos_found"),
    (text, "oos_rows"),
    (u64, "bytes"),
)
PredictParams = _struct(
    "llmcs_shop_predict_params",
    (size, "struct_size"),
    (u32, "flags"),
    (i32, "n_scores"),
    (f32, "near_tie"),
    (f64, "accept_score max_oos"),
    (P(f32), "vectors all_scores"),
    (f64, "deadline_ms"),
    (P(i32), "cancel"),
)
Score = _struct("llmcs_shop_score", (text, "label"), (i32, "index"), (f32, "score"))
Evidence = _struct("llmcs_shop_evidence", (size, "begin end"), (f32, "weight"))
Prediction = _struct(
    "llmcs_shop_prediction",
    (text, "label"),
    (i32, "index"),
    (f32, "score out_of_scope"),
    (i32, "accepted near_tie"),
    (P(Score), "scores"),
    (size, "n_scores"),
    (P(Evidence), "evidence"),
    (size, "n_evidence"),
    (text, "example"),
    (size, "example_bytes"),
    (f32, "example_similarity"),
)
Predictions = _struct("llmcs_shop_predictions", (P(P(Prediction)), "items"), (size, "n"))

# ---- guard

GuardOptions = _struct(
    "llmcs_shop_guard_options",
    (size, "struct_size"),
    (text, "tagger_path order_pattern"),
    (P(Allocator), "allocator"),
    (text, "words_path"),
    (ptr, "moderation"),
    (f64, "warn_score block_score"),
)
CheckParams = _struct(
    "llmcs_shop_check_params", (size, "struct_size"), (enum, "direction"), (u32, "flags"), (P(f32), "vector")
)
Reason = _struct(
    "llmcs_shop_reason", (text, "layer rule"), (size, "begin end"), (f64, "weight"), (enum, "action")
)
Verdict = _struct(
    "llmcs_shop_verdict",
    (enum, "action"),
    (text, "label"),
    (f64, "score unsafe"),
    (P(P(Reason)), "reasons"),
    (size, "n_reasons"),
)
MaskParams = _struct("llmcs_shop_mask_params", (size, "struct_size"), (u32, "flags kinds"))
MaskedSpan = _struct(
    "llmcs_shop_masked_span",
    (size, "struct_size"),
    (enum, "kind"),
    (size, "begin end masked_begin masked_end"),
    (text, "name rule"),
)
Masked = _struct(
    "llmcs_shop_masked", (size, "struct_size"), (ptr, "text"), (size, "text_bytes"), (P(P(MaskedSpan)), "spans"), (size, "n_spans")
)
TaggedSpan = _struct("llmcs_shop_tagged_span", (size, "begin end"), (text, "label"))
TaggedText = _struct(
    "llmcs_shop_tagged_text", (text, "text"), (size, "text_bytes"), (P(TaggedSpan), "spans"), (size, "n_spans")
)
TaggerParams = _struct(
    "llmcs_shop_tagger_params",
    (size, "struct_size"),
    (i32, "n_epochs max_features min_count"),
    (f64, "l2"),
    (u64, "seed"),
    (text, "checkpoint_path"),
    (P(Allocator), "allocator"),
    (ProgressFn, "progress"),
    (ptr, "progress_user"),
    (text, "words_path"),
)

# ---- knowledge base

Entry = _struct(
    "llmcs_shop_entry",
    (size, "struct_size"),
    (text, "id lang"),
    (P(text), "questions"),
    (size, "n_questions"),
    (text, "answer"),
    (P(text), "tags"),
    (size, "n_tags"),
    (i64, "valid_from valid_until"),
)
Slot = _struct("llmcs_shop_slot", (text, "name value"))
AskParams = _struct(
    "llmcs_shop_ask_params",
    (size, "struct_size"),
    (text, "lang"),
    (size, "k"),
    (P(text), "tags"),
    (size, "n_tags"),
    (P(Slot), "slots"),
    (size, "n_slots"),
    (f64, "threshold"),
    (i64, "now"),
    (u32, "flags"),
    (ptr, "reranker writer"),
)
Citation = _struct(
    "llmcs_shop_citation",
    (text, "id lang"),
    (i32, "version"),
    (size, "text_index entry_begin entry_end reply_begin reply_end"),
)
Candidate = _struct(
    "llmcs_shop_candidate",
    (text, "id lang"),
    (i32, "version"),
    (text, "question answer"),
    (f64, "score probability"),
    (f32, "cosine answer_cosine bm25 fused rerank"),
    (f64, "logprob information"),
)
Answer = _struct(
    "llmcs_shop_answer",
    (enum, "route"),
    (ptr, "text"),
    (size, "text_bytes"),
    (f64, "probability"),
    (P(P(Citation)), "citations"),
    (size, "n_citations"),
    (P(P(Candidate)), "candidates"),
    (size, "n_candidates"),
    (text, "missing_slot"),
    (f64, "threshold embed_ms words_ms vectors_ms rank_ms write_ms total_ms"),
)
Labelled = _struct("llmcs_shop_labelled", (text, "text lang id"))
CalibrateParams = _struct(
    "llmcs_shop_calibrate_params",
    (size, "struct_size"),
    (i32, "leave_one_out"),
    (f64, "precision"),
    (ProgressFn, "progress"),
    (ptr, "progress_user"),
)
Calibration = _struct(
    "llmcs_shop_calibration",
    (size, "struct_size n_questions n_answerable"),
    (f64, "threshold accuracy coverage precision"),
)

# ---- recommendation

Boost = _struct("llmcs_shop_boost", (text, "item category brand tag"), (f64, "add"))
EventWeight = _struct("llmcs_shop_event_weight", (text, "type"), (f64, "weight"))
RecommendParams = _struct(
    "llmcs_shop_recommend_params",
    (size, "struct_size"),
    (text, "customer item text"),
    (size, "text_bytes k"),
    (text, "lang"),
    (i32, "out_of_stock"),
    (enum, "seen"),
    (f64, "price_min price_max"),
    (P(text), "categories"),
    (size, "n_categories"),
    (P(text), "tags_all"),
    (size, "n_tags_all"),
    (P(text), "tags_any"),
    (size, "n_tags_any"),
    (P(text), "tags_none"),
    (size, "n_tags_none"),
    (P(text), "exclude"),
    (size, "n_exclude"),
    (f64, "weight_content weight_together weight_popular half_life_days diversity"),
    (P(EventWeight), "event_weights"),
    (size, "n_event_weights"),
    (P(Boost), "boosts"),
    (size, "n_boosts"),
)
ReasonPart = _struct("llmcs_shop_reason_part", (size, "struct_size"), (text, "item event"), (f64, "share"))
Recommendation = _struct(
    "llmcs_shop_recommendation",
    (size, "struct_size"),
    (text, "item title"),
    (f64, "score content together popular"),
    (P(P(ReasonPart)), "parts"),
    (size, "n_parts"),
    (text, "reason"),
)
Recommendations = _struct(
    "llmcs_shop_recommendations",
    (size, "struct_size"),
    (P(P(Recommendation)), "items"),
    (size, "n_items n_candidates"),
    (f64, "follow_ms ms"),
)

# ---- measures

MeasureParams = _struct(
    "llmcs_shop_measure_params",
    (size, "struct_size"),
    (enum, "tokenizer"),
    (i32, "lowercase stem n_bins"),
    (text, "wordnet"),
    (P(Allocator), "allocator"),
)
Bootstrap = _struct("llmcs_shop_bootstrap", (size, "struct_size"), (u64, "seed"), (i32, "n_samples"))
Interval = _struct("llmcs_shop_interval", (size, "struct_size"), (f64, "low high mean"))
Comparison = _struct(
    "llmcs_shop_comparison", (size, "struct_size"), (f64, "score_a score_b difference low high p")
)

# ---- wording

Fact = _struct("llmcs_shop_fact", (text, "key value"))
GateVerdict = _struct(
    "llmcs_shop_gate_verdict", (size, "struct_size"), (i32, "passed"), (text, "reason"), (c.c_char * 64, "found")
)
# ---- privacy

AuditRow = _struct(
    "llmcs_shop_audit_row",
    (i64, "seq time"),
    (text, "role actor action object detail customer"),
    (P(c.c_uint8), "hash"),
)
AuditFn = c.CFUNCTYPE(i32, ptr, P(AuditRow))
AuditParams = _struct("llmcs_shop_audit_params", (size, "struct_size"), (text, "public_key head"), (i64, "head_seq"))
AuditReport = _struct(
    "llmcs_shop_audit_report",
    (size, "struct_size"),
    (i32, "intact key_checked"),
    (i64, "problem_seq first_seq last_seq signed_seq"),
    (u64, "n_rows"),
    (c.c_char * 72, "head public_key"),
    (c.c_char * 256, "problem"),
)
ForgottenItem = _struct("llmcs_shop_forgotten_item", (text, "table action"), (u64, "n_rows"), (text, "why"))
Forgotten = _struct(
    "llmcs_shop_forgotten", (P(P(ForgottenItem)), "items"), (size, "n_items"), (i32, "known wal_truncated")
)
ForgetParams = _struct("llmcs_shop_forget_params", (size, "struct_size"), (enum, "role"), (text, "actor"))

# ---- strategies

Option = _struct("llmcs_shop_option", (text, "id text"))
DecideParams = _struct(
    "llmcs_shop_decide_params",
    (size, "struct_size"),
    (enum, "policy"),
    (text, "context conversation"),
    (f64, "explore strength"),
    (u64, "seed"),
    (ptr, "writer"),
    (text, "history"),
    (i32, "n_history"),
    (i64, "now"),
)
_MAX_OPTIONS = 32
Decision = _struct(
    "llmcs_shop_decision",
    (size, "struct_size chosen"),
    (f64, "propensity"),
    (size, "n"),
    (f64 * _MAX_OPTIONS, "propensities means features"),
    (i32, "repeated"),
)
Logged = _struct("llmcs_shop_logged", (text, "context"), (i32, "action"), (f64, "propensity reward"), (P(f64), "target"))
Estimate = _struct("llmcs_shop_estimate", (f64, "value low high"))
OffPolicy = _struct(
    "llmcs_shop_off_policy",
    (size, "struct_size"),
    (u64, "n"),
    (f64, "effective_n max_weight"),
    (Estimate, "log ips snips dr"),
)
TargetParams = _struct(
    "llmcs_shop_target_params",
    (size, "struct_size"),
    (text, "candidate"),
    (f64, "explore strength"),
    (i64, "since"),
    (u64, "max_rows"),
)

# ---- learning

Feedback = _struct(
    "llmcs_shop_feedback",
    (size, "struct_size"),
    (text, "id customer conversation lang text model label predicted reply"),
    (enum, "outcome"),
    (f64, "rating"),
    (i32, "consent"),
    (i64, "time"),
    (text, "actor"),
)
ExportFn = c.CFUNCTYPE(c.c_int, ptr, ptr, size)
ExportParams = _struct(
    "llmcs_shop_export_params",
    (size, "struct_size"),
    (enum, "role purpose"),
    (text, "actor model lang"),
    (i64, "since"),
    (ptr, "guard"),
)
ContestParams = _struct(
    "llmcs_shop_contest_params", (size, "struct_size"), (text, "oos_label metric"), (u64, "seed"), (i32, "n_samples")
)
RetrainParams = _struct(
    "llmcs_shop_retrain_params",
    (size, "struct_size"),
    (text, "model"),
    (P(Example), "base"),
    (size, "n_base"),
    (P(Example), "tests"),
    (size, "n_tests"),
    (i32, "new_tests weight min_feedback"),
    (text, "oos_label"),
    (u32, "train_flags"),
    (i32, "n_threads n_folds"),
    (f64, "l2"),
    (text, "metric actor"),
    (ProgressFn, "progress"),
    (ptr, "progress_user"),
)
Retrained = _struct(
    "llmcs_shop_retrained",
    (size, "struct_size"),
    (i32, "version compared_to"),
    (u64, "n_base n_feedback n_left_out"),
    (Comparison, "comparison"),
)
PromoteParams = _struct(
    "llmcs_shop_promote_params", (size, "struct_size"), (enum, "mode"), (f64, "share"), (i32, "unproven"), (text, "actor")
)
Deployment = _struct(
    "llmcs_shop_deployment",
    (size, "struct_size"),
    (i32, "live challenger"),
    (enum, "mode"),
    (f64, "share"),
    (i32, "n_versions"),
    (u64, "n_compared n_differ"),
)

# ---- desk

CallRequest = _struct(
    "llmcs_shop_call_request",
    (text, "name"),
    (i32, "is_action"),
    (text, "key customer conversation lang"),
    (P(Slot), "slots"),
    (size, "n_slots"),
    (f64, "timeout_ms"),
)
CallFn = c.CFUNCTYPE(None, ptr, P(CallRequest), ptr)
NowFn = c.CFUNCTYPE(i64, ptr)
DeskOptions = _struct(
    "llmcs_shop_desk_options",
    (size, "struct_size"),
    (text, "flows_path flows_json"),
    (ptr, "intents sentiment guard"),
    (text, "wording"),
    (CallFn, "call"),
    (ptr, "call_user"),
    (P(text), "host_calls"),
    (size, "n_host_calls"),
    (f64, "call_timeout_ms"),
    (i32, "n_host_threads"),
    (NowFn, "now"),
    (ptr, "now_user"),
    (f64, "confirm_minutes deadline_ms"),
    (size, "max_text_bytes"),
    (P(Allocator), "allocator"),
    (ptr, "reader"),
)
Message = _struct(
    "llmcs_shop_message",
    (size, "struct_size"),
    (text, "conversation customer id text"),
    (size, "text_bytes"),
    (text, "lang"),
    (f64, "deadline_ms"),
    (P(i32), "cancel"),
    (TextFn, "on_text"),
    (ptr, "on_text_user"),
)
TurnMs = _struct(
    "llmcs_shop_turn_ms",
    (f64, "load check_in mask encode classify knowledge recommend flow call wording check_out store total"),
)
Turn = _struct(
    "llmcs_shop_turn",
    (ptr, "reply"),
    (size, "reply_bytes"),
    (enum, "route expects"),
    (text, "expected_slot lang"),
    (i64, "number"),
    (i32, "repeated"),
    (text, "intent"),
    (f64, "intent_score out_of_scope"),
    (text, "flow"),
    (P(Slot), "slots"),
    (size, "n_slots"),
    (text, "action action_object action_key"),
    (enum, "action_state"),
    (P(P(Citation)), "citations"),
    (size, "n_citations"),
    (P(text), "products"),
    (size, "n_products"),
    (f64, "probability"),
    (text, "handover_reason"),
    (i32, "handover_priority"),
    (text, "handover_summary sentiment"),
    (f64, "sentiment_score"),
    (text, "verdict"),
    (TurnMs, "ms"),
)
HistoryTurn = _struct(
    "llmcs_shop_history_turn",
    (i64, "number time"),
    (text, "message_id text reply lang route intent agent detail_json"),
)
History = _struct(
    "llmcs_shop_history",
    (P(P(HistoryTurn)), "turns"),
    (size, "n_turns"),
    (text, "status customer lang"),
    (i32, "priority"),
    (text, "reason summary"),
    (i64, "n_all"),
)
ServiceOptions = _struct(
    "llmcs_shop_service_options",
    (size, "struct_size"),
    (P(ModelOptions), "model"),
    (P(DeskOptions), "desk"),
    (P(Allocator), "allocator"),
    (LogFn, "log"),
    (ptr, "log_user"),
    (i32, "lenient busy_ms n_readers"),
    (text, "postgres"),
)
# ---- console

Conversation = _struct(
    "llmcs_shop_conversation",
    (text, "id status customer agent lang"),
    (i32, "priority"),
    (text, "reason summary"),
    (i64, "since time n_turns"),
)
ConversationFn = c.CFUNCTYPE(i32, ptr, P(Conversation))
ConversationsParams = _struct("llmcs_shop_conversations_params", (size, "struct_size"), (text, "status"), (size, "k"))
ListedAction = _struct(
    "llmcs_shop_action", (text, "key name object"), (enum, "state"), (text, "conversation customer late"), (i64, "time")
)
ActionFn = c.CFUNCTYPE(i32, ptr, P(ListedAction))
ListedEntry = _struct(
    "llmcs_shop_listed_entry",
    (text, "id lang"),
    (i32, "version retired"),
    (P(text), "questions"),
    (size, "n_questions"),
    (text, "answer tags"),
    (i64, "valid_from valid_until"),
)
EntryFn = c.CFUNCTYPE(i32, ptr, P(ListedEntry))
EntriesParams = _struct(
    "llmcs_shop_entries_params",
    (size, "struct_size"),
    (text, "id lang search"),
    (i32, "retired"),
    (size, "skip k"),
)
ListedProduct = _struct(
    "llmcs_shop_listed_product",
    (text, "id title description lang category brand currency"),
    (f64, "price"),
    (i64, "stock"),
    (text, "tags"),
)
ProductFn = c.CFUNCTYPE(i32, ptr, P(ListedProduct))
DashboardParams = _struct(
    "llmcs_shop_dashboard_params",
    (size, "struct_size"),
    (i32, "days utc_offset_s"),
    (i64, "now"),
    (i32, "per_customer"),
)
Day = _struct(
    "llmcs_shop_day",
    (i64, "begin n_turns n_answered n_asked_back n_handed_over n_refused n_conversations"),
    (f64, "p50_ms p95_ms"),
)
Figure = _struct("llmcs_shop_figure", (text, "group name"), (i64, "n"))
Dashboard = _struct(
    "llmcs_shop_dashboard",
    (P(P(Day)), "days"),
    (size, "n_days"),
    (P(P(Figure)), "figures"),
    (size, "n_figures"),
    (i64, "n_turns n_conversations n_waiting"),
    (f64, "p50_ms p95_ms"),
)
# ---- assistance

AssistantOptions = _struct(
    "llmcs_shop_assistant_options",
    (size, "struct_size"),
    (ptr, "guard"),
    (text, "wording"),
    (ptr, "wording_model"),
    (P(Allocator), "allocator"),
)
Suggestion = _struct(
    "llmcs_shop_suggestion",
    (text, "id"),
    (enum, "kind"),
    (ptr, "text"),
    (size, "text_bytes"),
    (f64, "score"),
    (P(P(Citation)), "citations"),
    (size, "n_citations"),
    (text, "source verdict verdict_label action"),
    (f64, "ms"),
)
Suggestions = _struct(
    "llmcs_shop_suggestions", (P(P(Suggestion)), "items"), (size, "n_items"), (text, "question lang"), (f64, "ms")
)
OnSuggestion = c.CFUNCTYPE(c.c_int, ptr, P(Suggestion))
AssistParams = _struct(
    "llmcs_shop_assist_params",
    (size, "struct_size k"),
    (text, "text lang actor"),
    (f64, "deadline_ms"),
    (OnSuggestion, "on_suggestion"),
    (ptr, "on_suggestion_user"),
)
Rewritten = _struct("llmcs_shop_rewritten", (ptr, "text"), (size, "text_bytes"), (i32, "changed by_model"))

_OUT = P(ptr)  # where a function stores the handle that it creates
_PUT = (size, RefusedFn, ptr, P(size))
FUNCTIONS = {  # name: result, arguments
    "llmcs_shop_version": (text,),
    "llmcs_shop_options_init_sized": (None, P(Options), size),
    "llmcs_shop_open": (enum, text, P(Options), _OUT),
    "llmcs_shop_free": (None, _OUT),
    "llmcs_shop_get_info": (enum, ptr, P(Info)),
    "llmcs_shop_put_products": (enum, ptr, P(P(Product)), *_PUT),
    "llmcs_shop_put_customers": (enum, ptr, P(P(Customer)), *_PUT),
    "llmcs_shop_put_events": (enum, ptr, P(P(Event)), *_PUT),
    "llmcs_shop_put_orders": (enum, ptr, P(P(Order)), *_PUT),
    "llmcs_shop_update_vectors": (enum, ptr, ProgressFn, ptr),
    "llmcs_shop_set_setting": (enum, ptr, text, text),
    "llmcs_shop_get_setting": (enum, ptr, text, ptr, size, P(size)),
    "llmcs_shop_train_params_init_sized": (None, P(TrainParams), size),
    "llmcs_shop_classifier_train": (enum, P(Example), size, P(TrainParams), _OUT),
    "llmcs_shop_classifier_options_init_sized": (None, P(ClassifierOptions), size),
    "llmcs_shop_classifier_open": (enum, text, P(ClassifierOptions), _OUT),
    "llmcs_shop_classifier_save": (enum, ptr, text),
    "llmcs_shop_classifier_ref": (ptr, ptr),
    "llmcs_shop_classifier_free": (None, _OUT),
    "llmcs_shop_classifier_get_info": (enum, ptr, P(ClassifierInfo)),
    "llmcs_shop_classifier_label": (text, ptr, i32),
    "llmcs_shop_predict_params_init_sized": (None, P(PredictParams), size),
    "llmcs_shop_classifier_predict": (enum, ptr, P(Text), size, P(PredictParams), P(P(Predictions))),
    "llmcs_shop_predictions_free": (None, P(P(Predictions))),
    "llmcs_shop_classifier_slot_create": (enum, ptr, _OUT),
    "llmcs_shop_classifier_slot_get": (ptr, ptr),
    "llmcs_shop_classifier_slot_swap": (enum, ptr, ptr),
    "llmcs_shop_classifier_slot_free": (None, _OUT),
    "llmcs_shop_guard_options_init_sized": (None, P(GuardOptions), size),
    "llmcs_shop_guard_create": (enum, P(GuardOptions), _OUT),
    "llmcs_shop_guard_free": (None, _OUT),
    "llmcs_shop_check_action_name": (text, enum),
    "llmcs_shop_check_params_init_sized": (None, P(CheckParams), size),
    "llmcs_shop_check": (enum, ptr, text, size, P(CheckParams), P(P(Verdict))),
    "llmcs_shop_verdict_free": (None, P(P(Verdict))),
    "llmcs_shop_names_create": (enum, ptr, text, text, P(Allocator), _OUT),
    "llmcs_shop_names_free": (None, _OUT),
    "llmcs_shop_names_set": (enum, ptr, text, text, size),
    "llmcs_shop_names_count": (size, ptr),
    "llmcs_shop_names_get": (text, ptr, size, P(ptr), P(size)),
    "llmcs_shop_pii_name": (text, enum),
    "llmcs_shop_mask_params_init_sized": (None, P(MaskParams), size),
    "llmcs_shop_mask": (enum, ptr, ptr, text, size, P(MaskParams), P(P(Masked))),
    "llmcs_shop_masked_free": (None, P(P(Masked))),
    "llmcs_shop_unmask": (enum, ptr, text, size, ptr, size, P(size)),
    "llmcs_shop_tagger_params_init_sized": (None, P(TaggerParams), size),
    "llmcs_shop_tagger_train": (enum, P(TaggedText), size, P(TaggerParams), text),
    "llmcs_shop_put_entries": (enum, ptr, P(P(Entry)), *_PUT),
    "llmcs_shop_retire_entry": (enum, ptr, text, text, P(size)),
    "llmcs_shop_entry_text": (enum, ptr, text, text, i32, size, ptr, size, P(size)),
    "llmcs_shop_ask_params_init_sized": (None, P(AskParams), size),
    "llmcs_shop_route_name": (text, enum),
    "llmcs_shop_ask": (enum, ptr, text, size, P(AskParams), P(P(Answer))),
    "llmcs_shop_answer_free": (None, P(P(Answer))),
    "llmcs_shop_calibrate_params_init_sized": (None, P(CalibrateParams), size),
    "llmcs_shop_calibrate": (enum, ptr, P(Labelled), size, P(CalibrateParams), P(Calibration)),
    "llmcs_shop_recommend_params_init_sized": (None, P(RecommendParams), size),
    "llmcs_shop_recommend": (enum, ptr, P(RecommendParams), P(P(Recommendations))),
    "llmcs_shop_recommendations_free": (None, P(P(Recommendations))),
    "llmcs_shop_gate": (enum, text, size, P(Fact), size, text, P(GateVerdict)),
    "llmcs_shop_action_state_name": (text, enum),
    "llmcs_shop_call_answer": (enum, ptr, enum, text),
    "llmcs_shop_desk_options_init_sized": (None, P(DeskOptions), size),
    "llmcs_shop_desk_open": (enum, ptr, P(DeskOptions), _OUT),
    "llmcs_shop_desk_free": (None, _OUT),
    "llmcs_shop_message_init_sized": (None, P(Message), size),
    "llmcs_shop_desk_route_name": (text, enum),
    "llmcs_shop_desk_say": (enum, ptr, P(Message), P(P(Turn))),
    "llmcs_shop_turn_free": (None, P(P(Turn))),
    "llmcs_shop_desk_take_over": (enum, ptr, text, text),
    "llmcs_shop_desk_reply": (enum, ptr, text, text, text, size),
    "llmcs_shop_desk_hand_back": (enum, ptr, text),
    "llmcs_shop_desk_close": (enum, ptr, text),
    "llmcs_shop_desk_hand_back_by": (enum, ptr, text, text),
    "llmcs_shop_desk_close_by": (enum, ptr, text, text),
    "llmcs_shop_desk_resolve": (enum, ptr, text, text, enum),
    "llmcs_shop_desk_history": (enum, ptr, text, i64, size, i32, P(P(History))),
    "llmcs_shop_history_free": (None, P(P(History))),
    "llmcs_shop_service_options_init_sized": (None, P(ServiceOptions), size),
    "llmcs_shop_service_open": (enum, text, P(ServiceOptions), _OUT),
    "llmcs_shop_service_free": (None, _OUT),
    "llmcs_shop_service_shop": (ptr, ptr),
    "llmcs_shop_service_desk": (ptr, ptr),
    "llmcs_shop_service_guard": (ptr, ptr),
    "llmcs_shop_service_intents": (ptr, ptr),
    "llmcs_shop_measure_params_init_sized": (None, P(MeasureParams), size),
    "llmcs_shop_measure_create": (enum, text, P(MeasureParams), _OUT),
    "llmcs_shop_measure_free": (None, _OUT),
    "llmcs_shop_measure_add_text": (enum, ptr, text, size, P(text), P(size), size),
    "llmcs_shop_measure_add_label": (enum, ptr, text, text, P(text), P(f64), size),
    "llmcs_shop_measure_add_ranking": (enum, ptr, P(text), P(f64), size, P(text), size),
    "llmcs_shop_measure_add_value": (enum, ptr, f64),
    "llmcs_shop_measure_row_kind": (enum, ptr),
    "llmcs_shop_measure_rows": (size, ptr),
    "llmcs_shop_measure_score": (enum, ptr, P(f64)),
    "llmcs_shop_measure_row_score": (enum, ptr, size, P(f64)),
    "llmcs_shop_measure_signature": (enum, ptr, ptr, size, P(size)),
    "llmcs_shop_bootstrap_init_sized": (None, P(Bootstrap), size),
    "llmcs_shop_measure_interval": (enum, ptr, P(Bootstrap), P(Interval)),
    "llmcs_shop_may": (enum, enum, enum, enum),
    "llmcs_shop_role_name": (text, enum),
    "llmcs_shop_audit_append": (enum, ptr, enum, text, text, text, text),
    "llmcs_shop_audit_list": (enum, ptr, i64, u64, AuditFn, ptr),
    "llmcs_shop_audit_params_init_sized": (None, P(AuditParams), size),
    "llmcs_shop_audit_verify": (enum, ptr, P(AuditParams), P(AuditReport)),
    "llmcs_shop_forget_params_init_sized": (None, P(ForgetParams), size),
    "llmcs_shop_forget": (enum, ptr, text, P(ForgetParams), P(P(Forgotten))),
    "llmcs_shop_forgotten_free": (None, P(P(Forgotten))),
    "llmcs_shop_set_retention": (enum, ptr, text, i32),
    "llmcs_shop_get_retention": (enum, ptr, text, P(i32)),
    "llmcs_shop_retention_table": (text, size),
    "llmcs_shop_apply_retention": (enum, ptr, i64, P(ForgetParams), P(P(Forgotten))),
    "llmcs_shop_set_budget": (enum, ptr, text, f64),
    "llmcs_shop_get_budget": (enum, ptr, text, P(f64), P(f64)),
    "llmcs_shop_private_count": (enum, ptr, text, f64, i64, i64, P(i64)),
    "llmcs_shop_private_mean": (enum, ptr, text, f64, P(f64), size, f64, f64, P(f64)),
    "llmcs_shop_measure_compare": (enum, ptr, ptr, P(Bootstrap), P(Comparison)),
    "llmcs_shop_decide_params_init_sized": (None, P(DecideParams), size),
    "llmcs_shop_decide": (enum, ptr, text, text, P(Option), size, P(DecideParams), P(Decision)),
    "llmcs_shop_reward": (enum, ptr, text, text, f64),
    "llmcs_shop_evaluate_policy": (enum, P(Logged), size, size, P(Allocator), P(OffPolicy)),
    "llmcs_shop_target_params_init_sized": (None, P(TargetParams), size),
    "llmcs_shop_evaluate_strategy": (enum, ptr, text, P(TargetParams), P(OffPolicy)),
    "llmcs_shop_outcome_name": (text, enum),
    "llmcs_shop_put_feedback": (enum, ptr, ptr, P(P(Feedback)), *_PUT),
    "llmcs_shop_export_params_init_sized": (None, P(ExportParams), size),
    "llmcs_shop_export": (enum, ptr, P(ExportParams), ExportFn, ptr, P(size)),
    "llmcs_shop_contest_params_init_sized": (None, P(ContestParams), size),
    "llmcs_shop_classifier_compare": (enum, ptr, ptr, P(Example), size, P(ContestParams), P(Comparison)),
    "llmcs_shop_put_model": (enum, ptr, text, ptr, P(i32)),
    "llmcs_shop_open_model": (enum, ptr, text, i32, _OUT),
    "llmcs_shop_compare_models": (enum, ptr, text, i32, i32, P(Example), size, P(ContestParams), P(Comparison)),
    "llmcs_shop_retrain_params_init_sized": (None, P(RetrainParams), size),
    "llmcs_shop_retrain": (enum, ptr, P(RetrainParams), P(Retrained)),
    "llmcs_shop_promote_params_init_sized": (None, P(PromoteParams), size),
    "llmcs_shop_promote": (enum, ptr, text, i32, P(PromoteParams)),
    "llmcs_shop_rollback": (enum, ptr, text, text, P(i32)),
    "llmcs_shop_get_deployment": (enum, ptr, text, P(Deployment)),
    "llmcs_shop_rollout_create": (enum, ptr, text, ptr, _OUT),
    "llmcs_shop_rollout_free": (None, _OUT),
    "llmcs_shop_rollout_refresh": (enum, ptr, P(i32)),
    "llmcs_shop_rollout_get": (ptr, ptr, text, P(i32)),
    "llmcs_shop_rollout_slot": (ptr, ptr),
    "llmcs_shop_rollout_predict": (enum, ptr, text, P(Text), size, P(PredictParams), P(P(Predictions)), _OUT, P(i32)),
    "llmcs_shop_conversations_params_init_sized": (None, P(ConversationsParams), size),
    "llmcs_shop_list_conversations": (enum, ptr, P(ConversationsParams), ConversationFn, ptr),
    "llmcs_shop_list_actions": (enum, ptr, enum, size, ActionFn, ptr),
    "llmcs_shop_entries_params_init_sized": (None, P(EntriesParams), size),
    "llmcs_shop_list_entries": (enum, ptr, P(EntriesParams), EntryFn, ptr, P(size)),
    "llmcs_shop_list_products": (enum, ptr, P(text), size, text, ProductFn, ptr),
    "llmcs_shop_dashboard_params_init_sized": (None, P(DashboardParams), size),
    "llmcs_shop_get_dashboard": (enum, ptr, P(DashboardParams), P(P(Dashboard))),
    "llmcs_shop_dashboard_free": (None, P(P(Dashboard))),
    "llmcs_shop_assistant_options_init_sized": (None, P(AssistantOptions), size),
    "llmcs_shop_assistant_create": (enum, ptr, P(AssistantOptions), _OUT),
    "llmcs_shop_assistant_free": (None, _OUT),
    "llmcs_shop_suggestion_kind_name": (text, enum),
    "llmcs_shop_assist_params_init_sized": (None, P(AssistParams), size),
    "llmcs_shop_assist": (enum, ptr, text, P(AssistParams), P(P(Suggestions))),
    "llmcs_shop_suggestions_free": (None, P(P(Suggestions))),
    "llmcs_shop_suggestion_decide": (enum, ptr, text, enum, text, text),
    "llmcs_shop_rewrite": (enum, ptr, text, size, enum, text, P(P(Rewritten))),
    "llmcs_shop_rewritten_free": (None, P(P(Rewritten))),
}


def _load() -> c.CDLL:
    library = load(
        "LLMCS_SHOP_LIBRARY", "libllmcs_shop.so", "libllmcs_shop.so.0", os.path.dirname(file_of(core.lib.llmcs_version))
    )
    if not hasattr(library, "llmcs_shop_version"):
        raise ImportError("llmcs_shop: %s is not libllmcs_shop: it lacks llmcs_shop_version" % library._name)
    version = version_of(library.llmcs_shop_version)
    require(library, version, MINIMUM)
    if _address(library.llmcs_version) != _address(core.lib.llmcs_version):
        raise ImportError(
            "llmcs_shop: %s is linked with another libllmcs than %s and cannot use its models; set LLMCS_LIBRARY "
            "and LLMCS_SHOP_LIBRARY to libraries of the same build" % (library._name, core.lib._name)
        )
    bind(library, version, FUNCTIONS, MINIMUM)
    return library


def _address(function: Any) -> Any:
    return c.cast(function, ptr).value


lib = _load()


def initialised(struct: Any) -> Any:
    """A new struct with the library's defaults, set by its *_init_sized function."""
    value = struct()
    getattr(lib, struct.__name__ + "_init_sized")(c.byref(value), c.sizeof(value))
    return value
