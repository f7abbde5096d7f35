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
	i := 0
	afterWord := uint64(0) // 1: the character before i is a word character
	for i < len(b) {
		block := b[i:]
		if len(block) > 64 {
			block = block[:64]
		} else if len(block) < 64 {
			copy(tail[:], block)
			tail[len(block)] = utf8.RuneSelf // ends the block like any other character that is not ASCII
			block = tail[:]
		}
		words, size := wordMask((*[64]byte)(block))
		starts := ^(words<<1 | afterWord)
		if size < 64 {
			starts &= 1<<size - 1
		}
		if w.wordFirst {
			starts &= words
		}
		next := i + size
		for starts != 0 {
			at := i + bits.TrailingZeros64(starts)
			if at+1 < len(b) {
				second := b[at+1]
				if second < utf8.RuneSelf && w.second[b[at]][second>>6]>>(second&63)&1 == 0 {
					starts &= starts - 1
					continue
				}
			}
			end, ended := w.walk(text, at, hits)
			if end >= next {
				next, afterWord = end, ended
				goto advance
			}
			starts = starts >> (end - i) << (end - i)
		}
		if size > 0 {
			afterWord = words >> (size - 1) & 1
		}
	advance:
		i = next
		for i < len(b) && b[i] >= utf8.RuneSelf {
			c, class, size := w.letters.next(text, i)
			if afterWord == 0 && w.child(0, c) != 0 {
				i, afterWord = w.walk(text, i, hits)
				continue
			}
			i += size
			afterWord = uint64(class & wordRune)
		}
	}
}

// walk runs the automaton from the root at text[i], before which there is no word
// character, until it is back at the root. It returns where that is, and 1 when the
// character before is a word character, else 0.
func (w *Words) walk(text string, i int, hits []uint64) (end int, afterWord uint64) {
	state := uint32(0)
	for i < len(text) {
		c, class, size := w.letters.next(text, i)
		if class == spaceRune {
			c = space
			size = w.letters.skipSpace(text, i) - i
		}
		if class != wordRune && state != 0 {
			w.report(state, hits)
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
		y := x&^highs | ' '*lows
		z := x &^ highs
		// High bits of bytes in a range: no sum carries into the next byte.
		word := (y+(0x80-'a')*lows)&^(y+(0x7F-'z')*lows) |
			(z+(0x80-'0')*lows)&^(z+(0x7F-'9')*lows) |
			^(z ^ '_'*lows + 0x7F*lows)
		mask |= (word & highs >> 7 * 0x0102040810204080 >> 56) << i
		if wide != 0 {
			size = i + bits.TrailingZeros64(wide)>>3
			if size < 64 {
				mask &= 1<<size - 1
			}
			return mask, size
		}
	}
	return mask, 64
}
