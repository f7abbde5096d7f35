package httpapi

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine/wire"
)

// exampleFiles are requests with the answers that a real gateway gave them.
//
//go:embed example/*.http
var exampleFiles embed.FS

// exampleOrder is the order in which the files of examples are played: what one makes, later
// ones use.
var exampleOrder = []string{"completions", "tenants", "spending", "routing", "catalogue", "operations", "server", "errors"}

// Example is a request of the document and the answer that a gateway gave it. A test of the
// package host plays all of them in order, on one gateway, and writes the answers down.
type Example struct {
	File      string // as accounts
	Operation string // id of the operation
	Title     string // what it shows, "" for nothing special
	Method    string
	Target    string            // path and query, with {name} for what an earlier answer said
	Headers   map[string]string // beside the key and the content type
	Capture   string            // "name=member", or "name=data.0.member": what later requests take from the answer
	Body      string            // "" for none
	Status    int               // 0: not played yet; an error's is written down before it is played
	Answer    string            // the body, "" for none
}

// Examples returns the examples in the order in which they are to be played.
// The error is for a file that cannot be read.
func Examples() ([]Example, error) {
	var list []Example
	for _, name := range exampleOrder {
		text, err := exampleFiles.ReadFile("example/" + name + ".http")
		if err != nil {
			return nil, fmt.Errorf("read examples: %w", err)
		}
		of, err := parseExamples(name, string(text))
		if err != nil {
			return nil, err
		}
		list = append(list, of...)
	}
	return list, nil
}

const (
	exampleHead   = "=== "
	exampleAnswer = "--- "
	captureHeader = "Capture"
)

// parseExamples reads a file: a line "=== operation title", the request line, headers, the body;
// then "--- status" and the answer.
func parseExamples(file, text string) (list []Example, err error) {
	for i, part := range strings.Split("\n"+text, "\n"+exampleHead)[1:] {
		head, rest, _ := strings.Cut(part, "\n")
		e := Example{File: file, Headers: map[string]string{}}
		e.Operation, e.Title, _ = strings.Cut(head, " ")
		sent, answer, answered := strings.Cut("\n"+rest, "\n"+exampleAnswer)
		lines := strings.Split(strings.TrimSpace(sent), "\n")
		var ok bool
		if e.Method, e.Target, ok = strings.Cut(lines[0], " "); !ok {
			return nil, fmt.Errorf("example %d of %s: %q is no request line", i+1, file, lines[0])
		}
		for len(lines) > 1 {
			name, value, ok := strings.Cut(lines[1], ": ")
			if !ok || strings.ContainsAny(name, ` {"`) {
				break
			}
			if name == captureHeader {
				e.Capture = value
			} else {
				e.Headers[name] = value
			}
			lines = lines[1:]
		}
		e.Body = strings.Join(lines[1:], "\n")
		if answered {
			status, body, _ := strings.Cut(answer, "\n")
			if e.Status, err = strconv.Atoi(status); err != nil {
				return nil, fmt.Errorf("example %d of %s: status: %w", i+1, file, err)
			}
			e.Answer = strings.TrimSpace(body)
		}
		list = append(list, e)
	}
	return list, nil
}

// Captured returns what an answer says of what is to be captured: the name, and the value.
func (e Example) Captured(answer []byte) (name, value string) {
	name, member, ok := strings.Cut(e.Capture, "=")
	if !ok {
		return "", ""
	}
	var at any
	if json.Unmarshal(answer, &at) != nil {
		return "", ""
	}
	for part := range strings.SplitSeq(member, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[part]
		case []any:
			if at = nil; len(v) > 0 {
				at = v[0]
			}
		}
	}
	switch v := at.(type) {
	case string:
		value = v
	case float64:
		value = strconv.FormatFloat(v, 'f', -1, 64)
	}
	return name, value
}

// Filled returns the example with values in the place of {name}.
func (e Example) Filled(values map[string]string) Example {
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", value)
	}
	r := strings.NewReplacer(pairs...)
	headers := map[string]string{}
	for name, value := range e.Headers {
		headers[name] = r.Replace(value)
	}
	e.Target, e.Body, e.Headers = r.Replace(e.Target), r.Replace(e.Body), headers
	return e
}

