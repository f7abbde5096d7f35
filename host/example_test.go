package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pointsman/pointsman/host/httpapi"
)

// described is the document that the gateway serves, to hold answers against.
type described struct {
	compiler   *jsonschema.Compiler
	operations map[string]*operationOf // by id
}

type operationOf struct {
	Method    string
	Path      string
	Body      map[string]json.RawMessage // schemas' places by media type
	Responses map[string]map[string]bool // media types by status
	Codes     map[string][]string        // error codes by status
	at        string                     // pointer to the operation
	refs      map[string]string          // pointer to the response, by status
}

type rawMedia map[string]struct {
	Schema json.RawMessage
}

type rawResponse struct {
	Ref     string `json:"$ref"`
	Content rawMedia
	Codes   []string `json:"x-pointsman-codes"`
}

const documentURL = "mem:///openapi.json"

// escaped is a token of a JSON pointer in a URL.
func escaped(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(token)
}

func describedBy(t *testing.T, document []byte) *described {
	t.Helper()
	d, err := describe(document)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func describe(document []byte) (*described, error) {
	var raw struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			RequestBody struct{ Content rawMedia }
			Responses   map[string]rawResponse
		}
		Components struct{ Responses map[string]rawResponse }
	}
	if err := json.Unmarshal(document, &raw); err != nil {
		return nil, err
	}
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, err
	}
	d := &described{compiler: jsonschema.NewCompiler(), operations: map[string]*operationOf{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	if err := d.compiler.AddResource(documentURL, tree); err != nil {
		return nil, err
	}
	for path, methods := range raw.Paths {
		for method, op := range methods {
			o := &operationOf{Method: strings.ToUpper(method), Path: path, Responses: map[string]map[string]bool{}, Codes: map[string][]string{}, refs: map[string]string{},
				at: "/paths/" + escaped(path) + "/" + method}
			for status, r := range op.Responses {
				o.refs[status] = o.at + "/responses/" + status
				if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
					r, o.refs[status] = raw.Components.Responses[name], "/components/responses/"+escaped(name)
				}
				o.Responses[status], o.Codes[status] = map[string]bool{}, r.Codes
				for media := range r.Content {
					o.Responses[status][media] = true
				}
			}
			d.operations[op.OperationID] = o
		}
	}
	return d, nil
}

// check returns what a document at the pointer does not allow about a body.
func (d *described) check(pointer, body string) error {
	schema, err := d.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	return schema.Validate(v)
}

// checkAnswer returns what the document does not say of an answer.
func (d *described) checkAnswer(id string, status int, contentType, body string) error {
	o := d.operations[id]
	if o == nil {
		return fmt.Errorf("there is no operation %s", id)
	}
	at := strconv.Itoa(status)
	medias, ok := o.Responses[at]
	if !ok {
		return fmt.Errorf("the status %d is not described: %s", status, body)
	}
	media, _, _ := strings.Cut(contentType, ";")
	if len(medias) == 0 {
		if body != "" {
			return fmt.Errorf("a body is not described: %s", body)
		}
		return nil
	}
	if !medias[media] {
		return fmt.Errorf("the media type %s is not described with %d, but %v", media, status, slices.Collect(maps.Keys(medias)))
	}
	if strings.HasSuffix(media, "ndjson") {
		for line := range strings.Lines(body) {
			if !json.Valid([]byte(line)) {
				return fmt.Errorf("the line is not JSON: %s", line)
			}
		}
		return nil
	}
	if !strings.HasSuffix(media, "json") {
		return nil
	}
	if err := d.check(o.refs[at]+"/content/"+escaped(media)+"/schema", body); err != nil {
		return fmt.Errorf("%w\n%s", err, body)
	}
	return nil
}

