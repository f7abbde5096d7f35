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

// Error says what is wrong with a member of a request. Immutable once returned.
type Error struct {
	Param string // the member in the caller's own wire, as "messages[0].content[1].source"; empty for the body
	Why   string // predicate of a sentence about Param, or a whole sentence without one; safe to show

	foreign bool // nothing is wrong with it: the wire itself can say it, Chat cannot
}

// Error returns the sentence, safe to show to whoever sent the request.
func (e *Error) Error() string {
	if e.Param == "" {
		return e.Why
	}
	return "'" + e.Param + "' " + e.Why + "."
}

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
	return &Error{Why: why, foreign: true}
}

// under puts the error below the named member. The receiver may be nil.
func (e *Error) under(name string) *Error {
	switch {
	case e == nil:
	case e.Param == "" || e.Param[0] == '[':
		e.Param = name + e.Param
	default:
		e.Param = name + "." + e.Param
	}
	return e
}

// item puts the error below the i-th element. The receiver may be nil.
func (e *Error) item(i int) *Error { return e.under("[" + strconv.Itoa(i) + "]") }

// given reports whether a member is there and not null.
func given(n document.Node) bool { return n.Exists() && n.Kind() != abi.KindNull }

func want(n document.Node, k abi.Kind) *Error {
	if n.Kind() == k {
		return nil
	}
	if !n.Exists() {
		return wrong("is required and must be " + kindName(k))
	}
	return wrong("must be " + kindName(k) + ", not " + kindName(n.Kind()))
}

func kindName(k abi.Kind) string {
	switch k {
	case abi.KindNull:
		return "null"
	case abi.KindBool:
		return "a boolean"
	case abi.KindNumber:
		return "a number"
	case abi.KindString:
		return "a string"
	case abi.KindArray:
		return "an array"
	case abi.KindObject:
		return "an object"
	}
	return "missing"
}

// within faults a number out of a range; low and high are whole.
func within(n document.Node, low, high int64) *Error {
	if e := want(n, abi.KindNumber); e != nil {
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
