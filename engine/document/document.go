// Package document holds a JSON text that is parsed once and then read and spliced
// by offset: the request body, a provider's answer, a plugin's output. A Doc is a
// flat tape over the caller's bytes, so that every value keeps its exact spelling
// (2^53+1 stays 2^53+1) and an answer is made by copying ranges of the original.
//
// It also holds what must be the same everywhere a text is looked at: Mentions and
// Words (whole words, any case), and Frame, the host side of one plugin call.
//
// It is not for decoding into Go structs, nor for JSON that is to be repaired: what
// it accepts is strictly valid, and every reader of the same bytes agrees on it.
//
// Read document.go first, then node.go; frame.go for the plugin boundary.
package document

import (
	"math"
	"sync"
)

// Limits bound what Parse accepts. A zero or negative member means its default.
type Limits struct {
	Bytes int // of the text; default 32 MiB, at most 2 GiB - 1
	Depth int // of nested arrays and objects; default 128
	Nodes int // values and member names together; default 1<<20, at most 1<<24 - 1
}

// Defaults of Limits, and the most that a tape can hold.
const (
	DefaultBytes = 32 << 20
	DefaultDepth = 128
	DefaultNodes = 1 << 20

	maxBytes = math.MaxInt32
	maxNodes = 1<<24 - 1
)

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = DefaultBytes
	}
	if l.Depth <= 0 {
		l.Depth = DefaultDepth
	}
	if l.Nodes <= 0 {
		l.Nodes = DefaultNodes
	}
	l.Bytes = min(l.Bytes, maxBytes)
	l.Nodes = min(l.Nodes, maxNodes)
	return l
}

// Doc is a parsed JSON text. It never changes after Parse, so any number of
// goroutines may read it. The zero Doc and a nil *Doc are empty: their Root is absent.
type Doc struct {
	src  []byte
	tape []slot
	work *workspace // of a Doc whose tape came from the pool
	one  [1]slot    // tape of a String
}

// Parse validates b as one JSON value (RFC 8259) in a single pass. It keeps b, which
// must not change as long as the Doc, a Node or a string of it is in use. Memory
// beyond b is 16 bytes a node, plus at most 32 for each member of the widest object
// while it runs.
//
// Refused beyond what the RFC asks: a member name that occurs twice in one object (in
// whatever spelling), invalid UTF-8, lone surrogates, a byte order mark, numbers too
// large for a float64, and whatever is over a limit.
//
// Errors: *SyntaxError, always. Safe for concurrent use.
func Parse(b []byte, l Limits) (*Doc, error) {
	d := &Doc{work: workspaces.Get().(*workspace)}
	if f := d.parse(b, l); f.reason != "" {
		err := d.syntaxError(f)
		d.Release()
		return nil, err
	}
	return d, nil
}

// parse fills d from b, with d.work's memory. On failure d is left as far as the
// parser came, for syntaxError to say where that was.
func (d *Doc) parse(b []byte, l Limits) fault {
	d.src = b
	p := parser{src: b, tape: d.work.slots[:0], limits: l.withDefaults(), work: d.work}
	f := p.run()
	d.tape = p.tape
	d.work.slots = p.tape
	return f
}

// String returns a document that is one JSON string holding text, for a body that is
// not JSON. Invalid UTF-8 is replaced by U+FFFD, one for each byte. text is copied;
// escaped it must stay below 2 GiB.
func String(text string) *Doc {
	d := &Doc{}
	b := make([]byte, 0, len(text)+len(text)/32+16)
	d.src = AppendString(b, text)
	end, drop, _ := scanString(d.src, 1)
	d.one[0] = stringSlot(0, end, drop)
	d.tape = d.one[:]
	return d
}

// Root returns the document's value.
func (d *Doc) Root() Node {
	if d == nil || len(d.tape) == 0 {
		return Node{}
	}
	return Node{d: d}
}

// Bytes returns the text that was parsed: the caller's own bytes, not a copy. Read-only.
func (d *Doc) Bytes() []byte {
	if d == nil {
		return nil
	}
	return d.src
}

// Release gives the tape back for the next Parse. It is optional. Afterwards the
// Doc is empty and its Nodes are absent; strings taken from it stay as they are. The
// caller must know that no other goroutine uses the Doc any more. A second call,
// and one on a nil *Doc, does nothing.
func (d *Doc) Release() {
	if d == nil {
		return
	}
	w := d.work
	d.src, d.tape, d.work = nil, nil, nil
	if w != nil {
		w.trim(keepSlots)
		workspaces.Put(w)
	}
}

// workspace is memory that one parse needs and the next one reuses.
type workspace struct {
	slots []slot
	table []uint64 // hash table of a wide object's names
	name  []byte   // a name without its escapes
	other []byte   // the name it is compared with
}

// Kept capacities: what a 1 MiB body of ordinary density needs.
const (
	keepSlots = 1 << 16
	keepTable = 1 << 14
	keepName  = 4 << 10
)

func (w *workspace) trim(slots int) {
	if cap(w.slots) > slots {
		w.slots = nil
	}
	if cap(w.table) > keepTable {
		w.table = nil
	}
	if cap(w.name) > keepName || cap(w.other) > keepName {
		w.name, w.other = nil, nil
	}
	w.slots = w.slots[:0]
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}
