package document

import (
	"bytes"
	"unicode/utf8"
	"unsafe"
)

// view returns b as a string without copying. b must not change while it is in use.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf returns s as bytes without copying, to be read only.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// appendDecoded appends the content of a valid JSON string (raw is what stands
// between the quotes) with its escapes resolved.
func appendDecoded(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		r, size := decodeEscape(raw[i:])
		dst = utf8.AppendRune(dst, r)
		raw = raw[i+size:]
	}
}

// decodeEscape returns the character of the valid escape that raw begins with, and the escape's length.
func decodeEscape(raw []byte) (r rune, size int) {
	switch c := raw[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, _ = hex4(raw, 2)
		if r < 0xD800 || r > 0xDFFF {
			return r, 6
		}
		low, _ := hex4(raw, 8)
		return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00), 12
	default:
		return rune(c), 2
	}
}

// equalDecoded reports whether a valid JSON string's content, decoded, is s. It copies nothing.
func equalDecoded(raw []byte, s string) bool {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return string(raw) == s
		}
		if i >= len(s) || string(raw[:i]) != s[:i] {
			return false
		}
		r, size := decodeEscape(raw[i:])
		got, width := utf8.DecodeRuneInString(s[i:])
		if got != r || width != utf8.RuneLen(r) {
			return false
		}
		raw, s = raw[i+size:], s[i+width:]
	}
}

// rawOffset translates an offset in the decoded text to one in raw, the content of
// a valid JSON string. An offset inside a character counts as its beginning; one
// past the end as the end. exact is the decoded offset that it became.
func rawOffset(raw []byte, decoded int) (offset, exact int) {
	pos := 0 // decoded offset of raw[offset]
	for pos < decoded && offset < len(raw) {
		plain := min(decoded-pos, len(raw)-offset)
		i := bytes.IndexByte(raw[offset:offset+plain], '\\')
		if i < 0 {
			for offset+plain < len(raw) && !utf8.RuneStart(raw[offset+plain]) {
				plain--
			}
			return offset + plain, pos + plain
		}
		offset, pos = offset+i, pos+i
		r, size := decodeEscape(raw[offset:])
		if pos+utf8.RuneLen(r) > decoded {
			break
		}
		offset, pos = offset+size, pos+utf8.RuneLen(r)
	}
	return offset, pos
}
