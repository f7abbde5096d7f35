package document

import (
	"slices"
	"unicode/utf8"
)

// beginFilter is what scanBlocks knows of phrases: tables by the halves of a byte, low before
// high. A byte belongs to those of eight groups that both of its halves have a bit of.
type beginFilter struct {
	nibble [16]byte    // a mask of the low half
	word   [2][16]byte // groups that the word characters of ASCII belong to
	// bytes has, for the first three bytes of a phrase, groups of phrases: one may begin
	// where all three bytes belong to the same.
	bytes [3][2][16]byte
	other uint64 // all bits when a phrase begins with a character that is not of a word
}

// blockMasks is what scanBlocks found in a block: a bit for each of its bytes, lowest first.
type blockMasks struct {
	at     int    // of the block in the text
	after  uint64 // 1: the character before the block is of a word; given, and returned
	words  uint64 // word characters
	wide   uint64 // bytes of characters that are not ASCII
	starts uint64 // where a phrase may begin
}

// begins is how three bytes may be that a phrase begins with, as folded characters.
type begins [3]rune

// anyByte is where a byte may be any of ASCII.
const anyByte rune = -1

// addBegins fills the filter from the states next to the root.
func (w *Words) addBegins() {
	f := &w.begin
	for i := range f.nibble {
		f.nibble[i] = 0x0F
	}
	for b := range byte(utf8.RuneSelf) {
		if w.letters.ascii[b] == wordRune {
			group := byte(1) << (b >> 4)
			f.word[0][b&15] |= group
			f.word[1][b>>4] |= group
		}
	}
	if !w.wordFirst {
		f.other = ^uint64(0)
	}
	all := w.begins()
	for i, p := range all {
		group := byte(1) << (i * 8 / len(all))
		for k, c := range p {
			for b := range byte(utf8.RuneSelf) {
				if c == anyByte || w.asciiSymbol(uint32(b)) == c {
					f.bytes[k][0][b&15] |= group
					f.bytes[k][1][b>>4] |= group
				}
			}
		}
	}
}

// begins lists, in order, how phrases begin.
func (w *Words) begins() []begins {
	var all []begins
	var add func(state uint32, p begins, k int)
	add = func(state uint32, p begins, k int) {
		if k == len(p) {
			all = append(all, p)
			return
		}
		if w.ends(state) || k > 0 && p[k-1] == space {
			// What follows is of no phrase, or of any amount of white space.
			for i := k; i < len(p); i++ {
				p[i] = anyByte
			}
			all = append(all, p)
			return
		}
		for _, e := range w.edgesOf(state) {
			p[k] = e.char
			add(e.to, p, k+1)
		}
	}
	add(0, begins{}, 0)
	slices.SortFunc(all, func(a, b begins) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(all)
}
