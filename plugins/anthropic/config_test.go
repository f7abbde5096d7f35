package anthropic_test

import (
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/anthropic"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

func TestConfigOutputConfig(t *testing.T) {
	body := formatted(person, `"reasoning_effort":"high",`)
	for config, want := range map[string]string{
		`{"output_config":false}`: onlyAnswer,
		`{"output_config":true}`:  `"output_config":{"effort":"high","format":`,
		`{}`:                      `"output_config":{"effort":"high","format":`,
	} {
		if a := configured(t, "chat", target, body, sdktest.JSON(t, config)); !strings.Contains(a.built, want) {
			t.Errorf("request with %s = %s, want %s in it", config, a.built, want)
		}
	}
}

func TestConfigCountTokens(t *testing.T) {
	in := document.FrameInput{
		Entry: abi.EntryRequest, Kind: abi.KindProvider, Config: sdktest.JSON(t, `{"count_tokens":false}`),
		Call:    sdktest.JSON(t, `{"operation":"count_tokens","target":`+target+`}`),
		Request: sdktest.JSON(t, `{"messages":[{"role":"user","content":"hi"}]}`),
	}
	f := sdktest.Call(t, in, func() { anthropic.Adapter{}.Request() })
	if code, message, failed := f.Failure(); !failed || code != abi.CodeUnsupported {
		t.Errorf("a count of a server that has none = %d, %q, %v, want code %d", code, message, failed, abi.CodeUnsupported)
	}
}

// Counters that overlap are told apart, once, whichever event names them.
func TestConfigCachedInput(t *testing.T) {
	const body = `{"messages":[{"role":"user","content":"hi"}]}`
	const counters = `"usage":{"input_tokens":100,"cache_read_input_tokens":60,"cache_creation_input_tokens":30,"output_tokens":7}`
	for config, want := range map[string]string{`{"cached_input":"included"}`: `"prompt_tokens":100,`, `{"cached_input":"apart"}`: `"prompt_tokens":190,`} {
		a := configured(t, "chat", target, body, sdktest.JSON(t, config))
		if got, _ := a.answer(`{"content":[],"stop_reason":"end_turn",` + counters + `}`); !strings.Contains(got, want) {
			t.Errorf("answer with %s = %s, want %s in it", config, got, want)
		}
		chunks := a.stream(`{"type":"message_start","message":{`+counters+`}}`, turnOver, turnOver)
		sums := 0
		for _, c := range chunks {
			if strings.Contains(c, `"usage":{`) {
				sums++
				if !strings.Contains(c, want) {
					t.Errorf("stream with %s = %s, want %s in it", config, c, want)
				}
			}
		}
		if sums != 2 {
			t.Errorf("stream with %s has %d sums, want that of the prompt and that of all: %q", config, sums, chunks)
		}
	}
}
