// The Node package: what calls give equals what the Python module gives; abort, errors, lifetimes, workers, exits.
// usage: node --test node_cases.js    test_node.py sets EXPECTED (a JSON file), PACKAGE (the folder) and LLMCS_NODE (the addon)
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { performance } = require('node:perf_hooks');
const test = require('node:test');
const { Worker } = require('node:worker_threads');

const { Model, ShopService, version } = require(process.env.PACKAGE);
const expected = JSON.parse(fs.readFileSync(process.env.EXPECTED, 'utf8'));
const LONG = { max_new_tokens: 400, eos_token_id: [] };
const SAME = { max_new_tokens: 24, eos_token_id: [] };

async function using(opening, body) {
  const object = await opening;
  try {
    return await body(object);
  } finally {
    await object.close();
  }
}

test('encoders give what Python gives', async () => {
  assert.match(version, /^\d+\.\d+\.\d+$/);
  await using(Model.open(expected.bert), async (bert) => {
    const found = await bert.classify(expected.reviews);
    assert.deepEqual(found.map(({ label, score }) => ({ label, score })), expected.classes);
    assert.equal((await bert.classify(expected.reviews[1])).label, expected.classes[1].label);
    assert.equal(found[0].scores.length, bert.info.labels.length);
    assert.deepEqual([...await bert.rerank('good?', expected.reviews)], expected.ranks);
    assert.equal((await bert.classify([['It broke.', 'again']])).length, 1);
    assert.deepEqual(await bert.classify([]), []);
    assert.equal((await bert.classify('a b c d e', { max_length: 4, overflow: 'windows' })).labelId >= 0, true);
  });
  await using(Model.open(expected.encoder, { n_threads: 2, weights: 'f32' }), async (encoder) => {
    const vectors = await encoder.embed(['red dress', '红色连衣裙']);
    assert.deepEqual(vectors.map((v) => [...v]), expected.vectors);
    assert.equal(vectors[0].constructor, Float32Array);
    assert.equal((await encoder.embed('red dress', { truncate_dim: 16 })).length, 16);
  });
});

test('generate and stream give what Python gives', async () => {
  await using(Model.open(expected.gpt2), async (model) => {
    assert.deepEqual([...await model.encode(expected.prompt)], expected.ids);
    assert.equal(await model.decode(expected.ids), expected.prompt);
    const results = await Promise.all(Array.from({ length: 8 }, () => model.generate(expected.prompt, SAME)));
    for (const r of results) assert.deepEqual([r.text, r.finishReason, r.nNewTokens], [expected.text, 'length', 24]);
    const stream = model.stream(expected.prompt, SAME);
    let pieces = '';
    for await (const piece of stream) pieces += piece;
    assert.deepEqual([pieces, stream.result.text], [expected.text, expected.text]);
    const ahead = model.stream(expected.prompt, SAME); // calls of next() that do not wait for one another
    const calls = await Promise.all(Array.from({ length: 30 }, () => ahead.next()));
    assert.equal(calls.map(({ done, value }) => (done ? '' : value)).join(''), expected.text);
    const beams = await model.generate(expected.prompt, { max_new_tokens: 4, num_beams: 2, num_return_sequences: 2 });
    assert.equal(beams.sequences.length, 2);
    const scored = await model.generate(expected.prompt, { ...SAME, logprobs: true });
    assert.equal(scored.sequences[0].logprobs.length, 24);
    const stop = expected.text.slice(6, 12);
    assert.deepEqual((({ text, finishReason }) => [text, finishReason])(
      await model.generate(expected.prompt, { ...SAME, stop_strings: [stop] })), [expected.text.slice(0, 6), 'stop_string']);
    assert.match((await model.generate(expected.prompt, { choices: ['yes', 'no'] })).text, /^(yes|no)$/);
    assert.match((await model.generate(expected.prompt, { regex: '[0-9]{3}' })).text, /^[0-9]{3}$/);
    assert.match((await model.generate(expected.prompt, { json_schema: '{"type":"boolean"}' })).text, /^(true|false)$/);
    const seeded = { ...SAME, do_sample: true, seed: 2n ** 63n };
    assert.equal((await model.generate(expected.prompt, seeded)).text, (await model.generate(expected.prompt, seeded)).text);
  });
});

