package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// defaultMaxTokens is sent when neither the caller nor the catalogue names a
// bound: the API requires one, and every model since Claude 3 can write as much.
const defaultMaxTokens = 4096

// maxBeta bounds the list of beta features that is passed on, in bytes.
const maxBeta = 1 << 10

// maxCacheMarks is how many cache_control marks one request may hold.
const maxCacheMarks = 4

// Request implements sdk.Adapter. It fails for what would change the request's
// meaning: several choices, tool turns, content of a type that Messages has not.
func (Adapter) Request() sdk.Result {
	if operation := sdk.Call().Get("operation"); !operation.Equal("chat") {
		return sdk.Fail(400, "the anthropic adapter has no operation '"+operation.Slice(0, 32).Text()+"'")
	}
	r := chat.ReadRequest()
	if r.Choices > 1 {
		return chat.Refuse("n", "Anthropic gives one choice a request")
	}
	messages, ok := r.Messages()
	if !ok {
		return sdk.Failed
	}
	sdk.SetPath("/v1/messages")
	sdk.SetHeader("content-type", "application/json")
	if beta := sdk.Call().Get("headers").Get("anthropic-beta"); chat.IsText(beta) && beta.Len() <= maxBeta {
		sdk.SetHeader("anthropic-beta", beta.Text())
	}

	sdk.Emit(`{"model":`)
	sdk.EmitString(r.UpstreamID)
	sdk.Emit(`,"max_tokens":`)
	sdk.EmitInt(maxTokens(r))
	if r.Stream {
		sdk.Emit(`,"stream":true`)
	}
	emitSampling(r)
	emitService(r)
	w := writer{r: r, last: len(messages) - 1}
	if !w.system(messages) || !w.turns(messages) {
		return sdk.Failed
	}
	sdk.Emit("}")
	return sdk.OK
}

func maxTokens(r *chat.Request) int64 {
	switch {
	case r.MaxTokens >= 0:
		return r.MaxTokens
	case r.MaxOutput > 0:
		return r.MaxOutput
	}
	return defaultMaxTokens
}

// emitSampling writes temperature, top_p, top_k and stop_sequences. Anthropic's
// temperature ends at 1 where OpenAI's ends at 2: what is above is clamped, since
// both scales mean the same below.
func emitSampling(r *chat.Request) {
	if r.Temperature != 0 {
		if r.Temperature.Float() > 1 {
			r.Lossy("temperature")
			sdk.Emit(`,"temperature":1`)
		} else {
			sdk.Emit(`,"temperature":`)
			sdk.EmitNode(r.Temperature)
		}
	}
	if r.TopP != 0 {
		if r.Temperature != 0 && r.Rejects("temperature+top_p") {
			r.Lossy("top_p")
		} else {
			sdk.Emit(`,"top_p":`)
			sdk.EmitNode(r.TopP)
		}
	}
	if r.TopK != 0 {
		sdk.Emit(`,"top_k":`)
		sdk.EmitNode(r.TopK)
	}
	open := `,"stop_sequences":[`
	for _, stop := range r.StopSequences() {
		if chat.Blank(stop) {
			// The API refuses a stop sequence of white space alone.
			r.Lose("stop", stop)
			continue
		}
		sdk.Emit(open)
		sdk.EmitNode(stop)
		open = ","
	}
	if open == "," {
		sdk.Emit("]")
	}
	r.Lose("seed", r.Seed)
	r.Lose("presence_penalty", r.PresencePenalty)
	r.Lose("frequency_penalty", r.FrequencyPenalty)
}

// emitService writes metadata and service_tier.
func emitService(r *chat.Request) {
	if chat.IsText(r.EndUser) {
		sdk.Emit(`,"metadata":{"user_id":`)
		sdk.EmitNode(r.EndUser)
		sdk.Emit("}")
	}
	if r.ServiceTier.Equal("default") {
		sdk.Emit(`,"service_tier":"standard_only"`)
	} else {
		r.Lose("service_tier", r.ServiceTier) // auto is Anthropic's own default
	}
}

// writer writes the conversation.
type writer struct {
	r     *chat.Request
	last  int // index of the last message in the list
	marks int // cache_control marks written
}

