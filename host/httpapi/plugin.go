package httpapi

import (
	"context"
	"encoding/hex"
	"net/http"
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
		AccountID string `query:"account_id" doc:"Left out: the caller's own account, for a super admin the global plugin."`
	}
	pluginName struct {
		Name      string `path:"name" maxLength:"128"`
		AccountID string `query:"account_id" doc:"Left out: the caller's own account, for a super admin the global plugin."`
	}
	pluginList struct {
		Body struct {
			Data []plugin `json:"data" doc:"By account, name and age, oldest first."`
		}
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
		Description:  "A multipart form with the wasm module, its manifest inside, as the file 'module', and maybe 'fixtures', a JSON array of cases that it must pass. 201 for a new version, 200 for bytes that are there already (they are not tried again), 409 for other bytes under an existing version and for more than an account may have, 404 for an account that is not there, 422 when compiling takes more than a plugin may, 429 when too many modules are being compiled.",
		MaxBodyBytes: int64(s.cfg.MaxModuleUpload + maxFixtures + uploadOverhead), SkipValidateBody: true, RequestBody: uploadForm()}, s.uploadPlugin)
	operation(s, huma.Operation{OperationID: "get-plugin", Method: http.MethodGet, Path: "/api/v1/plugins/{name}", Summary: "List the versions of one plugin", Tags: tag}, s.getPlugin)
	operation(s, huma.Operation{OperationID: "activate-plugin", Method: http.MethodPost, Path: "/api/v1/plugins/{name}/{version}/activate", Summary: "Make a version the active one of its name", Description: "It passes the gate once more. A suspension ends on the replica that answers.", Tags: tag, DefaultStatus: http.StatusNoContent}, s.activatePlugin)
	operation(s, huma.Operation{OperationID: "rollback-plugin", Method: http.MethodPost, Path: "/api/v1/plugins/{name}/rollback", Summary: "Activate the newest version older than the active one", Description: "409 when there is none.", Tags: tag}, s.rollbackPlugin)
	operation(s, huma.Operation{OperationID: "delete-plugin", Method: http.MethodDelete, Path: "/api/v1/plugins/{name}/{version}", Summary: "Delete a version that no rule or provider uses", Description: "409 while one does.", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deletePlugin)
	operation(s, huma.Operation{OperationID: "plugin-logs", Method: http.MethodGet, Path: "/api/v1/plugins/{name}/{version}/logs", Summary: "The newest lines that a version logged on this replica", Tags: tag}, s.pluginLogs)
	operation(s, huma.Operation{OperationID: "plugin-stats", Method: http.MethodGet, Path: "/api/v1/plugins/{name}/{version}/stats", Summary: "How a version does on this replica", Tags: tag}, s.pluginStats)
}

func (s *Server) listPlugins(ctx context.Context, in *struct {
	AccountID string `query:"account_id" maxLength:"128" doc:"Only that account's. Left out: all that the key sees."`
}) (*pluginList, error) {
	return s.shownPlugins(ctx, func(v engine.PluginVersion) bool { return in.AccountID == "" || v.AccountID == in.AccountID })
}

func (s *Server) getPlugin(ctx context.Context, in *struct {
	Name      string `path:"name" maxLength:"128"`
	AccountID string `query:"account_id" doc:"Only that account's. Left out: all that the key sees."`
}) (*pluginList, error) {
	out, err := s.shownPlugins(ctx, func(v engine.PluginVersion) bool {
		return v.Name == in.Name && (in.AccountID == "" || v.AccountID == in.AccountID)
	})
	if err == nil && len(out.Body.Data) == 0 {
		return nil, noPlugin()
	}
	return out, err
}

func (s *Server) shownPlugins(ctx context.Context, show func(engine.PluginVersion) bool) (*pluginList, error) {
	versions, err := s.cfg.Plugins.ListPlugins(ctx, principalOf(ctx))
	if err != nil {
		return nil, err
	}
	out := &pluginList{}
	out.Body.Data = make([]plugin, 0, len(versions))
	for _, v := range versions {
		if show(v) {
			out.Body.Data = append(out.Body.Data, shownPlugin(v))
		}
	}
	return out, nil
}

func (s *Server) activatePlugin(ctx context.Context, in *pluginKey) (*nothing, error) {
	p := principalOf(ctx)
	return nil, s.cfg.Plugins.ActivatePlugin(ctx, p, homeOf(p, in.AccountID), in.Name, in.Version)
}

func (s *Server) rollbackPlugin(ctx context.Context, in *pluginName) (*pluginOutput, error) {
	p := principalOf(ctx)
	v, err := s.cfg.Plugins.RollbackPlugin(ctx, p, homeOf(p, in.AccountID), in.Name)
	if err != nil {
		return nil, err
	}
	return &pluginOutput{Status: http.StatusOK, Body: shownPlugin(v)}, nil
}

func (s *Server) deletePlugin(ctx context.Context, in *pluginKey) (*nothing, error) {
	p := principalOf(ctx)
	return nil, s.cfg.Plugins.DeletePlugin(ctx, p, homeOf(p, in.AccountID), in.Name, in.Version)
}

func noPlugin() *failure {
	return failed(http.StatusNotFound, string(engine.CodeNotFound), "There is no such plugin. GET /api/v1/plugins lists them.")
}
