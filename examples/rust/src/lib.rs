//! libllmcs for Rust: generate, classify, embed, rerank, and the desk of libllmcs_shop.
//!
//! ```no_run
//! # fn main() -> Result<(), llmcs::Error> {
//! let model = llmcs::Model::open("examples/models/shop-gpt2", &Default::default())?;
//! let mut session = model.session(0)?;
//! let params = llmcs::GenerateParams { max_new_tokens: Some(40), ..Default::default() };
//! for piece in session.stream("User: Where is my order?\nBot:", &params) {
//!     print!("{}", piece?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Models, engines and shops are shared by any number of threads (`Send + Sync`); a session runs one call at a time,
//! which the borrow checker sees to (`&mut self`). Results own all they show. A callback that panics stops its call, and
//! the panic goes on in the caller: it never passes through C.

pub mod ffi;
mod generate;
mod shop;

pub use generate::{
    CancelHandle, Engine, EngineOptions, GenerateParams, Generated, Request, Sequence, Session, Stream, Tokens,
    TopToken,
};
pub use shop::{Answer, Citation, Message, Shop, Turn};

use std::ffi::{CStr, CString};
use std::fmt;
use std::os::raw::c_char;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::Arc;

// ---------------------------------------------------------------------------------------------- errors

macro_rules! errors {
    ($($variant:ident = $status:literal,)*) => {
        /// A failed call: the status of the C call, and its message.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        #[allow(missing_docs)]
        pub enum Error {
            $($variant(String),)*
            /// A status of a later library.
            Other(i32, String),
        }
        impl Error {
            fn new(status: i32, message: String) -> Error {
                match status {
                    $($status => Error::$variant(message),)*
                    other => Error::Other(other, message),
                }
            }
            /// The number of `llmcs_status`.
            pub fn status(&self) -> i32 {
                match self {
                    $(Error::$variant(_) => $status,)*
                    Error::Other(status, _) => *status,
                }
            }
            /// What `llmcs_error_message` said.
            pub fn message(&self) -> &str {
                match self {
                    $(Error::$variant(message) => message,)*
                    Error::Other(_, message) => message,
                }
            }
        }
        /// (status, name) of every variant, for the comparison with llmcs.h.
        #[doc(hidden)]
        pub const STATUSES: &[(i32, &str)] = &[$(($status, stringify!($variant)),)*];
    };
}

errors! {
    Arg = 1, NoMem = 2, Io = 3, Format = 4, Json = 5, Config = 6, Tokenizer = 7, Unsupported = 8, Limit = 9,
    Changed = 10, NoSpace = 11, ContextFull = 12, TokenRange = 13, Utf8 = 14, Numeric = 15, Cancelled = 16, Busy = 17,
    State = 18, Thread = 19, Fork = 20, Deadline = 21, Internal = 22, QueueFull = 23, Pending = 24, Buffer = 25,
    NoHead = 26, Template = 27,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}
impl std::error::Error for Error {}

/// Result of every call.
pub type Result<T> = std::result::Result<T, Error>;

/// The message belongs to this thread's last failed call, so call this directly after it.
fn check(status: ffi::llmcs_status) -> Result<()> {
    if status == 0 {
        return Ok(());
    }
    // SAFETY: the message is NUL-terminated and valid until this thread's next failing call.
    Err(Error::new(status, unsafe { string(ffi::llmcs_error_message()) }))
}

/// # Safety
/// `text` is NULL or NUL-terminated.
unsafe fn string(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    CStr::from_ptr(text).to_string_lossy().into_owned()
}

/// # Safety
/// `text` is `n` bytes long.
unsafe fn string_of(text: *const c_char, n: usize) -> String {
    String::from_utf8_lossy(slice(text.cast(), n)).into_owned()
}

/// # Safety
/// `first` points to `n` elements; NULL only where n is 0.
unsafe fn slice<'a, T>(first: *const T, n: usize) -> &'a [T] {
    if n == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(first, n)
    }
}

fn c_string(what: &str, text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::Arg(format!("{what}: {text:?} contains a NUL byte")))
}

/// "" is C's NULL.
fn c_option(what: &str, text: &str) -> Result<Option<CString>> {
    if text.is_empty() {
        return Ok(None);
    }
    c_string(what, text).map(Some)
}

fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |t| t.as_ptr())
}

fn c_path(path: &Path) -> Result<CString> {
    c_string("path", path.to_str().ok_or_else(|| Error::Arg(format!("path: {path:?} is not UTF-8")))?)
}

