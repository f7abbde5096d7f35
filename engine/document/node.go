package document

import (
	"iter"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Node is a value of a Doc: a place, two words, to be passed by value. The zero Node
// is absent, and every method of an absent Node answers with its zero value, so that
// paths can be walked without asking at each step. Safe for concurrent use.
type Node struct {
	d *Doc
	i uint32
}

// slot returns the node's slot, or nil when it is absent or its Doc was released.
func (n Node) slot() *slot {
	if n.d == nil || int(n.i) >= len(n.d.tape) {
		return nil
	}
	return &n.d.tape[n.i]
}

// Kind returns the value's kind, abi.KindAbsent for an absent node.
func (n Node) Kind() abi.Kind {
	if s := n.slot(); s != nil {
		return s.kind()
	}
	return abi.KindAbsent
}

// Exists reports whether the node is a value (null is one).
func (n Node) Exists() bool { return n.slot() != nil }

// Get returns an object's member by name. Time grows with the number of members before it.
func (n Node) Get(key string) Node {
	s := n.slot()
	if s == nil || s.kind() != abi.KindObject {
		return Node{}
	}
	i, _ := n.d.member(n.i, key)
	return n.d.node(i)
}

// At returns the i-th element of an array, or the i-th member's value of an object,
// from 0. Time grows with i: to visit all, use Elements or Members.
func (n Node) At(i int) Node {
	s := n.slot()
	if s == nil || s.kind() < abi.KindArray || i < 0 || i >= s.count() {
		return Node{}
	}
	return n.d.node(n.d.child(n.i, i))
}

// Key returns the name of an object's i-th member, "" when there is none.
func (n Node) Key(i int) string {
	s := n.slot()
	if s == nil || s.kind() != abi.KindObject || i < 0 || i >= s.count() {
		return ""
	}
	return n.d.text(n.d.child(n.i, i) - 1)
}

// Len returns how many elements an array or members an object has, or how many
// bytes a string when decoded; 0 for anything else.
func (n Node) Len() int {
	s := n.slot()
	if s == nil {
		return 0
	}
	switch s.kind() {
	case abi.KindString:
		return int(s.aux)
	case abi.KindArray, abi.KindObject:
		return s.count()
	}
	return 0
}

// Text returns a string's text, decoded; "" for any other kind. A string without
// escapes is a view of the Doc's bytes, made without copying: it keeps them alive,
// and is right only while they do not change.
func (n Node) Text() string {
	s := n.slot()
	if s == nil || s.kind() != abi.KindString {
		return ""
	}
	return n.d.text(n.i)
}

// AppendText appends a string's decoded text to dst; nothing for any other kind.
func (n Node) AppendText(dst []byte) []byte {
	s := n.slot()
	if s == nil || s.kind() != abi.KindString {
		return dst
	}
	return n.d.appendText(dst, n.i)
}

// Raw returns the value's JSON exactly as it stands in the Doc: a view, read-only.
// Nil when absent.
func (n Node) Raw() []byte {
	s := n.slot()
	if s == nil {
		return nil
	}
	return n.d.src[s.start:s.end:s.end]
}

// Bool reports whether the value is true.
func (n Node) Bool() bool {
	s := n.slot()
	return s != nil && s.meta&metaTrue != 0
}

// Int returns a number's whole part: exact however it is written (1e3 is 1000),
// truncated toward zero, clamped to the range of int64. 0 for any other kind.
func (n Node) Int() int64 {
	s := n.slot()
	if s == nil || s.kind() != abi.KindNumber {
		return 0
	}
	return parseInt(n.d.src[s.start:s.end], s.meta&metaWhole != 0)
}

// Float returns a number as the nearest float64, which is finite; 0 for any other kind.
func (n Node) Float() float64 {
	s := n.slot()
	if s == nil || s.kind() != abi.KindNumber {
		return 0
	}
	return parseFloat(n.d.src[s.start:s.end])
}

// Span returns where the raw value stands in its Doc, in bytes: Raw is Bytes()[start:end].
// 0, 0 when absent.
func (n Node) Span() (start, end int) {
	if s := n.slot(); s != nil {
		return int(s.start), int(s.end)
	}
	return 0, 0
}

// Members ranges over an object's members in document order; over nothing for any other kind.
func (n Node) Members() iter.Seq2[string, Node] {
	return func(yield func(string, Node) bool) {
		s := n.slot()
		if s == nil || s.kind() != abi.KindObject {
			return
		}
		for i := n.i + 1; i < s.aux; i = after(n.d.tape, i+1) {
			if !yield(n.d.text(i), Node{n.d, i + 1}) {
				return
			}
		}
	}
}

// Elements ranges over an array's elements in order; over nothing for any other kind.
func (n Node) Elements() iter.Seq2[int, Node] {
	return func(yield func(int, Node) bool) {
		s := n.slot()
		if s == nil || s.kind() != abi.KindArray {
			return
		}
		count := 0
		for i := n.i + 1; i < s.aux; i = after(n.d.tape, i) {
			if !yield(count, Node{n.d, i}) {
				return
			}
			count++
		}
	}
}

func (d *Doc) node(i uint32) Node {
	if i == none {
		return Node{}
	}
	return Node{d, i}
}

// member returns the value of the object's member of that name, or none, and how
// many members it looked at.
func (d *Doc) member(object uint32, name string) (value uint32, steps int) {
	end := d.tape[object].aux
	mark := nameMark(bytesOf(name))
	for i := object + 1; i < end; i = after(d.tape, i+1) {
		steps++
		s := &d.tape[i]
		if s.escaped() {
			if equalDecoded(d.src[s.start+1:s.end-1], name) {
				return i + 1, steps
			}
		} else if s.aux == mark && string(d.src[s.start+1:s.end-1]) == name {
			return i + 1, steps
		}
	}
	return none, steps
}

// child returns the i-th value of an array or object that has more than i.
func (d *Doc) child(parent uint32, i int) uint32 {
	return d.skip(d.first(parent), i, d.named(parent))
}

// named is 1 for an object, whose values each follow a name, and 0 for an array.
func (d *Doc) named(parent uint32) uint32 {
	if d.tape[parent].kind() == abi.KindObject {
		return 1
	}
	return 0
}

func (d *Doc) first(parent uint32) uint32 { return parent + 1 + d.named(parent) }

// skip returns the value that stands count places after the one at i in the same parent.
func (d *Doc) skip(i uint32, count int, named uint32) uint32 {
	for range count {
		i = after(d.tape, i) + named
	}
	return i
}

// text returns the string or name at i, decoded.
func (d *Doc) text(i uint32) string {
	s := &d.tape[i]
	raw := d.src[s.start+1 : s.end-1]
	if !s.escaped() {
		return view(raw)
	}
	return view(appendDecoded(make([]byte, 0, len(raw)), raw))
}

// appendText appends the string or name at i, decoded.
func (d *Doc) appendText(dst []byte, i uint32) []byte {
	s := &d.tape[i]
	raw := d.src[s.start+1 : s.end-1]
	if !s.escaped() {
		return append(dst, raw...)
	}
	return appendDecoded(dst, raw)
}
