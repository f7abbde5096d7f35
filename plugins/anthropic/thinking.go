package anthropic

import (
	"strings"

	"github.com/pointsman/pointsman/plugins/chat"
)

// plan is how a request is to be thought about.
type plan struct {
	budget   int64  // tokens of thinking; 0: none is asked for
	adaptive bool   // the model decides
	shown    bool   // and has to be told that its thoughts are to be seen
	off      bool   // the model has to be told not to think
	effort   string // "" when unsaid
}

// The budgets of the efforts, those by which a budget becomes an effort in
// engine/wire, and the least that the API takes.
const (
	minBudget    = 1024
	budgetMedium = 4096
	budgetHigh   = 16_384
	budgetMost   = 32_000
)

// think makes the plan of a request that may write most tokens, and takes from the
// request what the API refuses beside thinking. What stands against the whole of it,
// a forced call or a turn that began without, goes before.
func think(r *chat.Request, f *family, id string, forced bool, messages []chat.Message, most int64) (p plan) {
	if r.Effort == 0 {
		return p
	}
	budget := int64(0)
	switch p.effort = string(chat.Word(r.Effort)); p.effort {
	case "none":
		p.effort, p.off = "", f.quiet
		if f.generation == newest && f.prefix != "" && !f.quiet {
			r.Lossy("reasoning_effort") // it thinks whatever is asked for
		}
		return p
	case "minimal":
		budget, p.effort = minBudget, "low"
		if f.generation == newest {
			r.Lossy("reasoning_effort")
		}
	case "low":
		budget = minBudget
	case "medium":
		budget = budgetMedium
	case "high":
		budget = budgetHigh
	case "xhigh", "max":
		budget = budgetMost
		if p.effort == "xhigh" && strings.Contains(id, "-4-6") {
			p.effort = "high" // those know low, medium, high and max (a recorded 400)
			r.Lossy("reasoning_effort")
		}
	default:
		p.effort = ""
		r.Lossy("reasoning_effort")
		return p
	}
	free := !forced && !continues(r, messages)
	switch {
	case f.generation == newest:
		p.adaptive, p.shown = free, !strings.Contains(id, "-4-6")
	case f.generation == gen3, !free, most <= minBudget, unsigned(messages):
		r.Lossy("reasoning_effort")
		p.effort = ""
		return p
	default:
		p.effort = ""
		if p.budget = budget; budget >= most {
			p.budget = max(minBudget, most/2) // the rest is for the answer
		}
	}
	if p.budget > 0 || p.adaptive {
		dropSampling(r)
	}
	return p
}

// continues reports whether the model is to go on with an assistant's text.
func continues(r *chat.Request, messages []chat.Message) bool {
	return messages[lastTurn(r, messages)].Role == chat.Assistant
}

// unsigned reports whether the request answers calls that were made without signed
// thinking: with a budget the API wants the turn to begin with it.
func unsigned(messages []chat.Message) bool {
	answering := false
	for i := len(messages) - 1; i >= 0; i-- {
		switch m := &messages[i]; m.Role {
		case chat.User:
			return false
		case chat.Answer:
			answering = true
		case chat.Assistant:
			return answering && len(m.Thoughts(provider)) == 0
		}
	}
	return false
}

// dropSampling leaves out what the API refuses beside thinking.
func dropSampling(r *chat.Request) {
	dropTemperature(r)
	if r.TopP != 0 && r.TopP.Float() < 0.95 {
		r.Lossy("top_p")
		r.TopP = 0
	}
}

// dropAllSampling leaves out what the models refuse that sample by themselves.
func dropAllSampling(r *chat.Request) {
	dropTemperature(r)
	if r.TopP != 0 && r.TopP.Float() != 1 {
		r.Lossy("top_p")
	}
	r.TopP = 0
}

func dropTemperature(r *chat.Request) {
	if r.Temperature != 0 && r.Temperature.Float() != 1 {
		r.Lossy("temperature")
	}
	r.Temperature = 0
	r.Lose("top_k", r.TopK)
	r.TopK = 0
}

// write writes thinking and output_config, the format included.
func (p *plan) write(w *chat.Writer, r *chat.Request, answer format) (ok bool) {
	switch {
	case p.off:
		w.Emit(`,"thinking":{"type":"disabled"}`)
	case p.budget > 0:
		w.Emit(`,"thinking":{"type":"enabled","budget_tokens":`)
		w.Int(p.budget)
		w.Emit(`}`)
	case p.adaptive && p.shown:
		w.Emit(`,"thinking":{"type":"adaptive","display":"summarized"}`)
	case p.adaptive:
		w.Emit(`,"thinking":{"type":"adaptive"}`)
	}
	if p.effort == "" && answer.by != byFormat {
		return true
	}
	w.Emit(`,"output_config":{`)
	if p.effort != "" {
		w.Emit(`"effort":"`)
		w.Emit(p.effort)
		w.Emit(`"`)
	}
	if answer.by == byFormat {
		if p.effort != "" {
			w.Emit(`,`)
		}
		w.Emit(`"format":{"type":"json_schema","schema":`)
		d := dialect{w: w, r: r}
		if !d.write(answer.schema) {
			return false
		}
		if d.lost {
			r.Lossy("response_format.json_schema.schema")
		}
		w.Emit(`}`)
	}
	w.Emit(`}`)
	return true
}
