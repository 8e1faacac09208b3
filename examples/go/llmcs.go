// Package llmcs runs language models with libllmcs: generate, classify, embed, and the desk of libllmcs_shop.
//
//	model, err := llmcs.Open("examples/models/shop-gpt2", nil)
//	if err != nil {
//		return err
//	}
//	defer model.Close()
//	session, err := model.NewSession(0)
//	...
//	result, err := session.Generate(ctx, "User: Where is my order?\nBot:", &llmcs.GenerateParams{MaxNewTokens: 40})
//
// When a context ends, its call stops and returns context.Canceled or context.DeadlineExceeded. Other failures are
// *Error: errors.Is(err, llmcs.ErrContextFull). Close waits for running calls and frees the object; without it, the
// garbage collector does. Models, engines and shops may be used by any number of goroutines, a session by one at a time.
package llmcs

/*
#cgo CFLAGS: -std=c11 -I${SRCDIR}/../../include
#cgo LDFLAGS: -L${SRCDIR}/../../build/lib -lllmcs_shop -lllmcs -Wl,-rpath,${SRCDIR}/../../build/lib
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Version of the library that runs.
func Version() string { return C.GoString(C.llmcs_version()) }

// ---------------------------------------------------------------------------------------------- errors

// Error is a failed call: its status and what llmcs_error_message said.
type Error struct {
	Status  int
	Message string
}

func (e *Error) Error() string {
	if e.Message == "" {
		return "llmcs: " + C.GoString(C.llmcs_status_name(C.llmcs_status(e.Status)))
	}
	return "llmcs: " + e.Message
}

// Is compares the status alone: errors.Is(err, ErrBusy).
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Status == e.Status
}

// One for each status.
var (
	ErrArg         = &Error{Status: C.LLMCS_ARG}
	ErrNoMem       = &Error{Status: C.LLMCS_NOMEM}
	ErrIO          = &Error{Status: C.LLMCS_IO}
	ErrFormat      = &Error{Status: C.LLMCS_FORMAT}
	ErrJSON        = &Error{Status: C.LLMCS_JSON}
	ErrConfig      = &Error{Status: C.LLMCS_CONFIG}
	ErrTokenizer   = &Error{Status: C.LLMCS_TOKENIZER}
	ErrUnsupported = &Error{Status: C.LLMCS_UNSUPPORTED}
	ErrLimit       = &Error{Status: C.LLMCS_LIMIT}
	ErrChanged     = &Error{Status: C.LLMCS_CHANGED}
	ErrNoSpace     = &Error{Status: C.LLMCS_NOSPACE}
	ErrContextFull = &Error{Status: C.LLMCS_CONTEXT_FULL}
	ErrTokenRange  = &Error{Status: C.LLMCS_TOKEN_RANGE}
	ErrUTF8        = &Error{Status: C.LLMCS_UTF8}
	ErrNumeric     = &Error{Status: C.LLMCS_NUMERIC}
	ErrCancelled   = &Error{Status: C.LLMCS_CANCELLED}
	ErrBusy        = &Error{Status: C.LLMCS_BUSY}
	ErrState       = &Error{Status: C.LLMCS_STATE}
	ErrThread      = &Error{Status: C.LLMCS_THREAD}
	ErrFork        = &Error{Status: C.LLMCS_FORK}
	ErrDeadline    = &Error{Status: C.LLMCS_DEADLINE}
	ErrInternal    = &Error{Status: C.LLMCS_INTERNAL}
	ErrQueueFull   = &Error{Status: C.LLMCS_QUEUE_FULL}
	ErrNoHead      = &Error{Status: C.LLMCS_NO_HEAD}
	ErrPending     = &Error{Status: C.LLMCS_PENDING}
	ErrBuffer      = &Error{Status: C.LLMCS_BUFFER}
	ErrTemplate    = &Error{Status: C.LLMCS_TEMPLATE}
)

var errClosed = &Error{Status: C.LLMCS_STATE, Message: "the object is closed"}

// The message belongs to the calling thread, so the goroutine stays on that thread until it has read it.
func call(f func() C.llmcs_status) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if status := f(); status != C.LLMCS_OK {
		return &Error{Status: int(status), Message: C.GoString(C.llmcs_error_message())}
	}
	return nil
}

// Returns the context's error instead of the cancellation that it caused.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ErrCancelled) {
		return fmt.Errorf("llmcs: %w", ctx.Err())
	}
	return err
}

// Calls cancel when the context ends. After stop has returned, cancel is not called any more.
func watch(ctx context.Context, cancel func()) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-ctx.Done():
			cancel()
		case <-end:
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// ---------------------------------------------------------------------------------------------- C memory

// C memory of one call: C structs that contain pointers must not be in Go memory.
type arena struct{ blocks []unsafe.Pointer }

func (a *arena) alloc(n int, size uintptr) unsafe.Pointer {
	p := C.calloc(C.size_t(n)+1, C.size_t(size)) // a NUL byte, or an element of zeros, at the end
	a.blocks = append(a.blocks, p)
	return p
}

func (a *arena) str(s string) *C.char {
	p := a.alloc(len(s), 1)
	copy(unsafe.Slice((*byte)(p), len(s)), s)
	return (*C.char)(p)
}

// For texts that C reads up to their NUL; "" is NULL.
func (a *arena) strOrNull(s string) *C.char {
	if s == "" {
		return nil
	}
	return a.str(s)
}

func (a *arena) strs(all []string) **C.char {
	if len(all) == 0 {
		return nil
	}
	p := (**C.char)(a.alloc(len(all), unsafe.Sizeof(uintptr(0))))
	for i, s := range all {
		unsafe.Slice(p, len(all))[i] = a.str(s)
	}
	return p
}

func (a *arena) ids(all []int32) *C.int32_t {
	p := (*C.int32_t)(a.alloc(len(all), 4))
	copy(unsafe.Slice((*int32)(unsafe.Pointer(p)), len(all)), all)
	return p
}

// What llmcs_text_params.cancel points to, set when the context ends.
func (a *arena) flag(ctx context.Context) (flag *C.int32_t, stop func()) {
	flag = (*C.int32_t)(a.alloc(1, 4))
	return flag, watch(ctx, func() { atomic.StoreInt32((*int32)(unsafe.Pointer(flag)), 1) })
}

func (a *arena) free() {
	for _, p := range a.blocks {
		C.free(p)
	}
}

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }

func checkPath(path string) error {
	if hasNUL(path) {
		return &Error{Status: C.LLMCS_ARG, Message: fmt.Sprintf("path %q contains a NUL byte", path)}
	}
	return nil
}

// Guards the pointer of an object: calls hold it open, Close waits for them.
type guard struct {
	mutex  sync.RWMutex
	closed bool
}

func (g *guard) enter() error {
	g.mutex.RLock()
	if g.closed {
		g.mutex.RUnlock()
		return errClosed
	}
	return nil
}

// enter for a call, unless its context ended before it.
func (g *guard) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("llmcs: %w", err)
	}
	return g.enter()
}

func (g *guard) leave() { g.mutex.RUnlock() }

func (g *guard) close(free func()) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if !g.closed {
		g.closed = true
		free()
	}
}

// ---------------------------------------------------------------------------------------------- models

// How weights are stored in memory.
const (
	WeightsAuto = C.LLMCS_WEIGHTS_AUTO
	WeightsF32  = C.LLMCS_WEIGHTS_F32
	WeightsInt8 = C.LLMCS_WEIGHTS_INT8
	WeightsInt4 = C.LLMCS_WEIGHTS_INT4
)

// ModelOptions of Open; nil or zeros are the defaults.
type ModelOptions struct {
	Threads  int
	MaxBytes uint64
	Weights  int
	Adapters []string // LoRA adapters
}

// Model is a folder or GGUF file, opened.
type Model struct {
	guard
	native *C.llmcs_model
	labels []string
	width  int // floats in a vector of Embed
}

// Open opens a model.
func Open(path string, options *ModelOptions) (*Model, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	var a arena
	defer a.free()
	o := (*C.llmcs_model_options)(a.alloc(1, C.sizeof_llmcs_model_options))
	C.llmcs_model_options_init_sized(o, C.sizeof_llmcs_model_options)
	if options != nil {
		o.n_threads = C.int32_t(options.Threads)
		o.max_bytes = C.uint64_t(options.MaxBytes)
		o.weights = C.llmcs_weights(options.Weights)
		o.adapters = a.strs(options.Adapters)
		o.n_adapters = C.size_t(len(options.Adapters))
	}
	m := &Model{}
	name := a.str(path)
	if err := call(func() C.llmcs_status { return C.llmcs_model_open(name, o, &m.native) }); err != nil {
		return nil, err
	}
	info := C.llmcs_model_info{struct_size: C.sizeof_llmcs_model_info}
	if err := call(func() C.llmcs_status { return C.llmcs_model_get_info(m.native, &info) }); err != nil {
		m.Close()
		return nil, err
	}
	for i := C.int32_t(0); i < info.n_labels; i++ {
		m.labels = append(m.labels, C.GoString(C.llmcs_model_label(m.native, i)))
	}
	m.width = int(info.n_embedding)
	runtime.SetFinalizer(m, (*Model).Close)
	return m, nil
}

// Close frees the model when sessions and engines made from it are closed, too.
func (m *Model) Close() {
	m.close(func() { C.llmcs_model_free(&m.native) })
	runtime.SetFinalizer(m, nil)
}

// Labels of a classifier, by id.
func (m *Model) Labels() []string { return append([]string(nil), m.labels...) }

// TextParams of Classify, Embed and Rerank; nil or zeros are the defaults.
type TextParams struct {
	MaxLength   int
	Windows     bool // read texts longer than MaxLength in windows
	Stride      int
	PromptName  string
	Prompt      string
	TruncateDim int
}

func (a *arena) textParams(p *TextParams) *C.llmcs_text_params {
	native := (*C.llmcs_text_params)(a.alloc(1, C.sizeof_llmcs_text_params))
	C.llmcs_text_params_init_sized(native, C.sizeof_llmcs_text_params)
	if p != nil {
		native.max_length = C.size_t(p.MaxLength)
		native.stride = C.size_t(p.Stride)
		native.truncate_dim = C.size_t(p.TruncateDim)
		native.prompt_name = a.strOrNull(p.PromptName)
		native.prompt = a.strOrNull(p.Prompt)
		if p.Windows {
			native.overflow = C.LLMCS_OVERFLOW_WINDOWS
		}
	}
	return native
}

func (a *arena) texts(all []string) *C.llmcs_text {
	p := (*C.llmcs_text)(a.alloc(len(all), C.sizeof_llmcs_text))
	for i, s := range all {
		t := &unsafe.Slice(p, len(all))[i]
		t.text, t.text_bytes = a.str(s), C.size_t(len(s))
	}
	return p
}

// Runs an encoder call with its texts, parameters and flag.
func (m *Model) encode(ctx context.Context, texts []string, params *TextParams,
	f func(a *arena, t *C.llmcs_text, p *C.llmcs_text_params) C.llmcs_status) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.leave()
	var a arena
	defer a.free()
	t, p := a.texts(texts), a.textParams(params)
	flag, stop := a.flag(ctx)
	defer stop()
	p.cancel = flag
	return because(ctx, call(func() C.llmcs_status { return f(&a, t, p) }))
}

// Class is the best class of a text.
type Class struct {
	ID     int
	Label  string
	Score  float32
	Scores []float32 // of every class
}

// Classify texts.
func (m *Model) Classify(ctx context.Context, texts []string, params *TextParams) ([]Class, error) {
	n, width := len(texts), len(m.labels)
	scores, labels := make([]float32, n*width+1), make([]int32, n+1)
	err := m.encode(ctx, texts, params, func(_ *arena, t *C.llmcs_text, p *C.llmcs_text_params) C.llmcs_status {
		return C.llmcs_classify(m.native, t, C.size_t(n), p, (*C.float)(&scores[0]), (*C.int32_t)(&labels[0]), nil)
	})
	if err != nil {
		return nil, err
	}
	classes := make([]Class, n)
	for i := range classes {
		row := scores[i*width : (i+1)*width : (i+1)*width]
		id := int(labels[i])
		classes[i] = Class{ID: id, Label: m.labels[id], Score: row[id], Scores: row}
	}
	return classes, nil
}

// Embed texts.
func (m *Model) Embed(ctx context.Context, texts []string, params *TextParams) ([][]float32, error) {
	n, width := len(texts), m.width
	if params != nil && params.TruncateDim > 0 && params.TruncateDim < width {
		width = params.TruncateDim
	}
	floats := make([]float32, n*width+1)
	err := m.encode(ctx, texts, params, func(_ *arena, t *C.llmcs_text, p *C.llmcs_text_params) C.llmcs_status {
		return C.llmcs_embed(m.native, t, C.size_t(n), p, (*C.float)(&floats[0]), nil)
	})
	if err != nil {
		return nil, err
	}
	vectors := make([][]float32, n)
	for i := range vectors {
		vectors[i] = floats[i*width : (i+1)*width : (i+1)*width]
	}
	return vectors, nil
}

// Rerank scores how well each document answers the query.
func (m *Model) Rerank(ctx context.Context, query string, documents []string, params *TextParams) ([]float32, error) {
	n := len(documents)
	scores := make([]float32, n+1)
	err := m.encode(ctx, documents, params, func(a *arena, t *C.llmcs_text, p *C.llmcs_text_params) C.llmcs_status {
		return C.llmcs_rerank(m.native, a.str(query), C.size_t(len(query)), t, C.size_t(n), p, (*C.float)(&scores[0]), nil)
	})
	if err != nil {
		return nil, err
	}
	return scores[:n], nil
}

// Encode gives the token ids of a text.
func (m *Model) Encode(text string) ([]int32, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.leave()
	tokenizer := C.llmcs_model_tokenizer(m.native)
	if tokenizer == nil {
		return nil, &Error{Status: C.LLMCS_TOKENIZER, Message: "this model's folder has no tokenizer"}
	}
	var a arena
	defer a.free()
	var n C.size_t
	t := a.str(text)
	fill := func(ids *C.int32_t, capacity C.size_t) error {
		return call(func() C.llmcs_status {
			return C.llmcs_encode(tokenizer, t, C.size_t(len(text)), nil, 0, nil, ids, nil, nil, capacity, &n)
		})
	}
	if err := fill(nil, 0); err != nil {
		return nil, err
	}
	ids := make([]int32, int(n)+1)
	err := fill((*C.int32_t)(&ids[0]), n)
	return ids[:n], err
}
