package engine

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

func TestParseEmbeddings(t *testing.T) {
	t.Parallel()
	long := `["` + strings.Repeat(`a","`, MaxEmbeddingInputs) + `a"]`
	for _, tt := range []struct {
		name, body string
		wantParam  string // "-": accepted
		want       string // in the message
	}{
		{"a text", `{"model":"m","input":"hello"}`, "-", ""},
		{"texts", `{"model":"m","input":["a","b"]}`, "-", ""},
		{"token numbers", `{"model":"m","input":[1,2,3]}`, "-", ""},
		{"lists of token numbers", `{"model":"m","input":[[1],[2,3]]}`, "-", ""},
		{"every option", `{"model":"m","input":"a","dimensions":8,"encoding_format":"base64","user":"u","metadata":{"strict":"true"}}`, "-", ""},
		{"null is absent", `{"model":"m","input":"a","dimensions":null,"user":null}`, "-", ""},
		{"a member that we do not know", `{"model":"m","input":"a","task":"query"}`, "-", ""},
		{"no object", `[]`, "", "must be a JSON object"},
		{"no JSON", `{`, "", "line 1"},
		{"no model", `{"input":"a"}`, "model", "is required"},
		{"a model of blanks", `{"model":" ","input":"a"}`, "model", "must not be empty"},
		{"no input", `{"model":"m"}`, "input", "is required"},
		{"null", `{"model":"m","input":null}`, "input", "is required"},
		{"an empty text", `{"model":"m","input":""}`, "input", "must not be empty"},
		{"an empty list", `{"model":"m","input":[]}`, "input", "must not be empty"},
		{"an empty text among others", `{"model":"m","input":["a",""]}`, "input[1]", "must not be empty"},
		{"no token numbers", `{"model":"m","input":[[1],[]]}`, "input[1]", "must not be empty"},
		{"a number", `{"model":"m","input":7}`, "input", "not a number"},
		{"an object in the list", `{"model":"m","input":[{}]}`, "input[0]", "must be a string, a token number or an array"},
		{"mixed", `{"model":"m","input":["a",1]}`, "input[1]", "must be a string"},
		{"token numbers and text", `{"model":"m","input":[1,"a"]}`, "input[1]", "must be a number"},
		{"a fraction", `{"model":"m","input":[1.5]}`, "input[0]", "whole number"},
		{"a negative token", `{"model":"m","input":[[-1]]}`, "input[0][0]", "must be at least 0"},
		{"too many", `{"model":"m","input":` + long + `}`, "input", "at most 2048 inputs"},
		{"no dimensions", `{"model":"m","input":"a","dimensions":0}`, "dimensions", "must be between"},
		{"another encoding", `{"model":"m","input":"a","encoding_format":"hex"}`, "encoding_format", "'float', 'base64'"},
		{"a user of no text", `{"model":"m","input":"a","user":1}`, "user", "must be a string"},
		{"metadata", `{"model":"m","input":"a","metadata":{"strict":true}}`, "metadata.strict", "must be a string"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseEmbeddings([]byte(tt.body))
			if tt.wantParam == "-" {
				if err != nil {
					t.Errorf("ParseEmbeddings(%s) = %v, want nil", tt.body, err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Param != tt.wantParam || !strings.Contains(e.Message, tt.want) {
				t.Errorf("ParseEmbeddings(%s) = %v, want %q of %q", tt.body, err, tt.want, tt.wantParam)
			}
		})
	}
}

func FuzzParseEmbeddings(f *testing.F) {
	f.Add([]byte(`{"model":"m","input":["a"],"dimensions":3}`))
	f.Add([]byte(`{"model":"m","input":[[1,2],[3]]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := ParseEmbeddings(b)
		if err != nil {
			return
		}
		if n := embeddingInputs(doc.Root()); n < 1 || n > MaxEmbeddingInputs {
			t.Errorf("%q has %d inputs", b, n)
		}
		if got := embeddingFeatures(doc, Hints{}); got.Tokens < 1 {
			t.Errorf("%q has %d tokens", b, got.Tokens)
		}
	})
}

// embeddingCatalogue adds an embedding model to each provider: e-a on a, e-b on b …
func embeddingCatalogue(providers ...string) *Catalogue {
	var models []Model
	var rows []Provider
	var prices []Price
	for _, p := range providers {
		rows = append(rows, Provider{ID: p, Adapter: p, Enabled: true})
		models = append(models,
			Model{ID: "m-" + p, ProviderID: p, UpstreamID: "up-" + p, API: APIChat, PremiumCenti: 33, Enabled: true, Fallbacks: []string{"e-b"}},
			Model{ID: "e-" + p, ProviderID: p, UpstreamID: "vec-" + p, API: APIEmbeddings, Capabilities: []Capability{CapEmbeddings},
				ContextWindow: 4, Enabled: true, Fallbacks: []string{"e-b", "m-b"}})
		for _, up := range []string{"up-", "vec-"} {
			prices = append(prices, Price{ProviderID: p, UpstreamID: up + p, Input: promptPrice * 1e6, Output: completionPrice * 1e6})
		}
	}
	return NewCatalogue(models, rows, prices)
}

func embeddingRequest(t testing.TB, body string) *Request {
	t.Helper()
	doc, err := ParseEmbeddings([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRequest(doc, Arrival{Operation: abi.OperationEmbeddings, ID: "req-1", Principal: Principal{AccountID: "acme"}, Received: rigTime})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// vectors is a provider that answers with these rows.
func vectors(rows, usage string) *script {
	return &script{body: `{"object":"list","data":[` + rows + `],"model":"vec"` + usage + `}`}
}

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	const usage = `,"usage":{"prompt_tokens":7,"total_tokens":7}`
	packed := base64.StdEncoding.EncodeToString(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.5)), math.Float32bits(-2)))
	for _, tt := range []struct {
		name, model, input, more string
		a                        *script
		want                     string // the body; "": an error
		wantCode                 Code
		wantPrompt               int64
		wantEstimated            bool
	}{
		{name: "floats keep their spelling", input: `"hello"`, a: vectors(`{"index":0,"embedding":[0.50,-2e0]}`, usage), wantPrompt: 7,
			want: `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.50,-2e0]}],"model":"e-a","usage":{"prompt_tokens":7,"total_tokens":7}}`},
		{name: "the caller's name of the model", model: "a/vec-a", input: `"hello"`, a: vectors(`{"index":0,"embedding":[1]}`, usage), wantPrompt: 7,
			want: `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]}],"model":"a/vec-a","usage":{"prompt_tokens":7,"total_tokens":7}}`},
		{name: "floats for base64", input: `"hello"`, more: `,"encoding_format":"base64"`, a: vectors(`{"index":0,"embedding":[0.5,-2]}`, usage), wantPrompt: 7,
			want: `{"object":"list","data":[{"object":"embedding","index":0,"embedding":"` + packed + `"}],"model":"e-a","usage":{"prompt_tokens":7,"total_tokens":7}}`},
		{name: "base64 as it comes", input: `"hello"`, more: `,"encoding_format":"base64"`, a: vectors(`{"index":0,"embedding":"`+packed+`"}`, usage), wantPrompt: 7,
			want: `{"object":"list","data":[{"object":"embedding","index":0,"embedding":"` + packed + `"}],"model":"e-a","usage":{"prompt_tokens":7,"total_tokens":7}}`},
		{name: "base64 for floats", input: `"hello"`, a: vectors(`{"index":0,"embedding":"`+packed+`"}`, usage), wantPrompt: 7,
			want: `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-2]}],"model":"e-a","usage":{"prompt_tokens":7,"total_tokens":7}}`},
		{name: "rows out of order, usage missing", input: `["abcdefgh","b"]`, a: vectors(`{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}`, ``), wantPrompt: 3, wantEstimated: true,
			want: `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]},{"object":"embedding","index":1,"embedding":[2]}],"model":"e-a","usage":{"prompt_tokens":3,"total_tokens":3}}`},
		{name: "rows without index, token numbers", input: `[[1,2,3],[4]]`, a: vectors(`{"embedding":[1]},{"embedding":[2]}`, ``), wantPrompt: 4, wantEstimated: true,
			want: `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]},{"object":"embedding","index":1,"embedding":[2]}],"model":"e-a","usage":{"prompt_tokens":4,"total_tokens":4}}`},
		{name: "token numbers are one input", input: `[1,2,3,4,5]`, a: vectors(`{"index":0,"embedding":[1]}`, `,"usage":{"prompt_tokens":0,"total_tokens":0}`), wantPrompt: 0,
			want: `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]}],"model":"e-a","usage":{"prompt_tokens":0,"total_tokens":0}}`},
		{name: "longer than the window is the provider's to say", input: `"` + strings.Repeat("word ", 100) + `"`, a: vectors(`{"index":0,"embedding":[1]}`, usage), wantPrompt: 7,
			want: `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]}],"model":"e-a","usage":{"prompt_tokens":7,"total_tokens":7}}`},

		{name: "a row too few", input: `["a","b"]`, a: vectors(`{"index":0,"embedding":[1]}`, usage), wantCode: CodeUpstreamFailed, wantPrompt: 7},
		{name: "one index twice", input: `["a","b"]`, a: vectors(`{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}`, usage), wantCode: CodeUpstreamFailed, wantPrompt: 7},
		{name: "an index beyond", input: `["a","b"]`, a: vectors(`{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}`, usage), wantCode: CodeUpstreamFailed, wantPrompt: 7},
		{name: "an index that is text", input: `"a"`, a: vectors(`{"index":"0","embedding":[1]}`, usage), wantCode: CodeUpstreamFailed, wantPrompt: 7},
		{name: "no vector", input: `"a"`, a: vectors(`{"index":0}`, usage), wantCode: CodeUpstreamFailed, wantPrompt: 7},
		{name: "an empty vector", input: `"a"`, a: vectors(`{"index":0,"embedding":[]}`, usage), wantCode: CodeUpstreamFailed, wantPrompt: 7},
		{name: "a vector of text", input: `"a"`, a: vectors(`{"index":0,"embedding":[1,"2"]}`, usage), wantCode: CodeUpstreamFailed, wantPrompt: 7},
		{name: "a number too large", input: `"a"`, a: vectors(`{"index":0,"embedding":[1e300]}`, usage), wantCode: CodeUpstreamFailed, wantPrompt: 7},
		{name: "not a number in base64", input: `"a"`, a: vectors(`{"index":0,"embedding":"AADAfw=="}`, usage), wantCode: CodeUpstreamFailed, wantPrompt: 7},
		{name: "base64 of no floats", input: `"a"`, a: vectors(`{"index":0,"embedding":"AAA="}`, usage), wantCode: CodeUpstreamFailed, wantPrompt: 7},
		{name: "base64 that is none", input: `"a"`, more: `,"encoding_format":"base64"`, a: vectors(`{"index":0,"embedding":"AAA"}`, usage), wantCode: CodeUpstreamFailed, wantPrompt: 7},
		{name: "no rows", input: `"a"`, a: &script{body: `{}`}, wantCode: CodeUpstreamFailed, wantPrompt: 1, wantEstimated: true},
		{name: "no answer", input: `"a"`, a: &script{body: `[]`}, wantCode: CodeUpstreamFailed},
		{name: "an error", input: `"a"`, a: &script{status: 400}, wantCode: CodeInvalid},
		{name: "no such operation", input: `"a"`, a: &script{request: func(context.Context) (AdapterRequest, error) {
			return AdapterRequest{}, Errorf(CodeInvalid, "the adapter has no operation 'embeddings'")
		}}, wantCode: CodeInvalid},
		{name: "auto", model: "auto", input: `"a"`, a: vectors(``, ``), wantCode: CodeInvalid, wantPrompt: -1},
		{name: "a chat model", model: "m-a", input: `"a"`, a: vectors(``, ``), wantCode: CodeInvalid, wantPrompt: -1},
		{name: "an unknown model", model: "nope", input: `"a"`, a: vectors(``, ``), wantCode: CodeModelNotFound, wantPrompt: -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": tt.a, "b": vectors(`{"index":0,"embedding":[9]}`, usage)})
			g.catalogue.Store(embeddingCatalogue("a", "b"))
			model := tt.model
			if model == "" {
				model = "e-a"
			}
			got, err := g.Complete(t.Context(), embeddingRequest(t, `{"model":"`+model+`","input":`+tt.input+tt.more+`}`))
			g.closed(t)
			if string(got.Body) != tt.want || CodeOf(err) != tt.wantCode {
				t.Errorf("= %s, %v, want %s, %s", got.Body, err, tt.want, tt.wantCode)
			}
			rows := g.ledger.all()
			if tt.wantPrompt < 0 {
				if len(rows) != 0 {
					t.Errorf("%d rows, want none", len(rows))
				}
				return
			}
			// One attempt, and never another model: its vectors could not be compared.
			if len(rows) != 1 {
				t.Fatalf("%d rows, want 1: %+v", len(rows), rows)
			}
			if u := rows[0]; u.Tokens != (Tokens{Prompt: tt.wantPrompt}) || u.CostNanoUSD != tt.wantPrompt*promptPrice || u.Estimated != tt.wantEstimated || u.PremiumUse != 0 || u.ModelID != "e-a" {
				t.Errorf("row = %+v, want %d prompt tokens (estimated %v)", u, tt.wantPrompt, tt.wantEstimated)
			}
		})
	}
}

// Providers are asked for packed vectors, and the body is the caller's otherwise.
func TestCanonicalEmbeddings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{"unsaid", `{"model":"m", "input":"a" }`, `{"model":"m", "input":"a" ,"encoding_format":"base64"}`},
		{"floats", `{"encoding_format": "float" ,"model":"m","input":[1]}`, `{"encoding_format": "base64" ,"model":"m","input":[1]}`},
		{"null", `{"model":"m","input":"a","encoding_format":null}`, `{"model":"m","input":"a","encoding_format":"base64"}`},
		{"base64", `{"model":"m","input":"a","encoding_format":"base64"}`, `{"model":"m","input":"a","encoding_format":"base64"}`},
	} {
		r := embeddingRequest(t, tt.body)
		made := r.canonical()
		if got := string(made.Bytes()); got != tt.want {
			t.Errorf("%s: %s becomes %s, want %s", tt.name, tt.body, got, tt.want)
		}
		if r.canonical() != made {
			t.Errorf("%s: it is made again for another attempt", tt.name)
		}
		if string(r.Doc.Bytes()) != tt.body {
			t.Errorf("%s: the caller's body has become %s", tt.name, r.Doc.Bytes())
		}
	}
	chat := rigRequest(t, "")
	if chat.canonical() != chat.Doc {
		t.Error("a chat's document is another")
	}
}

// A list of floats and its packed form say the same, both ways.
func FuzzVector(f *testing.F) {
	f.Add([]byte{0, 0, 0, 63, 0, 0, 0, 192})
	f.Add([]byte{1, 0, 0, 0, 255, 255, 127, 127})
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, why := appendFloats(nil, raw[:len(raw)/4*4])
		if why != "" || len(raw) < 4 {
			return
		}
		doc, err := document.Parse(list, document.Limits{})
		if err != nil {
			t.Fatalf("%x becomes %s: %v", raw, list, err)
		}
		packed, why := appendVector(nil, doc.Root(), true)
		if want := `"` + base64.StdEncoding.EncodeToString(raw[:len(raw)/4*4]) + `"`; why != "" || string(packed) != want {
			t.Errorf("%s becomes %s (%s), want %s", list, packed, why, want)
		}
	})
}

// Whoever asks for the wrong thing is told what there is.
func TestEmbeddingsNamesTheModels(t *testing.T) {
	t.Parallel()
	g := newRig(t, map[string]*script{"a": {}, "b": {}})
	g.catalogue.Store(embeddingCatalogue("a", "b"))
	for _, model := range []string{"auto", "m-a"} {
		_, err := g.Complete(t.Context(), embeddingRequest(t, `{"model":"`+model+`","input":"a"}`))
		var e *Error
		if !errors.As(err, &e) || e.Param != "model" || !strings.Contains(e.Message, "e-a, e-b.") || strings.Contains(e.Message, "m-b") {
			t.Errorf("Complete(%s) = %v, want the embedding models named", model, err)
		}
	}
}

// A model that makes embeddings serves no chat, whoever asks it to.
func TestEmbeddingModelsServeNoChat(t *testing.T) {
	t.Parallel()
	g := newRig(t, map[string]*script{"a": works("from a"), "b": works("from b")})
	g.catalogue.Store(embeddingCatalogue("a", "b"))
	g.decide = func(context.Context, *Request) (Decision, error) {
		return Decision{Source: "rule", Models: []string{"e-a", "m-b"}, Only: true}, nil
	}
	r := rigRequest(t, "")
	text, meta, err := g.run(t, t.Context(), r, false)
	if err != nil || text != "from b" || !strings.Contains(meta.Decision, "e-a lacks_capability (chat)") {
		t.Errorf("= %q, %v, %q, want b's answer and e-a skipped", text, err, meta.Decision)
	}
	for m := range r.UsableModels() {
		if m.Has(CapEmbeddings) {
			t.Errorf("rules may choose %s for a chat", m.ID)
		}
	}
}

// What other credentials may help with is asked again, of the same model.
func TestEmbeddingsTriesAnotherKey(t *testing.T) {
	t.Parallel()
	var keys []string
	g := newRig(t, map[string]*script{"a": {status: 429, onSend: func(r *UpstreamRequest) { keys = append(keys, r.Credential+" for "+r.Provider.ID) }}, "b": {}})
	c := embeddingCatalogue("a", "b")
	providers := c.Providers("")
	providers[0].Credentials = []Credential{{ID: "k1", Weight: 1, Enabled: true}, {ID: "k2", Weight: 1, Enabled: true}}
	g.catalogue.Store(NewCatalogue(c.Models(""), providers, []Price{{ProviderID: "a", UpstreamID: "vec-a", Input: 1e9}}))
	_, err := g.Complete(t.Context(), embeddingRequest(t, `{"model":"e-a","input":"a"}`))
	if CodeOf(err) != CodeRateLimited || len(keys) != 2 || keys[0] == keys[1] || len(g.ledger.all()) != 2 {
		t.Errorf("= %v after asking with %v, want both keys of a", err, keys)
	}
}

func BenchmarkEmbeddingsRepack(b *testing.B) {
	var row strings.Builder
	for i := range 1536 {
		fmt.Fprintf(&row, "%s%.9f", map[bool]string{true: ","}[i > 0], math.Sin(float64(i)))
	}
	doc, err := document.Parse([]byte(`[`+row.String()+`]`), document.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		if out, _ = appendVector(out[:0], doc.Root(), true); len(out) == 0 || doc.Root().Kind() != abi.KindArray {
			b.Fatal("nothing")
		}
	}
}
