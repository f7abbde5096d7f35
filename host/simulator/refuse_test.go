package simulator

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	chat, responses, messages := "/openai/v1/chat/completions", "/openai/v1/responses", "/anthropic/v1/messages"
	generate := "/google/v1beta/models/gemini-2.5-pro:generateContent"
	tests := []struct {
		name, path, body string
		wantStatus       int
		want             string // part of the body
	}{
		{"chat: not JSON", chat, `{`, 400, `"type":"invalid_request_error"`},
		{"chat: an array", chat, `[]`, 400, `could not parse`},
		{"chat: null", chat, `null`, 400, `could not parse`},
		{"chat: no model", chat, `{"messages":[]}`, 400, `you must provide a model parameter`},
		{"chat: no messages", chat, `{"model":"gpt-4o"}`, 400, `"param":"messages","code":"missing_required_parameter"`},
		{"chat: empty messages", chat, `{"model":"gpt-4o","messages":[]}`, 400, `"code":"empty_array"`},
		{"chat: unknown member", chat, `{"model":"gpt-4o","models":[],"messages":[{"role":"user","content":"a"}]}`, 400, `Unrecognized request argument supplied: models`},
		{"chat: unknown model", chat, `{"model":"llama","messages":[{"role":"user","content":"a"}]}`, 404, `"code":"model_not_found"`},
		{"chat: retired model", chat, `{"model":"gpt-5-codex","messages":[{"role":"user","content":"a"}]}`, 404, `"code":"model_not_found"`},
		{"chat: codex", chat, `{"model":"gpt-5.3-codex","messages":[{"role":"user","content":"a"}]}`, 404, `only supported in v1/responses`},
		{"chat: max_tokens", chat, `{"model":"gpt-5","max_tokens":1,"messages":[{"role":"user","content":"a"}]}`, 400, `"param":"max_tokens","code":"unsupported_parameter"`},
		{"chat: temperature", chat, `{"model":"gpt-5","temperature":0.5,"messages":[{"role":"user","content":"a"}]}`, 400, `"code":"unsupported_value"`},
		{"chat: default temperature", chat, `{"model":"gpt-5","temperature":1,"messages":[{"role":"user","content":"a"}]}`, 200, `"stop"`},
		{"chat: max_tokens of an older model", chat, `{"model":"gpt-4o","max_tokens":100,"messages":[{"role":"user","content":"a"}]}`, 200, `"stop"`},
		{"raptor: passes over unknown members", "/raptor/v1/chat/completions", `{"model":"any","top_k":1,"messages":[{"role":"user","content":"a"}]}`, 200, `"stop"`},

		{"responses: no model", responses, `{"input":"a"}`, 400, `"param":"model"`},
		{"responses: no input", responses, `{"model":"gpt-5"}`, 400, `"param":"input","code":"missing_required_parameter"`},
		{"responses: empty input", responses, `{"model":"gpt-5","input":[]}`, 400, `"code":"empty_array"`},
		{"responses: chat's member", responses, `{"model":"gpt-5","input":"a","messages":[]}`, 400, `"param":"messages","code":"unknown_parameter"`},
		{"responses: unknown model is 400", responses, `{"model":"llama","input":"a"}`, 400, `"code":"model_not_found"`},
		{"responses: few tokens", responses, `{"model":"gpt-5","input":"a","max_output_tokens":15}`, 400, `"code":"integer_below_min_value"`},
		{"responses: temperature", responses, `{"model":"gpt-5","input":"a","temperature":0}`, 400, `"param":"temperature"`},
		{"responses: input text of an assistant", responses, `{"model":"gpt-5","input":[{"role":"assistant","content":[{"type":"input_text","text":"a"}]}]}`, 400, `"param":"input[0].content[0]"`},
		{"responses: output text of a user", responses, `{"model":"gpt-5","input":[{"role":"user","content":[{"type":"output_text","text":"a"}]}]}`, 400, `"param":"input[0].content[0]"`},
		{"responses: history", responses, `{"model":"gpt-5","input":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"output_text","text":"b"}]},{"role":"user","content":[{"type":"input_text","text":"c"}]}]}`, 200, `You wrote: c`},

		{"messages: not JSON", messages, `x`, 400, `"type":"invalid_request_error"`},
		{"messages: no model", messages, `{"max_tokens":1,"messages":[{"role":"user","content":"a"}]}`, 400, `model: Field required`},
		{"messages: no max_tokens", messages, `{"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"}]}`, 400, `max_tokens: Field required`},
		{"messages: no messages", messages, `{"model":"claude-sonnet-4-6","max_tokens":1}`, 400, `messages: Field required`},
		{"messages: unknown member", messages, `{"model":"claude-sonnet-4-6","max_tokens":1,"stop":"x","messages":[{"role":"user","content":"a"}]}`, 400, `stop: Extra inputs are not permitted`},
		{"messages: role", messages, `{"model":"claude-sonnet-4-6","max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"tool","content":"a"}]}`, 400, `Unexpected role`},
		{"messages: assistant first", messages, `{"model":"claude-sonnet-4-6","max_tokens":1,"messages":[{"role":"assistant","content":"a"}]}`, 400, `first message`},
		{"messages: a string for a message", messages, `{"model":"claude-sonnet-4-6","max_tokens":1,"messages":[{"role":"user","content":"a"},"b"]}`, 400, `messages.1: Input does not match the expected shape.`},
		{"messages: empty content", messages, `{"model":"claude-sonnet-4-6","max_tokens":1,"messages":[{"role":"user","content":""}]}`, 400, `messages.0: all messages`},
		{"messages: empty text block", messages, `{"model":"claude-sonnet-4-6","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":""}]}]}`, 400, `messages.0.content.0.text`},
		{"messages: temperature", messages, `{"model":"claude-sonnet-4-6","max_tokens":1,"temperature":1.5,"messages":[{"role":"user","content":"a"}]}`, 400, `temperature`},
		{"messages: unknown model", messages, `{"model":"gpt-4o","max_tokens":1,"messages":[{"role":"user","content":"a"}]}`, 404, `"type":"not_found_error","message":"model: gpt-4o"`},
		{"messages: retired model", messages, `{"model":"claude-sonnet-4-20250514","max_tokens":1,"messages":[{"role":"user","content":"a"}]}`, 404, `"type":"not_found_error"`},

		{"generate: not JSON", generate, `x`, 400, `"status":"INVALID_ARGUMENT"`},
		{"generate: no contents", generate, `{}`, 400, `contents is not specified`},
		{"generate: unknown member", generate, `{"model":"x","contents":[{"parts":[{"text":"a"}]}]}`, 400, `Unknown name \"model\": Cannot find field.`},
		{"generate: unknown config", generate, `{"generationConfig":{"max_tokens":1},"contents":[{"parts":[{"text":"a"}]}]}`, 400, `at 'generation_config': Cannot find field.`},
		{"generate: role", generate, `{"contents":[{"role":"assistant","parts":[{"text":"a"}]}]}`, 400, `valid role`},
		{"generate: no parts", generate, `{"contents":[{"role":"user","parts":[]}]}`, 400, `contents[0].parts`},
		{"generate: unknown method", "/google/v1beta/models/gemini-2.5-pro:explode", `{"contents":[{"parts":[{"text":"a"}]}]}`, 404, `"status":"NOT_FOUND"`},
		{"generate: unknown model", "/google/v1beta/models/gpt-4o:generateContent", `{"contents":[{"parts":[{"text":"a"}]}]}`, 404, `models/gpt-4o is not found`},
		{"generate: snake case", generate, `{"system_instruction":{"parts":[{"text":"a"}]},"generation_config":{"max_output_tokens":9000},"contents":[{"parts":[{"text":"a"}]}]}`, 200, `"STOP"`},

		{"openai: unknown path", "/openai/v1/completions", `{}`, 404, `Invalid URL (POST /v1/completions)`},
		{"anthropic: unknown path", "/anthropic/v1/complete", `{}`, 404, `"type":"not_found_error"`},
		{"google: unknown path", "/google/v1/models/x", `{}`, 404, `"status":"NOT_FOUND"`},
	}
	s := start(t, Config{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := post(t, s, test.path, test.body)
			if r.status != test.wantStatus || !strings.Contains(r.body, test.want) {
				t.Errorf("%s = %d %s, want %d with %s", test.body, r.status, r.body, test.wantStatus, test.want)
			}
			decode(t, r.body)
			rows := s.Log()
			if row := rows[len(rows)-1]; row.Status != test.wantStatus || (row.Outcome == OutcomeRefused) != (test.wantStatus != 200) {
				t.Errorf("the log has %+v for a %d", row, test.wantStatus)
			}
		})
	}
	t.Run("a version is missing", func(t *testing.T) {
		req, err := http.NewRequest(http.MethodPost, s.BaseURL("anthropic")+"/v1/messages", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("x-api-key", key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("a request without anthropic-version = %d, want 400", res.StatusCode)
		}
	})
	for beta, want := range map[string]int{"": 400, "context-management-2025-06-27": 200} {
		body := `{"model":"claude-sonnet-4-6","max_tokens":9,"context_management":{"edits":[]},"messages":[{"role":"user","content":"a"}]}`
		req, err := http.NewRequest(http.MethodPost, s.BaseURL("anthropic")+"/v1/messages", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"X-Api-Key": {key}, "Anthropic-Version": {"2023-06-01"}}
		if beta != "" {
			req.Header.Set("anthropic-beta", beta)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("context_management with anthropic-beta %q = %d, want %d", beta, res.StatusCode, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	const right = "right-key"
	s := start(t, Config{Keys: map[string]string{"openai": right, "anthropic": right, "google": right}})
	tests := []struct {
		wire       string
		key        string
		wantStatus int
		want       string
	}{
		{"chat", "", 401, `"type":"invalid_request_error","param":null,"code":null`},
		{"chat", "wrong", 401, `"code":"invalid_api_key"`},
		{"chat", right, 200, ``},
		{"responses", "wrong", 401, `"code":"invalid_api_key"`},
		{"raptor", "", 401, ``},
		{"raptor", "any", 200, ``},
		{"messages", "", 401, `"type":"authentication_error","message":"x-api-key header is required"`},
		{"messages", "wrong", 401, `"type":"authentication_error","message":"invalid x-api-key"`},
		{"messages", right, 200, ``},
		{"generate", "", 403, `"status":"PERMISSION_DENIED"`},
		{"generate", "wrong", 400, `"reason":"API_KEY_INVALID"`},
		{"generate", right, 200, ``},
	}
	for _, test := range tests {
		t.Run(test.wire+"/"+test.key, func(t *testing.T) {
			w := wireOf(test.wire)
			r := do(t, context.Background(), s, http.MethodPost, w.path(w.model, false), w.body(w.model, "hi", false), test.key)
			if r.status != test.wantStatus || !strings.Contains(r.body, test.want) {
				t.Errorf("key %q = %d %s, want %d with %s", test.key, r.status, r.body, test.wantStatus, test.want)
			}
			if test.key != "" && strings.Contains(r.body, test.key) && test.wantStatus != 200 {
				t.Errorf("the refusal quotes the key: %s", r.body)
			}
			rows := s.Log()
			if row := rows[len(rows)-1]; row.Credential != Digest(test.key) {
				t.Errorf("the log has credential %q, want %q", row.Credential, Digest(test.key))
			}
		})
	}
	t.Run("in Google's query", func(t *testing.T) {
		w := wireOf("generate")
		r := do(t, context.Background(), s, http.MethodPost, w.path(w.model, false)+"?key="+right, w.body(w.model, "hi", false), "")
		if r.status != 200 {
			t.Errorf("a key in the query = %d %s, want 200", r.status, r.body)
		}
	})
	t.Run("another provider's header", func(t *testing.T) {
		req, err := http.NewRequest(http.MethodPost, s.BaseURL("openai")+"/chat/completions", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("x-api-key", right)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 401 {
			t.Errorf("OpenAI with x-api-key = %d, want 401", res.StatusCode)
		}
	})
}

func wireOf(name string) wire {
	for _, w := range wires {
		if w.name == name {
			return w
		}
	}
	panic("no wire " + name)
}

// A model is served until its vendor's date, and refused from then on.
func TestRetirement(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		now  time.Time
		want int
	}{
		{time.Date(2026, 7, 22, 23, 59, 59, 0, time.UTC), 200},
		{time.Date(2026, 7, 23, 0, 0, 0, 0, time.UTC), 400},
	} {
		s := start(t, Config{Now: func() time.Time { return test.now }})
		r := post(t, s, "/openai/v1/responses", `{"model":"gpt-5.1-codex","input":"a"}`)
		if r.status != test.want {
			t.Errorf("gpt-5.1-codex at %s = %d %s, want %d", test.now, r.status, r.body, test.want)
		}
	}
}

func TestModelLists(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for path, want := range map[string]string{
		"/openai/v1/models":        `"object":"list"`,
		"/openai/v1/models/gpt-4o": `"id":"gpt-4o"`,
		"/raptor/v1/models":        `"id":"raptor-mini"`,
		"/anthropic/v1/models":     `"has_more":false`,
		"/google/v1beta/models":    `"name":"models/gemini-2.5-pro"`,
		"/openai/v1/models/llama":  `"code":"model_not_found"`,
	} {
		if r := do(t, context.Background(), s, http.MethodGet, path, "", key); !strings.Contains(r.body, want) {
			t.Errorf("GET %s = %d %s, want %s in it", path, r.status, r.body, want)
		}
		if r := do(t, context.Background(), s, http.MethodGet, path, "", ""); r.status != 401 && r.status != 403 {
			t.Errorf("GET %s without a key = %d, want 401 or 403", path, r.status)
		}
	}
}
