package host

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A caller who stops reading holds the provider up: what lies between them is the buffers
// of the sockets, and nothing of ours grows.
func TestBackpressure(t *testing.T) {
	const (
		text  = 16 << 10
		total = 224 << 20 // what the provider has to say, inside the bound of a whole stream
		held  = 48 << 20  // more than four socket buffers hold
	)
	piece := strings.Repeat("x", text)
	wires := []struct{ name, path, model, head, event string }{
		{"passed on", "/v1/messages", "claude-haiku-4.5",
			"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"up\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n" +
				"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
			"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" + piece + "\"}}\n\n"},
		{"translated", "/v1/messages", "gpt-4o", "",
			`data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"content":"` + piece + `"},"finish_reason":null}]}` + "\n\n"},
		{"by Chat", "/v1/chat/completions", "gpt-4o", "",
			`data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"content":"` + piece + `"},"finish_reason":null}]}` + "\n\n"},
	}
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			stopped := make(chan error, 1)
			provider := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				rw.Header().Set("Content-Type", "text/event-stream")
				_, err := io.WriteString(rw, w.head)
				for out := http.NewResponseController(rw); err == nil && sent.Load() < total; {
					// Blocked so long is blocked for good.
					_ = out.SetWriteDeadline(time.Now().Add(2 * time.Second))
					var n int
					n, err = io.WriteString(rw, w.event)
					sent.Add(int64(n))
				}
				stopped <- err
			}))
			t.Cleanup(provider.Close)
			g := startGateway(t, func(c *Config, _ *Options) {
				c.Upstreams = Upstreams{AnthropicKey: "sk-ant-test", AnthropicBase: provider.URL, OpenAIKey: "sk-test", OpenAIBase: provider.URL + "/v1"}
			})
			conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL(), "http://"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			body := `{"model":"` + w.model + `","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"hi"}]}`
			if _, err := io.WriteString(conn, "POST "+w.path+" HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer "+g.key+"\r\nContent-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReaderSize(conn, 64).ReadString('\n'); err != nil || !strings.Contains(line, " 200 ") {
				t.Fatalf("status line = %q, %v, want 200", line, err)
			}
			err = <-stopped
			if !errors.Is(err, os.ErrDeadlineExceeded) || sent.Load() > held {
				t.Errorf("the provider could send %d of %d bytes, then %v, want it blocked before %d", sent.Load(), total, err, held)
			}
		})
	}
}
