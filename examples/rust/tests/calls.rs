//! What calls give equals what the Python module gives; errors, streams, cancellation, panics, threads.
//! tests/bindings/test_rust.py sets $EXPECTED: a folder with a file for each value.
use llmcs::{CancelFlag, EngineOptions, Error, GenerateParams, Message, Model, ModelOptions, Shop, TextParams};
use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

fn expected(name: &str) -> String {
    let folder = std::env::var("EXPECTED").expect("EXPECTED is not set: run tests/bindings/test_rust.py");
    std::fs::read_to_string(PathBuf::from(folder).join(name)).unwrap()
}
fn numbers<T: std::str::FromStr>(name: &str) -> Vec<T> {
    expected(name).split_whitespace().map(|x| x.parse().ok().unwrap()).collect()
}
fn open(name: &str) -> Model {
    Model::open(expected(name), &ModelOptions::default()).unwrap()
}
fn same() -> GenerateParams {
    GenerateParams { max_new_tokens: Some(24), eos_token_id: Some(vec![]), ..Default::default() }
}
fn long() -> GenerateParams {
    GenerateParams { max_new_tokens: Some(400), ..same() }
}

#[test]
fn encoders_give_what_python_gives() {
    let (bert, all) = (open("bert"), expected("reviews"));
    let reviews: Vec<&str> = all.lines().collect();
    let classes = bert.classify(&reviews, &TextParams::default()).unwrap();
    let labels: Vec<&str> = classes.iter().map(|c| c.label.as_str()).collect();
    assert_eq!(labels, expected("labels").lines().collect::<Vec<_>>());
    assert_eq!(classes.iter().map(|c| c.score).collect::<Vec<_>>(), numbers::<f32>("scores"));
    assert!(classes.iter().all(|c| c.scores.len() == bert.labels().len() && c.scores[c.id] == c.score));
    assert_eq!(bert.rerank("good?", &reviews, &TextParams::default()).unwrap(), numbers::<f32>("ranks"));
    assert!(bert.classify(&[], &TextParams::default()).unwrap().is_empty());
    let windows = TextParams { max_length: 4, windows: true, ..Default::default() };
    assert_eq!(bert.classify(&["a\0b c d e f", ""], &windows).unwrap().len(), 2);
    let encoder = open("encoder");
    let vectors = encoder.embed(&["red dress", "红色连衣裙"], &TextParams::default()).unwrap();
    assert_eq!(vectors.concat(), numbers::<f32>("vectors"));
    let cut = TextParams { truncate_dim: 16, ..Default::default() };
    assert_eq!(encoder.embed(&["red dress"], &cut).unwrap()[0].len(), 16);
}

#[test]
fn generate_and_stream_give_what_python_gives() {
    let (model, prompt, text) = (open("gpt2"), expected("prompt"), expected("text"));
    assert_eq!(model.encode(&prompt).unwrap(), numbers::<i32>("ids"));
    let mut session = model.session(0).unwrap();
    let all = session.generate(&prompt, &same()).unwrap();
    assert_eq!((all.text(), all.finish_reason(), all.n_new_tokens), (text.as_str(), "length", 24));
    let mut pieces = String::new();
    for piece in session.stream(&prompt, &same()) {
        pieces += &piece.unwrap();
    }
    assert_eq!(pieces, text);
    assert_eq!(session.stream(&prompt, &same()).map(Result::unwrap).collect::<String>(), text);
    let stop = GenerateParams { stop_strings: vec![text[6..12].into(), "never".into()], ..same() };
    let stopped = session.generate(&prompt, &stop).unwrap();
    assert_eq!((stopped.text(), stopped.finish_reason()), (&text[..6], "stop_string"));
    let beams = GenerateParams { num_beams: Some(2), num_return_sequences: Some(2), ..same() };
    assert_eq!(session.generate(&prompt, &beams).unwrap().sequences.len(), 2);
    let broken = session.generate_with(&prompt, &same(), |_| ControlFlow::Break(())).unwrap();
    assert_eq!(broken.finish_reason(), "callback");
    drop(model); // the session keeps it
    assert_eq!(session.generate(&prompt, &same()).unwrap().text(), text);
}

