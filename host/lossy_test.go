package host

import (
	"strings"
	"testing"
)

// What a provider cannot be told is named in x-pointsman-lossy, whichever wire it was said
// in, and with metadata.strict it is refused, with the member named, before anybody is called.
func TestLossyAndStrict(t *testing.T) {
	g, anthropic, openAI := recordedGateway(t)
	chat := func(model, more string) string {
		return `{"model":"` + model + `","messages":[{"role":"user","content":"hi"}]` + more + `}`
	}
	message := func(model, more string) string {
		return `{"model":"` + model + `","max_tokens":99,"messages":[{"role":"user","content":"hi"}]` + more + `}`
	}
	response := func(model, more string) string { return `{"model":"` + model + `","input":"hi"` + more + `}` }
	const (
		chatPath, messagesPath, responsesPath = "/v1/chat/completions", "/v1/messages", "/v1/responses"
		gpt, codex, claude                    = "openai/gpt-4o", "openai/gpt-5.1-codex", "anthropic/claude-opus-4.5"
	)
	tests := []struct {
		name, path string
		body       func(model, more string) string
		model      string
		member     string
		want       string // named as lost; "": carried
	}{
		{"a seed on Chat's own wire", chatPath, chat, gpt, `,"seed":7`, ""},
		{"a seed to Responses", chatPath, chat, codex, `,"seed":7`, "seed"},
		{"a seed to Anthropic", chatPath, chat, claude, `,"seed":7`, "seed"},
		{"a bias to Anthropic", chatPath, chat, claude, `,"logit_bias":{"1":2}`, "logit_bias"},
		{"an unknown member to Anthropic", chatPath, chat, claude, `,"sparkle":{"a":1}`, "sparkle"},
		{"an unknown member on Chat's own wire", chatPath, chat, gpt, `,"sparkle":{"a":1}`, ""},
		{"a container at home", messagesPath, message, claude, `,"container":"c"`, ""},
		{"a container to Chat", messagesPath, message, gpt, `,"container":"c"`, "container"},
		{"a container to Responses", messagesPath, message, codex, `,"container":"c"`, "container"},
		{"top_k at home", messagesPath, message, claude, `,"top_k":4`, ""},
		{"top_k to Responses", messagesPath, message, codex, `,"top_k":4`, "top_k"},
		{"a budget at home", messagesPath, message, claude, `,"thinking":{"type":"enabled","budget_tokens":1500}`, ""},
		{"a budget to Responses", messagesPath, message, codex, `,"thinking":{"type":"enabled","budget_tokens":1500}`, "thinking.budget_tokens"},
		{"a limit of calls at home", responsesPath, response, codex, `,"max_tool_calls":3`, ""},
		{"a limit of calls to Chat", responsesPath, response, gpt, `,"max_tool_calls":3`, "max_tool_calls"},
		{"a limit of calls to Anthropic", responsesPath, response, claude, `,"max_tool_calls":3`, "max_tool_calls"},
		{"a truncation to Anthropic", responsesPath, response, claude, `,"truncation":"auto"`, "truncation"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			anthropic.answers(200, messageAnswer, false)
			openAI.answers(200, chatAnswer, false)
			if tt.model == codex {
				openAI.answers(200, responseAnswer, false)
			}
			calls := func() int {
				_, _, _, a := anthropic.got()
				_, _, _, b := openAI.got()
				return a + b
			}
			a := g.send(tt.path, tt.body(tt.model, tt.member))
			if lossy := a.Header.Get("X-Pointsman-Lossy"); a.Status != 200 || lossy != tt.want {
				t.Errorf("answer = %d, lossy %q, want 200 and %q\n%s", a.Status, lossy, tt.want, a.Body)
			}
			before := calls()
			if tt.path == responsesPath && tt.model == gpt {
				// OpenAI speaks the caller's wire for this model, too.
				openAI.answers(200, responseAnswer, false)
				a = g.send(tt.path, tt.body(tt.model, tt.member+`,"metadata":{"strict":"true"}`))
				if at, _, _, _ := openAI.got(); a.Status != 200 || at != responsesPath || a.Header.Get("X-Pointsman-Lossy") != "" {
					t.Errorf("strict = %d %s by %s, want it carried by Responses", a.Status, a.Body, at)
				}
				return
			}
			a = g.send(tt.path, tt.body(tt.model, tt.member+`,"metadata":{"strict":"true"}`))
			if tt.want == "" {
				if a.Status != 200 || calls() != before+1 {
					t.Errorf("strict = %d %s, want it served: nothing is lost", a.Status, a.Body)
				}
				return
			}
			if a.Status != 400 || !strings.Contains(string(a.Body), "'"+tt.want+"'") || calls() != before {
				t.Errorf("strict = %d %s after %d calls, want 400 naming %s before any", a.Status, a.Body, calls()-before, tt.want)
			}
		})
	}
}
