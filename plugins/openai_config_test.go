package plugins_test

import (
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// What the manifest's schema and the plugin's own check take as the config of a
// compatible server, through the server's own gate.
func TestOpenAIConfig(t *testing.T) {
	t.Parallel()
	library := guest(t, "openai")
	for _, tc := range []struct {
		name, config string
		wantRefused  bool
	}{
		{"none", ``, false},
		{"Ollama", `{"max_tokens":"max_tokens","image_url":false,"developer":false,"tool_choice":false,"reasoning":"reasoning"}`, false},
		{"vLLM", `{"extensions":true,"count_tokens":false,"stream_options":true,"cache_breakpoints":false}`, false},
		{"OpenAI", `{"count_tokens":true,"reasoning_summary":"auto","unsupported":["seed"]}`, false},
		{"a misspelt name", `{"developers":false}`, true},
		{"another type", `{"extensions":"yes"}`, true},
		{"another word", `{"max_tokens":"max_output_tokens"}`, true},
		{"no object", `[]`, true},
		{"a server without messages", `{"unsupported":["messages"]}`, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := library.ConfigureAdapter(t.Context(), "", "openai", []byte(tc.config))
			if refused := engine.CodeOf(err) == engine.CodeInvalid; refused != tc.wantRefused || err != nil && !refused {
				t.Errorf("ConfigureAdapter(%s) = %v, want refused %v", tc.config, err, tc.wantRefused)
			}
		})
	}
}
