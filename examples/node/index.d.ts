/** libllmcs for Node. Parameters have the names and meanings of Hugging Face Transformers. */

/** Errors of the library have a code, "LLMCS_CONTEXT_FULL", and its number; a wrong argument is a TypeError. */
export interface LlmcsError extends Error { code: string; status: number; }

export interface Abortable { signal?: AbortSignal; }

export interface ModelOptions extends Abortable {
  n_threads?: number;
  max_bytes?: number | bigint;
  weights?: 'auto' | 'f32' | 'f16' | 'bf16' | 'int8' | 'int4';
  kv_type?: 'auto' | 'f32' | 'f16';
  adapters?: string | string[];
}
export interface EngineOptions {
  kv_bytes?: number | bigint;
  n_ctx?: number;
  max_batch?: number;
  max_queue?: number;
  max_chunk?: number;
  step_ms?: number;
}
export interface ModelInfo {
  readonly modelType: string; readonly weights: string; readonly cpu: string; readonly heads: number;
  readonly vocabSize: number; readonly nCtx: number; readonly nLayer: number; readonly nEmbedding: number;
  readonly nThreads: number; readonly nParameters: number; readonly weightsBytes: number; readonly labels: string[];
}
export type Text = string | [text: string, pair: string];
export interface TextParams extends Abortable {
  max_length?: number; stride?: number; max_windows?: number; overflow?: 'error' | 'truncate' | 'windows';
  pooling?: 'auto' | 'mean' | 'cls' | 'pooler' | 'max' | 'mean_sqrt_len' | 'weighted_mean' | 'last_token';
  normalize?: 'auto' | 'no' | 'l2'; rerank_score?: 'auto' | 'logit' | 'sigmoid';
  prompt_name?: string; prompt?: string; truncate_dim?: number; deadline_ms?: number;
}
export interface Classified { label: string; labelId: number; score: number; scores: Float32Array; }
export interface GenerateParams extends Abortable {
  max_new_tokens?: number; min_new_tokens?: number; do_sample?: boolean; temperature?: number; top_k?: number;
  top_p?: number; min_p?: number; typical_p?: number; repetition_penalty?: number; presence_penalty?: number;
  frequency_penalty?: number; no_repeat_ngram_size?: number; num_beams?: number; num_return_sequences?: number;
  length_penalty?: number; seed?: number | bigint; logprobs?: boolean; top_logprobs?: number; deadline_ms?: number;
  prompt_lookup_num_tokens?: number; guidance_scale?: number; source_lang?: string; target_lang?: string;
  stop_strings?: string | string[]; eos_token_id?: number | number[] | Int32Array;
  /** Give at most one: the answer is JSON of this schema, matches this expression, or is one of these texts. */
  json_schema?: string; regex?: string; choices?: string[];
}
export interface TopToken { id: number; logprob: number; }
export interface Tokens {
  ids: Int32Array;
  /** With logprobs. */
  logprobs?: Float32Array;
  /** With top_logprobs: the most probable tokens at each place, best first. */
  topLogprobs?: TopToken[][];
}
export interface Sequence extends Tokens {
  text: string; finishReason: 'stop' | 'length' | 'stop_string' | 'cancelled' | 'deadline';
  /** With logprobs. */
  score?: number;
}
export interface Result extends Pick<Sequence, 'text' | 'ids' | 'finishReason'> {
  sequences: Sequence[]; nPromptTokens: number; nNewTokens: number; nCachedTokens: number;
}
/** Pieces of text as they come. Leaving a `for await` loop cancels the rest; `result` is there after the last piece. */
export interface Stream extends AsyncIterableIterator<string> {
  readonly result?: Result;
  /** The new tokens from number `first` on, as far as they are there; never waits. */
  tokens(first?: number): Tokens;
}

export class Model {
  static open(folder: string, options?: ModelOptions & { engine?: EngineOptions }): Promise<Model>;
  private constructor();
  readonly info: ModelInfo;
  readonly closed: boolean;
  classify(text: string, params?: TextParams): Promise<Classified>;
  classify(texts: Text[], params?: TextParams): Promise<Classified[]>;
  embed(text: string, params?: TextParams): Promise<Float32Array>;
  embed(texts: Text[], params?: TextParams): Promise<Float32Array[]>;
  rerank(query: string, documents: string[], params?: TextParams): Promise<Float32Array>;
  encode(text: string, options?: { special?: boolean }): Promise<Int32Array>;
  decode(ids: Int32Array | number[], options?: { skipSpecial?: boolean }): Promise<string>;
  /** Any number at once: they share one engine. */
  generate(prompt: string, params?: GenerateParams): Promise<Result>;
  stream(prompt: string, params?: GenerateParams): Stream;
  /** Ends what is being generated, with the text so far. */
  close(): Promise<void>;
}

export interface Citation { id: string; lang: string; version: number; textIndex: number; }
export interface Message extends Abortable {
  /** An id of your choice; it belongs to the customer of its first message. */
  conversation: string;
  text: string;
  /** From your login, never from the text. */
  customer?: string;
  /** The same id in a conversation gives the same reply. */
  id?: string;
  lang?: string;
  deadline_ms?: number;
}
export interface Turn {
  reply: string; route: string; expects: 'anything' | 'slot' | 'yes' | 'choice' | 'person' | 'unknown';
  expectedSlot: string; lang: string; number: number; repeated: boolean; intent: string; intentScore: number;
  flow: string; slots: Record<string, string>; probability: number; sentiment: string; verdict: string;
  citations: Citation[]; products: string[]; totalMs: number;
  action?: { name: string; object: string; key: string; state: 'DONE' | 'FAILED' | 'UNKNOWN' | 'PENDING' | 'NONE' };
  handover?: { reason: string; priority: number; summary: string };
}
export interface AskParams {
  lang?: string; k?: number; threshold?: number; tags?: string[]; slots?: Record<string, string>;
}
export interface Answer {
  route: 'NONE' | 'ENTRY' | 'FILLED' | 'GENERATED' | 'ASK_BACK'; text: string; probability: number; threshold: number;
  missingSlot?: string; citations: Citation[];
  candidates: { id: string; lang: string; question: string; answer: string; probability: number }[];
}
export interface Masked {
  text: string;
  spans: { name: string; kind: string; rule: string; value: string }[];
  /** Puts the values back, for their owner's eyes. */
  unmask(text: string): string;
}
export class ShopService {
  /** Opens a store with the settings of `llmcs-shop init`. */
  static open(store: string, options?: ModelOptions): Promise<ShopService>;
  private constructor();
  readonly closed: boolean;
  turn(message: Message): Promise<Turn>;
  ask(text: string, params?: AskParams): Promise<Answer>;
  mask(text: string): Promise<Masked>;
  close(): Promise<void>;
}

/** Version of the library that runs. */
export const version: string;
