package document

import (
	"unicode/utf8"
)

// interner keeps strings by content, so that the names which a guest says at every
// call are made only once. Guests of several tenants may share one: it is never seen,
// and bounded.
type interner struct{ known map[string]string }

const (
	maxInterned     = 512 // strings; then it begins anew
	maxInternedSize = 256 // bytes of a string that is kept
)

// text returns b as a string of its own.
func (n *interner) text(b []byte) string {
	if len(b) > maxInternedSize {
		return string(b)
	}
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	if n.known == nil || len(n.known) >= maxInterned {
		n.known = make(map[string]string, 16)
	}
	s := string(b)
	n.known[s] = s
	return s
}

// clean returns guest text as a string that may be shown and logged: at most max
// bytes, cut between characters; invalid UTF-8 becomes U+FFFD, line breaks and tabs a blank,
// and other control characters, line separators and bidirectional controls are left out.
func (f *Frame) clean(b []byte, max int) string {
	f.spend(min(len(b), max))
	if len(b) > max {
		b = cutText(b, max)
	}
	for _, c := range b {
		if c < ' ' || c >= 0x7F {
			f.scratch = appendClean(f.scratch[:0], b)
			return f.strings.text(cutText(f.scratch, max))
		}
	}
	return f.strings.text(b)
}

func appendClean(dst, b []byte) []byte {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		b = b[size:]
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			dst = append(dst, ' ')
		case r < ' ' || r >= 0x7F && r < 0xA0, r == 0x2028, r == 0x2029,
			r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
