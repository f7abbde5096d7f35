package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// What the provider answers: the smallest answers of each wire that are complete.
const (
	chatAnswer = `{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"message":` +
		`{"role":"assistant","content":"The points are set, and the line is clear."},"finish_reason":"stop"}],` +
		`"usage":{"prompt_tokens":70,"completion_tokens":10,"total_tokens":80}}`
	toolAnswer = `{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"message":` +
		`{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"tool_3",` +
		`"arguments":"{\"path\":\"src/main.go\",\"line\":12}"}}]},"finish_reason":"tool_calls"}],` +
		`"usage":{"prompt_tokens":700,"completion_tokens":20,"total_tokens":720}}`
	messagesAnswer = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text",` +
		`"text":"The points are set, and the line is clear."}],"stop_reason":"end_turn","stop_sequence":null,` +
		`"usage":{"input_tokens":70,"output_tokens":10}}`
	tooLongAnswer = `{"error":{"message":"This model's maximum context length is 128000 tokens.","type":"invalid_request_error",` +
		`"param":"messages","code":"context_length_exceeded"}}`
)

// streamEvents is how many events with text one stream has.
const streamEvents = 100

// eventPause is between two events of a stream, as a model takes its time for each.
const eventPause = 2 * time.Millisecond

// Words in a request's text that choose what becomes of it.
const (
	wordTools    = "bench-tools"
	wordFailover = "bench-failover"
	wordHold     = "bench-hold" // a stream's first event comes, and the next one holdFor later
)

const holdFor = 40 * time.Second

// serveProvider answers as OpenAI's and Anthropic's servers do, with no work beyond it.
func serveProvider() error {
	server := &fasthttp.Server{Handler: provide, MaxRequestBodySize: 64 << 20, NoDefaultServerHeader: true, Concurrency: 1 << 20}
	return listen(server.Serve)
}

// listen serves on a free port and prints its URL.
func listen(serve func(net.Listener) error) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", ln.Addr())
	return serve(ln)
}

func provide(c *fasthttp.RequestCtx) {
	c.Response.Header.SetContentType("application/json")
	body := c.PostBody()
	switch {
	case bytes.HasSuffix(c.Path(), []byte("/models")), bytes.Equal(c.Path(), []byte("/readyz")):
		c.SetBodyString(`{"object":"list","data":[]}`)
	case bytes.HasSuffix(c.Path(), []byte("/messages")):
		c.SetBodyString(messagesAnswer)
	case bytes.Contains(body, []byte(`"stream":true`)):
		stream(c, bytes.Contains(body, []byte(wordHold)))
	case bytes.Contains(body, []byte(wordFailover)) && bytes.Contains(body, []byte(`"gpt-4o"`)):
		c.SetStatusCode(fasthttp.StatusBadRequest)
		c.SetBodyString(tooLongAnswer)
	case bytes.Contains(body, []byte(wordTools)):
		c.SetBodyString(toolAnswer)
	default:
		c.SetBodyString(chatAnswer)
	}
}

// stream writes each event by itself, as it comes from a model.
func stream(c *fasthttp.RequestCtx, hold bool) {
	c.Response.Header.SetContentType("text/event-stream")
	c.SetBodyStreamWriter(func(w *bufio.Writer) {
		for i := range streamEvents {
			_, _ = w.WriteString(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":" word` +
				strconv.Itoa(i) + `"},"finish_reason":null}]}` + "\n\n")
			if w.Flush() != nil {
				return
			}
			if hold && i == 0 {
				time.Sleep(holdFor)
				break
			}
			time.Sleep(eventPause)
		}
		_, _ = w.WriteString(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n" +
			`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":70,"completion_tokens":100,"total_tokens":170}}` + "\n\n" +
			"data: [DONE]\n\n")
	})
}
