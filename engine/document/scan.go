package document

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks, in the high bit of its byte, the first byte of x (lowest first) that
// is a quote, a backslash, a control character or not ASCII. Bytes after that one may
// be marked wrongly: a borrow can only come from a byte that is marked itself.
func special(x uint64) uint64 { return marked(x) & highs }

// marked is special with other bits set too. Changing bit 1 puts the quote right after the
// control characters, and a blank elsewhere: one comparison is for both.
func marked(x uint64) uint64 {
	return ((x ^ 2*lows) - ('"'^2+1)*lows) | ((x ^ '\\'*lows) - lows) | x
}

// scanString validates a string whose first character (after the quote) is src[i].
// It returns the offset after the closing quote and how many bytes decoding drops,
// which is more than 0 exactly when there is an escape. On failure end is the offset at fault.
func scanString(src []byte, i int) (end, drop int, reason string) {
	n := len(src)
	for {
		// Most strings are short: one word first, then four at a time.
		if i+8 <= n {
			if m := special(binary.LittleEndian.Uint64(src[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				goto found
			}
			i += 8
		}
		if rest := (n - i) &^ 31; vectors && rest >= 64 {
			at := scanSpecial(&src[i], rest)
			if i += at; at < rest {
				goto found
			}
		}
		for i+32 <= n {
			b := (*[32]byte)(src[i:])
			m0, m1 := marked(binary.LittleEndian.Uint64(b[0:])), marked(binary.LittleEndian.Uint64(b[8:]))
			m2, m3 := marked(binary.LittleEndian.Uint64(b[16:])), marked(binary.LittleEndian.Uint64(b[24:]))
			if (m0|m1|m2|m3)&highs == 0 {
				i += 32
				continue
			}
			switch {
			case m0&highs != 0:
				i += bits.TrailingZeros64(m0&highs) >> 3
			case m1&highs != 0:
				i += 8 + bits.TrailingZeros64(m1&highs)>>3
			case m2&highs != 0:
				i += 16 + bits.TrailingZeros64(m2&highs)>>3
			default:
				i += 24 + bits.TrailingZeros64(m3&highs)>>3
			}
			goto found
		}
		for i+8 <= n {
			if m := special(binary.LittleEndian.Uint64(src[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				goto found
			}
			i += 8
		}
		for i < n && src[i] >= ' ' && src[i] < utf8.RuneSelf && src[i] != '"' && src[i] != '\\' {
			i++
		}
		if i == n {
			return n, 0, reasonEnd
		}
	found:
		switch c := src[i]; {
		case c == '"':
			return i + 1, drop, ""
		case c == '\\':
			size, lost, why := scanEscape(src, i)
			if why != "" {
				return i, 0, why
			}
			i += size
			drop += lost
		case c < ' ':
			return i, 0, reasonControl
		default:
			for i < n && src[i] >= utf8.RuneSelf {
				size := runeSize(src, i)
				if size == 0 {
					return i, 0, reasonUTF8
				}
				i += size
			}
		}
	}
}

// scanEscape validates the escape at src[i], a backslash. size is its length (both
// halves of a surrogate pair together), lost how much shorter the character is.
func scanEscape(src []byte, i int) (size, lost int, reason string) {
	if i+1 >= len(src) {
		return 0, 0, reasonEnd
	}
	switch src[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, 1, ""
	case 'u':
	default:
		return 0, 0, reasonEscape
	}
	r, ok := hex4(src, i+2)
	if !ok {
		return 0, 0, reasonHex
	}
	switch {
	case r < 0x80:
		return 6, 5, ""
	case r < 0x800:
		return 6, 4, ""
	case r < 0xD800 || r > 0xDFFF:
		return 6, 3, ""
	case r > 0xDBFF || i+12 > len(src) || src[i+6] != '\\' || src[i+7] != 'u':
		return 0, 0, reasonSurrogate
	}
	if r, ok = hex4(src, i+8); !ok || r < 0xDC00 || r > 0xDFFF {
		return 0, 0, reasonSurrogate
	}
	return 12, 8, ""
}

// hex4 reads four hexadecimal digits at src[i].
func hex4(src []byte, i int) (rune, bool) {
	if i+4 > len(src) {
		return 0, false
	}
	a, b, c, d := hexValue[src[i]], hexValue[src[i+1]], hexValue[src[i+2]], hexValue[src[i+3]]
	if a|b|c|d == 0xFF {
		return 0, false
	}
	return rune(a)<<12 | rune(b)<<8 | rune(c)<<4 | rune(d), true
}

var hexValue = func() (t [256]uint8) {
	for i := range t {
		t[i] = 0xFF // an or with it is 0xFF again
	}
	for i := range 10 {
		t['0'+i] = uint8(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = uint8(10+i), uint8(10+i)
	}
	return t
}()

// runeSize returns the length of the UTF-8 sequence at src[i], which is not ASCII,
// or 0 when it is not well-formed (Unicode 16, table 3-7).
func runeSize(src []byte, i int) int {
	c := src[i]
	switch {
	case c < 0xC2:
		return 0
	case c < 0xE0:
		if i+1 < len(src) && src[i+1]&0xC0 == 0x80 {
			return 2
		}
		return 0
	case c < 0xF0:
		if i+2 >= len(src) || src[i+1]&0xC0 != 0x80 || src[i+2]&0xC0 != 0x80 ||
			c == 0xE0 && src[i+1] < 0xA0 || c == 0xED && src[i+1] > 0x9F {
			return 0
		}
		return 3
	case c < 0xF5:
		if i+3 >= len(src) || src[i+1]&0xC0 != 0x80 || src[i+2]&0xC0 != 0x80 || src[i+3]&0xC0 != 0x80 ||
			c == 0xF0 && src[i+1] < 0x90 || c == 0xF4 && src[i+1] > 0x8F {
			return 0
		}
		return 4
	}
	return 0
}
