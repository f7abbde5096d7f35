package httpapi

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/pointsman/pointsman/engine"
)

const usageExportPath = "/api/v1/usage/export"

// usageExportPage is how many rows are read, and sent, at a time.
const usageExportPage = 500

type usageExport struct {
	CostFilter
	SessionID string    `query:"session_id" maxLength:"256"`
	Format    string    `query:"format" enum:"csv,json" default:"csv"`
	From      time.Time `query:"from" doc:"Rows that began not before."`
	To        time.Time `query:"to" doc:"Rows that began before."`
}

func (s *Server) registerExport() {
	operation(s, huma.Operation{OperationID: "export-usage", Method: http.MethodGet, Path: usageExportPath, Summary: "Export settled attempts", Tags: []string{"usage"},
		Description: "Every row of one account that the caller may see, newest first, as it is read. `csv` has a header line; a text cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return, also after blanks, gets an apostrophe before it, so that no spreadsheet takes it for a formula. " +
			"`json` is one object whose `data` is the list. An export that ended early is neither: a CSV ends with a record of two cells, `error` and the reason, a JSON text is cut off."}, s.exportUsage)
	s.api.OpenAPI().Paths[usageExportPath].Get.Responses["200"] = &huma.Response{
		Description: "OK",
		Content: map[string]*huma.MediaType{
			"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}},
			"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
				"data": {Type: huma.TypeArray, Items: huma.SchemaFromType(s.api.OpenAPI().Components.Schemas, reflect.TypeFor[usage]())},
			}}},
		},
	}
}

func (s *Server) exportUsage(ctx context.Context, in *usageExport) (*huma.StreamResponse, error) {
	rq := requestOf(ctx)
	e := &usageStream{s: s, p: rq.principal, query: engine.CostQuery{CostFilter: in.CostFilter.engine(), SessionID: in.SessionID, From: in.From, To: in.To}, more: true}
	wire, kind := framing(&csvFraming{}), "text/csv; charset=utf-8"
	if in.Format == "json" {
		wire, kind = &listFraming{}, "application/json"
	}
	// What refuses the export must do so before its status is sent.
	if err := e.fetch(ctx); err != nil {
		return nil, err
	}
	e.write = wire.(usageWriter).rows
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		fctx := humafiber.Unwrap(hctx).Context()
		h := &fctx.Response.Header
		h.SetContentType(kind)
		h.Set(fiber.HeaderCacheControl, "no-store")
		h.Set(fiber.HeaderContentDisposition, `attachment; filename="usage.`+in.Format+`"`)
		h.Set("X-Accel-Buffering", "no")
		rq.streaming = true
		fctx.Response.SetBodyStream(s.newEventStream(rq, e, wire, fctx.Conn(), func() {}), -1)
	}}, nil
}

// usageWriter writes rows in the form of an export.
type usageWriter interface {
	rows(dst []byte, rows []engine.Usage) ([]byte, error)
}

// usageStream is rows, a page at a time. It implements engine.Stream; one goroutine uses it.
type usageStream struct {
	s       *Server
	p       engine.Principal
	query   engine.CostQuery
	after   string
	more    bool
	waiting []engine.Usage
	write   func(dst []byte, rows []engine.Usage) ([]byte, error)
	text    []byte
}

// fetch reads the next page, which may be empty.
func (e *usageStream) fetch(ctx context.Context) (err error) {
	e.waiting, e.after, err = e.s.cfg.Usage.PageUsage(ctx, e.p, e.query, e.after, usageExportPage)
	e.more = e.after != ""
	return err
}

