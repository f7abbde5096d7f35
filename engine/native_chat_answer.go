package engine

import (
	"context"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// plainAnswer is the provider's answer where it is written as OpenAI writes it, nil
// otherwise. The caller releases it before the reply is closed.
func (a *attempt) plainAnswer() *document.Doc {
	if !a.chat {
		return nil
	}
	doc, err := document.Parse(a.reply.Body, document.Limits{})
	if err != nil {
		return nil
	}
	if !isPlainAnswer(doc.Root()) {
		doc.Release()
		return nil
	}
	return doc
}

func isPlainAnswer(root document.Node) bool {
	if root.Get("object").Text() != "chat.completion" || given(root.Get("error")) {
		return false
	}
	choices := root.Get("choices")
	if choices.Kind() != abi.KindArray || choices.Len() == 0 || choices.Len() > maxChoices {
		return false
	}
	for _, choice := range choices.Elements() {
		message := choice.Get("message")
		calls := message.Get("tool_calls")
		if message.Kind() != abi.KindObject || message.Get("reasoning").Exists() || !plainFinish(choice.Get("finish_reason").Text(), calls.Len() > 0) {
			return false
		}
		if given(calls) && !plainCalls(calls) {
			return false
		}
	}
	return true
}

// plainFinish reports whether a finish_reason is one of OpenAI's, and fits: some servers end
// a turn with calls by "stop".
func plainFinish(reason string, called bool) bool {
	switch reason {
	case "length", "content_filter", "tool_calls", "function_call":
		return true
	}
	return reason == "stop" && !called
}

// plainCalls reports whether calls have an id and a type, and their arguments as text.
func plainCalls(calls document.Node) bool {
	for _, call := range calls.Elements() {
		if textBytes(call.Get("id")) == 0 || textBytes(call.Get("type")) == 0 {
			return false
		}
		if function := call.Get("function"); function.Exists() && textBytes(function.Get("arguments")) == 0 {
			return false
		}
	}
	return calls.Kind() == abi.KindArray && calls.Len() > 0
}

// passChunk queues an event that is a chunk as OpenAI writes them. passed is false when the
// adapter has to look at it. Those with calls it always sees, as it counts them.
func (s *chunkStream) passChunk(data []byte) (passed bool, err error) {
	if data == nil {
		return !s.translated, nil // of the end there is nothing to be told
	}
	chunk, err := document.Parse(data, document.Limits{})
	if err != nil {
		return false, nil
	}
	defer chunk.Release()
	if !isPlainChunk(chunk.Root(), !s.translated) {
		return false, nil
	}
	return true, s.take(chunk)
}

// isPlainChunk: mayEnd tells that no call was opened, so that a finish_reason is what it says.
func isPlainChunk(root document.Node, mayEnd bool) bool {
	choices := root.Get("choices")
	if choices.Kind() != abi.KindArray || choices.Len() > plainChoices || given(root.Get("error")) || root.Get("object").Text() == "error" {
		return false
	}
	for _, choice := range choices.Elements() {
		delta := choice.Get("delta")
		if delta.Get("tool_calls").Exists() || delta.Get("reasoning").Exists() {
			return false
		}
		if reason := choice.Get("finish_reason"); given(reason) {
			switch reason.Text() {
			case "stop", "length", "content_filter":
			default:
				return false
			}
			if !mayEnd {
				return false
			}
		}
	}
	return true
}

// plainChoices is how many choices of one chunk are looked at here.
const plainChoices = 64

// translate gives one event to the adapter, if it is needed for it, and queues what it flushed.
func (s *chunkStream) translate(ctx context.Context, name string, data []byte) error {
	if s.a.chat {
		if passed, err := s.passChunk(data); passed {
			return err
		}
	}
	s.translated = true
	return s.adapt(ctx, name, data)
}
