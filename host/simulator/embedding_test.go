package simulator

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
)

func numbers(v any) []float32 {
	var out []float32
	for _, n := range list(v) {
		f, _ := n.(float64)
		out = append(out, float32(f))
	}
	return out
}

// A text has one vector, of length 1, on every endpoint and in both encodings.
func TestEmbeddings(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	const said = "hello, vectors"
	ask := func(body string) map[string]any {
		t.Helper()
		r := post(t, s, "/openai/v1/embeddings", body)
		if r.status != 200 {
			t.Fatalf("%s = %d %s, want 200", body, r.status, r.body)
		}
		return decode(t, r.body)
	}
	plain := ask(`{"model":"text-embedding-3-small","input":"` + said + `"}`)
	want := numbers(object(list(plain["data"])[0])["embedding"])
	sum := 0.0
	for _, f := range want {
		sum += float64(f) * float64(f)
	}
	if len(want) != 1536 || math.Abs(sum-1) > 1e-4 {
		t.Errorf("the vector has %d numbers and the length² %v, want 1536 and 1", len(want), sum)
	}
	if got := fmt.Sprint(plain["usage"]); got != "map[prompt_tokens:4 total_tokens:4]" {
		t.Errorf("usage = %s, want 4 tokens", got)
	}
	packed := object(list(ask(`{"model":"text-embedding-3-small","input":["` + said + `"],"encoding_format":"base64"}`)["data"])[0])["embedding"]
	raw, err := base64.StdEncoding.DecodeString(text(packed))
	if err != nil || len(raw) != 4*len(want) {
		t.Fatalf("the base64 form has %d bytes (%v), want %d", len(raw), err, 4*len(want))
	}
	for i := range want {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])); got != want[i] {
			t.Fatalf("number %d is %v in base64 and %v as JSON", i, got, want[i])
		}
	}
	for input, n := range map[string]int{`[1,2,3]`: 1, `[[1,2],[3]]`: 2, `["a","b","c"]`: 3} {
		all := list(ask(`{"model":"text-embedding-3-large","dimensions":8,"input":` + input + `}`)["data"])
		if len(all) != n || len(numbers(object(all[n-1])["embedding"])) != 8 || number(object(all[n-1])["index"]) != n-1 {
			t.Errorf("input %s gives %v, want %d vectors of 8", input, all, n)
		}
	}
	google := "/google/v1beta/models/gemini-embedding-001:"
	one := decode(t, post(t, s, google+"embedContent", `{"content":{"parts":[{"text":"`+said+`"}]},"output_dimensionality":1536}`).body)
	many := decode(t, post(t, s, google+"batchEmbedContents", `{"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"x"}]}},
		{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"`+said+`"}]},"outputDimensionality":1536}]}`).body)
	for name, got := range map[string][]float32{"embedContent": numbers(object(one["embedding"])["values"]), "batchEmbedContents": numbers(object(list(many["embeddings"])[1])["values"])} {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s has another vector than OpenAI's endpoint: %d numbers", name, len(got))
		}
	}
	if rows := s.Log(); rows[0].Prompt != 4 || rows[0].Completion != 0 {
		t.Errorf("the log has %+v, want 4 prompt tokens", rows[0])
	}
}

func TestEmbeddingsRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	openai, google := "/openai/v1/embeddings", "/google/v1beta/models/gemini-embedding-001:"
	for _, tt := range []struct {
		name, path, body string
		wantStatus       int
		want             string
	}{
		{"no input", openai, `{"model":"text-embedding-3-small"}`, 400, `"param":"input"`},
		{"empty text", openai, `{"model":"text-embedding-3-small","input":""}`, 400, `'$.input' is invalid`},
		{"empty list", openai, `{"model":"text-embedding-3-small","input":[]}`, 400, `'$.input' is invalid`},
		{"an object", openai, `{"model":"text-embedding-3-small","input":[{}]}`, 400, `'$.input' is invalid`},
		{"unknown member", openai, `{"model":"text-embedding-3-small","input":"a","metadata":{}}`, 400, `Unrecognized request argument supplied: metadata`},
		{"encoding", openai, `{"model":"text-embedding-3-small","input":"a","encoding_format":"hex"}`, 400, `"param":"encoding_format"`},
		{"dimensions of ada", openai, `{"model":"text-embedding-ada-002","input":"a","dimensions":8}`, 400, `does not support specifying dimensions`},
		{"a chat model", openai, `{"model":"gpt-4o","input":"a"}`, 403, `You are not allowed to generate embeddings`},
		{"unknown model", openai, `{"model":"nope","input":"a"}`, 404, `"code":"model_not_found"`},
		{"chat with an embedding model", "/openai/v1/chat/completions", `{"model":"text-embedding-3-small","messages":[{"role":"user","content":"a"}]}`, 404, `not a chat model`},
		{"fault", openai, `{"model":"text-embedding-3-small","input":"[[simulate status=429]] a"}`, 429, `"error"`},
		{"google: no content", google + "embedContent", `{}`, 400, `content is empty`},
		{"google: unknown member", google + "embedContent", `{"contents":[]}`, 400, `Unknown name \"contents\"`},
		{"google: another model in a batch", google + "batchEmbedContents", `{"requests":[{"model":"models/x","content":{"parts":[{"text":"a"}]}}]}`, 400, `must match`},
		{"google: empty batch", google + "batchEmbedContents", `{"requests":[]}`, 400, `at least one`},
		{"google: a chat model", "/google/v1beta/models/gemini-2.5-pro:embedContent", `{"content":{"parts":[{"text":"a"}]}}`, 404, `not supported for embedContent`},
		{"google: text of an embedding model", google + "generateContent", `{"contents":[{"parts":[{"text":"a"}]}]}`, 404, `not supported for generateContent`},
	} {
		if r := post(t, s, tt.path, tt.body); r.status != tt.wantStatus || !strings.Contains(r.body, tt.want) {
			t.Errorf("%s: %s = %d %s, want %d with %s", tt.name, tt.body, r.status, r.body, tt.wantStatus, tt.want)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	messages, responses, google := "/anthropic/v1/messages/count_tokens", "/openai/v1/responses/input_tokens", "/google/v1beta/models/gemini-2.5-pro:countTokens"
	for _, tt := range []struct {
		name, path, body string
		wantStatus       int
		want             string
	}{
		{"messages", messages, `{"model":"claude-sonnet-4-6","system":"1234","messages":[{"role":"user","content":"12345678"}]}`, 200, `{"input_tokens":3}`},
		{"messages: no max_tokens", messages, `{"model":"claude-sonnet-4-6","max_tokens":1,"messages":[{"role":"user","content":"a"}]}`, 400, `max_tokens: Extra inputs`},
		{"messages: no stream", messages, `{"model":"claude-sonnet-4-6","stream":true,"messages":[{"role":"user","content":"a"}]}`, 400, `stream: Extra inputs`},
		{"messages: unknown model", messages, `{"model":"x","messages":[{"role":"user","content":"a"}]}`, 404, `model: x`},
		{"responses", responses, `{"model":"gpt-5","instructions":"1234","input":"12345678"}`, 200, `{"input_tokens":3,"object":"response.input_tokens"}`},
		{"responses: no stream", responses, `{"model":"gpt-5","input":"a","stream":true}`, 400, `"param":"stream"`},
		{"google: contents", google, `{"contents":[{"role":"user","parts":[{"text":"12345678"}]}]}`, 200, `{"totalTokens":2,"promptTokensDetails":[{"modality":"TEXT","tokenCount":2}]}`},
		{"google: a request", google, `{"generateContentRequest":{"model":"models/gemini-2.5-pro","systemInstruction":{"parts":[{"text":"1234"}]},"contents":[{"role":"user","parts":[{"text":"12345678"}]}]}}`, 200, `"totalTokens":3`},
		{"google: a request without a model", google, `{"generateContentRequest":{"contents":[{"role":"user","parts":[{"text":"a"}]}]}}`, 400, `must match`},
		{"google: system instruction beside", google, `{"contents":[{"parts":[{"text":"a"}]}],"systemInstruction":{"parts":[{"text":"a"}]}}`, 400, `Unknown name \"systemInstruction\"`},
	} {
		if r := post(t, s, tt.path, tt.body); r.status != tt.wantStatus || !strings.Contains(r.body, tt.want) {
			t.Errorf("%s: %s = %d %s, want %d with %s", tt.name, tt.body, r.status, r.body, tt.wantStatus, tt.want)
		}
	}
	for _, row := range s.Log() {
		if row.Prompt+row.Completion != 0 {
			t.Errorf("counting cost %+v, want nothing", row)
		}
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for path, want := range map[string]string{
		"/anthropic/v1/models/claude-sonnet-4-6":   `{"type":"model","id":"claude-sonnet-4-6"`,
		"/anthropic/v1/models/x":                   `"type":"not_found_error","message":"model: x"`,
		"/google/v1beta/models/gemini-2.5-pro":     `"name":"models/gemini-2.5-pro"`,
		"/google/v1beta/models/x":                  `"status":"NOT_FOUND"`,
		"/google/v1beta/models":                    `"supportedGenerationMethods":["embedContent","batchEmbedContents","countTokens"]`,
		"/openai/v1/models/text-embedding-3-small": `"id":"text-embedding-3-small"`,
	} {
		if r := do(t, context.Background(), s, http.MethodGet, path, "", key); !strings.Contains(r.body, want) {
			t.Errorf("GET %s = %d %s, want %s in it", path, r.status, r.body, want)
		}
	}
}
