package llmcs

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// What calls must give: tests/bindings/test_go.py writes it and sets EXPECTED.
type expectation struct {
	GPT2, Bert, Encoder, Tiny, Store, Prompt, Text string
	IDs                                            []int32
	Reviews                                        []string
	Classes                                        []struct {
		Label string
		Score float32
	}
	Ranks   []float32
	Vectors [][]float32
}

var (
	expected   expectation
	background = context.Background()
	same       = &GenerateParams{MaxNewTokens: 24, EOSTokenID: []int32{}}
	long       = &GenerateParams{MaxNewTokens: 400, EOSTokenID: []int32{}}
)

func TestMain(m *testing.M) {
	path := os.Getenv("EXPECTED")
	if path == "" {
		os.Stderr.WriteString("EXPECTED is not set: run tests/bindings/test_go.py\n")
		os.Exit(2)
	}
	bytes, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(bytes, &expected)
	}
	if err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func equal(t *testing.T, found, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(found, wanted) {
		t.Fatalf("found %v, expected %v", found, wanted)
	}
}

func is(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("found %v, expected %v", err, target)
	}
}

func TestEncoders(t *testing.T) {
	bert := must[*Model](t)(Open(expected.Bert, &ModelOptions{Threads: 2}))
	defer bert.Close()
	classes := must[[]Class](t)(bert.Classify(background, expected.Reviews, nil))
	for i, c := range classes {
		equal(t, c.Label, expected.Classes[i].Label)
		equal(t, c.Score, expected.Classes[i].Score)
		equal(t, len(c.Scores), len(bert.Labels()))
	}
	equal(t, must[[]float32](t)(bert.Rerank(background, "good?", expected.Reviews, nil)), expected.Ranks)
	equal(t, len(must[[]Class](t)(bert.Classify(background, nil, nil))), 0)
	must[[]Class](t)(bert.Classify(background, []string{"a\x00b", ""}, &TextParams{MaxLength: 4, Windows: true}))
	encoder := must[*Model](t)(Open(expected.Encoder, nil))
	defer encoder.Close()
	equal(t, must[[][]float32](t)(encoder.Embed(background, []string{"red dress", "红色连衣裙"}, nil)), expected.Vectors)
	short := must[[][]float32](t)(encoder.Embed(background, []string{"red dress"}, &TextParams{TruncateDim: 16}))
	equal(t, len(short[0]), 16)
}

func TestGenerate(t *testing.T) {
	model := must[*Model](t)(Open(expected.GPT2, nil))
	defer model.Close()
	equal(t, must[[]int32](t)(model.Encode(expected.Prompt)), expected.IDs)
	session := must[*Session](t)(model.NewSession(0))
	defer session.Close()
	r := must[*Result](t)(session.Generate(background, expected.Prompt, same))
	equal(t, r.Text, expected.Text)
	equal(t, r.FinishReason, "length")
	equal(t, r.NewTokens, 24)
	stop := must[*Result](t)(session.Generate(background, expected.Prompt, &GenerateParams{
		MaxNewTokens: 24, EOSTokenID: []int32{}, StopStrings: []string{expected.Text[6:12], "never"}}))
	equal(t, stop.Text, expected.Text[:6])
	equal(t, stop.FinishReason, "stop_string")
	beams := must[*Result](t)(session.Generate(background, expected.Prompt, &GenerateParams{MaxNewTokens: 4, NumBeams: 2}))
	equal(t, len(beams.Sequences), 1)

	stream := session.Stream(background, expected.Prompt, same)
	var pieces []string
	for stream.Next() {
		pieces = append(pieces, stream.Text())
	}
	stream.Close()
	equal(t, stream.Err(), nil)
	equal(t, strings.Join(pieces, ""), expected.Text)
	equal(t, stream.Result().Text, expected.Text)
	if len(pieces) < 5 {
		t.Fatalf("%d pieces", len(pieces))
	}

	engine := must[*Engine](t)(model.NewEngine(nil))
	defer engine.Close()
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			r, err := engine.Generate(background, expected.Prompt, same)
			if err != nil || r.Text != expected.Text {
				t.Errorf("%v, %v", r, err)
			}
		}()
	}
	group.Wait()
}

