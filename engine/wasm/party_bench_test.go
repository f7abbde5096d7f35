package wasm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// BenchmarkFirstParty is a call of each of our adapters and of the example rule in Go, from the documents to
// what the gateway goes on with: with warm caches, and after 8 MiB of other memory was written, as
// in a gateway that does other things between two calls. fuel is what the guest spent.
// The adapters are those in plugins/dist: make guests.
func BenchmarkFirstParty(b *testing.B) {
	b.Run("rule", benchTopicRule)
	for _, a := range []struct{ name, answer, first, name1, event, nameN string }{
		{"openai",
			`{"id":"chatcmpl-1","object":"chat.completion","created":1760000001,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"` +
				strings.Repeat("It leaves at ten. ", 5) + `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":40,"completion_tokens":50,"total_tokens":90}}`,
			`{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}`, "",
			`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000001,"model":"m","choices":[{"index":0,"delta":{"content":" and"},"finish_reason":null}],"obfuscation":"xx"}`, ""},
		{"anthropic",
			`{"id":"msg_01","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"` + strings.Repeat("It leaves at ten. ", 5) +
				`"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":40,"output_tokens":50}}`,
			`{"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","content":[],"model":"m","usage":{"input_tokens":9,"output_tokens":1}}}`, "message_start",
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" and the next train"}}`, "content_block_delta"},
		{"google",
			`{"candidates":[{"content":{"parts":[{"text":"It leaves at ten."}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":21,"totalTokenCount":30},"modelVersion":"m","responseId":"r"}`,
			`{"candidates":[{"content":{"parts":[{"text":"The"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9},"modelVersion":"m","responseId":"r"}`, "",
			`{"candidates":[{"content":{"parts":[{"text":" and the next train"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":21,"totalTokenCount":30},"modelVersion":"m","responseId":"r"}`, ""},
	} {
		b.Run(a.name, func(b *testing.B) {
			module, err := os.ReadFile(filepath.Join("..", "..", "plugins", "dist", a.name+".wasm"))
			if err != nil {
				b.Skipf("%v (make guests)", err)
			}
			l := offer(b, cached(), module)
			p, err := l.lookup("", a.name, abi.KindProvider)
			if err != nil {
				b.Fatal(err)
			}
			answer := &engine.UpstreamResponse{Status: 200, Field: func(string) string { return "" }}
			s := func() *session {
				return &session{p: p, attempt: engine.AdapterAttempt{
					RequestID: "bench", Attempt: 1, NowMS: atNoon, Call: jsonNode(b, partyCall), Request: jsonNode(b, partyBody),
				}, random: document.NewRandom("bench", 1, a.name)}
			}()
			reply := func(b *testing.B, r engine.AdapterReply, err error) {
				if err != nil || r.Failure != nil || len(r.Chunks) == 0 {
					b.Fatal(err, r.Failure, len(r.Chunks))
				}
				for _, c := range r.Chunks {
					c.Release()
				}
			}
			benchParty(b, "request", p.own, func(b *testing.B) {
				if _, err := s.Request(b.Context()); err != nil {
					b.Fatal(err)
				}
			})
			benchParty(b, "answer", p.own, func(b *testing.B) {
				r, err := s.Response(b.Context(), answer, []byte(a.answer))
				reply(b, r, err)
			})
			if _, err := s.Event(b.Context(), answer, a.name1, []byte(a.first)); err != nil {
				b.Fatal(err)
			}
			event := []byte(a.event)
			benchParty(b, "event", p.own, func(b *testing.B) {
				r, err := s.Event(b.Context(), answer, a.nameN, event)
				reply(b, r, err)
			})
		})
	}
}

const (
	partyCall = `{"operation":"chat","target":{"id":"m","upstream_id":"test-model","api":"chat","max_output":8192,"capabilities":["vision","tools"],"unsupported":[],"rename":{}},"headers":{},"attempt":1}`
	partyText = `The slow train stops everywhere, says \"Zug\" on its side, and is never late. The slow train stops everywhere.`
	partyBody = `{"model":"auto","temperature":0.7,"max_tokens":1000,"messages":[{"role":"system","content":"You answer questions about trains."},` +
		`{"role":"user","content":"` + partyText + `"},{"role":"user","content":"When does it leave?"}]}`
)

// benchTopicRule is a rule plugin that looks for two words and finds none.
func benchTopicRule(b *testing.B) {
	folder, out := filepath.Join("..", "..", "examples", "plugins", "go-topic-router"), filepath.Join(b.TempDir(), "rule.wasm")
	if err := BuildGo(b.Context(), folder, filepath.Join(folder, "manifest.json"), out); err != nil {
		b.Fatal(err)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		b.Fatal(err)
	}
	l := offer(b, cached(), module)
	g := ruleGuestOf(b, l, "", "go-topic-router")
	p, err := l.lookup("", "go-topic-router", abi.KindRule)
	if err != nil {
		b.Fatal(err)
	}
	call := ruleCall(b, `{"request":{"text":"`+partyText+`"},"models":[]}`, `{"topics":[{"name":"none","words":["xylophone","zeppelin"],"model":"m"}]}`)
	var answer engine.RuleAnswer
	benchParty(b, "decide", p.own, func(b *testing.B) {
		if err := g.Decide(b.Context(), call, &answer); err != nil {
			b.Fatal(err)
		}
	})
}

func benchParty(b *testing.B, name string, from *pool, call func(b *testing.B)) {
	var other [8 << 20]byte
	for _, caches := range []string{"warm", "swept"} {
		b.Run(name+"/"+caches, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if caches == "swept" {
					b.StopTimer()
					for i := 0; i < len(other); i += 64 {
						other[i]++
					}
					b.StartTimer()
				}
				call(b)
			}
			in := <-from.warm
			b.ReportMetric(float64(in.tank.spent), "fuel")
			from.warm <- in
		})
	}
}
