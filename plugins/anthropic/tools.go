package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// writeTools writes tools and tool_choice, and counts the cache marks.
func writeTools(w *chat.Writer, box *chat.Toolbox, marks *int) {
	if len(box.Tools) == 0 {
		return
	}
	open := `,"tools":[`
	for i := range box.Tools {
		tool := &box.Tools[i]
		w.Emit(open)
		open = `,`
		w.Emit(`{"name":`)
		w.Node(tool.Name)
		if tool.Description != 0 {
			w.Emit(`,"description":`)
			w.Node(tool.Description)
		}
		w.Emit(`,"input_schema":`)
		writeSchema(w, tool.Parameters)
		if tool.Cache != 0 {
			w.Emit(`,"cache_control":`)
			w.Node(tool.Cache)
			*marks++
		}
		w.Emit(`}`)
	}
	w.Emit(`]`)
	writeChoice(w, box)
}

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
func (c *conversation) exchange(messages []chat.Message, calls []chat.Call, empty bool) (ok bool) {
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
		if input := c.r.Arguments(call); input != 0 {
			c.Node(input)
		} else {
			c.Emit(`{}`)
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
		if !c.result(calls[i].Answer(messages)) {
			return false
		}
		c.Emit(`}`)
	}
	c.before = resultsTurn
	return true
}

// result writes the content of a tool message, unless it is empty.
func (c *conversation) result(m *chat.Message) (ok bool) {
	if text := m.Plain(); text != 0 {
		c.Emit(`,"content":`)
		c.Node(text)
		return true
	}
	open := `,"content":[`
	for i := range m.Parts() {
		part, ok := m.Part(i)
		if !ok {
			continue
		}
		c.Emit(open)
		open = `,`
		if part.Text != 0 {
			c.text(m, part)
		} else if !c.other(m, part) {
			return false
		}
	}
	if open == `,` {
		c.Emit(`]`)
	}
	return true
}