// exemplify puts the examples into the document.
func exemplify(api *huma.OpenAPI) error {
	list, err := Examples()
	if err != nil {
		return err
	}
	byID := map[string]*huma.Operation{}
	operations(api, func(op *huma.Operation) { byID[op.OperationID] = op })
	values := map[string]string{"admin_key": "pm_…"}
	for _, e := range list {
		if name, value := e.Captured([]byte(e.Answer)); name != "" {
			values[name] = value
		}
		op := byID[e.Operation]
		if op == nil {
			return fmt.Errorf("an example is of the operation %s, which there is not", e.Operation)
		}
		var err error
		if e.Status >= http.StatusBadRequest {
			err = exemplifyError(api.Components, op, e)
		} else {
			err = exemplifyOperation(op, e.Filled(values))
		}
		if err != nil {
			return fmt.Errorf("example of %s: %w", e.Operation, err)
		}
	}
	exemplifyRest(api.Components)
	return nil
}

// exemplifyRest shows how the codes look that no example could be played of: what comes of a
// server that is full, or stops, or of two requests at one moment. Its summary is the code.
func exemplifyRest(to *huma.Components) {
	known := map[string]reference{}
	for _, r := range references() {
		known[r.Code] = r
	}
	for name, response := range to.Responses {
		codes, _ := response.Extensions["x-pointsman-codes"].([]string)
		form, _, _ := strings.Cut(name, "-")
		for _, code := range codes {
			r := known[code]
			f, text := failed(r.Status, code, strings.ReplaceAll(r.Meaning, "`", "'")), ""
			switch form {
			case "openai":
				text = string(f.openAI())
			case "anthropic":
				_, kind := f.anthropic()
				text = string(wire.AppendMessagesError(nil, kind, f.anthropicMessage(), exampleRequestID))
			default:
				text = string(f.problem(exampleRequestID).json())
			}
			for _, media := range response.Content {
				if shown := errorCode([]byte(text)); media.Examples[shown] == nil {
					addExample(media, shown, code, text)
				}
			}
		}
	}
}

const exampleRequestID = "019aab2e-7c00-7000-8000-000000000001"

// exemplifyError gives an error to every answer that can be it: those of the same form, status and
// code are one, whatever the operation.
func exemplifyError(to *huma.Components, op *huma.Operation, e Example) error {
	status := strconv.Itoa(e.Status)
	described := op.Responses[status]
	if described == nil || described.Ref == "" {
		return fmt.Errorf("the status %s is not described", status)
	}
	name := strings.TrimPrefix(described.Ref, "#/components/responses/")
	form, _, _ := strings.Cut(name, "-")
	code := errorCode([]byte(e.Answer))
	if code == "" {
		return nil // not played yet
	}
	found := false
	for other, r := range to.Responses {
		codes, _ := r.Extensions["x-pointsman-codes"].([]string)
		if !strings.HasPrefix(other, form+"-"+status+"-") || other != name && !slices.Contains(codes, code) && form != "anthropic" {
			continue
		}
		found = found || slices.Contains(codes, code) || form == "anthropic" // whose errors have no code
		for _, media := range r.Content {
			if media.Examples[code] == nil {
				addExample(media, code, e.Title, e.Answer)
			}
		}
	}
	if !found {
		return fmt.Errorf("the code %s is not described for the status %s", code, status)
	}
	return nil
}

// errorCode is the code of an answer in any of the three forms, or Anthropic's type.
func errorCode(answer []byte) string {
	var e struct {
		Code  string
		Error struct{ Code, Type string }
	}
	if json.Unmarshal(answer, &e) != nil {
		return ""
	}
	return cmp.Or(e.Code, e.Error.Code, e.Error.Type)
}

