package main

import (
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// A stream as a whole: each line knows the speech that the first one named. A fixture is one
// call, so this is what fixtures.json cannot say.
func TestStream(t *testing.T) {
	state, call := new(document.State), sdktest.JSON(t, `{"target":{"upstream_id":"grey-1"}}`)
	var chunks []string
	for _, line := range []string{`{"speech":"sp-7"}`, `{"piece":"Hel"}`, `{"piece":"lo"}`, `{"ended":"done","cost":{"heard":3,"spoken":2}}`, ""} {
		in := document.FrameInput{Kind: abi.KindProvider, Entry: abi.EntryEvent, State: state, Call: call, Status: 200}
		if in.Response = sdktest.Body(line); line == "" {
			in.Response, in.EventName = document.Node{}, abi.EventEOF
		}
		f := sdktest.Call(t, in, func() {
			if got := (parrot{}).Event(); got != sdk.OK {
				t.Errorf("Event(%s) = %d, want OK", line, got)
			}
		})
		for _, chunk := range f.Chunks() {
			chunks = append(chunks, string(chunk))
		}
	}
	all := strings.Join(chunks, "\n")
	for part, want := range map[string]int{`{"id":"sp-7",`: 4, `"role":"assistant"`: 1, `"content":"lo"`: 1, `"finish_reason":"stop"`: 1, `"total_tokens":5`: 1} {
		if got := strings.Count(all, part); len(chunks) != 4 || got != want {
			t.Errorf("%d chunks have %s %d times, want 4 that have it %d times:\n%s", len(chunks), part, got, want, all)
		}
	}
}
