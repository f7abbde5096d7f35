package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"nothing", "temperature must be at most 2.", "temperature must be at most 2."},
		{"OpenAI", "Incorrect API key provided: sk-abcdefgh12345678. You can find your API key at https://platform.openai.com/account/api-keys.", "Incorrect API key provided: [redacted]. You can find your API key at https://platform.openai.com/account/api-keys."},
		{"OpenAI, shortened", "Incorrect API key provided: sk-ab***cd.", "Incorrect API key provided: [redacted]."},
		{"a project's key, shortened", "provided: sk-proj-********************************************************wxyz", "provided: [redacted]"},
		{"a key of another form, shortened", "Incorrect API key provided: 1f3e****9a7c", "Incorrect API key provided: [redacted]"},
		{"Anthropic", `invalid x-api-key "sk-ant-api03-AbC_d-9"`, `invalid x-api-key "[redacted]"`},
		{"Google", "API key AIzaSyA1234567890abcdefghijklmnopqrstuv not valid", "API key [redacted] not valid"},
		{"Google, in a URL", "GET /v1beta/models?key=AIzaSyA1234567890&alt=sse", "GET /v1beta/models?key=[redacted]&alt=sse"},
		{"a bearer token", "got Authorization: Bearer abc.def-123, which is wrong", "got Authorization: Bearer [redacted], which is wrong"},
		{"a bearer token, lower case", "bearer X", "bearer [redacted]"},
		{"a token of Google's", "ya29.a0AfH6SMBx-zzz expired", "[redacted] expired"},
		{"a JSON web token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "[redacted]"},
		{"an organization", "Rate limit reached for gpt-4o in organization org-A1b2C3d4E5f6 on tokens per min", "Rate limit reached for gpt-4o in organization [redacted] on tokens per min"},
		{"our own", "pm_0123456789abcdef", "[redacted]"},
		{"several", "sk-aaaaaaaaaa and sk-bbbbbbbbbb", "[redacted] and [redacted]"},
		{"in capitals", "SK-AAAAAAAAAA", "[redacted]"},
		{"words that begin alike", "ask-whatever, disk-full, sk-learn, risk-assessment, organize, org-chart", "ask-whatever, disk-full, sk-learn, risk-assessment, organize, org-chart"},
		{"emphasis", "this is *not* **allowed**", "this is *not* **allowed**"},
		{"a rule of asterisks", "a *** b", "a *** b"},
		{"beyond ASCII", "clé « sk-abcdefgh12 » é", "clé « [redacted] » é"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := redact(tt.text); got != tt.want {
				t.Errorf("redact(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

// What a provider says of a key reaches no caller, whatever class its adapter gives it.
func TestNoKeyReachesTheCaller(t *testing.T) {
	t.Parallel()
	const key = "sk-abcdefgh12345678"
	for class := abi.ClassNone; class <= abi.ClassContentFilter; class++ {
		for _, body := range []string{
			`{"error":{"message":"bad key ` + key + `","param":"` + key + `"}}`,
			`{"fail":` + itoa(int64(class)) + `,"says":"bad key ` + key + `"}`,
		} {
			g := newRig(t, map[string]*script{"a": {status: 400, body: body}})
			_, meta, err := g.run(t, t.Context(), rigRequest(t, ""), false)
			e := asError(err)
			if strings.Contains(e.Message+e.Param+meta.Decision, key) {
				t.Errorf("class %d: error = %v, decision = %q hold the key", class, err, meta.Decision)
			}
			for _, row := range g.ledger.all() {
				if strings.Contains(fmt.Sprintf("%+v", row), key) {
					t.Errorf("class %d: row %+v holds the key", class, row)
				}
			}
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("Incorrect API key provided: sk-ab***cd. Bearer x")
	f.Fuzz(func(t *testing.T, text string) {
		once := redact(text)
		if again := redact(once); again != once && !strings.Contains(strings.ToLower(once), "bearer") {
			t.Errorf("redact(%q) = %q, and that gives %q", text, once, again)
		}
		if strings.Contains(redact(text+" sk-abcdefgh12345678"), "sk-abcdefgh12345678") {
			t.Errorf("redact(%q + key) keeps the key", text)
		}
	})
}
