package google

import (
	"math"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxStops is how many stop sequences one request may hold.
const maxStops = 5

// Request implements sdk.Adapter. It fails for what would change the request's
// meaning: tool turns, and content of a type that it cannot carry.
func (Adapter) Request() sdk.Result {
	r, ok := chat.ReadRequest()
	if !ok {
		return sdk.Failed
	}
	if !plainID(r.UpstreamID) {
		return sdk.Fail(400, "the upstream id of the model cannot stand in a path")
	}
	messages, ok := r.Messages()
	if !ok {
		return sdk.Failed
	}
	if r.Stream {
		sdk.SetPath("/v1beta/models/" + r.UpstreamID + ":streamGenerateContent?alt=sse")
	} else {
		sdk.SetPath("/v1beta/models/" + r.UpstreamID + ":generateContent")
	}
	sdk.SetHeader("content-type", "application/json")
	b := body{Writer: chat.NewWriter(), r: r}
	if !b.contents(messages) || !b.system(messages) {
		return sdk.Failed
	}
	b.config()
	b.service()
	b.Emit(`}`)
	b.End()
	return sdk.OK
}

// plainID reports whether the id is one path segment as it stands.
func plainID(id string) bool {
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return id != "" && id != "." && id != ".."
}

// body writes the body of a request.
type body struct {
	*chat.Writer
	r    *chat.Request
	open string // of the generation config: what stands before its next member
}

// contents opens the body with the turns. Consecutive messages of a role are one
// turn: the API wants the roles to alternate.
func (b *body) contents(messages []chat.Message) (ok bool) {
	turn := chat.Role(0)
	for i := range messages {
		m := &messages[i]
		if m.Role == chat.System {
			continue
		}
		empty := true
		for part := range m.Parts() {
			switch {
			case turn == m.Role:
				b.Emit(`,`)
			case turn == 0:
				b.Emit(`{"contents":[`)
				b.role(m.Role)
			default:
				b.Emit(`]},`)
				b.role(m.Role)
			}
			turn, empty = m.Role, false
			if !b.part(m, part) {
				return false
			}
		}
		if empty && m.Role == chat.User {
			chat.Refuse(chat.At(m.Index), "Gemini takes no empty user message")
			return false
		}
	}
	if turn == 0 {
		chat.Refuse("messages", "there is nothing to answer")
		return false
	}
	b.Emit(`]}]`)
	return true
}

// role opens a turn.
func (b *body) role(role chat.Role) {
	if role == chat.User {
		b.Emit(`{"role":"user","parts":[`)
	} else {
		b.Emit(`{"role":"model","parts":[`)
	}
}

// part writes a part, or refuses it. Of its members besides type and content none
// can be carried.
func (b *body) part(m *chat.Message, part chat.Part) (ok bool) {
	for name, value := range m.Rest(part) {
		b.r.Lose("messages[].content[]."+name, value)
	}
	if part.Text != 0 {
		b.Emit(`{"text":`)
		b.Node(part.Text)
		b.Emit(`}`)
		return true
	}
	img, isImage := m.Image(part)
	if !isImage || m.Role != chat.User {
		m.RefusePart(part)
		return false
	}
	if img.URL != 0 {
		chat.Refuse(m.AtPart(part), "Gemini takes images as data URLs only")
		return false
	}
	b.Emit(`{"inlineData":{"mimeType":`)
	b.String(img.MediaType)
	b.Emit(`,"data":`)
	b.Node(img.Data)
	b.Emit(`}}`)
	return true
}

// system writes the system and developer messages, in order, as parts of the
// system instruction. One that follows a turn loses its place, which is reported.
func (b *body) system(messages []chat.Message) (ok bool) {
	open, turns := `,"systemInstruction":{"parts":[`, false
	for i := range messages {
		m := &messages[i]
		if m.Role != chat.System {
			turns = true
			continue
		}
		for part := range m.Parts() {
			if turns {
				b.r.Lossy("messages[].position")
				turns = false
			}
			b.Emit(open)
			open = ","
			if !b.part(m, part) {
				return false
			}
		}
	}
	if open == "," {
		b.Emit(`]}`)
	}
	return true
}

// config writes the generation config.
func (b *body) config() {
	r := b.r
	b.open = `,"generationConfig":{`
	b.number(`"temperature":`, r.Temperature)
	b.number(`"topP":`, r.TopP)
	b.number(`"topK":`, r.TopK)
	b.number(`"presencePenalty":`, r.PresencePenalty)
	b.number(`"frequencyPenalty":`, r.FrequencyPenalty)
	if r.MaxTokens >= 0 {
		b.integer(`"maxOutputTokens":`, r.MaxTokens)
	}
	if r.Choices > 1 {
		b.integer(`"candidateCount":`, r.Choices)
	}
	if r.Seed != 0 && r.Seed.Kind() == abi.KindNumber {
		// A seed outside of 32 bits is one that Gemini does not take.
		if seed := r.Seed.Int(); seed >= math.MinInt32 && seed <= math.MaxInt32 {
			b.integer(`"seed":`, seed)
		} else {
			r.Lossy("seed")
		}
	}
	b.stops(r.StopSequences())
	if b.open == "," {
		b.Emit(`}`)
	}
}

// member begins a member of the config, which is opened with its first.
func (b *body) member(name string) {
	b.Emit(b.open)
	b.Emit(name)
	b.open = ","
}

func (b *body) number(name string, value sdk.Node) {
	if value != 0 && value.Kind() == abi.KindNumber {
		b.member(name)
		b.Node(value)
	}
}

func (b *body) integer(name string, value int64) {
	b.member(name)
	b.Int(value)
}

func (b *body) stops(stops []sdk.Node) {
	n := 0
	for _, stop := range stops {
		if !chat.IsText(stop) {
			continue
		}
		switch n++; {
		case n > maxStops:
			b.r.Lossy("stop")
			continue
		case n == 1:
			b.member(`"stopSequences":[`)
		default:
			b.Emit(`,`)
		}
		b.Node(stop)
	}
	if n > 0 {
		b.Emit(`]`)
	}
}

// service writes the service tier, and reports what the API has no place for.
func (b *body) service() {
	if tier := b.r.ServiceTier; tier != 0 {
		switch tier.Text() {
		case "flex":
			b.Emit(`,"serviceTier":"flex"`)
		case "priority":
			b.Emit(`,"serviceTier":"priority"`)
		case "default": // Gemini's own default
		default:
			b.r.Lose("service_tier", tier)
		}
	}
	b.r.Lose("user", b.r.EndUser)
}
