package httpapi

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestOpenAPIIsValid holds the document against the schema of OpenAPI 3.1 that the OpenAPI
// Initiative publishes (spec.openapis.org/oas/3.1/schema/2022-10-07), and every schema in it
// against that of JSON Schema 2020-12.
func TestOpenAPIIsValid(t *testing.T) {
	t.Parallel()
	document, err := OpenAPI("1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/openapi-3.1.json")
	if err != nil {
		t.Fatal(err)
	}
	meta, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	for url, doc := range map[string]any{"https://spec.openapis.org/oas/3.1/schema/2022-10-07": meta, "mem:///openapi.json": spec} {
		if err := c.AddResource(url, doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile("https://spec.openapis.org/oas/3.1/schema/2022-10-07")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(spec); err != nil {
		t.Errorf("openapi.json is no OpenAPI 3.1: %v", err)
	}
	schemas, _ := spec.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	for name := range schemas {
		if _, err := c.Compile("mem:///openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("the schema %s is none: %v", name, err)
		}
	}
	if len(schemas) < 150 {
		t.Errorf("openapi.json has %d schemas, want at least 150", len(schemas))
	}
}

// node is a part of the document.
type node = map[string]any

func child(n node, names ...string) node {
	for _, name := range names {
		n, _ = n[name].(node)
	}
	return n
}

// TestOpenAPIIsComplete: every route of the server is there, with words for everything, an
// example, and the statuses that it answers with.
func TestOpenAPIIsComplete(t *testing.T) {
	t.Parallel()
	text, err := OpenAPI("")
	if err != nil {
		t.Fatal(err)
	}
	var document node
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	paths := child(document, "paths")
	for route := range policies {
		method, path, _ := strings.Cut(route, " ")
		if method == "HEAD" || path == "/" || path == "/ui" || path == "/ui/*" {
			continue // pages, and what has the headers of its GET
		}
		path = strings.ReplaceAll(bracketed(path), "+", "{id}")
		op := child(paths, path, strings.ToLower(method))
		if op == nil {
			t.Errorf("openapi.json lacks %s", route)
			continue
		}
		for _, member := range []string{"summary", "description", "operationId", "tags", "x-codeSamples"} {
			if op[member] == nil || op[member] == "" {
				t.Errorf("%s has no %s", route, member)
			}
		}
		params, _ := op["parameters"].([]any)
		for _, p := range params {
			if p := p.(node); p["description"] == nil || p["schema"] == nil {
				t.Errorf("%s: the parameter %v has no description or no schema", route, p["name"])
			}
		}
		if method == "POST" && op["requestBody"] == nil && len(params) == 0 {
			t.Errorf("%s takes nothing", route)
		}
		checkContents(t, route+": the body", child(op, "requestBody", "content"), true)
		good := 0
		for status, r := range child(op, "responses") {
			answer := r.(node)
			if ref, _ := answer["$ref"].(string); ref != "" {
				answer = child(document, "components", "responses", strings.TrimPrefix(ref, "#/components/responses/"))
				codes, _ := answer["x-pointsman-codes"].([]any)
				if len(codes) == 0 || len(child(answer, "content")) == 0 {
					t.Errorf("%s: %s has no codes or no body", route, status)
				}
				for media, m := range child(answer, "content") {
					examples, played := child(m.(node), "examples"), false
					for _, e := range examples {
						played = played || !slices.Contains(codes, e.(node)["summary"])
					}
					if len(examples) == 0 {
						t.Errorf("%s: %s has no example", route, status)
					}
					for _, c := range codes {
						if examples[c.(string)] == nil && !strings.HasPrefix(path, messagesPath) { // whose errors have types alone
							t.Errorf("%s: %s has no example of %s", route, status, c)
						}
					}
					if slices.Contains(shownErrors(method, path), status) && !slices.Equal(codes, []any{codeMalformedRequest}) && !played {
						t.Errorf("%s: %s as %s has no example: play one in example/errors.http", route, status, media)
					}
				}
				continue
			}
			good++
			if child(answer, "headers", "x-request-id") == nil {
				t.Errorf("%s: %s has no x-request-id", route, status)
			}
			checkContents(t, route+": "+status, child(answer, "content"), false)
		}
		if good == 0 {
			t.Errorf("%s never goes well", route)
		}
		want := []string{"500", "503"}
		if rule := policies[route]; !rule.public {
			want = append(want, "401", "403")
		}
		if op["requestBody"] != nil {
			want = append(want, "400", "413", "415")
		}
		for _, status := range want {
			if status == "503" && strings.HasPrefix(path, "/v1/messages") {
				status = "529"
			}
			if child(op, "responses", status) == nil {
				t.Errorf("%s says nothing of %s", route, status)
			}
		}
		if op["security"] == nil {
			t.Errorf("%s does not say who may use it", route)
		}
	}
	for name, schema := range child(document, "components", "schemas") {
		checkWords(t, name, schema.(node))
	}
}

func bracketed(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// checkContents: each media type has a schema that says something; of those that an example
// can be of, one has it.
func checkContents(t *testing.T, what string, content node, sent bool) {
	t.Helper()
	examples := 0
	for media, m := range content {
		schema := child(m.(node), "schema")
		if schema == nil || schema["$ref"] == nil && schema["type"] == nil {
			t.Errorf("%s as %s has no schema", what, media)
		}
		if schema["type"] == "object" && schema["properties"] == nil && schema["description"] == nil {
			t.Errorf("%s as %s is any object", what, media)
		}
		examples += len(child(m.(node), "examples"))
	}
	if len(content) > 0 && examples == 0 && !slices.ContainsFunc(withoutExample, func(s string) bool { return strings.HasPrefix(what, s) }) {
		t.Errorf("%s has no example", what)
	}
}

// shownErrors are the statuses of errors that the document shows an answer of.
func shownErrors(method, path string) []string {
	switch {
	case strings.HasPrefix(path, "/api/v1/"):
		return []string{"400", "401", "403", "404", "409", "412", "415", "422", "429"}
	case strings.HasPrefix(path, messagesPath):
		return []string{"400", "401", "403", "404", "429", "529"}
	case strings.HasPrefix(path, "/v1/") && method == "GET":
		return []string{"401", "403", "404", "429"}
	case strings.HasPrefix(path, "/v1/"):
		return []string{"401", "403", "404", "415", "429", "502", "503"}
	}
	return nil
}

// withoutExample are answers that no example shows: they are those of special cases.
var withoutExample = []string{"POST /api/v1/plugins: 200", "GET /readyz: 503", "POST /api/v1/costs/record: 200", "GET /docs: 200", "POST /api/v1/rules/check"}

// checkWords: each member says what it is.
func checkWords(t *testing.T, name string, schema node) {
	t.Helper()
	for member, s := range child(schema, "properties") {
		if s := s.(node); s["description"] == nil {
			t.Errorf("%s.%s has no description: give it one in words", name, member)
		} else {
			checkWords(t, name+"."+member, s)
		}
	}
	for _, inner := range []string{"items", "additionalProperties"} {
		if s := child(schema, inner); s != nil {
			checkWords(t, name, s)
		}
	}
}
