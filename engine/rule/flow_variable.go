package rule

import "slices"

// variable is a member of Env that a flow can ask for.
type variable[T any] struct {
	name string
	get  func(*Env) T
}

func indexOf[T any](list []variable[T], name string) int {
	return slices.IndexFunc(list, func(v variable[T]) bool { return v.name == name })
}

// What a flow can ask of Env. A test compares the tables with Env's members.
var (
	flags = []variable[bool]{
		{"request.has_image", func(e *Env) bool { return e.Request.HasImage }},
		{"request.has_audio", func(e *Env) bool { return e.Request.HasAudio }},
		{"request.has_tools", func(e *Env) bool { return e.Request.HasTools }},
		{"request.has_code", func(e *Env) bool { return e.Request.HasCode }},
		{"request.time_sensitive", func(e *Env) bool { return e.Request.TimeSensitive }},
		{"request.stream", func(e *Env) bool { return e.Request.Stream }},
		{"prefer.vision", func(e *Env) bool { return e.Prefer.Vision }},
		{"prefer.speed", func(e *Env) bool { return e.Prefer.Speed }},
		{"prefer.cost", func(e *Env) bool { return e.Prefer.Cost }},
	}
	numbers = []variable[int]{
		{"request.chars", func(e *Env) int { return e.Request.Chars }},
		{"request.tokens", func(e *Env) int { return e.Request.Tokens }},
		{"request.messages", func(e *Env) int { return e.Request.Messages }},
		{"session.turn", func(e *Env) int { return e.Session.Turn }},
		{"budget.left_nano_usd", func(e *Env) int { return e.Budget.LeftNanoUSD }},
		{"time.unix_ms", func(e *Env) int { return e.Time.UnixMS }},
		{"time.hour", func(e *Env) int { return e.Time.Hour }},
		{"time.weekday", func(e *Env) int { return e.Time.Weekday }},
	}
	floats = []variable[float64]{
		{"budget.left_fraction", func(e *Env) float64 { return e.Budget.LeftFraction }},
	}
	texts = []variable[string]{
		{"request.model", func(e *Env) string { return e.Request.Model }},
		{"request.text", func(e *Env) string { return e.Request.Text }},
		{"request.command", func(e *Env) string { return e.Request.Command }},
		{"request.task_type", func(e *Env) string { return e.Request.TaskType }},
		{"caller.account", func(e *Env) string { return e.Caller.Account }},
		{"caller.team", func(e *Env) string { return e.Caller.Team }},
		{"caller.user", func(e *Env) string { return e.Caller.User }},
		{"caller.key", func(e *Env) string { return e.Caller.Key }},
		{"caller.agent", func(e *Env) string { return e.Caller.Agent }},
		{"session.id", func(e *Env) string { return e.Session.ID }},
		{"session.model", func(e *Env) string { return e.Session.Model }},
	}
)
