// Package main is a provider plugin for the Parrot API, which does not exist: README.md
// describes it. This file has what a chat becomes on its way there, answer.go what comes back,
// and squawk.go what went wrong.
package main

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

func init() { sdk.ServeAdapter(parrot{}) }

func main() {}

type parrot struct{}

// Request writes {"voice","script":[{"who","says"}],"limit","heat","stream"}.
func (parrot) Request() sdk.Result {
	if !sdk.Call().Get("operation").Equal(abi.OperationChat) {
		return sdk.Fail(int(abi.CodeUnsupported), "parrots only chat")
	}
	request := sdk.Request()
	sdk.SetPath("/speak")
	sdk.Emit(`{"voice":`)
	sdk.EmitNode(sdk.Call().Pointer("/target/upstream_id"))
	sdk.Emit(`,"script":[`)
	messages := request.Get("messages")
	for i := range messages.Len() {
		if i > 0 {
			sdk.Emit(`,`)
		}
		if !line(messages.At(i)) {
			return sdk.Fail(400, "parrots take no results of tools")
		}
	}
	sdk.Emit(`]`)
	for i := range request.Len() {
		member(request.Key(i), request.At(i))
	}
	sdk.Emit(`}`)
	return sdk.OK
}

// line writes one message; false when there is no way to say it.
func line(message sdk.Node) bool {
	who := ""
	switch role := message.Get("role"); {
	case role.Equal("system"), role.Equal("developer"):
		who = "keeper"
	case role.Equal("user"):
		who = "guest"
	case role.Equal("assistant"):
		who = "parrot"
	default:
		return false
	}
	sdk.Emit(`{"who":"` + who + `","says":"`)
	says(message.Get("content"))
	sdk.Emit(`"}`)
	if message.Get("tool_calls").Len() > 0 {
		sdk.Lossy("messages[].tool_calls")
	}
	return true
}

// says writes a content's text: a string, or a list of parts, of which only text can be said.
func says(content sdk.Node) {
	if content.Kind() != abi.KindArray {
		sdk.EmitInner(content)
		return
	}
	for i := range content.Len() {
		part := content.At(i)
		if part.Get("type").Equal("text") {
			sdk.EmitInner(part.Get("text"))
		} else {
			sdk.Lossy("messages[].content[]." + part.Get("type").Text())
		}
	}
}

// member writes a member of the request under the name that it has there, and says so when there is none.
func member(name string, value sdk.Node) {
	there := ""
	switch name {
	case "max_tokens", "max_completion_tokens":
		there = `,"limit":`
	case "temperature":
		there = `,"heat":`
	case "stream":
		there = `,"stream":`
	case "messages", "model", "stream_options", "metadata", "user":
		return // written above, or not the provider's business
	default:
		sdk.Lossy(name)
		return
	}
	sdk.Emit(there)
	sdk.EmitNode(value)
}
