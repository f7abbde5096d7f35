package simulator

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The members of our answers are those of recorded ones: every member that all
// recordings have is there, and none that no recording has.
func TestAnswersHaveTheRecordedMembers(t *testing.T) {
	t.Parallel()
	root := filepath.Join(sharedData(t), "fixtures")
	tests := []struct {
		wire     string
		stream   bool
		fixtures []string
		unspoken []string // members of the recordings that need a feature of the request
		unseen   []string // members of ours that only other recordings have
	}{
		{wire: "chat", fixtures: []string{"openai-chat/01-text", "openai-chat/02-text-system-multiturn", "openai-chat/17-cache-read"}},
		{wire: "chat", stream: true, fixtures: []string{"openai-chat/03-stream-text", "openai-chat/04-stream-text-include-usage"},
			unseen: []string{"choices[].logprobs"}},
		{wire: "responses", stream: true, fixtures: []string{"openai-responses/02-stream-text"}},
		{wire: "messages", fixtures: []string{"anthropic/01-text", "anthropic/24-max-tokens"}},
		{wire: "messages", stream: true, fixtures: []string{"anthropic/02-stream-text"}, unspoken: []string{"message.stop_details"}},
		{wire: "generate", fixtures: []string{"gemini/01-text"},
			unspoken: []string{"usageMetadata.thoughtsTokenCount", "candidates[].content.parts[].thoughtSignature"}},
		{wire: "generate", stream: true, fixtures: []string{"gemini/03-stream-text", "gemini/04-stream-text-usage-cumulative"},
			unspoken: []string{"usageMetadata.thoughtsTokenCount"}},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s stream %v", test.wire, test.stream), func(t *testing.T) {
			t.Parallel()
			w := wireOf(test.wire)
			s := start(t, Config{})
			compareShapes(t, root, shapes(t, w.ask(t, s, "hello there, tell me a story", test.stream).body, test.stream), test.fixtures, test.stream, test.unspoken, test.unseen)
		})
	}
}

// So it is with answers of other kinds than text.
func TestFeaturesHaveTheRecordedMembers(t *testing.T) {
	t.Parallel()
	root := filepath.Join(sharedData(t), "fixtures")
	const schema = `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"],"additionalProperties":false}`
	chat := `{"model":"gpt-4o","messages":[{"role":"user","content":"call add and call multiply"}],"tools":[{"type":"function","function":{"name":"add","parameters":` + schema + `}},{"type":"function","function":{"name":"multiply","parameters":` + schema + `}}]`
	responses := `{"model":"gpt-4o","max_output_tokens":4000,"input":"call add and call multiply","tools":[{"type":"function","name":"add","parameters":` + schema + `,"strict":true},{"type":"function","name":"multiply","parameters":` + schema + `,"strict":true}]`
	messages := `{"model":"claude-haiku-4-5","max_tokens":2048,"messages":[{"role":"user","content":"call add and call multiply"}],"tools":[{"name":"add","input_schema":` + schema + `},{"name":"multiply","input_schema":` + schema + `}]`
	gemini := `{"contents":[{"role":"user","parts":[{"text":"call add and call multiply"}]}],"tools":[{"functionDeclarations":[{"name":"add","parametersJsonSchema":` + schema + `},{"name":"multiply","parametersJsonSchema":` + schema + `}]}]}`
	// Some of Gemini's answers have these, some have not.
	const tier = "usageMetadata.serviceTier"
	tests := []struct {
		name, path, body string
		stream           bool
		fixtures         []string
		unspoken, unseen []string
	}{
		{"chat: tools", "/openai/v1/chat/completions", chat + `}`, false, []string{"openai-chat/05-tool-call", "openai-chat/06-parallel-tool-calls"}, nil, []string{"logprobs"}},
		{"chat: tools, streamed", "/openai/v1/chat/completions", chat + `,"stream":true,"stream_options":{"include_usage":true}}`, true,
			[]string{"openai-chat/08-stream-tool-call", "openai-chat/09-stream-parallel-tool-calls"}, nil, []string{"obfuscation", "usage.", "service_tier"}},
		{"responses: tools, streamed", "/openai/v1/responses", responses + `,"stream":true}`, true, []string{"openai-responses/08-stream-parallel-tool-calls"}, []string{"tools[]."}, []string{"tools[]."}},
		{"messages: tools", "/anthropic/v1/messages", messages + `}`, false, []string{"anthropic/03-tool-use", "anthropic/05-parallel-tool-use"},
			[]string{"stop_details", "content[].caller", "content[].input."}, []string{"content[].input."}},
		{"messages: tools, streamed", "/anthropic/v1/messages", messages + `,"stream":true}`, true, []string{"anthropic/07-stream-tool-use", "anthropic/08-stream-parallel-tool-use"},
			[]string{"stop_details", "caller", "delta.text"}, []string{"content_block.text", "delta.text", "stop_details"}},
		{"messages: thinking", "/anthropic/v1/messages", `{"model":"claude-haiku-4-5","max_tokens":2048,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"hi"}]}`, false,
			[]string{"anthropic/10-thinking"}, []string{"stop_details", "output_tokens_details"}, nil},
		{"messages: refusal", "/anthropic/v1/messages", `{"model":"claude-fable-5","max_tokens":2048,"messages":[{"role":"user","content":"[[simulate refuse]] hi"}]}`, false,
			[]string{"anthropic/29-refusal"}, []string{"recommended_model"}, nil},
		{"messages: refusal, streamed", "/anthropic/v1/messages", `{"model":"claude-fable-5","max_tokens":2048,"stream":true,"messages":[{"role":"user","content":"[[simulate refuse]] hi"}]}`, true,
			[]string{"anthropic/30-stream-refusal"}, []string{"recommended_model", "ping:"}, nil},
		{"chat: refusal", "/openai/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"[[simulate refuse]] hi"}]}`, false,
			[]string{"openai-chat/15-structured-refusal"}, nil, []string{"annotations", "audio_tokens", "prediction_tokens", "service_tier"}},
		{"gemini: tools", "/google/v1beta/models/gemini-2.5-pro:generateContent", gemini, false, []string{"gemini/09-parallel-tool-calls"},
			[]string{"args.", "thoughtsTokenCount"}, []string{"args.", tier}},
		{"gemini: tools, streamed", "/google/v1beta/models/gemini-3.1-pro-preview:streamGenerateContent?alt=sse", gemini, true, []string{"gemini/12-stream-parallel-tool-calls"},
			[]string{"args.", "thoughtsTokenCount"}, []string{"args.", tier}},
		{"gemini: thinking", "/google/v1beta/models/gemini-2.5-pro:generateContent", `{"contents":[{"role":"user","parts":[{"text":"call add"}]}],"generationConfig":{"thinkingConfig":{"includeThoughts":true}},` + gemini[strings.Index(gemini, `"tools"`):], false,
			[]string{"gemini/14-thinking-include-thoughts"}, []string{"args."}, []string{"args.", tier}},
		{"gemini: blocked", "/google/v1beta/models/gemini-2.5-pro:generateContent", `{"contents":[{"role":"user","parts":[{"text":"[[simulate refuse]] hi"}]}]}`, false,
			[]string{"gemini/31-prompt-blocked-no-candidates"}, nil, []string{tier, "responseId"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := post(t, start(t, Config{}), test.path, test.body)
			if r.status != 200 {
				t.Fatalf("%s = %d %s", test.name, r.status, r.body)
			}
			compareShapes(t, root, shapes(t, r.body, test.stream), test.fixtures, test.stream, test.unspoken, test.unseen)
		})
	}
}

