package host

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// metered is a provider's answer with every kind of token that its wire counts, and what
// that is in our counters.
var metered = []struct {
	name, model   string
	plain, stream string
	begun         string // of stream: cut after the first text
	want          map[string]int64
	wantBegun     int64 // prompt that is known by then; 0: not yet, it is estimated
}{
	{
		name: "anthropic", model: "claude-haiku-4.5",
		plain: `{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":` + messageTokens + `}`,
		begun: sse("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"usage":{"input_tokens":100,"cache_read_input_tokens":30,"cache_creation_input_tokens":50,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":30},"output_tokens":1}}}`) +
			sse("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`) +
			sse("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}`),
		stream: sse("content_block_stop", `{"type":"content_block_stop","index":0}`) +
			sse("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":`+messageTokens+`}`) +
			sse("message_stop", `{"type":"message_stop"}`),
		want:      map[string]int64{"prompt": 180, "cached": 30, "cache_write": 20, "cache_write_1h": 30, "completion": 40, "reasoning": 15},
		wantBegun: 180,
	},
	{
		name: "openai chat", model: "gpt-4o",
		plain: `{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":` + chatTokens + `}`,
		begun: sse("", `{"id":"c","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"role":"assistant","content":"hi"},"finish_reason":null}],"usage":null}`),
		stream: sse("", `{"id":"c","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}`) +
			sse("", `{"id":"c","object":"chat.completion.chunk","created":1,"model":"up","choices":[],"usage":`+chatTokens+`}`) + sse("", "[DONE]"),
		want: map[string]int64{"prompt": 180, "cached": 30, "cache_write": 20, "completion": 40, "reasoning": 15},
	},
	{
		name: "openai responses", model: "gpt-5.1-codex",
		plain: `{"id":"resp_1","object":"response","created_at":1,"status":"completed","error":null,"model":"up","output":[{"id":"m","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"hi","annotations":[]}]}],"usage":` + responseTokens + `}`,
		begun: sse("response.created", `{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"up","output":[],"usage":null}}`) +
			sse("response.output_item.added", `{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"m","type":"message","status":"in_progress","role":"assistant","content":[]}}`) +
			sse("response.output_text.delta", `{"type":"response.output_text.delta","sequence_number":2,"item_id":"m","output_index":0,"content_index":0,"delta":"hi"}`),
		stream: sse("response.completed", `{"type":"response.completed","sequence_number":3,"response":{"id":"resp_1","object":"response","created_at":1,"status":"completed","error":null,"model":"up","output":[{"id":"m","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"hi","annotations":[]}]}],"usage":`+responseTokens+`}}`),
		want:   map[string]int64{"prompt": 180, "cached": 30, "cache_write": 20, "completion": 40, "reasoning": 15},
	},
	{
		name: "google", model: "gemini-2.5-pro",
		plain:  `{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"STOP","index":0}],"usageMetadata":` + geminiTokens + `,"modelVersion":"up","responseId":"r"}`,
		begun:  sse("", `{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"index":0}],"usageMetadata":{"promptTokenCount":170,"cachedContentTokenCount":30,"toolUsePromptTokenCount":10,"totalTokenCount":180},"modelVersion":"up","responseId":"r"}`),
		stream: sse("", `{"candidates":[{"content":{"role":"model","parts":[{"text":""}]},"finishReason":"STOP","index":0}],"usageMetadata":`+geminiTokens+`,"modelVersion":"up","responseId":"r"}`),
		want:   map[string]int64{"prompt": 180, "cached": 30, "completion": 40, "reasoning": 15}, wantBegun: 180,
	},
}

const (
	messageTokens  = `{"input_tokens":100,"cache_read_input_tokens":30,"cache_creation_input_tokens":50,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":30},"output_tokens":40,"output_tokens_details":{"thinking_tokens":15}}`
	chatTokens     = `{"prompt_tokens":180,"completion_tokens":40,"total_tokens":220,"prompt_tokens_details":{"cached_tokens":30,"cache_write_tokens":20},"completion_tokens_details":{"reasoning_tokens":15}}`
	responseTokens = `{"input_tokens":180,"input_tokens_details":{"cached_tokens":30,"cache_write_tokens":20},"output_tokens":40,"output_tokens_details":{"reasoning_tokens":15},"total_tokens":220}`
	geminiTokens   = `{"promptTokenCount":170,"cachedContentTokenCount":30,"toolUsePromptTokenCount":10,"candidatesTokenCount":25,"thoughtsTokenCount":15,"totalTokenCount":220}`
)