func TestTokens(t *testing.T) {
	model := must[*Model](t)(Open(expected.GPT2, nil))
	defer model.Close()
	engine := must[*Engine](t)(model.NewEngine(nil))
	defer engine.Close()
	scored := *same
	scored.Logprobs, scored.TopLogprobs = true, 3
	request := must[*Request](t)(engine.Submit(expected.Prompt, &scored))
	var seen Tokens
	for len(seen.IDs) < 24 {
		more := must[*Tokens](t)(request.Tokens(len(seen.IDs)))
		seen.IDs = append(seen.IDs, more.IDs...)
		seen.Logprobs = append(seen.Logprobs, more.Logprobs...)
		seen.TopLogprobs = append(seen.TopLogprobs, more.TopLogprobs...)
		time.Sleep(time.Millisecond)
	}
	r := must[*Result](t)(request.Wait(background))
	equal(t, r.Text, expected.Text)
	equal(t, r.Tokens, seen)
	for i, top := range seen.TopLogprobs {
		equal(t, len(top), 3)
		equal(t, top[0], TopToken{seen.IDs[i], seen.Logprobs[i]})
		if top[0].Logprob < top[1].Logprob || top[1].Logprob < top[2].Logprob {
			t.Fatal(top)
		}
	}
	equal(t, must[*Tokens](t)(request.Tokens(20)).IDs, seen.IDs[20:])
	equal(t, len(must[*Tokens](t)(request.Tokens(24)).IDs), 0)
	_, err := request.Tokens(-1)
	is(t, err, ErrArg)
	request.Close()
	_, err = request.Tokens(0)
	is(t, err, ErrState)
	plain := must[*Request](t)(engine.Submit(expected.Prompt, long))
	plain.Cancel()
	equal(t, len(must[*Tokens](t)(plain.Tokens(0)).Logprobs), 0)
	plain.Close()
	beams := must[*Request](t)(engine.Submit(expected.Prompt, &GenerateParams{MaxNewTokens: 4, NumBeams: 2}))
	_, err = beams.Tokens(0)
	is(t, err, ErrState)
	beams.Close()
	_, err = engine.Submit(expected.Prompt, &GenerateParams{TopLogprobs: 3})
	is(t, err, ErrArg)
}

func TestContexts(t *testing.T) {
	model := must[*Model](t)(Open(expected.GPT2, nil))
	defer model.Close()
	session := must[*Session](t)(model.NewSession(0))
	defer session.Close()
	engine := must[*Engine](t)(model.NewEngine(nil))
	defer engine.Close()
	over, cancel := context.WithCancel(background)
	cancel()
	for _, generate := range []func(context.Context, string, *GenerateParams) (*Result, error){session.Generate, engine.Generate} {
		_, err := generate(over, expected.Prompt, same)
		is(t, err, context.Canceled)
		for _, after := range []time.Duration{time.Millisecond, 20 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(background, after)
			_, err := generate(ctx, expected.Prompt, long)
			is(t, err, context.DeadlineExceeded)
			cancel()
		}
		// What came too late for one call does not end the next.
		for i := 0; i < 30; i++ {
			ctx, cancel := context.WithTimeout(background, time.Duration(i)*200*time.Microsecond)
			generate(ctx, expected.Prompt, &GenerateParams{MaxNewTokens: 1})
			cancel()
		}
		equal(t, must[*Result](t)(generate(background, expected.Prompt, same)).Text, expected.Text)
	}
	stream := session.Stream(background, expected.Prompt, long)
	for i := 0; i < 3 && stream.Next(); i++ {
	}
	stream.Close()
	is(t, stream.Err(), context.Canceled)
	if r := stream.Result(); r == nil || r.FinishReason != "cancelled" {
		t.Fatalf("%+v", r)
	}
	equal(t, must[*Result](t)(session.Generate(background, expected.Prompt, same)).Text, expected.Text)

	// Nor one of a stream that failed before it had a token.
	for i := 0; i < 100; i++ {
		fresh := must[*Session](t)(model.NewSession(0))
		failing := fresh.Stream(background, expected.Prompt, &GenerateParams{Temperature: -1})
		time.Sleep(time.Duration(i) * 2 * time.Microsecond)
		failing.Close()
		must[*Result](t)(fresh.Generate(background, expected.Prompt, &GenerateParams{MaxNewTokens: 1}))
		fresh.Close()
	}

	bert := must[*Model](t)(Open(expected.Bert, nil))
	defer bert.Close()
	many := make([]string, 4000)
	for i := range many {
		many[i] = strings.Repeat(expected.Reviews[1], 8)
	}
	ctx, cancel := context.WithTimeout(background, 10*time.Millisecond)
	defer cancel()
	_, err := bert.Classify(ctx, many, nil)
	is(t, err, context.DeadlineExceeded)
}

