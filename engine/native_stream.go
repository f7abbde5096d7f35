package engine

import (
	"context"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// passing is the state of a stream whose events are passed on as they come.
type passing struct {
	wire    API
	started bool // message_start was seen
	stopped bool // the wire's own last event was seen
}

// pass looks at one event of the provider's and queues it for the caller, framed. over
// reports that it was the last.
func (s *chunkStream) pass(ctx context.Context, name string, data []byte) (over bool, err error) {
	a, n := s.a, s.native
	doc, err := document.Parse(data, document.Limits{})
	if err != nil || doc.Root().Kind() != abi.KindObject {
		doc.Release()
		return false, a.fail(Errorf(CodeUpstreamFailed, "Provider %s sent a stream event that is not a JSON object.", a.target.Provider.ID), err, "not JSON", true)
	}
	defer doc.Release()
	root := doc.Root()
	kind := root.Get("type").Text()
	if kind == "" {
		kind = name
	}
	e := nativeEvent{kind: kind, root: root}
	if n.wire == APIMessages {
		e.readMessages(s)
	} else {
		e.readResponses(s)
	}
	switch {
	case e.failed:
		return false, a.nativeFailed(ctx, name, data)
	case e.left:
		return false, nil
	}
	if name == "" && isEventName(kind) {
		name = kind // clients of both wires tell events apart by it
	}
	b := s.slot()
	*b = appendNativeEvent((*b)[:0], name, doc, e.named, s.model)
	s.held += len(*b)
	n.stopped = n.stopped || e.last
	s.done = s.done || e.last
	// The first events of a response repeat what was asked.
	if most := max(maxHeld, 4*len(a.x.r.Source.Bytes())); !s.content && s.held > most {
		return false, a.fail(Errorf(CodeUpstreamFailed, "Provider %s streams without saying anything.", a.target.Provider.ID), nil, "no content", true)
	}
	return e.last, nil
}

// nativeEvent is what an event says beside what is passed on.
type nativeEvent struct {
	kind   string
	root   document.Node
	named  document.Node // the object that names the model; absent
	last   bool
	failed bool
	left   bool // not passed on
}

// readMessages: event types of Anthropic's streaming reference, November 2026. A type that
// is not known is passed on, as its versioning policy has it.
func (e *nativeEvent) readMessages(s *chunkStream) {
	used := &s.a.used
	switch e.kind {
	case "message_start":
		// Some proxies repeat it, which clients do not expect.
		e.left, s.native.started = s.native.started, true
		e.named = e.root.Get("message")
		if counts := e.named.Get("usage"); counts.Kind() == abi.KindObject {
			used.readMessages(counts)
			used.completion = false // what is counted of the output here is its beginning
			used.tokens.Completion, used.covered = 0, 0
		}
	case "content_block_start":
		block := e.root.Get("content_block")
		n := blockBytes(block)
		used.output += n
		kind := block.Get("type").Text()
		s.content = s.content || n > 0 || kind != "text" && kind != "thinking"
	case "content_block_delta":
		used.output += blockBytes(e.root.Get("delta"))
		s.content = true
	case "message_delta":
		used.readMessages(e.root.Get("usage"))
		s.content = s.content || given(e.root.Get("delta").Get("stop_reason"))
	case "message_stop":
		e.last, s.content = true, true
	case "error":
		e.failed = true
	}
}

// readResponses: event types of OpenAI's description (ResponseStreamEvent, 2026-08). They
// say something when they bring a piece or the end of an item; what only opens one is held back.
func (e *nativeEvent) readResponses(s *chunkStream) {
	used := &s.a.used
	response := e.root.Get("response")
	e.named = response
	switch e.kind {
	case "response.created", "response.queued", "response.in_progress":
	case "response.completed", "response.incomplete":
		used.readNative(APIResponses, response.Get("usage"))
		e.failed = response.Get("error").Len() > 0
		e.last = !e.failed
		s.content = s.content || e.last
	case "response.failed", "response.cancelled", "error":
		used.readNative(APIResponses, response.Get("usage"))
		e.failed = true
	case "response.output_item.added":
		item := e.root.Get("item")
		kind := item.Get("type").Text()
		used.output += textBytes(item.Get("name"))
		s.content = s.content || kind != "message" && kind != "reasoning"
	case "response.content_part.added", "response.reasoning_summary_part.added":
	default:
		if delta := e.root.Get("delta"); delta.Kind() == abi.KindString {
			used.output += int64(delta.Len())
		}
		if e.root.Get("error").Len() > 0 {
			e.failed = true
			return
		}
		s.content = s.content || e.kind != "ping" && e.kind != "keepalive"
	}
}

// nativeFailed is the failure that an event is: its class is the adapter's to tell.
func (a *attempt) nativeFailed(ctx context.Context, name string, data []byte) error {
	if err := a.open(); err != nil {
		return err
	}
	reply, err := a.adapter.Event(ctx, a.reply, name, data)
	if err != nil {
		return a.adapterFailed(ctx, err)
	}
	if reply.Failure == nil {
		return a.classed(AdapterFailure{Class: abi.ClassServer}, document.Node{}, nil)
	}
	return a.reported(reply)
}

// isEventName accepts what may stand in an event's line of its own.
func isEventName(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '.') {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 128
}

// appendNativeEvent frames an event, with the model of the named object replaced.
func appendNativeEvent(dst []byte, name string, doc *document.Doc, named document.Node, model string) []byte {
	if name != "" {
		dst = append(append(append(dst, "event: "...), name...), '\n')
	}
	dst = append(dst, "data: "...)
	start := len(dst)
	dst = appendWithModel(dst, doc, named, model)
	document.OneLine(dst[start:])
	return append(dst, "\n\n"...)
}