// compareShapes compares the members of an answer with those of recordings, save the
// unspoken ones of theirs and the unseen ones of ours.
func compareShapes(t *testing.T, root string, ours map[string]bool, fixtures []string, stream bool, unspoken, unseen []string) {
	t.Helper()
	union := map[string]bool{}
	common := map[string]int{}
	for _, name := range fixtures {
		file := filepath.Join(root, name, "response.json")
		if stream {
			file = filepath.Join(root, name, "stream.sse")
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for path := range shapes(t, string(b), stream) {
			union[path] = true
			common[path]++
		}
	}
	known := func(path string, list []string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(path, s) })
	}
	for path := range ours {
		if !union[path] && !known(path, unseen) {
			t.Errorf("we have %s, no recording has", path)
		}
	}
	for path, n := range common {
		if n == len(fixtures) && !ours[path] && !known(path, unspoken) {
			t.Errorf("every recording has %s, we have not", path)
		}
	}
}

// The order of events is the recorded one, the repeated ones counted once.
func TestStreamsHaveTheRecordedOrder(t *testing.T) {
	t.Parallel()
	root := filepath.Join(sharedData(t), "fixtures")
	for wire, fixture := range map[string]string{"responses": "openai-responses/02-stream-text", "messages": "anthropic/02-stream-text"} {
		b, err := os.ReadFile(filepath.Join(root, fixture, "stream.sse"))
		if err != nil {
			t.Fatal(err)
		}
		recorded, _ := split(string(b))
		ours, _ := split(wireOf(wire).ask(t, start(t, Config{}), "hello", true).body)
		if got, want := slices.Compact(ours), slices.Compact(recorded); !slices.Equal(got, want) {
			t.Errorf("%s sends %v, want %v", wire, got, want)
		}
	}
}

