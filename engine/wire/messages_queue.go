package wire

import "github.com/pointsman/pointsman/engine/document"

// Kinds of a block.
const (
	textBlock = iota + 1
	thinkingBlock
	redactedBlock
	callBlock
)

// block is a content block that is not closed yet.
type block struct {
	kind      int
	text      []byte // escaped, not yet sent: text, thinking or arguments
	signature []byte // escaped; of redacted thinking its data
	closed    bool

	// Of a call.
	id     string
	name   []byte // escaped
	place  int    // among the calls
	custom bool   // text is no JSON and becomes the member input
	extra  []byte // extra_content, JSON
	shape  shape
}

// tail returns the last block if pieces of that kind continue it, else a new one.
func (s *MessageStream) tail(kind int) *block {
	if n := len(s.queue); n > 0 {
		if b := s.queue[n-1]; b.kind == kind && len(b.signature) == 0 {
			return b
		}
	}
	return s.push(&block{kind: kind})
}

func (s *MessageStream) push(b *block) *block {
	s.queue = append(s.queue, b)
	return b
}

func (s *MessageStream) add(b *block, text []byte) {
	b.text = append(b.text, text...)
	s.held += len(text)
}

// advance sends what may be sent: of the first block everything, and the next ones as
// soon as nothing can be missing from it. After finish_reason nothing is missing.
func (s *MessageStream) advance() {
	final := s.finish != ""
	for len(s.queue) > 0 {
		b := s.queue[0]
		if !s.opened {
			if b.kind == callBlock && len(b.name) == 0 {
				if !final {
					return
				}
				if len(b.text) == 0 { // it never was a call
					s.queue = s.queue[1:]
					s.count--
					continue
				}
			}
			s.open(b)
		}
		if !b.custom {
			s.flush(b)
		}
		if !final && (len(s.queue) == 1 || b.kind == callBlock && !b.shape.whole) {
			return
		}
		s.close(b)
	}
}

func (s *MessageStream) open(b *block) {
	s.opened = true
	s.begin("content_block_start")
	s.at()
	switch b.kind {
	case textBlock:
		s.emit(`,"content_block":{"type":"text","text":""}`)
	case thinkingBlock:
		s.emit(`,"content_block":{"type":"thinking","thinking":"","signature":""}`)
	case redactedBlock:
		s.emit(`,"content_block":{"type":"redacted_thinking","data":"`)
		s.out = append(s.out, b.signature...)
		s.emit(`"}`)
	case callBlock:
		s.emit(`,"content_block":{"type":"tool_use","id":`)
		s.out = appendCallID(s.out, b.id, s.seed, b.place)
		s.emit(`,"name":"`)
		s.out = append(s.out, b.name...)
		s.emit(`","input":{}`)
		if len(b.extra) > 0 {
			s.emit(`,"extra_content":`)
			s.out = document.AppendLine(s.out, b.extra)
		}
		s.emit(`}`)
	}
	s.held -= len(b.name) + len(b.extra)
	s.end()
}

// flush sends the text that is there.
func (s *MessageStream) flush(b *block) {
	if len(b.text) == 0 {
		return
	}
	switch b.kind {
	case textBlock:
		s.delta(`"text_delta","text":"`, b.text)
	case thinkingBlock:
		s.delta(`"thinking_delta","thinking":"`, b.text)
	case callBlock:
		s.delta(`"input_json_delta","partial_json":"`, b.text)
	}
	s.held -= len(b.text)
	b.text = b.text[:0]
}

func (s *MessageStream) close(b *block) {
	if b.custom {
		whole := append(append([]byte(`{"input":"`), b.text...), `"}`...)
		s.held -= len(b.text)
		b.text = document.AppendEscaped(nil, string(whole))
		s.held += len(b.text)
		s.flush(b)
	}
	if b.kind == thinkingBlock && len(b.signature) > 0 {
		s.delta(`"signature_delta","signature":"`, b.signature)
	}
	s.held -= len(b.signature)
	s.begin("content_block_stop")
	s.at()
	s.end()
	b.closed, b.text, b.signature, b.name, b.extra = true, nil, nil, nil, nil
	s.queue[0] = nil
	s.queue = s.queue[1:]
	s.index++
	s.opened = false
}

// at writes the index of the first block.
func (s *MessageStream) at() {
	s.emit(`,"index":`)
	s.out = appendInt(s.out, s.index)
}

// delta writes a content_block_delta; kind is the type and the opening of its text.
func (s *MessageStream) delta(kind string, text []byte) {
	s.begin("content_block_delta")
	s.at()
	s.emit(`,"delta":{"type":`)
	s.emit(kind)
	s.out = append(s.out, text...)
	s.emit(`"}`)
	s.end()
}

// shape follows a JSON text that comes in pieces just far enough to know whether it
// is a whole object.
type shape struct {
	depth                  int
	quoted, escaped, other bool
	whole                  bool
}

func (s *shape) scan(piece []byte) {
	for _, c := range piece {
		switch {
		case s.whole || s.other:
			return
		case s.escaped:
			s.escaped = false
		case s.quoted:
			s.escaped = c == '\\'
			s.quoted = c != '"'
		case c == '{' || c == '[' && s.depth > 0:
			s.depth++
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
		case s.depth == 0:
			s.other = true
		case c == '"':
			s.quoted = true
		case c == '}' || c == ']':
			s.depth--
			s.whole = s.depth == 0
		}
	}
}
