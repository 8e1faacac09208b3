//! What the safe half uses of the C headers, written by hand. tests/layout.rs compares sizes, offsets and signatures with
//! the headers. A struct with `struct_size` may be shorter than that of a later header: the library then sees a program
//! that was compiled earlier. It may end after any field that came later than the struct's first version.
#![allow(non_camel_case_types, missing_docs)]

use std::os::raw::{c_char, c_int, c_void};

pub type llmcs_status = c_int;
pub const NUL: usize = usize::MAX;

macro_rules! opaque {
    ($($name:ident),*) => { $(#[repr(C)] pub struct $name { _private: [u8; 0] })* };
}
opaque!(
    llmcs_model,
    llmcs_session,
    llmcs_tokenizer,
    llmcs_engine,
    llmcs_request,
    llmcs_shop_service,
    llmcs_shop_desk,
    llmcs_shop
);

pub type progress_fn = Option<unsafe extern "C" fn(*mut c_void, f32) -> c_int>;
pub type log_fn = Option<unsafe extern "C" fn(*mut c_void, c_int, *const c_char)>;
pub type text_fn = Option<unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> c_int>;

// Structs that also list their fields for tests/layout.rs.
macro_rules! structs {
    ($($name:ident { $($field:ident: $type:ty,)* })*) => {
        $(#[repr(C)] #[derive(Clone, Copy)] pub struct $name { $(pub $field: $type,)* })*
        /// (struct, size, [(field, offset)])
        pub fn layouts() -> Vec<(&'static str, usize, Vec<(&'static str, usize)>)> {
            vec![$({
                let place = std::mem::MaybeUninit::<$name>::uninit();
                let at = place.as_ptr();
                // SAFETY: addresses are taken, nothing is read.
                let fields = vec![$((stringify!($field),
                    unsafe { std::ptr::addr_of!((*at).$field) as usize - at as usize }),)*];
                (stringify!($name), std::mem::size_of::<$name>(), fields)
            },)*]
        }
    };
}

structs! {
    llmcs_ids { ids: *const i32, n_ids: usize, }
    llmcs_model_options {
        struct_size: usize, n_threads: i32, load_mode: c_int, backend: c_int, flags: u32, max_bytes: u64,
        allocator: *const c_void, log: log_fn, log_user: *mut c_void, progress: progress_fn, progress_user: *mut c_void,
        weights: c_int, kv_type: c_int, adapters: *const *const c_char, n_adapters: usize,
    }
    llmcs_model_info {
        struct_size: usize, model_type: *const c_char, architecture: *const c_char, heads: u32, vocab_size: i32,
        n_ctx: i32, n_embd: i32, n_layer: i32, n_head: i32, n_inner: i32, n_labels: i32, n_embedding: i32,
        bos_token_id: i32, eos_token_id: i32, pad_token_id: i32, n_threads: i32, cpu: *const c_char,
        backend: *const c_char, n_parameters: u64, weights_bytes: u64, weights: *const c_char, kv_type: *const c_char,
        similarity: *const c_char,
    }
    llmcs_text { text: *const c_char, text_bytes: usize, pair: *const c_char, pair_bytes: usize, }
    llmcs_text_params {
        struct_size: usize, overflow: c_int, truncation: c_int, max_length: usize, stride: usize,
        window_pooling: c_int, flags: u32, pooling: c_int, normalize: c_int, deadline_ms: f64, cancel: *const i32,
        max_windows: usize, aggregation: c_int, rerank_score: c_int, prompt_name: *const c_char, prompt: *const c_char,
        truncate_dim: usize, hypothesis: *const c_char, multi_label: i32,
    }
    llmcs_generate_params {
        struct_size: usize, max_new_tokens: i32, min_new_tokens: i32, do_sample: i32, temperature: f32, top_k: i32,
        top_p: f32, min_p: f32, repetition_penalty: f32, presence_penalty: f32, frequency_penalty: f32,
        no_repeat_ngram_size: i32, num_beams: i32, num_return_sequences: i32, early_stopping: c_int,
        length_penalty: f32, seed: u64, eos_token_id: *const i32, n_eos_token_id: usize, bad_words_ids: *const llmcs_ids,
        n_bad_words_ids: usize, logit_bias: *const c_void, n_logit_bias: usize, stop_strings: *const *const c_char,
        n_stop_strings: usize, logprobs: i32, encode_flags: u32, deadline_ms: f64, prompt_lookup_num_tokens: i32,
        max_matching_ngram_size: i32, prompt_lookup_ids: *const i32, n_prompt_lookup_ids: usize, max_length: i32,
        min_length: i32, encoder_repetition_penalty: f32, encoder_no_repeat_ngram_size: i32, renormalize_logits: i32,
        suppress_tokens: llmcs_ids, begin_suppress_tokens: llmcs_ids, forced_bos_token_id: llmcs_ids,
        forced_eos_token_id: llmcs_ids, typical_p: f32, epsilon_cutoff: f32, eta_cutoff: f32, num_beam_groups: i32,
        diversity_penalty: f32, exponential_decay_start: i32, exponential_decay_factor: f32, sequence_bias: *const c_void,
        n_sequence_bias: usize, max_time: f64, guidance_scale: f32, negative_prompt_ids: llmcs_ids,
        grammar: *mut c_void, decoder_input_ids: llmcs_ids, source_lang: *const c_char, target_lang: *const c_char,
        cancel: *const i32, top_logprobs: i32,
    }
    llmcs_top_token { id: i32, logprob: f32, }
    llmcs_sequence {
        ids: *const i32, n_ids: usize, text: *const c_char, text_bytes: usize, finish_reason: c_int, score: f32,
        logprobs: *const f32, top_logprobs: *const llmcs_top_token, n_top_logprobs: usize,
    }
    llmcs_result {
        sequences: *const *const llmcs_sequence, n_sequences: usize, n_prompt_tokens: usize, n_new_tokens: usize,
        prompt_ms: f64, decode_ms: f64, n_cached_tokens: usize,
    }
    llmcs_session_options { struct_size: usize, n_ctx: i32, }
    llmcs_engine_options {
        struct_size: usize, kv_bytes: u64, n_ctx: i32, max_batch: i32, max_queue: i32, max_chunk: i32, step_ms: f64,
        flags: u32,
    }
    llmcs_shop_message {
        struct_size: usize, conversation: *const c_char, customer: *const c_char, id: *const c_char,
        text: *const c_char, text_bytes: usize, lang: *const c_char, deadline_ms: f64, cancel: *const i32,
        on_text: text_fn, on_text_user: *mut c_void,
    }
    llmcs_shop_citation {
        id: *const c_char, lang: *const c_char, version: i32, text_index: usize, entry_begin: usize, entry_end: usize,
        reply_begin: usize, reply_end: usize,
    }
    llmcs_shop_turn {
        reply: *const c_char, reply_bytes: usize, route: c_int, expects: c_int, expected_slot: *const c_char,
        lang: *const c_char, number: i64, repeated: i32, intent: *const c_char, intent_score: f64, out_of_scope: f64,
        flow: *const c_char, slots: *const c_void, n_slots: usize, action: *const c_char, action_object: *const c_char,
        action_key: *const c_char, action_state: c_int, citations: *const *const llmcs_shop_citation,
        n_citations: usize, products: *const *const c_char, n_products: usize, probability: f64,
        handover_reason: *const c_char,
    }
    llmcs_shop_answer {
        route: c_int, text: *const c_char, text_bytes: usize, probability: f64,
        citations: *const *const llmcs_shop_citation, n_citations: usize,
    }
}

// Functions that also list their C signatures for tests/layout.rs.
macro_rules! functions {
    ($($library:literal { $($c:literal fn $name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)?;)* })*) => {
        $(#[link(name = $library)] extern "C" { $(pub fn $name($($arg: $type),*) $(-> $out)?;)* })*
        /// C declarations, which the headers must agree with.
        pub const SIGNATURES: &[&str] = &[$($($c,)*)*];
    };
}

functions! {
    "llmcs" {
        "const char *llmcs_version(void)" fn llmcs_version() -> *const c_char;
        "const char *llmcs_error_message(void)" fn llmcs_error_message() -> *const c_char;
        "void llmcs_model_options_init_sized(llmcs_model_options *, size_t)"
        fn llmcs_model_options_init_sized(options: *mut llmcs_model_options, size: usize);
        "llmcs_status llmcs_model_open(const char *, const llmcs_model_options *, llmcs_model **)"
        fn llmcs_model_open(path: *const c_char, options: *const llmcs_model_options, model: *mut *mut llmcs_model) -> llmcs_status;
        "void llmcs_model_free(llmcs_model **)" fn llmcs_model_free(model: *mut *mut llmcs_model);
        "llmcs_status llmcs_model_get_info(const llmcs_model *, llmcs_model_info *)"
        fn llmcs_model_get_info(model: *const llmcs_model, info: *mut llmcs_model_info) -> llmcs_status;
        "const char *llmcs_model_label(const llmcs_model *, int32_t)"
        fn llmcs_model_label(model: *const llmcs_model, label: i32) -> *const c_char;
        "const llmcs_tokenizer *llmcs_model_tokenizer(const llmcs_model *)"
        fn llmcs_model_tokenizer(model: *const llmcs_model) -> *const llmcs_tokenizer;
        "llmcs_status llmcs_encode(const llmcs_tokenizer *, const char *, size_t, const char *, size_t, const llmcs_encode_params *, int32_t *, int32_t *, llmcs_span *, size_t, size_t *)"
        fn llmcs_encode(tokenizer: *const llmcs_tokenizer, text: *const c_char, text_bytes: usize, pair: *const c_char,
            pair_bytes: usize, params: *const c_void, ids: *mut i32, type_ids: *mut i32, offsets: *mut c_void,
            capacity: usize, n_tokens: *mut usize) -> llmcs_status;
        "void llmcs_text_params_init_sized(llmcs_text_params *, size_t)"
        fn llmcs_text_params_init_sized(params: *mut llmcs_text_params, size: usize);
        "llmcs_status llmcs_classify(llmcs_model *, const llmcs_text *, size_t, const llmcs_text_params *, float *, int32_t *, llmcs_text_info *)"
        fn llmcs_classify(model: *mut llmcs_model, texts: *const llmcs_text, n_texts: usize, params: *const llmcs_text_params,
            scores: *mut f32, labels: *mut i32, infos: *mut c_void) -> llmcs_status;
        "llmcs_status llmcs_embed(llmcs_model *, const llmcs_text *, size_t, const llmcs_text_params *, float *, llmcs_text_info *)"
        fn llmcs_embed(model: *mut llmcs_model, texts: *const llmcs_text, n_texts: usize, params: *const llmcs_text_params,
            vectors: *mut f32, infos: *mut c_void) -> llmcs_status;
        "llmcs_status llmcs_rerank(llmcs_model *, const char *, size_t, const llmcs_text *, size_t, const llmcs_text_params *, float *, llmcs_text_info *)"
        fn llmcs_rerank(model: *mut llmcs_model, query: *const c_char, query_bytes: usize, docs: *const llmcs_text,
            n_docs: usize, params: *const llmcs_text_params, scores: *mut f32, infos: *mut c_void) -> llmcs_status;
        "llmcs_status llmcs_generate_params_init_sized(llmcs_generate_params *, size_t, const llmcs_model *)"
        fn llmcs_generate_params_init_sized(params: *mut llmcs_generate_params, size: usize, model: *const llmcs_model) -> llmcs_status;
        "void llmcs_session_options_init_sized(llmcs_session_options *, size_t)"
        fn llmcs_session_options_init_sized(options: *mut llmcs_session_options, size: usize);
        "llmcs_status llmcs_session_create(llmcs_model *, const llmcs_session_options *, llmcs_session **)"
        fn llmcs_session_create(model: *mut llmcs_model, options: *const llmcs_session_options, session: *mut *mut llmcs_session) -> llmcs_status;
        "void llmcs_session_free(llmcs_session **)" fn llmcs_session_free(session: *mut *mut llmcs_session);
        "void llmcs_session_cancel(llmcs_session *)" fn llmcs_session_cancel(session: *mut llmcs_session);
        "llmcs_status llmcs_generate(llmcs_session *, const char *, size_t, const llmcs_generate_params *, llmcs_text_fn, void *, llmcs_result **)"
        fn llmcs_generate(session: *mut llmcs_session, prompt: *const c_char, prompt_bytes: usize,
            params: *const llmcs_generate_params, on_text: text_fn, user: *mut c_void, result: *mut *mut llmcs_result) -> llmcs_status;
        "void llmcs_result_free(llmcs_result **)" fn llmcs_result_free(result: *mut *mut llmcs_result);
        "const char *llmcs_finish_reason_name(llmcs_finish_reason)" fn llmcs_finish_reason_name(reason: c_int) -> *const c_char;
        "void llmcs_engine_options_init_sized(llmcs_engine_options *, size_t)"
        fn llmcs_engine_options_init_sized(options: *mut llmcs_engine_options, size: usize);
        "llmcs_status llmcs_engine_create(llmcs_model *, const llmcs_engine_options *, llmcs_engine **)"
        fn llmcs_engine_create(model: *mut llmcs_model, options: *const llmcs_engine_options, engine: *mut *mut llmcs_engine) -> llmcs_status;
        "void llmcs_engine_free(llmcs_engine **)" fn llmcs_engine_free(engine: *mut *mut llmcs_engine);
        "llmcs_status llmcs_engine_submit(llmcs_engine *, const char *, size_t, const llmcs_generate_params *, const llmcs_submit_options *, llmcs_request **)"
        fn llmcs_engine_submit(engine: *mut llmcs_engine, prompt: *const c_char, prompt_bytes: usize,
            params: *const llmcs_generate_params, options: *const c_void, request: *mut *mut llmcs_request) -> llmcs_status;
        "llmcs_status llmcs_request_wait(llmcs_request *, double, llmcs_result **)"
        fn llmcs_request_wait(request: *mut llmcs_request, timeout_ms: f64, result: *mut *mut llmcs_result) -> llmcs_status;
        "void llmcs_request_cancel(llmcs_request *)" fn llmcs_request_cancel(request: *mut llmcs_request);
        "llmcs_status llmcs_request_tokens(llmcs_request *, size_t, size_t, int32_t *, float *, llmcs_top_token *, size_t *)"
        fn llmcs_request_tokens(request: *mut llmcs_request, first: usize, capacity: usize, ids: *mut i32, logprobs: *mut f32,
            top_logprobs: *mut llmcs_top_token, n_tokens: *mut usize) -> llmcs_status;
        "void llmcs_request_free(llmcs_request **)" fn llmcs_request_free(request: *mut *mut llmcs_request);
    }
    "llmcs_shop" {
        "llmcs_status llmcs_shop_service_open(const char *, const llmcs_shop_service_options *, llmcs_shop_service **)"
        fn llmcs_shop_service_open(path: *const c_char, options: *const c_void, service: *mut *mut llmcs_shop_service) -> llmcs_status;
        "void llmcs_shop_service_free(llmcs_shop_service **)" fn llmcs_shop_service_free(service: *mut *mut llmcs_shop_service);
        "llmcs_shop_desk *llmcs_shop_service_desk(llmcs_shop_service *)"
        fn llmcs_shop_service_desk(service: *mut llmcs_shop_service) -> *mut llmcs_shop_desk;
        "llmcs_shop *llmcs_shop_service_shop(llmcs_shop_service *)"
        fn llmcs_shop_service_shop(service: *mut llmcs_shop_service) -> *mut llmcs_shop;
        "void llmcs_shop_message_init_sized(llmcs_shop_message *, size_t)"
        fn llmcs_shop_message_init_sized(message: *mut llmcs_shop_message, size: usize);
        "llmcs_status llmcs_shop_desk_say(llmcs_shop_desk *, const llmcs_shop_message *, llmcs_shop_turn **)"
        fn llmcs_shop_desk_say(desk: *mut llmcs_shop_desk, message: *const llmcs_shop_message, turn: *mut *mut llmcs_shop_turn) -> llmcs_status;
        "void llmcs_shop_turn_free(llmcs_shop_turn **)" fn llmcs_shop_turn_free(turn: *mut *mut llmcs_shop_turn);
        "const char *llmcs_shop_desk_route_name(llmcs_shop_desk_route)" fn llmcs_shop_desk_route_name(route: c_int) -> *const c_char;
        "const char *llmcs_shop_action_state_name(llmcs_shop_action_state)" fn llmcs_shop_action_state_name(state: c_int) -> *const c_char;
        "llmcs_status llmcs_shop_ask(llmcs_shop *, const char *, size_t, const llmcs_shop_ask_params *, llmcs_shop_answer **)"
        fn llmcs_shop_ask(shop: *mut llmcs_shop, text: *const c_char, text_bytes: usize, params: *const c_void,
            answer: *mut *mut llmcs_shop_answer) -> llmcs_status;
        "void llmcs_shop_answer_free(llmcs_shop_answer **)" fn llmcs_shop_answer_free(answer: *mut *mut llmcs_shop_answer);
        "const char *llmcs_shop_route_name(llmcs_shop_route)" fn llmcs_shop_route_name(route: c_int) -> *const c_char;
    }
}
