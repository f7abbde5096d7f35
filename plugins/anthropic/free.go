package anthropic

import (
	"unicode/utf16"
	"unicode/utf8"
)

// freeInputReader reads a custom tool's input from the pieces of the object that
// holds it, {"input":"…"}. Pieces end anywhere, inside an escape too.
type freeInputReader struct {
	quotes byte   // seen so far: the text begins with the third and ends with the fourth
	held   string // the beginning of an escape, at most eleven bytes
}

// read returns the text that the piece adds.
func (f *freeInputReader) read(piece string) string {
	out := make([]byte, 0, len(piece))
	piece = f.held + piece
	f.held = ""
	for i := 0; i < len(piece); {
		c := piece[i]
		switch {
		case f.quotes > 3:
			return string(out)
		case c == '\\':
			size, r := escape(piece[i:])
			if size == 0 {
				f.held = piece[i:]
				return string(out)
			}
			if f.quotes == 3 {
				out = utf8.AppendRune(out, r)
			}
			i += size
			continue
		case c == '"':
			f.quotes++
		case f.quotes == 3:
			out = append(out, c)
		}
		i++
	}
	return string(out)
}

// escape reads the escape that s begins with (RFC 8259, section 7). size is 0 when s
// ends inside it; half a pair, and what is no escape, gives U+FFFD.
func escape(s string) (size int, r rune) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case 'n':
		return 2, '\n'
	case 't':
		return 2, '\t'
	case 'r':
		return 2, '\r'
	case 'b':
		return 2, '\b'
	case 'f':
		return 2, '\f'
	case '"', '\\', '/':
		return 2, rune(s[1])
	case 'u':
	default:
		return 2, utf8.RuneError
	}
	if len(s) < 6 {
		return 0, 0
	}
	first := hex(s[2:6])
	if !utf16.IsSurrogate(first) {
		return 6, first
	}
	switch {
	case first >= 0xdc00, len(s) > 6 && s[6] != '\\', len(s) > 7 && s[7] != 'u':
		return 6, utf8.RuneError
	case len(s) < 12:
		return 0, 0
	}
	if r = utf16.DecodeRune(first, hex(s[8:12])); r == utf8.RuneError {
		return 6, r
	}
	return 12, r
}

// hex reads four hexadecimal digits; U+FFFD when they are not.
func hex(s string) (r rune) {
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return utf8.RuneError
		}
	}
	return r
}