test('tokens of a stream', async () => {
  await using(Model.open(expected.gpt2), async (model) => {
    const stream = model.stream(expected.prompt, { ...SAME, logprobs: true, top_logprobs: 3 });
    const ids = [], logprobs = [], top = [];
    assert.equal(stream.tokens().ids.length, 0); // it is not submitted yet
    for await (const piece of stream) {
      const more = stream.tokens(ids.length);
      assert.ok(piece.length && more.logprobs.length === more.ids.length && more.topLogprobs.length === more.ids.length);
      ids.push(...more.ids);
      logprobs.push(...more.logprobs);
      top.push(...more.topLogprobs);
    }
    assert.ok(ids.length > 0);
    const [all] = stream.result.sequences;
    assert.deepEqual(ids, [...all.ids].slice(0, ids.length));
    assert.deepEqual(logprobs, [...all.logprobs].slice(0, ids.length));
    assert.deepEqual(top, all.topLogprobs.slice(0, ids.length));
    assert.equal(all.topLogprobs.length, 24);
    all.topLogprobs.forEach((t, i) => {
      assert.deepEqual([t.length, t[0]], [3, { id: all.ids[i], logprob: all.logprobs[i] }]);
      assert.ok(t[0].logprob >= t[1].logprob && t[1].logprob >= t[2].logprob);
    });
    assert.deepEqual(stream.tokens(20), { ids: all.ids.slice(20), logprobs: all.logprobs.slice(20), topLogprobs: all.topLogprobs.slice(20) });
    assert.equal(stream.tokens(24).ids.length, 0);
    assert.throws(() => stream.tokens(-1), TypeError);
    const plain = model.stream(expected.prompt, SAME);
    await plain.next();
    const { ids: some, logprobs: none } = plain.tokens();
    assert.ok(some.length > 0 && none === undefined);
    await plain.return();
    await assert.rejects(model.generate(expected.prompt, { ...SAME, top_logprobs: 3 }), { code: 'LLMCS_ARG' });
  });
});

test('the event loop goes on meanwhile', async () => {
  await using(Model.open(expected.gpt2), async (model) => {
    const before = performance.eventLoopUtilization();
    const began = performance.now();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 2);
    await model.generate(expected.prompt, LONG);
    clearInterval(timer);
    // A call that kept the loop waiting would be one tick at most. (Other processes may keep this one waiting, too.)
    const { utilization } = performance.eventLoopUtilization(before);
    assert.ok(ticks >= 3 && utilization < 0.9, `${ticks} ticks in ${performance.now() - began} ms, ${utilization}`);
  });
});

