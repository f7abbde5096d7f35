package google

import (
	"math"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxStops is how many stop sequences one request may hold.
const maxStops = 5

// config writes the generation config. ok is false after a refusal.
func (b *body) config() (ok bool) {
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
	if schema, json := r.Answer(); json && b.tooled && b.model.eitherOr() {
		r.Lossy("response_format")
	} else if json {
		b.name(`"responseMimeType":"application/json"`)
		switch {
		case schema == 0:
		case b.model.jsonSchema():
			b.name(`"responseJsonSchema":{`)
			b.Members(schema, "$schema")
			b.Emit(`}`)
		default:
			b.name(`"responseSchema":`)
			if !b.dialect(schema, "response_format.json_schema.schema") {
				return false
			}
		}
	}
	b.logprobs()
	b.modalities(r.Own("modalities"))
	if !b.ownThinking() && r.Effort != 0 {
		b.thinking(string(chat.Word(r.Effort)))
	}
	if b.member == "," {
		b.Emit(`}`)
	}
	return true
}

// logprobs asks for the probabilities of the answer's tokens.
func (b *body) logprobs() {
	if wanted := b.r.Own("logprobs"); wanted == 0 || !wanted.Bool() {
		b.r.Lose("top_logprobs", b.r.Own("top_logprobs"))
		return
	}
	b.name(`"responseLogprobs":true`)
	if top := b.r.Own("top_logprobs"); top.Kind() == abi.KindNumber && top.Int() > 0 {
		b.integer(`"logprobs":`, top.Int())
	}
}

// modalities asks for more than text: pictures, of models that make them.
func (b *body) modalities(list sdk.Node) {
	text, image := false, false
	for i := range min(list.Len(), 8) {
		switch one := list.At(i); {
		case one.Equal("text"):
			text = true
		case one.Equal("image"):
			image = true
		default:
			b.r.Lossy("modalities")
		}
	}
	switch {
	case image && text:
		b.name(`"responseModalities":["TEXT","IMAGE"]`)
	case image:
		b.name(`"responseModalities":["IMAGE"]`)
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
