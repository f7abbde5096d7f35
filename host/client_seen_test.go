package host

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// clientSeen is what a client script saw of one model.
type clientSeen struct {
	Plain struct {
		Text, Finish  string
		Input, Output int
	}
	Stream struct {
		Text, Finish          string
		Pieces, Input, Output int
	}
	Tool         struct{ Name, City, Finish, Answer string }
	StreamedTool struct{ Name, City string }
	Embeddings   []int // the length of each vector
	Count        int   // tokens
	UnknownModel struct {
		Class  string
		Status int
	}
}

// Clients of other languages, as their users install them, against every kind of
// target: a plain answer, a stream, a tool there and back, an error.
func TestClients(t *testing.T) {
	tests := []struct {
		name       string
		run        func(t *testing.T, args ...string) ([]byte, error)
		embeds     bool
		counts     bool
		wantFinish []string // of an answer, and of a call
		wantClass  string   // of an unknown model
	}{
		{"npm openai", runNode("openai.mjs"), true, false, []string{"stop", "tool_calls"}, "NotFoundError"},
		{"npm @anthropic-ai/sdk", runNode("anthropic.mjs"), false, true, []string{"end_turn", "tool_use"}, "NotFoundError"},
		{"npm ai with @ai-sdk/openai-compatible", runNode("ai.mjs"), true, false, []string{"stop", "tool-calls"}, "APICallError"},
		{"pip openai", runPython("openai_client.py"), true, false, []string{"stop", "tool_calls"}, "NotFoundError"},
		{"pip litellm", runPython("litellm_client.py"), true, false, []string{"stop", "tool_calls"}, "NotFoundError"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := sharedGateway(t)
			args := []string{g.URL(), g.key}
			for _, m := range clientModels {
				args = append(args, m.model)
			}
			out, err := tt.run(t, args...)
			if err != nil {
				t.Fatal(err)
			}
			var seen map[string]clientSeen
			if err := json.Unmarshal(out, &seen); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, m := range clientModels {
				s, ok := seen[m.model]
				if !ok {
					t.Errorf("%s: nothing was seen", m.name)
					continue
				}
				s.check(t, m.name, tt.wantFinish)
				if tt.embeds && !slices.Equal(s.Embeddings, []int{8, 8}) {
					t.Errorf("%s: embeddings have the lengths %v, want 8 and 8", m.name, s.Embeddings)
				}
				if tt.counts && s.Count <= 0 {
					t.Errorf("%s: counted %d tokens, want some", m.name, s.Count)
				}
				if u := s.UnknownModel; u.Status != 404 || !strings.HasSuffix(u.Class, tt.wantClass) {
					t.Errorf("%s: an unknown model is %+v, want %s 404", m.name, u, tt.wantClass)
				}
			}
		})
	}
}

func (s clientSeen) check(t *testing.T, target string, finish []string) {
	t.Helper()
	if p := s.Plain; !strings.HasPrefix(p.Text, "This is a simulated answer of ") || p.Finish != finish[0] || p.Input <= 0 || p.Output <= 0 {
		t.Errorf("%s: plain = %+v, want a text, %s and usage", target, p, finish[0])
	}
	if p := s.Stream; p.Text != s.Plain.Text || p.Finish != finish[0] || p.Pieces < 3 || p.Input != s.Plain.Input || p.Output != s.Plain.Output {
		t.Errorf("%s: stream = %+v, want the plain answer %+v in pieces", target, p, s.Plain)
	}
	if c := s.Tool; c.Name != "get_weather" || c.City != "a city" || c.Finish != finish[1] || !strings.Contains(c.Answer, "The tool get_weather returned: sunny in a city.") {
		t.Errorf("%s: tool = %+v, want a call of get_weather, %s and the result in the answer", target, c, finish[1])
	}
	if c := s.StreamedTool; c.Name != "get_weather" || c.City != "a city" {
		t.Errorf("%s: streamed tool = %+v, want a call of get_weather", target, c)
	}
}

func runNode(script string) func(*testing.T, ...string) ([]byte, error) {
	return func(t *testing.T, args ...string) ([]byte, error) {
		return output(t, node(t), "node", append([]string{script}, args...)...)
	}
}

func runPython(script string) func(*testing.T, ...string) ([]byte, error) {
	return func(t *testing.T, args ...string) ([]byte, error) {
		program, scripts := python(t)
		return output(t, t.TempDir(), program, append([]string{"-B", filepath.Join(scripts, script)}, args...)...)
	}
}
