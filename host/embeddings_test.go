package host

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// embeddingModels is one of each provider, and the length of its vectors.
var embeddingModels = []struct {
	name, model string
	dimensions  int
}{
	{"openai", "text-embedding-3-small", 1536},
	{"google", "gemini-embedding-001", 3072},
}

func TestEmbeddingsOpenAIGo(t *testing.T) {
	g := sharedGateway(t)
	client := openAIClient(g, g.key)
	for _, tt := range embeddingModels {
		t.Run(tt.name, func(t *testing.T) {
			one, err := client.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
				Model: tt.model, Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("hello, vectors")},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(one.Data) != 1 || len(one.Data[0].Embedding) != tt.dimensions || one.Model != tt.model || one.Usage.PromptTokens <= 0 || one.Usage.TotalTokens != one.Usage.PromptTokens {
				t.Fatalf("%d vectors of %d numbers from %q, usage %+v, want one of %d from %s", len(one.Data), len(one.Data[0].Embedding), one.Model, one.Usage, tt.dimensions, tt.model)
			}
			sum := 0.0
			for _, v := range one.Data[0].Embedding {
				sum += v * v
			}
			if math.Abs(sum-1) > 1e-3 {
				t.Errorf("the vector's length² is %v, want 1", sum)
			}
			many, err := client.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
				Model: tt.model, Dimensions: openai.Int(256),
				Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"first", "second", "third"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(many.Data) != 3 {
				t.Fatalf("%d vectors of three texts", len(many.Data))
			}
			for i, row := range many.Data {
				if int(row.Index) != i || len(row.Embedding) != 256 || row.Object != "embedding" {
					t.Errorf("row %d = index %d with %d numbers, want 256", i, row.Index, len(row.Embedding))
				}
			}
			if fmt.Sprint(many.Data[0].Embedding) == fmt.Sprint(many.Data[1].Embedding) {
				t.Error("two texts have one vector")
			}
		})
	}
}

// Both encodings say the same numbers, whether the provider has both or not.
func TestEmbeddingsBase64(t *testing.T) {
	g := sharedGateway(t)
	for _, tt := range embeddingModels {
		t.Run(tt.name, func(t *testing.T) {
			ask := func(format string) json.RawMessage {
				body := map[string]any{"model": tt.model, "input": []string{"a", "hello, vectors"}}
				if format != "" {
					body["encoding_format"] = format
				}
				a := g.do(http.MethodPost, "/v1/embeddings", body)
				var list struct {
					Data []struct{ Embedding json.RawMessage }
				}
				if err := json.Unmarshal(a.Body, &list); err != nil || a.Status != 200 || len(list.Data) != 2 {
					t.Fatalf("encoding %q = %d %.300s", format, a.Status, a.Body)
				}
				return list.Data[1].Embedding
			}
			var floats []float32
			if err := json.Unmarshal(ask(""), &floats); err != nil {
				t.Fatalf("the default encoding: %v", err)
			}
			var packed string
			if err := json.Unmarshal(ask("base64"), &packed); err != nil {
				t.Fatalf("base64: %v", err)
			}
			raw, err := base64.StdEncoding.DecodeString(packed)
			if err != nil || len(raw) != 4*tt.dimensions {
				t.Fatalf("base64 of %d bytes (%v), want %d", len(raw), err, 4*tt.dimensions)
			}
			for i, want := range floats {
				if got := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])); got != want {
					t.Fatalf("number %d = %v in base64, want %v", i, got, want)
				}
			}
		})
	}
}

// A batch whose vectors, written as numbers, would be more than a provider's answer may be.
func TestEmbeddingsLargeBatch(t *testing.T) {
	g := sharedGateway(t)
	const many = 1000
	body := map[string]any{"model": "text-embedding-3-small", "input": slices.Repeat([]string{"a"}, many)}
	a := g.do(http.MethodPost, "/v1/embeddings", body)
	if rows := strings.Count(string(a.Body), `"object":"embedding"`); a.Status != 200 || rows != many || len(a.Body) < 10<<20 {
		t.Errorf("= %d with %d rows in %d bytes, want %d: %.200s", a.Status, rows, len(a.Body), many, a.Body)
	}
}

