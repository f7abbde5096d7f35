package httpapi

import (
	"context"
	"encoding/hex"
	"io"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/pointsman/pointsman/engine"
)

const auditExportPath = "/api/v1/audit/export"

// exportPage is how many entries are read, and sent, at a time.
const exportPage = 100

const ndjson = "application/x-ndjson"

func (s *Server) describeExport() {
	s.api.OpenAPI().Paths[auditExportPath].Get.Responses["200"] = &huma.Response{
		Description: "OK",
		Content:     map[string]*huma.MediaType{ndjson: {Schema: huma.SchemaFromType(s.api.OpenAPI().Components.Schemas, reflect.TypeFor[auditEntry]())}},
	}
}

func (s *Server) exportAudit(ctx context.Context, in *auditExport) (*huma.StreamResponse, error) {
	rq := requestOf(ctx)
	account, err := in.of(rq.principal)
	if err != nil {
		return nil, err
	}
	e := &auditStream{s: s, p: rq.principal, account: account, after: in.After, left: in.Limit}
	// What refuses the export must do so before its status is sent.
	if err := e.fetch(ctx); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		fctx := humafiber.Unwrap(hctx).Context()
		h := &fctx.Response.Header
		h.SetContentType(ndjson)
		h.Set(fiber.HeaderCacheControl, "no-store")
		h.Set(fiber.HeaderContentDisposition, `attachment; filename="audit.jsonl"`)
		h.Set("X-Accel-Buffering", "no")
		rq.streaming = true
		fctx.Response.SetBodyStream(s.newEventStream(rq, e, lineFraming{}, fctx.Conn(), func() {}), -1)
	}}, nil
}

// auditStream is a part of an account's log, a page of lines at a time. It implements
// engine.Stream; one goroutine uses it.
type auditStream struct {
	s       *Server
	p       engine.Principal
	account string
	after   int64
	left    int // entries that may still be read
	waiting []engine.AuditEntry
	lines   []byte
}

// fetch reads the next page.
func (e *auditStream) fetch(ctx context.Context) (err error) {
	e.waiting, err = e.s.cfg.Audit.ReadAudit(ctx, e.p, e.account, e.after, min(exportPage, e.left))
	return err
}

// Next returns some lines.
func (e *auditStream) Next(ctx context.Context) ([]byte, error) {
	if e.waiting == nil && e.left > 0 {
		if err := e.fetch(ctx); err != nil {
			return nil, err
		}
	}
	if len(e.waiting) == 0 {
		return nil, io.EOF
	}
	e.lines = e.lines[:0]
	for _, entry := range e.waiting {
		e.lines = appendAuditLine(e.lines, entry)
		e.after = entry.Seq
	}
	e.left -= len(e.waiting)
	e.waiting = nil
	return e.lines, nil
}

// Close implements engine.Stream.
func (e *auditStream) Close() {}

// appendAuditLine writes the very bytes that the entry's hash is over, and the hashes.
func appendAuditLine(dst []byte, e engine.AuditEntry) []byte {
	form := e.Canonical()
	dst = append(dst, form[:len(form)-1]...)
	dst = append(dst, `,"previous":"`...)
	dst = hex.AppendEncode(dst, e.Previous)
	dst = append(dst, `","hash":"`...)
	dst = hex.AppendEncode(dst, e.Hash)
	return append(dst, "\"}\n"...)
}

// lineFraming is lines of JSON as they are.
type lineFraming struct{}

func (lineFraming) chunk(dst, chunk []byte) ([]byte, error) { return append(dst, chunk...), nil }
func (lineFraming) done(dst []byte) ([]byte, error)         { return dst, nil }
func (lineFraming) failed(dst []byte, f *failure) []byte {
	return append(append(dst, f.problem("").json()...), '\n')
}
func (lineFraming) ping(dst []byte) []byte { return dst }
