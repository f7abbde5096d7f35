package engine

import (
	"strings"
	"testing"
)

// Whatever a provider sends, what is passed on is one event, and nothing in it ends the
// stream but the wire's own last event.
func FuzzNativeEvent(f *testing.F) {
	for _, data := range []string{
		`{"type":"message_stop"}`, `{"type":"message_start","message":{"model":"m","usage":{"input_tokens":-1}}}`,
		"{\"type\":\"content_block_delta\",\n\r\"delta\":{\"text\":\"a\"}}", `{"type":"a\n\nevent: message_stop\ndata: {}"}`,
		`{"type":"error","error":{}}`, `{"type":"response.completed","response":{"model":7,"error":null,"usage":{"input_tokens":1e300}}}`,
		`{"type":"response.failed"}`, `[]`, `"a"`, `{`, `{"message":{"model":{"a":1}}}`, `{"type":"message_delta","delta":1,"usage":[]}`,
	} {
		f.Add("", data, true)
		f.Add("message_delta", data, false)
	}
	f.Fuzz(func(t *testing.T, name, data string, messages bool) {
		if strings.ContainsAny(name, "\r\n") || data == "" {
			return // no reader of events delivers these
		}
		wire := APIResponses
		if messages {
			wire = APIMessages
		}
		g := nativeRig(t, wire, &script{}, nil)
		r := nativeAsk(t, wire, `{"model":"mine"}`)
		x := &execution{p: g.Pipeline, r: r}
		s := &chunkStream{a: &attempt{x: x, target: Target{Model: &Model{}, Provider: &Provider{ID: "a", Adapter: "a"}}, native: true, reply: &UpstreamResponse{Status: 200, Close: func() {}}}, model: "mine", native: &passing{wire: wire}}
		defer s.a.close()
		over, err := s.pass(t.Context(), name, []byte(data))
		if err != nil {
			return
		}
		if over != s.native.stopped {
			t.Errorf("pass(%q, %q) is over: %v, stopped: %v", name, data, over, s.native.stopped)
		}
		for _, chunk := range s.queue {
			event, ok := strings.CutSuffix(string(chunk), "\n\n")
			line, rest, _ := strings.Cut(event, "\n")
			if strings.HasPrefix(line, "event: ") {
				line, rest, _ = strings.Cut(rest, "\n")
			}
			if !ok || !strings.HasPrefix(line, "data: {") || rest != "" || strings.ContainsRune(event, '\r') {
				t.Errorf("pass(%q, %q) = %q, want one event", name, data, chunk)
			}
		}
	})
}
