// Package sdktest runs a plugin's functions outside wasm, under go test, on
// the same document layer that the host uses: what passes here behaves alike as a
// guest. It is for the tests of plugins; it runs no wasm and enforces no fuel or
// memory limit.
//
//	f := sdktest.Call(t, document.FrameInput{
//		Context: sdktest.JSON(t, `{"request":{"text":"please refactor"}}`),
//	}, func() { decide() })
//	got := f.Targets()
package sdktest

import (
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk"
)

// mu is held during a call: the sdk package has one bound host, as a guest instance has.
var mu sync.Mutex

// Run gives entry the documents of in and returns the frame, which holds what entry
// emitted, targeted and failed with. A broken limit is in the frame's Err; a panic
// in entry, which a host would see as a trap, goes on to the caller.
// Safe for concurrent use; calls run one after another. entry must not call Run.
func Run(in document.FrameInput, entry func()) *document.Frame {
	mu.Lock()
	defer mu.Unlock()
	f := new(document.Frame)
	f.Reset(in)
	defer sdk.Bind(f)()
	entry()
	return f
}

// Call is [Run] for a test that expects entry to keep within the limits.
func Call(t testing.TB, in document.FrameInput, entry func()) *document.Frame {
	t.Helper()
	f := Run(in, entry)
	if err := f.Err(); err != nil {
		t.Errorf("the call broke a limit of the boundary: %v", err)
	}
	return f
}

// JSON returns text as a document's root.
func JSON(t testing.TB, text string) document.Node {
	t.Helper()
	d, err := document.Parse([]byte(text), document.Limits{})
	if err != nil {
		t.Fatalf("Parse(%.200q) = %v", text, err)
	}
	return d.Root()
}

// Body returns what a provider sent as a document's root: JSON, or a string when it
// is none, as the host does it.
func Body(text string) document.Node {
	if d, err := document.Parse([]byte(text), document.Limits{}); err == nil {
		return d.Root()
	}
	return document.String(text).Root()
}
