//! Generation: parameters, results, sessions, streams, engines.
use crate::{
    c_option, c_string, check, ffi, pointer, slice, string, string_of, CancelFlag, Error, Model, RawModel, Result,
};
use std::any::Any;
use std::ffi::{c_void, CString};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::os::raw::{c_char, c_int};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::ptr;
use std::sync::mpsc::{channel, Receiver};
use std::sync::Arc;
use std::thread::JoinHandle;

/// By the names of Transformers; None and empty leave the folder's defaults.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct GenerateParams {
    pub max_new_tokens: Option<i32>,
    pub do_sample: Option<bool>,
    pub temperature: Option<f32>,
    pub top_k: Option<i32>,
    pub top_p: Option<f32>,
    pub repetition_penalty: Option<f32>,
    pub num_beams: Option<i32>,
    pub num_return_sequences: Option<i32>,
    pub seed: Option<u64>,
    /// Some(empty): only the length ends a text.
    pub eos_token_id: Option<Vec<i32>>,
    pub stop_strings: Vec<String>,
    /// Also return the log-probabilities of tokens.
    pub logprobs: bool,
    /// And so many of the most probable tokens at each place.
    pub top_logprobs: i32,
    pub deadline_ms: Option<f64>,
    pub source_lang: String,
    pub target_lang: String,
    /// Ends calls of sessions early, with the text so far; streams and engines reject it.
    pub cancel: Option<CancelFlag>,
}

/// C parameters and the memory that they point to.
struct Native {
    params: ffi::llmcs_generate_params,
    _strings: (Vec<CString>, Vec<*const c_char>),
    _langs: [Option<CString>; 2],
    _ids: Vec<i32>,
    _cancel: Option<CancelFlag>,
}
// SAFETY: the pointers are those of the vectors next to them, and of the model, which the caller keeps.
unsafe impl Send for Native {}

impl Native {
    fn new(model: &RawModel, p: &GenerateParams) -> Result<Native> {
        // SAFETY: initialised by the library with the size that this file knows.
        let mut native = unsafe {
            let mut native = std::mem::zeroed::<ffi::llmcs_generate_params>();
            check(ffi::llmcs_generate_params_init_sized(&mut native, std::mem::size_of_val(&native), model.0))?;
            native
        };
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        set(&mut native.max_new_tokens, p.max_new_tokens);
        set(&mut native.do_sample, p.do_sample.map(i32::from));
        set(&mut native.temperature, p.temperature);
        set(&mut native.top_k, p.top_k);
        set(&mut native.top_p, p.top_p);
        set(&mut native.repetition_penalty, p.repetition_penalty);
        set(&mut native.num_beams, p.num_beams);
        set(&mut native.num_return_sequences, p.num_return_sequences);
        set(&mut native.seed, p.seed);
        set(&mut native.deadline_ms, p.deadline_ms);
        native.logprobs = i32::from(p.logprobs);
        native.top_logprobs = p.top_logprobs;
        let stops = p.stop_strings.iter().map(|s| c_string("stop_strings", s)).collect::<Result<Vec<_>>>()?;
        let pointers: Vec<_> = stops.iter().map(|s| s.as_ptr()).collect();
        if !pointers.is_empty() {
            native.stop_strings = pointers.as_ptr();
            native.n_stop_strings = pointers.len();
        }
        let mut ids = Vec::new();
        if let Some(given) = &p.eos_token_id {
            ids.extend_from_slice(given);
            native.n_eos_token_id = ids.len();
            ids.push(-1); // never read, but an address where there are none
            native.eos_token_id = ids.as_ptr();
        }
        let (source, target) = (c_option("source_lang", &p.source_lang)?, c_option("target_lang", &p.target_lang)?);
        if source.is_some() {
            native.source_lang = pointer(&source);
        }
        if target.is_some() {
            native.target_lang = pointer(&target);
        }
        native.cancel = CancelFlag::pointer(&p.cancel);
        Ok(Native {
            params: native,
            _strings: (stops, pointers),
            _langs: [source, target],
            _ids: ids,
            _cancel: p.cancel.clone(),
        })
    }
}

/// A token that was probable at a place, with its log-probability.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct TopToken {
    pub id: i32,
    pub logprob: f32,
}

/// k tokens at each place, best first.
fn rows(top: &[ffi::llmcs_top_token], k: usize) -> Vec<Vec<TopToken>> {
    let row = |r: &[ffi::llmcs_top_token]| r.iter().map(|t| TopToken { id: t.id, logprob: t.logprob }).collect();
    top.chunks(k.max(1)).map(row).collect()
}

