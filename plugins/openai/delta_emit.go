package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// emitNone writes the arguments, "{}", of calls that end without any and were opened by
// a chunk before this one; those that this one opens get them in place.
func (o *openCalls) emitNone(event, choices sdk.Node) {
	for i := range choices.Len() {
		choice := choices.At(i)
		index := choiceIndex(i, choice)
		if word, done, _ := o.finish(index, choice.Get("finish_reason")); !done || word != chat.FinishToolCalls {
			continue
		}
		for k := range o.calls {
			c := &o.calls[k]
			if int(c.choice) != index || c.flags&(callArgued|callCustom) != 0 || o.opens(k) {
				continue
			}
			c.flags |= callArgued
			o.changed = true
			sdk.Emit(`{"choices":[{"index":`)
			sdk.EmitInt(int64(index))
			sdk.Emit(`,"delta":{"tool_calls":[{"index":`)
			sdk.EmitInt(int64(c.place))
			sdk.Emit(`,"function":{"arguments":"{}"}}]},"finish_reason":null}]`)
			sdk.EmitMembers(event, "choices", "obfuscation", "usage")
			sdk.Emit(`}`)
			sdk.Flush()
		}
	}
}

// opens reports whether the chunk at hand opens the call.
func (o *openCalls) opens(call int) bool {
	for _, f := range o.fragments {
		if f.call == call && f.first {
			return true
		}
	}
	return false
}

// emitChoice writes the i-th choice of a chunk in OpenAI's words. at is its first
// fragment; the next choice's is returned.
func (o *openCalls) emitChoice(i int, choice sdk.Node, at int) (next int) {
	delta := choice.Get("delta")
	index := choiceIndex(i, choice)
	word, done, _ := o.finish(index, choice.Get("finish_reason"))
	list := delta.Get("tool_calls")
	sdk.Emit(`{"index":`)
	sdk.EmitInt(int64(index))
	sdk.Emit(`,"delta":{`)
	room := [2]string{"tool_calls"}
	except := room[:1]
	comma := ""
	if text := reasoningOf(delta); text != 0 {
		sdk.Emit(`"reasoning_content":`)
		sdk.EmitNode(text)
		except, comma = append(except, "reasoning"), `,`
	}
	for k := range list.Len() {
		if k == 0 {
			sdk.Emit(comma)
			sdk.Emit(`"tool_calls":[`)
		} else {
			sdk.Emit(`,`)
		}
		o.emitFragment(o.fragments[at], list.At(k), done && word == chat.FinishToolCalls)
		at++
	}
	if list.Len() > 0 {
		sdk.Emit(`]`)
	}
	sdk.EmitMembers(delta, except...)
	if done {
		sdk.Emit(`},"finish_reason":"` + word + `"`)
	} else {
		sdk.Emit(`},"finish_reason":null`)
	}
	sdk.EmitMembers(choice, "index", "delta", "finish_reason")
	sdk.Emit(`}`)
	return at
}

// emitFragment writes a fragment: id, type and name once, and the text. last says that
// nothing follows.
func (o *openCalls) emitFragment(f fragment, piece sdk.Node, last bool) {
	call := &o.calls[f.call]
	kind, text := "function", "arguments"
	if call.flags&callCustom != 0 {
		kind, text = "custom", "input"
	}
	body := bodyOf(piece)
	sdk.Emit(`{"index":`)
	sdk.EmitInt(int64(call.place))
	if f.first {
		sdk.Emit(`,"id":`)
		emitID(piece.Get("id"))
		sdk.Emit(`,"type":"` + kind + `"`)
	}
	sdk.Emit(`,"` + kind + `":{`)
	if f.named {
		sdk.Emit(`"name":`)
		sdk.EmitNode(body.Get("name"))
		sdk.Emit(`,`)
	}
	sdk.Emit(`"` + text + `":`)
	switch said := body.Get(text); {
	case said.Kind() == abi.KindObject:
		sdk.EmitQuoted(said)
	case chat.IsText(said):
		sdk.EmitNode(said)
	case last && f.first && call.flags&(callArgued|callCustom) == 0:
		call.flags |= callArgued
		o.changed = true
		sdk.Emit(`"{}"`)
	default:
		sdk.Emit(`""`)
	}
	sdk.Emit(`}`)
	sdk.EmitMembers(piece, "index", "id", "type", kind)
	sdk.Emit(`}`)
}
