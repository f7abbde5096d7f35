package google_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/google"
	"github.com/pointsman/pointsman/sdk/abi"
)

func call(operation string) string {
	return `{"operation":"` + operation + `","target":{"upstream_id":"gemini-embedding-001"}}`
}

func TestEmbeddingsRequest(t *testing.T) {
	const one = `{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a\""}]}`
	tests := []struct {
		name, body, wantPath, want string
		wantLossy                  []string
	}{
		{"one text", `{"model":"m","input":"a\"","encoding_format":"float"}`, "embedContent", one + `}`, nil},
		{"a list of one", `{"input":["a\""],"dimensions":256,"user":"u"}`, "embedContent", one + `,"outputDimensionality":256}`, []string{"user"}},
		{"several texts", `{"input":["a\"","b"],"dimensions":8}`, "batchEmbedContents", `{"requests":[` + one + `,"outputDimensionality":8},{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"b"}]},"outputDimensionality":8}]}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Call(t, google.Adapter{}, call("embeddings"), tt.body)
			if got.Failed || got.Output != tt.want || !slices.Equal(got.Lossy, tt.wantLossy) {
				t.Errorf("Request(%s) = %s %s, loses %q, want %s and %q", tt.body, got.Output, got.Message, got.Lossy, tt.want, tt.wantLossy)
			}
			if want := "/v1beta/models/gemini-embedding-001:" + tt.wantPath; got.Path != want {
				t.Errorf("path = %q, want %q", got.Path, want)
			}
		})
	}
}

func TestEmbeddingsRequestRefuses(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"input":null}`, `{"input":""}`, `{"input":[]}`, `{"input":["a",""]}`, `{"input":[1,2]}`, `{"input":[[1],[2]]}`, `{"input":7}`,
		`{"input":[` + strings.Repeat(`"a",`, 100) + `"a"]}`,
	} {
		got := adaptertest.Call(t, google.Adapter{}, call("embeddings"), body)
		if !got.Failed || !strings.HasPrefix(got.Message, "input: ") {
			t.Errorf("Request(%.80s) = %q, failed %v, want a refusal that names input", body, got.Message, got.Failed)
		}
	}
}

func TestEmbeddingsResponse(t *testing.T) {
	const head, model = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":`, `,"model":"gemini-embedding-001"`
	tests := []struct{ name, body, want string }{
		{"one", `{"embedding":{"values":[0.1,-2e-3]}}`, head + `[0.1,-2e-3]}]` + model + `}`},
		{
			"several, counted", `{"embeddings":[{"values":[1]},{"values":[2],"shape":[1]}],"usageMetadata":{"promptTokenCount":5}}`,
			head + `[1]},{"object":"embedding","index":1,"embedding":[2]}]` + model + `,"usage":{"prompt_tokens":5,"total_tokens":5}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{Call: call("embeddings")}, tt.body)
			if got.Failed || got.Output != tt.want {
				t.Errorf("Response(%s) = %s %s, want %s", tt.body, got.Output, got.Message, tt.want)
			}
		})
	}
	for _, body := range []string{`{}`, `{"embeddings":[]}`, `{"embedding":{"values":[]}}`, `<html>`} {
		got := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{Call: call("embeddings")}, body)
		if !got.Failed || got.Class != abi.ClassServer {
			t.Errorf("Response(%s) = %s, class %d, want a failure of the server", body, got.Output, got.Class)
		}
	}
}

// A hundred embeddings of the largest size keep within the limits of a call.
func TestEmbeddingsKeepWithinLimits(t *testing.T) {
	vector := `{"values":[` + strings.Repeat("0.123456789,", 3071) + `-0.123456789]}`
	body := `{"embeddings":[` + strings.Repeat(vector+",", 99) + vector + `]}`
	got := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{Call: call("embeddings")}, body)
	if got.Failed || strings.Count(got.Output, `"index":`) != 100 {
		t.Errorf("Response of 100 embeddings = failure %q", got.Message)
	}
}

func TestCountTokens(t *testing.T) {
	body := `{"temperature":1.2,"logit_bias":{"1":2},"max_tokens":9,"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f"}}]}`
	const want = `{"generateContentRequest":{"model":"models/gemini-embedding-001","contents":[{"role":"user","parts":[{"text":"a"}]}],"systemInstruction":{"parts":[{"text":"s"}]},"tools":[{"functionDeclarations":[{"name":"f","description":""}]}]}}`
	got := adaptertest.Call(t, google.Adapter{}, call("count_tokens"), body)
	if got.Failed || got.Output != want || got.Path != "/v1beta/models/gemini-embedding-001:countTokens" {
		t.Errorf("Request(%s) = %s %s to %s, want %s", body, got.Output, got.Message, got.Path, want)
	}
	answer := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{Call: call("count_tokens")}, `{"totalTokens":31,"cachedContentTokenCount":4}`)
	if answer.Failed || answer.Output != `{"input_tokens":31}` {
		t.Errorf("Response = %s %s, want 31 tokens", answer.Output, answer.Message)
	}
	if bad := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{Call: call("count_tokens")}, `{}`); !bad.Failed {
		t.Errorf("Response({}) = %s, want a failure", bad.Output)
	}
}

func TestList(t *testing.T) {
	got := adaptertest.Call(t, google.Adapter{}, `{"operation":"list","target":{}}`, `{}`)
	if got.Failed || got.Method != "GET" || got.Path != "/v1beta/models?pageSize=1000" || got.Output != "" {
		t.Errorf("Request = %s %s with %q, failure %q, want GET of a page of models", got.Method, got.Path, got.Output, got.Message)
	}
	answer := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{Call: call("list")}, `{"models":[{"name":"models/a"},{"name":7},{"name":"tunedModels/b\""}],"nextPageToken":"x"}`)
	const want = `{"object":"list","data":[{"id":"a","object":"model","owned_by":"google"},{"id":"tunedModels/b\"","object":"model","owned_by":"google"}]}`
	if answer.Failed || answer.Output != want {
		t.Errorf("Response = %s %s, want %s", answer.Output, answer.Message, want)
	}
	if bad := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{Call: call("list")}, `{}`); !bad.Failed {
		t.Errorf("Response({}) = %s, want a failure", bad.Output)
	}
}

func FuzzOperation(f *testing.F) {
	f.Add("embeddings", `{"input":["a",["b"]],"dimensions":1e3,"encoding_format":"base64"}`, `{"embeddings":[{"values":[1,2.5]},{"values":"x"}],"usageMetadata":{"promptTokenCount":-1}}`)
	f.Add("count_tokens", `{"messages":[{"role":"user","content":"a"}]}`, `{"totalTokens":"7"}`)
	f.Add("list", `{}`, `{"models":[{"name":"models/"},{"name":"models"},1]}`)
	f.Fuzz(func(t *testing.T, operation, request, answer string) {
		call := fmt.Sprintf(`{"operation":%q,"target":{"upstream_id":"m"}}`, strings.ToValidUTF8(operation, ""))
		if !valid(call) || !valid(request) {
			t.Skip("the host lets only JSON through")
		}
		adaptertest.Call(t, google.Adapter{}, call, request)
		adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{Call: call, Request: request}, answer)
	})
}