// system writes the system and developer messages, in order, as blocks of the
// system member. One that follows a turn loses its place, which is reported.
func (w *writer) system(messages []chat.Message) (ok bool) {
	open, turns := `,"system":[`, false
	for _, m := range messages {
		if m.Role != chat.System {
			turns = true
			continue
		}
		for part := range m.Parts() {
			if part.Text == 0 {
				m.RefusePart(part)
				return false
			}
			if turns {
				w.r.Lossy("messages[].position")
				turns = false
			}
			sdk.Emit(open)
			w.text(m, part)
			open = ","
		}
	}
	if open == "," {
		sdk.Emit("]")
	}
	return true
}

// turns writes the user and assistant messages. Consecutive ones of a role stay
// apart: the API merges them.
func (w *writer) turns(messages []chat.Message) (ok bool) {
	open := `,"messages":[`
	for i, m := range messages {
		if m.Role == chat.System {
			continue
		}
		role := `{"role":"assistant","content":[`
		if m.Role == chat.User {
			role = `{"role":"user","content":[`
		} else if open != "," {
			chat.Refuse(chat.At(m.Index), "Anthropic needs a user message before the first of the assistant")
			return false
		}
		empty := true
		for part := range m.Parts() {
			if empty {
				sdk.Emit(open + role)
				open, empty = ",", false
			} else {
				sdk.Emit(",")
			}
			if part.Text == 0 {
				if !w.other(m, part) {
					return false
				}
				continue
			}
			if i == w.last && m.Role == chat.Assistant && m.Last(part) {
				part.Text = w.trimRight(part.Text)
			}
			w.text(m, part)
		}
		switch {
		case !empty:
			sdk.Emit("]}")
		case m.Role == chat.User:
			chat.Refuse(chat.At(m.Index), "Anthropic takes no empty user message")
			return false
		}
	}
	sdk.Emit("]")
	return true
}

// text writes a text block, with the cache mark that the part carries.
func (w *writer) text(m chat.Message, part chat.Part) {
	sdk.Emit(`{"type":"text","text":`)
	sdk.EmitNode(part.Text)
	w.rest(m, part)
}

// rest closes a block with what the part has besides its type and its content.
func (w *writer) rest(m chat.Message, part chat.Part) {
	marked := false
	for name, value := range m.Rest(part) {
		object := value.Kind() == abi.KindObject
		switch {
		case name == "cache_control" && object && !marked:
			sdk.Emit(`,"cache_control":`)
			sdk.EmitNode(value)
		case name == "prompt_cache_breakpoint" && object && !marked && w.marks < maxCacheMarks:
			sdk.Emit(`,"cache_control":{"type":"ephemeral"}`)
		default:
			w.r.Lose("messages[].content[]."+name, value)
			continue
		}
		w.marks++
		marked = true
	}
	sdk.Emit("}")
}

// other writes a block that is not text, or refuses it.
func (w *writer) other(m chat.Message, part chat.Part) (ok bool) {
	img, isImage := m.Image(part)
	if !isImage || m.Role != chat.User {
		m.RefusePart(part)
		return false
	}
	if img.URL != 0 {
		sdk.Emit(`{"type":"image","source":{"type":"url","url":`)
		sdk.EmitNode(img.URL)
	} else {
		switch img.MediaType {
		case "image/png", "image/jpeg", "image/gif", "image/webp":
		default:
			chat.Refuse(m.AtPart(part), "Anthropic takes PNG, JPEG, GIF and WebP images")
			return false
		}
		sdk.Emit(`{"type":"image","source":{"type":"base64","media_type":"` + img.MediaType + `","data":`)
		sdk.EmitNode(img.Data)
	}
	sdk.Emit("}")
	w.rest(m, part)
	return true
}

// trimRight drops white space from the end of the last assistant message, which
// the model is to continue: the API refuses it there. A text of nothing else stays.
func (w *writer) trimRight(text sdk.Node) sdk.Node {
	end := text.Len()
	for end > 0 {
		switch text.Slice(end-1, end).Text() {
		case " ", "\n", "\t", "\r":
			end--
			continue
		}
		break
	}
	if end == 0 || end == text.Len() {
		return text
	}
	w.r.Lossy("messages[].content[].trailing_space")
	return text.Slice(0, end)
}
