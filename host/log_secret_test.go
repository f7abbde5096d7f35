package host

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// What must never be in a log, each of its own kind, so that a leak names itself.
const (
	secretProviderKey = "sk-canary-of-the-environment-4f1c"
	secretStoredKey   = "sk-canary-that-is-stored-9a77"
	secretPrompt      = "canary-of-a-prompt-2b9e"
	secretAnswer      = "canary-of-an-answer-77d0"
	secretSessionNote = "canary-of-a-note-c31a"
	secretWrongKey    = "pm_canaryOfAWrongKey00000000000000000000000000000"
	secretRule        = "canary-of-a-rule-text-1d1d"
)

// echoing is a provider that says back what it was sent, and fails in all the ways that a prompt asks for.
func echoing(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	said := fmt.Sprintf("%q %q %s", r.Header.Get("Authorization"), body, secretAnswer)
	switch text := string(body); {
	case strings.Contains(text, "please refuse"):
		http.Error(w, `{"error":{"message":`+fmt.Sprintf("%q", said)+`,"code":"invalid_request"}}`, http.StatusBadRequest)
	case strings.Contains(text, "please fail"):
		http.Error(w, said, http.StatusInternalServerError)
	case strings.Contains(text, "please lie"):
		_, _ = io.WriteString(w, said)
	case strings.Contains(text, "please cut"):
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"`+secretAnswer+`"}}]}`+"\n\ndata: {"+secretAnswer)
	case strings.Contains(text, "please revoke"):
		http.Error(w, `{"error":{"message":`+fmt.Sprintf("%q", said)+`,"code":"invalid_api_key"}}`, http.StatusUnauthorized)
	case strings.Contains(text, `"stream":true`):
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"`+secretAnswer+`"},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"c","object":"chat.completion","created":1,"model":"gpt-5","choices":[{"index":0,"message":{"role":"assistant","content":"`+secretAnswer+`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`)
	}
}

// Nothing that a caller, a provider or an administrator keeps secret is in the log, also at the level of debug, when
// it works and when it does not.
func TestLogHasNoSecrets(t *testing.T) {
	t.Parallel()
	provider := httptest.NewServer(http.HandlerFunc(echoing))
	defer provider.Close()
	log := &lines{}
	g := startGateway(t, func(c *Config, o *Options) {
		c.Upstreams = Upstreams{OpenAIKey: secretProviderKey, OpenAIBase: provider.URL + "/v1"}
		o.Log = zerolog.New(log).Level(zerolog.DebugLevel)
	})
	secrets := map[string]string{
		"the caller's key": testKey, "the provider's key": secretProviderKey, "a stored key": secretStoredKey, "the prompt": secretPrompt,
		"the answer": secretAnswer, "a note": secretSessionNote, "a wrong key": secretWrongKey, "a rule's text": secretRule,
	}
	send := func(method, path, body string, headers ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, g.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+testKey)
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
			if headers[i+1] == "" {
				req.Header.Del(headers[i])
			}
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return resp
	}

	chat := func(text, members string) string {
		return `{"model":"gpt-5","models":[],"metadata":{"session_id":"s1"},"messages":[{"role":"user","content":"` + secretPrompt + " " + text + `"}]` + members + `}`
	}
	statuses := map[int]int{}
	for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/v1/responses"} {
		for _, text := range []string{"hello", "please refuse", "please fail", "please lie", "please cut"} {
			for _, members := range []string{`,"max_tokens":9`, `,"max_tokens":9,"stream":true`} {
				body := chat(text, members)
				if path == "/v1/responses" {
					body = strings.Replace(strings.Replace(body, `"messages"`, `"input"`, 1), "max_tokens", "max_output_tokens", 1)
				}
				statuses[send("POST", path, body).StatusCode]++
			}
		}
	}
	if statuses[200] < 4 || len(statuses) < 3 {
		t.Errorf("requests = %v by status, want some that work and some that fail", statuses)
	}
	for _, r := range []struct {
		method, path, body string
		headers            []string
	}{
		{"POST", "/v1/chat/completions", chat("hello", ""), []string{"Authorization", "Bearer " + secretWrongKey}},
		{"POST", "/v1/chat/completions", chat("hello", ""), []string{"Authorization", "", "x-api-key", secretWrongKey}},
		{"POST", "/v1/chat/completions", `{"model":"gpt-5","messages":[{"role":"user","content":"` + secretPrompt, nil},
		{"POST", "/v1/chat/completions", chat("hello", `,"`+secretPrompt+`":1,"temperature":"`+secretPrompt+`"`), nil},
		{"POST", "/v1/chat/completions", strings.Replace(chat("hello", ""), "gpt-5", secretPrompt, 1), nil},
		{"GET", "/" + secretPrompt + "?key=" + secretWrongKey, "", nil},
		{"POST", "/api/v1/sessions/s1/notes", `{"kind":"summary","text":"` + secretSessionNote + `"}`, nil},
		{"POST", "/api/v1/rules", `{"id":"odd","name":"Odd","when":"request.text == '` + secretRule + `' and (","target":"gpt-5"}`, nil},
		{"POST", "/api/v1/rules", `{"id":"fine","name":"Fine","priority":1,"when":"request.text == '` + secretRule + `'","target":"gpt-5"}`, nil},
		{"POST", "/api/v1/providers/openai/credentials", `{"secret":"` + secretStoredKey + `"}`, nil},
		{"POST", "/api/v1/providers/openai/credentials", `{"secret":"` + secretStoredKey + `","odd":{}`, nil},
		{"POST", "/ui/session", `{"key":"` + secretWrongKey + `"}`, []string{"Authorization", "", "Sec-Fetch-Site", "same-origin"}},
		{"POST", "/v1/chat/completions", chat("please revoke", ""), nil},
	} {
		send(r.method, r.path, r.body, r.headers...)
	}
	login := send("POST", "/ui/session", `{"key":"`+testKey+`"}`, "Authorization", "", "Sec-Fetch-Site", "same-origin")
	if login.StatusCode != http.StatusOK && login.StatusCode != http.StatusCreated || len(login.Cookies()) == 0 {
		t.Errorf("login = %d with %d cookies, want one", login.StatusCode, len(login.Cookies()))
	}
	for _, cookie := range login.Cookies() {
		secrets["the session's cookie"] = cookie.Value
		send("GET", "/api/v1/rules", "", "Authorization", "", "Cookie", cookie.Name+"="+cookie.Value, "Sec-Fetch-Site", "same-origin")
		send("GET", "/api/v1/rules", "", "Authorization", "", "Cookie", cookie.Name+"="+cookie.Value+"x", "Sec-Fetch-Site", "cross-site")
	}
	if err := g.stop(); err != nil {
		t.Errorf("Run() = %v", err)
	}
	for what, secret := range secrets {
		if n := log.count(secret); n > 0 {
			t.Errorf("the log has %s %d times", what, n)
		}
	}
	if log.count(`"level":"debug"`) == 0 || log.count(`"request_id"`) < 30 {
		t.Errorf("the log has %d lines of debug and %d of requests, want both", log.count(`"level":"debug"`), log.count(`"request_id"`))
	}
	if t.Failed() {
		for line := range strings.Lines(log.text.String()) {
			for what, secret := range secrets {
				if strings.Contains(line, secret) {
					t.Logf("%s: %s", what, line)
				}
			}
		}
	}
}
