package document

import (
	"strconv"

	"github.com/pointsman/pointsman/sdk/abi"
)

// keepOutput is how much output memory a Frame keeps for its next call.
const keepOutput = 1 << 20

func (f *Frame) resetOutput() {
	if cap(f.out) > keepOutput {
		f.out = nil
	}
	if cap(f.scratch) > keepOutput {
		f.scratch = nil
	}
	if cap(f.memo.text) > keepOutput {
		f.memo.text = nil
	}
	f.out = f.out[:0]
	f.cuts = f.cuts[:0]
	clear(f.chunks)
	f.chunks = f.chunks[:0]
}

// Output returns everything emitted since Reset, flushed or not: a view, valid until the next Reset.
func (f *Frame) Output() []byte { return f.out }

// Chunks returns the output cut where the guest flushed; what was emitted after the
// last flush is the last chunk. Empty chunks are left out. Views, valid until the next Reset.
func (f *Frame) Chunks() [][]byte {
	f.chunks = f.chunks[:0]
	start := 0
	for _, end := range f.cuts {
		f.chunks = append(f.chunks, f.out[start:end:end])
		start = end
	}
	if start < len(f.out) {
		f.chunks = append(f.chunks, f.out[start:])
	}
	return f.chunks
}

// Flush ends a chunk. Only abi.EntryEvent has chunks; elsewhere it does nothing.
func (f *Frame) Flush() {
	if f.enter() && f.in.Entry == abi.EntryEvent && len(f.out) > f.chunkStart() {
		f.cuts = append(f.cuts, len(f.out))
	}
}

func (f *Frame) chunkStart() int {
	if len(f.cuts) == 0 {
		return 0
	}
	return f.cuts[len(f.cuts)-1]
}

// room reports whether n more bytes may be emitted.
func (f *Frame) room(n int) bool {
	if n > f.in.MaxOutput-len(f.out) {
		f.violate(ErrOutput)
		return false
	}
	return true
}

// Emit appends guest bytes as they are: syntax and the guest's own constants.
func (f *Frame) Emit(b []byte) {
	if f.enter() && f.room(len(b)) {
		f.out = append(f.out, b...)
	}
}

// EmitNode appends the value's JSON exactly as it came; nothing for absent.
func (f *Frame) EmitNode(h int32) {
	if !f.enter() {
		return
	}
	r := f.entire(h)
	if r.kind() == abi.KindAbsent || f.misses(r) {
		return
	}
	raw := r.raw()
	switch {
	case !r.part:
		if f.room(len(raw)) {
			f.out = append(f.out, raw...)
		}
	case f.room(len(raw) + 2):
		f.out = append(f.out, '"')
		f.out = append(f.out, raw...)
		f.out = append(f.out, '"')
	}
}

// EmitMembers appends an object's members, without braces, except those whose names are
// in except (decoded names, one a line). They are joined by commas, with none after
// the last. A comma goes before the first when one is needed there: when there is a
// first, and the chunk so far is not empty and does not end (white space aside) in
// '{', '[', ',' or ':'.
//
// So a guest need not know whether any member is left: it emits its own members first,
// then the rest, then the brace. {"model":"m" · EmitMembers · } is right for an empty
// rest too, and so is { · EmitMembers · }. Members of its own after EmitMembers are
// only right when it knows that the rest is not empty.
func (f *Frame) EmitMembers(h int32, except []byte) {
	if !f.enter() {
		return
	}
	r := f.entire(h)
	if r.kind() != abi.KindObject || f.misses(r) {
		return
	}
	f.spend(len(except))
	comma := f.needsComma()
	end := r.slot().aux
	for i := r.i + 1; i < end; i = after(r.d.tape, i+1) {
		f.spend(slotWork)
		if f.err != nil {
			return
		}
		if f.listed(r.d, i, except) {
			continue
		}
		// A name and its value, with whatever white space is between them.
		member := r.d.src[r.d.tape[i].start:r.d.tape[i+1].end]
		if comma {
			if !f.room(len(member) + 1) {
				return
			}
			f.out = append(f.out, ',')
		} else if !f.room(len(member)) {
			return
		}
		f.out = append(f.out, member...)
		comma = true
	}
}