#[test]
fn streams_end_early() {
    let (model, prompt, text) = (open("gpt2"), expected("prompt"), expected("text"));
    let mut session = model.session(0).unwrap();
    for i in 0..60u64 {
        let params = if i % 2 == 0 { long() } else { GenerateParams { max_new_tokens: Some(1), ..same() } };
        let mut stream = session.stream(&prompt, &params);
        for _ in 0..i % 5 {
            stream.next();
        }
        thread::sleep(Duration::from_micros(i * 37));
    }
    let mut stream = session.stream(&prompt, &long());
    let first = stream.next().unwrap().unwrap();
    let part = stream.finish().unwrap();
    assert!(part.text().starts_with(&first) && part.finish_reason() == "cancelled");
    assert_eq!(session.generate(&prompt, &same()).unwrap().text(), text);
    let (hot, one) =
        (GenerateParams { temperature: Some(-1.0), ..same() }, GenerateParams { max_new_tokens: Some(1), ..same() });
    for _ in 0..200 {
        let mut fresh = model.session(0).unwrap();
        drop(fresh.stream(&prompt, &hot)); // fails before its first token
        fresh.generate(&prompt, &one).unwrap();
    }
    let (flag, late) = (CancelFlag::default(), CancelFlag::default());
    let with = |flag: &CancelFlag| GenerateParams { cancel: Some(flag.clone()), ..same() };
    let n = std::cell::Cell::new(0);
    let part = session
        .generate_with(&prompt, &with(&flag), |_| {
            n.set(n.get() + 1);
            if n.get() == 2 {
                flag.cancel();
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(text.starts_with(part.text()) && part.finish_reason() == "cancelled");
    assert!(matches!(session.generate(&prompt, &with(&flag)), Err(Error::Cancelled(_))));
    assert_eq!(session.generate(&prompt, &with(&late)).unwrap().text(), text);
    late.cancel();
    assert_eq!(session.generate(&prompt, &same()).unwrap().text(), text);
    assert!(matches!(session.stream(&prompt, &with(&late)).finish(), Err(Error::Arg(_))));
    let handle = session.cancel_handle();
    let waiting = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        handle.cancel();
    });
    match session.generate(&prompt, &long()) {
        Ok(part) => assert_eq!(part.finish_reason(), "cancelled"),
        Err(error) => assert!(matches!(error, Error::Cancelled(_)), "{error}"), // before the first token
    }
    waiting.join().unwrap();
}

#[test]
fn panics_do_not_pass_through_c() {
    let (model, prompt, text) = (open("gpt2"), expected("prompt"), expected("text"));
    let mut session = model.session(0).unwrap();
    for left in 0..3 {
        let mut n = left;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            session.generate_with(&prompt, &same(), |_| {
                n -= 1;
                assert!(n >= 0, "of the host");
                ControlFlow::Continue(())
            })
        }));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"of the host"));
        assert_eq!(session.generate(&prompt, &same()).unwrap().text(), text);
    }
}

#[test]
fn errors() {
    let missing = Model::open("no-such-folder", &ModelOptions::default()).err().unwrap();
    assert!(matches!(missing, Error::Io(_)) && missing.status() == 3 && missing.to_string().contains("no-such-folder"));
    assert!(matches!(Model::open("a\0b", &ModelOptions::default()), Err(Error::Arg(_))));
    let small = ModelOptions { max_bytes: 1000, ..Default::default() };
    assert!(matches!(Model::open(expected("bert"), &small), Err(Error::Limit(_))));
    let bert = open("bert");
    assert!(matches!(bert.session(0), Err(Error::NoHead(_))));
    let query = TextParams { prompt_name: "query".into(), ..Default::default() };
    assert!(matches!(bert.embed(&["a"], &query), Err(Error::Arg(_))));
    let cancelled = TextParams { cancel: Some(CancelFlag::default()), ..Default::default() };
    cancelled.cancel.as_ref().unwrap().cancel();
    assert!(matches!(bert.classify(&["a"], &cancelled), Err(Error::Cancelled(_))));
    let model = open("gpt2");
    let (mut session, prompt) = (model.session(8).unwrap(), expected("prompt").repeat(9));
    assert!(matches!(session.generate(&prompt, &same()), Err(Error::ContextFull(_))));
    let mut stream = session.stream(&prompt, &same());
    assert!(matches!(stream.next(), Some(Err(Error::ContextFull(_)))) && stream.next().is_none());
    drop(stream);
    let hot = GenerateParams { temperature: Some(-1.0), ..same() };
    assert!(matches!(session.stream("a", &hot).next(), Some(Err(Error::Arg(_)))));
}