/// One generated text.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// Without special tokens.
    pub text: String,
    /// New tokens, without EOS.
    pub ids: Vec<i32>,
    /// Of the ids, with `logprobs`.
    pub logprobs: Vec<f32>,
    /// At each place, with `top_logprobs`; best first.
    pub top_logprobs: Vec<Vec<TopToken>>,
    /// "stop", "length", "stop_string", "callback", "cancelled", "deadline".
    pub finish_reason: String,
}

/// What a call generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// At least one; beam search: best first.
    pub sequences: Vec<Sequence>,
    /// Of the prompt.
    pub n_prompt_tokens: usize,
    /// Of all sequences, EOS included.
    pub n_new_tokens: usize,
    /// Prompt tokens that did not have to be evaluated.
    pub n_cached_tokens: usize,
}

impl Generated {
    /// Of the first sequence.
    pub fn text(&self) -> &str {
        &self.sequences[0].text
    }
    /// Of the first sequence.
    pub fn finish_reason(&self) -> &str {
        &self.sequences[0].finish_reason
    }
    /// Copies a C result and frees it.
    ///
    /// # Safety
    /// `native` is a result of the library.
    unsafe fn take(mut native: *mut ffi::llmcs_result) -> Generated {
        /// NULL: the call did not ask for it.
        unsafe fn of_each<'a, T>(first: *const T, n: usize) -> &'a [T] {
            slice(first, if first.is_null() { 0 } else { n })
        }
        let r = &*native;
        let sequences = slice(r.sequences, r.n_sequences)
            .iter()
            .map(|&s| Sequence {
                text: string_of((*s).text, (*s).text_bytes),
                ids: slice((*s).ids, (*s).n_ids).to_vec(),
                logprobs: of_each((*s).logprobs, (*s).n_ids).to_vec(),
                top_logprobs: rows(of_each((*s).top_logprobs, (*s).n_ids * (*s).n_top_logprobs), (*s).n_top_logprobs),
                finish_reason: string(ffi::llmcs_finish_reason_name((*s).finish_reason)),
            })
            .collect();
        let (n_prompt_tokens, n_new_tokens, n_cached_tokens) = (r.n_prompt_tokens, r.n_new_tokens, r.n_cached_tokens);
        ffi::llmcs_result_free(&mut native);
        Generated { sequences, n_prompt_tokens, n_new_tokens, n_cached_tokens }
    }
}

// ---------------------------------------------------------------------------------------------- sessions

struct RawSession {
    native: *mut ffi::llmcs_session,
    model: Arc<RawModel>,
}
// SAFETY: a session may be used by any thread, one call at a time (else BUSY); cancel by any at any time.
unsafe impl Send for RawSession {}
unsafe impl Sync for RawSession {}
impl Drop for RawSession {
    fn drop(&mut self) {
        // SAFETY: nobody else has it any more.
        unsafe { ffi::llmcs_session_free(&mut self.native) }
    }
}

type OnText<'a> = &'a mut dyn FnMut(&str) -> ControlFlow<()>;

/// A callback, and its panic if it panicked.
struct Guarded<'a> {
    on_text: OnText<'a>,
    panic: Option<Box<dyn Any + Send>>,
}

unsafe extern "C" fn on_text(user: *mut c_void, text: *const c_char, n: usize) -> c_int {
    let guarded = &mut *user.cast::<Guarded>();
    let piece = string_of(text, n);
    match catch_unwind(AssertUnwindSafe(|| (guarded.on_text)(&piece))) {
        Ok(ControlFlow::Continue(())) => 0,
        Ok(ControlFlow::Break(())) => 1,
        Err(panic) => {
            guarded.panic = Some(panic);
            1
        }
    }
}

impl RawSession {
    fn generate(&self, prompt: &str, params: &Native, f: Option<OnText>) -> Result<Generated> {
        let mut result = ptr::null_mut();
        let (text, bytes) = (prompt.as_ptr().cast(), prompt.len());
        // SAFETY: prompt, parameters and callback outlive the call.
        let status = unsafe {
            match f {
                None => {
                    ffi::llmcs_generate(self.native, text, bytes, &params.params, None, ptr::null_mut(), &mut result)
                }
                Some(f) => {
                    let mut guarded = Guarded { on_text: f, panic: None };
                    let user = (&mut guarded as *mut Guarded).cast();
                    let status =
                        ffi::llmcs_generate(self.native, text, bytes, &params.params, Some(on_text), user, &mut result);
                    if let Some(panic) = guarded.panic {
                        ffi::llmcs_result_free(&mut result);
                        resume_unwind(panic);
                    }
                    status
                }
            }
        };
        check(status)?;
        // SAFETY: the call made it.
        Ok(unsafe { Generated::take(result) })
    }
}

/// The tokens of one conversation with their keys and values.
pub struct Session {
    raw: Arc<RawSession>,
}

