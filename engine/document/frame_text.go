package document

import (
	"bytes"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Text writes a string's decoded text to buf and returns its length, 0 for other
// kinds; it writes nothing when that is more than len(buf).
func (f *Frame) Text(h int32, buf []byte) int {
	if !f.enter() {
		return 0
	}
	r := f.ref(h)
	if r.kind() != abi.KindString {
		return 0
	}
	raw, size := r.content()
	if size > len(buf) {
		return size
	}
	f.spend(len(raw))
	if len(raw) == size {
		return copy(buf, raw)
	}
	return len(appendDecoded(buf[:0:size], raw))
}

// Equal reports whether the value is a string with exactly this text.
func (f *Frame) Equal(h int32, text []byte) bool {
	if !f.enter() {
		return false
	}
	r := f.ref(h)
	if r.kind() != abi.KindString {
		return false
	}
	raw, size := r.content()
	if size != len(text) {
		return false
	}
	f.spend(len(raw))
	return equalDecoded(raw, view(text))
}

// Mentions reports whether the value is a string that mentions phrase; see the function of that name.
func (f *Frame) Mentions(h int32, phrase []byte) bool {
	if !f.enter() {
		return false
	}
	r := f.ref(h)
	if r.kind() != abi.KindString {
		return false
	}
	text := f.text(r)
	if f.err != nil {
		return false
	}
	f.spend(len(phrase))
	found := mentions(view(text), view(phrase), &f.work)
	f.spend(0)
	return found && f.err == nil
}

// Find returns the byte offset of the first text like needle in a decoded string, -1
// when there is none or the value is not a string.
func (f *Frame) Find(h int32, needle []byte) int {
	if !f.enter() {
		return -1
	}
	r := f.ref(h)
	if r.kind() != abi.KindString {
		return -1
	}
	text := f.text(r)
	f.spend(len(text) + len(needle))
	if f.err != nil {
		return -1
	}
	return bytes.Index(text, needle)
}

// Slice returns the part of a string from byte from to byte to of its decoded text,
// usable wherever a string is. Offsets outside are moved to the nearest end, those inside
// a character to its beginning; when to is not after from, the part is empty.
// Absent when the value is not a string.
func (f *Frame) Slice(h, from, to int32) int32 {
	if !f.enter() {
		return 0
	}
	r := f.ref(h)
	if r.kind() != abi.KindString {
		return 0
	}
	raw, size := r.content()
	lo := r.slot().start + 1
	if r.part {
		lo = r.lo
	}
	begin := min(max(int(from), 0), size)
	end := min(max(int(to), begin), size)
	// A whole-text end needs no walk.
	a, b := len(raw), len(raw)
	if begin < size {
		f.spend(begin)
		a, begin = rawOffset(raw, begin)
	}
	if end < size {
		f.spend(end - begin)
		b, end = rawOffset(raw[a:], end-begin)
		b, end = b+a, end+begin
	}
	return f.handle(ref{d: r.d, i: r.i, part: true, lo: lo + uint32(a), hi: lo + uint32(b), size: uint32(end - begin)})
}

// Hash returns a number that is the same for equal values on every machine and in
// every version: FNV-1a (64 bits) over the kind and the decoded text of a string, or
// the JSON of anything else as it stands, then SplitMix64's output function so that
// any of its bits may be used. 0 for absent.
func (f *Frame) Hash(h int32) int64 {
	if !f.enter() {
		return 0
	}
	r := f.entire(h)
	kind := r.kind()
	if kind == abi.KindAbsent || f.misses(r) {
		return 0
	}
	var text []byte
	if kind == abi.KindString {
		text = f.text(r)
	} else {
		text = r.raw()
	}
	f.spend(len(text))
	if f.err != nil {
		return 0
	}
	return int64(mix(fnvText(fnvByte(fnvOffset, byte(kind)), text)))
}

// fill copies text to buf if it fits, and returns its length.
func fill[T string | []byte](buf []byte, text T) int {
	if len(text) <= len(buf) {
		copy(buf, text)
	}
	return len(text)
}
