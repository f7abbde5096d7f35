package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// openCalls are the tool calls of a stream so far, and what the fragments of the
// chunk at hand belong to. OpenAI numbers calls by index and says id, type and name
// once. Others leave out the index (older Ollama) or the id, give every call
// the index 0, or repeat id and name; see RATIONALE.md, "Why are stream fragments counted?".
type openCalls struct {
	calls     []openCall
	fragments []fragment // of this chunk, in order
	changed   bool
}

// openCall is one call of one choice, ten bytes in the state of the stream.
type openCall struct {
	choice byte
	flags  byte
	index  uint16 // as the server counts; noIndex when it does not
	place  uint16 // among the choice's calls
	id     uint32 // a hash of the id; 0 when it has none
}

const (
	callArgued = 1 << iota // a piece of arguments has been sent
	callNamed
	callCustom
	callSize     = 10
	noIndex      = 1<<16 - 1
	stateVersion = 1
)

// fragment is a piece of a call in the chunk at hand.
type fragment struct {
	call  int // in calls
	first bool
	named bool // the name is still to be sent
}

var (
	callRoom     = make([]openCall, 0, 16)
	fragmentRoom = make([]fragment, 0, 16)
)

// loadCalls reads the calls that the chunks before have opened.
func loadCalls() *openCalls {
	o := &openCalls{calls: callRoom[:0], fragments: fragmentRoom[:0]}
	b := sdk.LoadState()
	if len(b) == 0 || b[0] != stateVersion {
		return o
	}
	for b = b[1:]; len(b) >= callSize; b = b[callSize:] {
		o.calls = append(o.calls, openCall{
			choice: b[0], flags: b[1],
			index: uint16(b[2])<<8 | uint16(b[3]),
			place: uint16(b[4])<<8 | uint16(b[5]),
			id:    uint32(b[6])<<24 | uint32(b[7])<<16 | uint32(b[8])<<8 | uint32(b[9]),
		})
	}
	return o
}

// save keeps the calls for the next event.
func (o *openCalls) save() {
	if !o.changed {
		return
	}
	b := append(make([]byte, 0, 1+callSize*len(o.calls)), stateVersion)
	for _, c := range o.calls {
		b = append(b, c.choice, c.flags, byte(c.index>>8), byte(c.index), byte(c.place>>8), byte(c.place),
			byte(c.id>>24), byte(c.id>>16), byte(c.id>>8), byte(c.id))
	}
	sdk.SaveState(b)
}

// read finds what the fragments of the i-th choice belong to. usual reports whether
// OpenAI would have written them so; ok is false for more calls than are kept apart.
func (o *openCalls) read(i int, choice sdk.Node) (usual, ok bool) {
	list := choice.Get("delta").Get("tool_calls")
	if list == 0 || list.Kind() == abi.KindNull {
		return true, true
	}
	index := choiceIndex(i, choice)
	usual = list.Len() > 0
	for k := range list.Len() {
		piece := list.At(k)
		at, first := o.find(index, piece)
		if at < 0 {
			return false, false
		}
		f := fragment{call: at, first: first}
		call := &o.calls[at]
		if body := bodyOf(piece); call.flags&callNamed == 0 && chat.IsText(body.Get("name")) {
			call.flags |= callNamed
			f.named, o.changed = true, true
		}
		if call.flags&callArgued == 0 && argued(piece) {
			call.flags |= callArgued
			o.changed = true
		}
		usual = usual && call.index == call.place && f.usual(piece)
		o.fragments = append(o.fragments, f)
	}
	return usual, true
}

// bodyOf is where a fragment has name and text.
func bodyOf(piece sdk.Node) sdk.Node {
	if custom := piece.Get("custom"); custom != 0 {
		return custom
	}
	return piece.Get("function")
}

func argued(piece sdk.Node) bool {
	arguments := piece.Get("function").Get("arguments")
	return chat.IsText(arguments) || arguments.Kind() == abi.KindObject || chat.IsText(piece.Get("custom").Get("input"))
}

// usual reports whether OpenAI would have written the fragment so.
func (f fragment) usual(piece sdk.Node) bool {
	arguments := piece.Get("function").Get("arguments")
	if arguments != 0 && arguments.Kind() != abi.KindString || piece.Get("index") == 0 {
		return false
	}
	if f.first {
		return f.named && chat.IsText(piece.Get("id")) && chat.IsText(piece.Get("type"))
	}
	return piece.Get("id") == 0 && (f.named || bodyOf(piece).Get("name") == 0)
}

// find returns the call that a fragment belongs to, opening one where it is new; -1 for
// more calls than are kept apart.
func (o *openCalls) find(choice int, piece sdk.Node) (at int, first bool) {
	index := noIndex
	if n := piece.Get("index"); n.Kind() == abi.KindNumber {
		index = int(min(max(n.Int(), 0), noIndex-1))
	}
	id := hash(piece.Get("id"))
	named := chat.IsText(bodyOf(piece).Get("name"))
	place := 0
	at = -1
	for i := range o.calls {
		c := &o.calls[i]
		if int(c.choice) != choice {
			continue
		}
		place++
		switch {
		case index != noIndex && int(c.index) == index, index == noIndex && id != 0 && c.id == id,
			index == noIndex && id == 0 && !named:
			at = i // the last that fits
		}
	}
	if at >= 0 && !(named && id != 0 && o.calls[at].id != 0 && o.calls[at].id != id) {
		return at, false
	}
	if len(o.calls) >= chat.MaxCalls {
		return -1, false
	}
	c := openCall{choice: byte(choice), index: uint16(index), place: uint16(place), id: id}
	if piece.Get("custom") != 0 || piece.Get("type").Equal("custom") {
		c.flags = callCustom
	}
	o.calls, o.changed = append(o.calls, c), true
	return len(o.calls) - 1, true
}

// hash is FNV-1a of an id, never 0 for one that is there.
func hash(id sdk.Node) uint32 {
	if !chat.IsText(id) {
		return 0
	}
	h := uint32(2166136261)
	for _, b := range chat.Word(id) {
		h = (h ^ uint32(b)) * 16777619
	}
	return h | 1
}

// finish puts the reason why a choice ended in OpenAI's words. done is false when it
// has not ended, ok when the server gave up.
func (o *openCalls) finish(choice int, reason sdk.Node) (word string, done, ok bool) {
	if !chat.IsText(reason) {
		return "", false, true // some send "" until the end
	}
	called := false
	for _, c := range o.calls {
		called = called || int(c.choice) == choice
	}
	word, ok = finishWord(reason, called)
	return word, true, ok
}

// bare reports whether a call of the choice has no arguments, which a client could not
// parse.
func (o *openCalls) bare(choice int) bool {
	for _, c := range o.calls {
		if int(c.choice) == choice && c.flags&(callArgued|callCustom) == 0 {
			return true
		}
	}
	return false
}
