package document

import "github.com/pointsman/pointsman/sdk/abi"

// slot is one entry of the tape. Values stand in document order; a member's name
// stands right before its value. It holds no pointer, so the collector never looks inside a tape.
type slot struct {
	start uint32 // of the raw value, quotes included
	end   uint32 // one past it
	// aux depends on the kind. String: length when decoded. Name: nameMark. Array and
	// object: index of the slot after the last one inside (while being parsed: the
	// index of the parent). Otherwise unused.
	aux  uint32
	meta uint32 // kind, flags, and from countShift up the number of elements or members
}

const (
	metaKind    = 7
	metaEscaped = 1 << 3 // a string or name that holds an escape
	metaTrue    = 1 << 4
	metaWhole   = 1 << 5 // a number without fraction and exponent
	countShift  = 8
	countOne    = 1 << countShift
)

func (s *slot) kind() abi.Kind { return abi.Kind(s.meta & metaKind) }
func (s *slot) count() int     { return int(s.meta >> countShift) }
func (s *slot) escaped() bool  { return s.meta&metaEscaped != 0 }

// stringSlot describes the string src[start:end]; drop is what its escapes lose in decoding.
func stringSlot(start, end, drop int) slot {
	s := slot{start: uint32(start), end: uint32(end), aux: uint32(end - start - 2 - drop), meta: uint32(abi.KindString)}
	if drop > 0 {
		s.meta |= metaEscaped
	}
	return s
}

// after returns the index of the slot that follows the value at i and all that is inside it.
func after(tape []slot, i uint32) uint32 {
	if tape[i].meta&metaKind >= uint32(abi.KindArray) {
		return tape[i].aux
	}
	return i + 1
}

// nameMark is a cheap fingerprint of a name: its length and three of its bytes.
// Names with different marks differ.
func nameMark(name []byte) uint32 {
	n := len(name)
	if n == 0 {
		return 0
	}
	return uint32(n)<<24 | uint32(name[0])<<16 | uint32(name[n>>1])<<8 | uint32(name[n-1])
}
