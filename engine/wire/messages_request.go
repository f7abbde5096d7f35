package wire

import (
	"math"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Chat is a request in the canonical form.
type Chat struct {
	// Body is a chat body of its own: it shares no memory with the source.
	Body []byte
	// Lossy names, in the caller's wire, what the canonical form has no place for
	// ("context_management", "messages[].content[].citations"). Nil when all is carried.
	Lossy []string
	// Foreign is the first thing that only the wire itself can say, and that must not be
	// left out: Body lacks it, so that only a provider that speaks the wire can be
	// asked, with the source. Nil: there is none.
	Foreign *Error
}

// Bounds that the canonical form has where Anthropic's API has none or others.
const (
	maxMessages = 10_000
	maxStops    = 64
	maxTools    = 1024
	maxModels   = 16
	maxModelID  = 256
	maxToolName = 128
)

// FromMessages turns a body of POST /v1/messages (version 2023-06-01) into a
// canonical one for the model, which replaces the body's own unless it is empty.
// Content that the canonical form cannot say is Foreign, for leaving it out would
// change the question; what else it cannot say is listed as lossy.
// Errors: *Error. Safe for concurrent use.
func FromMessages(doc *document.Doc, model string) (Chat, error) {
	return fromMessages(doc, model, false)
}

func fromMessages(doc *document.Doc, model string, counting bool) (Chat, error) {
	size := len(doc.Bytes())
	return readTwice(func(l limits) (Chat, *Error) {
		w := chatWriter{limits: l, out: make([]byte, 0, size+size/8+256), counting: counting}
		e := w.request(doc.Root(), model)
		return Chat{Body: w.out, Lossy: w.lossy}, e
	})
}

// readTwice reads a request, and if the canonical form cannot say all of it, once more
// without that.
func readTwice(read func(limits) (Chat, *Error)) (Chat, error) {
	chat, e := read(limits{})
	if e == nil {
		return chat, nil
	}
	if e.Uncarried {
		rest, wrong := read(limits{lenient: true})
		if wrong == nil {
			rest.Foreign = e
			return rest, nil
		}
		e = wrong
	}
	return Chat{}, e
}

// chatWriter writes a canonical body.
type chatWriter struct {
	limits
	out      []byte
	lossy    losses
	messages int  // written so far
	counting bool // no answer is asked for
}

func (w *chatWriter) emit(s string) { w.out = append(w.out, s...) }
func (w *chatWriter) raw(b []byte)  { w.out = append(w.out, b...) }

// streamed writes what a caller's stream flag becomes: both wires always end with their counts.
func (w *chatWriter) streamed(n document.Node) *Error {
	if e := n.Want(abi.KindBool); e != nil {
		return e
	}
	if n.Bool() {
		w.emit(`,"stream":true,"stream_options":{"include_usage":true}`)
	}
	return nil
}

// member writes a member with the node as it stands, if it is given.
func (w *chatWriter) member(name string, n document.Node) {
	if given(n) {
		w.emit(`,"`)
		w.emit(name)
		w.emit(`":`)
		w.raw(n.Raw())
	}
}

// next separates an element from the one before it. Only what opens a list of ours
// can stand here as a bare bracket.
func (w *chatWriter) next() {
	if w.out[len(w.out)-1] != '[' {
		w.out = append(w.out, ',')
	}
}

// opening writes the body up to the first message. model replaces the caller's unless empty.
func (w *chatWriter) opening(root document.Node, model string) *Error {
	if root.Kind() != abi.KindObject {
		return wrong("The request body must be a JSON object, not " + document.KindName(root.Kind()) + ".")
	}
	if e := checkModel(root.Get("model")); e != nil {
		return e.Under("model")
	}
	w.emit(`{"model":`)
	if model != "" {
		w.out = document.AppendString(w.out, model)
	} else {
		w.raw(root.Get("model").Raw())
	}
	w.emit(`,"messages":[`)
	return nil
}

func (w *chatWriter) request(root document.Node, model string) *Error {
	if e := w.opening(root, model); e != nil {
		return e
	}
	if e := w.system(root.Get("system")); e != nil {
		return e.Under("system")
	}
	if e := w.turns(root.Get("messages")); e != nil {
		return e.Under("messages")
	}
	w.emit(`]`)
	if limit := root.Get("max_tokens"); !w.counting || given(limit) {
		if e := whole(limit, 0, math.MaxInt32); e != nil {
			return e.Under("max_tokens")
		}
	}
	for name, n := range root.Members() {
		if !given(n) {
			continue
		}
		if e := w.option(root, name, n); e != nil {
			return e.Under(name)
		}
	}
	w.emit(`}`)
	return nil
}

func checkModel(n document.Node) *Error {
	if e := n.Want(abi.KindString); e != nil {
		return e
	}
	if n.Len() > maxModelID {
		return wrong("must be at most 256 bytes long")
	}
	if blank(n.Text()) {
		return wrong("must not be empty; use 'auto' to let the routing rules choose")
	}
	return nil
}
