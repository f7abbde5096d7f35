package host

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// events returns the data of each SSE event of a body.
func events(body []byte) []string {
	var list []string
	for block := range strings.SplitSeq(string(body), "\n\n") {
		if data, ok := strings.CutPrefix(strings.TrimSpace(block), "data: "); ok {
			list = append(list, data)
		}
	}
	return list
}

// streamText joins the text of a stream's chunks.
func streamText(t *testing.T, list []string) string {
	t.Helper()
	var b strings.Builder
	for _, data := range list {
		if data == "[DONE]" {
			continue
		}
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			t.Fatalf("event %q: %v", data, err)
		}
		for _, c := range chunk.Choices {
			b.WriteString(c.Delta.Content)
		}
	}
	return b.String()
}

func TestFailoverBeforeTheFirstByte(t *testing.T) {
	tests := []struct {
		name, model, text   string
		wantStatus          int
		wantModel, attempts string
	}{
		{"overloaded goes to the rule's fallback", "auto", "/fast [[simulate provider=google status=503]] hi", 200, "claude-haiku-4.5", "2"},
		{"rate limited goes to the fallback", "auto", "/fast [[simulate provider=google status=429 retry_after=9]] hi", 200, "claude-haiku-4.5", "2"},
		{"server error goes to the fallback", "auto", "/fast [[simulate provider=google status=500]] hi", 200, "claude-haiku-4.5", "2"},
		{"a refused credential goes to the fallback", "auto", "/fast [[simulate provider=google status=401]] hi", 200, "claude-haiku-4.5", "2"},
		{"two down goes to the default handler", "auto", "/fast [[simulate provider=google status=503]] [[simulate provider=anthropic status=529]] hi", 200, "gpt-4o", "3"},
		{"all down is one clean error", "auto", "/fast [[simulate status=503]] hi", 503, "", "4"},
		{"an invalid request is not tried again", "auto", "/fast [[simulate provider=google status=400]] hi", 400, "", "1"},
		{"a catalogue pin falls back to its row's models", "claude-opus-4.5", "[[simulate provider=anthropic status=529]] hi", 200, "gpt-5", "2"},
		{"provider/model has no fallback", "anthropic/claude-opus-4.5", "[[simulate provider=anthropic status=529]] hi", 503, "", "1"},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			name := tt.name
			if stream {
				name += ", streamed"
			}
			t.Run(name, func(t *testing.T) {
				var g *gateway
				if strings.Contains(tt.text, "status=429") || strings.Contains(tt.text, "status=401") {
					g = startGateway(t) // the credential's rest would count afterwards
				} else {
					g = sharedGateway(t)
				}
				body := chatBody(tt.model, tt.text)
				body["stream"] = stream
				a := g.do(http.MethodPost, "/v1/chat/completions", body)
				if a.Status != tt.wantStatus {
					t.Fatalf("status = %d, want %d (%s)\n%s", a.Status, tt.wantStatus, a.Header.Get("x-pointsman-decision"), a.Body)
				}
				model := a.Header.Get("x-pointsman-model")
				if tt.wantModel == "gpt-5" {
					// The row's fallback is data that may change; another provider's model is the promise.
					if strings.HasPrefix(model, "claude") || model == "" {
						t.Errorf("x-pointsman-model = %q, want another provider's", model)
					}
				} else if model != tt.wantModel {
					t.Errorf("x-pointsman-model = %q, want %q", model, tt.wantModel)
				}
				if got := a.Header.Get("x-pointsman-attempts"); got != tt.attempts {
					t.Errorf("x-pointsman-attempts = %q, want %q", got, tt.attempts)
				}
				if a.Status != 200 && a.field(t, "error", "message") == "" {
					t.Errorf("error body has no message: %s", a.Body)
				}
			})
		}
	}
}

func TestRequestOwnFallbacks(t *testing.T) {
	g := sharedGateway(t)
	down := chatBody("claude-opus-4.5", "[[simulate provider=anthropic status=529]] hi")
	down["models"] = []string{"gemini-2.5-pro"}
	if a := g.do(http.MethodPost, "/v1/chat/completions", down); a.Header.Get("x-pointsman-model") != "gemini-2.5-pro" {
		t.Errorf("models: [gemini-2.5-pro] was served by %q (%d)", a.Header.Get("x-pointsman-model"), a.Status)
	}
	down["models"] = []string{}
	if a := g.do(http.MethodPost, "/v1/chat/completions", down); a.Status != 503 {
		t.Errorf("models: [] = %d, want the pinned model's 503", a.Status)
	}
}

