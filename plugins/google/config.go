package google

import (
	"math"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxStops is how many stop sequences one request may hold.
const maxStops = 5

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
	if schema, json := r.Answer(); json {
		b.name(`"responseMimeType":"application/json"`)
		if schema != 0 {
			b.name(`"responseJsonSchema":{`)
			b.Members(schema, "$schema")
			b.Emit(`}`)
		}
	}
	if r.Effort != 0 {
		b.thinking(string(chat.Word(r.Effort)))
	}
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
