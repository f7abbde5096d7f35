package chat

import (
	"iter"
	"slices"

	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Lose reports a member that the wire cannot carry, unless its value asks for
// nothing: absent, null, false, 0, empty, or what every model does anyway.
func (r *Request) Lose(name string, value sdk.Node) {
	if value != 0 && Asks(name, value) {
		r.Lossy(name)
	}
}

// Lossy reports a member that was not carried as it was asked for. The host takes
// only so many names: what goes beyond them is reported as "...".
func (r *Request) Lossy(name string) {
	if slices.Contains(r.lost, name) || len(r.lost) > maxLost {
		return
	}
	if len(r.lost) == maxLost {
		name = "..."
	}
	r.lost = append(r.lost, name)
	sdk.Lossy(name)
}

// members yields an object's members while the budget lasts; those that it does
// not last for are lost.
func (r *Request) members(object sdk.Node) iter.Seq2[string, sdk.Node] {
	return func(yield func(string, sdk.Node) bool) {
		for i := range object.Len() {
			if r.left -= memberCost; r.left < 0 {
				r.Lossy("...")
				return
			}
			name := object.Key(i)
			if !yield(name[:min(len(name), abi.MaxTagText)], object.At(i)) {
				return
			}
		}
	}
}

// Asks reports whether a member of a request that is left out asked for anything: not
// when it is absent, null, false, 0, empty, or what every model does anyway.
func Asks(name string, value sdk.Node) bool {
	if value == 0 {
		return false
	}
	switch value.Kind() {
	case abi.KindAbsent, abi.KindNull:
		return false
	case abi.KindBool:
		return value.Bool() != (name == "parallel_tool_calls") // which happens unless it is false
	case abi.KindNumber:
		return name == "seed" || value.Float() != 0
	}
	if value.Len() == 0 {
		return false
	}
	switch name {
	case "tool_choice":
		return !value.Equal("auto") && !value.Equal("none")
	case "response_format":
		return !value.Get("type").Equal("text")
	case "modalities":
		return value.Len() > 1 || !value.At(0).Equal("text")
	case "reasoning_effort":
		return !value.Equal("none")
	case "verbosity":
		return !value.Equal("medium")
	case "service_tier":
		return !value.Equal("auto")
	}
	return true
}
