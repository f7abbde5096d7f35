package document

import (
	"encoding/binary"
	"math/bits"
	"unicode"
	"unicode/utf8"
)

// needle is two bytes of a phrase that stand the same distance apart wherever it is
// mentioned. Bits that differ between the cases of their letters are not compared: a needle
// is found at each mention, and elsewhere too. See RATIONALE.md, "How is one phrase found?".
type needle struct {
	run    int // offset in the phrase of the characters that it lies in
	offset int // of its first byte from there
	gap    int // from the first byte to the second; 0: there is only one

	first, second byteMatch
}

// byteMatch is what a byte is compared with, eight times over: open bits are set in both.
type byteMatch struct{ want, open uint64 }

// needleBytes is how far into a phrase a needle is looked for.
const needleBytes = 32

// needleOf picks the rarest two bytes of a trimmed phrase. They are of one run of
// characters that have the same length in any case, which k (U+212A) and s (U+017F) have not.
// ok is false when there is no such character.
func (l *letters) needleOf(phrase string) (best needle, ok bool) {
	least := maxWeight
	run, rarest, weight, opened := 0, 0, 0, byte(0) // weight 0: the run is empty
	for i := 0; i < min(len(phrase), needleBytes); {
		open, size := l.openBits(phrase, i)
		if size == 0 {
			_, _, size = l.next(phrase, i)
			i += size
			run, weight = i, 0
			continue
		}
		for k := range size {
			at := i + k
			w := int(byteWeights[phrase[at]])
			if weight == 0 {
				rarest, weight, opened = at, w, open[k]
				if w*aloneWeight < least {
					least = w * aloneWeight
					best = newNeedle(phrase, run, at, at, open[k], open[k])
				}
				continue
			}
			if weight*w < least {
				least = weight * w
				best = newNeedle(phrase, run, rarest, at, opened, open[k])
			}
			if w < weight {
				rarest, weight, opened = at, w, open[k]
			}
		}
		i += size
	}
	return best, least < maxWeight
}

func newNeedle(phrase string, run, first, second int, openFirst, openSecond byte) needle {
	match := func(b, open byte) byteMatch { return byteMatch{uint64(b|open) * lows, uint64(open) * lows} }
	return needle{
		run: run, offset: first - run, gap: second - first,
		first: match(phrase[first], openFirst), second: match(phrase[second], openSecond),
	}
}

// openBits returns, for each byte of the character at text[i], the bits in which its cases
// differ. size is 0 for white space, for what is not UTF-8, and where cases differ in length.
func (l *letters) openBits(text string, i int) (open [utf8.UTFMax]byte, size int) {
	c, class, size := l.next(text, i)
	if class == spaceRune || c == 'k' || c == 's' || c == utf8.RuneError {
		return open, 0
	}
	if size == 1 {
		if 'a' <= c && c <= 'z' {
			open[0] = 'a' - 'A'
		}
		return open, 1
	}
	var other [utf8.UTFMax]byte
	for r := c; ; {
		if utf8.EncodeRune(other[:], r) != size {
			return open, 0
		}
		for k := range size {
			open[k] |= text[i+k] ^ other[k]
		}
		if r = unicode.SimpleFold(r); r == c {
			return open, size
		}
	}
}

// next returns where the first byte of the needle is in b, from i on, or len(b).
func (n *needle) next(b []byte, i int) int {
	one, two, gap := n.first, n.second, n.gap
	if rest := len(b) - gap - i; vectors && rest >= 32 {
		rest &^= 31
		at := scanPairs(&b[i], rest, n)
		if i += at; at < rest {
			return i
		}
	}
	for ; i+gap+32 <= len(b); i += 32 {
		x, y := (*[32]byte)(b[i:]), (*[32]byte)(b[i+gap:])
		z0 := (binary.LittleEndian.Uint64(x[0:]) | one.open ^ one.want) | (binary.LittleEndian.Uint64(y[0:]) | two.open ^ two.want)
		z1 := (binary.LittleEndian.Uint64(x[8:]) | one.open ^ one.want) | (binary.LittleEndian.Uint64(y[8:]) | two.open ^ two.want)
		z2 := (binary.LittleEndian.Uint64(x[16:]) | one.open ^ one.want) | (binary.LittleEndian.Uint64(y[16:]) | two.open ^ two.want)
		z3 := (binary.LittleEndian.Uint64(x[24:]) | one.open ^ one.want) | (binary.LittleEndian.Uint64(y[24:]) | two.open ^ two.want)
		if ((z0-lows)&^z0|(z1-lows)&^z1|(z2-lows)&^z2|(z3-lows)&^z3)&highs == 0 {
			continue
		}
		for k, z := range [...]uint64{z0, z1, z2, z3} {
			// The lowest mark is right: a borrow comes from a lower one.
			if m := (z - lows) &^ z & highs; m != 0 {
				return i + 8*k + bits.TrailingZeros64(m)>>3
			}
		}
	}
	for ; i+gap < len(b); i++ {
		if b[i]|byte(one.open) == byte(one.want) && b[i+gap]|byte(two.open) == byte(two.want) {
			return i
		}
	}
	return len(b)
}

const (
	aloneWeight = 300     // of the second byte, where there is none
	maxWeight   = 1 << 30 // above that of any needle
)

// byteWeights is how often each byte comes in a thousand of English text, about, and at
// least 1. A wrong guess costs time only.
var byteWeights = func() (t [256]uint8) {
	for i := range t {
		t[i] = 3 // digits and signs
		if i >= utf8.RuneSelf {
			t[i] = 30
		}
		if i >= 0xC0 {
			t[i] = 90 // a text has few different ones of these
		}
	}
	for i, w := range [...]uint8{65, 12, 23, 34, 102, 18, 16, 50, 57, 1, 6, 33, 20, 57, 62, 15, 1, 48, 53, 75, 23, 8, 19, 1, 16, 1} {
		t['a'+i], t['A'+i] = w, w
	}
	return t
}()
