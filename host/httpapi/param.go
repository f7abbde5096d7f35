package httpapi

import (
	"net/url"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
)

// plainPath is a request whose path parameters are as they were before the client percent-encoded
// them: clients that are made from the document encode more than is needed, a date's colons say.
// The router has split the path by then, so that an id may hold slashes.
type plainPath struct {
	humaContext
	values map[string]string
}

// humaContext is embedded by another name than that of its method Context.
type humaContext huma.Context

// Param implements huma.Context.
func (p plainPath) Param(name string) string { return p.values[name] }

// Unwrap is for humafiber.
func (p plainPath) Unwrap() huma.Context { return p.humaContext }

// decodePath is a middleware that undoes the percent-encoding of path parameters.
func (s *Server) decodePath(ctx huma.Context, next func(huma.Context)) {
	var values map[string]string
	for _, p := range ctx.Operation().Parameters {
		if p.In != "path" {
			continue
		}
		value, err := url.PathUnescape(ctx.Param(p.Name))
		if err != nil {
			s.write(humafiber.Unwrap(ctx).Context(), invalid(p.Name, "'"+p.Name+"' in the path is not correctly percent-encoded."))
			return
		}
		if values == nil {
			values = map[string]string{}
		}
		values[p.Name] = value
	}
	if values != nil {
		ctx = plainPath{ctx, values}
	}
	next(ctx)
}
