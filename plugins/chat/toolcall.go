package chat

import (
	"strconv"

	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// ToolCall is a call of a function in an answer.
type ToolCall struct {
	ID        sdk.Node // the provider's; one is made when it is no text
	Name      sdk.Node // text
	Arguments sdk.Node // an object, or a string that holds one; 0: none
	Signature sdk.Node // Gemini's thought signature; 0: none
	Whole     bool     // of a stream's: no pieces of its arguments will follow
	Free      bool     // of a custom tool: Arguments is its input, a string
}

// write writes the call from its id on, up to the bracket that closes it. none
// stands for arguments that are absent.
func (c *ToolCall) write(w *Writer, none string) {
	w.Emit(`"id":`)
	if IsText(c.ID) {
		w.Node(c.ID)
	} else {
		w.Emit(`"call_`)
		w.b = strconv.AppendUint(w.b, uint64(sdk.Random()), 36)
		w.Emit(`"`)
	}
	if c.Free {
		c.writeFree(w)
		return
	}
	w.Emit(`,"type":"function","function":{"name":`)
	if IsText(c.Name) {
		w.Node(c.Name)
	} else {
		w.Emit(`""`) // the host's JSON must not have a hole
	}
	w.Emit(`,"arguments":`)
	switch {
	case c.Arguments.Kind() == abi.KindObject:
		w.Quoted(c.Arguments)
	case IsText(c.Arguments):
		w.Node(c.Arguments)
	default:
		w.Emit(none)
	}
	w.Emit(`}`)
	c.writeSignature(w)
	w.Emit(`}`)
}

func (c *ToolCall) writeSignature(w *Writer) {
	if IsText(c.Signature) {
		w.Emit(`,"extra_content":{"google":{"thought_signature":`)
		w.Node(c.Signature)
		w.Emit(`}}`)
	}
}

// MaxCalls is how many tool calls of one streamed answer are kept apart.
const MaxCalls = 1 << 10

// Of every call that a stream has opened, four bytes are kept: its choice, the key
// that its later pieces are known by, and whether it has arguments.
const callSize = 4

// Call sends a tool call, whole or its beginning; key, below 1<<16, is what later
// pieces name it by. A key that is open already is not opened again. ok is false
// for more calls than can be kept apart.
func (s *Stream) Call(index, key int, c ToolCall) (ok bool) {
	if s.finished&(1<<index) != 0 || s.findCall(index, key) >= 0 {
		return true
	}
	if len(s.calls) >= MaxCalls*callSize || key < 0 || key >= 1<<16 {
		return false
	}
	number := 0
	for i := 0; i < len(s.calls); i += callSize {
		if int(s.calls[i]) == index {
			number++
		}
	}
	argued, none := byte(0), `""`
	if c.Free {
		argued = freeBare
		if IsText(c.Arguments) {
			argued = 1
		}
	} else if c.Whole {
		argued, none = 1, `"{}"`
	} else if c.Arguments.Kind() == abi.KindObject || IsText(c.Arguments) {
		argued = 1
	}
	s.calls += string([]byte{byte(index), byte(key >> 8), byte(key), argued})
	s.openCall(index, number)
	s.w.Emit(`,`)
	c.write(s.w, none)
	s.endCall()
	return true
}

// Arguments sends a piece of the arguments of the call that was opened with the
// key. It does nothing for an empty piece or an unknown key.
func (s *Stream) Arguments(index, key int, piece sdk.Node) {
	if !IsText(piece) || s.finished&(1<<index) != 0 {
		return
	}
	at := s.findCall(index, key)
	if at < 0 {
		return
	}
	s.argued(at)
	s.openCall(index, s.numberOf(at))
	s.w.Emit(`,"function":{"arguments":`)
	s.w.Node(piece)
	s.w.Emit(`}}`)
	s.endCall()
}

// EndCall ends the call that was opened with the key. One that has got no
// arguments gets those that are none, "{}", or otherwise the text last.
func (s *Stream) EndCall(index, key int, last sdk.Node) {
	at := s.findCall(index, key)
	if at < 0 || s.calls[at+3] != 0 || s.finished&(1<<index) != 0 {
		return
	}
	if IsText(last) {
		s.Arguments(index, key, last)
		return
	}
	s.argued(at)
	s.openCall(index, s.numberOf(at))
	s.w.Emit(`,"function":{"arguments":"{}"}}`)
	s.endCall()
}

// endCalls ends what is open of the choice.
func (s *Stream) endCalls(index int) {
	for i := 0; i < len(s.calls); i += callSize {
		if int(s.calls[i]) == index && s.calls[i+3] == 0 {
			s.EndCall(index, int(s.calls[i+1])<<8|int(s.calls[i+2]), 0)
		}
	}
}

// Called reports whether the choice has called a tool.
func (s *Stream) Called(index int) bool { return s.Calls(index) > 0 }

// Calls returns how many tools the choice has called.
func (s *Stream) Calls(index int) (n int) {
	for i := 0; i < len(s.calls); i += callSize {
		if int(s.calls[i]) == index {
			n++
		}
	}
	return n
}

// findCall returns where the call is in s.calls, -1 when it is not there. Pieces
// are mostly those of the last.
func (s *Stream) findCall(index, key int) int {
	for i := len(s.calls) - callSize; i >= 0; i -= callSize {
		if int(s.calls[i]) == index && int(s.calls[i+1])<<8|int(s.calls[i+2]) == key {
			return i
		}
	}
	return -1
}

// numberOf is the place of a call among those of its choice.
func (s *Stream) numberOf(at int) (n int) {
	for i := 0; i < at; i += callSize {
		if s.calls[i] == s.calls[at] {
			n++
		}
	}
	return n
}

func (s *Stream) argued(at int) {
	if s.calls[at+3] == 0 {
		s.calls = s.calls[:at+3] + "\x01" + s.calls[at+callSize:]
	}
}

// openCall begins a chunk for one call, up to its index.
func (s *Stream) openCall(index, call int) {
	s.Start(index)
	s.open(index, `"tool_calls":[{"index":`)
	s.w.Int(int64(call))
}

func (s *Stream) endCall() {
	s.w.Emit(`]},"finish_reason":null}]}`)
	s.w.EndChunk()
}
