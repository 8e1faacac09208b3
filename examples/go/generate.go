package llmcs

/*
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/cgo"
	"sync"
	"unsafe"
)

// GenerateParams by the names of Transformers. Zeros, nil and "" leave the folder's defaults.
type GenerateParams struct {
	MaxNewTokens      int
	DoSample          bool
	Temperature       float32
	TopK              int
	TopP              float32
	RepetitionPenalty float32
	NumBeams          int
	Seed              uint64
	StopStrings       []string
	Logprobs          bool    // also return the log-probabilities of tokens
	TopLogprobs       int     // and so many of the most probable tokens at each place
	EOSTokenID        []int32 // not nil and empty: nothing ends a text but its length
	DeadlineMS        float64
	SourceLang        string
	TargetLang        string
}

// TopToken is a token that was probable at a place, with its log-probability.
type TopToken struct {
	ID      int32
	Logprob float32
}

// Tokens are new tokens, without EOS.
type Tokens struct {
	IDs         []int32
	Logprobs    []float32    // of the IDs, with GenerateParams.Logprobs
	TopLogprobs [][]TopToken // at each place, best first, with GenerateParams.TopLogprobs
}

// Sequence is one generated text.
type Sequence struct {
	Text string
	Tokens
	FinishReason string // "stop", "length", "stop_string", "cancelled", "deadline"
}

// Result of a call: the first sequence, and all of them.
type Result struct {
	Sequence
	Sequences    []Sequence
	PromptTokens int
	NewTokens    int
	CachedTokens int
}

func (a *arena) generateParams(m *C.llmcs_model, p *GenerateParams) (*C.llmcs_generate_params, error) {
	native := (*C.llmcs_generate_params)(a.alloc(1, C.sizeof_llmcs_generate_params))
	err := call(func() C.llmcs_status {
		return C.llmcs_generate_params_init_sized(native, C.sizeof_llmcs_generate_params, m)
	})
	if err != nil || p == nil {
		return native, err
	}
	set := func(field *C.int32_t, n int) error {
		if n < math.MinInt32 || n > math.MaxInt32 {
			return &Error{Status: C.LLMCS_ARG, Message: fmt.Sprintf("%d does not fit a 32-bit parameter", n)}
		}
		if n != 0 {
			*field = C.int32_t(n)
		}
		return nil
	}
	for field, n := range map[*C.int32_t]int{&native.max_new_tokens: p.MaxNewTokens, &native.top_k: p.TopK, &native.num_beams: p.NumBeams,
		&native.top_logprobs: p.TopLogprobs} {
		if err := set(field, n); err != nil {
			return nil, err
		}
	}
	if p.DoSample {
		native.do_sample = 1
	}
	if p.Logprobs {
		native.logprobs = 1
	}
	for field, x := range map[*C.float]float32{&native.temperature: p.Temperature, &native.top_p: p.TopP, &native.repetition_penalty: p.RepetitionPenalty} {
		if x != 0 {
			*field = C.float(x)
		}
	}
	native.seed = C.uint64_t(p.Seed)
	if p.DeadlineMS != 0 {
		native.deadline_ms = C.double(p.DeadlineMS)
	}
	if p.StopStrings != nil {
		for _, s := range p.StopStrings {
			if hasNUL(s) {
				return nil, &Error{Status: C.LLMCS_ARG, Message: "StopStrings: a string contains a NUL byte"}
			}
		}
		native.stop_strings, native.n_stop_strings = a.strs(p.StopStrings), C.size_t(len(p.StopStrings))
	}
	if p.EOSTokenID != nil {
		native.eos_token_id, native.n_eos_token_id = a.ids(p.EOSTokenID), C.size_t(len(p.EOSTokenID))
	}
	if s := a.strOrNull(p.SourceLang); s != nil {
		native.source_lang = s
	}
	if s := a.strOrNull(p.TargetLang); s != nil {
		native.target_lang = s
	}
	return native, nil
}

// Copies the k tokens of each of n places.
func topTokens(top *C.llmcs_top_token, n, k int) [][]TopToken {
	if top == nil || n == 0 {
		return nil
	}
	all := append([]TopToken(nil), unsafe.Slice((*TopToken)(unsafe.Pointer(top)), n*k)...)
	rows := make([][]TopToken, n)
	for i := range rows {
		rows[i] = all[i*k : (i+1)*k : (i+1)*k]
	}
	return rows
}

// Copies a C result and frees it; nil gives nil.
func takeResult(native *C.llmcs_result) *Result {
	if native == nil {
		return nil
	}
	defer C.llmcs_result_free(&native)
	r := &Result{PromptTokens: int(native.n_prompt_tokens), NewTokens: int(native.n_new_tokens), CachedTokens: int(native.n_cached_tokens)}
	for _, s := range unsafe.Slice(native.sequences, int(native.n_sequences)) {
		one := Sequence{Text: C.GoStringN(s.text, C.int(s.text_bytes)), FinishReason: C.GoString(C.llmcs_finish_reason_name(s.finish_reason))}
		if s.n_ids > 0 {
			one.IDs = append(one.IDs, unsafe.Slice((*int32)(unsafe.Pointer(s.ids)), int(s.n_ids))...)
		}
		if s.n_ids > 0 && s.logprobs != nil {
			one.Logprobs = append(one.Logprobs, unsafe.Slice((*float32)(unsafe.Pointer(s.logprobs)), int(s.n_ids))...)
		}
		one.TopLogprobs = topTokens(s.top_logprobs, int(s.n_ids), int(s.n_top_logprobs))
		r.Sequences = append(r.Sequences, one)
	}
	r.Sequence = r.Sequences[0]
	return r
}

// Session is the tokens of one conversation.
type Session struct {
	guard
	native *C.llmcs_session
	model  *Model
}

// NewSession makes a session; nCtx 0: the model's context, at most 4,096 tokens.
func (m *Model) NewSession(nCtx int) (*Session, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.leave()
	options := C.llmcs_session_options{}
	C.llmcs_session_options_init_sized(&options, C.sizeof_llmcs_session_options)
	options.n_ctx = C.int32_t(nCtx)
	s := &Session{model: m}
	if err := call(func() C.llmcs_status { return C.llmcs_session_create(m.native, &options, &s.native) }); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(s, (*Session).Close)
	return s, nil
}

// Close ends a running call and frees the session.
func (s *Session) Close() {
	s.mutex.RLock()
	if !s.closed {
		C.llmcs_session_cancel(s.native)
	}
	s.mutex.RUnlock()
	s.close(func() { C.llmcs_session_free(&s.native) })
	runtime.SetFinalizer(s, nil)
}

// Generate continues the prompt. When the context ends it returns the text so far, if there is any, and its error.
func (s *Session) Generate(ctx context.Context, prompt string, params *GenerateParams) (*Result, error) {
	return s.generate(ctx, prompt, params, nil)
}

func (s *Session) generate(ctx context.Context, prompt string, params *GenerateParams, onText func(string)) (*Result, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := s.model.enter(); err != nil {
		return nil, err
	}
	defer s.model.leave()
	var a arena
	defer a.free()
	p, err := a.generateParams(s.model.native, params)
	if err != nil {
		return nil, err
	}
	receiver := C.uintptr_t(0)
	if onText != nil {
		h := cgo.NewHandle(onText)
		defer h.Delete()
		receiver = C.uintptr_t(h)
	}
	var native *C.llmcs_result
	flag, stop := a.flag(ctx)
	p.cancel = flag
	text := a.str(prompt)
	err = call(func() C.llmcs_status {
		return C.bridge_generate(s.native, text, C.size_t(len(prompt)), p, receiver, &native)
	})
	stop()
	r := takeResult(native)
	if err == nil && r.FinishReason == "cancelled" && ctx.Err() != nil {
		return r, fmt.Errorf("llmcs: %w", ctx.Err())
	}
	return r, because(ctx, err)
}

//export llmcsGoText
func llmcsGoText(receiver C.uintptr_t, text *C.char, n C.size_t) C.int {
	cgo.Handle(receiver).Value().(func(string))(C.GoStringN(text, C.int(n)))
	return 0
}

// Stream is pieces of text as they come:
//
//	stream := session.Stream(ctx, prompt, params)
//	defer stream.Close()
//	for stream.Next() {
//		fmt.Print(stream.Text())
//	}
//	return stream.Err()
type Stream struct {
	cancel context.CancelFunc
	mutex  sync.Mutex
	more   *sync.Cond
	pieces []string
	done   bool
	text   string
	result *Result
	err    error
}

func newStream(ctx context.Context, run func(ctx context.Context, onText func(string)) (*Result, error)) *Stream {
	ctx, cancel := context.WithCancel(ctx)
	s := &Stream{cancel: cancel}
	s.more = sync.NewCond(&s.mutex)
	go func() {
		r, err := run(ctx, func(piece string) {
			s.mutex.Lock()
			s.pieces = append(s.pieces, piece)
			s.mutex.Unlock()
			s.more.Signal()
		})
		s.mutex.Lock()
		s.result, s.err, s.done = r, err, true
		s.mutex.Unlock()
		s.more.Broadcast()
		cancel()
	}()
	return s
}

// Stream generates in its own goroutine. Do not use the session for anything else until the stream has ended or is closed.
func (s *Session) Stream(ctx context.Context, prompt string, params *GenerateParams) *Stream {
	return newStream(ctx, func(ctx context.Context, onText func(string)) (*Result, error) {
		return s.generate(ctx, prompt, params, onText)
	})
}

// Next waits for the next piece. At the end it returns false; then see Err.
func (s *Stream) Next() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for len(s.pieces) == 0 && !s.done {
		s.more.Wait()
	}
	if len(s.pieces) == 0 {
		return false
	}
	s.text, s.pieces = s.pieces[0], s.pieces[1:]
	return true
}

// Text is the piece that Next found.
func (s *Stream) Text() string { return s.text }

// Err is the error that ended the stream early, or nil. Call it once Next has returned false.
func (s *Stream) Err() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.err
}

// Result is the whole result, once Next has returned false.
func (s *Stream) Result() *Result {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.result
}

// Close stops the generation and waits for its end.
func (s *Stream) Close() {
	s.cancel()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for !s.done {
		s.more.Wait()
	}
}

// Engine evaluates the requests of many goroutines together.
type Engine struct {
	guard
	native *C.llmcs_engine
	model  *Model
}

// EngineOptions of NewEngine; nil or zeros are the defaults.
type EngineOptions struct {
	KVBytes  uint64
	MaxBatch int
	MaxQueue int // more requests get ErrQueueFull
}

// NewEngine allocates everything that requests share.
func (m *Model) NewEngine(options *EngineOptions) (*Engine, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.leave()
	o := C.llmcs_engine_options{}
	C.llmcs_engine_options_init_sized(&o, C.sizeof_llmcs_engine_options)
	if options != nil {
		o.kv_bytes = C.uint64_t(options.KVBytes)
		if options.MaxBatch != 0 {
			o.max_batch = C.int32_t(options.MaxBatch)
		}
		if options.MaxQueue != 0 {
			o.max_queue = C.int32_t(options.MaxQueue)
		}
	}
	e := &Engine{model: m}
	if err := call(func() C.llmcs_status { return C.llmcs_engine_create(m.native, &o, &e.native) }); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(e, (*Engine).Close)
	return e, nil
}

// Close ends every request, with its text so far.
func (e *Engine) Close() {
	e.mutex.RLock()
	if !e.closed {
		C.llmcs_engine_stop(e.native)
	}
	e.mutex.RUnlock()
	e.close(func() { C.llmcs_engine_free(&e.native) })
	runtime.SetFinalizer(e, nil)
}

// Generate is like Session.Generate, for any number of goroutines at once.
func (e *Engine) Generate(ctx context.Context, prompt string, params *GenerateParams) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("llmcs: %w", err)
	}
	r, err := e.Submit(prompt, params)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Wait(ctx)
}

// Request is a prompt that an engine continues.
type Request struct {
	guard
	native   *C.llmcs_request
	engine   *Engine
	logprobs bool
	nTop     int
}

// Submit is Generate without waiting. Close the request when you are done.
func (e *Engine) Submit(prompt string, params *GenerateParams) (*Request, error) {
	if err := e.enter(); err != nil {
		return nil, err
	}
	defer e.leave()
	if err := e.model.enter(); err != nil {
		return nil, err
	}
	defer e.model.leave()
	var a arena
	defer a.free()
	p, err := a.generateParams(e.model.native, params)
	if err != nil {
		return nil, err
	}
	r := &Request{engine: e, logprobs: p.logprobs != 0, nTop: int(p.top_logprobs)}
	text := a.str(prompt)
	err = call(func() C.llmcs_status {
		return C.llmcs_engine_submit(e.native, text, C.size_t(len(prompt)), p, nil, &r.native)
	})
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(r, (*Request).Close)
	return r, nil
}

// Wait returns the result, each time anew. When the context ends it cancels the request and returns the text so far, if
// there is any, and the context's error.
func (r *Request) Wait(ctx context.Context) (*Result, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.leave()
	if err := r.engine.model.enter(); err != nil {
		return nil, err
	}
	defer r.engine.model.leave()
	var native *C.llmcs_result
	stop := watch(ctx, func() { C.llmcs_request_cancel(r.native) })
	err := call(func() C.llmcs_status { return C.llmcs_request_wait(r.native, -1, &native) })
	stop()
	result := takeResult(native)
	if err == nil && result.FinishReason == "cancelled" && ctx.Err() != nil {
		return result, fmt.Errorf("llmcs: %w", ctx.Err())
	}
	return result, because(ctx, err)
}

// Tokens from number first on, as far as they are there; never waits. Only of one sequence without beams.
func (r *Request) Tokens(first int) (*Tokens, error) {
	if first < 0 {
		return nil, &Error{Status: C.LLMCS_ARG, Message: fmt.Sprintf("first is %d, expected at least 0", first)}
	}
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	var n C.size_t
	err := call(func() C.llmcs_status {
		return C.llmcs_request_tokens(r.native, C.size_t(first), math.MaxInt, nil, nil, nil, &n)
	})
	if err != nil || n == 0 {
		return &Tokens{}, err
	}
	t := &Tokens{IDs: make([]int32, n)}
	var logprobs *C.float
	if r.logprobs {
		t.Logprobs = make([]float32, n)
		logprobs = (*C.float)(unsafe.Pointer(&t.Logprobs[0]))
	}
	var top *C.llmcs_top_token
	if r.nTop > 0 {
		memory := make([]C.llmcs_top_token, int(n)*r.nTop)
		top = &memory[0]
	}
	err = call(func() C.llmcs_status {
		return C.llmcs_request_tokens(r.native, C.size_t(first), n, (*C.int32_t)(unsafe.Pointer(&t.IDs[0])), logprobs, top, &n)
	})
	t.TopLogprobs = topTokens(top, int(n), r.nTop)
	return t, err
}

// Cancel ends the request with its text so far.
func (r *Request) Cancel() {
	if r.enter() == nil {
		C.llmcs_request_cancel(r.native)
		r.leave()
	}
}

// Close cancels the request if it runs, and frees it.
func (r *Request) Close() {
	r.Cancel()
	r.close(func() { C.llmcs_request_free(&r.native) })
	runtime.SetFinalizer(r, nil)
}