test('abort', async () => {
  await using(Model.open(expected.gpt2), async (model) => {
    const reason = new Error('enough');
    await assert.rejects(model.generate(expected.prompt, { signal: AbortSignal.abort(reason) }), reason);
    for (const after of [0, 5, 40]) {
      const control = new AbortController();
      setTimeout(() => control.abort(reason), after);
      await assert.rejects(model.generate(expected.prompt, { ...LONG, signal: control.signal }), reason);
    }
    const control = new AbortController();
    let n = 0;
    await assert.rejects(async () => {
      for await (const piece of model.stream(expected.prompt, { ...LONG, signal: control.signal })) {
        assert.ok(piece.length);
        if (++n === 3) control.abort(reason);
      }
    }, reason);
    assert.equal(n, 3);
    for await (const piece of model.stream(expected.prompt, LONG)) { assert.ok(piece); break; } // cancels the rest
    assert.equal((await model.generate(expected.prompt, SAME)).text, expected.text);
    const late = await model.generate(expected.prompt, { ...LONG, deadline_ms: 30 }).catch((error) => error);
    assert.ok(late.finishReason === 'deadline' || late.code === 'LLMCS_DEADLINE'); // before the first token
  });
  await using(Model.open(expected.bert), async (bert) => {
    const reason = new Error('enough');
    const control = new AbortController();
    setTimeout(() => control.abort(reason), 10);
    const many = Array.from({ length: 4000 }, (_, i) => `${expected.reviews[1]} ${i} `.repeat(8));
    await assert.rejects(bert.classify(many, { signal: control.signal }), reason);
    await assert.rejects(bert.classify(many, { deadline_ms: 1 }), { code: 'LLMCS_DEADLINE' });
  });
  await assert.rejects(Model.open(expected.gpt2, { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

// The pieces of a stream that come with an abort, before the request has ended, are not returned. A native part in
// JavaScript makes the order certain.
test('abort before the end', async () => {
  const reason = new Error('enough');
  const control = new AbortController();
  let emit;
  const native = {
    cancelAll() {}, closeHandle() {}, cancelRequest() {}, openModel: async () => ({}), modelInfo: () => ({ labels: [] }),
    createEngine: async () => ({}), stopEngine: async () => {}, submit: (engine, prompt, params, onEvent) => { emit = onEvent; },
  };
  const index = path.join(process.env.PACKAGE, 'index.js');
  const fake = { exports: {} };
  const load = new Function('module', 'require', 'process', '__dirname', fs.readFileSync(index, 'utf8'));
  load(fake, (name) => (name === 'fake' ? native : require(name)), { env: { LLMCS_NODE: 'fake' }, on() {} }, '');
  await using(fake.exports.Model.open('folder'), async (model) => {
    const stream = model.stream('prompt', { signal: control.signal });
    await new Promise(setImmediate);
    emit('one', false);
    assert.deepEqual(await stream.next(), { done: false, value: 'one' });
    control.abort(reason);
    emit('two', false);
    const next = stream.next();
    emit('', true, Object.assign(new Error('cancelled'), { code: 'LLMCS_CANCELLED' }));
    await assert.rejects(next, reason);
    assert.equal((await stream.next()).done, true);
  });
});

test('errors', async () => {
  await assert.rejects(Model.open('no-such-folder'), { code: 'LLMCS_IO', status: 3, message: /no-such-folder/ });
  await assert.rejects(Model.open('a\0b'), TypeError);
  await assert.rejects(Model.open(expected.bert, { no_such_option: 1 }), /no_such_option is not an option/);
  await assert.rejects(Model.open(expected.bert, { weights: 'int3' }), /one of "auto" "f32"/);
  await using(Model.open(expected.bert), async (bert) => {
    await assert.rejects(bert.classify(7), TypeError);
    await assert.rejects(bert.classify(['a', ['b']]), TypeError);
    await assert.rejects(bert.classify('a', { max_length: 1.5 }), /max_length: expected an integer/);
    await assert.rejects(bert.classify('one two three four', { max_length: 3, overflow: 'error' }), { code: 'LLMCS_CONTEXT_FULL' });
    await assert.rejects(bert.generate('a'), { code: 'LLMCS_NO_HEAD' });
    await assert.rejects(bert.decode([-1]), { code: 'LLMCS_TOKEN_RANGE' });
    await assert.rejects(bert.decode(['a']), TypeError);
  });
  await using(Model.open(expected.gpt2, { engine: { max_queue: 1, max_batch: 1 } }), async (model) => {
    await assert.rejects(model.generate('a', { temperature: 'hot' }), /temperature: expected a number/);
    await assert.rejects(model.generate('a', { temperature: -1 }), { code: 'LLMCS_ARG' });
    await assert.rejects(model.generate('a', { choices: ['a'], regex: 'a' }), { code: 'LLMCS_ARG' });
    await assert.rejects(model.generate('word '.repeat(3000)), { code: 'LLMCS_CONTEXT_FULL' });
    assert.throws(() => model.stream('a', { num_beams: 2 }), TypeError);
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => model.generate(expected.prompt, LONG)));
    const refused = all.filter((r) => r.status === 'rejected');
    assert.ok(refused.length >= 1 && refused.every((r) => r.reason.code === 'LLMCS_QUEUE_FULL'));
  });
  const closed = await Model.open(expected.bert);
  await closed.close();
  await closed.close();
  await assert.rejects(closed.classify('a'), { code: 'LLMCS_STATE' });
});

test('close ends what runs', async () => {
  const model = await Model.open(expected.gpt2);
  const bert = await Model.open(expected.bert);
  const stream = model.stream(expected.prompt, LONG);
  await stream.next();
  const classified = bert.classify(Array.from({ length: 64 }, () => expected.reviews[1]));
  await bert.close();
  await model.close();
  assert.equal((await classified).length, 64); // a call that runs keeps its model
  let last;
  for (;;) {
    const { done, value } = await stream.next();
    if (done) { last = value; break; }
  }
  assert.equal(last.finishReason, 'cancelled');
  await assert.rejects(model.generate('a'), { code: 'LLMCS_STATE' });
});

test('1,000 times open, use, close', async () => {
  const once = () => using(Model.open(expected.tiny, { n_threads: 1 }), (m) => m.info.vocabSize);
  for (let i = 0; i < 100; i++) await once();
  global.gc();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 1000; i++) {
    if (i % 2) await once();
    else await Model.open(expected.tiny, { n_threads: 1 }); // left to the garbage collector
    if (i % 50 === 0) global.gc();
  }
  global.gc();
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 24 << 20, `${grown} bytes more`);
});

test('the shop', async () => {
  await assert.rejects(ShopService.open('no-such-store.db'), { code: 'LLMCS_IO' });
  await using(ShopService.open(expected.store), async (shop) => {
    const turn = await shop.turn({ conversation: 'node-1', customer: 'c001', text: 'Where is my order PL26111334?' });
    assert.equal(turn.route, 'flow');
    assert.match(turn.reply, /PL26111334/);
    assert.equal(turn.number, 1);
    await assert.rejects(shop.turn({ conversation: 'node-1', customer: 'c002', text: 'Hello' }), { code: 'LLMCS_STATE' });
    const asked = await shop.turn({ conversation: 'node-2', customer: 'c002', text: '取消PL26111606' });
    assert.equal(asked.expects, 'yes');
    const done = await shop.turn({ conversation: 'node-2', customer: 'c002', text: '是的', id: 'm2' });
    assert.deepEqual([done.action.state, done.repeated], ['DONE', false]);
    assert.equal((await shop.turn({ conversation: 'node-2', customer: 'c002', text: '是的', id: 'm2' })).repeated, true);
    const answer = await shop.ask('What does shipping cost?', { k: 2 });
    assert.equal(answer.route, 'ENTRY');
    assert.equal(answer.candidates.length, 2);
    assert.equal(answer.citations[0].id, answer.candidates[0].id);
    const text = '我叫王小明，电话138-0013-8000';
    const masked = await shop.mask(text);
    assert.equal(masked.text, '我叫<NAME_1>，电话<PHONE_1>');
    assert.deepEqual(masked.spans.map((s) => s.value), ['王小明', '138-0013-8000']);
    assert.equal(masked.unmask(masked.text), text);
    await assert.rejects(shop.turn({ conversation: 'node-3', text: 'Hi', signal: AbortSignal.abort() }), { name: 'AbortError' });
    await assert.rejects(shop.turn({ conversation: 'node-3', text: 'Hi', name: 'x' }), TypeError);
  });
});

const WORK = `
  const { parentPort, workerData: e } = require('node:worker_threads');
  const { Model } = require(process.env.PACKAGE);
  (async () => {
    const model = await Model.open(e.gpt2, { n_threads: 1 });
    const bert = await Model.open(e.bert, { n_threads: 1 });
    const { text } = await model.generate(e.prompt, { max_new_tokens: 24, eos_token_id: [] });
    const labels = (await bert.classify(e.reviews)).map((c) => c.label);
    parentPort.postMessage({ text, labels });
    if (e.stay) { // terminated in the middle
      for await (const piece of model.stream(e.prompt, { max_new_tokens: 900, eos_token_id: [] })) parentPort.postMessage(piece);
    } else if (e.exit) {
      bert.classify(Array.from({ length: 500 }, () => e.reviews[1]));
      await model.stream(e.prompt, { max_new_tokens: 900, eos_token_id: [] }).next();
      process.exit(0);
    } else {
      await Promise.all([model.close(), bert.close()]);
    }
  })();
`;

test('workers', async () => {
  const run = (more) => new Promise((resolve, reject) => {
    const worker = new Worker(WORK, { eval: true, workerData: { ...expected, ...more } });
    let first;
    worker.on('error', reject);
    worker.on('exit', (code) => resolve({ first, code }));
    worker.on('message', (message) => {
      if (!first) first = message;
      else if (more.stay) worker.terminate();
    });
  });
  for (let round = 0; round < 2; round++) {
    for (const { first } of await Promise.all([run({}), run({ stay: true }), run({ exit: true })])) {
      assert.equal(first.text, expected.text);
      assert.deepEqual(first.labels, expected.classes.map((c) => c.label));
    }
  }
});

test('a process ends with requests in flight', () => {
  const ends = {
    'process.exit': 'setTimeout(() => process.exit(7), 20)',
    throw: 'setTimeout(() => { process.exitCode = 7; model.close(); bert.close(); }, 20)',
    'process.exit at once': 'process.exit(7)',
  };
  for (const [name, how] of Object.entries(ends)) {
    const program = `
      const { Model } = require(process.env.PACKAGE);
      const e = JSON.parse(require('fs').readFileSync(process.env.EXPECTED));
      (async () => {
        const [model, bert] = await Promise.all([Model.open(e.gpt2), Model.open(e.bert)]);
        for (let i = 0; i < 4; i++) model.generate(e.prompt, { max_new_tokens: 900, eos_token_id: [] }).catch(() => {});
        bert.classify(Array.from({ length: 2000 }, () => e.reviews[1].repeat(8))).catch(() => {});
        ${name === 'process.exit at once' ? '' : 'await model.stream(e.prompt).next();'}
        ${how};
      })();`;
    const done = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', timeout: 60000 });
    assert.deepEqual([done.status, done.stderr], [7, ''], `${name}: signal ${done.signal}`);
  }
  // Left open and idle: nothing keeps the loop alive.
  const idle = `const { Model } = require(process.env.PACKAGE);
    Model.open(${JSON.stringify(expected.gpt2)}).then((m) => m.generate('a', { max_new_tokens: 2 }));`;
  assert.equal(spawnSync(process.execPath, ['-e', idle], { timeout: 60000 }).status, 0);
});
