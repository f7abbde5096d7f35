package anthropic_test

import (
	"encoding/json"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/anthropic"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// attempt is a request and the answers to it, which share what the host keeps.
type attempt struct {
	t             testing.TB
	call, request document.Node
	config        document.Node
	state         document.State
	random        *document.Random

	built  string // the provider request
	path   string
	method string
	lossy  []string
}

// begin makes the request of an operation; body "" means that it has none.
func begin(t testing.TB, operation, target, body string) *attempt {
	t.Helper()
	return configured(t, operation, target, body, document.Node{})
}

// configured is begin with a provider's config.
func configured(t testing.TB, operation, target, body string, config document.Node) *attempt {
	t.Helper()
	a := &attempt{
		config: config,
		t:      t, random: document.NewRandom("req_1", 1, "test"),
		call: sdktest.JSON(t, `{"operation":"`+operation+`","target":`+target+`,"headers":{},"attempt":1}`),
	}
	if body != "" {
		a.request = sdktest.JSON(t, body)
	}
	f, ok := a.run(document.FrameInput{Entry: abi.EntryRequest}, anthropic.Adapter{}.Request)
	if !ok {
		_, message, _ := f.Failure()
		t.Fatalf("%s of %s is refused: %s", operation, body, message)
	}
	a.built, a.lossy = string(f.Output()), f.LossyFields()
	a.method, a.path, _ = f.HTTP()
	return a
}

// answer makes the canonical answer of a provider's.
func (a *attempt) answer(body string) (out string, ok bool) {
	a.t.Helper()
	f, ok := a.run(document.FrameInput{Entry: abi.EntryResponse, Response: sdktest.Body(body)}, anthropic.Adapter{}.Response)
	if ok && !json.Valid(f.Output()) {
		a.t.Errorf("answer of %s is not JSON: %q", body, f.Output())
	}
	return string(f.Output()), ok
}

// stream makes the chunks of the events and of the end after them.
func (a *attempt) stream(events ...string) (chunks []string) {
	a.t.Helper()
	for _, data := range append(events, "") {
		in := document.FrameInput{Entry: abi.EntryEvent, EventName: abi.EventEOF}
		if data != "" {
			in.EventName, in.Response = "", sdktest.Body(data)
		}
		f, ok := a.run(in, anthropic.Adapter{}.Event)
		if !ok {
			_, message, _ := f.Failure()
			a.t.Fatalf("event %s fails: %s", data, message)
		}
		for _, c := range f.Chunks() {
			if !json.Valid(c) {
				a.t.Errorf("chunk of %s is not JSON: %q", data, c)
			}
			chunks = append(chunks, string(c))
		}
	}
	return chunks
}

// event takes one event and drops the chunks, which are JSON. ok is false when it fails.
func (a *attempt) event(data string) (ok bool) {
	a.t.Helper()
	f, ok := a.run(document.FrameInput{Entry: abi.EntryEvent, Response: sdktest.Body(data)}, anthropic.Adapter{}.Event)
	for _, c := range f.Chunks() {
		if !json.Valid(c) {
			a.t.Errorf("chunk of %s is not JSON: %q", data, c)
		}
	}
	return ok
}

func (a *attempt) run(in document.FrameInput, entry func() sdk.Result) (f *document.Frame, ok bool) {
	a.t.Helper()
	in.Config, in.Kind, in.Call, in.State, in.Random, in.NowMS = a.config, abi.KindProvider, a.call, &a.state, a.random, adaptertest.NowMS
	in.Status, in.Field = 200, func(string) string { return "" }
	if in.Entry != abi.EntryEvent {
		in.Request = a.request
	}
	var result sdk.Result
	f = sdktest.Call(a.t, in, func() { result = entry() })
	return f, result == sdk.OK
}
