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
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

//go:embed docs.html
var docsTemplate string

//go:embed docs.css
var docsStyle string

//go:embed docs.js
var docsScript string

// docsPolicy lets the page load nothing at all; its one style sheet and its script, which narrows
// the list by what is typed, are known by their hashes.
var docsPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; style-src " + hashOf(docsStyle) + "; script-src " + hashOf(docsScript)

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// docsOperation is one route on the page.
type docsOperation struct {
	ID, Method, Path, Summary, Description, Role, Scopes string
	Params                                               []docsParam
	Body                                                 string // its JSON schema
	Answers                                              []docsAnswer
	Examples                                             []docsExample
}

type docsParam struct{ Name, In, Type, Description string }

// docsAnswer is one status. Codes are an error's.
type docsAnswer struct {
	Status, Media, Schema string
	Codes                 []string
}

type docsExample struct{ Title, Curl, Answer string }

type docsGroup struct {
	Name, Description string
	Operations        []docsOperation
}

// rendering makes /openapi.json and /docs when they are first asked for: the routes do not change, and most
// processes end without anybody having asked.
func (s *Server) rendering() {
	s.spec = sync.OnceValues(func() ([]byte, error) { return json.Marshal(s.api.OpenAPI()) })
	s.docs = sync.OnceValues(s.renderDocs)
}

func (s *Server) renderDocs() ([]byte, error) {
	api := s.api.OpenAPI()
	page, err := template.New("docs").Parse(docsTemplate)
	if err != nil {
		return nil, fmt.Errorf("render docs: %w", err)
	}
	var out bytes.Buffer
	err = page.Execute(&out, map[string]any{
		"Style": template.CSS(docsStyle), "Version": s.cfg.Version, //nolint:gosec // our own file
		"Script": template.JS(docsScript), "Groups": docsGroups(api), "Codes": references(), //nolint:gosec // the same
	})
	if err != nil {
		return nil, fmt.Errorf("render docs: %w", err)
	}
	return out.Bytes(), nil
}

func docsGroups(api *huma.OpenAPI) []docsGroup {
	groups, words := map[string]*docsGroup{}, map[string]string{}
	for _, tag := range api.Tags {
		words[tag.Name] = tag.Description
	}
	for path, item := range api.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil || len(op.Tags) == 0 {
				continue
			}
			g := groups[op.Tags[0]]
			if g == nil {
				g = &docsGroup{Name: op.Tags[0], Description: words[op.Tags[0]]}
				groups[g.Name] = g
			}
			rule := policies[op.Method+" "+fiberPath(path)].of(op.Method, path)
			g.Operations = append(g.Operations, docsOperation{
				ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary, Description: op.Description,
				Role: string(rule.role), Scopes: strings.Join(rule.scope.Names(), ", "), Params: docsParams(op), Body: docsBody(api, op.RequestBody),
				Answers: docsAnswers(api, op), Examples: docsExamples(op),
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

func docsParams(op *huma.Operation) (list []docsParam) {
	for _, p := range op.Parameters {
		d := docsParam{Name: p.Name, In: p.In, Description: p.Description}
		if s := p.Schema; s != nil {
			d.Type = s.Type
			if len(s.Enum) > 0 {
				d.Type = strings.Trim(fmt.Sprint(s.Enum), "[]")
			}
			if s.Minimum != nil && s.Maximum != nil {
				d.Type += fmt.Sprintf(" %v–%v", *s.Minimum, *s.Maximum)
			}
			if s.Default != nil {
				d.Type += fmt.Sprintf(", default %v", s.Default)
			}
		}
		list = append(list, d)
	}
	return list
}

func docsBody(api *huma.OpenAPI, body *huma.RequestBody) string {
	if body == nil {
		return ""
	}
	for _, media := range body.Content {
		return docsSchema(api, media.Schema)
	}
	return ""
}

func docsSchema(api *huma.OpenAPI, schema *huma.Schema) string {
	if schema != nil && schema.Ref != "" {
		schema = api.Components.Schemas.SchemaFromRef(schema.Ref)
	}
	if text, err := json.MarshalIndent(schema, "", "  "); err == nil && schema != nil {
		return string(text)
	}
	return ""
}

func docsAnswers(api *huma.OpenAPI, op *huma.Operation) (list []docsAnswer) {
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r, a := op.Responses[status], docsAnswer{Status: status}
		if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
			a.Codes, _ = api.Components.Responses[name].Extensions["x-pointsman-codes"].([]string)
		} else {
			for _, media := range slices.Sorted(maps.Keys(r.Content)) {
				if a.Media = media; r.Content[media].Schema != nil && r.Content[media].Schema.Ref != "" {
					a.Schema = docsSchema(api, r.Content[media].Schema)
					break
				}
			}
		}
		list = append(list, a)
	}
	return list
}

func docsExamples(op *huma.Operation) (list []docsExample) {
	samples, _ := op.Extensions["x-codeSamples"].([]codeSample)
	for i, sample := range samples {
		e := docsExample{Title: sample.Label, Curl: sample.Source}
		name := "example"
		if i > 0 {
			name += itoa(i + 1)
		}
		for _, r := range op.Responses {
			for _, media := range r.Content {
				if at := media.Examples[name]; at != nil {
					switch v := at.Value.(type) {
					case json.RawMessage:
						e.Answer = string(v)
					case string:
						e.Answer = v
					}
				}
			}
		}
		list = append(list, e)
	}
	return list
}

// openAPI serves the specification of the admin API.
func (s *Server) openAPI(c *fiber.Ctx) error {
	spec, err := s.spec()
	if err != nil {
		return fmt.Errorf("render openapi.json: %w", err)
	}
	c.Response().Header.SetContentType("application/openapi+json")
	return c.Send(spec)
}

// docsPage serves the documentation: one page, without anything
// from elsewhere.
func (s *Server) docsPage(c *fiber.Ctx) error {
	page, err := s.docs()
	if err != nil {
		return err
	}
	c.Response().Header.SetContentType("text/html; charset=utf-8")
	c.Response().Header.Set(fiber.HeaderContentSecurityPolicy, docsPolicy)
	c.Response().Header.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	return c.Send(page)
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
	return s.spec()
}
