package chat

import (
	"strconv"
	"unsafe"

	"github.com/pointsman/pointsman/sdk"
)

// MaxChoices is how many alternatives of one answer a stream keeps apart.
const MaxChoices = 64

// Stream is an answer on its way out in chunks, one event at a time: each method
// that has something to say sends one chunk. It lives in the host's state between events.
type Stream struct {
	progress
	was progress // as it was loaded
	w   *Writer
}

// progress is what a stream keeps from event to event.
type progress struct {
	Usage    Usage  // what the provider has counted so far; SendUsage writes it
	head     string // what every chunk begins with, up to its choices; "" before the first
	started  uint64 // bit = index of a choice whose role has been sent
	finished uint64 // bit = index of a choice that has its finish_reason
	spoke    uint64 // bit = index of a choice of which text has been sent
	calls    string // of each tool call: see callSize
	counted  uint64 // 1 + the tokens of the usage chunk that has been sent; 0: none has
	Note     string // the adapter's own: what it wants to know at the next event, at most 8 KiB
}

// stream is the one Stream of the call at hand: entry points run one at a time.
var stream Stream

// LoadStream returns the stream as the event before left it. It is valid until the
// entry point returns.
func LoadStream() *Stream {
	b := sdk.LoadState()
	if len(b) == 0 {
		stream = Stream{w: NewWriter()}
		return &stream
	}
	// The texts of the state are used in place: its bytes stay until the next load.
	p := decode(unsafe.String(unsafe.SliceData(b), len(b)))
	stream = Stream{progress: p, was: p, w: NewWriter()}
	return &stream
}

// Save keeps the stream for the next event.
func (s *Stream) Save() {
	if s.progress != s.was {
		sdk.SaveState(s.progress.encode(make([]byte, 0, 128)))
	}
}

// Known reports whether the stream has been identified.
func (s *Stream) Known() bool { return s.head != "" }

// Identify takes the provider's id and model name of the answer, once, so that all
// chunks carry the same. An id is made when the node holds none.
func (s *Stream) Identify(id, model sdk.Node) {
	if s.head != "" {
		return
	}
	b := append(make([]byte, 0, 256), `{"id":"`...)
	b = appendName(b, identify(id))
	b = append(b, `","object":"chat.completion.chunk","created":`...)
	b = strconv.AppendInt(b, sdk.NowMS()/1000, 10)
	b = append(b, `,"model":"`...)
	b = appendName(b, clip(model))
	s.head = string(append(b, `","choices":[`...))
}

// appendName appends an id or a model's name to the inside of a JSON string. Both are
// opaque; a byte that would need an escape is replaced.
func appendName(b []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		if !plainByte(c) {
			c = '_'
		}
		b = append(b, c)
	}
	return b
}

// Start sends the choice's role, once. index is below MaxChoices.
func (s *Stream) Start(index int) {
	bit := uint64(1) << index
	if s.started&bit != 0 {
		return
	}
	s.started |= bit
	s.open(index, "")
	s.w.Emit(`"role":"assistant","content":""},"finish_reason":null}]}`)
	s.w.EndChunk()
}

// Content sends a piece of the choice's text. It does nothing for an empty piece,
// nor, like the others, for a choice that has its finish reason.
func (s *Stream) Content(index int, text sdk.Node) {
	if s.piece(index, `"content":`, text) {
		s.spoke |= 1 << index
	}
}

// Reasoning sends a piece of the choice's reasoning, which is not part of its text.
func (s *Stream) Reasoning(index int, text sdk.Node) { s.piece(index, `"reasoning_content":`, text) }

// Refusal sends the reason why a filter stopped the choice.
func (s *Stream) Refusal(index int, text sdk.Node) { s.piece(index, `"refusal":`, text) }

func (s *Stream) piece(index int, member string, text sdk.Node) (sent bool) {
	if !IsText(text) || s.finished&(1<<index) != 0 {
		return false
	}
	s.Start(index)
	s.open(index, member)
	s.w.Node(text)
	s.w.Const(`},"finish_reason":null}]}`)
	s.w.EndChunk()
	return true
}

// Finish sends the choice's finish reason, once.
func (s *Stream) Finish(index int, reason string) {
	bit := uint64(1) << index
	if s.finished&bit != 0 {
		return
	}
	s.Start(index)
	s.endCalls(index)
	s.finished |= bit
	s.open(index, "")
	s.w.Emit(`},"finish_reason":"`)
	s.w.Emit(reason)
	s.w.Emit(`"}]}`)
	s.w.EndChunk()
}

// Finished reports whether every choice that has started has its finish reason.
func (s *Stream) Finished() bool { return s.started != 0 && s.started == s.finished }

// Spoke reports whether text of the choice has been sent.
func (s *Stream) Spoke(index int) bool { return s.spoke&(1<<index) != 0 }

// SendUsage sends the usage chunk if the provider has counted anything; again only
// if it has counted on since. The host goes by the last.
func (s *Stream) SendUsage() {
	total := 1 + uint64(s.Usage.prompt()+s.Usage.Output)
	if s.counted == total || !s.Usage.Known {
		return
	}
	s.counted = total
	s.Identify(0, 0)
	s.w.Emit(s.head)
	s.w.Emit(`],"usage":`)
	s.Usage.write(s.w)
	s.w.Emit(`}`)
	s.w.EndChunk()
}

// SendPrompt sends what is counted of the input, before anything is known of the output: a
// stream may be cut, or its caller leave, before the provider says more. The host keeps it
// for itself. It does nothing if the provider has counted no input.
func (s *Stream) SendPrompt() {
	if !s.Usage.Known || s.Usage.prompt() == 0 {
		return
	}
	s.Identify(0, 0)
	s.w.Emit(s.head)
	number(s.w, `],"usage":{"prompt_tokens":`, s.Usage.prompt())
	s.Usage.writeInput(s.w)
	s.w.Emit(`}}`)
	s.w.EndChunk()
}

// open begins a chunk for one choice, up to the first member of its delta.
func (s *Stream) open(index int, member string) {
	s.Identify(0, 0)
	s.w.Emit(s.head)
	if index == 0 {
		s.w.Emit(`{"index":0,"delta":{`)
	} else {
		number(s.w, `{"index":`, int64(index))
		s.w.Emit(`,"delta":{`)
	}
	if member != "" {
		s.w.Emit(member)
	}
}
