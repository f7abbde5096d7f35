package document

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/pointsman/pointsman/sdk/abi"
)

// SyntaxError says why a text is not an acceptable document, and where.
// Reason and Pointer are safe to show to whoever sent the text: of its content they
// hold member names only.
type SyntaxError struct {
	Offset  int    // byte offset, from 0
	Line    int    // from 1; lines end with \n
	Column  int    // from 1, in code points
	Pointer string // RFC 6901 pointer of the place; "" is the whole document. Cut to 512 bytes
	Reason  string // lower case, as "duplicate member name"
}

// Error returns "line:column: reason (at pointer)".
func (e *SyntaxError) Error() string {
	if e.Pointer == "" {
		return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Reason)
	}
	return fmt.Sprintf("%d:%d: %s (at %s)", e.Line, e.Column, e.Reason, e.Pointer)
}

// Reasons.
const (
	reasonEnd         = "unexpected end of JSON"
	reasonValue       = "expected a value"
	reasonName        = "expected a member name in double quotes"
	reasonColon       = "expected ':' after the member name"
	reasonComma       = "expected ',' or ']'"
	reasonObjectComma = "expected ',' or '}'"
	reasonTrailing    = "unexpected text after the value"
	reasonDuplicate   = "duplicate member name"
	reasonControl     = "control character in a string"
	reasonEscape      = "unknown escape in a string"
	reasonHex         = "expected four hexadecimal digits after \\u"
	reasonSurrogate   = "lone surrogate in a string"
	reasonUTF8        = "invalid UTF-8"
	reasonZero        = "number with a leading zero"
	reasonDigit       = "expected a digit"
	reasonRange       = "number too large"
	reasonBOM         = "byte order mark"
	reasonDepth       = "nested too deeply"
	reasonNodes       = "too many values"
	reasonSize        = "document too large"
)

// syntaxError describes the fault of a parse that d was left from.
func (d *Doc) syntaxError(f fault) *SyntaxError {
	e := &SyntaxError{Offset: f.offset, Line: 1, Column: 1, Reason: f.reason}
	line := 0
	for i, c := range d.src[:f.offset] {
		if c == '\n' {
			e.Line++
			line = i + 1
		}
	}
	e.Column += utf8.RuneCount(d.src[line:f.offset])
	e.Pointer = d.pointerOf(f)
	return e
}

// maxPointer bounds the pointer of an error, in bytes.
const maxPointer = 512

// pointerOf climbs from the innermost open array or object. A name stands right
// before its value on the tape; an element's index is the number of those before it.
func (d *Doc) pointerOf(f fault) string {
	var tokens []string
	child := uint32(len(d.tape)) // where the next value would go
	if !f.inside {
		child = f.open
	}
	open := f.open
	if !f.inside && open != none {
		open = d.tape[open].aux
	}
	for open != none {
		if d.tape[open].kind() == abi.KindObject {
			name := d.tape[child-1]
			tokens = append(tokens, string(appendDecoded(nil, d.src[name.start+1:name.end-1])))
		} else {
			tokens = append(tokens, strconv.Itoa(d.tape[open].count()))
		}
		child, open = open, d.tape[open].aux
	}
	var p []byte
	for i := len(tokens) - 1; i >= 0 && len(p) < maxPointer; i-- {
		p = append(p, '/')
		t := tokens[i]
		for j := 0; j < len(t) && len(p) < maxPointer; j++ {
			switch t[j] {
			case '~':
				p = append(p, "~0"...)
			case '/':
				p = append(p, "~1"...)
			default:
				p = append(p, t[j])
			}
		}
	}
	return string(cutText(p, maxPointer))
}

// cutText returns the longest prefix of valid UTF-8 text that has at most max bytes
// and does not end inside a character.
func cutText(b []byte, max int) []byte {
	if len(b) > max {
		b = b[:max]
	}
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-i:]) {
				b = b[:len(b)-i]
			}
			break
		}
	}
	return b
}