impl Session {
    pub(crate) fn create(model: &Model, n_ctx: i32) -> Result<Session> {
        let mut native = ptr::null_mut();
        // SAFETY: options are initialised by the library.
        unsafe {
            let mut options = std::mem::zeroed::<ffi::llmcs_session_options>();
            ffi::llmcs_session_options_init_sized(&mut options, std::mem::size_of_val(&options));
            options.n_ctx = n_ctx;
            check(ffi::llmcs_session_create(model.raw().0, &options, &mut native))?;
        }
        Ok(Session { raw: Arc::new(RawSession { native, model: model.raw().clone() }) })
    }

    /// Continues the prompt.
    pub fn generate(&mut self, prompt: &str, params: &GenerateParams) -> Result<Generated> {
        self.raw.generate(prompt, &Native::new(&self.raw.model, params)?, None)
    }

    /// Like `generate`; `on_text` gets each piece and may stop the call.
    pub fn generate_with(
        &mut self,
        prompt: &str,
        params: &GenerateParams,
        mut on_text: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated> {
        self.raw.generate(prompt, &Native::new(&self.raw.model, params)?, Some(&mut on_text))
    }

    /// An iterator over the pieces. Generation runs in its own thread; dropping the iterator ends it. The session is
    /// borrowed until then.
    pub fn stream(&mut self, prompt: &str, params: &GenerateParams) -> Stream<'_> {
        Stream::new(self.raw.clone(), prompt, params)
    }

    /// A handle to cancel calls of this session from another thread.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { raw: self.raw.clone() }
    }
}

/// Cancels the running call of a session, or else the next one: it ends with the text so far. `GenerateParams::cancel`
/// ends its own call only.
#[derive(Clone)]
pub struct CancelHandle {
    raw: Arc<RawSession>,
}

impl CancelHandle {
    /// From any thread.
    pub fn cancel(&self) {
        // SAFETY: the session lives as long as this handle.
        unsafe { ffi::llmcs_session_cancel(self.raw.native) }
    }
}

/// Pieces of text as they come. An error is the last item.
pub struct Stream<'session> {
    pieces: Receiver<String>,
    cancel: CancelFlag,
    thread: Option<JoinHandle<Result<Generated>>>,
    generated: Option<Generated>,
    failed: Option<Error>,
    _session: PhantomData<&'session mut Session>,
}

impl<'session> Stream<'session> {
    fn new(raw: Arc<RawSession>, prompt: &str, params: &GenerateParams) -> Stream<'session> {
        let (send, pieces) = channel::<String>();
        let cancel = CancelFlag::default();
        let own = GenerateParams { cancel: Some(cancel.clone()), ..params.clone() };
        let mut stream = Stream { pieces, cancel, thread: None, generated: None, failed: None, _session: PhantomData };
        if params.cancel.is_some() {
            stream.failed = Some(Error::Arg("cancel: a stream has a flag of its own; finish it or drop it".into()));
            return stream;
        }
        let native = match Native::new(&raw.model, &own) {
            Ok(native) => native,
            Err(error) => {
                stream.failed = Some(error);
                return stream;
            }
        };
        let prompt = prompt.to_owned();
        let spawned = std::thread::Builder::new().name("llmcs stream".into()).spawn(move || {
            let native = native; // as a whole: its pointers go with what they point to
            raw.generate(
                &prompt,
                &native,
                Some(&mut |piece: &str| {
                    match send.send(piece.to_owned()) {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(_) => ControlFlow::Break(()), // nobody reads
                    }
                }),
            )
        });
        match spawned {
            Ok(thread) => stream.thread = Some(thread),
            Err(error) => stream.failed = Some(Error::Thread(error.to_string())),
        }
        stream
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            match thread.join() {
                Ok(Ok(generated)) => self.generated = Some(generated),
                Ok(Err(error)) => self.failed = Some(error),
                Err(panic) => resume_unwind(panic),
            }
        }
    }

    /// Ends the generation if it still runs; the text so far.
    pub fn finish(mut self) -> Result<Generated> {
        self.cancel.cancel();
        self.join();
        match (self.generated.take(), self.failed.take()) {
            (Some(generated), _) => Ok(generated),
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::State("the error of this stream was read from it before".into())),
        }
    }
}

impl Iterator for Stream<'_> {
    type Item = Result<String>;
    fn next(&mut self) -> Option<Result<String>> {
        if self.thread.is_some() {
            if let Ok(piece) = self.pieces.recv() {
                return Some(Ok(piece));
            }
            self.join();
        }
        self.failed.take().map(Err)
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

// ---------------------------------------------------------------------------------------------- engine

/// 0: the default.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Memory for keys and values.
    pub kv_bytes: u64,
    /// Sequences that get a token in one step.
    pub max_batch: i32,
    /// Requests that may wait; more fail with `Error::QueueFull`.
    pub max_queue: i32,
}