/// Version of the library that runs.
pub fn version() -> String {
    // SAFETY: a constant string.
    unsafe { string(ffi::llmcs_version()) }
}

/// Stops, from any thread, the calls that it was passed to: they fail with `Error::Cancelled`, or a generation that has
/// tokens returns them. Clones share one flag.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<AtomicI32>);

impl CancelFlag {
    /// Cancels.
    pub fn cancel(&self) {
        self.0.store(1, Ordering::SeqCst);
    }
    fn pointer(flag: &Option<CancelFlag>) -> *const i32 {
        flag.as_ref().map_or(ptr::null(), |f| Arc::as_ptr(&f.0).cast())
    }
}

// ---------------------------------------------------------------------------------------------- models

/// How weights are stored in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Weights {
    #[default]
    Auto = 0,
    F32 = 1,
    F16 = 2,
    Bf16 = 3,
    Int8 = 4,
    Int4 = 5,
}

/// Options of `Model::open`.
#[derive(Debug, Clone, Default)]
pub struct ModelOptions {
    /// 0: as many as the process may use.
    pub threads: i32,
    /// 0: no bound.
    pub max_bytes: u64,
    /// Auto: as in the file.
    pub weights: Weights,
}

/// Parameters of `classify`, `embed` and `rerank`.
#[derive(Debug, Clone, Default)]
pub struct TextParams {
    /// Maximum number of tokens; 0: the model's.
    pub max_length: usize,
    /// Longer texts are read in windows instead of being cut.
    pub windows: bool,
    /// Tokens that neighbouring windows share.
    pub stride: usize,
    /// Prompt of a sentence-transformers folder to put before the text.
    pub prompt_name: String,
    /// Length that vectors are cut to; 0: not cut.
    pub truncate_dim: usize,
    /// Stops the call.
    pub cancel: Option<CancelFlag>,
}

/// The best class of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Name.
    pub label: String,
    /// Number.
    pub id: usize,
    /// Probability.
    pub score: f32,
    /// Probabilities of all classes.
    pub scores: Vec<f32>,
}

pub(crate) struct RawModel(pub *mut ffi::llmcs_model);
// SAFETY: any number of threads may use a model at once (llmcs.h).
unsafe impl Send for RawModel {}
unsafe impl Sync for RawModel {}
impl Drop for RawModel {
    fn drop(&mut self) {
        // SAFETY: this is the only reference of this object.
        unsafe { ffi::llmcs_model_free(&mut self.0) }
    }
}

/// A folder or GGUF file, opened. Clones share it.
#[derive(Clone)]
pub struct Model {
    raw: Arc<RawModel>,
    labels: Arc<Vec<String>>,
    width: usize,
}

impl Model {
    /// Opens a model.
    pub fn open(path: impl AsRef<Path>, options: &ModelOptions) -> Result<Model> {
        let path = c_path(path.as_ref())?;
        let mut raw = ptr::null_mut();
        // SAFETY: the structs are initialised by the library with the size that this file knows; strings outlive the call.
        unsafe {
            let mut native = std::mem::zeroed::<ffi::llmcs_model_options>();
            ffi::llmcs_model_options_init_sized(&mut native, std::mem::size_of_val(&native));
            native.n_threads = options.threads;
            native.max_bytes = options.max_bytes;
            native.weights = options.weights as i32;
            check(ffi::llmcs_model_open(path.as_ptr(), &native, &mut raw))?;
            let raw = Arc::new(RawModel(raw));
            let mut info = std::mem::zeroed::<ffi::llmcs_model_info>();
            info.struct_size = std::mem::size_of_val(&info);
            check(ffi::llmcs_model_get_info(raw.0, &mut info))?;
            let labels = (0..info.n_labels).map(|i| string(ffi::llmcs_model_label(raw.0, i))).collect();
            Ok(Model { raw, labels: Arc::new(labels), width: usize::try_from(info.n_embedding).unwrap_or(0) })
        }
    }

    pub(crate) fn raw(&self) -> &Arc<RawModel> {
        &self.raw
    }

