package adaptertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Spec is a vendor's OpenAPI document, whose schemas bodies are held against. Objects
// are closed: a member that the document does not know is an error, which the document
// itself mostly leaves open. For one goroutine.
type Spec struct {
	schemas  map[string]any
	compiled map[string]*jsonschema.Schema
	except   Exceptions
	used     map[Newer]bool
}

// Exceptions are where a vendor's API is known to be wider than its document.
type Exceptions struct {
	Newer    []Newer
	Optional []Optional
	Null     bool // a member that may be absent may be null: answers of the APIs are so
}

// Optional is a member that the document requires and the API does not.
type Optional struct {
	Schema, Member string // a member of a member with a dot between
	Reason         string // why it is known to be so
}

// Newer is a member that a vendor has and its document does not know yet.
type Newer struct {
	Path   string // of the member in a body: names, with * for any element or member
	Reason string // why it is known to be right: the source, and its date
}

// OpenSpec reads a document of the folder data/openapi beside the repository, JSON or
// YAML, and skips the test where there is none. Newer members are taken out of a body
// before it is checked.
func OpenSpec(t testing.TB, file string, except Exceptions) *Spec {
	t.Helper()
	schemas, err := readSchemas(filepath.Join(openAPIFolder(t), file))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the official document %s is not at hand", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &Spec{schemas: schemas, compiled: map[string]*jsonschema.Schema{}, except: except, used: map[Newer]bool{}}
}

// documents are the schemas of the files that were read: one of them takes seconds.
var documents struct {
	sync.Mutex
	schemas map[string]map[string]any
}

