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
	if operation := sdk.Call().Get("operation"); !operation.Equal("chat") {
		return sdk.Fail(400, "the google adapter has no operation '"+operation.Slice(0, 32).Text()+"'")
	}
	r := chat.ReadRequest()
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
	if !emitContents(r, messages) || !emitSystem(r, messages) {
		return sdk.Failed
	}
	emitConfig(r)
	emitService(r)
	sdk.Emit("}")
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

// emitContents opens the body with the turns. Consecutive messages of a role are
// one turn: the API wants the roles to alternate.
func emitContents(r *chat.Request, messages []chat.Message) (ok bool) {
	turn := chat.Role(0)
	for _, m := range messages {
		if m.Role == chat.System {
			continue
		}
		empty := true
		for part := range m.Parts() {
			switch {
			case turn == m.Role:
				sdk.Emit(",")
			case turn == 0:
				sdk.Emit(`{"contents":[` + opening(m.Role))
			default:
				sdk.Emit("]}," + opening(m.Role))
			}
			turn, empty = m.Role, false
			if !emitPart(r, m, part) {
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
	sdk.Emit("]}]")
	return true
}

func opening(role chat.Role) string {
	if role == chat.User {
		return `{"role":"user","parts":[`
	}
	return `{"role":"model","parts":[`
}

func emitPart(r *chat.Request, m chat.Message, part chat.Part) (ok bool) {
	if part.Text != 0 {
		sdk.Emit(`{"text":`)
		sdk.EmitNode(part.Text)
		sdk.Emit("}")
		loseRest(r, m, part)
		return true
	}
	img, isImage := m.Image(part)
	if !isImage || m.Role != chat.User {
		m.RefusePart(part)
		return false
	}
	loseRest(r, m, part)
	if img.URL != 0 {
		chat.Refuse(m.AtPart(part), "Gemini takes images as data URLs only")
		return false
	}
	sdk.Emit(`{"inlineData":{"mimeType":`)
	sdk.EmitString(img.MediaType)
	sdk.Emit(`,"data":`)
	sdk.EmitNode(img.Data)
	sdk.Emit("}}")
	return true
}

// loseRest reports what a part has besides its type and its content.
func loseRest(r *chat.Request, m chat.Message, part chat.Part) {
	for name, value := range m.Rest(part) {
		r.Lose("messages[].content[]."+name, value)
	}
}

// emitSystem writes the system and developer messages, in order, as parts of the
// system instruction. One that follows a turn loses its place, which is reported.
func emitSystem(r *chat.Request, messages []chat.Message) (ok bool) {
	open, turns := `,"systemInstruction":{"parts":[`, false
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
				r.Lossy("messages[].position")
				turns = false
			}
			sdk.Emit(open)
			open = ","
			emitPart(r, m, part)
		}
	}
	if open == "," {
		sdk.Emit("]}")
	}
	return true
}

// emitConfig writes the generation config.
func emitConfig(r *chat.Request) {
	c := config{r: r, open: `,"generationConfig":{`}
	c.number(`"temperature":`, r.Temperature)
	c.number(`"topP":`, r.TopP)
	c.number(`"topK":`, r.TopK)
	c.number(`"presencePenalty":`, r.PresencePenalty)
	c.number(`"frequencyPenalty":`, r.FrequencyPenalty)
	if r.MaxTokens >= 0 {
		c.integer(`"maxOutputTokens":`, r.MaxTokens)
	}
	if r.Choices > 1 {
		c.integer(`"candidateCount":`, r.Choices)
	}
	if r.Seed.Kind() == abi.KindNumber {
		// A seed outside of 32 bits is one that Gemini does not take.
		if seed := r.Seed.Int(); seed >= math.MinInt32 && seed <= math.MaxInt32 {
			c.integer(`"seed":`, seed)
		} else {
			r.Lossy("seed")
		}
	}
	c.stops(r.StopSequences())
	if c.open == "," {
		sdk.Emit("}")
	}
}

// config writes members behind the opening that none has used yet.
type config struct {
	r    *chat.Request
	open string
}

func (c *config) name(name string) {
	sdk.Emit(c.open + name)
	c.open = ","
}

func (c *config) number(name string, value sdk.Node) {
	if value.Kind() == abi.KindNumber {
		c.name(name)
		sdk.EmitNode(value)
	}
}

func (c *config) integer(name string, value int64) {
	c.name(name)
	sdk.EmitInt(value)
}

func (c *config) stops(stops []sdk.Node) {
	n := 0
	for _, stop := range stops {
		if !chat.IsText(stop) {
			continue
		}
		switch n++; {
		case n > maxStops:
			c.r.Lossy("stop")
			n--
		case n == 1:
			c.name(`"stopSequences":[`)
			sdk.EmitNode(stop)
		default:
			sdk.Emit(",")
			sdk.EmitNode(stop)
		}
	}
	if n > 0 {
		sdk.Emit("]")
	}
}

// emitService writes the service tier, and reports what the API has no place for.
func emitService(r *chat.Request) {
	switch tier := r.ServiceTier; {
	case tier.Equal("flex"):
		sdk.Emit(`,"serviceTier":"flex"`)
	case tier.Equal("priority"):
		sdk.Emit(`,"serviceTier":"priority"`)
	case tier.Equal("default"): // Gemini's own default
	default:
		r.Lose("service_tier", tier)
	}
	r.Lose("user", r.EndUser)
}