// Next returns some rows.
func (e *usageStream) Next(ctx context.Context) (_ []byte, err error) {
	for len(e.waiting) == 0 {
		if !e.more {
			return nil, io.EOF
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := e.fetch(ctx); err != nil {
			return nil, err
		}
	}
	e.text, err = e.write(e.text[:0], e.waiting)
	e.waiting = nil
	return e.text, err
}

// Close implements engine.Stream.
func (e *usageStream) Close() {}

// listFraming is one JSON object whose data is the rows.
type listFraming struct{ begun bool }

func (f *listFraming) rows(dst []byte, rows []engine.Usage) ([]byte, error) {
	for _, u := range rows {
		dst = append(dst, ",\n"...)
		text, err := json.Marshal(shownUsage(u))
		if err != nil {
			return nil, err
		}
		dst = append(dst, text...)
	}
	return dst, nil
}

func (f *listFraming) chunk(dst, chunk []byte) ([]byte, error) {
	if !f.begun {
		f.begun = true
		dst, chunk = append(dst, `{"data":[`...), bytes.TrimPrefix(chunk, []byte(","))
	}
	return append(dst, chunk...), nil
}

func (f *listFraming) done(dst []byte) ([]byte, error) {
	dst, _ = f.chunk(dst, nil)
	return append(dst, "]}\n"...), nil
}

// failed appends nothing: a text that is cut off cannot be taken for a whole one.
func (f *listFraming) failed(dst []byte, _ *failure) []byte { return dst }
func (f *listFraming) ping(dst []byte) []byte               { return dst }

// csvFraming is lines of comma-separated values (RFC 4180).
type csvFraming struct{ begun bool }

// csvColumns are the cells of a line, in their order.
var csvColumns = []string{
	"id", "kind", "corrects", "request_id", "attempt", "account_id", "team_id", "user_id", "key_id", "session_id", "task_type", "model", "provider",
	"upstream_id", "substituted", "rule", "stream", "prompt_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens",
	"completion_tokens", "reasoning_tokens", "estimated", "cost_nano_usd", "cost_usd", "premium_requests", "outcome", "status", "code",
	"simulated", "started_at", "latency_ms", "first_byte_ms", "images",
}

func (f *csvFraming) rows(dst []byte, rows []engine.Usage) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, u := range rows {
		cost, usd := "", "" // not known, which is not 0
		if !u.Unpriced {
			cost, usd = number(u.CostNanoUSD), engine.FormatUSD(u.CostNanoUSD)
		}
		t := u.Tokens
		err := w.Write([]string{
			cell(u.ID), kindOf(u), cell(u.Corrects), cell(u.RequestID), strconv.Itoa(u.Attempt), cell(u.AccountID), cell(u.TeamID), cell(u.UserID),
			cell(u.KeyID), cell(u.SessionID), cell(u.TaskType), cell(u.ModelID), cell(u.ProviderID), cell(u.UpstreamID), strconv.FormatBool(u.Substituted),
			cell(u.Source), strconv.FormatBool(u.Stream), number(t.Prompt), number(t.Cached), number(t.CacheWrite), number(t.CacheWrite1h),
			number(t.Completion), number(t.Reasoning), strconv.FormatBool(u.Estimated), cost, usd,
			strconv.FormatFloat(float64(u.PremiumUse)/100, 'f', -1, 64), string(u.Outcome), strconv.Itoa(u.Status), cell(string(u.Code)),
			strconv.FormatBool(u.Simulated), u.StartedAt.UTC().Format("2006-01-02T15:04:05.000Z"), number(u.LatencyMS), number(u.FirstByteMS), number(u.Images),
		})
		if err != nil {
			return nil, err
		}
	}
	w.Flush()
	return append(dst, b.Bytes()...), w.Error()
}

// cell is a text that no spreadsheet takes for a formula (OWASP, "CSV Injection").
func cell(text string) string {
	text = strings.ReplaceAll(text, "\x00", "")
	if strings.HasPrefix(text, "\t") || strings.HasPrefix(text, "\r") || strings.HasPrefix(text, "\n") {
		return "'" + text
	}
	for _, c := range strings.TrimLeft(text, " \t\r\n\u00a0") {
		if strings.ContainsRune("=+-@＝＋－＠", c) { // the wide ones count as the others in some
			return "'" + text
		}
		break
	}
	return text
}

func (f *csvFraming) chunk(dst, chunk []byte) ([]byte, error) {
	if !f.begun {
		f.begun = true
		dst = append(append(dst, strings.Join(csvColumns, ",")...), "\r\n"...)
	}
	return append(dst, chunk...), nil
}

func (f *csvFraming) done(dst []byte) ([]byte, error) { return f.chunk(dst, nil) }

func (f *csvFraming) failed(dst []byte, x *failure) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	_ = w.Write([]string{"error", x.message}) // into memory
	w.Flush()
	return append(dst, b.Bytes()...)
}
func (f *csvFraming) ping(dst []byte) []byte { return dst }
