package chat

import (
	"slices"

	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Tool is a function that the model may call.
type Tool struct {
	Name        sdk.Node // text
	Description sdk.Node // text; 0 when there is none
	Parameters  sdk.Node // object, a JSON Schema; 0 when there is none
	Cache       sdk.Node // cache_control, an object; 0 when there is none
	Free        bool     // a custom tool: its input is text, and Parameters is 0
	Grammar     sdk.Node // of a custom tool's input, an object; 0 when any text will do
}

// ToolMode says whether the model is to call tools.
type ToolMode uint8

// Modes. ToolsNamed asks for the one that ToolChoice names.
const (
	ToolsUnset ToolMode = iota
	ToolsAuto
	ToolsNone
	ToolsRequired
	ToolsNamed
)

// Toolbox is what a request says about tools. The zero value: nothing, and then the
// model has none.
type Toolbox struct {
	Tools    []Tool
	Mode     ToolMode
	Name     sdk.Node // of ToolsNamed
	Allowed  []string // of ToolsRequired, where [Request.KeepTools] is set; nil: all of them
	OneByOne bool     // several calls in one turn are not wanted
}

// tools is the memory of the list of tools, which holds handles only.
var tools = make([]Tool, 0, 32)

const (
	toolCost = 32 // host calls for a tool, reading and writing
	maxTools = 1 << 10
)

// Toolbox reads tools, tool_choice and parallel_tool_calls. Of allowed_tools only
// those that are allowed are returned, unless KeepTools leaves it to the wire. ok is false after a refusal.
func (r *Request) Toolbox() (box Toolbox, ok bool) {
	var allowed []string
	if r.ToolChoice != 0 {
		if allowed, ok = r.choose(&box, r.ToolChoice); !ok {
			return box, false
		}
	}
	keep := r.KeepTools && box.Mode == ToolsRequired
	box.Tools = tools[:0]
	for i := range r.Tools.Len() {
		if r.left -= toolCost; r.left < 0 || i >= maxTools {
			Refuse("tools", "there are more than can be carried")
			return box, false
		}
		tool, ok := r.readTool(r.Tools.At(i))
		if !ok {
			continue
		}
		if allowed != nil {
			// Compared here: a host call for each pair would be too many.
			name := tool.Name.Text()
			if is := slices.Contains(allowed, name); is && keep {
				box.Allowed = append(box.Allowed, name)
			} else if !is && !keep {
				continue
			}
		}
		box.Tools = append(box.Tools, tool)
	}
	if len(box.Tools) == 0 || keep && allowed != nil && box.Allowed == nil {
		if box.Mode >= ToolsRequired {
			Refuse("tool_choice", "there is no tool that could be called")
			return box, false
		}
		return Toolbox{}, true
	}
	tools = box.Tools[:0]
	box.OneByOne = r.Parallel != 0 && r.Parallel.Kind() == abi.KindBool && !r.Parallel.Bool()
	return box, true
}

// readTool reads one tool. ok is false for one that is no function, which is lost.
func (r *Request) readTool(node sdk.Node) (tool Tool, ok bool) {
	function := node.Get("function")
	if tool.Name = function.Get("name"); !IsText(tool.Name) {
		if r.FreeText && node.Get("type").Equal("custom") {
			return r.readCustom(node)
		}
		r.Lossy("tools[].type")
		return tool, false
	}
	known := 1
	if d := function.Get("description"); d != 0 {
		known++
		if IsText(d) {
			tool.Description = d
		}
	}
	if p := function.Get("parameters"); p != 0 {
		known++
		if p.Kind() == abi.KindObject {
			tool.Parameters = p
		}
	}
	if function.Len() > known {
		for name, value := range r.members(function) {
			switch name {
			case "name", "description", "parameters":
			default:
				r.Lose("tools[].function."+name, value)
			}
		}
	}
	if node.Len() > 2 {
		for name, value := range r.members(node) {
			switch {
			case name == "type", name == "function":
			case name == "cache_control" && value.Kind() == abi.KindObject:
				tool.Cache = value
			default:
				r.Lose("tools[]."+name, value)
			}
		}
	}
	return tool, true
}

// choose reads tool_choice: a word, a function, or a mode with the tools that it
// is confined to.
func (r *Request) choose(box *Toolbox, choice sdk.Node) (allowed []string, ok bool) {
	if choice.Kind() == abi.KindString {
		return nil, box.mode(choice)
	}
	if name := r.named(choice); name != 0 {
		box.Mode, box.Name = ToolsNamed, name
		return nil, true
	}
	confined := choice.Get("allowed_tools")
	if confined == 0 || !box.mode(confined.Get("mode")) {
		if confined == 0 {
			Refuse("tool_choice", "it is of a type that is not carried to this provider")
		}
		return nil, false
	}
	list := confined.Get("tools")
	allowed = make([]string, 0, 8)
	for i := range min(list.Len(), maxTools) {
		if name := r.named(list.At(i)); name != 0 {
			allowed = append(allowed, name.Text())
		}
	}
	return allowed, true
}

func (box *Toolbox) mode(word sdk.Node) (ok bool) {
	switch string(Word(word)) {
	case "auto":
		box.Mode = ToolsAuto
	case "none":
		box.Mode = ToolsNone
	case "required":
		box.Mode = ToolsRequired
	default:
		Refuse("tool_choice", "it is neither none, auto nor required")
		return false
	}
	return true
}
