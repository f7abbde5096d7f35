package wasm

import (
	"bytes"
	"cmp"
	"slices"
)

// maxGap is how many zeros two data segments may lie apart to be joined: about what one costs in wazero, for
// each module and again for each instance.
const maxGap = 64

// extent is the bytes of memory that one segment fills, or several that were joined.
type extent struct{ from, to uint64 }

// joined returns a data section that fills memory alike with fewer segments. A linker leaves out runs of zeros, so
// that a standard-Go guest has some 26,000. What is between two was zero before, and stays so; the section is returned as it
// is where that cannot be told by its form alone: no two of what is joined may overlap, in whichever
// order they come.
// A module whose code names segments has a data count section, and must not be given to this.
func joined(content []byte) []byte {
	var all []extent
	begins := func(at, end uint64) bool { return at < end || at-end > maxGap }
	plain := eachSegment(content, func(at uint64, b []byte) {
		if n := len(all); n == 0 || begins(at, all[n-1].to) {
			all = append(all, extent{at, at})
		}
		all[len(all)-1].to = at + uint64(len(b))
	})
	if !plain || overlap(all) {
		return content
	}
	size := 5
	for _, e := range all {
		size += 16 + int(e.to-e.from)
	}
	out := appendU32(make([]byte, 0, size), uint32(len(all)))
	next, end := 0, uint64(0)
	eachSegment(content, func(at uint64, b []byte) {
		if next == 0 || begins(at, end) {
			e := all[next]
			out = append(appendS32(append(out, 0, opI32Const), int32(uint32(e.from))), opEnd)
			out = appendU32(out, uint32(e.to-e.from))
			next, end = next+1, at
		}
		out = append(out, zeros[:at-end]...)
		out = append(out, b...)
		end = at + uint64(len(b))
	})
	return out
}

var zeros [maxGap]byte

func overlap(all []extent) bool {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b extent) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for i := 1; i < len(all); i++ {
		if all[i].from < all[i-1].to {
			return true
		}
	}
	return false
}

// eachSegment calls yield with the segments of a data section and where each begins in memory. It returns false
// where one is of another form than active, at a constant.
func eachSegment(content []byte, yield func(at uint64, b []byte)) bool {
	c := &cursor{b: content}
	for range c.u32() {
		if c.u32() != 0 || c.byte() != opI32Const {
			return false
		}
		text := c.b
		c.skipLEB(5)
		if c.err != nil {
			return false
		}
		text = text[:len(text)-len(c.b)]
		at := signed(text)
		if !bytes.Equal(appendS32(nil, at), text) || c.byte() != opEnd {
			return false
		}
		b := c.take(c.u32())
		if c.err != nil {
			return false
		}
		yield(uint64(uint32(at)), b)
	}
	return true
}

// signed is the value of a signed LEB128 number.
func signed(text []byte) int32 {
	var v int64
	for i, b := range text {
		v |= int64(b&0x7f) << (7 * i)
	}
	if n := len(text); n > 0 && text[n-1]&0x40 != 0 {
		v |= -1 << (7 * n)
	}
	return int32(v)
}
