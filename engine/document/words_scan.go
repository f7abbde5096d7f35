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
	b := bytesOf(text)
	m := blockMasks{}
	for i := w.block(b, &m); i < len(b); {
		i = w.look(text, i, &m, hits)
		i += w.block(b[i:], &m)
	}
}

// look walks from wherever a phrase may begin in the block of text at i, and returns where to
// go on: behind the block, or behind the last walk or character that began in it. m is of the
// block; its after becomes that of the character before there.
func (w *Words) look(text string, i int, m *blockMasks, hits []uint64) int {
	size := min(64, len(text)-i)
	todo := (m.starts | m.wide) << (64 - size) >> (64 - size)
	last := m.after // 1: what was decoded or walked last ended with a word character
	for todo != 0 {
		at := bits.TrailingZeros64(todo)
		end := i + at
		if m.wide>>at&1 == 0 {
			if end+4 <= len(text) && !w.prefix.pass(binary.LittleEndian.Uint32(bytesOf(text)[end:])) {
				todo &= todo - 1
				continue
			}
			end, last = w.walk(text, end, hits)
		} else {
			if at > 0 && m.wide>>(at-1)&1 == 0 {
				last = m.words >> (at - 1) & 1
			}
			end, last = w.wide(text, end, last, hits)
		}
		if at = end - i; at >= size {
			m.after = last
			return end
		}
		todo = todo >> at << at
		todo &^= last << at &^ m.wide // the word goes on
	}
	m.after = m.words >> (size - 1) & 1
	return i + size
}

// wide goes on to the next character of ASCII, or to the end of a walk. afterWord is of the
// character before i, and of the last one.
func (w *Words) wide(text string, i int, afterWord uint64, hits []uint64) (int, uint64) {
	for i < len(text) && text[i] >= utf8.RuneSelf {
		c, width := utf8.DecodeRuneInString(text[i:])
		if afterWord == 0 && w.child(0, w.letters.fold(c)) != 0 {
			return w.walk(text, i, hits)
		}
		i += width
		afterWord = uint64(w.letters.class(c) & wordRune)
	}
	return i, afterWord
}

// block finds the next block of b, of 64 bytes or what is left, that is worth a look: the
// first, or a later one before which no phrase begins and all is ASCII. It returns where
// that is, which may be the end of b. m says what is in it, and of the character before it.
func (w *Words) block(b []byte, m *blockMasks) int {
	skipped := 0
	if vectors {
		if len(b) >= 64+2 {
			scanBlocks(&b[0], len(b)-2, &w.begin, m)
			if m.starts|m.wide != 0 {
				return m.at
			}
			skipped = m.at
			b = b[skipped:]
		}
		if len(b) == 0 {
			return skipped
		}
		if len(b) < 64+2 {
			var tail [64 + 2]byte
			fillTail(tail[:], b)
			scanBlocks(&tail[0], 64, &w.begin, m)
			m.at = 0
		}
		return skipped
	}
	block := b
	if len(b) < 64 {
		var tail [64]byte
		fillTail(tail[:], b)
		block = tail[:]
	}
	m.words, m.wide = wordMask((*[64]byte)(block))
	m.starts = ^(m.words<<1 | m.after)
	if w.wordFirst {
		m.starts &= m.words
	}
	return 0
}

// fillTail makes tail what is left of a text, ended as a block is by any character that is not ASCII.
func fillTail(tail, rest []byte) {
	n := copy(tail, rest)
	for i := n; i < len(tail); i++ {
		tail[i] = utf8.RuneSelf
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

// wordMask returns a bit for each byte of block that is a word character of ASCII, and one
// for each that is not ASCII.
func wordMask(block *[64]byte) (words, wide uint64) {
	for i := 0; i < 64; i += 8 {
		x := binary.LittleEndian.Uint64(block[i:])
		z := x &^ highs
		y := z | ' '*lows
		// High bits of bytes in a range: no sum carries into the next byte.
		word := (y+(0x80-'a')*lows)&^(y+(0x7F-'z')*lows) |
			(z+(0x80-'0')*lows)&^(z+(0x7F-'9')*lows) |
			^(z ^ '_'*lows + 0x7F*lows)
		words |= byteBits(word&^x) << i
		wide |= byteBits(x) << i
	}
	return words, wide
}

// byteBits gathers the high bit of each byte of x.
func byteBits(x uint64) uint64 { return x & highs >> 7 * 0x0102040810204080 >> 56 }