// Error bodies have the recorded members and the recorded type, code and status.
func TestErrorsHaveTheRecordedShape(t *testing.T) {
	t.Parallel()
	root := filepath.Join(sharedData(t), "fixtures")
	openai := `{"model":%q,"messages":[{"role":"user","content":"a"}]%s}`
	tests := []struct {
		name, path, body, key, fixture string
	}{
		{"max_tokens", "/openai/v1/chat/completions", fmt.Sprintf(openai, "gpt-5-nano", `,"max_tokens":1`), key, "openai-chat/20-error-400-unsupported-max_tokens"},
		{"empty messages", "/openai/v1/chat/completions", `{"model":"gpt-5-nano","messages":[]}`, key, "openai-chat/21-error-400-empty-messages"},
		{"unknown model", "/openai/v1/chat/completions", fmt.Sprintf(openai, "llama", ""), key, "openai-chat/24-error-404-unknown-model"},
		{"wrong key", "/openai/v1/chat/completions", fmt.Sprintf(openai, "gpt-4o", ""), "wrong", "openai-chat/25-error-401-bad-key"},
		{"rate limit", "/openai/v1/chat/completions", fmt.Sprintf(openai, "gpt-4o", `,"user":"u"`), key, "openai-chat/26-error-429-tpm"},
		{"overloaded", "/openai/v1/chat/completions", fmt.Sprintf(openai, "gpt-4o", `,"user":"v"`), key, "openai-chat/29-error-503-server-is-overloaded"},
		{"unknown model of responses", "/openai/v1/responses", `{"model":"llama","input":"a"}`, key, "openai-responses/14-error-400-unknown-model"},
		{"wrong key of anthropic", "/anthropic/v1/messages", `{}`, "wrong", "anthropic/33-error-401-bad-key"},
		{"unknown model of anthropic", "/anthropic/v1/messages", `{"model":"x","max_tokens":1,"messages":[{"role":"user","content":"a"}]}`, key, "anthropic/37-error-404-unknown-model"},
		{"overloaded anthropic", "/anthropic/v1/messages", `{"model":"claude-sonnet-4-6","max_tokens":1,"messages":[{"role":"user","content":"a"}]}`, key, "anthropic/39-error-529-overloaded"},
		{"wrong key of google", "/google/v1beta/models/gemini-2.5-pro:generateContent", `{}`, "wrong", "gemini/24-error-400-bad-key"},
		{"unknown model of google", "/google/v1beta/models/x:generateContent", `{"contents":[{"parts":[{"text":"a"}]}]}`, key, "gemini/25-error-404-unknown-model"},
		{"overloaded google", "/google/v1beta/models/gemini-2.5-pro:generateContent", `{"contents":[{"parts":[{"text":"a"}]}]}`, key, "gemini/28-error-503-overloaded"},
	}
	s := start(t, Config{Keys: map[string]string{"openai": key, "anthropic": key, "google": key}})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var meta struct{ Status int }
			b, err := os.ReadFile(filepath.Join(root, test.fixture, "meta.json"))
			if err != nil || json.Unmarshal(b, &meta) != nil {
				t.Fatal(err)
			}
			b, err = os.ReadFile(filepath.Join(root, test.fixture, "response.json"))
			if err != nil {
				t.Fatal(err)
			}
			switch meta.Status {
			case 429:
				s.Script(Fault{Status: 429, Kind: "rate_limit"})
			case 503, 529:
				s.Script(Fault{Status: meta.Status})
			}
			got := do(t, deadline(t), s, "POST", test.path, test.body, test.key)
			if got.status != meta.Status {
				t.Errorf("%s = %d, want %d", test.name, got.status, meta.Status)
			}
			want, ours := object(decode(t, string(b))["error"]), object(decode(t, got.body)["error"])
			for name, v := range want {
				w, o := fmt.Sprint(v), fmt.Sprint(ours[name])
				switch name {
				case "message", "details":
					if ours[name] == nil {
						t.Errorf("%s has no %s", test.name, name)
					}
				case "type":
					// A rate limit's type names what ran out.
					if o != w && meta.Status != 429 {
						t.Errorf("%s has %s %s, want %s", test.name, name, o, w)
					}
				default:
					if o != w {
						t.Errorf("%s has %s %s, want %s", test.name, name, o, w)
					}
				}
			}
			if len(ours) != len(want) {
				t.Errorf("%s has the members %v, want %v", test.name, ours, want)
			}
		})
	}
}

// shapes lists the paths of all members of an answer, those of an event behind the
// event's type.
func shapes(t *testing.T, body string, stream bool) map[string]bool {
	t.Helper()
	paths := map[string]bool{}
	if !stream {
		walk("", decode(t, body), paths)
		return paths
	}
	_, data := split(body)
	for _, d := range data {
		if d == "[DONE]" {
			continue
		}
		event := decode(t, d)
		walk(text(event["type"])+":", event, paths)
	}
	return paths
}

func walk(at string, v any, paths map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			path := strings.TrimPrefix(at+"."+name, ".")
			paths[path] = true
			walk(path, member, paths)
		}
	case []any:
		for _, element := range v {
			walk(at+"[]", element, paths)
		}
	}
}

// sharedData finds the data folder beside the repository, or skips.
func sharedData(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no repository root above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	data := filepath.Join(filepath.Dir(dir), "shared", "data")
	if _, err := os.Stat(data); err != nil {
		t.Skip("the recorded answers are not beside the repository")
	}
	return data
}
