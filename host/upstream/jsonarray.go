package upstream

import (
	"io"

	"github.com/pointsman/pointsman/engine"
)

// jsonArray is the framing of a body that is one JSON array whose elements are
// the events, as Gemini sends without alt=sse. A body that is a bare object is
// one event: so errors arrive. Elements are objects; they are cut out by their
// braces, not checked.
type jsonArray struct {
	max  int
	data []byte

	depth   int  // of the current element
	text    bool // inside a string
	escaped bool // after a backslash in it
	state   arrayState
	mark    int // bytes of a BOM seen
}

type arrayState uint8

const (
	arrayBefore arrayState = iota // nothing but white space yet
	arrayOpen                     // between elements
	arrayBare                     // the body is one object
	arrayAfter                    // the array was closed
)

func (a *jsonArray) accepts(mediaType string) bool {
	return mediaType == "application/json" || mediaType == ""
}

func (a *jsonArray) next(r source) (engine.Event, error) {
	a.data = emptied(a.data)
	for {
		p, err := r.more()
		if err == io.EOF && (a.depth > 0 || a.state == arrayOpen) {
			return engine.Event{}, io.ErrUnexpectedEOF
		}
		if err != nil {
			return engine.Event{}, err
		}
		n, whole, err := a.take(p)
		r.take(n)
		if err != nil {
			return engine.Event{}, err
		}
		if whole {
			return engine.Event{Data: eventData(a.data)}, nil
		}
	}
}

// take reads from p until it is used up or an element is whole.
func (a *jsonArray) take(p []byte) (n int, whole bool, err error) {
	for n < len(p) {
		if a.depth == 0 {
			c := p[n]
			n++
			switch {
			case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			case a.state == arrayBefore && a.mark < len(bom) && c == bom[a.mark]:
				a.mark++
			case c == '[' && a.state == arrayBefore:
				a.state = arrayOpen
			case c == ',' && a.state == arrayOpen:
			case c == ']' && a.state == arrayOpen:
				a.state = arrayAfter
			case c == '{' && a.state <= arrayOpen:
				if a.state == arrayBefore {
					a.state = arrayBare
				}
				a.depth = 1
				a.data = append(a.data, c)
			default:
				return n, false, errShape
			}
			continue
		}
		used := a.element(p[n:])
		if len(a.data)+used > a.max {
			return n, false, errTooLong
		}
		a.data = append(a.data, p[n:n+used]...)
		n += used
		if a.depth == 0 {
			return n, true, nil
		}
	}
	return n, false, nil
}

// element counts the bytes of p that belong to the current element.
func (a *jsonArray) element(p []byte) int {
	for i, c := range p {
		switch {
		case a.escaped:
			a.escaped = false
		case a.text:
			a.escaped = c == '\\'
			a.text = c != '"'
		case c == '"':
			a.text = true
		case c == '{' || c == '[':
			a.depth++
		case c == '}' || c == ']':
			if a.depth--; a.depth == 0 {
				return i + 1
			}
		}
	}
	return len(p)
}