// play sends an example's request. The receiver is what the example's webhook is instead.
func (g *gateway) play(e httpapi.Example, cookies []*http.Cookie) (answer, []*http.Cookie) {
	g.t.Helper()
	body, media := io.Reader(strings.NewReader(e.Body)), "application/json"
	if strings.HasPrefix(e.Headers["Content-Type"], "multipart/") {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		part, err := w.CreateFormFile("module", "plugin.wasm")
		must(g.t, err)
		version := "1.0.0"
		if e.Title != "" {
			version = "1.1.0"
		}
		_, err = part.Write(buildChatty(g.t, "topic-router", version))
		must(g.t, err)
		must(g.t, w.Close())
		body, media = &form, w.FormDataContentType()
	}
	rq, err := http.NewRequestWithContext(g.t.Context(), e.Method, g.URL()+e.Target, body)
	must(g.t, err)
	for name, value := range e.Headers {
		rq.Header.Set(name, value)
	}
	if rq.Header.Get("Origin") != "" {
		rq.Header.Set("Origin", g.URL())
	}
	if e.Body == "" {
		rq.Body, rq.ContentLength = nil, 0
	} else if media != "application/json" || e.Headers["Content-Type"] == "" {
		rq.Header.Set("Content-Type", media)
	}
	if strings.HasPrefix(e.Target, "/ui/") {
		for _, c := range cookies {
			rq.AddCookie(c)
		}
	} else if e.Headers["Authorization"] == "" {
		rq.Header.Set("Authorization", "Bearer "+g.key)
	}
	resp, err := http.DefaultTransport.RoundTrip(rq)
	must(g.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(g.t, err)
	a := answer{resp.StatusCode, resp.Header, text}
	checkDeclared(g.t, e.Method, e.Target, a)
	return a, resp.Cookies()
}

// TestExamples plays every example of the document on one gateway, in order, and holds what
// comes back against the document; -update writes the answers down.
func TestExamples(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer receiver.Close()
	g := startGateway(t, func(c *Config, _ *Options) { c.WebhookLoopback, c.UnknownKeys = true, 1 })
	document, err := httpapi.OpenAPI("")
	must(t, err)
	d := describedBy(t, document)
	list, err := httpapi.Examples()
	must(t, err)
	values := map[string]string{"admin_key": g.key}
	var cookies []*http.Cookie
	stable := newStable(g, receiver.URL)
	played := map[string]bool{}
	for i, e := range list {
		filled := e.Filled(values)
		filled.Body = strings.ReplaceAll(filled.Body, stable.webhook, receiver.URL)
		got, set := g.play(filled, cookies)
		// What is written beside the request is there a moment later.
		for end := time.Now().Add(10 * time.Second); e.Method == http.MethodGet && e.Status < 300 && unready(e, got) && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			got, set = g.play(filled, cookies)
		}
		if len(set) > 0 {
			cookies = set
		}
		if name, value := e.Captured(got.Body); name != "" {
			if value == "" {
				t.Errorf("%s: the answer has nothing for %s: %s", e.Operation, name, got.Body)
			}
			values[name] = value
		}
		played[e.Operation] = true
		if got.Status >= 300 && got.Status != e.Status || got.Status < 300 && e.Status >= 400 {
			t.Errorf("%s %s (%s) = %d %s", e.Method, filled.Target, e.Operation, got.Status, got.Body)
		}
		if err := d.checkAnswer(e.Operation, got.Status, got.Header.Get("Content-Type"), string(got.Body)); err != nil {
			t.Errorf("%s %s (%s) = %d: %v", e.Method, filled.Target, e.Operation, got.Status, err)
		}
		if op := d.operations[e.Operation]; op != nil && e.Body != "" && e.Headers["Content-Type"] == "" && e.Status < 400 {
			if err := d.check(op.at+"/requestBody/content/application~1json/schema", e.Body); err != nil {
				t.Errorf("%s: its own schema does not allow the request %s: %v", e.Operation, e.Body, err)
			}
		}
		if *update {
			list[i].Status, list[i].Answer = got.Status, stable.text(string(got.Body))
			continue
		}
		if e.Status != got.Status {
			t.Errorf("%s %s (%s) = %d, its example says %d: go test ./host -run TestExamples -update", e.Method, filled.Target, e.Operation, got.Status, e.Status)
		}
		if e.Answer != "" && json.Valid([]byte(e.Answer)) {
			if err := d.checkAnswer(e.Operation, e.Status, "application/json", e.Answer); err != nil && !strings.Contains(err.Error(), "media type") {
				t.Errorf("the answer of %s in its example: %v", e.Operation, err)
			}
		}
	}
	for id := range d.operations {
		if !played[id] {
			t.Errorf("the operation %s has no example", id)
		}
	}
	if *update {
		writeExamples(t, list)
	}
}

// unready reports whether an answer lacks what the example shows.
func unready(e httpapi.Example, got answer) bool {
	switch e.Operation {
	case "get-decision", "get-session":
		return got.Status == http.StatusNotFound
	case "list-usage", "list-decisions", "list-sessions", "list-handoffs", "list-events", "list-deliveries":
		return e.Title == "" && strings.HasPrefix(string(got.Body), `{"data":[]`)
	}
	return false
}

func writeExamples(t *testing.T, list []httpapi.Example) {
	t.Helper()
	files := map[string]*bytes.Buffer{}
	for _, e := range list {
		if files[e.File] == nil {
			files[e.File] = &bytes.Buffer{}
		}
		b := files[e.File]
		fmt.Fprintf(b, "=== %s\n%s %s\n", strings.TrimSpace(e.Operation+" "+e.Title), e.Method, e.Target)
		for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
			fmt.Fprintf(b, "%s: %s\n", name, e.Headers[name])
		}
		if e.Capture != "" {
			fmt.Fprintf(b, "Capture: %s\n", e.Capture)
		}
		if e.Body != "" {
			fmt.Fprintf(b, "%s\n", e.Body)
		}
		fmt.Fprintf(b, "--- %d\n", e.Status)
		if e.Answer != "" {
			fmt.Fprintf(b, "%s\n", e.Answer)
		}
	}
	for name, b := range files {
		must(t, os.WriteFile("httpapi/example/"+name+".http", b.Bytes(), 0o644))
	}
}
