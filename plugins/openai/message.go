package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// conversation is the messages and tools of a request on the chat wire. They travel as
// they came, in one piece, unless one of them holds what the server would refuse:
// then that one is written anew. See RATIONALE.md, "Why is the chat wire a splice?".
type conversation struct {
	*quirks
	left    int        // host calls that may still be spent
	pending []sdk.Node // tool messages whose attachments are not written yet
	told    [3]bool    // of lost: reported
}

// What a chat wire may lose of the messages, each reported once.
const (
	lostReasoning = iota
	lostRole
	lostThoughts
)

var lost = [3]string{"messages[].reasoning_content", "messages[].role", "messages[].thinking_blocks"}

func (c *conversation) lose(which int) {
	if !c.told[which] {
		c.told[which] = true
		sdk.Lossy(lost[which])
	}
}

// Host calls that reading a piece takes at most, and writing it on top of that.
const (
	readMessage = 6  // and what follows, for one that is more than a role and a text
	readRole    = 4  // where a role may have to be replaced
	readResult  = 4  // of a tool
	readTurn    = 8  // of anyone else
	readSilence = 10 // of an assistant without a text
	readPart    = 6
	readCall    = 3
	copyMessage = 3
	writeTurn   = 24
	writePart   = 12
	writeCall   = 6
)

// spend takes host calls from the budget; false means that the call has failed.
func (c *conversation) spend(calls int) bool {
	if c.left -= calls; c.left < 0 {
		tooMany()
		return false
	}
	return true
}

// find looks for the first message that cannot travel as it came. ok is false after
// a failure was reported.
func (c *conversation) find(messages sdk.Node) (first int, found, ok bool) {
	for i := range messages.Len() {
		plain, ok := c.plain(i, messages.At(i))
		if !ok || !plain {
			return i, true, ok
		}
	}
	return 0, false, true
}

// plain reports whether the i-th message may travel as it came.
func (c *conversation) plain(i int, message sdk.Node) (plain, ok bool) {
	if !c.spend(readMessage) {
		return false, false
	}
	content, size := message.Get("content"), message.Len()
	kind := content.Kind()
	if c.noRole[0] || c.noRole[1] {
		if !c.spend(readRole) {
			return false, false
		}
		if c.standIn(message) != "" {
			return false, true
		}
	}
	if kind == abi.KindArray {
		if plain, ok := c.plainParts(i, content); !plain {
			return false, ok
		}
	}
	if size == 2 && (kind == abi.KindString || kind == abi.KindArray) {
		return true, true // a role and a content
	}
	if !c.spend(readResult) {
		return false, false
	}
	if message.Get("tool_call_id") != 0 {
		// Its id and its content, or more.
		usual := size == 3 && content != 0 || message.Get("is_error") == 0 && !c.marks(message)
		return usual && (kind != abi.KindArray || textOnly(content)), true
	}
	if !c.spend(readTurn) {
		return false, false
	}
	calls := message.Get("tool_calls")
	if calls != 0 {
		n := calls.Len()
		if !c.spend(readCall * n) {
			return false, false
		}
		if kind == abi.KindString && content.Len() == 0 || !c.plainCalls(calls, n) {
			return false, true
		}
		if size == 3 && content != 0 {
			return true, true
		}
	} else if kind != abi.KindString && kind != abi.KindArray {
		if !c.spend(readSilence) {
			return false, false
		}
		if message.Get("role").Equal("assistant") && silent(message) {
			return false, true
		}
	}
	if c.marks(message) || message.Get("is_error") != 0 {
		return false, true
	}
	if c.extensions && c.reasoning != "reasoning" {
		return true, true
	}
	return message.Get("reasoning_content") == 0 && (c.extensions || message.Get("thinking_blocks") == 0), true
}

// marks reports whether something carries a mark for a cache that is not OpenAI's.
func (c *conversation) marks(object sdk.Node) bool {
	return !c.extensions && object.Get("cache_control") != 0
}

// standIn is the role, as JSON, that stands in for the message's; "" when it has
// one that is known.
func (c *conversation) standIn(message sdk.Node) (role string) {
	for i, unknown := range c.noRole {
		if !unknown || !message.Get("role").Equal(roles[i].name) {
			continue
		}
		if i == 0 && c.noRole[1] {
			return roles[1].instead
		}
		return roles[i].instead
	}
	return ""
}

// plainParts reports whether the parts of a content may travel as they came. ok is
// false after a refusal.
func (c *conversation) plainParts(i int, parts sdk.Node) (plain, ok bool) {
	plain = true
	for j := range parts.Len() {
		if !c.spend(readPart) {
			return false, false
		}
		part := parts.At(j)
		if part.Get("text") == 0 && !c.carries(i, part) {
			return false, false
		}
		if part.Len() > 2 && c.marks(part) {
			plain = false
		}
	}
	return plain, true
}

// carries reports whether the server takes what a part refers to; otherwise it has
// refused the request.
func (c *conversation) carries(i int, part sdk.Node) bool {
	if image := part.Get("image_url"); image != 0 {
		if !c.imageURL && image.Get("url").Slice(0, 5).Find("data:") < 0 {
			chat.Refuse(chat.At(i)+".content", "this server takes images as data URLs only")
			return false
		}
		return true
	}
	if file := part.Get("file"); file != 0 && !c.extensions && chat.IsText(file.Get("file_url")) {
		chat.Refuse(chat.At(i)+".content", "a file is carried on the Chat Completions wire as file_data or file_id, not as an address")
		return false
	}
	return true
}

// plainCalls reports whether no call carries what another provider said about it.
func (c *conversation) plainCalls(calls sdk.Node, n int) bool {
	for k := range n {
		if call := calls.At(k); call.Len() > 3 && !c.extensions && call.Get("extra_content") != 0 {
			return false
		}
	}
	return true
}

// silent reports whether an assistant message without text says nothing otherwise:
// a turn of which only another provider's reasoning was left.
func silent(message sdk.Node) bool {
	for _, other := range [...]string{"tool_calls", "function_call", "refusal", "audio"} {
		if value := message.Get(other); value.Exists() && value.Kind() != abi.KindNull {
			return false
		}
	}
	return true
}

// textOnly reports whether all parts are texts, the only ones that a tool message
// of the chat wire may hold.
func textOnly(parts sdk.Node) bool {
	for j := range parts.Len() {
		if !parts.At(j).Get("type").Equal("text") {
			return false
		}
	}
	return true
}

// marked reports whether any tool carries a mark for a cache.
func (c *conversation) marked(tools sdk.Node) bool {
	for i := range tools.Len() {
		if c.left -= readCall; c.left < 0 {
			return false
		}
		if tool := tools.At(i); tool.Len() > 2 && tool.Get("cache_control") != 0 {
			return true
		}
	}
	return false
}

// emitTools writes the tools without their marks.
func (c *conversation) emitTools(tools sdk.Node) {
	sdk.Emit(`,"tools":[`)
	for i := range tools.Len() {
		if c.left -= writeCall; c.left < 0 {
			break
		}
		if i > 0 {
			sdk.Emit(`,`)
		}
		sdk.Emit(`{`)
		sdk.EmitMembers(tools.At(i), "cache_control")
		sdk.Emit(`}`)
	}
	sdk.Emit(`]`)
}
