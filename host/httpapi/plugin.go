package httpapi

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// plugin is a plugin version as the API shows it.
type plugin struct {
	Name      string          `json:"name"`
	Version   string          `json:"version"`
	Ref       string          `json:"ref" doc:"name@version, as a rule may name it."`
	Kind      string          `json:"kind" enum:"rule,provider"`
	SHA256    string          `json:"sha256"`
	Size      int64           `json:"size" doc:"Of the module, bytes."`
	Active    bool            `json:"active"`
	AccountID string          `json:"account_id,omitempty" doc:"Left out: all accounts."`
	CreatedAt time.Time       `json:"created_at"`
	Manifest  engine.Manifest `json:"manifest"`
}

type (
	pluginKey struct {
		Name      string `path:"name" maxLength:"128"`
		Version   string `path:"version" maxLength:"128"`
		AccountID string `query:"account_id" doc:"Left out: the global plugin."`
	}
	pluginList struct {
		Body struct {
			Data []plugin `json:"data"`
		}
	}
	pluginUpload struct {
		Activate    bool   `query:"activate" doc:"Make it the active version. The first version of a name is active anyway."`
		AccountID   string `query:"account_id" doc:"Left out: all accounts."`
		ContentType string `header:"Content-Type" hidden:"true"`
		RawBody     []byte `contentType:"multipart/form-data"`
	}
	pluginOutput struct {
		Status int
		Body   plugin
	}
)

func shownPlugin(v engine.PluginVersion) plugin {
	return plugin{
		Name: v.Name, Version: v.Version, Ref: v.Name + "@" + v.Version, Kind: v.Kind,
		SHA256: hex.EncodeToString(v.SHA256[:]), Size: v.Size, Active: v.Active,
		AccountID: v.AccountID, CreatedAt: v.CreatedAt.UTC(), Manifest: v.Manifest,
	}
}

func (s *Server) registerPlugins() {
	tag := []string{"plugins"}
	operation(s, huma.Operation{OperationID: "list-plugins", Method: http.MethodGet, Path: "/api/v1/plugins", Summary: "List the plugin versions that the key sees", Tags: tag}, s.listPlugins)
	operation(s, huma.Operation{OperationID: "upload-plugin", Method: http.MethodPost, Path: "/api/v1/plugins", Summary: "Upload a plugin version", Tags: tag, DefaultStatus: http.StatusCreated,
		Description:  "A multipart form with the wasm module, its manifest inside, as the file 'module'. 201 for a new version, 200 for bytes that are there already, 409 for other bytes under an existing version.",
		MaxBodyBytes: int64(s.cfg.MaxModuleUpload + uploadOverhead), SkipValidateBody: true, RequestBody: uploadForm()}, s.uploadPlugin)
	operation(s, huma.Operation{OperationID: "activate-plugin", Method: http.MethodPost, Path: "/api/v1/plugins/{name}/{version}/activate", Summary: "Make a version the active one of its name", Tags: tag, DefaultStatus: http.StatusNoContent}, s.activatePlugin)
	operation(s, huma.Operation{OperationID: "delete-plugin", Method: http.MethodDelete, Path: "/api/v1/plugins/{name}/{version}", Summary: "Delete a version that no rule uses", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deletePlugin)
}

// uploadForm documents the form; it is read by moduleOf.
func uploadForm() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"multipart/form-data": {Schema: &huma.Schema{
			Type: "object", Required: []string{"module"},
			Properties: map[string]*huma.Schema{"module": {Type: "string", Format: "binary", Description: "The .wasm file."}},
		}},
	}}
}

func (s *Server) listPlugins(ctx context.Context, _ *nothing) (*pluginList, error) {
	versions, err := s.cfg.Plugins.ListPlugins(ctx, principalOf(ctx))
	if err != nil {
		return nil, err
	}
	out := &pluginList{}
	out.Body.Data = make([]plugin, 0, len(versions))
	for _, v := range versions {
		out.Body.Data = append(out.Body.Data, shownPlugin(v))
	}
	return out, nil
}

func (s *Server) uploadPlugin(ctx context.Context, in *pluginUpload) (*pluginOutput, error) {
	module, f := s.moduleOf(in.ContentType, in.RawBody)
	if f != nil {
		return nil, f
	}
	v, created, err := s.cfg.Plugins.UploadPlugin(ctx, principalOf(ctx), in.AccountID, module, in.Activate)
	if err != nil {
		return nil, err
	}
	out := &pluginOutput{Status: http.StatusOK, Body: shownPlugin(v)}
	if created {
		out.Status = http.StatusCreated
	}
	return out, nil
}

// moduleOf takes the module out of the form. The result is a copy: body goes back to
// a pool, and the module is kept.
func (s *Server) moduleOf(contentType string, body []byte) ([]byte, *failure) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" {
		return nil, failed(http.StatusUnsupportedMediaType, string(engine.CodeUnsupportedMedia), "A plugin is uploaded as multipart/form-data with the file 'module': curl -F module=@plugin.wasm.")
	}
	form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	var module []byte
	for {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, invalid("module", "The multipart form cannot be read.")
		}
		switch name := part.FormName(); {
		case name == "fixtures":
			return nil, invalid("fixtures", "'fixtures' are not run yet: upload the module alone.")
		case name != "module":
			return nil, invalid(cleanHeader(name), "The form has a field that is not known here. Only 'module' is.")
		case module != nil:
			return nil, invalid("module", "The form has 'module' twice.")
		}
		var buf bytes.Buffer
		if _, err := buf.ReadFrom(io.LimitReader(part, int64(s.cfg.MaxModuleUpload)+1)); err != nil {
			return nil, invalid("module", "The multipart form is cut off.")
		}
		if buf.Len() > s.cfg.MaxModuleUpload {
			f := tooLarge(s.cfg.MaxModuleUpload)
			f.param = "module"
			return nil, f
		}
		module = append(make([]byte, 0, buf.Len()), buf.Bytes()...)
	}
	if len(module) == 0 {
		return nil, invalid("module", "The form has no file 'module', or it is empty.")
	}
	return module, nil
}

func (s *Server) activatePlugin(ctx context.Context, in *pluginKey) (*nothing, error) {
	name, version, err := in.decoded()
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Plugins.ActivatePlugin(ctx, principalOf(ctx), in.AccountID, name, version)
}

func (s *Server) deletePlugin(ctx context.Context, in *pluginKey) (*nothing, error) {
	name, version, err := in.decoded()
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Plugins.DeletePlugin(ctx, principalOf(ctx), in.AccountID, name, version)
}

// decoded undoes percent-encoding: a version may hold a plus sign.
func (k *pluginKey) decoded() (name, version string, err error) {
	if name, err = url.PathUnescape(k.Name); err == nil {
		version, err = url.PathUnescape(k.Version)
	}
	if err != nil {
		return "", "", failed(http.StatusNotFound, string(engine.CodeNotFound), "There is no such plugin. GET /api/v1/plugins lists them.")
	}
	return name, version, nil
}
