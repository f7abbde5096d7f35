package google

import (
	"strings"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk/abi"
)

// A custom tool takes one text. It travels as a function with one, freeInput, which
// is how engine/wire writes such calls too; the answer has to know it again.

const (
	freeInput = "input"
	maxNames  = 4 << 10
)

// The note of a stream: whether a picture has been sent, then the names of the custom
// tools, each between newlines. Most streams have none.
const (
	unpictured = "-"
	pictured   = "i"
)

// remember keeps the names of the custom tools for the answer. It comes before anything
// is written. ok is false after a refusal.
func remember(box *chat.Toolbox) (ok bool) {
	names := ""
	for i := range box.Tools {
		if !box.Tools[i].Free {
			continue
		}
		if names == "" {
			names = "\n"
		}
		if names += box.Tools[i].Name.Text() + "\n"; len(names) > maxNames {
			chat.Refuse("tools", "the names of the custom tools are too long")
			return false
		}
	}
	if names != "" {
		s := chat.LoadStream()
		s.Note = unpictured + names
		s.Save()
	}
	return true
}

// free makes the call that of a custom tool, if it is one of the note's.
func free(note string, call *chat.ToolCall) {
	if len(note) < 2 || !chat.IsText(call.Name) || call.Name.Len() > maxNames {
		return
	}
	name := call.Name.Text()
	if strings.Contains(name, "\n") || !strings.Contains(note, "\n"+name+"\n") {
		return
	}
	call.Free = true
	if text := call.Arguments.Get(freeInput); text.Kind() == abi.KindString {
		call.Arguments = text
	}
}

// picturedNote is the note of a stream that has sent a picture.
func picturedNote(note string) string {
	if note == "" {
		return pictured
	}
	return pictured + note[1:]
}

// freeParameters writes the parameters of a custom tool. A grammar that the text has
// to match is told, which is all that can be done of it here.
func (b *body) freeParameters(tool *chat.Tool) {
	object, text := `,"parametersJsonSchema":{"type":"object"`, `{"type":"string"`
	if !b.model.jsonSchema() {
		object, text = `,"parameters":{"type":"OBJECT"`, `{"type":"STRING"`
	}
	b.Emit(object)
	b.Emit(`,"properties":{"` + freeInput + `":`)
	b.Emit(text)
	if definition := tool.Grammar.Get("definition"); chat.IsText(definition) {
		b.r.Lossy("tools[].custom.format")
		b.Emit(`,"description":"Text that matches this `)
		if tool.Grammar.Get("syntax").Equal("regex") {
			b.Emit(`regular expression`)
		} else {
			b.Emit(`Lark grammar`)
		}
		b.Emit(`:\n`)
		b.Inner(definition)
		b.Emit(`"`)
	}
	b.Emit(`}},"required":["` + freeInput + `"]}`)
}

// arguments writes the arguments of a call in the history, which have to be an object.
func (b *body) arguments(call *chat.Call) {
	switch {
	case call.Free && call.Input != 0:
		b.Emit(`{"` + freeInput + `":`)
		b.Node(call.Input)
		b.Emit(`}`)
	case call.Free:
		b.Emit(`{"` + freeInput + `":""}`)
	default:
		if args := b.r.Arguments(call); args != 0 {
			b.Node(args)
		} else {
			b.Emit(`{}`)
		}
	}
}
