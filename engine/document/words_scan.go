package document

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Scan clears hits and sets bit i (hits[i/64] >> (i%64) & 1) for each phrase i that
// text mentions, by the definition of Mentions. Phrases beyond 64*len(hits) are left
// out. Time is linear in text, whatever it and the phrases are; nothing is allocated.
// Invalid UTF-8 in text does no harm.
func (w *Words) Scan(text string, hits []uint64) {
	clear(hits)
	if w == nil || len(w.edges) == 0 {
		return
	}
	var tail [64]byte
	b := bytesOf(text)
	afterWord := uint64(0) // 1: the character before b[i] is a word character
	for i := 0; i < len(b); {
		block := b[i:]
		if len(block) < 64 {
			copy(tail[:], block)
			tail[len(block)] = utf8.RuneSelf // ends the block as any character does that is not ASCII
			block = tail[:]
		}
		words, size := wordMask((*[64]byte)(block))
		next := i + size
		// Where a phrase may begin: wherever no word character stands before.
		starts := ^(words<<1 | afterWord) & (1<<size - 1)
		if w.wordFirst {
			starts &= words
		}
		if size > 0 {
			afterWord = words >> (size - 1) & 1
		}
		for starts != 0 {
			at := i + bits.TrailingZeros64(starts)
			if at+4 <= len(b) && !w.prefix.pass(binary.LittleEndian.Uint32(b[at:])) {
				starts &= starts - 1
				continue
			}
			end, word := w.walk(text, at, hits)
			if end >= next {
				next, afterWord = end, word
				break
			}
			starts = starts >> (end - i) << (end - i)
		}
		i = next
		for i < len(b) && b[i] >= utf8.RuneSelf {
			c, width := utf8.DecodeRuneInString(text[i:])
			if afterWord == 0 && w.child(0, w.letters.fold(c)) != 0 {
				i, afterWord = w.walk(text, i, hits)
				continue
			}
			i += width
			afterWord = uint64(w.letters.class(c) & wordRune)
		}
	}
}

// walk runs the automaton from the root at text[i], before which there is no word
// character, until it is back at the root. It returns where that is, and 1 when the
// character before is a word character, else 0.
func (w *Words) walk(text string, i int, hits []uint64) (end int, afterWord uint64) {
	state := uint32(0)
	for i < len(text) {
		var c rune
		var class uint8
		size := 1
		if b := text[i]; b < utf8.RuneSelf {
			c, class = rune(w.letters.asciiFolds[b]), w.letters.ascii[b]
		} else {
			c, class, size = w.letters.next(text, i)
		}
		if class != wordRune {
			if class == spaceRune {
				c = space
				size = w.letters.skipSpace(text, i) - i
			}
			if state != 0 {
				w.report(state, hits)
			}
		}
		next := uint32(0)
		for ; state != 0; state = w.fail[state] {
			if next = w.child(state, c); next != 0 {
				break
			}
		}
		if next == 0 && afterWord == 0 {
			next = w.child(0, c)
		}
		i += size
		afterWord = uint64(class & wordRune)
		if next == 0 {
			return i, afterWord
		}
		state = next
	}
	w.report(state, hits)
	return i, afterWord
}

// report sets the bits of all phrases that end in state. Where one is set already, so
// are those of every state along its link: the whole scan sets each bit once.
func (w *Words) report(state uint32, hits []uint64) {
	if !w.ends(state) {
		state = w.outLink[state]
	}
	for ; state != 0; state = w.outLink[state] {
		for _, i := range w.outs[w.outStart[state]:w.outStart[state+1]] {
			if int(i>>6) >= len(hits) {
				continue
			}
			bit := uint64(1) << (i & 63)
			if hits[i>>6]&bit != 0 {
				return
			}
			hits[i>>6] |= bit
		}
	}
}

// wordMask returns a bit for each of the first size bytes of block that is a word
// character; size is how many bytes stand before the first that is not ASCII.
func wordMask(block *[64]byte) (mask uint64, size int) {
	for i := 0; i < 64; i += 8 {
		x := binary.LittleEndian.Uint64(block[i:])
		wide := x & highs
		z := x &^ highs
		y := z | ' '*lows
		// High bits of bytes in a range: no sum carries into the next byte.
		word := (y+(0x80-'a')*lows)&^(y+(0x7F-'z')*lows) |
			(z+(0x80-'0')*lows)&^(z+(0x7F-'9')*lows) |
			^(z ^ '_'*lows + 0x7F*lows)
		mask |= (word & highs >> 7 * 0x0102040810204080 >> 56) << i
		if wide != 0 {
			size = i + bits.TrailingZeros64(wide)>>3
			return mask & (1<<size - 1), size
		}
	}
	return mask, 64
}
