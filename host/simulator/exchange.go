package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a request body, as the real servers do.
const maxBody = 32 << 20

// exchange is one request on its way to its answer. One goroutine uses it.
type exchange struct {
	s        *Simulator
	w        http.ResponseWriter
	r        *http.Request
	provider string
	body     map[string]any
	row      Served
	fault    Fault
	id       string // what is random in the ids of the answer
	created  time.Time
}

// begin starts an exchange. The id depends on the request and on how many came
// before it, so a test that is run again sees the same ids.
func (s *Simulator) begin(provider string, w http.ResponseWriter, r *http.Request, body []byte) *exchange {
	now := s.cfg.Now()
	n, keep := s.log.next()
	x := &exchange{s: s, w: w, r: r, provider: provider, created: now, id: fingerprint(n, body)}
	x.row = Served{
		At: now, Provider: provider, Path: r.URL.Path, Status: http.StatusOK, Outcome: OutcomeOK,
		Credential: Digest(credential(provider, r)), BodyBytes: len(body),
	}
	if keep {
		x.row.Body = body
	}
	for name := range r.Header {
		x.row.Headers = append(x.row.Headers, strings.ToLower(name))
	}
	sort.Strings(x.row.Headers)
	return x
}

// wire adapts a wire's handler: it reads the body, checks the credential, and
// keeps the log.
func (s *Simulator) wire(provider string, handle func(*exchange)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		x := s.begin(provider, w, r, text)
		// The row is kept also when a fault aborts the connection by panicking.
		defer func() { s.log.add(x.row) }()
		switch {
		case err != nil:
			x.row.Outcome = OutcomeGone
		case len(text) > maxBody:
			x.fail(problem{Status: http.StatusRequestEntityTooLarge, Message: "Request exceeds the maximum size"})
		case !x.admitted():
		case json.Unmarshal(text, &x.body) != nil || x.body == nil:
			x.fail(badJSON(provider))
		default:
			handle(x)
		}
	}
}

// read adapts a handler of requests without a body, which are those for lists of models.
// They are not in the log, but counted.
func (s *Simulator) read(provider string, handle func(*exchange)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.lists[provider]++
		s.mu.Unlock()
		x := s.begin(provider, w, r, nil)
		if !x.admitted() {
			return
		}
		x.fault, _ = s.scripted(asked{provider: provider, key: credential(provider, r), list: true})
		if x.begun() {
			handle(x)
		}
	}
}

// unknownPath answers what a provider does not serve. It is in the log.
func (s *Simulator) unknownPath(provider string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := s.begin(provider, w, r, nil)
		defer func() { s.log.add(x.row) }()
		path := strings.TrimPrefix(r.URL.Path, "/"+provider)
		p := problem{Status: http.StatusNotFound, Message: fmt.Sprintf("Invalid URL (%s %s)", r.Method, path)}
		switch provider {
		case "anthropic":
			p.Message = "Not Found"
		case "google":
			p.Message = "Requested entity was not found."
		}
		x.fail(p)
	}
}

// admitted checks the credential. It answers when there is none or another than
// the one that Config.Keys wants.
func (x *exchange) admitted() bool {
	key, want := credential(x.provider, x.r), x.s.cfg.Keys[x.provider]
	switch {
	case key == "":
		x.fail(noKey(x.provider))
	case want != "" && key != want:
		x.fail(wrongKey(x.provider))
	default:
		return true
	}
	return false
}

// fingerprint is FNV-1a over n and the text: an id that is stable and looks random.
func fingerprint(n int, text []byte) string {
	h := uint64(14695981039346656037)
	for n++; n > 0; n >>= 8 {
		h = (h ^ uint64(n&0xff)) * 1099511628211
	}
	for _, c := range text {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return strconv.FormatUint(h, 36)
}

// prepare finds the request's fault and carries out what of it comes before the answer, as
// begun does.
func (x *exchange) prepare(last string) bool {
	x.row.Stream, _ = x.body["stream"].(bool)
	x.fault = x.s.fault(x.provider, x.row.Model, credential(x.provider, x.r), last)
	return x.begun()
}

// begun carries out what of the fault comes before the answer. It reports whether the answer
// is still to be given.
func (x *exchange) begun() bool {
	x.fault = x.fault.bounded()
	f, ctx := x.fault, x.r.Context()
	if !x.s.pause(ctx, x.s.cfg.FirstByte+time.Duration(f.Delay)*time.Millisecond) {
		x.row.Outcome = OutcomeGone
		x.abort()
		return false
	}
	if f.Stall == "headers" && !x.s.stall(ctx) {
		x.row.Outcome = OutcomeStalled
		x.abort()
		return false
	}
	switch {
	case f.Drop:
		x.row.Outcome, x.row.Status = OutcomeDropped, 0
		x.abort()
	case f.Status != 0:
		x.fail(x.scripted(f.Status))
	case f.Body != "":
		x.garbage()
	default:
		return true
	}
	return false
}

// garbage answers 200 with something that is no answer.
func (x *exchange) garbage() {
	x.row.Outcome = OutcomeGarbage
	kind, text := "text/html", "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>cloudy</body></html>"
	switch x.fault.Body {
	case "empty":
		text = ""
	case "array":
		kind, text = "application/json", `[1,2,3]`
	case "error":
		kind, text = "application/json", `{"error":{"message":"The engine is overloaded.","type":"server_error","param":null,"code":null}}`
	case "truncated":
		kind, text = "application/json", `{"id":"x","choices":[{"index":0,"mess`
	}
	x.contentType(kind)
	_, _ = io.WriteString(x.w, text)
}

func (x *exchange) contentType(kind string) {
	if x.fault.Type != "" {
		kind = x.fault.Type
	}
	x.w.Header().Set("Content-Type", kind)
}

// json writes a whole answer.
func (x *exchange) json(v any) {
	x.contentType("application/json")
	text := encode(v)
	if x.fault.Cut > 0 {
		x.row.Outcome = OutcomeCut
		x.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = x.w.Write(text[:len(text)/2])
		x.flush()
		x.abort()
		return
	}
	if _, err := x.w.Write(text); err != nil {
		x.row.Outcome = OutcomeGone
	}
}

// bill notes what the answer costs.
func (x *exchange) bill(a answer) {
	x.row.Prompt, x.row.Completion = a.prompt, a.completion
	if !x.row.Stream {
		x.row.Chunks, x.row.TextBytes = 1, a.size()
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func number(v any) int {
	f, _ := v.(float64)
	return int(min(max(f, 0), 1<<40))
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// joined is the text of a content: a string, or its text parts.
func joined(content any) string {
	if s, ok := content.(string); ok {
		return s
	}
	var parts []string
	for _, part := range list(content) {
		if s := text(object(part)["text"]); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "\n")
}

// conversation returns the last user message's text and the bytes of all texts.
func conversation(messages any) (last string, bytes int) {
	for _, m := range list(messages) {
		message := object(m)
		t := joined(message["content"])
		bytes += len(t)
		if text(message["role"]) == "user" && t != "" {
			last = t
		}
	}
	return last, bytes
}
