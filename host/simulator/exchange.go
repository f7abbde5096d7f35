package simulator

import (
	"encoding/json"
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
	id       string // of the answer, the same for the same request
	created  int64
}

// wire adapts a wire's handler: it reads the body, checks the credential, and
// keeps the log.
func (s *Simulator) wire(provider string, handle func(*exchange)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := s.cfg.Now()
		x := &exchange{s: s, w: w, r: r, provider: provider, created: now.Unix()}
		x.row = Served{At: now, Provider: provider, Path: r.URL.Path, Status: http.StatusOK, Outcome: "ok", Credential: digest(credential(r))}
		for name := range r.Header {
			x.row.Headers = append(x.row.Headers, strings.ToLower(name))
		}
		sort.Strings(x.row.Headers)
		// The row is kept also when a fault aborts the connection by panicking.
		defer func() { s.log.add(x.row) }()
		text, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		x.row.BodyBytes = len(text)
		if err != nil {
			x.row.Outcome = "gone"
			return
		}
		x.id = strconv.FormatUint(fingerprint(text), 36)
		switch {
		case len(text) > maxBody:
			x.fail(problem{Status: 413, Message: "Request too large."})
		case credential(r) == "":
			x.fail(problem{Status: 401, Message: "You didn't provide an API key."})
		case json.Unmarshal(text, &x.body) != nil:
			x.fail(problem{Status: 400, Message: "We could not parse the JSON body of your request."})
		default:
			handle(x)
		}
	}
}

// fingerprint is FNV-1a, for ids that are stable and look random.
func fingerprint(text []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range text {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// prepare finds the request's fault and carries out what comes before the answer.
// It reports whether the answer is still to be given.
func (x *exchange) prepare(model, last string) bool {
	x.row.Model = model
	x.fault = x.s.fault(x.provider, model, last)
	f := x.fault
	if !x.s.pause(x.r.Context(), x.s.cfg.FirstByte+time.Duration(f.Delay)*time.Millisecond) {
		x.row.Outcome = "gone"
		return false
	}
	switch {
	case f.Stall == "headers":
		x.row.Outcome = "stalled"
		x.s.stall(x.r.Context())
		return false
	case f.Status != 0:
		x.fail(scripted(f))
		return false
	case f.Body != "":
		x.garbage(f)
		return false
	}
	return true
}

// garbage answers 200 with something that is no answer.
func (x *exchange) garbage(f Fault) {
	x.row.Outcome = "garbage"
	kind, text := "text/html", "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>cloudy</body></html>"
	switch f.Body {
	case "empty":
		text = ""
	case "array":
		kind, text = "application/json", `[1,2,3]`
	case "error":
		kind, text = "application/json", `{"error":{"message":"The engine is overloaded.","type":"server_error","param":null,"code":null}}`
	case "truncated":
		kind, text = "application/json", `{"id":"x","choices":[{"index":0,"mess`
	}
	if f.Type != "" {
		kind = f.Type
	}
	x.w.Header().Set("Content-Type", kind)
	_, _ = io.WriteString(x.w, text)
}

// json writes a whole answer.
func (x *exchange) json(v any) {
	kind := "application/json"
	if x.fault.Type != "" {
		kind = x.fault.Type
	}
	x.w.Header().Set("Content-Type", kind)
	text, err := json.Marshal(v)
	if err != nil {
		panic("simulator: " + err.Error())
	}
	if x.fault.Cut > 0 {
		x.row.Outcome = "cut"
		x.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = x.w.Write(text[:len(text)/2])
		x.abort()
		return
	}
	_, _ = x.w.Write(text)
}

// bill notes what the answer costs.
func (x *exchange) bill(a answer) {
	x.row.Prompt, x.row.Completion = a.prompt, a.completion
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
