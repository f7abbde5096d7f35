package openai

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// members is the request body while it is decided which of its members are
// written and which are left out.
type members struct {
	body sdk.Node
	out  []string // left out, each present in the body and listed once
}

// leave takes a member out and reports whether it was there to be taken.
func (m *members) leave(name string) bool {
	for _, gone := range m.out {
		if gone == name {
			return false
		}
	}
	if !m.body.Get(name).Exists() {
		return false
	}
	m.out = append(m.out, name)
	return true
}

// chatRequest writes the canonical body with the target's model in place of the
// caller's, without what is ours (models, metadata) and what the target rejects.
func chatRequest(target sdk.Node) sdk.Result {
	sdk.SetPath("/chat/completions")
	body := sdk.Request()
	if body.Kind() != abi.KindObject {
		return sdk.Fail(400, "the request body is not an object")
	}
	var room [16]string
	m := members{body: body, out: room[:0]}
	m.leave("model")
	m.leave("models")

	unsupported := target.Get("unsupported")
	usable := true // stream_options
	for i := range unsupported.Len() {
		name := unsupported.At(i).Text()
		switch name {
		case "model", "messages":
			continue
		case "stream_options":
			usable = false
		}
		if m.leave(name) {
			sdk.Lossy(name)
		}
	}
	metadata := m.leave("metadata") && body.Get("store").Bool()
	streamed := usable && body.Get("stream").Bool()
	if streamed {
		m.leave("stream_options")
	}
	renamed := target.Get("rename")
	for i := range renamed.Len() {
		// What the body already says under the new name wins.
		m.leave(renamed.Key(i))
	}

	sdk.Emit(`{"model":`)
	emitString(target.Get("upstream_id"), `""`)
	for i := range renamed.Len() {
		emitRenamed(body, renamed.Key(i), renamed.At(i).Text(), unsupported)
	}
	if metadata {
		emitWithout("metadata", body.Get("metadata"), "", ours...)
	}
	if streamed {
		// Without the usage chunk a stream could only be estimated. The host hides
		// it from a caller who did not ask.
		emitWithout("stream_options", body.Get("stream_options"), `"include_usage":true`, "include_usage")
	}
	sdk.EmitMembers(body, m.out...)
	sdk.Emit(`}`)
	return sdk.OK
}

// emitRenamed writes a member under the name that the target knows, unless the body
// has that one too or the target rejects either.
func emitRenamed(body sdk.Node, from, to string, unsupported sdk.Node) {
	value := body.Get(from)
	if to == "" || !value.Exists() || body.Get(to).Exists() || lists(unsupported, from) {
		return
	}
	if lists(unsupported, to) {
		sdk.Lossy(from)
		return
	}
	sdk.Emit(`,`)
	sdk.EmitString(to)
	sdk.Emit(`:`)
	sdk.EmitNode(value)
}

// ours are the metadata keys that speak to the gateway and not to the provider. What
// else the caller put there is sent only with store: OpenAI refuses it otherwise.
var ours = []string{"session_id", "task_type", "time_sensitive", "agent_id", "strict"}

// emitWithout writes an object member: added (JSON members, may be empty), then those
// of object except the named.
func emitWithout(name string, object sdk.Node, added string, except ...string) {
	sdk.Emit(`,"`)
	sdk.EmitText(name)
	sdk.Emit(`":{`)
	sdk.Emit(added)
	sdk.EmitMembers(object, except...)
	sdk.Emit(`}`)
}

// lists reports whether an array of strings holds s.
func lists(array sdk.Node, s string) bool {
	for i := range array.Len() {
		if array.At(i).Equal(s) {
			return true
		}
	}
	return false
}

// emitString writes a string node, or otherwise for any other kind: an absent
// node would leave a hole in the JSON.
func emitString(n sdk.Node, otherwise string) {
	if n.Kind() == abi.KindString {
		sdk.EmitNode(n)
		return
	}
	sdk.Emit(otherwise)
}
