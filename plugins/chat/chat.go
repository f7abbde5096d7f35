// Package chat is the canonical side of a provider adapter whose vendor speaks a
// wire of its own: it reads the Chat Completions request that the host hands over
// and writes the Chat Completions answer, whole or in chunks, that the host takes
// back. The vendor's side is the adapter's own package, as plugins/anthropic.
//
// It is not for adapters of OpenAI-compatible servers, whose answers are canonical
// as they come, and it decides nothing: which member a wire can carry, and what a
// vendor's words mean, is the adapter's knowledge.
//
// Everything here runs inside a guest: it holds handles, never texts, and is not
// safe for concurrent use. Read request.go first (message.go, tool.go and call.go
// are its parts), then completion.go (a whole
// answer), stream.go (one in chunks) and failure.go.
package chat

import "github.com/pointsman/pointsman/sdk"

// Finish reasons of a choice, as the canonical form knows them.
const (
	FinishStop          = "stop"
	FinishLength        = "length"
	FinishToolCalls     = "tool_calls"
	FinishContentFilter = "content_filter"
)

// IsText reports whether the node is a string that holds at least one byte.
//
//go:noinline
func IsText(n sdk.Node) bool { return n.ReadText(nil) > 0 }

// Count reads a counter of a provider: 0 for anything but a number, and within
// 0 and 2^40, so that sums of a few of them stay inside an int64.
func Count(n sdk.Node) int64 {
	if n == 0 {
		return 0
	}
	return min(max(n.Int(), 0), 1<<40)
}

// Word returns a short text of a closed set, as a reason or an event's type, to
// switch on; the beginning of a longer one. It is valid until the next Word.
func Word(n sdk.Node) []byte {
	return Beginning(n, word[:])
}

// Beginning copies as much of a text as fits into buf, and returns it; nothing of other kinds.
func Beginning(n sdk.Node, buf []byte) []byte {
	size := n.ReadText(buf)
	if size > len(buf) {
		size = n.Slice(0, len(buf)).ReadText(buf)
	}
	return buf[:size]
}

var word [64]byte
