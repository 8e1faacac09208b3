package llmcs

/*
#include "bridge.h"
*/
import "C"

import (
	"context"
	"fmt"
	"runtime"
	"unsafe"
)

// Shop is a store opened with its settings: desk, knowledge base, guard.
type Shop struct {
	guard
	native *C.llmcs_shop_service
}

// OpenShop opens a store with the settings of `llmcs-shop init`.
func OpenShop(path string) (*Shop, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	var a arena
	defer a.free()
	s := &Shop{}
	name := a.str(path)
	if err := call(func() C.llmcs_status { return C.llmcs_shop_service_open(name, nil, &s.native) }); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(s, (*Shop).Close)
	return s, nil
}

// Close waits for running turns.
func (s *Shop) Close() {
	s.close(func() { C.llmcs_shop_service_free(&s.native) })
	runtime.SetFinalizer(s, nil)
}

// Message of a customer. Customer comes from your login, never from the text; "" is nobody.
type Message struct {
	Conversation string
	Customer     string
	ID           string // the same id in a conversation gives the same reply
	Text         string
	Lang         string
	DeadlineMS   float64
}

// Citation names the text of an entry that an answer cites.
type Citation struct {
	ID, Lang  string
	Version   int
	TextIndex int
}

// Turn is a reply with its details.
type Turn struct {
	Reply       string
	Route       string // "flow", "entry", "handover", ...
	Lang        string
	Number      int64
	Repeated    bool
	Expects     int // 0 anything, 1 a slot, 2 a yes, 3 a choice, 4 a person
	Intent      string
	Flow        string
	Action      string
	ActionState string // "NONE", "DONE", "FAILED", "UNKNOWN", "PENDING"
	Handover    string // why a person has to answer, or ""
	Citations   []Citation
	Products    []string
}

func citations(all **C.llmcs_shop_citation, n C.size_t) []Citation {
	var out []Citation
	if n == 0 {
		return nil
	}
	for _, c := range unsafe.Slice(all, int(n)) {
		out = append(out, Citation{C.GoString(c.id), C.GoString(c.lang), int(c.version), int(c.text_index)})
	}
	return out
}

// Say answers a message.
func (s *Shop) Say(ctx context.Context, m Message) (*Turn, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	for _, text := range []string{m.Conversation, m.Customer, m.ID, m.Lang} {
		if hasNUL(text) {
			return nil, &Error{Status: C.LLMCS_ARG, Message: fmt.Sprintf("message: %q contains a NUL byte", text)}
		}
	}
	var a arena
	defer a.free()
	native := (*C.llmcs_shop_message)(a.alloc(1, C.sizeof_llmcs_shop_message))
	C.llmcs_shop_message_init_sized(native, C.sizeof_llmcs_shop_message)
	native.conversation, native.customer, native.id = a.str(m.Conversation), a.strOrNull(m.Customer), a.strOrNull(m.ID)
	native.text, native.text_bytes, native.lang = a.str(m.Text), C.size_t(len(m.Text)), a.strOrNull(m.Lang)
	native.deadline_ms = C.double(m.DeadlineMS)
	flag, stop := a.flag(ctx)
	defer stop()
	native.cancel = flag
	var t *C.llmcs_shop_turn
	err := call(func() C.llmcs_status {
		return C.llmcs_shop_desk_say(C.llmcs_shop_service_desk(s.native), native, &t)
	})
	if err != nil {
		return nil, because(ctx, err)
	}
	defer C.llmcs_shop_turn_free(&t)
	turn := &Turn{
		Reply: C.GoStringN(t.reply, C.int(t.reply_bytes)), Route: C.GoString(C.llmcs_shop_desk_route_name(t.route)),
		Lang: C.GoString(t.lang), Number: int64(t.number), Repeated: t.repeated != 0, Expects: int(t.expects),
		Intent: C.GoString(t.intent), Flow: C.GoString(t.flow), Action: C.GoString(t.action),
		ActionState: C.GoString(C.llmcs_shop_action_state_name(t.action_state)), Handover: C.GoString(t.handover_reason),
		Citations: citations(t.citations, t.n_citations),
	}
	if t.n_products > 0 {
		for _, id := range unsafe.Slice(t.products, int(t.n_products)) {
			turn.Products = append(turn.Products, C.GoString(id))
		}
	}
	return turn, nil
}

// Answer of the knowledge base.
type Answer struct {
	Route       string // "NONE", "ENTRY", "FILLED", "GENERATED", "ASK_BACK"
	Text        string
	Probability float64
	Citations   []Citation
}

// Ask answers a question from the entries, asks back, or abstains. It checks ctx before it starts, not while it runs.
func (s *Shop) Ask(ctx context.Context, question string) (*Answer, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	var a arena
	defer a.free()
	text := a.str(question)
	var found *C.llmcs_shop_answer
	err := call(func() C.llmcs_status {
		return C.llmcs_shop_ask(C.llmcs_shop_service_shop(s.native), text, C.size_t(len(question)), nil, &found)
	})
	if err != nil {
		return nil, err
	}
	defer C.llmcs_shop_answer_free(&found)
	return &Answer{
		Route: C.GoString(C.llmcs_shop_route_name(found.route)), Text: C.GoStringN(found.text, C.int(found.text_bytes)),
		Probability: float64(found.probability), Citations: citations(found.citations, found.n_citations),
	}, nil
}
