package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// noSignature stands for a thought signature that was lost on the way: Gemini 3
// refuses a step whose first call has none. It is the base64 of
// "skip_thought_signature_validator"; the API answered it with 200 (recorded
// 2026-02 and later).
const noSignature = `"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="`

// tools writes tools and toolConfig. ok is false after a refusal.
func (b *body) tools() (ok bool) {
	box, ok := b.r.Toolbox()
	if !ok || len(box.Tools) == 0 {
		return ok
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
		}
		if tool.Parameters != 0 {
			// The API knows JSON Schema, but not the member that says so.
			b.Emit(`,"parametersJsonSchema":{`)
			b.Members(tool.Parameters, "$schema")
			b.Emit(`}`)
		}
		b.Emit(`}`)
		b.r.Lose("tools[].cache_control", tool.Cache)
	}
	b.Emit(`]}]`)
	switch box.Mode {
	case chat.ToolsAuto:
		b.Emit(`,"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}`)
	case chat.ToolsNone:
		b.Emit(`,"toolConfig":{"functionCallingConfig":{"mode":"NONE"}}`)
	case chat.ToolsRequired:
		b.Emit(`,"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}`)
	case chat.ToolsNamed:
		b.Emit(`,"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":[`)
		b.Node(box.Name)
		b.Emit(`]}}`)
	}
	if box.OneByOne {
		b.r.Lossy("parallel_tool_calls") // there is no such switch
	}
	return true
}

// exchange writes the calls of a model's turn after its texts, and all their results
// in the user's: the API wants as many of these as of those.
func (b *body) exchange(messages []chat.Message, calls []chat.Call) (ok bool) {
	for i := range calls {
		call := &calls[i]
		b.next(chat.Assistant)
		b.Emit(`{"functionCall":{"id":`)
		b.String(call.ID)
		b.Emit(`,"name":`)
		b.Node(call.Name)
		b.Emit(`,"args":`)
		if args := b.r.Arguments(call); args != 0 {
			b.Node(args)
		} else {
			b.Emit(`{}`)
		}
		b.Emit(`}`)
		if signature := call.Extra("google").Get("thought_signature"); chat.IsText(signature) {
			b.Emit(`,"thoughtSignature":`)
			b.Node(signature)
		} else if i == 0 && b.signs() {
			b.Emit(`,"thoughtSignature":` + noSignature)
		}
		b.Emit(`}`)
	}
	for i := range calls {
		b.next(chat.User)
		b.Emit(`{"functionResponse":{"id":`)
		b.String(calls[i].ID)
		b.Emit(`,"name":`)
		b.Node(calls[i].Name)
		if !b.result(calls[i].Answer(messages)) {
			return false
		}
		b.Emit(`}}`)
	}
	return true
}

// signs reports whether the model wants signatures: Gemini's from the third
// generation on.
func (b *body) signs() bool {
	id := b.r.UpstreamID.Slice(0, len("gemini-n")).Text()
	return len(id) == len("gemini-n") && id[:len(id)-1] == "gemini-" && id != "gemini-1" && id != "gemini-2"
}

// result writes the response of a function, which has to be an object: that which
// the tool message holds, or one with its text.
func (b *body) result(m *chat.Message) (ok bool) {
	b.Emit(`,"response":`)
	if text := m.Plain(); text != 0 {
		if text.Slice(0, 1).Equal("{") {
			if object := text.Parse(); object.Kind() == abi.KindObject {
				b.Node(object)
				return true
			}
		}
		b.Emit(`{"output":`)
		b.Node(text)
		b.Emit(`}`)
		return true
	}
	texts, images := make([]sdk.Node, 0, 4), false
	for i := range m.Parts() {
		part, ok := m.Part(i)
		if ok && part.Text != 0 {
			texts = append(texts, part.Text)
		}
		images = images || ok && part.Text == 0
	}
	b.Emit(`{"output":`)
	b.Joined(texts)
	b.Emit(`}`)
	if !images {
		return true
	}
	if !b.signs() {
		chat.Refuse(chat.At(m.Index), "this model takes texts only as a tool's result")
		return false
	}
	open := `,"parts":[`
	for i := range m.Parts() {
		if part, ok := m.Part(i); ok && part.Text == 0 {
			b.Emit(open)
			open = `,`
			if !b.image(m, part) {
				return false
			}
		}
	}
	b.Emit(`]`)
	return true
}
