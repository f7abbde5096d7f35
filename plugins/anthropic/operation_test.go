package anthropic_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/anthropic"
	"github.com/pointsman/pointsman/sdk/abi"
)

// A count is asked for by everything that has tokens and nothing else.
func TestCountTokens(t *testing.T) {
	a := begin(t, abi.OperationCountTokens, target, `{"model":"m","max_tokens":9,"stream":true,"temperature":0.5,"stop":"x","user":"u","service_tier":"default","reasoning_effort":"high",
		"messages":[{"role":"system","content":"s"},{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"auto"}`)
	const want = `{"model":"claude-x","thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"high"},"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"auto"},` +
		`"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}`
	if a.built != want || a.path != "/v1/messages/count_tokens" {
		t.Errorf("count of tokens = %s to %s, want %s to /v1/messages/count_tokens", a.built, a.path, want)
	}
	for body, want := range map[string]string{
		`{"input_tokens":14}`:                    `{"input_tokens":14}`,
		`{"input_tokens":14,"later":{"also":1}}`: `{"input_tokens":14}`,
		`{"input_tokens":"14"}`:                  "",
		`{}`:                                     "",
		`<html>`:                                 "",
		`{"type":"error","error":{"type":"overloaded_error","message":"x"}}`: "",
	} {
		if got, ok := a.answer(body); got != want || ok != (want != "") {
			t.Errorf("count %s = %q, %v, want %q", body, got, ok, want)
		}
	}
}

func TestList(t *testing.T) {
	a := begin(t, abi.OperationList, `{}`, "")
	if a.method != "GET" || a.path != "/v1/models?limit=1000" || a.built != "" {
		t.Errorf("list = %s %s %q, want GET /v1/models?limit=1000 without a body", a.method, a.path, a.built)
	}
	for body, want := range map[string]string{
		`{"data":[{"type":"model","id":"a","display_name":"A"},{"id":7},{"id":"b"}],"has_more":false}`: `{"object":"list","data":[{"id":"a","object":"model"},{"id":"b","object":"model"}]}`,
		`{"data":[]}`: `{"object":"list","data":[]}`,
		`{"data":{}}`: "",
		`oops`:        "",
	} {
		if got, ok := a.answer(body); got != want || ok != (want != "") {
			t.Errorf("list %s = %q, %v, want %q", body, got, ok, want)
		}
	}
}

func TestUnsupported(t *testing.T) {
	for _, operation := range []string{"embeddings", "speech"} {
		got := adaptertest.Call(t, anthropic.Adapter{}, `{"operation":"`+operation+`","target":{"upstream_id":"m"}}`, `{"input":"hi"}`)
		if !got.Failed || !strings.Contains(got.Message, operation) {
			t.Errorf("%s = %q, failed %v, want a refusal that names it", operation, got.Message, got.Failed)
		}
	}
}

func TestBetaHeader(t *testing.T) {
	for beta, want := range map[string]string{
		"context-1m-2025-08-07, interleaved-thinking-2025-05-14": "context-1m-2025-08-07, interleaved-thinking-2025-05-14",
		"a\\nb":                      "",
		"ä":                          "",
		"":                           "",
		strings.Repeat("x", 1<<10+1): "",
	} {
		got := adaptertest.Call(t, anthropic.Adapter{}, `{"operation":"chat","target":{"upstream_id":"m"},"headers":{"anthropic-beta":"`+beta+`"}}`, `{"messages":[{"role":"user","content":"hi"}]}`)
		headers := [][2]string{{"content-type", "application/json"}}
		if want != "" {
			headers = append(headers, [2]string{"anthropic-beta", want})
		}
		if got.Failed || !slices.Equal(got.Headers, headers) {
			t.Errorf("headers with the beta list %.80q = %q, want %q", beta, got.Headers, headers)
		}
	}
}
