package host

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// canned answers every request on a connection with the same bytes, and allocates nothing
// while it does.
func canned(t *testing.T, answer string) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	reply := []byte(answer)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for r := bufio.NewReader(c); skipMessage(r) == nil; {
					if _, err := c.Write(reply); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "http://" + ln.Addr().String()
}

// skipMessage reads one message with a length, or one in chunks.
func skipMessage(r *bufio.Reader) error {
	length, chunked := 0, false
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok {
			switch {
			case bytes.EqualFold(name, []byte("content-length")):
				for _, c := range bytes.TrimSpace(value) {
					length = 10*length + int(c-'0')
				}
			case bytes.EqualFold(name, []byte("transfer-encoding")):
				chunked = true
			}
		}
	}
	if !chunked {
		_, err := r.Discard(length)
		return err
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		size := 0
		for _, c := range bytes.TrimSpace(line) {
			digit := bytes.IndexByte([]byte("0123456789abcdef"), c|0x20)
			size = 16*size + digit
		}
		if _, err := r.Discard(size + 2); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}

const cannedChat = `{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"message":` +
	`{"role":"assistant","content":"The points are set, and the line is clear."},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":70,"completion_tokens":10,"total_tokens":80}}`

const cannedMessage = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text",` +
	`"text":"The points are set, and the line is clear."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":70,"output_tokens":10}}`

func plainReply(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// cannedStream is a stream of so many pieces of text, whole in one chunk of the body.
func cannedStream(events int) string {
	var b strings.Builder
	for i := range events {
		fmt.Fprintf(&b, `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"word %d "},"finish_reason":null}]}`+"\n\n", i)
	}
	b.WriteString(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n")
	b.WriteString(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":70,"completion_tokens":10,"total_tokens":80}}` + "\n\ndata: [DONE]\n\n")
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", b.Len(), b.String())
}

// governed sets what most gateways have set: rules, limits at four scopes, a hard budget and
// the record of every decision.
func (g *gateway) governed() {
	g.t.Helper()
	set := func(method, path string, body map[string]any) {
		g.t.Helper()
		if a := g.do(method, path, body); a.Status >= 300 {
			g.t.Fatalf("%s %s = %d %s", method, path, a.Status, a.Body)
		}
	}
	for _, per := range []string{"account", "user", "key", "model"} {
		set(http.MethodPost, "/api/v1/limits", map[string]any{"id": "per-" + per, "account_id": "default", "kind": "requests", "amount": 1_000_000_000, "window": "minute", "per": []string{per}})
	}
	set(http.MethodPost, "/api/v1/budgets", map[string]any{"id": "month", "account_id": "default", "amount": "1000000", "period": "month", "hard": true})
	set(http.MethodPut, "/api/v1/decision-settings", map[string]any{"record": "all", "retention_days": 7, "text": false})
	set(http.MethodPost, "/api/v1/rules", map[string]any{"id": "to-anthropic", "account_id": "default", "name": "to-anthropic", "priority": 200, "enabled": true, "when": "mentions('anthropic')", "target": "claude-haiku-4.5", "fallbacks": []string{}})
}

// What a request costs in memory, in the whole process and all that it does in the background
// included: allocations do not depend on the machine, as times do.
func TestRequestAllocations(t *testing.T) {
	chat, stream, messages := canned(t, plainReply(cannedChat)), canned(t, cannedStream(300)), canned(t, plainReply(cannedMessage))
	gateways := map[string]*gateway{}
	for name, url := range map[string]string{"plain": chat, "streamed": stream} {
		gateways[name] = startGateway(t, func(c *Config, o *Options) {
			c.Upstreams = Upstreams{OpenAIKey: "sk-test", OpenAIBase: url + "/v1", AnthropicKey: "sk-test", AnthropicBase: messages}
			o.Now = time.Now
		})
		gateways[name].governed()
	}
	tests := []struct {
		name, gateway, body string
		most, bytes         float64 // of a request
	}{
		{"300 bytes", "plain", `{"model":"auto","messages":[{"role":"user","content":"` + strings.Repeat("word ", 50) + `"}]}`, 60, 14 << 10},
		{"10 KB", "plain", `{"model":"auto","messages":[{"role":"user","content":"` + strings.Repeat("word ", 2000) + `"}]}`, 60, 44 << 10},
		{"100 KB", "plain", `{"model":"auto","messages":[{"role":"user","content":"` + strings.Repeat("word ", 20_000) + `"}]}`, 80, 124 << 10},
		{"to Anthropic", "plain", `{"model":"auto","messages":[{"role":"user","content":"anthropic ` + strings.Repeat("word ", 50) + `"}]}`, 80, 16 << 10},
		{"302 events", "streamed", `{"model":"auto","stream":true,"messages":[{"role":"user","content":"` + strings.Repeat("word ", 50) + `"}]}`, 800, 80 << 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			allocs, bytes := gateways[test.gateway].allocations(t, test.body, costRuns())
			t.Logf("%.0f allocations, %.1f KiB a request", allocs, bytes/1024)
			if most, size := test.most*raceSlack, test.bytes*raceSlack*raceSlack; allocs > most || bytes > size {
				t.Errorf("%.0f allocations of %.0f bytes in all a request, want %.0f of %.0f at most", allocs, bytes, most, size)
			}
		})
	}
}

// costRuns is how many requests are counted: profiles want more of them.
func costRuns() int {
	if n, err := strconv.Atoi(os.Getenv("POINTSMAN_COST_RUNS")); err == nil {
		return n
	}
	return 500
}

// allocations sends the body n times over one connection and returns what one request
// allocated in the whole process.
func (g *gateway) allocations(t *testing.T, body string, n int) (count, size float64) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(g.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	request := []byte("POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nAuthorization: Bearer " + g.key +
		"\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	r := bufio.NewReaderSize(c, 64<<10)
	ask := func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		if head, err := r.Peek(12); err != nil || string(head) != "HTTP/1.1 200" {
			rest, _ := io.ReadAll(io.LimitReader(r, 600))
			t.Fatalf("answer = %q, %v, want 200", rest, err)
		}
		if err := skipMessage(r); err != nil {
			t.Fatal(err)
		}
	}
	for range n / 5 {
		ask()
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		ask()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n), float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
}
