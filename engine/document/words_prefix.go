package document

import "unicode/utf8"

// prefixFilter tells of most places in a text, by four bytes, that no phrase begins
// there. It may say yes wrongly, never no.
type prefixFilter struct {
	// long holds, by the hash of the first three bytes, which fourth bytes may follow:
	// a bit for each value of their lowest three bits.
	long [1 << tripleBits]uint8
	// short holds, for a first byte, the second bytes that suffice: those of shorter phrases.
	short [utf8.RuneSelf][2]uint64
}

const tripleBits = 12

// caseBits, set in every byte, make ASCII letters of both cases equal.
const caseBits = 0x20202020

// triple hashes the three lowest bytes of x.
func triple(x uint32) uint32 { return x << 8 * 0x9E3779B1 >> (32 - tripleBits) }

// pass reports whether a phrase may begin with the bytes of x, lowest first, the first of which is ASCII.
func (p *prefixFilter) pass(x uint32) bool {
	if x&0x80808080 != 0 {
		return true
	}
	second := x >> 8 & 0x7F
	long := p.long[triple(x|caseBits)] >> (x >> 24 & 7)
	short := p.short[x&0x7F][second>>6] >> (second & 63)
	return (uint64(long)|short)&1 != 0
}

// addPrefixes fills the filter and wordFirst from the states next to the root.
func (w *Words) addPrefixes() {
	for _, e := range w.edgesOf(0) {
		if w.letters.class(e.char) != wordRune {
			w.wordFirst = false
		}
	}
	for first := range uint32(utf8.RuneSelf) {
		one := w.child(0, rune(w.letters.asciiFolds[first]))
		if one == 0 {
			continue
		}
		for second := range uint32(utf8.RuneSelf) {
			two := w.child(one, w.asciiSymbol(second))
			if w.mayEnd(one, second) || two != 0 && (w.ends(two) || w.letters.ascii[second] == spaceRune) {
				// A phrase that is complete, or one that goes on after any amount of white space.
				w.prefix.short[first][second>>6] |= 1 << (second & 63)
			}
			if two != 0 {
				w.addTriples(two, first|second<<8)
			}
		}
	}
}

func (w *Words) addTriples(two, bytes uint32) {
	for third := range uint32(utf8.RuneSelf) {
		three := w.child(two, w.asciiSymbol(third))
		if three == 0 {
			continue
		}
		set := &w.prefix.long[triple(bytes|third<<16|caseBits)]
		for fourth := range uint32(utf8.RuneSelf) {
			if w.mayEnd(three, fourth) || w.letters.ascii[third] == spaceRune || w.child(three, w.asciiSymbol(fourth)) != 0 {
				*set |= 1 << (fourth & 7)
			}
		}
	}
}

// mayEnd reports whether a phrase that ends in state may be followed by the byte b.
func (w *Words) mayEnd(state, b uint32) bool { return w.ends(state) && w.letters.ascii[b] != wordRune }

// asciiSymbol returns the automaton's character for a byte of the text.
func (w *Words) asciiSymbol(b uint32) rune {
	if w.letters.ascii[b] == spaceRune {
		return space
	}
	return rune(w.letters.asciiFolds[b])
}
