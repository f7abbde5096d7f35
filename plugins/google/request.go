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
	messages, ok := r.Messages()
	if !ok {
		return sdk.Failed
	}
	if !setPath(r) {
		return sdk.Fail(400, "the upstream id of the model cannot stand in a path")
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

// setPath names the model and the method. ok is false for an id that would not be
// one path segment as it stands.
func setPath(r *chat.Request) (ok bool) {
	const models = "/v1beta/models/"
	b := r.UpstreamID.AppendText(append(path[:0], models...))
	id := b[len(models):]
	if !plainID(id) {
		return false
	}
	if r.Stream {
		b = append(b, ":streamGenerateContent?alt=sse"...)
	} else {
		b = append(b, ":generateContent"...)
	}
	sdk.SetPath(string(b))
	return true
}

// path is the memory of the path, which is short.
var path [256]byte

func plainID(id []byte) bool {
	for _, c := range id {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return len(id) > 0 && string(id) != "." && string(id) != ".."
}

// body writes the body of a request.
type body struct {
	*chat.Writer
	r      *chat.Request
	turn   chat.Role // of the turn that is open; 0 before the first
	inText bool      // its last part is a text whose brace is still open
	member string    // of the generation config: what stands before its next member
}

// contents opens the body with the turns. Consecutive messages of a role are one
// turn: the API wants the roles to alternate.
func (b *body) contents(messages []chat.Message) (ok bool) {
	for i := range messages {
		m := &messages[i]
		if m.Role == chat.System {
			continue
		}
		// A plain text, as most messages are, takes two host calls.
		if text := m.Plain(); text != 0 {
			b.openText(m.Role)
			b.Node(text)
			continue
		}
		empty := true
		for j := range m.Parts() {
			part, ok := m.Part(j)
			if !ok {
				continue
			}
			b.next(m.Role)
			empty = false
			if !b.part(m, part) {
				return false
			}
		}
		if empty && m.Role == chat.User {
			chat.Refuse(chat.At(m.Index), "Gemini takes no empty user message")
			return false
		}
	}
	if b.turn == 0 {
		chat.Refuse("messages", "there is nothing to answer")
		return false
	}
	b.closePart()
	b.Emit(`]}]`)
	return true
}

// openText opens a part that is one text, up to the text; its brace is closed with
// what follows, so that the two go out together.
func (b *body) openText(role chat.Role) {
	switch {
	case b.inText && b.turn == role:
		b.Const(`},{"text":`)
	case b.inText && role == chat.User:
		b.Const(`}]},{"role":"user","parts":[{"text":`)
	case b.inText:
		b.Const(`}]},{"role":"model","parts":[{"text":`)
	default:
		b.next(role)
		b.Emit(`{"text":`)
	}
	b.turn, b.inText = role, true
}

// next opens a part: after another one of its turn, or with a turn of its own.
func (b *body) next(role chat.Role) {
	b.closePart()
	switch {
	case b.turn == role:
		b.Emit(`,`)
		return
	case b.turn == 0:
		b.Emit(`{"contents":[`)
	default:
		b.Emit(`]},`)
	}
	if role == chat.User {
		b.Emit(`{"role":"user","parts":[`)
	} else {
		b.Emit(`{"role":"model","parts":[`)
	}
	b.turn = role
}

func (b *body) closePart() {
	if b.inText {
		b.Emit(`}`)
		b.inText = false
	}
}

// part writes a part, or refuses it. Of its members besides type and content none
// can be carried.
func (b *body) part(m *chat.Message, part chat.Part) (ok bool) {
	if m.More(part) {
		for name, value := range m.Rest(part) {
			b.r.Lose("messages[].content[]."+name, value)
		}
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
		for j := range m.Parts() {
			part, ok := m.Part(j)
			if !ok {
				continue
			}
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
	b.member = `,"generationConfig":{`
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
	if b.member == "," {
		b.Emit(`}`)
	}
}

// name begins a member of the config, which is opened with its first.
func (b *body) name(name string) {
	b.Emit(b.member)
	b.Emit(name)
	b.member = ","
}

func (b *body) number(name string, value sdk.Node) {
	if value != 0 && value.Kind() == abi.KindNumber {
		b.name(name)
		b.Node(value)
	}
}

func (b *body) integer(name string, value int64) {
	b.name(name)
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
			b.name(`"stopSequences":[`)
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
		switch string(chat.Word(tier)) {
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