/// Evaluates the requests of many threads together.
pub struct Engine {
    native: *mut ffi::llmcs_engine,
    model: Arc<RawModel>,
}
// SAFETY: any number of threads may use an engine at once.
unsafe impl Send for Engine {}
unsafe impl Sync for Engine {}

impl Engine {
    pub(crate) fn create(model: &Model, options: &EngineOptions) -> Result<Engine> {
        let mut native = ptr::null_mut();
        // SAFETY: options are initialised by the library.
        unsafe {
            let mut o = std::mem::zeroed::<ffi::llmcs_engine_options>();
            ffi::llmcs_engine_options_init_sized(&mut o, std::mem::size_of_val(&o));
            o.kv_bytes = options.kv_bytes;
            if options.max_batch != 0 {
                o.max_batch = options.max_batch;
            }
            if options.max_queue != 0 {
                o.max_queue = options.max_queue;
            }
            check(ffi::llmcs_engine_create(model.raw().0, &o, &mut native))?;
        }
        Ok(Engine { native, model: model.raw().clone() })
    }

    /// Continues the prompt; other threads' requests are evaluated in the same steps.
    pub fn generate(&self, prompt: &str, params: &GenerateParams) -> Result<Generated> {
        self.submit(prompt, params)?.wait()
    }

    /// The same without waiting.
    pub fn submit(&self, prompt: &str, params: &GenerateParams) -> Result<Request<'_>> {
        let native = Native::new(&self.model, params)?;
        let mut request = Request {
            native: ptr::null_mut(),
            logprobs: params.logprobs,
            n_top: usize::try_from(params.top_logprobs).unwrap_or(0),
            engine: PhantomData,
        };
        // SAFETY: parameters are copied by submit.
        check(unsafe {
            ffi::llmcs_engine_submit(
                self.native,
                prompt.as_ptr().cast(),
                prompt.len(),
                &native.params,
                ptr::null(),
                &mut request.native,
            )
        })?;
        Ok(request)
    }
}

/// New tokens of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Tokens {
    /// Without EOS.
    pub ids: Vec<i32>,
    /// Of the ids, with `logprobs`.
    pub logprobs: Vec<f32>,
    /// At each place, with `top_logprobs`; best first.
    pub top_logprobs: Vec<Vec<TopToken>>,
}

/// A prompt that an engine continues. Dropping it cancels it.
pub struct Request<'e> {
    native: *mut ffi::llmcs_request,
    logprobs: bool,
    n_top: usize,
    engine: PhantomData<&'e Engine>,
}
// SAFETY: any number of threads may wait for a request, cancel it and read its tokens at once.
unsafe impl Send for Request<'_> {}
unsafe impl Sync for Request<'_> {}

impl Request<'_> {
    /// Waits for the end; each call returns the result anew.
    pub fn wait(&self) -> Result<Generated> {
        let mut result = ptr::null_mut();
        // SAFETY: the library makes the result.
        unsafe {
            check(ffi::llmcs_request_wait(self.native, -1.0, &mut result))?;
            Ok(Generated::take(result))
        }
    }

    /// Tokens from number `first` on, as far as they are there; never waits. Only of one sequence without beams.
    pub fn tokens(&self, first: usize) -> Result<Tokens> {
        let mut n = 0;
        // SAFETY: without arrays only the number is returned; then each array holds that many.
        unsafe {
            let (none, no_top) = (ptr::null_mut(), ptr::null_mut());
            check(ffi::llmcs_request_tokens(self.native, first, usize::MAX, ptr::null_mut(), none, no_top, &mut n))?;
            let mut t = Tokens {
                ids: vec![0; n],
                logprobs: vec![0.0; if self.logprobs { n } else { 0 }],
                top_logprobs: vec![],
            };
            let mut top = vec![ffi::llmcs_top_token { id: 0, logprob: 0.0 }; n * self.n_top];
            check(ffi::llmcs_request_tokens(
                self.native,
                first,
                n,
                t.ids.as_mut_ptr(),
                if self.logprobs { t.logprobs.as_mut_ptr() } else { none },
                if self.n_top > 0 { top.as_mut_ptr() } else { no_top },
                &mut n,
            ))?;
            t.top_logprobs = rows(&top, self.n_top);
            Ok(t)
        }
    }

    /// From any thread: ends with the text so far.
    pub fn cancel(&self) {
        // SAFETY: the request lives.
        unsafe { ffi::llmcs_request_cancel(self.native) }
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        // SAFETY: nobody else has it any more; NULL if it was refused.
        unsafe { ffi::llmcs_request_free(&mut self.native) }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: calls borrow the engine, so none is running.
        unsafe { ffi::llmcs_engine_free(&mut self.native) }
    }
}
