package host

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/host/simulator"
)

var update = flag.Bool("update", false, "rewrite what the tests compare with")

// matrixTargets is one model per provider and wire.
var matrixTargets = []struct {
	name, model, path string // path is of the provider's own request
	noImages          bool
}{
	{name: "OpenAI Chat", model: "gpt-5", path: "/openai/v1/chat/completions"},
	{name: "OpenAI Responses", model: "gpt-5.1-codex", path: "/openai/v1/responses"},
	{name: "Anthropic", model: "claude-opus-4.5", path: "/anthropic/v1/messages"},
	{name: "Gemini 2.5", model: "gemini-2.5-pro", path: "/google/v1beta/models/"},
	{name: "Gemini 3", model: "gemini-3-flash-preview", path: "/google/v1beta/models/"},
	{name: "OpenAI-compatible", model: "raptor-mini-preview", path: "/raptor/v1/chat/completions", noImages: true},
}

const done = "✓"

// tinyImage is a PNG of one pixel, 67 bytes.
const tinyImage = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

var weatherSchema = map[string]any{
	"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}, "degrees": map[string]any{"type": "integer"}},
	"required": []any{"city", "degrees"}, "additionalProperties": false,
}

// cell is one place of the matrix: a caller's wire, a target, and the providers'
// requests that it made.
type cell struct {
	*testing.T
	g        *gateway
	s        speaker
	model    string
	path     string
	noImages bool
	sent     func() []sentRequest
}

type sentRequest struct{ path, body string }

// ask sends a question and checks that it went to the target, once, with these texts
// in the provider's request.
func (c *cell) ask(a asked, stream bool, carried ...string) reply {
	c.Helper()
	c.sent()
	r := c.s.ask(c.T, c.g, c.model, a, stream)
	if r.status != http.StatusOK {
		return r
	}
	sent := c.sent()
	if len(sent) != 1 || !strings.HasPrefix(sent[0].path, c.path) {
		c.Errorf("the providers were sent %v, want one request to %s", sent, c.path)
		return r
	}
	for _, text := range carried {
		if !strings.Contains(sent[0].body, text) {
			c.Errorf("the provider was sent %s, want %s in it", sent[0].body, text)
		}
	}
	return r
}

// matrixFeatures are the columns. Each returns what the cell says when it has not failed.
var matrixFeatures = []struct {
	name string
	try  func(c *cell) string
}{
	{"text", func(c *cell) string {
		r := c.ask(asked{text: "Explain tides."}, false, "Explain tides.")
		if !strings.HasSuffix(r.text, "You wrote: Explain tides.") || r.finish != "stop" || r.input <= 0 || r.output <= 0 {
			c.Errorf("got %s", r)
		}
		return done
	}},
	{"stream", func(c *cell) string {
		plain := c.ask(asked{text: "Explain tides."}, false)
		r := c.ask(asked{text: "Explain tides."}, true)
		if r.text != plain.text || r.pieces < 3 || !r.ended || r.finish != "stop" || r.input != plain.input || r.output != plain.output {
			c.Errorf("got %s\nwant what the plain answer has: %s", r, plain)
		}
		return done
	}},
	{"tools", func(c *cell) string {
		return c.tools(asked{text: "Please call get_weather for Paris.", tools: []string{"get_weather", "get_time"}, results: map[string]string{"get_weather": "sunny and mild"}}, "get_weather")
	}},
	{"parallel tools", func(c *cell) string {
		return c.tools(asked{text: "Please call get_time and call get_weather for Paris.", tools: []string{"get_weather", "get_time"},
			results: map[string]string{"get_weather": "sunny and mild", "get_time": "half past nine"}}, "get_time", "get_weather")
	}},
	{"image", func(c *cell) string {
		if c.noImages {
			c.sent()
			r := c.s.ask(c.T, c.g, "raptor/"+c.model, asked{text: "What is this?", image: tinyImage}, false)
			if sent := c.sent(); r.status < 400 || r.failure == "" || len(sent) > 0 {
				c.Errorf("got %s\nand the providers were sent %v, want a refusal, as the model sees no images", r, sent)
			}
			return "skip: no images"
		}
		r := c.ask(asked{text: "What is this?", image: tinyImage}, false, tinyImage[len("data:image/png;base64,"):])
		if !strings.Contains(r.text, "You sent 1 attached: image image/png of 70 bytes.") {
			c.Errorf("got %s", r)
		}
		return done
	}},
	{"schema", func(c *cell) string {
		a := asked{text: "How is the weather?", schema: weatherSchema}
		for _, stream := range []bool{false, true} {
			r := c.ask(a, stream, `"degrees"`)
			var v struct {
				City    string
				Degrees int
			}
			d := json.NewDecoder(strings.NewReader(r.text))
			d.DisallowUnknownFields()
			if err := d.Decode(&v); err != nil || v.City != "a city" || v.Degrees != 7 || r.finish != "stop" {
				c.Errorf("stream %v: got %s\nwant an instance of the schema (%v)", stream, r, err)
			}
		}
		return done
	}},
	{"reasoning", func(c *cell) string {
		const thought = "The simulated model thinks about what was written: "
		word := done
		for _, stream := range []bool{false, true} {
			r := c.ask(asked{text: "Explain tides.", reasoning: true}, stream)
			switch {
			case r.finish == "stop" && r.thought == thought+"Explain tides." && strings.HasSuffix(r.text, "Explain tides."):
			case strings.HasPrefix(c.path, "/openai/") && r.thought == "" && r.finish == "stop" && r.output > (len(r.text)+3)/4:
				word = "counted"
			default:
				c.Errorf("stream %v: got %s\nwant the thought %q", stream, r, thought+"Explain tides.")
			}
		}
		// What was thought comes back with the result, sealed as it came.
		c.tools(asked{text: "Please call get_weather for Paris.", reasoning: true, tools: []string{"get_weather"},
			results: map[string]string{"get_weather": "sunny and mild"}}, "get_weather")
		return word
	}},
	{"error", func(c *cell) string {
		for _, stream := range []bool{false, true} {
			r := c.ask(asked{text: "[[simulate status=400]] hi"}, stream)
			if r.status != 400 || r.failure != "invalid_request_error" {
				c.Errorf("stream %v: got %s\nwant the provider's 400 in the caller's wire", stream, r)
			}
		}
		if r := c.ask(asked{text: "[[simulate cut=3]] hi"}, true); r.ended || r.finish != "" || !strings.Contains(r.body, `"error"`) || r.pieces == 0 {
			c.Errorf("a cut stream is %s\nwant an error at its end", r)
		}
		return done
	}},
}

