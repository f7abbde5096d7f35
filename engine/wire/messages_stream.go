package wire

import (
	"errors"
	"strings"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Errors of a MessageStream. After one the stream is over; the caller writes an error event.
var (
	ErrUnfinished = errors.New("the stream ended before its finish_reason")
	ErrTooMuch    = errors.New("the stream holds more than can be put into order")
)

// Bounds of what one MessageStream keeps while it puts blocks into order.
const (
	maxHeldBytes  = 16 << 20
	maxHeldBlocks = 1024
	maxCalls      = 4096
)

// MessageStream turns the chunks of a canonical stream into the server-sent events of
// the Messages API, framed: message_start; blocks one after the other with indexes from
// 0; message_delta with the counts; message_stop. What arrives for a later block while an
// earlier one is unfinished waits. One goroutine uses it.
type MessageStream struct {
	model   string
	out     []byte
	started bool
	finish  string // finish_reason, "" before it
	over    bool
	usage   usage
	refusal []byte // escaped: whether it is an answer or an explanation, only finish_reason tells

	queue    []*block // the first is open when opened
	opened   bool
	index    int // of the first block
	held     int // bytes that wait in queue behind the first block
	calls    map[int64]*block
	count    int // tool calls begun
	reasoned bool
	seed     string
	scratch  []byte
}

// NewMessageStream makes a stream whose message names that model; empty takes the chunks' own.
func NewMessageStream(model string) *MessageStream { return &MessageStream{model: model} }

// Chunk appends to dst the events that one chat.completion.chunk makes; there may be
// none. It keeps nothing of the chunk. Errors: ErrTooMuch; what it appended before is valid.
func (s *MessageStream) Chunk(dst []byte, chunk *document.Doc) ([]byte, error) {
	root := chunk.Root()
	if s.over || root.Kind() != abi.KindObject {
		return dst, nil
	}
	s.out = dst
	s.start(root)
	if counts := root.Get("usage"); counts.Kind() == abi.KindObject {
		s.usage = readUsage(counts)
	}
	for _, choice := range root.Get("choices").Elements() {
		if choice.Get("index").Int() == 0 && s.finish == "" {
			s.choice(choice)
		}
	}
	out := s.out
	s.out = nil
	if s.held > maxHeldBytes || len(s.queue) > maxHeldBlocks || s.count > maxCalls {
		s.over = true
		return out, ErrTooMuch
	}
	return out, nil
}

// End appends the last events. Errors: ErrUnfinished when there was no finish_reason.
func (s *MessageStream) End(dst []byte) ([]byte, error) {
	if s.over {
		return dst, nil
	}
	s.over = true
	if s.finish == "" {
		return dst, ErrUnfinished
	}
	s.out = dst
	s.begin("message_delta")
	s.emit(`,"delta":{`)
	s.out = appendStop(s.out, s.finish, s.count > 0, s.refusal)
	s.emit(`},"usage":`)
	s.out = s.usage.append(s.out)
	s.end()
	s.begin("message_stop")
	s.end()
	dst, s.out = s.out, nil
	return dst, nil
}

// Fail appends the error event, which is the last of a stream. Type and message are
// those of AppendMessagesError.
func (s *MessageStream) Fail(dst []byte, kind, message, requestID string) []byte {
	s.over = true
	dst = append(dst, "event: error\ndata: "...)
	dst = AppendMessagesError(dst, kind, message, requestID)
	return append(dst, "\n\n"...)
}

// Ping appends the event that says the stream is alive. It may stand anywhere before the end.
func (s *MessageStream) Ping(dst []byte) []byte {
	return append(dst, "event: ping\ndata: {\"type\":\"ping\"}\n\n"...)
}

// AppendMessagesError appends the error body of the Messages API. An empty requestID
// is left out.
func AppendMessagesError(dst []byte, kind, message, requestID string) []byte {
	dst = append(dst, `{"type":"error","error":{"type":`...)
	dst = document.AppendString(dst, kind)
	dst = append(dst, `,"message":`...)
	dst = document.AppendString(dst, message)
	dst = append(dst, '}')
	if requestID != "" {
		dst = append(dst, `,"request_id":`...)
		dst = document.AppendString(dst, requestID)
	}
	return append(dst, '}')
}

func (s *MessageStream) emit(text string) { s.out = append(s.out, text...) }

// begin opens an event, up to what follows its type.
func (s *MessageStream) begin(name string) {
	s.emit("event: ")
	s.emit(name)
	s.emit("\ndata: {\"type\":\"")
	s.emit(name)
	s.emit(`"`)
}

func (s *MessageStream) end() { s.emit("}\n\n") }

func (s *MessageStream) start(root document.Node) {
	if s.started {
		return
	}
	s.started = true
	s.seed = strings.Clone(root.Get("id").Text())
	s.begin("message_start")
	s.emit(`,"message":{"id":`)
	s.out = appendMessageID(s.out, s.seed)
	s.emit(`,"type":"message","role":"assistant","model":`)
	s.out = appendModel(s.out, s.model, root.Get("model"))
	s.emit(`,"content":[],"stop_reason":null,"stop_sequence":null,"usage":`)
	// The prompt's count is known at the end only; message_delta brings it.
	s.out = usage{}.append(s.out)
	s.emit(`}`)
	s.end()
}

// choice takes one delta: reasoning, text and calls, in the order they have in a message.
func (s *MessageStream) choice(choice document.Node) {
	delta := choice.Get("delta")
	s.reasoning(delta)
	for text := range texts(delta.Get("content")) {
		if text.Len() > 0 {
			s.add(s.tail(textBlock), inner(text))
		}
	}
	s.refusal = append(s.refusal, inner(delta.Get("refusal"))...)
	s.held += delta.Get("refusal").Len()
	for i, call := range delta.Get("tool_calls").Elements() {
		s.call(call, i)
	}
	if reason := choice.Get("finish_reason"); reason.Kind() == abi.KindString && reason.Len() > 0 {
		s.finish = strings.Clone(reason.Text())
		if len(s.refusal) > 0 && s.finish != "content_filter" {
			s.add(s.tail(textBlock), s.refusal)
		}
	}
	s.advance()
}

// reasoning takes pieces of thinking. A stream that has sent reasoning_content repeats
// it in thinking_blocks, of which then only the signatures are news.
func (s *MessageStream) reasoning(delta document.Node) {
	if text := reasoningOf(delta); text.Len() > 0 {
		s.reasoned = true
		s.add(s.tail(thinkingBlock), inner(text))
	}
	for _, n := range delta.Get("thinking_blocks").Elements() {
		kind := n.Get("type")
		if is(kind, "redacted_thinking") {
			b := s.push(&block{kind: redactedBlock})
			b.signature = appendSealed(nil, n.Get("provider"), n.Get("data"))
			s.held += len(b.signature)
			continue
		}
		if !is(kind, "thinking") {
			continue
		}
		if text := n.Get("thinking"); !s.reasoned && text.Len() > 0 {
			s.add(s.tail(thinkingBlock), inner(text))
		}
		if signature := n.Get("signature"); signature.Len() > 0 {
			b := s.tail(thinkingBlock)
			b.signature = appendSealed(nil, n.Get("provider"), signature)
			s.held += len(b.signature)
		}
	}
}

// call takes a fragment of a tool call. Fragments belong together by index; a new id
// under an old index is a new call, as servers send that count every call as the first.
func (s *MessageStream) call(n document.Node, i int) {
	index := int64(i)
	if at := n.Get("index"); at.Kind() == abi.KindNumber {
		index = at.Int()
	}
	id, custom := n.Get("id"), n.Get("custom").Exists()
	name, arguments := called(n)
	b := s.calls[index]
	if b == nil || id.Len() > 0 && b.id != "" && id.Text() != b.id && name.Len() > 0 {
		if s.calls == nil {
			s.calls = map[int64]*block{}
		}
		b = s.push(&block{kind: callBlock, custom: custom, place: s.count})
		s.calls[index] = b
		s.count++
	}
	if b.closed {
		return // its arguments were a whole object already
	}
	if b.id == "" {
		b.id = strings.Clone(id.Text())
	}
	if len(b.name) == 0 {
		b.name = append(b.name, inner(name)...)
		s.held += len(b.name)
	}
	if extra := n.Get("extra_content"); given(extra) && len(b.extra) == 0 {
		b.extra = append(b.extra, extra.Raw()...)
		s.held += len(b.extra)
	}
	switch arguments.Kind() {
	case abi.KindString:
		s.add(b, inner(arguments))
		s.scratch = arguments.AppendText(s.scratch[:0])
		b.shape.scan(s.scratch)
	case abi.KindObject:
		s.scratch = document.AppendEscaped(s.scratch[:0], string(arguments.Raw()))
		s.add(b, s.scratch)
		b.shape.scan(arguments.Raw())
	}
}
