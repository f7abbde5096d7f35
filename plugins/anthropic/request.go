package anthropic

import (
	"strings"

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
	r, ok := chat.ReadRequest()
	if !ok {
		return sdk.Failed
	}
	if r.Choices > 1 {
		return chat.Refuse("n", "Anthropic gives one choice a request")
	}
	messages, ok := r.Messages()
	if !ok {
		return sdk.Failed
	}
	sdk.SetPath("/v1/messages")
	sdk.SetHeader("content-type", "application/json")
	if beta := r.Header("anthropic-beta"); chat.IsText(beta) && beta.Len() <= maxBeta {
		sdk.SetHeader("anthropic-beta", beta.Text())
	}

	w := chat.NewWriter()
	w.Emit(`{"model":`)
	w.Node(r.UpstreamID)
	w.Emit(`,"max_tokens":`)
	w.Int(maxTokens(r))
	if r.Stream {
		w.Emit(`,"stream":true`)
	}
	writeSampling(w, r)
	writeService(w, r)
	c := conversation{Writer: w, r: r, last: len(messages) - 1}
	if !c.system(messages) || !c.turns(messages) {
		return sdk.Failed
	}
	w.Emit(`}`)
	w.End()
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

// writeSampling writes temperature, top_p, top_k and stop_sequences. Anthropic's
// temperature ends at 1 where OpenAI's ends at 2: what is above is clamped, since
// both scales mean the same below.
func writeSampling(w *chat.Writer, r *chat.Request) {
	if r.Temperature != 0 {
		if r.Temperature.Float() > 1 {
			r.Lossy("temperature")
			w.Emit(`,"temperature":1`)
		} else {
			w.Emit(`,"temperature":`)
			w.Node(r.Temperature)
		}
	}
	if r.TopP != 0 {
		if r.Temperature != 0 && r.Rejects("temperature+top_p") {
			r.Lossy("top_p")
		} else {
			w.Emit(`,"top_p":`)
			w.Node(r.TopP)
		}
	}
	if r.TopK != 0 {
		w.Emit(`,"top_k":`)
		w.Node(r.TopK)
	}
	open := `,"stop_sequences":[`
	for _, stop := range r.StopSequences() {
		if chat.Blank(stop) {
			// The API refuses a stop sequence of white space alone.
			r.Lose("stop", stop)
			continue
		}
		w.Emit(open)
		w.Node(stop)
		open = ","
	}
	if open == "," {
		w.Emit(`]`)
	}
	r.Lose("seed", r.Seed)
	r.Lose("presence_penalty", r.PresencePenalty)
	r.Lose("frequency_penalty", r.FrequencyPenalty)
}

// writeService writes metadata and service_tier.
func writeService(w *chat.Writer, r *chat.Request) {
	if chat.IsText(r.EndUser) {
		w.Emit(`,"metadata":{"user_id":`)
		w.Node(r.EndUser)
		w.Emit(`}`)
	}
	if r.ServiceTier != 0 && r.ServiceTier.Equal("default") {
		w.Emit(`,"service_tier":"standard_only"`)
	} else {
		r.Lose("service_tier", r.ServiceTier) // auto is Anthropic's own default
	}
}

// conversation writes system and messages.
type conversation struct {
	*chat.Writer
	r      *chat.Request
	last   int // index of the last message in the list
	marks  int // cache_control marks written
	before int // what the last turn was
}

// system writes the system and developer messages, in order, as blocks of the
// system member. One that follows a turn loses its place, which is reported.
func (c *conversation) system(messages []chat.Message) (ok bool) {
	open, turns := `,"system":[`, false
	for i := range messages {
		m := &messages[i]
		if m.Role != chat.System {
			turns = true
			continue
		}
		for j := range m.Parts() {
			part, ok := m.Part(j)
			if !ok {
				continue
			}
			if part.Text == 0 {
				m.RefusePart(part)
				return false
			}
			if turns {
				c.r.Lossy("messages[].position")
				turns = false
			}
			c.Emit(open)
			c.text(m, part)
			open = ","
		}
	}
	if open == "," {
		c.Emit(`]`)
	}
	return true
}

// turns writes the user and assistant messages. Consecutive ones of a role stay
// apart: the API merges them.
func (c *conversation) turns(messages []chat.Message) (ok bool) {
	for i := range messages {
		m := &messages[i]
		if m.Role == chat.System {
			continue
		}
		if m.Role == chat.Assistant && c.before == nothing {
			chat.Refuse(chat.At(m.Index), "Anthropic needs a user message before the first of the assistant")
			return false
		}
		// A plain text, as most messages are, takes two host calls.
		if text := m.Plain(); text != 0 && (i != c.last || m.Role == chat.User) {
			c.openText(m.Role)
			c.Node(text)
			continue
		}
		empty := true
		for j := range m.Parts() {
			part, ok := m.Part(j)
			if !ok {
				continue
			}
			if empty {
				c.open(m.Role)
				empty = false
			} else {
				c.Emit(`,`)
			}
			if part.Text == 0 {
				if !c.other(m, part) {
					return false
				}
				continue
			}
			if i == c.last && m.Role == chat.Assistant && m.Last(part) {
				part.Text = c.trimRight(part.Text)
			}
			c.text(m, part)
		}
		if empty && m.Role == chat.User {
			chat.Refuse(chat.At(m.Index), "Anthropic takes no empty user message")
			return false
		}
	}
	c.closeTurn()
	c.Emit(`]`)
	return true
}

// What stands before the next turn: the brackets of the turn before are closed with
// its opening, so that the two go out together.
const (
	nothing = iota
	plainTurn
	partsTurn
)

// openText opens a turn that is one text block, up to the text.
func (c *conversation) openText(role chat.Role) {
	const block = `{"type":"text","text":`
	switch {
	case c.before == plainTurn && role == chat.User:
		c.Const(`}]},{"role":"user","content":[` + block)
	case c.before == plainTurn:
		c.Const(`}]},{"role":"assistant","content":[` + block)
	default:
		c.open(role)
		c.Emit(block)
	}
	c.before = plainTurn
}

// open opens a turn, up to the bracket of its blocks.
func (c *conversation) open(role chat.Role) {
	if c.before == nothing {
		c.Emit(`,"messages":[`)
	} else {
		c.closeTurn()
		c.Emit(`,`)
	}
	if role == chat.User {
		c.Emit(`{"role":"user","content":[`)
	} else {
		c.Emit(`{"role":"assistant","content":[`)
	}
	c.before = partsTurn
}

func (c *conversation) closeTurn() {
	switch c.before {
	case plainTurn:
		c.Emit(`}]}`)
	case partsTurn:
		c.Emit(`]}`)
	}
}

// text writes a text block, with the cache mark that the part carries.
func (c *conversation) text(m *chat.Message, part chat.Part) {
	c.Emit(`{"type":"text","text":`)
	c.Node(part.Text)
	c.rest(m, part)
}

// rest closes a block with what the part has besides its type and its content.
func (c *conversation) rest(m *chat.Message, part chat.Part) {
	if !m.More(part) {
		c.Emit(`}`)
		return
	}
	marked := false
	for name, value := range m.Rest(part) {
		object := value.Kind() == abi.KindObject
		switch {
		case name == "cache_control" && object && !marked:
			c.Emit(`,"cache_control":`)
			c.Node(value)
		case name == "prompt_cache_breakpoint" && object && !marked && c.marks < maxCacheMarks:
			c.Emit(`,"cache_control":{"type":"ephemeral"}`)
		default:
			c.r.Lose("messages[].content[]."+name, value)
			continue
		}
		c.marks++
		marked = true
	}
	c.Emit(`}`)
}

// other writes a block that is not text, or refuses it.
func (c *conversation) other(m *chat.Message, part chat.Part) (ok bool) {
	img, isImage := m.Image(part)
	if !isImage || m.Role != chat.User {
		m.RefusePart(part)
		return false
	}
	if img.URL != 0 {
		c.Emit(`{"type":"image","source":{"type":"url","url":`)
		c.Node(img.URL)
	} else {
		switch img.MediaType {
		case "image/png", "image/jpeg", "image/gif", "image/webp":
		default:
			chat.Refuse(m.AtPart(part), "Anthropic takes PNG, JPEG, GIF and WebP images")
			return false
		}
		c.Emit(`{"type":"image","source":{"type":"base64","media_type":`)
		c.String(img.MediaType)
		c.Emit(`,"data":`)
		c.Node(img.Data)
	}
	c.Emit(`}`)
	c.rest(m, part)
	return true
}

// trimRight drops white space from the end of the last assistant message, which
// the model is to continue: the API refuses it there. A text of nothing else stays.
func (c *conversation) trimRight(text sdk.Node) sdk.Node {
	const step = 4 << 10
	whole := text.Len()
	for end := whole; end > 0; {
		tail := text.Slice(max(end-step, 0), end).Text()
		kept := strings.TrimRight(tail, " \t\r\n")
		end -= len(tail) - len(kept)
		switch {
		case kept != "" && end == whole:
			return text
		case kept != "":
			c.r.Lossy("messages[].content[].trailing_space")
			return text.Slice(0, end)
		case tail == "":
			return text
		}
	}
	return text
}