func readSchemas(file string) (map[string]any, error) {
	documents.Lock()
	defer documents.Unlock()
	if schemas := documents.schemas[file]; schemas != nil {
		return schemas, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(file, ".json") {
		if text, err = yaml.YAMLToJSON(text); err != nil {
			return nil, err
		}
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	root, _ := doc.(map[string]any)
	components, _ := root["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	if len(schemas) == 0 {
		return nil, fmt.Errorf("%s has no schemas", file)
	}
	if documents.schemas == nil {
		documents.schemas = map[string]map[string]any{}
	}
	documents.schemas[file] = schemas
	return schemas, nil
}

// compile compiles a schema, closed, with all that it refers to.
func (s *Spec) compile(name string) (*jsonschema.Schema, error) {
	c := &converter{null: s.except.Null}
	defs := map[string]any{}
	c.refer(name + closedName)
	for len(c.open) > 0 {
		next := c.open[0]
		c.open = c.open[1:]
		plain, closed := strings.CutSuffix(next, closedName)
		schema, ok := s.schemas[plain]
		if !ok {
			return nil, fmt.Errorf("the document has no schema %s", plain)
		}
		converted := c.convert(schema, closed)
		s.relax(plain, converted)
		defs[next] = converted
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("mem:///schema", map[string]any{"$defs": defs}); err != nil {
		return nil, err
	}
	return compiler.Compile("mem:///schema#/$defs/" + name + closedName)
}

// openAPIFolder is where the documents are, beside the repository.
func openAPIFolder(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "..", "shared", "data", "openapi")
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// Check fails the test for a body that the schema of that name does not allow.
func (s *Spec) Check(t testing.TB, schema, body string) {
	t.Helper()
	compiled := s.compiled[schema]
	if compiled == nil {
		var err error
		if compiled, err = s.compile(schema); err != nil {
			t.Fatalf("compile %s: %v", schema, err)
		}
		s.compiled[schema] = compiled
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		t.Errorf("the body is not JSON: %v\n%s", err, body)
		return
	}
	for _, n := range s.except.Newer {
		if remove(v, strings.Split(n.Path, ".")) {
			s.used[n] = true
		}
	}
	if err := compiled.Validate(v); err != nil {
		t.Errorf("%s does not allow %s\n%v", schema, body, err)
	}
}

// Event returns the name of the schema of a stream's event: one whose name ends in
// Event, and whose type is this one. Beta forms are left out. Empty when there is none.
func (s *Spec) Event(kind string) string {
	for name, schema := range s.schemas {
		in, _ := schema.(map[string]any)
		properties, _ := in["properties"].(map[string]any)
		typed, _ := properties["type"].(map[string]any)
		values, _ := typed["enum"].([]any)
		if !strings.HasPrefix(name, "Beta") && strings.HasSuffix(name, "Event") && (typed["const"] == kind || len(values) == 1 && values[0] == kind) {
			return name
		}
	}
	return ""
}

// Unused returns the newer members that no body has had: they need no exception.
func (s *Spec) Unused() []Newer {
	var out []Newer
	for _, n := range s.except.Newer {
		if !s.used[n] {
			out = append(out, n)
		}
	}
	return out
}

// remove takes a member out and reports whether there was one.
func remove(v any, path []string) bool {
	found := false
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			switch {
			case path[0] != name && path[0] != "*":
			case len(path) == 1:
				delete(v, name)
				found = true
			default:
				found = remove(member, path[1:]) || found
			}
		}
	case []any:
		if path[0] == "*" && len(path) > 1 {
			for _, element := range v {
				found = remove(element, path[1:]) || found
			}
		}
	}
	return found
}

// closedName is what the closed form of a schema is called besides its name.
const closedName = "__closed"

// relax takes out of a schema's required members those that are optional.
func (s *Spec) relax(name string, converted any) {
	for _, o := range s.except.Optional {
		if o.Schema != name {
			continue
		}
		out, _ := converted.(map[string]any)
		path := strings.Split(o.Member, ".")
		for _, step := range path[:len(path)-1] {
			members, _ := out["properties"].(map[string]any)
			out, _ = members[step].(map[string]any)
		}
		if required, ok := out["required"].([]any); ok {
			out["required"] = slices.DeleteFunc(slices.Clone(required), func(v any) bool { return v == path[len(path)-1] })
		}
	}
}

// converter turns schemas of OpenAPI 3.0 and 3.1 into JSON Schema.
type converter struct {
	known map[string]bool
	open  []string // referred to and not converted yet
	null  bool
}

func (c *converter) refer(name string) {
	if c.known == nil {
		c.known = map[string]bool{}
	}
	if !c.known[name] {
		c.known[name] = true
		c.open = append(c.open, name)
	}
}

// convert converts a schema. A closed one refuses members that none of its parts
// knows; the parts of a composition stay open, as each knows its own only.
func (c *converter) convert(schema any, closed bool) any {
	in, ok := schema.(map[string]any)
	if !ok {
		return schema
	}
	out := map[string]any{}
	_, hasProperties := in["properties"]
	_, hasAll := in["allOf"]
	composed := hasProperties || hasAll
	for word, v := range in {
		switch word {
		case "$ref":
			name := strings.TrimPrefix(v.(string), "#/components/schemas/")
			if closed {
				name += closedName
			}
			c.refer(name)
			out["$ref"] = "#/$defs/" + name
		case "properties":
			members := map[string]any{}
			required, _ := in["required"].([]any)
			for name, member := range v.(map[string]any) {
				members[name] = c.convert(member, true)
				if c.null && !slices.Contains(required, any(name)) {
					members[name] = map[string]any{"anyOf": []any{members[name], map[string]any{"type": "null"}}}
				}
			}
			out[word] = members
		case "items", "additionalProperties", "not", "contains", "propertyNames":
			out[word] = c.convert(v, true)
		case "allOf":
			out[word] = c.convertAll(v, false)
		case "anyOf", "oneOf":
			// Of alternatives that overlap, the documents have many.
			out["anyOf"] = c.convertAll(v, closed && !composed)
		case "pattern":
			if _, err := regexp.Compile(v.(string)); err == nil {
				out[word] = v
			}
		case "type", "enum", "const", "required", "minLength", "maxLength", "minItems", "maxItems":
			out[word] = v
		case "minimum", "maximum":
			// One of OpenAI's is a text, as JavaScript has no such number.
			if _, ok := v.(json.Number); ok {
				out[word] = v
			}
		}
	}
	if in["nullable"] == true {
		if kind, ok := out["type"].(string); ok {
			out["type"] = []any{kind, "null"}
		}
		if values, ok := out["enum"].([]any); ok && !slices.Contains(values, nil) {
			out["enum"] = append(slices.Clone(values), nil)
		}
	}
	if _, set := in["additionalProperties"]; closed && composed && !set {
		out["unevaluatedProperties"] = false
	}
	return out
}

func (c *converter) convertAll(v any, closed bool) any {
	var out []any
	for _, schema := range v.([]any) {
		out = append(out, c.convert(schema, closed))
	}
	return out
}

// String is the exception as a test tells it.
func (n Newer) String() string { return fmt.Sprintf("%s (%s)", n.Path, n.Reason) }
