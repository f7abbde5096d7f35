package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// members is the request body while it is decided which of its members are
// written and which are left out.
type members struct {
	body sdk.Node
	out  []string // left out, each present in the body and listed once
	room [24]string
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
func chatRequest(q *quirks) sdk.Result {
	sdk.SetPath("/chat/completions")
	return membersRequest(q)
}

// membersRequest writes a body member by member, as the server takes it. The caller
// has set the path.
func membersRequest(q *quirks) sdk.Result {
	body := sdk.Request()
	if body.Kind() != abi.KindObject {
		return sdk.Fail(400, "the request body is not an object")
	}
	m := members{body: body}
	m.out = m.room[:0]
	m.leave("model")
	m.leave("models")

	usable := q.allows("stream_options")
	if !usable {
		m.leave("stream_options")
	}
	for _, list := range q.rejected {
		if list == 0 {
			continue
		}
		for i := range list.Len() {
			name := list.At(i).Text()
			switch name {
			case "model", "messages", "input":
				continue
			case "stream_options":
				usable = false
			}
			if m.leave(name) && chat.Asks(name, body.Get(name)) {
				sdk.Lossy(name)
			}
		}
	}
	m.leaveOurs(q)
	tools := body.Get("tools")
	m.leaveTools(q, tools)
	metadata := m.leave("metadata") && body.Get("store").Bool()
	streamed := usable && body.Get("stream").Bool()
	if streamed {
		m.leave("stream_options")
	}
	renamed := q.target.Get("rename")
	names := 0
	if renamed != 0 {
		names = renamed.Len()
	}
	for i := range names {
		// What the body already says under the new name wins.
		m.leave(renamed.Key(i))
	}
	from, to := q.outputName(renamed)
	if from != "" {
		m.leave(from)
	}
	c := conversation{quirks: q, left: readBudget}
	messages, rewrite, ok := c.find(body.Get("messages"))
	if !ok {
		return sdk.Failed
	}
	if rewrite {
		m.leave("messages")
	}
	marked := tools != 0 && !q.extensions && !q.rejects("tools") && c.marked(tools)
	if marked {
		m.leave("tools")
	}

	sdk.Emit(`{"model":`)
	emitString(q.target.Get("upstream_id"), `""`)
	for i := range names {
		q.emitRenamed(body, renamed.Key(i), renamed.At(i).Text())
	}
	if from != "" {
		q.emitRenamed(body, from, to)
	}
	if metadata {
		emitWithout("metadata", body.Get("metadata"), "", ours...)
	}
	if streamed {
		// Without the usage chunk a stream could only be estimated. The host hides
		// it from a caller who did not ask.
		emitWithout("stream_options", body.Get("stream_options"), `"include_usage":true`, "include_usage")
	}
	if rewrite && !c.emit(body.Get("messages"), messages) {
		return sdk.Failed
	}
	if marked {
		c.emitTools(tools)
	}
	sdk.EmitMembers(body, m.out...)
	sdk.Emit(`}`)
	return sdk.OK
}

// leaveOurs takes out what the canonical form has and OpenAI's has not. What a cache
// is to keep is no loss: OpenAI's works by itself.
func (m *members) leaveOurs(q *quirks) {
	if q.extensions {
		return
	}
	m.leave("cache_control")
	if m.leave("top_k") && chat.Asks("top_k", m.body.Get("top_k")) {
		sdk.Lossy("top_k")
	}
}

// leaveTools takes out tools that are none, which OpenAI refuses, and with them, or
// with tools that the target rejects, what only they give a meaning to.
func (m *members) leaveTools(q *quirks, tools sdk.Node) {
	gone := tools != 0 && tools.Kind() == abi.KindArray && (tools.Len() == 0 || q.rejects("tools"))
	if gone {
		m.leave("tools")
		m.leave("parallel_tool_calls")
	}
	if !gone && q.allows("tool_choice") {
		return
	}
	if choice := m.body.Get("tool_choice"); m.leave("tool_choice") && chat.Asks("tool_choice", choice) {
		sdk.Lossy("tool_choice")
	}
}

// outputName is which name of the limit of the output has to be written as which
// other, by the config; empty when none has, or when the target's own names decide.
func (q *quirks) outputName(renamed sdk.Node) (from, to string) {
	const older, newer = "max_tokens", "max_completion_tokens"
	if q.config == 0 || renamed.Get(older).Exists() || renamed.Get(newer).Exists() {
		return "", ""
	}
	switch name := q.config.Get("max_tokens"); {
	case name.Equal(older):
		return newer, older
	case name.Equal(newer):
		return older, newer
	}
	return "", ""
}

// emitRenamed writes a member under the name that the target knows, unless the body
// has that one too or the target rejects either.
func (q *quirks) emitRenamed(body sdk.Node, from, to string) {
	value := body.Get(from)
	if to == "" || !value.Exists() || body.Get(to).Exists() || q.rejects(from) {
		return
	}
	if q.rejects(to) {
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

// emitString writes a string node, or otherwise for any other kind: an absent
// node would leave a hole in the JSON.
func emitString(n sdk.Node, otherwise string) {
	if n.Kind() == abi.KindString {
		sdk.EmitNode(n)
		return
	}
	sdk.Emit(otherwise)
}

// tooMany refuses a body of more pieces than one call can read.
func tooMany() {
	chat.Refuse("messages", "there are more messages and parts than can be carried")
}
