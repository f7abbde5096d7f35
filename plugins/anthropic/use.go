package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// toolStart opens a tool_use block of a stream. A server may put the whole input into
// the opening; Anthropic leaves it to the deltas. ok is false for too many calls.
func toolStart(s *chat.Stream, block sdk.Node, index int) (ok bool) {
	call := callOf(block)
	if call.Arguments.Len() == 0 {
		call.Arguments = 0
	}
	n, noted := recall(s)
	if !noted || index < 0 || index >= maxBlocks {
		return s.Call(0, index, call)
	}
	switch {
	case n.isAnswer(call.Name):
		n.block, n.use, n.begun = index, byTool, call.Arguments != 0
		if call.Arguments != 0 {
			s.More(0, func(w *chat.Writer) {
				w.Emit(`"content":`)
				w.Quoted(call.Arguments)
			})
		}
		n.keep(s)
		return true
	case n.isFree(call.Name):
		call.Free = true
		if text := call.Arguments.Get(freeInput); text.Kind() == abi.KindString {
			call.Arguments = text
		} else {
			call.Arguments = 0
		}
		n.block, n.use, n.reader = index, unshaped, freeInputReader{}
		n.keep(s)
	}
	return s.Call(0, index, call)
}

// use sends a piece of the input of a tool that is none in the canonical form. done is
// false when the block is another's.
func use(s *chat.Stream, index int, piece sdk.Node) (done bool) {
	n, noted := recall(s)
	if !noted || n.block != index {
		return false
	}
	if n.use == byTool {
		n.begun = n.begun || piece.Len() > 0
		s.Content(0, piece)
	} else {
		s.Input(0, index, n.reader.read(piece.Text()))
	}
	n.keep(s)
	return true
}

// endUse ends the block of such a tool. An answer without members has had no piece.
func endUse(s *chat.Stream, index int) (done bool) {
	n, noted := recall(s)
	if !noted || n.block != index {
		return false
	}
	if n.use == byTool && !n.begun {
		s.Say(0, "{}")
		n.begun = true
	}
	n.block = -1
	n.keep(s)
	return true
}

// answeredBy reports whether the stream's only call was its answer.
func answeredBy(s *chat.Stream) bool {
	n, _ := recall(s)
	return n.answer && !s.Called(0)
}
