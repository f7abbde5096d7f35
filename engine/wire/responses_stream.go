package wire

import (
	"bytes"
	"strings"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// ResponsesStream turns the chunks of a canonical stream into the server-sent events of
// the Responses API, framed: response.created and in_progress; for each item added,
// its pieces, and done; the terminal event with the whole response. Items have the order
// in which they began; two calls may be open at once. One goroutine uses it.
type ResponsesStream struct {
	reply
	out      []byte
	sequence int
	started  bool
	over     bool
	failed   bool

	current  *responseItem // the open message or reasoning
	calls    map[int64]*responseItem
	waiting  []*responseItem // calls not closed, in the order they began
	count    int             // calls begun
	held     int             // bytes that the terminal event will repeat
	reasoned bool
	scratch  []byte
}

// NewResponsesStream makes the stream of one answer.
func NewResponsesStream(asked Asked) *ResponsesStream {
	s := &ResponsesStream{}
	s.asked = asked
	return s
}

// Chunk appends to dst the events that one chat.completion.chunk makes; there may be
// none. It keeps nothing of the chunk. Errors: ErrTooMuch; what it appended before is valid.
func (s *ResponsesStream) Chunk(dst []byte, chunk *document.Doc) ([]byte, error) {
	root := chunk.Root()
	if s.over || root.Kind() != abi.KindObject {
		return dst, nil
	}
	s.out = dst
	s.start(root)
	if counts := root.Get("usage"); counts.Kind() == abi.KindObject {
		s.usage, s.counted = readUsage(counts), true
	}
	for _, choice := range root.Get("choices").Elements() {
		if choice.Get("index").Int() == 0 && s.finish == "" {
			s.choice(choice)
		}
	}
	out := s.out
	s.out = nil
	if s.held > maxHeldBytes || s.count > maxCalls || len(s.items) > maxCalls {
		s.over = true
		return out, ErrTooMuch
	}
	return out, nil
}

// Passed notes an event that the caller was sent, framed, as a provider of the same wire
// made it: Fail goes on where it stopped. It keeps nothing of the event.
func (s *ResponsesStream) Passed(event []byte) {
	s.sequence++
	if s.started {
		return
	}
	s.started = true
	_, data, _ := bytes.Cut(event, []byte("data: "))
	doc, err := document.Parse(data, document.Limits{})
	if err != nil {
		s.reply = newReply(s.asked, document.Node{})
		return
	}
	response := doc.Root().Get("response")
	s.reply = newReply(s.asked, response)
	s.created = max(response.Get("created_at").Int(), 0)
	doc.Release()
}

// End appends the terminal event. Errors: ErrUnfinished when there was no finish_reason.
func (s *ResponsesStream) End(dst []byte) ([]byte, error) {
	if s.over {
		return dst, nil
	}
	s.over = true
	if s.finish == "" {
		return dst, ErrUnfinished
	}
	s.out = dst
	s.terminal(s.status(), nil)
	dst, s.out = s.out, nil
	return dst, nil
}

// Fail appends the error event and response.failed, which are the last of a stream. kind,
// code and message are those of OpenAI's error object.
func (s *ResponsesStream) Fail(dst []byte, kind, code, message string) []byte {
	if s.failed {
		return dst
	}
	s.over, s.failed = true, true
	s.out = dst
	s.start(document.Node{})
	// The reference has the members flat, the API itself has them in an object: clients
	// of either find them.
	s.begin("error")
	s.emit(`,"code":`)
	s.quote(code)
	s.emit(`,"message":`)
	s.quote(message)
	s.emit(`,"param":null,"error":{"type":`)
	s.quote(kind)
	s.emit(`,"code":`)
	s.quote(code)
	s.emit(`,"message":`)
	s.quote(message)
	s.emit(`,"param":null}`)
	s.end()
	if code != "rate_limit_exceeded" {
		code = "server_error" // of the codes that a response may fail with
	}
	failure := document.AppendString([]byte(`{"code":`), code)
	failure = document.AppendString(append(failure, `,"message":`...), message)
	s.terminal("failed", append(failure, '}'))
	dst, s.out = s.out, nil
	return dst
}

func (s *ResponsesStream) emit(text string) { s.out = append(s.out, text...) }

func (s *ResponsesStream) quote(text string) { s.out = document.AppendString(s.out, text) }

// begin opens an event, up to what follows its number.
func (s *ResponsesStream) begin(name string) {
	s.emit("event: ")
	s.emit(name)
	s.emit("\ndata: {\"type\":\"")
	s.emit(name)
	s.emit(`","sequence_number":`)
	s.out = appendInt(s.out, s.sequence)
	s.sequence++
}

func (s *ResponsesStream) end() { s.emit("}\n\n") }

func (s *ResponsesStream) start(root document.Node) {
	if s.started {
		return
	}
	s.started = true
	s.reply = newReply(s.asked, root)
	for _, name := range [...]string{"response.created", "response.in_progress"} {
		s.response(name, "in_progress", nil)
	}
}

// terminal writes the last event, which is named as the status.
func (s *ResponsesStream) terminal(status string, failure []byte) {
	s.response("response."+status, status, failure)
}

func (s *ResponsesStream) response(event, status string, failure []byte) {
	s.begin(event)
	s.emit(`,"response":`)
	s.out = s.append(s.out, status, failure)
	s.end()
}

// choice takes one delta: reasoning, text and calls, in the order they have in a message.
func (s *ResponsesStream) choice(choice document.Node) {
	delta := choice.Get("delta")
	s.reasoning(delta)
	for text := range texts(delta.Get("content")) {
		s.say(inner(text), false)
	}
	s.say(inner(delta.Get("refusal")), true)
	for i, call := range delta.Get("tool_calls").Elements() {
		s.call(call, i)
	}
	if reason := choice.Get("finish_reason"); reason.Kind() == abi.KindString && reason.Len() > 0 {
		s.finish = strings.Clone(reason.Text())
		s.closeAll()
	}
}

// reasoning takes pieces of thinking. A stream that has sent reasoning_content repeats
// it in thinking_blocks, of which then only the signatures are news.
func (s *ResponsesStream) reasoning(delta document.Node) {
	if text := reasoningOf(delta); text.Len() > 0 {
		s.reasoned = true
		s.think(inner(text))
	}
	for _, n := range delta.Get("thinking_blocks").Elements() {
		kind := n.Get("type")
		if is(kind, "redacted_thinking") {
			s.closeCurrent("completed")
			it := s.open(&responseItem{kind: reasoningItem})
			it.signature = appendHidden(nil, n)
			s.held += len(it.signature)
			s.closeCurrent("completed")
			continue
		}
		if !is(kind, "thinking") {
			continue
		}
		if text := n.Get("thinking"); !s.reasoned && text.Len() > 0 {
			s.think(inner(text))
		}
		if n.Get("signature").Len() > 0 {
			it := s.tail(reasoningItem)
			it.signature = appendEncrypted(nil, n)
			s.held += len(it.signature)
			s.closeCurrent("completed")
		}
	}
}

// call takes a fragment of a tool call. Fragments belong together by index; a new id
// under an old index is a new call, as servers send that count every call as the first.
func (s *ResponsesStream) call(n document.Node, i int) {
	index := int64(i)
	if at := n.Get("index"); at.Kind() == abi.KindNumber {
		index = at.Int()
	}
	id := n.Get("id")
	name, arguments := called(n)
	it := s.calls[index]
	if it == nil || id.Len() > 0 && it.callID != "" && id.Text() != it.callID && name.Len() > 0 {
		if s.calls == nil {
			s.calls = map[int64]*responseItem{}
		}
		it = &responseItem{kind: functionItem, place: s.count}
		if n.Get("custom").Exists() {
			it.kind = customItem
		}
		s.calls[index] = it
		s.waiting = append(s.waiting, it)
		s.count++
	}
	if it.done != nil {
		return // its arguments were a whole object already
	}
	if it.callID == "" {
		it.callID = strings.Clone(id.Text())
	}
	if len(it.name) == 0 {
		it.name = append(it.name, inner(name)...)
		s.held += len(it.name)
	}
	if extra := n.Get("extra_content"); given(extra) && len(it.extra) == 0 {
		it.extra = append(it.extra, extra.Raw()...)
		s.held += len(it.extra)
	}
	from := len(it.text)
	it.text = appendArguments(it.text, arguments)
	s.held += len(it.text) - from
	if it.kind == functionItem {
		if arguments.Kind() == abi.KindObject {
			it.shape.scan(arguments.Raw())
		} else {
			s.scratch = arguments.AppendText(s.scratch[:0])
			it.shape.scan(s.scratch)
		}
	}
	switch {
	case len(it.name) == 0:
	case !it.opened:
		s.openCall(it)
	default:
		s.piece(it, it.text[from:])
	}
}