// Each attempt has one row, priced by what went in.
func TestEmbeddingsAreMetered(t *testing.T) {
	g := sharedGateway(t)
	for _, tt := range []struct {
		model     string
		nano      float64 // a token
		estimated string
	}{
		{"text-embedding-3-small", 20, "false"},
		{"text-embedding-3-large", 130, "false"},
		{"gemini-embedding-001", 150, "true"}, // its answer has no usage
		{"gemini-embedding-2", 200, "true"},
	} {
		t.Run(tt.model, func(t *testing.T) {
			a := g.do(http.MethodPost, "/v1/embeddings", map[string]any{"model": tt.model, "input": strings.Repeat("words ", 100)})
			if a.Status != 200 || a.Header.Get("x-pointsman-model") != tt.model || a.Header.Get("x-pointsman-attempts") != "1" {
				t.Fatalf("= %d %v %.200s", a.Status, a.Header, a.Body)
			}
			row := usageOf(t, g, a.Header.Get("x-request-id"))
			want := fmt.Sprint(int64(150 * tt.nano))
			if got := row.field(t, "data", "tokens", "prompt"); got != "150" {
				t.Errorf("%s tokens, want 150", got)
			}
			if got := row.field(t, "data", "cost_nano_usd"); got != want {
				t.Errorf("it costs %s, want %s", got, want)
			}
			if got := row.field(t, "data", "tokens", "completion") + row.field(t, "data", "premium_requests"); got != "00" {
				t.Errorf("output and premium requests = %s, want 0 and 0", got)
			}
			if got := row.field(t, "data", "outcome") + " " + row.field(t, "data", "estimated"); got != "ok "+tt.estimated {
				t.Errorf("outcome, estimated = %s, want ok %s", got, tt.estimated)
			}
		})
	}
}

func TestEmbeddingsRefusals(t *testing.T) {
	g := startGateway(t)
	for _, tt := range []struct {
		name, model, text string
		wantStatus        int
		wantCode, want    string
	}{
		{"auto", "auto", "hi", 400, "invalid_request", "text-embedding-3-small"},
		{"a chat model", "gpt-4o", "hi", 400, "invalid_request", "does not make embeddings"},
		{"an unknown model", "text-embedding-9", "hi", 404, "model_not_found", "text-embedding-3"},
		{"an overloaded provider", "gemini-embedding-001", "[[simulate provider=google status=503]] hi", 503, "upstream_overloaded", "google"},
		{"a provider that limits", "text-embedding-3-small", "[[simulate provider=openai status=429 retry_after=3]] hi", 429, "rate_limit_exceeded", "openai"},
		{"dimensions of a model that has none", "text-embedding-ada-002", "hi", 400, "invalid_request", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := openai.NewClient(option.WithBaseURL(g.URL()+"/v1"), option.WithAPIKey(g.key), option.WithMaxRetries(0))
			params := openai.EmbeddingNewParams{Model: tt.model, Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String(tt.text)}}
			if tt.model == "text-embedding-ada-002" {
				params.Dimensions = openai.Int(8)
			}
			_, err := client.Embeddings.New(t.Context(), params)
			var e *openai.Error
			if !errors.As(err, &e) || e.StatusCode != tt.wantStatus || e.Code != tt.wantCode || !strings.Contains(e.Message, tt.want) {
				t.Errorf("= %v, want %d %s with %q", err, tt.wantStatus, tt.wantCode, tt.want)
			}
			if e != nil && e.Response.Header.Get("x-pointsman-model") != "" {
				t.Errorf("another model served it: %s", e.Response.Header.Get("x-pointsman-model"))
			}
		})
	}
	if a := g.chat("text-embedding-3-small", "hi"); a.Status != 400 || !strings.Contains(string(a.Body), "lacks_capability (chat)") {
		t.Errorf("a chat with an embedding model = %d %s, want 400 and why", a.Status, a.Body)
	}
	list := g.do(http.MethodGet, "/v1/models/gemini-embedding-001", nil)
	if kind := list.field(t, "kind"); kind != "embeddings" {
		t.Errorf("gemini-embedding-001 is of kind %q, want embeddings", kind)
	}
}
