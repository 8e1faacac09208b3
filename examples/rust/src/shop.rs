//! The shop layer: a store with its desk and knowledge base.
use crate::{c_option, c_path, c_string, check, ffi, pointer, slice, string, string_of, CancelFlag, Result};
use std::path::Path;
use std::ptr;

/// A store opened with its settings.
pub struct Shop {
    native: *mut ffi::llmcs_shop_service,
}
// SAFETY: any number of threads may use a service's parts at once.
unsafe impl Send for Shop {}
unsafe impl Sync for Shop {}

/// A customer's message.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// An id that you choose.
    pub conversation: String,
    /// From your login, never from the text; "": nobody.
    pub customer: String,
    /// The same id in a conversation gives the same reply; "": none.
    pub id: String,
    /// What the customer wrote.
    pub text: String,
    /// Of the reply; "": that of the text.
    pub lang: String,
    /// For the whole turn; 0: none.
    pub deadline_ms: f64,
    /// Stops the call; an action that has started still completes.
    pub cancel: Option<CancelFlag>,
}

/// The text of an entry that an answer cites.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Citation {
    pub id: String,
    pub lang: String,
    pub version: i32,
    pub text_index: usize,
}

/// A reply with its details.
#[derive(Debug, Clone)]
pub struct Turn {
    /// For its owner's eyes.
    pub reply: String,
    /// "flow", "entry", "handover", ...
    pub route: String,
    /// 0 anything, 1 a slot, 2 a yes, 3 a choice, 4 a person.
    pub expects: i32,
    /// Of the reply.
    pub lang: String,
    /// In the conversation, from 1.
    pub number: i64,
    /// This message id was answered before.
    pub repeated: bool,
    /// Label of the intent, or "".
    pub intent: String,
    /// Flow that answered, or "".
    pub flow: String,
    /// Name of the action, or "".
    pub action: String,
    /// "NONE", "DONE", "FAILED", "UNKNOWN", "PENDING".
    pub action_state: String,
    /// Entries that the reply cites.
    pub citations: Vec<Citation>,
    /// Ids of recommended products.
    pub products: Vec<String>,
    /// Why a person has to answer, or "".
    pub handover_reason: String,
}

/// Answer of the knowledge base.
#[derive(Debug, Clone)]
pub struct Answer {
    /// "NONE", "ENTRY", "FILLED", "GENERATED", "ASK_BACK".
    pub route: String,
    /// "" for NONE.
    pub text: String,
    /// Probability that it answers the question.
    pub probability: f64,
    /// Entries that it cites.
    pub citations: Vec<Citation>,
}

/// # Safety
/// `all` points to n citations.
unsafe fn citations(all: *const *const ffi::llmcs_shop_citation, n: usize) -> Vec<Citation> {
    slice(all, n)
        .iter()
        .map(|&c| Citation {
            id: string((*c).id),
            lang: string((*c).lang),
            version: (*c).version,
            text_index: (*c).text_index,
        })
        .collect()
}

impl Shop {
    /// Opens a store with the settings of `llmcs-shop init`.
    pub fn open(path: impl AsRef<Path>) -> Result<Shop> {
        let path = c_path(path.as_ref())?;
        let mut native = ptr::null_mut();
        // SAFETY: NULL stands for the default options.
        check(unsafe { ffi::llmcs_shop_service_open(path.as_ptr(), ptr::null(), &mut native) })?;
        Ok(Shop { native })
    }

    /// Answers a message.
    pub fn say(&self, m: &Message) -> Result<Turn> {
        let conversation = c_string("conversation", &m.conversation)?;
        let (customer, id) = (c_option("customer", &m.customer)?, c_option("id", &m.id)?);
        let lang = c_option("lang", &m.lang)?;
        let mut turn = ptr::null_mut();
        // SAFETY: the message is initialised by the library, its strings outlive the call; the turn is copied and freed.
        unsafe {
            let mut native = std::mem::zeroed::<ffi::llmcs_shop_message>();
            ffi::llmcs_shop_message_init_sized(&mut native, std::mem::size_of_val(&native));
            native.conversation = conversation.as_ptr();
            native.customer = pointer(&customer);
            native.id = pointer(&id);
            native.text = m.text.as_ptr().cast();
            native.text_bytes = m.text.len();
            native.lang = pointer(&lang);
            native.deadline_ms = m.deadline_ms;
            native.cancel = CancelFlag::pointer(&m.cancel);
            check(ffi::llmcs_shop_desk_say(ffi::llmcs_shop_service_desk(self.native), &native, &mut turn))?;
            let t = &*turn;
            let copied = Turn {
                reply: string_of(t.reply, t.reply_bytes),
                route: string(ffi::llmcs_shop_desk_route_name(t.route)),
                expects: t.expects,
                lang: string(t.lang),
                number: t.number,
                repeated: t.repeated != 0,
                intent: string(t.intent),
                flow: string(t.flow),
                action: string(t.action),
                action_state: string(ffi::llmcs_shop_action_state_name(t.action_state)),
                citations: citations(t.citations, t.n_citations),
                products: slice(t.products, t.n_products).iter().map(|&p| string(p)).collect(),
                handover_reason: string(t.handover_reason),
            };
            ffi::llmcs_shop_turn_free(&mut turn);
            Ok(copied)
        }
    }

    /// Answers a question from the entries, asks back, or abstains.
    pub fn ask(&self, question: &str) -> Result<Answer> {
        let mut answer = ptr::null_mut();
        let (text, bytes) = (question.as_ptr().cast(), question.len());
        // SAFETY: NULL stands for the default parameters; the answer is copied and freed.
        unsafe {
            let shop = ffi::llmcs_shop_service_shop(self.native);
            check(ffi::llmcs_shop_ask(shop, text, bytes, ptr::null(), &mut answer))?;
            let a = &*answer;
            let copied = Answer {
                route: string(ffi::llmcs_shop_route_name(a.route)),
                text: string_of(a.text, a.text_bytes),
                probability: a.probability,
                citations: citations(a.citations, a.n_citations),
            };
            ffi::llmcs_shop_answer_free(&mut answer);
            Ok(copied)
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // SAFETY: calls borrow the shop, so none is running.
        unsafe { ffi::llmcs_shop_service_free(&mut self.native) }
    }
}
