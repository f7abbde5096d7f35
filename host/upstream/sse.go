package upstream

import (
	"bytes"
	"io"
	"strings"

	"github.com/pointsman/pointsman/engine"
)

// sse is the framing of server-sent events (WHATWG HTML, 9.2.6): lines ended by
// CR, LF or both, fields, comments, a BOM. It keeps no line, only what the
// current event has of data and name, so a line may be as long as an event.
//
// Two departures from that text: an event whose data is empty is not delivered,
// and one that the body's proper end leaves without its blank line is.
// See RATIONALE.md, "Why is a last event without a blank line delivered?"
type sse struct {
	max int

	data  []byte
	lines int // data fields of the current event
	name  []byte
	last  string // the name delivered last, to make no string of the same again

	// Of the current line.
	key     [9]byte // the longest field known, after a BOM
	keyLen  int     // more than len(key): a field that is not known
	field   field
	value   bool // the value's first byte was seen
	skipLF  bool
	begun   bool
	pending bool // a line was begun and not ended
	ended   bool
}

// field is what the current line says.
type field uint8

const (
	fieldUnread field = iota // the colon is yet to come
	fieldOther
	fieldData
	fieldEvent
)

// maxEventName bounds an event's name; what is longer is cut.
const maxEventName = 128

var bom = []byte("\uFEFF")

func (s *sse) accepts(mediaType string) bool {
	return mediaType == "text/event-stream" || mediaType == ""
}

func (s *sse) next(r source) (engine.Event, error) {
	if s.ended {
		return engine.Event{}, io.EOF
	}
	s.reset()
	for {
		p, err := r.more()
		if err == io.EOF {
			s.ended = true
			if s.pending {
				s.endLine()
			}
			if len(s.data) > 0 {
				return s.event(), nil
			}
		}
		if err != nil {
			return engine.Event{}, err
		}
		if s.skipLF {
			s.skipLF = false
			if p[0] == '\n' {
				r.take(1)
				continue
			}
		}
		n, ended := lineEnd(p)
		if err := s.take(p[:n]); err != nil {
			return engine.Event{}, err
		}
		r.take(n)
		if !ended {
			continue
		}
		r.take(1)
		s.skipLF = p[n] == '\r'
		blank := s.endLine()
		if len(s.data) > s.max {
			return engine.Event{}, errTooLong // by lines of nothing but the field's name
		}
		if blank {
			if len(s.data) > 0 {
				return s.event(), nil
			}
			s.reset()
		}
	}
}

// lineEnd returns the position of the first CR or LF, or len(p) and false.
func lineEnd(p []byte) (int, bool) {
	n, ended := len(p), false
	if i := bytes.IndexByte(p, '\n'); i >= 0 {
		n, ended = i, true
	}
	if i := bytes.IndexByte(p[:n], '\r'); i >= 0 {
		n, ended = i, true
	}
	return n, ended
}

// take reads a piece of the current line, without its end.
func (s *sse) take(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	s.pending = true
	if s.field == fieldUnread {
		n, found := len(p), false
		if i := bytes.IndexByte(p, ':'); i >= 0 {
			n, found = i, true
		}
		if s.keyLen <= len(s.key) {
			copy(s.key[min(s.keyLen, len(s.key)):], p[:n])
			s.keyLen += n
		}
		if !found {
			return nil
		}
		s.named()
		p = p[n+1:]
	}
	if !s.value && len(p) > 0 {
		s.value = true
		if p[0] == ' ' {
			p = p[1:]
		}
	}
	switch s.field {
	case fieldData:
		if len(s.data)+len(p) > s.max {
			return errTooLong
		}
		s.data = append(s.data, p...)
	case fieldEvent:
		s.name = append(s.name, p[:min(len(p), maxEventName-len(s.name))]...)
	}
	return nil
}

// named decides what the line is about, once its field name is complete.
func (s *sse) named() {
	s.field = fieldOther
	if s.keyLen > len(s.key) {
		return
	}
	key := s.key[:s.keyLen]
	if !s.begun {
		key = bytes.TrimPrefix(key, bom)
	}
	switch string(key) {
	case "data":
		s.field = fieldData
		if s.lines > 0 {
			s.data = append(s.data, '\n')
		}
		s.lines++
	case "event":
		s.field = fieldEvent
		s.name = s.name[:0]
	}
}

// endLine ends the current line and reports whether it was blank, which ends the event.
func (s *sse) endLine() bool {
	blank := s.field == fieldUnread && (s.keyLen == 0 || !s.begun && s.keyLen == len(bom) && bytes.Equal(s.key[:s.keyLen], bom))
	if !blank && s.field == fieldUnread {
		s.named() // a field without a colon has an empty value
	}
	s.begun, s.pending = true, false
	s.field, s.keyLen, s.value = fieldUnread, 0, false
	return blank
}

func (s *sse) reset() {
	s.data, s.lines, s.name = emptied(s.data), 0, s.name[:0]
}

func (s *sse) event() engine.Event {
	if string(s.name) != s.last {
		s.last = strings.ToValidUTF8(string(s.name), "\uFFFD")
	}
	return engine.Event{Name: s.last, Data: eventData(s.data)}
}