func TestStreamCutAfterTheFirstByte(t *testing.T) {
	g := sharedGateway(t)
	for _, tt := range clientModels {
		for _, how := range []string{"cut=3", "cut=3 mode=rst", "malformed=3", "error=3"} {
			t.Run(tt.name+" "+how, func(t *testing.T) {
				body := chatBody(tt.model, "[[simulate "+how+"]] tell me a long story")
				body["stream"] = true
				a := g.do(http.MethodPost, "/v1/chat/completions", body)
				if a.Status != 200 {
					t.Fatalf("status = %d, want 200: the first content had arrived\n%s", a.Status, a.Body)
				}
				list := events(a.Body)
				if len(list) < 2 {
					t.Fatalf("events = %q, want content and an error", list)
				}
				last := list[len(list)-1]
				if !strings.HasPrefix(last, `{"error":`) || slices.Contains(list, "[DONE]") {
					t.Errorf("the last event is %q, want an error and no [DONE]", last)
				}
				if strings.Contains(string(a.Body), `"finish_reason":"`) {
					t.Errorf("a cut stream has a finish_reason:\n%s", a.Body)
				}
			})
		}
	}
}

// Every attempt leaves exactly one row, whatever became of it.
func TestOneUsageRowPerAttempt(t *testing.T) {
	g := sharedGateway(t)
	type row struct {
		RequestID   string `json:"request_id"`
		Attempt     int    `json:"attempt"`
		Model       string `json:"model"`
		Outcome     string `json:"outcome"`
		Tokens      struct{ Prompt, Completion int64 }
		CostNanoUSD int64 `json:"cost_nano_usd"`
		Estimated   bool  `json:"estimated"`
	}
	rowsOf := func(t *testing.T, request string, want int) []row {
		t.Helper()
		var page struct {
			Data []row `json:"data"`
		}
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			a := g.do(http.MethodGet, "/api/v1/usage?request_id="+request, nil)
			if err := json.Unmarshal(a.Body, &page); err != nil {
				t.Fatalf("usage: %v\n%s", err, a.Body)
			}
			if len(page.Data) >= want || time.Now().After(deadline) {
				slices.SortFunc(page.Data, func(a, b row) int { return a.Attempt - b.Attempt })
				return page.Data
			}
		}
	}
	tests := []struct {
		name, text string
		stream     bool
		want       []row
	}{
		{"one that works", "hello", false, []row{{Attempt: 1, Model: "gpt-4o", Outcome: "ok"}}},
		{"one that works, streamed", "hello", true, []row{{Attempt: 1, Model: "gpt-4o", Outcome: "ok"}}},
		{"failover", "/fast [[simulate provider=google status=503]] hello", false, []row{{Attempt: 1, Model: "gemini-3-flash-preview", Outcome: "failed"}, {Attempt: 2, Model: "claude-haiku-4.5", Outcome: "ok"}}},
		{"truncated stream", "[[simulate cut=3]] hello to you", true, []row{{Attempt: 1, Model: "gpt-4o", Outcome: "truncated"}}},
		{"no usage from the provider", "[[simulate no_usage=true]] hello", true, []row{{Attempt: 1, Model: "gpt-4o", Outcome: "ok", Estimated: true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := chatBody("auto", tt.text)
			body["stream"] = tt.stream
			a := g.do(http.MethodPost, "/v1/chat/completions", body)
			got := rowsOf(t, a.Header.Get("x-request-id"), len(tt.want))
			if len(got) != len(tt.want) {
				t.Fatalf("rows = %+v, want %d", got, len(tt.want))
			}
			for i, r := range got {
				w := tt.want[i]
				if r.Attempt != w.Attempt || r.Model != w.Model || r.Outcome != w.Outcome {
					t.Errorf("row %d = %+v, want %+v", i, r, w)
				}
				switch w.Outcome {
				case "ok":
					if r.Tokens.Prompt <= 0 || r.Tokens.Completion <= 0 || r.CostNanoUSD <= 0 || r.Estimated != w.Estimated {
						t.Errorf("row %d = %+v, want tokens and a cost, estimated %v", i, r, w.Estimated)
					}
				case "failed":
					if r.Tokens.Prompt != 0 || r.CostNanoUSD != 0 {
						t.Errorf("row %d = %+v, want no tokens for an error before any output", i, r)
					}
				case "truncated":
					if r.Tokens.Prompt <= 0 || r.Tokens.Completion <= 0 || r.CostNanoUSD <= 0 {
						t.Errorf("row %d = %+v, want what was delivered to be billed", i, r)
					}
				}
			}
		})
	}
}

func TestStreamHidesUsageUnlessAsked(t *testing.T) {
	g := sharedGateway(t)
	for _, tt := range clientModels {
		for _, asked := range []bool{false, true} {
			body := chatBody(tt.model, "hello")
			body["stream"] = true
			if asked {
				body["stream_options"] = map[string]any{"include_usage": true}
			}
			a := g.do(http.MethodPost, "/v1/chat/completions", body)
			list := events(a.Body)
			if len(list) == 0 || list[len(list)-1] != "[DONE]" {
				t.Errorf("%s: the stream does not end in [DONE]:\n%s", tt.name, a.Body)
				continue
			}
			if got := strings.Contains(string(a.Body), `"prompt_tokens"`); got != asked {
				t.Errorf("%s: usage shown = %v, want %v", tt.name, got, asked)
			}
			if streamText(t, list) == "" {
				t.Errorf("%s: the stream has no text", tt.name)
			}
		}
	}
}
