// libllmcs for Node: promises, async iterators, AbortSignal. See README.md and index.d.ts.
'use strict';

const path = require('node:path');

const native = require(process.env.LLMCS_NODE || path.join(__dirname, 'llmcs.node'));

// Node waits for calls that run before it ends; they are cancelled, so it ends soon.
process.on('exit', () => native.cancelAll());

const KIND = { model: 1, engine: 2, service: 3 };

// An error of the library has a code, 'LLMCS_CONTEXT_FULL', and a status, its number. A wrong argument is a TypeError.
const isCancelled = (error) => error && error.code === 'LLMCS_CANCELLED';

// Runs call(flag); the signal sets the flag. What an aborted call rejects with is the signal's reason.
async function abortable(signal, call) {
  if (signal === undefined || signal === null) return call(undefined);
  signal.throwIfAborted();
  const flag = native.newFlag();
  const abort = () => native.setFlag(flag);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await call(flag);
  } catch (error) {
    if (signal.aborted && isCancelled(error)) throw signal.reason;
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

// { signal, ...params }
function split(options) {
  if (options === undefined || options === null) return [undefined, undefined];
  const { signal, ...params } = options;
  return [signal, params];
}

// What close() closes once, and what no call may use afterwards.
class Closable {
  #native;
  #kind;
  constructor(handle, kind) {
    this.#native = handle;
    this.#kind = kind;
  }
  get _native() {
    if (!this.#native) throw Object.assign(new Error('the object is closed'), { code: 'LLMCS_STATE' });
    return this.#native;
  }
  _close() {
    const handle = this.#native;
    this.#native = undefined;
    if (handle) native.closeHandle(handle, this.#kind);
  }
  get closed() { return this.#native === undefined; }
}

const many = (texts) => (Array.isArray(texts) ? texts : [texts]);

class Model extends Closable {
  #engine; // a promise, made by the first generate or stream
  #engineOptions;

  static async open(folder, options) {
    const [signal, rest] = split(options);
    const { engine, ...params } = rest || {};
    const handle = await abortable(signal, (flag) => native.openModel(String(folder), params, flag));
    return new Model(handle, engine);
  }
  constructor(handle, engineOptions) {
    super(handle, KIND.model);
    this.#engineOptions = engineOptions;
    this.info = Object.freeze(native.modelInfo(handle));
  }

  // One text or pair [text, pair], or an array of texts and pairs.
  async classify(texts, options) {
    const one = typeof texts === 'string';
    const [signal, params] = split(options);
    const found = await abortable(signal, (flag) => native.classify(this._native, many(texts), params, flag));
    const width = this.info.labels.length;
    const all = Array.from(found.labels, (label, i) => {
      const scores = found.scores.subarray(i * width, (i + 1) * width);
      return { label: this.info.labels[label], labelId: label, score: scores[label], scores };
    });
    return one ? all[0] : all;
  }
  // One Float32Array for one text, else an array of them.
  async embed(texts, options) {
    const one = typeof texts === 'string';
    const list = many(texts);
    const [signal, params] = split(options);
    const vectors = await abortable(signal, (flag) => native.embed(this._native, list, params, flag));
    const width = list.length ? vectors.length / list.length : 0;
    if (one) return vectors;
    return list.map((_, i) => vectors.subarray(i * width, (i + 1) * width));
  }
  // A score for each document.
  async rerank(query, documents, options) {
    const [signal, params] = split(options);
    return abortable(signal, (flag) => native.rerank(this._native, query, documents, params, flag));
  }
  async encode(text, { special = true } = {}) { return native.encode(this._native, text, special); }
  async decode(ids, { skipSpecial = false } = {}) { return native.decode(this._native, ids, skipSpecial); }

  // The whole answer: { text, ids, finishReason, sequences, ... }.
  async generate(prompt, options) {
    const run = this.#run(prompt, options);
    for await (const piece of run) void piece;
    return run.result;
  }
  // Pieces as they come; the value that the iterator returns is the result. Leaving the loop cancels the rest.
  stream(prompt, options) {
    if (options && (options.num_beams > 1 || options.num_return_sequences > 1))
      throw new TypeError('stream: expected one sequence, num_beams = 1');
    return this.#run(prompt, options);
  }

  #run(prompt, options) {
    const [signal, params] = split(options);
    return new Run(signal, async (onEvent) => {
      this.#engine ??= native.createEngine(this._native, this.#engineOptions);
      let engine;
      try {
        engine = await this.#engine;
      } catch (error) {
        this.#engine = undefined; // the next call may find the memory
        throw error;
      }
      if (this.closed) throw Object.assign(new Error('the object is closed'), { code: 'LLMCS_STATE' });
      return native.submit(engine, prompt, params, onEvent);
    });
  }

  // Ends what is being generated, with the text so far; calls of other kinds finish.
  async close() {
    if (this.closed) return;
    const engine = this.#engine;
    this.#engine = undefined;
    this._close();
    if (!engine) return;
    const handle = await engine.catch(() => undefined);
    if (!handle) return;
    await native.stopEngine(handle);
    native.closeHandle(handle, KIND.engine);
  }
}

// A request of an engine as an async iterator of pieces.
class Run {
  #pieces = [];
  #waiting = []; // calls of next() without a piece
  #done = false;
  #failed = false;
  #error;
  #request;
  #cancelled = false;
  #signal;
  #abort = () => this.#cancel();

  constructor(signal, submit) {
    this.result = undefined;
    this.#signal = signal;
    this.#start(submit);
  }
  async #start(submit) {
    try {
      this.#signal?.throwIfAborted();
      this.#signal?.addEventListener('abort', this.#abort, { once: true });
      this.#request = await submit((text, finished, error, result) => {
        if (text) this.#pieces.push(text);
        if (finished) this.#finish(error, result);
        this.#wake();
      });
      if (this.#cancelled) native.cancelRequest(this.#request);
    } catch (error) {
      this.#finish(error);
      this.#wake();
    }
  }
  #finish(error, result) {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#done = true;
    if (this.#signal?.aborted && (isCancelled(error) || result)) {
      this.#failed = true;
      this.#error = this.#signal.reason;
    } else if (error) {
      this.#failed = true;
      this.#error = error;
    }
    if (result) {
      const [first] = result.sequences;
      this.result = { text: first.text, ids: first.ids, finishReason: first.finishReason, ...result };
    }
  }
  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
  #cancel() {
    this.#cancelled = true;
    if (this.#request) native.cancelRequest(this.#request);
  }
  // True if next() may return pieces. An aborted run returns none until it is known to have ended before the abort.
  #hasPieces() {
    return this.#pieces.length > 0 && !(this.#signal?.aborted && (this.#failed || !this.#done));
  }
  // The new tokens from number `first` on, as far as they are there: { ids, logprobs, topLogprobs }. Never waits.
  tokens(first = 0) {
    if (!Number.isSafeInteger(first) || first < 0) throw new TypeError('first: expected an integer >= 0');
    const { ids, logprobs, topLogprobs } = this.result?.sequences[0] ?? {};
    if (ids) return { ids: ids.slice(first), logprobs: logprobs?.slice(first), topLogprobs: topLogprobs?.slice(first) };
    return (this.#request && native.requestTokens(this.#request, first)) || { ids: new Int32Array(0) };
  }
  [Symbol.asyncIterator]() { return this; }
  async next() {
    while (!this.#done && !this.#hasPieces()) await new Promise((resolve) => this.#waiting.push(resolve));
    if (this.#hasPieces())
      return { done: false, value: this.#pieces.splice(0).join('') };
    if (this.#failed) {
      this.#failed = false;
      this.#pieces.length = 0; // what the abort held back
      throw this.#error;
    }
    return { done: true, value: this.result };
  }
  async return(value) {
    this.#cancel();
    return { done: true, value };
  }
}

// A store with what its settings name: desk, knowledge base, guard.
class ShopService extends Closable {
  static async open(store, options) {
    const [signal, params] = split(options);
    return new ShopService(await abortable(signal, (flag) => native.openService(String(store), params, flag)));
  }
  constructor(handle) { super(handle, KIND.service); }

  // message: conversation, text; customer from your login, never from the text.
  async turn({ text, signal, ...message }) {
    return abortable(signal, (flag) => native.turn(this._native, text, message, flag));
  }
  async ask(text, params) { return native.ask(this._native, text, params); }
  async mask(text) {
    const { names, ...masked } = await native.mask(this._native, text);
    return { ...masked, unmask: (masked_text) => native.unmask(names, masked_text) };
  }
  // Calls that run finish.
  async close() { this._close(); }
}

for (const type of [Model, ShopService]) {
  if (Symbol.asyncDispose) type.prototype[Symbol.asyncDispose] = type.prototype.close;
}

module.exports = { Model, ShopService, version: native.version };
