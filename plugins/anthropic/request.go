package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// defaultMaxTokens is sent when neither the caller nor the catalogue names a
// bound: the API requires one, and every model since Claude 3 can write as much.
const defaultMaxTokens = 4096

// maxBeta bounds the list of beta features that is passed on, in bytes.
const maxBeta = 1 << 10

// Request implements sdk.Adapter. It fails for what would change the request's
// meaning: several choices, calls without their results, content of a type that Messages
// has not.
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
	box, ok := r.Toolbox()
	if !ok {
		return sdk.Failed
	}
	most := maxTokens(r)
	thought := think(r, &box, messages, most)
	sdk.SetPath("/v1/messages")
	sdk.SetHeader("content-type", "application/json")
	if beta := r.Header("anthropic-beta"); chat.IsText(beta) && beta.Len() <= maxBeta {
		sdk.SetHeader("anthropic-beta", beta.Text())
	}

	w := chat.NewWriter()
	w.Emit(`{"model":`)
	w.Node(r.UpstreamID)
	w.Emit(`,"max_tokens":`)
	w.Int(most)
	if r.Stream {
		w.Emit(`,"stream":true`)
	}
	writeSampling(w, r)
	writeService(w, r)
	thought.write(w, r)
	c := conversation{Writer: w, r: r, last: len(messages) - 1}
	writeTools(w, &box, &c.marks)
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
