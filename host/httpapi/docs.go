package httpapi

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

//go:embed docs.html
var docsTemplate string

//go:embed docs.css
var docsStyle string

// docsPolicy lets the page load nothing at all; its one style sheet is known by its hash.
var docsPolicy = func() string {
	sum := sha256.Sum256([]byte(docsStyle))
	return "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// docsOperation is one route on the page.
type docsOperation struct {
	ID, Method, Path, Summary, Description, Role, Scopes string
	Params                                               []*huma.Param
	Body                                                 string // its JSON schema
}

type docsGroup struct {
	Name       string
	Operations []docsOperation
}

type docsCode struct {
	Code   string
	Status int
	Type   string
}

// render makes /openapi.json and /docs, once: the routes do not change afterwards.
func (s *Server) render() error {
	api := s.api.OpenAPI()
	var err error
	if s.spec, err = json.Marshal(api); err != nil {
		return fmt.Errorf("render openapi.json: %w", err)
	}
	page, err := template.New("docs").Parse(docsTemplate)
	if err != nil {
		return fmt.Errorf("render docs: %w", err)
	}
	var out bytes.Buffer
	err = page.Execute(&out, map[string]any{
		"Style": template.CSS(docsStyle), "Version": s.cfg.Version, //nolint:gosec // our own file
		"Groups": docsGroups(api), "Codes": docsCodes(),
	})
	if err != nil {
		return fmt.Errorf("render docs: %w", err)
	}
	s.docs = out.Bytes()
	return nil
}

func docsGroups(api *huma.OpenAPI) []docsGroup {
	groups := map[string]*docsGroup{}
	for path, item := range api.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil || len(op.Tags) == 0 {
				continue
			}
			g := groups[op.Tags[0]]
			if g == nil {
				g = &docsGroup{Name: op.Tags[0]}
				groups[g.Name] = g
			}
			rule := policies[op.Method+" "+fiberPath(path)].of(op.Method, path)
			g.Operations = append(g.Operations, docsOperation{
				ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary, Description: op.Description,
				Role: string(rule.role), Scopes: strings.Join(rule.scope.Names(), ", "), Params: op.Parameters, Body: docsSchema(api, op.RequestBody),
			})
		}
	}
	list := make([]docsGroup, 0, len(groups))
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		g := groups[name]
		slices.SortFunc(g.Operations, func(a, b docsOperation) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
		})
		list = append(list, *g)
	}
	return list
}

// fiberPath writes /a/{b} as Fiber does: /a/:b, and what may hold slashes as +.
func fiberPath(path string) string {
	if path == modelPath {
		return "/v1/models/+"
	}
	b := []byte(path)
	b = bytes.ReplaceAll(b, []byte("{"), []byte(":"))
	return string(bytes.ReplaceAll(b, []byte("}"), nil))
}

func docsSchema(api *huma.OpenAPI, body *huma.RequestBody) string {
	if body == nil {
		return ""
	}
	for _, media := range body.Content {
		schema := media.Schema
		if schema != nil && schema.Ref != "" {
			schema = api.Components.Schemas.SchemaFromRef(schema.Ref)
		}
		if text, err := json.MarshalIndent(schema, "", "  "); err == nil {
			return string(text)
		}
	}
	return ""
}

func docsCodes() []docsCode {
	list := make([]docsCode, 0, len(answers))
	for code, a := range answers {
		list = append(list, docsCode{string(code), a.status, a.kind})
	}
	for _, f := range []struct {
		code   string
		status int
	}{
		{codeMalformedRequest, 400}, {codeRuleCompile, 400}, {codeMethodNotAllowed, 405}, {codeRequestTimeout, 408},
		{scopeCode("inference"), 403}, {scopeCode("read"), 403}, {scopeCode("manage"), 403}, {codeCSRF, 403}, {codeCrossOrigin, 403},
		{codePrecondition, 412}, {codeHeadersTooLarge, 431}, {codeOverloaded, 503}, {codeShuttingDown, 503},
	} {
		list = append(list, docsCode{f.code, f.status, typeOf(f.status)})
	}
	slices.SortFunc(list, func(a, b docsCode) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.Code, b.Code))
	})
	return list
}

// openAPI serves the specification of the admin API.
func (s *Server) openAPI(c *fiber.Ctx) error {
	c.Response().Header.SetContentType("application/openapi+json")
	return c.Send(s.spec)
}

// docsPage serves the documentation: one page, without scripts and without anything
// from elsewhere.
func (s *Server) docsPage(c *fiber.Ctx) error {
	c.Response().Header.SetContentType("text/html; charset=utf-8")
	c.Response().Header.Set(fiber.HeaderContentSecurityPolicy, docsPolicy)
	c.Response().Header.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	return c.Send(s.docs)
}

// OpenAPI returns what /openapi.json serves in a program of that version. It needs nothing
// that the routes use.
func OpenAPI(version string) ([]byte, error) {
	s := &Server{cfg: Config{Version: version, MaxModuleUpload: defaultModule}, app: fiber.New(fiber.Config{DisableStartupMessage: true})}
	if s.cfg.Version == "" {
		s.cfg.Version = "dev"
	}
	if err := s.register(); err != nil {
		return nil, err
	}
	return s.spec, nil
}