// needsComma reports whether the chunk so far ends in something that a member cannot follow.
func (f *Frame) needsComma() bool {
	for i := len(f.out) - 1; i >= f.chunkStart(); i-- {
		switch f.out[i] {
		case ' ', '\t', '\n', '\r':
		case '{', '[', ',', ':':
			return false
		default:
			return true
		}
	}
	return false
}

// listed reports whether the name at slot i is one of the lines of list.
func (f *Frame) listed(d *Doc, i uint32, list []byte) bool {
	s := &d.tape[i]
	raw := d.src[s.start+1 : s.end-1]
	for len(list) > 0 {
		line := list
		for j, c := range list {
			if c == '\n' {
				line = list[:j]
				break
			}
		}
		f.work -= len(line) / 16
		if s.escaped() {
			if equalDecoded(raw, view(line)) {
				return true
			}
		} else if string(raw) == string(line) {
			return true
		}
		list = list[min(len(line)+1, len(list)):]
	}
	return false
}

// EmitKey appends the name of an object's i-th member as a JSON string, as it came.
func (f *Frame) EmitKey(h, i int32) {
	if s := f.memberName(h, i); s.Exists() {
		if raw := s.Raw(); f.room(len(raw)) {
			f.out = append(f.out, raw...)
		}
	}
}

// EmitString appends guest text as a JSON string; invalid UTF-8 becomes U+FFFD.
func (f *Frame) EmitString(text []byte) {
	if f.enter() {
		f.emitEscaped(`"`, text, `"`)
	}
}

// EmitText appends guest text as the inside of a JSON string, to join several in one.
// A character must not be split over two calls.
func (f *Frame) EmitText(text []byte) {
	if f.enter() {
		f.emitEscaped("", text, "")
	}
}

// EmitInner appends a string's content, still escaped, without quotes; nothing for other kinds.
func (f *Frame) EmitInner(h int32) {
	if !f.enter() {
		return
	}
	r := f.ref(h)
	if r.kind() != abi.KindString {
		return
	}
	if raw, _ := r.content(); f.room(len(raw)) {
		f.out = append(f.out, raw...)
	}
}

// EmitQuoted appends the value's JSON as a JSON string (tool arguments); an empty string for absent.
func (f *Frame) EmitQuoted(h int32) {
	if !f.enter() {
		return
	}
	r := f.entire(h)
	switch {
	case r.kind() == abi.KindAbsent, f.misses(r):
		f.emitEscaped(`"`, nil, `"`)
	case r.part:
		f.emitEscaped(`"\"`, r.raw(), `\""`)
	default:
		f.emitEscaped(`"`, r.raw(), `"`)
	}
}

// emitEscaped appends text escaped, and what goes before and behind it. It works in pieces, so
// that what escaping adds is never far beyond the limit.
func (f *Frame) emitEscaped(before string, text []byte, behind string) {
	start := len(f.out)
	f.out = append(f.out, before...)
	for f.room(len(text)+len(behind)) && len(text) > 0 {
		piece := text
		if len(piece) > escapePiece {
			piece = cutText(piece, escapePiece)
		}
		text = text[len(piece):]
		f.out = AppendEscaped(f.out, view(piece))
	}
	if f.err != nil {
		f.out = f.out[:start]
		return
	}
	f.out = append(f.out, behind...)
}

const escapePiece = 64 << 10

// EmitInt appends a number.
func (f *Frame) EmitInt(v int64) {
	if !f.enter() {
		return
	}
	var buf [20]byte
	if b := strconv.AppendInt(buf[:0], v, 10); f.room(len(b)) {
		f.out = append(f.out, b...)
	}
}