func sse(name, data string) string {
	if name != "" {
		name = "event: " + name + "\n"
	}
	return name + "data: " + data + "\n\n"
}

// meteredAsks are the three ways to ask, and how each tells the tokens to its caller.
var meteredAsks = []struct {
	name, path, body string
	input, output    string // members of the caller's usage
	without          bool   // cached tokens are not in input
}{
	{"chat", "/v1/chat/completions", `"messages":[{"role":"user","content":"hi"}],"stream_options":{"include_usage":true}`, "prompt_tokens", "completion_tokens", false},
	{"messages", "/v1/messages", `"max_tokens":50,"messages":[{"role":"user","content":"hi"}]`, "input_tokens", "output_tokens", true},
	{"responses", "/v1/responses", `"input":"hi"`, "input_tokens", "output_tokens", false},
}

// Whoever asks, and however, the row has what the provider counted, of every kind; a cut
// stream has what was known by then, the rest estimated; and the caller is told the same.
func TestMeteringOfEveryPath(t *testing.T) {
	upstream := record()
	t.Cleanup(upstream.Close)
	g := startGateway(t, func(c *Config, _ *Options) {
		c.Upstreams = Upstreams{AnthropicKey: "sk-ant-test", AnthropicBase: upstream.URL, OpenAIKey: "sk-test", OpenAIBase: upstream.URL + "/v1", GeminiKey: "gm-test", GeminiBase: upstream.URL}
	})
	for _, p := range metered {
		for _, ask := range meteredAsks {
			for _, how := range []string{"plain", "stream", "cut"} {
				t.Run(p.name+" by "+ask.name+" "+how, func(t *testing.T) {
					body := `{"model":"` + p.model + `","models":[],` + ask.body + `}`
					switch how {
					case "plain":
						body = strings.Replace(body, `,"stream_options":{"include_usage":true}`, "", 1)
						upstream.answers(http.StatusOK, p.plain, false)
					case "stream":
						upstream.answers(http.StatusOK, p.begun+p.stream, false)
					case "cut":
						upstream.answers(http.StatusOK, p.begun, false)
					}
					if how != "plain" {
						body = strings.TrimSuffix(body, "}") + `,"stream":true}`
					}
					a := g.send(ask.path, body)
					if a.Status != http.StatusOK {
						t.Fatalf("answer = %d %s", a.Status, a.Body)
					}
					rows := g.usage(a, 1)
					if len(rows) != 1 {
						t.Fatalf("rows = %+v, want one", rows)
					}
					row := rows[0]
					if how == "cut" {
						prompt, completion := row.Tokens["prompt"], row.Tokens["completion"]
						if row.Outcome != "truncated" || !row.Estimated || completion < 1 || completion > 5 || prompt < 1 || p.wantBegun > 0 && prompt != p.wantBegun {
							t.Errorf("row = %+v, want it truncated and estimated, prompt %d where known, completion of the text", row, p.wantBegun)
						}
						return
					}
					want := map[string]int64{"prompt": 0, "cached": 0, "cache_write": 0, "cache_write_1h": 0, "completion": 0, "reasoning": 0}
					for kind, n := range p.want {
						want[kind] = n
					}
					if row.Outcome != "ok" || row.Estimated || fmt.Sprint(row.Tokens) != fmt.Sprint(want) {
						t.Errorf("row = %+v, want ok, not estimated, %v", row, want)
					}
					input := p.want["prompt"]
					if ask.without {
						input -= p.want["cached"] + p.want["cache_write"] + p.want["cache_write_1h"]
					}
					if shown := lastUsage(t, string(a.Body)); shown[ask.input] != float64(input) || shown[ask.output] != float64(p.want["completion"]) {
						t.Errorf("the caller is told %v, want %s %d and %s %d", shown, ask.input, input, ask.output, p.want["completion"])
					}
				})
			}
		}
	}
}

// lastUsage is the last usage object of an answer, plain or streamed.
func lastUsage(t *testing.T, body string) map[string]any {
	t.Helper()
	at := strings.LastIndex(body, `"usage":{`)
	if at < 0 {
		t.Fatalf("no usage in %s", body)
	}
	var usage map[string]any
	if err := json.NewDecoder(strings.NewReader(body[at+len(`"usage":`):])).Decode(&usage); err != nil {
		t.Fatalf("usage of %s: %v", body, err)
	}
	return usage
}
