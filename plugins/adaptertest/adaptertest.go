// Package adaptertest runs the entry points of a provider adapter under go test,
// outside wasm, as the host would: one attempt's documents, its state kept over
// the events of a stream, a fixed clock. It is for the tests of adapters and
// checks what holds for all of them: an answer is valid JSON, or there is a failure.
//
// Read this file; events.go splits a recorded stream.
package adaptertest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// NowMS is the time of every request: 2026-11-22 12:00:00 UTC.
const NowMS = 1795348800000

// Answer is what the adapter made of a call, or of a whole stream.
type Answer struct {
	Output       string   // of Request, Response and Error
	Method       string   // of Request; "" is POST
	Chunks       []string // of a stream
	Path         string
	Headers      [][2]string
	Lossy        []string
	Class        abi.Class
	RetryAfterMS int64
	Failed       bool
	Message      string // of a failure
}

// Provider is what came back from the provider beside the body.
type Provider struct {
	Status        int // default 200
	Fields        map[string]string
	Call, Request string // documents of the attempt, JSON; "": absent
}

// Request runs the request entry point. target is the JSON of the call's target.
func Request(t testing.TB, a sdk.Adapter, target, body string) Answer {
	t.Helper()
	call := sdktest.JSON(t, `{"operation":"chat","target":`+target+`,"headers":{},"attempt":1}`)
	return run(t, abi.EntryRequest, document.FrameInput{Request: sdktest.JSON(t, body), Call: call}, a.Request)
}

// Call runs the request entry point with a whole call document.
func Call(t testing.TB, a sdk.Adapter, call, body string) Answer {
	t.Helper()
	return run(t, abi.EntryRequest, document.FrameInput{Request: sdktest.JSON(t, body), Call: sdktest.JSON(t, call)}, a.Request)
}

// Response runs the response entry point.
func Response(t testing.TB, a sdk.Adapter, p Provider, body string) Answer {
	t.Helper()
	return run(t, abi.EntryResponse, p.input(sdktest.Body(body)), a.Response)
}

// Error runs the error entry point.
func Error(t testing.TB, a sdk.Adapter, p Provider, body string) Answer {
	t.Helper()
	return run(t, abi.EntryError, p.input(sdktest.Body(body)), a.Error)
}

// Stream runs the event entry point for each event, then for the end of the
// stream, and stops at the first failure.
func Stream(t testing.TB, a sdk.Adapter, events []Event) Answer {
	t.Helper()
	var all Answer
	var state document.State
	random := document.NewRandom("req_1", 1, "test")
	for _, e := range append(events[:len(events):len(events)], Event{Name: abi.EventEOF}) {
		in := Provider{}.input(document.Node{})
		if e.Name != abi.EventEOF {
			in = Provider{}.input(sdktest.Body(e.Data))
		}
		in.EventName, in.State, in.Random = e.Name, &state, random
		one := run(t, abi.EntryEvent, in, a.Event)
		all.Chunks = append(all.Chunks, one.Chunks...)
		all.Lossy = append(all.Lossy, one.Lossy...)
		if one.Failed {
			all.Failed, all.Class, all.RetryAfterMS, all.Message = true, one.Class, one.RetryAfterMS, one.Message
			break
		}
	}
	return all
}

func (p Provider) input(body document.Node) document.FrameInput {
	status := p.Status
	if status == 0 {
		status = 200
	}
	var call, request document.Node
	if p.Call != "" {
		call = sdktest.Body(p.Call)
	}
	if p.Request != "" {
		request = sdktest.Body(p.Request)
	}
	return document.FrameInput{
		Call:     call,
		Request:  request,
		Response: body,
		Status:   status,
		Field:    func(name string) string { return p.Fields[strings.ToLower(name)] },
	}
}

func run(t testing.TB, entry string, in document.FrameInput, f func() sdk.Result) Answer {
	t.Helper()
	in.Kind, in.Entry, in.NowMS = abi.KindProvider, entry, NowMS
	in.MaxOutput, in.MaxCalls = abi.ProviderOutput, abi.ProviderCalls
	if in.Random == nil {
		in.Random = document.NewRandom("req_1", 1, "test")
	}
	var result sdk.Result
	frame := sdktest.Call(t, in, func() { result = f() })
	_, message, failed := frame.Failure()
	answer := Answer{
		Lossy: frame.LossyFields(), Class: frame.Class(), RetryAfterMS: frame.RetryAfterMS(),
		Failed: failed, Message: message,
	}
	answer.Method, answer.Path, answer.Headers = frame.HTTP()
	if failed != (result < 0) {
		t.Errorf("%s = %d, failure called: %v; want both or neither", entry, result, failed)
	}
	if entry == abi.EntryEvent {
		for _, chunk := range frame.Chunks() {
			answer.Chunks = append(answer.Chunks, string(chunk))
		}
	} else {
		answer.Output = string(frame.Output())
	}
	if !failed {
		answer.check(t, entry)
	}
	return answer
}

// check fails the test for output that is not JSON.
func (a Answer) check(t testing.TB, entry string) {
	t.Helper()
	if entry == abi.EntryRequest && a.Method == "GET" && a.Output == "" {
		return // it has no body
	}
	outputs := a.Chunks
	if entry != abi.EntryEvent {
		outputs = []string{a.Output}
	}
	for _, out := range outputs {
		if !json.Valid([]byte(out)) {
			t.Errorf("%s emitted what is not JSON: %q", entry, out)
		}
	}
}
