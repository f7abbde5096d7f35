package wire

import (
	"strconv"
	"strings"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Asked is what an answer of the Responses API repeats of its request. The zero value
// repeats nothing. Immutable; safe for concurrent use.
type Asked struct {
	model string // that the answer names; empty takes the completion's own
	id    string // of the request, for an answer without one
	echo  []byte // members of the response object, from ',' on
}

// maxEcho bounds, in bytes, a member that is repeated: a stream repeats it three times.
const maxEcho = 256 << 10

// AskedOf reads a body that FromResponses took; it keeps nothing of it. model is what the
// answer says served it; empty takes the completion's own. requestID names an answer
// whose provider gave it no id. A member beyond 256 KiB is repeated as if it were absent.
func AskedOf(doc *document.Doc, model, requestID string) Asked {
	root := doc.Root()
	a := Asked{model: model, id: requestID}
	for _, m := range [...]struct{ name, absent string }{
		{"instructions", "null"}, {"max_output_tokens", "null"}, {"metadata", "{}"}, {"parallel_tool_calls", "true"},
		{"reasoning", `{"effort":null,"summary":null}`}, {"temperature", "null"}, {"text", `{"format":{"type":"text"}}`},
		{"tool_choice", `"auto"`}, {"tools", "[]"}, {"top_p", "null"}, {"user", "null"}, {"prompt_cache_key", "null"}, {"safety_identifier", "null"},
	} {
		a.echo = append(append(append(a.echo, `,"`...), m.name...), `":`...)
		if n := root.Get(m.name); given(n) && len(n.Raw()) <= maxEcho {
			a.echo = document.AppendLine(a.echo, n.Raw())
		} else {
			a.echo = append(a.echo, m.absent...)
		}
	}
	return a
}

// ToResponse turns a canonical chat.completion into the answer of POST /v1/responses.
// Of several choices the first is the answer. What no completion should lack (id,
// choices, usage) is answered as empty, for whoever waits for the answer has paid for it.
// Safe for concurrent use.
func ToResponse(doc *document.Doc, asked Asked) []byte {
	root := doc.Root()
	choice := root.Get("choices").At(0)
	r := newReply(asked, root)
	r.finish = choice.Get("finish_reason").Text()
	message := choice.Get("message")
	r.whole(message)
	for i, call := range message.Get("tool_calls").Elements() {
		it := &responseItem{kind: functionItem, callID: call.Get("id").Text(), place: i}
		name, arguments := called(call)
		if call.Get("custom").Exists() {
			it.kind = customItem
		}
		it.name = append(it.name, inner(name)...)
		it.text = appendArguments(it.text, arguments)
		it.extra = append(it.extra, call.Get("extra_content").Raw()...)
		r.items = append(r.items, it)
	}
	for i, it := range r.items {
		it.index = i
		it.done = r.appendItem(nil, it, r.itemStatus(i))
	}
	if counts := root.Get("usage"); counts.Kind() == abi.KindObject {
		r.usage, r.counted = readUsage(counts), true
	}
	return r.append(make([]byte, 0, len(doc.Bytes())+len(asked.echo)+512), r.status(), nil)
}

// reply is a response object in the making.
type reply struct {
	asked   Asked
	id      string // of the response, without its prefix; the seed of all others
	model   []byte // JSON
	created int64  // Unix seconds
	items   []*responseItem
	finish  string
	usage   usage
	counted bool
}

func newReply(asked Asked, root document.Node) reply {
	return reply{
		asked: asked, id: responseID(root.Get("id").Text(), asked.id),
		model: appendModel(nil, asked.model, root.Get("model")), created: max(root.Get("created").Int(), 0),
	}
}

// responseID makes an id without prefix: the provider's where it fits.
func responseID(id, fallback string) string {
	for _, prefix := range [...]string{"resp_", "chatcmpl-", "msg_"} {
		if len(id) > len(prefix) && id[:len(prefix)] == prefix {
			id = id[len(prefix):]
			break
		}
	}
	if id == "" {
		id = fallback
	}
	ok := len(id) > 0 && len(id) <= 96
	for i := 0; ok && i < len(id); i++ {
		ok = idByte(id[i]) || id[i] == '.'
	}
	if ok {
		return string(append([]byte(nil), id...)) // the source may be a view of a buffer
	}
	return string(appendHash(nil, id, 0))
}

// Kinds of an output item.
const (
	messageItem = iota + 1
	reasoningItem
	functionItem
	customItem
)

// responseItem is an item of the output. Texts are escaped.
type responseItem struct {
	kind  int
	index int // in the output; set when it is opened
	text  []byte
	done  []byte // the item as JSON, once it is closed

	parts []responsePart // of a message

	signature []byte // encrypted_content of reasoning
	id        string // the provider's own; "": one is made

	callID string
	name   []byte
	place  int // among the calls
	extra  []byte
	opened bool
	shape  shape
}

// responsePart is a part of a message.
type responsePart struct {
	refusal bool
	text    []byte
}

// whole adds the items of a message that is not streamed, but for its calls.
func (r *reply) whole(message document.Node) {
	written := false
	for _, block := range message.Get("thinking_blocks").Elements() {
		it := &responseItem{kind: reasoningItem}
		switch kind := block.Get("type"); {
		case is(kind, "redacted_thinking"):
			it.signature = appendHidden(nil, block)
		case is(kind, "thinking"):
			it.text = append(it.text, inner(block.Get("thinking"))...)
			it.signature = appendEncrypted(nil, block)
			if id := block.Get("id"); providerOf(block) == "openai" && ownID(id) {
				it.id = strings.Clone(id.Text())
			}
		default:
			continue
		}
		r.items = append(r.items, it)
		written = true
	}
	if text := reasoningOf(message); !written && text.Len() > 0 {
		r.items = append(r.items, &responseItem{kind: reasoningItem, text: append([]byte(nil), inner(text)...)})
	}
	it := &responseItem{kind: messageItem}
	for text := range texts(message.Get("content")) {
		if text.Len() > 0 {
			it.parts = append(it.parts, responsePart{text: inner(text)})
		}
	}
	if refusal := message.Get("refusal"); refusal.Len() > 0 {
		it.parts = append(it.parts, responsePart{refusal: true, text: inner(refusal)})
	}
	if len(it.parts) > 0 {
		r.items = append(r.items, it)
	}
}

// appendArguments appends a call's arguments as escaped text.
func appendArguments(dst []byte, arguments document.Node) []byte {
	if arguments.Kind() == abi.KindObject {
		return document.AppendEscaped(dst, string(arguments.Raw()))
	}
	return append(dst, inner(arguments)...)
}

// appendEncrypted appends a signature as encrypted_content, marked with its provider
// unless that is OpenAI. See signed.
func appendEncrypted(dst []byte, block document.Node) []byte {
	signature := inner(block.Get("signature"))
	if len(signature) == 0 {
		return dst
	}
	if name := providerOf(block); name != "openai" {
		dst = append(append(append(dst, seal...), name...), ':')
	}
	return append(dst, signature...)
}

func appendHidden(dst []byte, block document.Node) []byte {
	dst = append(append(append(dst, hidden...), providerOf(block)...), ':')
	return append(dst, inner(block.Get("data"))...)
}

// providerOf is who made a block; one that does not say so is Anthropic's, whose form it is.
func providerOf(block document.Node) string {
	if name := inner(block.Get("provider")); len(name) > 0 && len(name) <= 64 && sealable(name) {
		return string(name)
	}
	return "anthropic"
}

// status is that of the response once finish_reason is known.
func (r *reply) status() string {
	if r.finish == "length" || r.finish == "content_filter" {
		return "incomplete"
	}
	return "completed"
}

// itemStatus: what an incomplete response was cut off in is its last item.
func (r *reply) itemStatus(i int) string {
	if i == len(r.items)-1 {
		return r.status()
	}
	return "completed"
}

// append appends the response object. failure is its error as JSON, nil for none.
func (r *reply) append(dst []byte, status string, failure []byte) []byte {
	emit := func(s string) { dst = append(dst, s...) }
	emit(`{"id":"resp_`)
	emit(r.id)
	emit(`","object":"response","created_at":`)
	dst = strconv.AppendInt(dst, r.created, 10)
	emit(`,"status":"` + status + `","background":false,"error":`)
	if failure == nil {
		emit(`null`)
	} else {
		dst = append(dst, failure...)
	}
	emit(`,"incomplete_details":`)
	switch {
	case status != "incomplete":
		emit(`null`)
	case r.finish == "content_filter":
		emit(`{"reason":"content_filter"}`)
	default:
		emit(`{"reason":"max_output_tokens"}`)
	}
	emit(`,"model":`)
	dst = append(dst, r.model...)
	emit(`,"output":[`)
	comma := ""
	for _, it := range r.items {
		if it.done != nil {
			emit(comma)
			dst = append(dst, it.done...)
			comma = ","
		}
	}
	emit(`],"previous_response_id":null,"store":false,"truncation":"disabled"`)
	dst = append(dst, r.asked.echo...)
	emit(`,"usage":`)
	if !r.counted {
		emit(`null}`)
		return dst
	}
	u := r.usage
	input := u.input + u.read + u.write + u.write1h
	member := func(before string, v int64) { dst = strconv.AppendInt(append(dst, before...), v, 10) }
	member(`{"input_tokens":`, input)
	member(`,"input_tokens_details":{"cached_tokens":`, u.read)
	member(`,"cache_write_tokens":`, u.write+u.write1h)
	member(`},"output_tokens":`, u.output)
	member(`,"output_tokens_details":{"reasoning_tokens":`, min(u.thinking, u.output))
	member(`},"total_tokens":`, input+u.output)
	emit(`}}`)
	return dst
}

// appendItemID appends the id of an item: its own, or one made of the response's and its place.
func (r *reply) appendItemID(dst []byte, it *responseItem) []byte {
	if it.id != "" {
		return append(dst, it.id...)
	}
	prefix := map[int]string{messageItem: "msg_", reasoningItem: "rs_", functionItem: "fc_", customItem: "ctc_"}[it.kind]
	dst = append(append(dst, prefix...), r.id...)
	return appendInt(append(dst, '_'), it.index)
}

// appendItem appends an item. in_progress is how it begins: with nothing in it.
func (r *reply) appendItem(dst []byte, it *responseItem, status string) []byte {
	begins := status == "in_progress"
	emit := func(s string) { dst = append(dst, s...) }
	emit(`{"id":"`)
	dst = r.appendItemID(dst, it)
	switch it.kind {
	case messageItem:
		emit(`","type":"message","status":"` + status + `","role":"assistant","content":[`)
		for i := range it.parts {
			if begins {
				break
			}
			if i > 0 {
				emit(`,`)
			}
			dst = appendResponsePart(dst, it.parts[i], it.parts[i].text)
		}
		emit(`]}`)
	case reasoningItem:
		emit(`","type":"reasoning","summary":[`)
		if len(it.text) > 0 && !begins {
			emit(`{"type":"summary_text","text":"`)
			dst = append(dst, it.text...)
			emit(`"}`)
		}
		emit(`]`)
		if len(it.signature) > 0 && !begins {
			emit(`,"encrypted_content":"`)
			dst = append(dst, it.signature...)
			emit(`"`)
		}
		emit(`}`)
	default:
		kind, member := "function_call", "arguments"
		if it.kind == customItem {
			kind, member = "custom_tool_call", "input"
		}
		emit(`","type":"` + kind + `","status":"` + status + `","call_id":"`)
		if it.callID == "" {
			dst = appendHash(append(dst, "call_"...), r.id, it.place+1)
		} else {
			dst = document.AppendEscaped(dst, it.callID)
		}
		emit(`","name":"`)
		dst = append(dst, it.name...)
		emit(`","` + member + `":"`)
		if !begins {
			dst = append(dst, it.text...)
		}
		emit(`"`)
		if len(it.extra) > 0 {
			emit(`,"extra_content":`)
			dst = document.AppendLine(dst, it.extra)
		}
		emit(`}`)
	}
	return dst
}

func appendResponsePart(dst []byte, part responsePart, text []byte) []byte {
	if part.refusal {
		dst = append(append(dst, `{"type":"refusal","refusal":"`...), text...)
		return append(dst, `"}`...)
	}
	dst = append(append(dst, `{"type":"output_text","text":"`...), text...)
	return append(dst, `","annotations":[],"logprobs":[]}`...)
}
