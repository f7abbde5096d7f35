package document

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/pointsman/pointsman/sdk/abi"
)

// AppendString appends s as a JSON string, in double quotes. Quotes, backslashes and
// control characters are escaped, invalid UTF-8 is replaced by U+FFFD (one for each
// byte), everything else stays as it is.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = AppendEscaped(dst, s)
	return append(dst, '"')
}

// AppendEscaped is AppendString without the quotes.
func AppendEscaped(dst []byte, s string) []byte {
	b := bytesOf(s)
	done := 0 // b[:done] has been appended
	i := 0
	for i < len(b) {
		if i+8 <= len(b) {
			m := special(binary.LittleEndian.Uint64(b[i:]))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		c := b[i]
		if c >= utf8.RuneSelf {
			if size := runeSize(b, i); size > 0 {
				i += size
				continue
			}
			dst = append(dst, b[done:i]...)
			dst = append(dst, "\uFFFD"...)
			i++
			done = i
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, b[done:i]...)
		dst = appendEscape(dst, c)
		i++
		done = i
	}
	return append(dst, b[done:]...)
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// Usual reports whether the node is a string that is spelled as AppendString spells it.
func (n Node) Usual() bool {
	s := n.slot()
	if s == nil || s.kind() != abi.KindString {
		return false
	}
	if !s.escaped() {
		return true
	}
	raw := n.d.src[s.start+1 : s.end-1]
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return true
		}
		r, size := decodeEscape(raw[i:])
		var room [maxEscape]byte
		if r >= ' ' && r != '"' && r != '\\' || string(appendEscape(room[:0], byte(r))) != string(raw[i:i+size]) {
			return false
		}
		raw = raw[i+size:]
	}
}

const maxEscape = len(`\u0000`)
