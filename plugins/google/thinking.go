package google

// thinking writes the config of how much the model is to think: a level from the
// third generation on, a budget of tokens in the second, by the figures that Google's
// own OpenAI endpoint goes by (2026-11). Earlier models do not think.
func (b *body) thinking(effort string) {
	switch {
	case b.model.budgets():
		b.budget(effort, b.model.pro)
	case b.model.signs():
		b.level(effort, b.model.pro, b.model.pro && b.model.generation == 30)
	default:
		b.r.Lose("reasoning_effort", b.r.Effort)
	}
}

func (b *body) budget(effort string, pro bool) {
	tokens := int64(24_576)
	switch effort {
	case "none":
		tokens = 0
		if pro {
			tokens = 128 // the least that it takes
			b.r.Lossy("reasoning_effort")
		}
	case "minimal", "low":
		tokens = 1024
	case "medium":
		tokens = 8192
	case "high":
	case "xhigh", "max":
		if pro {
			tokens = 32_768
		}
	default:
		b.r.Lossy("reasoning_effort")
		return
	}
	b.name(`"thinkingConfig":{`)
	if tokens > 128 {
		b.Emit(`"includeThoughts":true,`)
	}
	b.Emit(`"thinkingBudget":`)
	b.Int(tokens)
	b.Emit(`}`)
}

// level writes the level. No model of these can be kept from thinking; the pro ones
// know no minimal level, the first of them no medium one either.
func (b *body) level(effort string, pro, first bool) {
	level := "HIGH"
	switch effort {
	case "none", "minimal":
		level = "MINIMAL"
		if pro {
			level = "LOW"
		}
		if pro || effort == "none" {
			b.r.Lossy("reasoning_effort")
		}
	case "low":
		level = "LOW"
	case "medium":
		if level = "MEDIUM"; first {
			level = "HIGH"
			b.r.Lossy("reasoning_effort")
		}
	case "high", "xhigh", "max":
	default:
		b.r.Lossy("reasoning_effort")
		return
	}
	b.name(`"thinkingConfig":{`)
	if effort != "none" {
		b.Emit(`"includeThoughts":true,`)
	}
	b.Emit(`"thinkingLevel":"`)
	b.Emit(level)
	b.Emit(`"}`)
}
