package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// maxFixtures bounds the cases that come with a module, in bytes, as the gate does.
const maxFixtures = 1 << 20

type pluginUpload struct {
	Activate    bool   `query:"activate" doc:"Make it the active version. The first version of a name is active anyway."`
	AccountID   string `query:"account_id" doc:"Left out: the caller's own account, for a super admin all accounts."`
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"multipart/form-data"`
}

// uploadForm documents the form; it is read by uploadOf.
func uploadForm() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"multipart/form-data": {Schema: &huma.Schema{
			Type: "object", Required: []string{"module"},
			Properties: map[string]*huma.Schema{
				"module":   {Type: "string", Format: "binary", Description: "The .wasm file."},
				"fixtures": {Type: "string", Format: "binary", Description: "Cases that it must pass: a JSON array, at most 100 and 1 MiB. They are not kept."},
			},
		}},
	}}
}

func (s *Server) uploadPlugin(ctx context.Context, in *pluginUpload) (*pluginOutput, error) {
	u, f := s.uploadOf(in.ContentType, in.RawBody)
	if f != nil {
		return nil, f
	}
	size := int64(len(u.Module) + len(u.Fixtures))
	if !s.bodies.reserve(size) {
		f := failed(http.StatusServiceUnavailable, codeOverloaded, "The server is busy with other large requests. Try again shortly.")
		f.after = time.Second
		return nil, f
	}
	defer s.bodies.release(size)
	p := principalOf(ctx)
	u.AccountID, u.Activate = homeOf(p, in.AccountID), in.Activate
	v, created, err := s.cfg.Plugins.UploadPlugin(ctx, p, u)
	if err != nil {
		return nil, err
	}
	out := &pluginOutput{Status: http.StatusOK, Body: shownPlugin(v)}
	if created {
		out.Status = http.StatusCreated
	}
	return out, nil
}

// uploadOf takes the files out of the form. They are copies: body goes back to a pool, and
// the module is kept.
func (s *Server) uploadOf(contentType string, body []byte) (u engine.PluginUpload, f *failure) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" {
		return u, failed(http.StatusUnsupportedMediaType, string(engine.CodeUnsupportedMedia), "A plugin is uploaded as multipart/form-data with the file 'module': curl -F module=@plugin.wasm.")
	}
	form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	var got engine.PluginUpload
	for {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return u, invalid("module", "The multipart form cannot be read.")
		}
		name := part.FormName()
		var to *[]byte
		limit := s.cfg.MaxModuleUpload
		switch name {
		case "module":
			to = &got.Module
		case "fixtures":
			to, limit = &got.Fixtures, maxFixtures
		default:
			return u, invalid(cleanHeader(name), "The form has a field that is not known here. Only 'module' and 'fixtures' are.")
		}
		if *to != nil {
			return u, invalid(name, "The form has '"+name+"' twice.")
		}
		if *to, f = content(part, limit); f != nil {
			f.param = name
			return u, f
		}
	}
	if len(got.Module) == 0 {
		return u, invalid("module", "The form has no file 'module', or it is empty.")
	}
	return got, nil
}

// content reads a file of the form, at most limit bytes; it is never nil.
func content(part io.Reader, limit int) ([]byte, *failure) {
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(io.LimitReader(part, int64(limit)+1)); err != nil {
		return nil, invalid("module", "The multipart form is cut off.")
	}
	if buf.Len() > limit {
		return nil, tooLarge(limit)
	}
	return append(make([]byte, 0, buf.Len()), buf.Bytes()...), nil
}