#[test]
fn threads_share_models_engines_and_shops() {
    fn shared<T: Send + Sync>() {}
    shared::<Model>();
    shared::<llmcs::Engine>();
    shared::<llmcs::Request>();
    shared::<Shop>();
    shared::<llmcs::Session>();
    let (model, bert, prompt, text) = (open("gpt2"), open("bert"), expected("prompt"), expected("text"));
    let engine = model.engine(&EngineOptions::default()).unwrap();
    let small = model.engine(&EngineOptions { max_queue: 1, max_batch: 1, ..Default::default() }).unwrap();
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                assert_eq!(engine.generate(&prompt, &same()).unwrap().text(), text);
                bert.clone().classify(&["ok"], &TextParams::default()).unwrap();
            });
        }
        let all: Vec<_> = (0..8).map(|_| s.spawn(|| small.generate(&prompt, &long()))).collect();
        let refused = all.into_iter().filter_map(|t| t.join().unwrap().err()).collect::<Vec<_>>();
        assert!(!refused.is_empty() && refused.iter().all(|e| matches!(e, Error::QueueFull(_))));
    });
    for _ in 0..200 {
        Model::open(expected("tiny"), &ModelOptions { threads: 1, ..Default::default() }).unwrap();
    }
}

#[test]
fn tokens_of_a_request() {
    let (model, prompt) = (open("gpt2"), expected("prompt"));
    let engine = model.engine(&EngineOptions::default()).unwrap();
    let scored = GenerateParams { logprobs: true, top_logprobs: 3, ..same() };
    let request = engine.submit(&prompt, &scored).unwrap();
    let (mut ids, mut logprobs, mut top) = (vec![], vec![], vec![]);
    while ids.len() < 24 {
        let new = request.tokens(ids.len()).unwrap();
        assert!(new.ids.len() == new.logprobs.len() && new.ids.len() == new.top_logprobs.len());
        ids.extend(new.ids);
        logprobs.extend(new.logprobs);
        top.extend(new.top_logprobs);
        thread::sleep(Duration::from_millis(1));
    }
    let all = request.wait().unwrap();
    assert_eq!(all.text(), expected("text"));
    let one = &all.sequences[0];
    assert_eq!((&one.ids, &one.logprobs, &one.top_logprobs), (&ids, &logprobs, &top));
    for i in 0..24 {
        assert!(top[i].len() == 3 && top[i][0].id == ids[i] && top[i][0].logprob == logprobs[i]);
        assert!(top[i][0].logprob >= top[i][1].logprob && top[i][1].logprob >= top[i][2].logprob);
    }
    assert_eq!(request.tokens(20).unwrap().ids, ids[20..]);
    assert!(request.tokens(24).unwrap().ids.is_empty() && request.tokens(usize::MAX).unwrap().ids.is_empty());
    let plain = engine.submit(&prompt, &long()).unwrap();
    plain.cancel();
    let seen = plain.tokens(0).unwrap();
    assert!(seen.logprobs.is_empty() && seen.top_logprobs.is_empty());
    let beams = engine.submit(&prompt, &GenerateParams { num_beams: Some(2), ..same() }).unwrap();
    assert!(matches!(beams.tokens(0), Err(Error::State(_))));
    let refused = GenerateParams { top_logprobs: 3, ..same() };
    assert!(matches!(engine.submit(&prompt, &refused), Err(Error::Arg(_))));
}

#[test]
fn the_shop() {
    assert!(matches!(Shop::open("no-such-store.db"), Err(Error::Io(_))));
    let shop = Shop::open(expected("store")).unwrap();
    let message = |conversation: &str, customer: &str, text: &str| Message {
        conversation: conversation.into(),
        customer: customer.into(),
        text: text.into(),
        ..Default::default()
    };
    let turn = shop.say(&message("rust-1", "c001", "Where is my order PL26111334?")).unwrap();
    assert!(turn.route == "flow" && turn.reply.contains("PL26111334") && turn.number == 1);
    assert!(matches!(shop.say(&message("rust-1", "c002", "Hello")), Err(Error::State(_))));
    assert_eq!(shop.say(&message("rust-2", "c002", "取消PL26111606")).unwrap().expects, 2);
    let yes = Message { id: "m".into(), ..message("rust-2", "c002", "是的") };
    let (done, again) = (shop.say(&yes).unwrap(), shop.say(&yes).unwrap());
    assert!(done.action_state == "DONE" && !done.repeated && again.repeated && again.reply == done.reply);
    let answer = shop.ask("What does shipping cost?").unwrap();
    assert!(answer.route == "ENTRY" && answer.citations.len() == 1 && answer.probability > 0.5);
    let cancelled = Message { cancel: Some(CancelFlag::default()), ..message("rust-3", "", "Hello") };
    cancelled.cancel.as_ref().unwrap().cancel();
    assert!(matches!(shop.say(&cancelled), Err(Error::Cancelled(_))));
    thread::scope(|s| {
        for name in ["rust-4", "rust-5"] {
            let (shop, message) = (&shop, &message);
            s.spawn(move || {
                for _ in 0..5 {
                    assert_eq!(shop.say(&message(name, "", "What does shipping cost?")).unwrap().route, "entry");
                }
            });
        }
    });
}
