package anthropic

import (
	"strconv"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// carried refuses tools that a server is to run: nobody here would, and to leave
// them out would be another request. So it does tools whose arguments are no object, and
// the choice of one that is not there, both of which the API answers with 400.
func carried(r *chat.Request, box *chat.Toolbox) (ok bool) {
	if n := r.Tools.Len(); len(box.Tools) < n {
		for i := range n {
			kind := r.Tools.At(i).Get("type")
			if kind == 0 || kind.Equal("function") || kind.Equal("custom") {
				continue
			}
			chat.Refuse("tools["+strconv.Itoa(i)+"].type", "tools of type '"+string(chat.Word(kind))+"' are not carried to this provider")
			return false
		}
	}
	chosen := ""
	if box.Mode == chat.ToolsNamed {
		chosen = box.Name.Text()
	}
	found := chosen == ""
	for i := range box.Tools {
		tool := &box.Tools[i]
		if kind := tool.Parameters.Get("type"); kind != 0 && !kind.Equal("object") {
			chat.Refuse("tools["+strconv.Itoa(i)+"].function.parameters.type", "it has to be 'object'")
			return false
		}
		found = found || tool.Name.Equal(chosen)
	}
	if !found {
		chat.Refuse("tool_choice", "there is no tool of that name")
	}
	return found
}

// tools writes tools and tool_choice.
func (c *conversation) tools(box *chat.Toolbox, answer format) {
	open := `,"tools":[`
	for i := range box.Tools {
		tool := &box.Tools[i]
		c.Emit(open)
		open = `,`
		c.Emit(`{"name":`)
		c.Node(tool.Name)
		if tool.Description != 0 {
			c.Emit(`,"description":`)
			c.Node(tool.Description)
		}
		c.Emit(`,"input_schema":`)
		if tool.Free {
			c.freeSchema(tool)
		} else {
			writeSchema(c.Writer, tool.Parameters)
		}
		c.mark(tool.Cache, "tools[].cache_control")
		c.Emit(`}`)
	}
	if answer.by == byTool {
		c.Emit(open)
		open = `,`
		writeAnswerTool(c.Writer, answer)
	}
	if open != `,` {
		return
	}
	c.Emit(`]`)
	if answer.by == byTool {
		// With tools of the caller's beside it the model chooses, but it has to call.
		if box.Mode == chat.ToolsNone || len(box.Tools) == 0 {
			c.Emit(`,"tool_choice":{"type":"tool","name":"` + answerTool + `","disable_parallel_tool_use":true}`)
		} else if box.OneByOne {
			c.Emit(`,"tool_choice":{"type":"any","disable_parallel_tool_use":true}`)
		} else {
			c.Emit(`,"tool_choice":{"type":"any"}`)
		}
		return
	}
	writeChoice(c.Writer, box)
}

// freeSchema writes the schema of a custom tool: an object with one text. A grammar
// that the text has to match is told, which is all that can be done of it here.
func (c *conversation) freeSchema(tool *chat.Tool) {
	c.Emit(`{"type":"object","properties":{"` + freeInput + `":{"type":"string"`)
	if definition := tool.Grammar.Get("definition"); chat.IsText(definition) {
		c.r.Lossy("tools[].custom.format")
		c.Emit(`,"description":"Text that matches this `)
		if syntax := tool.Grammar.Get("syntax"); syntax.Equal("regex") {
			c.Emit(`regular expression`)
		} else {
			c.Emit(`Lark grammar`)
		}
		c.Emit(`:\n`)
		c.Inner(definition)
		c.Emit(`"`)
	}
	c.Emit(`}},"required":["` + freeInput + `"],"additionalProperties":false}`)
}

// freeInput is the member that holds a custom tool's input, as engine/wire has it.
const freeInput = "input"

// writeSchema writes a schema, which has to say that it is one of an object.
func writeSchema(w *chat.Writer, schema sdk.Node) {
	switch {
	case schema == 0:
		w.Emit(`{"type":"object","properties":{}}`)
	case schema.Get("type") == 0:
		w.Emit(`{"type":"object"`)
		w.Members(schema)
		w.Emit(`}`)
	default:
		w.Node(schema)
	}
}

// writeChoice writes tool_choice. That calls are to come one by one is a part of
// it here, so that it is said even where the caller leaves the choice open.
func writeChoice(w *chat.Writer, box *chat.Toolbox) {
	switch {
	case box.Mode == chat.ToolsNone:
		w.Emit(`,"tool_choice":{"type":"none"}`)
		return
	case box.Mode == chat.ToolsRequired:
		w.Emit(`,"tool_choice":{"type":"any"`)
	case box.Mode == chat.ToolsNamed:
		w.Emit(`,"tool_choice":{"type":"tool","name":`)
		w.Node(box.Name)
	case box.Mode == chat.ToolsAuto || box.OneByOne:
		w.Emit(`,"tool_choice":{"type":"auto"`)
	default:
		return
	}
	if box.OneByOne {
		w.Emit(`,"disable_parallel_tool_use":true`)
	}
	w.Emit(`}`)
}

// exchange writes the calls of an assistant turn after its texts, and the user turn
// that answers all of them, in their order. empty: the turn has no text.
func (c *conversation) exchange(messages []chat.Message, m *chat.Message, empty bool) (ok bool) {
	calls := m.Calls()
	for i := range calls {
		call := &calls[i]
		if i == 0 && empty {
			c.open(chat.Assistant)
		} else {
			c.Emit(`,`)
		}
		c.Emit(`{"type":"tool_use","id":`)
		c.String(call.ID)
		c.Emit(`,"name":`)
		c.Node(call.Name)
		c.Emit(`,"input":`)
		if call.Free {
			c.Emit(`{"` + freeInput + `":`)
			if call.Input != 0 {
				c.Node(call.Input)
			} else {
				c.Emit(`""`)
			}
			c.Emit(`}`)
		} else if input := c.r.Arguments(call); input != 0 {
			c.Node(input)
		} else {
			c.Emit(`{}`)
		}
		if !c.mark(call.Cache(), "messages[].tool_calls[].cache_control") && i == len(calls)-1 {
			c.mark(m.Cache, "messages[].cache_control")
		}
		c.Emit(`}`)
	}
	for i := range calls {
		if i == 0 {
			c.open(chat.User)
		} else {
			c.Emit(`,`)
		}
		c.Emit(`{"type":"tool_result","tool_use_id":`)
		c.String(calls[i].ID)
		answer := calls[i].Answer(messages)
		if !c.result(answer) {
			return false
		}
		c.mark(answer.Cache, "messages[].cache_control")
		c.Emit(`}`)
	}
	c.before = resultsTurn
	return true
}

// result writes the content of a tool message, unless it is empty, and whether the
// tool failed: the API takes that only beside text.
func (c *conversation) result(m *chat.Message) (ok bool) {
	if text := m.Plain(); text != 0 {
		c.Emit(`,"content":`)
		c.Node(text)
		if m.Failed {
			c.Emit(`,"is_error":true`)
		}
		return true
	}
	open, texts := `,"content":[`, true
	for i := range m.Parts() {
		part, ok := m.Part(i)
		if !ok || blank(part) {
			continue
		}
		c.Emit(open)
		open = `,`
		if part.Text != 0 {
			c.text(m, part)
			continue
		}
		texts = false
		if !c.other(m, part) {
			return false
		}
	}
	switch {
	case open == `,`:
		c.Emit(`]`)
	case m.Failed:
		c.Emit(`,"content":"error"`) // it must not be empty then
	}
	if m.Failed && texts {
		c.Emit(`,"is_error":true`)
	} else if m.Failed {
		c.r.Lossy("messages[].is_error")
	}
	return true
}