func TestErrors(t *testing.T) {
	_, err := Open("no-such-folder", nil)
	is(t, err, ErrIO)
	if errors.Is(err, ErrNoMem) || !strings.Contains(err.Error(), "no-such-folder") {
		t.Fatal(err)
	}
	var e *Error
	if !errors.As(err, &e) || e.Status != ErrIO.Status {
		t.Fatal(err)
	}
	_, err = Open("a\x00b", nil)
	is(t, err, ErrArg)
	bert := must[*Model](t)(Open(expected.Bert, nil))
	_, err = bert.NewSession(0)
	is(t, err, ErrNoHead)
	_, err = bert.Embed(background, []string{"a"}, &TextParams{PromptName: "query"})
	is(t, err, ErrArg)
	bert.Close()
	bert.Close()
	_, err = bert.Classify(background, []string{"a"}, nil)
	is(t, err, ErrState)
	model := must[*Model](t)(Open(expected.GPT2, nil))
	defer model.Close()
	small := must[*Session](t)(model.NewSession(16))
	defer small.Close()
	_, err = small.Generate(background, strings.Repeat(expected.Prompt, 9), nil)
	is(t, err, ErrContextFull)
	_, err = small.Generate(background, "a", &GenerateParams{Temperature: -1})
	is(t, err, ErrArg)
	session := must[*Session](t)(model.NewSession(0))
	stream := session.Stream(background, expected.Prompt, long)
	stream.Next()
	_, err = session.Generate(background, "a", nil)
	is(t, err, ErrBusy)
	session.Close() // ends the stream
	for stream.Next() {
	}
	equal(t, stream.Result().FinishReason, "cancelled")
	engine := must[*Engine](t)(model.NewEngine(&EngineOptions{MaxQueue: 1, MaxBatch: 1}))
	defer engine.Close()
	results := make(chan error)
	for i := 0; i < 8; i++ {
		go func() {
			_, err := engine.Generate(background, expected.Prompt, long)
			results <- err
		}()
	}
	refused := 0
	for i := 0; i < 8; i++ {
		if err := <-results; err != nil {
			is(t, err, ErrQueueFull)
			refused++
		}
	}
	if refused == 0 {
		t.Fatal("no request was refused")
	}
}

func TestOpenAndClose(t *testing.T) {
	for i := 0; i < 200; i++ {
		m := must[*Model](t)(Open(expected.Tiny, &ModelOptions{Threads: 1}))
		if i%2 == 0 {
			m.Close()
		}
	}
	runtime.GC() // closes the others
	runtime.GC()
}

func TestShop(t *testing.T) {
	_, err := OpenShop("no-such-store.db")
	is(t, err, ErrIO)
	shop := must[*Shop](t)(OpenShop(expected.Store))
	turn := must[*Turn](t)(shop.Say(background, Message{Conversation: "go-1", Customer: "c001", Text: "Where is my order PL26111334?"}))
	equal(t, turn.Route, "flow")
	if !strings.Contains(turn.Reply, "PL26111334") || turn.Number != 1 {
		t.Fatalf("%+v", turn)
	}
	_, err = shop.Say(background, Message{Conversation: "go-1", Customer: "c002", Text: "Hello"})
	is(t, err, ErrState)
	asked := must[*Turn](t)(shop.Say(background, Message{Conversation: "go-2", Customer: "c002", Text: "取消PL26111606"}))
	equal(t, asked.Expects, 2)
	done := must[*Turn](t)(shop.Say(background, Message{Conversation: "go-2", Customer: "c002", ID: "m", Text: "是的"}))
	equal(t, done.ActionState, "DONE")
	again := must[*Turn](t)(shop.Say(background, Message{Conversation: "go-2", Customer: "c002", ID: "m", Text: "是的"}))
	equal(t, again.Repeated, true)
	equal(t, again.Reply, done.Reply)
	answer := must[*Answer](t)(shop.Ask(background, "What does shipping cost?"))
	equal(t, answer.Route, "ENTRY")
	equal(t, len(answer.Citations), 1)
	over, cancel := context.WithCancel(background)
	cancel()
	_, err = shop.Say(over, Message{Conversation: "go-3", Text: "Hi"})
	is(t, err, context.Canceled)
	var group sync.WaitGroup
	for i := 0; i < 2; i++ {
		group.Add(1)
		go func(conversation string) {
			defer group.Done()
			for j := 0; j < 5; j++ {
				turn, err := shop.Say(background, Message{Conversation: conversation, Text: "What does shipping cost?"})
				if err != nil || turn.Route != "entry" {
					t.Errorf("%+v, %v", turn, err)
				}
			}
		}([]string{"go-4", "go-5"}[i])
	}
	group.Wait()
	shop.Close()
	_, err = shop.Ask(background, "a")
	is(t, err, ErrState)
}
