package anthropic

import (
	"strings"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// note is what the request has to tell the answer: which of the tools it wrote are
// none in the canonical form. It is kept as the stream's note, and with it
// the one block of such a tool that may be open. See RATIONALE.md, "How does an
// answer know of its request?".
type note struct {
	answer bool   // there is the answerTool
	free   string // names of custom tools, each between newlines; "" when there is none

	block  int  // index of the open block; -1 when none is
	use    way  // of the open block: byTool, or unshaped for a custom tool's
	begun  bool // of the answerTool's block: a piece of it has been sent
	reader freeInputReader
}

const maxNames = 4 << 10

// remember keeps the note of a request that needs one. ok is false after a refusal.
func remember(box *chat.Toolbox, answer format) (ok bool) {
	n := note{answer: answer.by == byTool, block: -1}
	for i := range box.Tools {
		if !box.Tools[i].Free {
			continue
		}
		if n.free == "" {
			n.free = "\n"
		}
		n.free += box.Tools[i].Name.Text() + "\n"
		if len(n.free) > maxNames {
			chat.Refuse("tools", "the names of the custom tools are too long")
			return false
		}
	}
	if !n.answer && n.free == "" {
		return true
	}
	s := chat.LoadStream()
	n.keep(s)
	s.Save()
	return true
}

// isFree reports whether the tool of that name is a custom one.
func (n *note) isFree(name sdk.Node) bool {
	if n.free == "" || !chat.IsText(name) || name.Len() > maxNames {
		return false
	}
	text := name.Text()
	return !strings.Contains(text, "\n") && strings.Contains(n.free, "\n"+text+"\n")
}

// isAnswer reports whether the tool of that name is the answer.
func (n *note) isAnswer(name sdk.Node) bool { return n.answer && name.Equal(answerTool) }

// recall reads the stream's note, which most streams have none of.
func recall(s *chat.Stream) (n note, ok bool) {
	n.block = -1
	b := s.Note
	if len(b) < 6 {
		return n, false
	}
	n.answer = b[0]&1 != 0
	n.begun = b[0]&2 != 0
	if b[0]&4 != 0 {
		n.use = byTool
	}
	n.block = int(b[1])<<8 + int(b[2]) - 1
	n.reader.quotes = b[3]
	held := int(b[4])
	if len(b) < 5+held {
		return n, false
	}
	n.reader.held = b[5 : 5+held]
	n.free = b[5+held+1:]
	return n, true
}

// keep writes the note into the stream.
func (n *note) keep(s *chat.Stream) {
	flags := byte(0)
	if n.answer {
		flags |= 1
	}
	if n.begun {
		flags |= 2
	}
	if n.use == byTool {
		flags |= 4
	}
	block := n.block + 1
	b := append(make([]byte, 0, 16+len(n.free)), flags, byte(block>>8), byte(block), n.reader.quotes, byte(len(n.reader.held)))
	b = append(b, n.reader.held...)
	b = append(b, 0)
	s.Note = string(append(b, n.free...))
}