    /// Labels of a classifier, by number.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    fn with_texts(
        &self,
        texts: &[&str],
        params: &TextParams,
        call: impl FnOnce(*const ffi::llmcs_text, *const ffi::llmcs_text_params) -> ffi::llmcs_status,
    ) -> Result<()> {
        let name = c_option("prompt_name", &params.prompt_name)?;
        let native: Vec<_> = texts
            .iter()
            .map(|t| ffi::llmcs_text { text: t.as_ptr().cast(), text_bytes: t.len(), pair: ptr::null(), pair_bytes: 0 })
            .collect();
        // SAFETY: the struct is initialised by the library with the size that this file knows.
        let mut p = unsafe {
            let mut p = std::mem::zeroed::<ffi::llmcs_text_params>();
            ffi::llmcs_text_params_init_sized(&mut p, std::mem::size_of_val(&p));
            p
        };
        p.max_length = params.max_length;
        p.stride = params.stride;
        p.truncate_dim = params.truncate_dim;
        p.prompt_name = pointer(&name);
        p.cancel = CancelFlag::pointer(&params.cancel);
        if params.windows {
            p.overflow = 2;
        }
        check(call(native.as_ptr(), &p))
    }

    /// The best class of each text.
    pub fn classify(&self, texts: &[&str], params: &TextParams) -> Result<Vec<Class>> {
        let (n, width) = (texts.len(), self.labels.len());
        let (mut scores, mut labels) = (vec![0f32; n * width], vec![0i32; n]);
        self.with_texts(texts, params, |t, p| {
            // SAFETY: the outputs have n * labels and n elements.
            unsafe {
                ffi::llmcs_classify(self.raw.0, t, n, p, scores.as_mut_ptr(), labels.as_mut_ptr(), ptr::null_mut())
            }
        })?;
        Ok((0..n)
            .map(|i| {
                let (row, id) = (&scores[i * width..(i + 1) * width], labels[i] as usize);
                Class { label: self.labels[id].clone(), id, score: row[id], scores: row.to_vec() }
            })
            .collect())
    }

    /// A vector for each text.
    pub fn embed(&self, texts: &[&str], params: &TextParams) -> Result<Vec<Vec<f32>>> {
        let width = match params.truncate_dim {
            0 => self.width,
            cut => cut.min(self.width),
        };
        let mut floats = vec![0f32; texts.len() * width];
        self.with_texts(texts, params, |t, p| {
            // SAFETY: the output has a row of `width` for each text.
            unsafe { ffi::llmcs_embed(self.raw.0, t, texts.len(), p, floats.as_mut_ptr(), ptr::null_mut()) }
        })?;
        Ok(texts.iter().enumerate().map(|(i, _)| floats[i * width..(i + 1) * width].to_vec()).collect())
    }

    /// How well each document answers the query.
    pub fn rerank(&self, query: &str, documents: &[&str], params: &TextParams) -> Result<Vec<f32>> {
        let mut scores = vec![0f32; documents.len()];
        self.with_texts(documents, params, |t, p| {
            let (q, n) = (query.as_ptr().cast(), documents.len());
            // SAFETY: the output has an element for each document.
            unsafe { ffi::llmcs_rerank(self.raw.0, q, query.len(), t, n, p, scores.as_mut_ptr(), ptr::null_mut()) }
        })?;
        Ok(scores)
    }

    /// Token ids, with special tokens.
    pub fn encode(&self, text: &str) -> Result<Vec<i32>> {
        // SAFETY: the tokenizer belongs to the model; the second call has the capacity that the first one reported.
        unsafe {
            let tokenizer = ffi::llmcs_model_tokenizer(self.raw.0);
            if tokenizer.is_null() {
                return Err(Error::Tokenizer("this model's folder has no tokenizer".into()));
            }
            let (mut n, null) = (0usize, ptr::null_mut());
            let (t, bytes) = (text.as_ptr().cast(), text.len());
            let (none, pair) = (ptr::null(), ptr::null());
            check(ffi::llmcs_encode(
                tokenizer,
                t,
                bytes,
                pair,
                0,
                none,
                ptr::null_mut(),
                ptr::null_mut(),
                null,
                0,
                &mut n,
            ))?;
            let mut ids = vec![0i32; n];
            let out = ids.as_mut_ptr();
            check(ffi::llmcs_encode(tokenizer, t, bytes, pair, 0, none, out, ptr::null_mut(), null, n, &mut n))?;
            ids.truncate(n);
            Ok(ids)
        }
    }

    /// A conversation of at most n_ctx tokens; 0: the model's, at most 4,096.
    pub fn session(&self, n_ctx: i32) -> Result<Session> {
        Session::create(self, n_ctx)
    }

    /// An engine for the requests of many threads.
    pub fn engine(&self, options: &EngineOptions) -> Result<Engine> {
        Engine::create(self, options)
    }
}
