package httpapi

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

const problemType = "application/problem+json"

// problem is an error of the admin API: RFC 9457, with members of our own.
type problem struct {
	Type      string              `json:"type" doc:"Where this kind of error is described." example:"/docs#rule_compile"`
	Title     string              `json:"title" doc:"The status in words." example:"Bad Request"`
	Status    int                 `json:"status" doc:"The HTTP status." example:"400"`
	Detail    string              `json:"detail" doc:"What went wrong with this request."`
	Code      string              `json:"code" doc:"What went wrong, as a word to branch on." example:"rule_compile"`
	RequestID string              `json:"request_id,omitempty" doc:"The x-request-id of this request."`
	Errors    []*huma.ErrorDetail `json:"errors,omitempty" doc:"The members at fault."`
	Line      int                 `json:"line,omitempty" doc:"Of a rule text that does not compile: its line, from 1."`
	Column    int                 `json:"column,omitempty" doc:"Its column in characters, from 1."`
	Caret     string              `json:"caret,omitempty" doc:"The line, and a line with a caret under the place."`
	Cases     []caseResult        `json:"cases,omitempty" doc:"Of rules that are not published or changed: the stored cases that they would fail."`
}

// Error makes a problem usable as huma's error.
func (p *problem) Error() string { return p.Detail }

// GetStatus tells huma the status.
func (p *problem) GetStatus() int { return p.Status }

// ContentType tells huma the media type.
func (p *problem) ContentType(string) string { return problemType }

// problem is the failure as the admin API shows it.
func (f *failure) problem(requestID string) *problem {
	p := &problem{
		Type: "/docs#" + f.code, Title: http.StatusText(f.status), Status: f.status,
		Detail: f.message, Code: f.code, RequestID: requestID, Cases: shownResults(f.cases),
	}
	if f.param != "" {
		p.Errors = []*huma.ErrorDetail{{Location: "body." + f.param, Message: f.message}}
	}
	if s := f.source; s != nil {
		p.Line, p.Column, p.Caret = s.Line, s.Column, s.Snippet
		p.Errors = []*huma.ErrorDetail{{Location: "body.when", Message: s.Message, Value: strconv.Itoa(s.Line) + ":" + strconv.Itoa(s.Column)}}
	}
	return p
}

// json is the problem's body; it never fails but for values that we do not put in.
func (p *problem) json() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		p.Errors = nil
		b, _ = json.Marshal(p)
	}
	return b
}

// unify turns the errors that huma itself makes (validation, media types) into problems.
func unify(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code := code(engine.CodeInvalid)
	switch {
	case m.Status == http.StatusUnsupportedMediaType:
		code = string(engine.CodeUnsupportedMedia)
	case m.Status == http.StatusRequestEntityTooLarge:
		code = string(engine.CodeTooLarge)
	case m.Status == http.StatusRequestTimeout:
		code = codeRequestTimeout
	case m.Status >= http.StatusInternalServerError:
		code = string(engine.CodeInternal)
	}
	p := failed(m.Status, code, m.Detail).problem(requestOf(ctx.Context()).id)
	p.Errors = m.Errors
	if op := ctx.Operation(); op != nil && op.Metadata["secret"] == true {
		// What is at fault may be the secret, or hold it.
		for _, e := range p.Errors {
			e.Value = nil
		}
	}
	return p, nil
}

// problemResponse documents what any operation may answer.
func problemResponse(registry huma.Registry) *huma.Response {
	return &huma.Response{
		Description: "An error, as RFC 9457 describes it.",
		Content: map[string]*huma.MediaType{
			problemType: {Schema: registry.Schema(reflect.TypeFor[problem](), true, "Problem")},
		},
	}
}
