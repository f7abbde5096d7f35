package rule

import (
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Env is what the expression of a rule sees: plain data without methods, the
// members of the boundary's context document under the same names. The doc tags
// are the text of the reference in examples/rules/README.md.
//
// The zero value is an empty request. One goroutine uses an Env at a time.
type Env struct {
	Request RequestEnv `expr:"request" doc:"what was asked"`
	Caller  CallerEnv  `expr:"caller" doc:"who asks, as the API key says"`
	Session SessionEnv `expr:"session" doc:"the conversation that the request belongs to"`
	Prefer  PreferEnv  `expr:"prefer" doc:"what the account prefers where several models would do"`
	Budget  BudgetEnv  `expr:"budget" doc:"what is left of the caller's budget"`
	Time    TimeEnv    `expr:"time" doc:"when the request arrived, in UTC; the same instant for every rule"`
	Models  []ModelEnv `expr:"models" doc:"the models that the caller may use"`

	// Hits holds the answer to each mentions call of the program that is running.
	// No source can name it: the compiler puts it in place of the calls.
	Hits []bool `expr:"hits" doc:"-"`
}

// RequestEnv is the variable "request".
type RequestEnv struct {
	Model         string            `expr:"model" doc:"the model that was asked for; rules run when it is auto"`
	Text          string            `expr:"text" doc:"the last user message that has text, its parts joined by newlines, without <system-reminder> elements; the first 16 KiB (mentions looks at all of it)"`
	Chars         int               `expr:"chars" doc:"code points of the whole of that text"`
	Tokens        int               `expr:"tokens" doc:"estimate for the whole conversation: bytes of message text and tool schemas / 4, and 1,000 for each image or file"`
	Messages      int               `expr:"messages" doc:"number of messages"`
	HasImage      bool              `expr:"has_image" doc:"the last user message holds an image"`
	HasAudio      bool              `expr:"has_audio" doc:"the last user message holds audio"`
	HasTools      bool              `expr:"has_tools" doc:"the request offers tools"`
	HasCode       bool              `expr:"has_code" doc:"the last user message holds a fenced code block, or names or attaches a source file, as main.go"`
	Command       string            `expr:"command" doc:"the slash command that starts the text, as \"/fast\"; else \"\""`
	TaskType      string            `expr:"task_type" doc:"task type from metadata or header; else \"\""`
	TimeSensitive bool              `expr:"time_sensitive" doc:"metadata.time_sensitive is true, or service_tier is priority"`
	Stream        bool              `expr:"stream" doc:"the answer is to be streamed"`
	Metadata      map[string]string `expr:"metadata" doc:"the request's metadata; a key that is not there gives \"\"; numbers and true or false as they are written; at most 64 keys"`
}

// CallerEnv is the variable "caller".
type CallerEnv struct {
	Account string `expr:"account" doc:"account id"`
	Team    string `expr:"team" doc:"team id; \"\" without a team"`
	User    string `expr:"user" doc:"user id"`
	Key     string `expr:"key" doc:"name of the API key"`
	Agent   string `expr:"agent" doc:"metadata.agent_id or the x-pointsman-agent header, else the key's name"`
}

// SessionEnv is the variable "session".
type SessionEnv struct {
	ID    string `expr:"id" doc:"session id; \"\" without a session"`
	Turn  int    `expr:"turn" doc:"completed turns; 0 when sessions are not tracked"`
	Model string `expr:"model" doc:"the model that served the last turn; \"\" when unknown"`
}

// PreferEnv is the variable "prefer".
type PreferEnv struct {
	Vision bool `expr:"vision" doc:"prefer models that see (default true)"`
	Speed  bool `expr:"speed" doc:"prefer fast models (default false)"`
	Cost   bool `expr:"cost" doc:"prefer cheap models (default false)"`
}

// BudgetEnv is the variable "budget".
type BudgetEnv struct {
	LeftNanoUSD  int     `expr:"left_nano_usd" doc:"what is left, in 10⁻⁹ US dollars; 9007199254740991 without a budget"`
	LeftFraction float64 `expr:"left_fraction" doc:"what is left, from 0 to 1; 1 without a budget"`
}

// TimeEnv is the variable "time".
type TimeEnv struct {
	UnixMS  int `expr:"unix_ms" doc:"milliseconds since 1970"`
	Hour    int `expr:"hour" doc:"0 to 23"`
	Weekday int `expr:"weekday" doc:"0 Sunday to 6 Saturday"`
}

// ModelEnv is one element of the variable "models".
type ModelEnv struct {
	ID                string  `expr:"id" doc:"catalogue id"`
	Family            string  `expr:"family" doc:"as \"GPT\" or \"Claude\""`
	Tier              string  `expr:"tier" doc:"flagship, standard, economy or preview"`
	Provider          string  `expr:"provider" doc:"provider id"`
	Health            string  `expr:"health" doc:"healthy, degraded or down; healthy when not measured"`
	LatencyMS         int     `expr:"latency_ms" doc:"recent latency; 0 when not measured"`
	CostNanoUSD       int     `expr:"cost_nano_usd" doc:"estimated cost of this request, in 10⁻⁹ US dollars; 0 when not estimated"`
	Premium           float64 `expr:"premium" doc:"premium requests that one call counts as"`
	RemainingRequests int     `expr:"remaining_requests" doc:"left of the request limit; 9007199254740991 without a limit"`
	RemainingTokens   int     `expr:"remaining_tokens" doc:"left of the token limit; 9007199254740991 without a limit"`
	ContextWindow     int     `expr:"context_window" doc:"tokens; 0 when unknown"`
}

// Bounds of what a rule sees, beside engine.MaxRuleText.
const (
	maxName       = 1 << 10 // bytes of any variable but text
	maxMetadata   = 64      // keys
	maxRuleModels = 128
)

// fill sets everything but models, metadata and hits, which few rules need.
func (e *Env) fill(r *engine.Request) {
	f := &r.Features
	e.Request = RequestEnv{
		Model: clip(f.Model, maxName), Text: clip(f.Text, engine.MaxRuleText), Chars: f.Chars,
		Tokens: int(f.Tokens), Messages: f.Messages,
		HasImage: f.HasImage, HasAudio: f.HasAudio, HasTools: f.HasTools, HasCode: f.HasCode,
		Command: clip(f.Command, maxName), TaskType: clip(f.TaskType, maxName),
		TimeSensitive: f.TimeSensitive, Stream: f.Stream,
	}
	p := &r.Principal
	e.Caller = CallerEnv{
		Account: p.AccountID, Team: p.TeamID, User: p.UserID,
		Key: clip(p.KeyName, maxName), Agent: clip(r.Agent(), maxName),
	}
	e.Session = SessionEnv{ID: clip(r.Hints.SessionID, maxName), Turn: int(r.Session.Turns), Model: clip(r.Session.Model, maxName)}
	e.Prefer = PreferEnv(r.Prefers())
	left, fraction := r.LeftOfBudget()
	e.Budget = BudgetEnv{LeftNanoUSD: int(left), LeftFraction: fraction}
	at := r.Received.UTC()
	e.Time = TimeEnv{UnixMS: int(at.UnixMilli()), Hour: at.Hour(), Weekday: int(at.Weekday())}
}

// fillModels sets models, in dst's memory where it suffices.
func (e *Env) fillModels(r *engine.Request, dst []ModelEnv) {
	for m := range r.UsableModels() {
		if len(dst) == maxRuleModels {
			break
		}
		s := r.ModelState(m)
		dst = append(dst, ModelEnv{
			ID: m.ID, Family: m.Family, Tier: m.Tier, Provider: m.ProviderID,
			Health: s.Health, LatencyMS: int(s.LatencyMS), CostNanoUSD: int(s.CostNanoUSD), Premium: float64(m.PremiumCenti) / 100,
			RemainingRequests: int(s.RemainingRequests), RemainingTokens: int(s.RemainingTokens),
			ContextWindow: int(m.ContextWindow),
		})
	}
	e.Models = dst
}

// fillMetadata sets request.metadata. The map is made anew when there is any.
func (e *Env) fillMetadata(n document.Node) {
	e.Request.Metadata = nil
	if n.Kind() != abi.KindObject || n.Len() == 0 {
		return
	}
	e.Request.Metadata = make(map[string]string, min(n.Len(), maxMetadata))
	for key, value := range n.Members() {
		if len(e.Request.Metadata) == maxMetadata {
			return
		}
		if text, ok := metadataText(value); ok {
			e.Request.Metadata[key] = text
		}
	}
}

// metadataText is a metadata value as rules see it; ok is false for lists, objects and null.
func metadataText(n document.Node) (text string, ok bool) {
	switch n.Kind() {
	case abi.KindString:
		return clip(n.Text(), maxName), true
	case abi.KindBool, abi.KindNumber:
		return clip(string(n.Raw()), maxName), true
	}
	return "", false
}

// clip cuts s to at most n bytes, at the start of a code point.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Variable is one name that rules may use.
type Variable struct {
	Name string // as "request.text", or "models[].id"
	Type string // text, number, true or false, map, list
	Doc  string
}

// Variables lists every variable of Env in order, groups before their members.
func Variables() []Variable {
	return appendVariables(nil, "", reflect.TypeFor[Env]())
}

func appendVariables(dst []Variable, prefix string, t reflect.Type) []Variable {
	for i := range t.NumField() {
		f := t.Field(i)
		doc := f.Tag.Get("doc")
		if doc == "-" {
			continue
		}
		name := prefix + f.Tag.Get("expr")
		dst = append(dst, Variable{Name: name, Type: typeName(f.Type), Doc: doc})
		switch {
		case f.Type.Kind() == reflect.Struct:
			dst = appendVariables(dst, name+".", f.Type)
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			dst = appendVariables(dst, name+"[].", f.Type.Elem())
		}
	}
	return dst
}

// typeName says what a Go type is to somebody who writes rules.
func typeName(t reflect.Type) string {
	if t == nil {
		return "value"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Map:
		return "map"
	case reflect.Slice, reflect.Array:
		return "list"
	case reflect.Struct:
		return "group"
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Func:
		return "function"
	case reflect.Interface:
		return "value"
	}
	return "number"
}

// fieldOf returns the member of a group that carries that name in rules.
func fieldOf(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("expr") == name && f.Tag.Get("doc") != "-" {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// memberNames lists the names in a group, for suggestions.
func memberNames(t reflect.Type) []string {
	names := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("doc") != "-" {
			names = append(names, f.Tag.Get("expr"))
		}
	}
	return names
}

// groupName is what a Go type of Env is called in rules: "request" for RequestEnv.
func groupName(t reflect.Type) string {
	return strings.ToLower(strings.TrimSuffix(t.Name(), "Env"))
}