// tools asks for calls, plain and streamed, and gives the results back.
func (c *cell) tools(a asked, want ...string) string {
	c.Helper()
	first := c.ask(a, false, "about get_weather")
	streamed := c.ask(a, true)
	for i, r := range []reply{first, streamed} {
		names, ids := []string{}, map[string]bool{}
		for _, call := range r.calls {
			names, ids[call.id] = append(names, call.name), true
			var args map[string]any
			if err := json.Unmarshal([]byte(call.args), &args); err != nil || args["city"] != "a city" || len(args) != 1 {
				c.Errorf("stream %v: the arguments are %q, want a city", i == 1, call.args)
			}
		}
		if !slices.Equal(names, want) || ids[""] || len(ids) != len(want) || r.finish != "tools" {
			c.Errorf("stream %v: got %s\nwant calls of %v", i == 1, r, want)
			return ""
		}
	}
	a.first = &first
	carried := []string{}
	told := ""
	for _, name := range want {
		carried = append(carried, a.results[name])
		told += " The tool " + name + " returned: " + a.results[name] + "."
	}
	for _, stream := range []bool{false, true} {
		if r := c.ask(a, stream, carried...); !strings.Contains(r.text, told) || r.finish != "stop" {
			c.Errorf("stream %v: with the results, got %s\nwant%s", stream, r, told)
		}
	}
	return done
}

// Every caller's wire reaches every provider with every feature. What the cells say is
// the table of the README, which `go test ./host -run TestMatrix -update` writes.
func TestMatrix(t *testing.T) {
	sim := simulator.New(simulator.Config{})
	var mu sync.Mutex
	var sent []sentRequest
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		mu.Lock()
		sent = append(sent, sentRequest{r.URL.Path, string(body)})
		mu.Unlock()
		sim.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(func() { _ = sim.Close(); upstream.Close() })
	taken := func() []sentRequest {
		mu.Lock()
		defer mu.Unlock()
		out := sent
		sent = nil
		return out
	}
	cells := map[string]string{}
	// Errors come last: what they do to a provider meets nothing after them.
	g := matrixGateway(t, upstream.URL)
	for _, f := range matrixFeatures {
		for _, s := range speakers {
			for _, target := range matrixTargets {
				t.Run(f.name+"/"+s.name+"/"+target.name, func(t *testing.T) {
					c := &cell{T: t, g: g, s: s, model: target.model, path: target.path, noImages: target.noImages, sent: taken}
					word := f.try(c)
					if t.Failed() {
						word = "✗"
					}
					cells[s.path+target.name+f.name] = word
				})
			}
		}
	}
	checkReadme(t, table(cells))
}

// matrixGateway is a gateway whose providers are all at one origin.
func matrixGateway(t *testing.T, origin string) *gateway {
	return startGateway(t, func(c *Config, _ *Options) {
		c.Upstreams = Upstreams{
			OpenAIKey: "matrix-openai", OpenAIBase: origin + "/openai/v1",
			AnthropicKey: "matrix-anthropic", AnthropicBase: origin + "/anthropic",
			GeminiKey: "matrix-google", GeminiBase: origin + "/google",
			RaptorKey: "matrix-raptor", RaptorBase: origin + "/raptor/v1",
		}
	})
}

// table is the matrix as the README has it.
func table(cells map[string]string) string {
	var b strings.Builder
	b.WriteString("| caller speaks | provider |")
	for _, f := range matrixFeatures {
		fmt.Fprintf(&b, " %s |", f.name)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(matrixFeatures)) + "\n")
	for _, s := range speakers {
		for _, target := range matrixTargets {
			fmt.Fprintf(&b, "| `%s` | %s |", s.path, target.name)
			for _, f := range matrixFeatures {
				fmt.Fprintf(&b, " %s |", cells[s.path+target.name+f.name])
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// checkReadme compares the README's matrix with the one that was run, or writes it.
func checkReadme(t *testing.T, want string) {
	t.Helper()
	const begin, end = "<!-- matrix -->\n", "<!-- /matrix -->"
	file := filepath.Join("..", "README.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	have, after, ok2 := strings.Cut(rest, end)
	switch {
	case !ok || !ok2:
		t.Fatalf("README.md has no place between %q and %q", begin, end)
	case have == want:
	case *update && !t.Failed():
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("README.md has the matrix\n%s\nand the cells are\n%s", have, want)
	}
}
