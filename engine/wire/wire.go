// Package wire turns other inbound wires into the canonical chat form (sdk/abi's
// documents: OpenAI's Chat Completions shape) and the answers back: Anthropic's Messages
// API and OpenAI's Responses API.
//
// It translates bytes and knows nothing of transport, routing or providers; what a
// provider cannot carry is its adapter's to say. A value that means the same on both
// sides is copied as it stands in the source, spelling included.
//
// Facts of the Messages wire are from Anthropic's API reference and its Go SDK types
// (v1.84.0), those of the Responses wire from OpenAI's OpenAPI description (2026-08),
// November 2026.
//
// Read messages_request.go first (messages_turn.go, messages_block.go and
// messages_thinking.go are its conversation, messages_option.go and messages_tool.go the
// rest), then messages_answer.go and messages_stream.go. The responses_ files stand in
// the same order. RATIONALE.md has the choices.
package wire

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Error says what is wrong with a member of a request, in the caller's own wire.
// Uncarried: the wire itself can say it, Chat cannot.
type Error = document.Fault

func wrong(why string) *Error { return &Error{Why: why} }

// limits are how strictly a request is read. The first reading refuses what the canonical
// form cannot say; a second one leaves it out, for those who are sent the body itself.
type limits struct{ lenient bool }

// only is the error of something that only the wire itself can say; nil where that is
// let pass, and then it must be left out.
func (l limits) only(why string) *Error {
	if l.lenient {
		return nil
	}
	return &Error{Why: why, Uncarried: true}
}

// given reports whether a member is there and not null.
func given(n document.Node) bool { return n.Exists() && n.Kind() != abi.KindNull }

// within faults a number out of a range; low and high are whole.
func within(n document.Node, low, high int64) *Error {
	if e := n.Want(abi.KindNumber); e != nil {
		return e
	}
	if v := n.Float(); !(v >= float64(low) && v <= float64(high)) {
		return wrong("must be between " + strconv.FormatInt(low, 10) + " and " + strconv.FormatInt(high, 10))
	}
	return nil
}

// whole is within for a number without a fraction.
func whole(n document.Node, low, high int64) *Error {
	if e := within(n, low, high); e != nil {
		return e
	}
	if v := n.Float(); v != float64(int64(v)) {
		return wrong("must be a whole number")
	}
	return nil
}

// inner is what stands between the quotes of a string node, escaped as it came; nil
// for any other kind.
func inner(n document.Node) []byte {
	if n.Kind() != abi.KindString {
		return nil
	}
	raw := n.Raw()
	return raw[1 : len(raw)-1]
}

// is compares a string node without copying it; false for any other kind.
func is(n document.Node, s string) bool {
	return n.Kind() == abi.KindString && n.Len() == len(s) && n.Text() == s
}

// losses are the names of what could not be carried, each once.
type losses []string

// maxLosses bounds a list that a caller could make as long as its body.
const maxLosses = 32

func (l *losses) add(name string) {
	const longest = 96
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") + "…"
	}
	if len(*l) > maxLosses || slices.Contains(*l, name) {
		return
	}
	if len(*l) == maxLosses {
		name = "..."
	}
	*l = append(*l, strings.Clone(name))
}

// rest adds the members of an object that are not among the known ones and say something.
func (l *losses) rest(object document.Node, at string, known ...string) {
	for name, value := range object.Members() {
		if given(value) && !slices.Contains(known, name) {
			l.add(at + name)
		}
	}
}
