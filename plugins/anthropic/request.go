package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// defaultMaxTokens is sent when neither the caller nor the catalogue names a
// bound: the API requires one, and every model since Claude 3 can write as much.
const defaultMaxTokens = 4096

// request writes a request for an answer, or for the count of its tokens.
func request(count bool) sdk.Result {
	r := chat.ReadRequest("cache_control")
	r.FreeText, r.CacheMarks = true, true
	if r.Choices > 1 {
		return chat.Refuse("n", "Anthropic gives one choice a request")
	}
	messages, ok := r.Messages()
	if !ok {
		return sdk.Failed
	}
	box, ok := r.Toolbox()
	if !ok || !carried(r, &box) {
		return sdk.Failed
	}
	f, id := familyOf(r)
	if last := lastTurn(r, messages); f.prefix != "" && f.generation == newest && messages[last].Role == chat.Assistant {
		return chat.Refuse(chat.At(messages[last].Index), "this model does not continue a message of the assistant; the last one has to be the user's")
	}
	answer, ok := shape(r, &box, &f)
	if !ok {
		return sdk.Failed
	}
	most := maxTokens(r)
	thought := think(r, &f, id, box.Mode >= chat.ToolsRequired || answer.by == byTool, messages, most)
	if f.fixed {
		dropAllSampling(r)
	}
	sdk.SetPath("/v1/messages")
	if count {
		sdk.SetPath("/v1/messages/count_tokens")
	} else if !remember(&box, answer) {
		return sdk.Failed
	}
	sdk.SetHeader("content-type", "application/json")
	setBeta(r)

	w := chat.NewWriter()
	w.Emit(`{"model":`)
	w.Node(r.UpstreamID)
	c := conversation{Writer: w, r: r}
	if !count {
		w.Emit(`,"max_tokens":`)
		w.Int(most)
		if r.Stream {
			w.Emit(`,"stream":true`)
		}
		writeSampling(w, r)
		writeService(w, r)
	}
	c.mark(r.Own("cache_control"), "cache_control")
	if !thought.write(w, r, answer) {
		return sdk.Failed
	}
	c.tools(&box, answer)
	if !c.conversation(messages, f.place, answer) {
		return sdk.Failed
	}
	if !r.Spend(0) {
		return chat.Refuse("messages", "there are more messages and parts than can be carried")
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

// maxBeta bounds the list of beta features that is passed on, in bytes.
const maxBeta = 1 << 10

// setBeta passes on the caller's beta features. The adapter needs none for what it
// writes itself; a list that is no list of names is left out.
func setBeta(r *chat.Request) {
	beta := r.Header("anthropic-beta")
	if beta == 0 || !chat.IsText(beta) || beta.Len() > maxBeta {
		return
	}
	names := beta.Text()
	for i := range len(names) {
		switch c := names[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ',', c == ' ':
		default:
			return
		}
	}
	sdk.SetHeader("anthropic-beta", names)
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
			if r.TopP.Float() != 1 {
				r.Lossy("top_p")
			}
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
