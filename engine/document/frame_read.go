package document

import (
	"strings"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Doc returns one of the five documents of the call, by its abi.Doc number.
func (f *Frame) Doc(which int32) int32 {
	if !f.enter() || which < abi.DocRequest || which > abi.DocCall {
		return 0
	}
	if f.docs[which] != 0 {
		return f.docs[which]
	}
	var n Node
	switch which {
	case abi.DocRequest:
		f.missed = f.missed || f.in.UnkeptRequest
		if f.in.Entry != abi.EntryEvent && !f.in.UnkeptRequest {
			n = f.in.Request
		}
	case abi.DocContext:
		n = f.in.Context
	case abi.DocConfig:
		n = f.in.Config
	case abi.DocResponse:
		n = f.in.Response
	case abi.DocCall:
		n = f.in.Call
	}
	f.docs[which] = f.node(n)
	return f.docs[which]
}

// Get returns an object's member by name.
func (f *Frame) Get(h int32, name []byte) int32 {
	if !f.enter() {
		return 0
	}
	r := f.entry(h)
	if view(name) == contextRest {
		r = f.ref(h)
	}
	if r.kind() != abi.KindObject {
		return 0
	}
	i, steps := r.d.member(r.i, view(name))
	f.spend(steps * slotWork)
	return f.value(r.d, i)
}

// slotWork is what passing one member or element costs, in bytes of work.
const slotWork = 4

// Pointer returns the value that an RFC 6901 pointer names, as Node.Pointer does.
func (f *Frame) Pointer(h int32, pointer []byte) int32 {
	if !f.enter() {
		return 0
	}
	r := f.entry(h)
	if strings.HasPrefix(view(pointer), "/"+contextRest) {
		r = f.ref(h)
	}
	switch {
	case r.kind() == abi.KindAbsent:
		return 0
	case r.part:
		if len(pointer) == 0 {
			return f.handle(*r)
		}
		return 0
	}
	i, steps := r.d.pointer(r.i, view(pointer))
	f.spend(steps*slotWork + len(pointer))
	if len(f.in.Unkept) > 0 && f.missesOn(r, view(pointer)) {
		return 0
	}
	return f.value(r.d, i)
}

// At returns an array's i-th element or the value of an object's i-th member, from 0.
// Asking the same handle for rising i costs the same at each step.
func (f *Frame) At(h, i int32) int32 {
	if !f.enter() {
		return 0
	}
	r := f.ref(h)
	slot := f.seek(r, i)
	if slot == none {
		return 0
	}
	return f.value(r.d, slot)
}

// Key writes the name of an object's i-th member to buf and returns its length; it
// writes nothing when that is more than len(buf).
func (f *Frame) Key(h, i int32, buf []byte) int {
	name := f.memberName(h, i)
	s := name.slot()
	if s == nil {
		return 0
	}
	raw := name.d.src[s.start+1 : s.end-1]
	f.spend(len(raw))
	if !s.escaped() {
		return fill(buf, raw)
	}
	f.scratch = appendDecoded(f.scratch[:0], raw)
	return fill(buf, f.scratch)
}

// seek returns the slot of the i-th value in r, or none, and moves r's cursor there.
func (f *Frame) seek(r *ref, i int32) uint32 {
	if r.kind() < abi.KindArray || i < 0 || int(i) >= r.slot().count() {
		return none
	}
	index, slot := uint32(0), r.d.first(r.i)
	if r.cursorSlot != 0 && r.cursorIndex <= uint32(i) {
		index, slot = r.cursorIndex, r.cursorSlot
	}
	steps := int(uint32(i) - index)
	f.spend(steps * slotWork)
	slot = r.d.skip(slot, steps, r.d.named(r.i))
	r.cursorIndex, r.cursorSlot = uint32(i), slot
	return slot
}

// memberName returns where the name of an object's i-th member stands. It counts the host call.
func (f *Frame) memberName(h, i int32) Node {
	if !f.enter() {
		return Node{}
	}
	r := f.ref(h)
	if r.kind() != abi.KindObject {
		return Node{}
	}
	value := f.seek(r, i)
	if value == none {
		return Node{}
	}
	return Node{r.d, value - 1}
}

// Size returns the number of elements or members, or the bytes of a decoded string; 0 for other kinds.
func (f *Frame) Size(h int32) int {
	if !f.enter() {
		return 0
	}
	r := f.ref(h)
	switch r.kind() {
	case abi.KindString:
		_, size := r.content()
		return size
	case abi.KindArray, abi.KindObject:
		return r.slot().count()
	}
	return 0
}

// Kind returns the kind of the value, abi.KindAbsent for a handle that stands for nothing.
func (f *Frame) Kind(h int32) abi.Kind {
	if !f.enter() {
		return abi.KindAbsent
	}
	return f.entry(h).kind()
}

// Bool reports whether the value is true.
func (f *Frame) Bool(h int32) bool {
	if !f.enter() {
		return false
	}
	r := f.ref(h)
	return r.kind() == abi.KindBool && r.slot().meta&metaTrue != 0
}

// Int returns a number's whole part, as Node.Int does.
func (f *Frame) Int(h int32) int64 {
	if r := f.number(h); r != nil {
		return parseInt(r.raw(), r.slot().meta&metaWhole != 0)
	}
	return 0
}

// Num returns a number as the nearest float64.
func (f *Frame) Num(h int32) float64 {
	if r := f.number(h); r != nil {
		return parseFloat(r.raw())
	}
	return 0
}

func (f *Frame) number(h int32) *ref {
	if !f.enter() {
		return nil
	}
	r := f.ref(h)
	if r.kind() != abi.KindNumber {
		return nil
	}
	f.spend(len(r.raw()))
	return r
}

// Raw writes the value's JSON, exactly as it came, to buf and returns its length, 0
// for absent; it writes nothing when that is more than len(buf).
func (f *Frame) Raw(h int32, buf []byte) int {
	if !f.enter() {
		return 0
	}
	r := f.entire(h)
	if r.kind() == abi.KindAbsent || f.misses(r) {
		return 0
	}
	raw := r.raw()
	if !r.part {
		if len(raw) <= len(buf) {
			f.spend(len(raw))
		}
		return fill(buf, raw)
	}
	if size := len(raw) + 2; size <= len(buf) {
		f.spend(size)
		buf[0] = '"'
		copy(buf[1:], raw)
		buf[size-1] = '"'
	}
	return len(raw) + 2
}
