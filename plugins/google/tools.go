package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// tools writes tools and toolConfig. ok is false after a refusal.
func (b *body) tools(box *chat.Toolbox) (ok bool) {
	search := b.r.Own("web_search_options") != 0
	b.tooled = search || len(box.Tools) > 0
	if len(box.Tools) == 0 {
		if search {
			b.Emit(`,"tools":[{"googleSearch":{}}]`)
		}
		return true
	}
	if search {
		b.r.Lossy("web_search_options") // not beside functions
	}
	open := `,"tools":[{"functionDeclarations":[`
	for i := range box.Tools {
		tool := &box.Tools[i]
		b.Emit(open)
		open = `,`
		b.Emit(`{"name":`)
		b.Node(tool.Name)
		if tool.Description != 0 {
			b.Emit(`,"description":`)
			b.Node(tool.Description)
		} else {
			b.Emit(`,"description":""`) // required
		}
		if tool.Free {
			b.freeParameters(tool)
		} else if !b.parameters(tool.Parameters) {
			return false
		}
		b.Emit(`}`)
		b.r.Lose("tools[].cache_control", tool.Cache)
	}
	b.Emit(`]}]`)
	b.calling(box)
	if box.OneByOne {
		b.r.Lossy("parallel_tool_calls") // there is no such switch
	}
	return true
}

// parameters writes a function's parameters, none where it takes none.
func (b *body) parameters(schema sdk.Node) (ok bool) {
	if schema.Len() == 0 {
		return true
	}
	if b.model.jsonSchema() {
		// The API knows JSON Schema, but not the member that says so.
		b.Emit(`,"parametersJsonSchema":{`)
		b.Members(schema, "$schema")
		b.Emit(`}`)
		return true
	}
	if schema.Get("properties").Len() == 0 && schema.Get("$ref") == 0 && schema.Get("anyOf") == 0 && schema.Get("oneOf") == 0 && schema.Get("allOf") == 0 {
		return true // an object without properties is refused
	}
	b.Emit(`,"parameters":`)
	return b.dialect(schema, "tools[].function.parameters")
}

// calling writes whether and what the model is to call.
func (b *body) calling(box *chat.Toolbox) {
	const open = `,"toolConfig":{"functionCallingConfig":{"mode":`
	switch box.Mode {
	case chat.ToolsAuto:
		b.Emit(open + `"AUTO"}}`)
	case chat.ToolsNone:
		b.Emit(open + `"NONE"}}`)
	case chat.ToolsRequired:
		b.Emit(open + `"ANY"`)
		for i, name := range box.Allowed {
			if i == 0 {
				b.Emit(`,"allowedFunctionNames":[`)
			} else {
				b.Emit(`,`)
			}
			b.String(name)
		}
		if box.Allowed != nil {
			b.Emit(`]`)
		}
		b.Emit(`}}`)
	case chat.ToolsNamed:
		b.Emit(open + `"ANY","allowedFunctionNames":[`)
		b.Node(box.Name)
		b.Emit(`]}}`)
	}
}