func exemplifyOperation(op *huma.Operation, e Example) error {
	title := e.Title
	if title == "" {
		title = op.Summary
	}
	name := "example"
	if samples, _ := op.Extensions["x-codeSamples"].([]codeSample); len(samples) > 0 {
		name += strconv.Itoa(len(samples) + 1)
	}
	if op.RequestBody != nil && e.Body != "" {
		for _, media := range op.RequestBody.Content {
			addExample(media, name, title, e.Body)
		}
	}
	if r := op.Responses[strconv.Itoa(e.Status)]; r != nil && e.Answer != "" {
		media := "application/json"
		for kind := range r.Content {
			if stream := strings.HasPrefix(kind, "text/"); len(r.Content) == 1 || stream != json.Valid([]byte(e.Answer)) {
				media = kind
			}
		}
		if r.Content[media] != nil {
			addExample(r.Content[media], name, title, e.Answer)
		}
	}
	if err := exemplifyParameters(op, e); err != nil {
		return err
	}
	if op.Extensions == nil {
		op.Extensions = map[string]any{}
	}
	samples, _ := op.Extensions["x-codeSamples"].([]codeSample)
	op.Extensions["x-codeSamples"] = append(samples, codeSample{"Shell", title, e.curl(op)})
	return nil
}

// addExample adds a body, as JSON where it is that.
func addExample(to *huma.MediaType, name, title, body string) {
	if to.Examples == nil {
		to.Examples = map[string]*huma.Example{}
	}
	var value any = json.RawMessage(body)
	if !json.Valid([]byte(body)) || to.Schema != nil && to.Schema.Type == "string" {
		value = body
	}
	to.Examples[name] = &huma.Example{Summary: title, Value: value}
}

var quotedParameter = regexp.MustCompile(`\\\{(\w+)\\\}`) // in a quoted pattern

// exemplifyParameters gives each parameter the value that it has in the request.
func exemplifyParameters(op *huma.Operation, e Example) error {
	at, err := url.Parse(e.Target)
	if err != nil {
		return err
	}
	var names []string
	pattern := quotedParameter.ReplaceAllStringFunc(regexp.QuoteMeta(op.Path), func(s string) string {
		names = append(names, strings.Trim(s, `\{}`))
		return `([^/]+)`
	})
	found := regexp.MustCompile("^" + pattern + "$").FindStringSubmatch(at.EscapedPath())
	if found == nil || e.Method != op.Method {
		return fmt.Errorf("%s %s is not of %s %s", e.Method, e.Target, op.Method, op.Path)
	}
	query := at.Query()
	for _, p := range op.Parameters {
		text := ""
		switch p.In {
		case "path":
			for i, name := range names {
				if name == p.Name {
					text = found[i+1]
				}
			}
		case "query":
			text = query.Get(p.Name)
		case "header":
			for name, value := range e.Headers {
				if strings.EqualFold(name, p.Name) {
					text = value
				}
			}
		}
		if text != "" && p.Example == nil {
			p.Example = parameterValue(p, text)
		}
	}
	return nil
}

// parameterValue is the text of a parameter as its schema types it.
func parameterValue(p *huma.Param, text string) any {
	if p.Schema == nil {
		return text
	}
	switch p.Schema.Type {
	case "integer", "number", "boolean":
		if json.Valid([]byte(text)) {
			return json.RawMessage(text)
		}
	case "array":
		return strings.Split(text, ",")
	}
	return text
}

type codeSample struct {
	Lang   string `json:"lang"`
	Label  string `json:"label"`
	Source string `json:"source"`
}

// curl is the request as a line for a shell.
func (e Example) curl(op *huma.Operation) string {
	var b bytes.Buffer
	quoted := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }
	fmt.Fprintf(&b, `curl "$POINTSMAN_URL%s"`, e.Target)
	if e.Method != http.MethodGet && (e.Method != http.MethodPost || e.Body == "") {
		b.WriteString(" -X " + e.Method)
	}
	if rule := policies[op.Method+" "+fiberPath(op.Path)]; !rule.public || strings.HasPrefix(op.Path, "/v1/") {
		b.WriteString(` -H "Authorization: Bearer $POINTSMAN_KEY"`)
	}
	for _, p := range op.Parameters { // in a fixed order
		for name, value := range e.Headers {
			if strings.EqualFold(name, p.Name) {
				fmt.Fprintf(&b, " -H %s", quoted(name+": "+value))
			}
		}
	}
	switch {
	case strings.HasPrefix(e.Headers["Content-Type"], "multipart/"):
		var form map[string]string
		_ = json.Unmarshal([]byte(e.Body), &form)
		for name, value := range form {
			fmt.Fprintf(&b, " -F %s=%s", name, value)
		}
	case e.Body != "":
		fmt.Fprintf(&b, " \\\n  -H 'Content-Type: application/json' -d %s", quoted(e.Body))
	}
	return b.String()
}
