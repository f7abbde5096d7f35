package httpapi

import (
	"bytes"
	"encoding/json"

	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine/document"
)

// headerExplain asks for the decision in the answer; its value is "true".
const headerExplain = "X-Pointsman-Explain"

// explanationMember is the member of an answer that has it.
const explanationMember = "pointsman"

// explanationOf is the explanation that was asked for as the caller may see it, JSON; nil when
// there is none.
func explanationOf(rq *request) []byte {
	if rq.meta.Explanation == nil {
		return nil
	}
	text, err := json.Marshal(shownExplanation(rq.meta.Explanation, rq.principal))
	if err != nil {
		return nil // NaN in a budget, at the worst: not worth the answer
	}
	return text
}

// withExplanation returns the answer, one JSON object, with the explanation as its last member.
func withExplanation(rq *request, answer []byte) []byte {
	text := explanationOf(rq)
	end := bytes.LastIndexByte(answer, '}')
	if text == nil || end < 0 {
		return answer
	}
	before := bytes.TrimRight(answer[:end], " \t\r\n")
	out := make([]byte, 0, len(before)+len(text)+len(explanationMember)+8)
	out = append(out, before...)
	if before[len(before)-1] != '{' {
		out = append(out, ',')
	}
	out = append(append(out, `"`+explanationMember+`":`...), text...)
	return append(out, '}')
}

// explainFailure adds the explanation to an answer that refuses.
func explainFailure(fctx *fasthttp.RequestCtx) {
	if rq := requestOf(fctx); rq.meta.Explanation != nil && isInference(fctx) {
		fctx.Response.SetBodyRaw(withExplanation(rq, fctx.Response.Body()))
	}
}

// explained returns the framing with the explanation, if it was asked for.
func explained(rq *request, f framing) framing {
	text := explanationOf(rq)
	if text == nil {
		return f
	}
	if _, ok := f.(chatFraming); ok {
		return &explainedChat{text: text}
	}
	return &explainedEvents{framing: f, text: text}
}

// explainedChat is a stream of Chat Completions with a chunk of its own before the end: it has
// no choices, as the chunk with the usage.
type explainedChat struct {
	chatFraming
	text []byte
	head []byte // members that all chunks of a stream share
}

func (f *explainedChat) chunk(dst, chunk []byte) ([]byte, error) {
	if f.head == nil {
		f.head = []byte(`{"object":"chat.completion.chunk",`)
		if doc, err := document.Parse(chunk, document.Limits{}); err == nil {
			for _, name := range [...]string{"id", "created", "model"} {
				if raw := doc.Root().Get(name).Raw(); len(raw) > 0 {
					f.head = append(append(append(f.head, `"`+name+`":`...), raw...), ',')
				}
			}
			doc.Release()
		}
	}
	return f.chatFraming.chunk(dst, chunk)
}

func (f *explainedChat) done(dst []byte) ([]byte, error) {
	if f.head != nil {
		last := append(append(bytes.Clone(f.head), `"choices":[],"`+explanationMember+`":`...), f.text...)
		dst = appendEvent(dst, append(last, '}'))
	}
	return f.chatFraming.done(dst)
}

// explainedEvents is a stream with the explanation in a comment before its first event: what
// those APIs have no event for, their clients may refuse, and after their last event they no
// longer read.
type explainedEvents struct {
	framing
	text []byte
	told bool
}

func (f *explainedEvents) chunk(dst, chunk []byte) ([]byte, error) {
	if !f.told {
		f.told = true
		dst = append(document.AppendLine(append(dst, ": "+explanationMember+" "...), f.text), "\n\n"...)
	}
	return f.framing.chunk(dst, chunk)
}

var _ = [...]framing{(*explainedChat)(nil), (*explainedEvents)(nil)}

// explains reports whether the caller asked for the decision.
func explains(h *fasthttp.RequestHeader) bool { return string(h.Peek(headerExplain)) == "true" }
