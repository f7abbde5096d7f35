package engine

import "github.com/pointsman/pointsman/engine/document"

// change is what becomes of a member. The zero value leaves it as it is.
type change struct {
	with []byte // nil: its own value
	gone bool
}

var (
	asItIs  = change{}
	leftOut = change{gone: true}
)

func replaced(with []byte) change { return change{with: with} }

// splice writes a document with members of some objects changed. What is kept is
// copied as it stands, white space included.
type splice struct {
	doc *document.Doc
	out []byte
}

// object appends an object, asking of each member what becomes of it, and then for what
// is added: members without braces, or nothing.
func (s *splice) object(object document.Node, member func(name string, value document.Node) change, added func() []byte) {
	src := s.doc.Bytes()
	start, end := object.Span()
	s.out = append(s.out, '{')
	at, left, written := start+1, object.Len(), 0
	for name, value := range object.Members() {
		left--
		from, to := value.Span()
		stop := end - 1 // where the member's text ends: at the comma, or at the brace
		if left > 0 {
			for stop = to; src[stop] != ','; stop++ {
			}
		}
		if c := member(name, value); !c.gone {
			if written++; written > 1 {
				s.out = append(s.out, ',')
			}
			s.out = append(s.out, src[at:from]...)
			if c.with != nil {
				s.out = append(s.out, c.with...)
			} else {
				s.out = append(s.out, src[from:to]...)
			}
			s.out = append(s.out, src[to:stop]...)
		}
		at = stop + 1
	}
	if added != nil {
		if more := added(); len(more) > 0 {
			if written > 0 {
				s.out = append(s.out, ',')
			}
			s.out = append(s.out, more...)
		}
	}
	s.out = append(s.out, '}')
}

// without is the edit that takes a member of an object out, with its comma.
func without(doc *document.Doc, object document.Node, name string) document.Edit {
	src := doc.Bytes()
	start, end := object.Span()
	at, left := start+1, object.Len()
	for key, value := range object.Members() {
		left--
		_, to := value.Span()
		stop := end - 1
		if left > 0 {
			for stop = to; src[stop] != ','; stop++ {
			}
		}
		switch {
		case key != name:
			at = stop + 1
			continue
		case left > 0:
			return document.Edit{Start: at, End: stop + 1}
		case at > start+1:
			return document.Edit{Start: at - 1, End: to} // with the comma before it
		}
		return document.Edit{Start: at, End: to}
	}
	return document.Edit{}
}
