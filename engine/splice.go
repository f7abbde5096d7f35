package engine

import (
	"slices"

	"github.com/pointsman/pointsman/engine/document"
)

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

// without appends the edits that take the named members out of an object, with their commas.
// A name that it lacks changes nothing.
func without(edits []document.Edit, doc *document.Doc, object document.Node, names []string) []document.Edit {
	there := false
	for _, name := range names {
		there = there || object.Get(name).Exists()
	}
	if !there {
		return edits
	}
	src := doc.Bytes()
	start, end := object.Span()
	at, left := start+1, object.Len() // where the member's text begins, behind the comma before it
	from, last, kept := -1, at, false // of the run of members that go; where the one before ends
	for name, value := range object.Members() {
		left--
		_, to := value.Span()
		stop := end - 1
		if left > 0 {
			for stop = to; src[stop] != ','; stop++ {
			}
		}
		switch gone := slices.Contains(names, name); {
		case gone && from < 0:
			from = at
		case !gone && from >= 0:
			edits = append(edits, document.Edit{Start: from, End: at})
			from = -1
		}
		kept = kept || from < 0
		at, last = stop+1, to
	}
	if from >= 0 {
		if kept {
			from-- // the comma before it
		}
		edits = append(edits, document.Edit{Start: from, End: last})
	}
	return edits
}
