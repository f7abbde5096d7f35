package google_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/google"
)

const older = `{"upstream_id":"gemini-2.0-flash"}`

func schemaBody(schema string) string {
	return `{"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":` + schema + `}},"messages":[{"role":"user","content":"hi"}]}`
}

// The schemas of models before Gemini 2.5.
func TestSchemaDialect(t *testing.T) {
	tests := []struct {
		name, schema, want string
		wantLossy          []string
	}{
		{"types", `{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"},"c":{"type":"NUMBER"},"d":{"type":"boolean"},"e":{"type":"array","items":{"type":"null"}}},"required":["a"],"additionalProperties":false,"$schema":"s","title":"t"}`,
			`{"type":"OBJECT","properties":{"a":{"type":"STRING"},"b":{"type":"INTEGER"},"c":{"type":"NUMBER"},"d":{"type":"BOOLEAN"},"e":{"type":"ARRAY","items":{"type":"NULL"}}},"required":["a"],"title":"t"}`, nil},
		{"limits", `{"type":"array","items":{"type":"number","minimum":1,"maximum":2.50,"exclusiveMinimum":0},"minItems":1,"maxItems":3,"uniqueItems":true}`,
			`{"type":"ARRAY","items":{"type":"NUMBER","minimum":1,"maximum":2.50},"minItems":1,"maxItems":3}`, []string{"exclusiveMinimum", "uniqueItems"}},
		{"several types", `{"type":["string","null"]}`, `{"type":"STRING","nullable":true}`, nil},
		{"too many types", `{"type":["string","integer"]}`, `{"type":"STRING"}`, []string{"type"}},
		{"or null", `{"anyOf":[{"type":"string"},{"type":"null"}]}`, `{"type":"STRING","nullable":true}`, nil},
		{"one of two, or null", `{"oneOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]}`, `{"anyOf":[{"type":"STRING"},{"type":"INTEGER"}],"nullable":true}`, nil},
		{"all of one", `{"allOf":[{"type":"string"}]}`, `{"type":"STRING"}`, nil},
		{"all of several", `{"type":"object","properties":{"a":{"type":"string"}},"allOf":[{"required":["a"]},{"required":["b"]}]}`, `{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}`, []string{"allOf"}},
		{"const", `{"const":"a"}`, `{"type":"STRING","enum":["a"]}`, nil},
		{"a number as const", `{"type":"integer","const":1}`, `{"type":"INTEGER"}`, []string{"const"}},
		{"enum", `{"enum":["a","b"]}`, `{"type":"STRING","enum":["a","b"]}`, nil},
		{"enum with null and a number", `{"type":"string","enum":["a",null,"b",1]}`, `{"type":"STRING","enum":["a","b"],"nullable":true}`, []string{"enum"}},
		{"format", `{"type":"object","properties":{"a":{"type":"string","format":"date-time"},"b":{"type":"string","format":"uuid"},"c":{"type":"integer","format":"int64"}}}`,
			`{"type":"OBJECT","properties":{"a":{"type":"STRING","format":"date-time"},"b":{"type":"STRING"},"c":{"type":"INTEGER","format":"int64"}}}`, []string{"format"}},
		{"references", `{"$defs":{"s":{"type":"string","description":"d"}},"definitions":{"t":{"$ref":"#/$defs/s"}},"type":"object","properties":{"a\"":{"$ref":"#/definitions/t"},"b":{"$ref":"#/$defs/none"},"c":{"$ref":"https://x.test"}}}`,
			`{"type":"OBJECT","properties":{"a\"":{"type":"STRING","description":"d"},"b":{},"c":{}}}`, []string{"$ref"}},
		{"pairs", `{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}]}`, `{"type":"ARRAY","items":{"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}}`, []string{"prefixItems"}},
		{"an object without members", `{"type":"object","properties":{}}`, `{"type":"OBJECT"}`, nil},
		{"an open object", `{"type":"object","properties":{"a":{"type":"object","additionalProperties":{"type":"string"}}}}`, `{"type":"OBJECT","properties":{"a":{"type":"OBJECT"}}}`, []string{"additionalProperties"}},
		{"what is no schema", `{"type":7,"properties":{"a":1,"b":[{}],"c":null},"required":[1],"description":{},"minimum":"1","items":true,"anyOf":"x"}`, `{"type":"OBJECT","properties":{"a":{},"b":{},"c":{}}}`, []string{"anyOf"}},
	}
	const head = `{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"responseMimeType":"application/json","responseSchema":`
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Request(t, google.Adapter{}, older, schemaBody(tt.schema))
			if want := head + tt.want + `}}`; got.Failed || got.Output != want {
				t.Errorf("Request of schema %s\n got %s %s\nwant %s", tt.schema, got.Output, got.Message, want)
			}
			var lost []string
			for _, name := range got.Lossy {
				lost = append(lost, strings.TrimPrefix(name, "response_format.json_schema.schema."))
			}
			slices.Sort(lost)
			if !slices.Equal(lost, tt.wantLossy) {
				t.Errorf("Request of schema %s loses %q, want %q", tt.schema, lost, tt.wantLossy)
			}
		})
	}
}

// A schema that holds itself ends, and one that would grow without end is refused.
func TestSchemaDialectEnds(t *testing.T) {
	got := adaptertest.Request(t, google.Adapter{}, older, schemaBody(`{"type":"object","properties":{"next":{"$ref":"#"}}}`))
	if got.Failed || !slices.Contains(got.Lossy, "response_format.json_schema.schema.$ref") {
		t.Errorf("Request of a schema that holds itself = failure %q, loses %q, want an end that is told", got.Message, got.Lossy)
	}
	for name, schema := range map[string]string{
		"a reference to itself": `{"$ref":"#"}`,
		"a circle":              `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`,
		"an anyOf of itself":    `{"anyOf":[{"$ref":"#"},{"type":"null"}]}`,
	} {
		if got := adaptertest.Request(t, google.Adapter{}, older, schemaBody(schema)); got.Failed {
			t.Errorf("Request of %s = failure %q", name, got.Message)
		}
	}
	var members strings.Builder
	for i := range 5000 {
		members.WriteString(`"m` + strconv.Itoa(i) + `":{"type":"string"},`)
	}
	for name, schema := range map[string]string{
		"doubles at every step": `{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"}}}`,
		"a long enum":           `{"type":"string","enum":[` + strings.Repeat(`"a",`, 60_000) + `1]}`,
		"many members":          `{"type":"object","properties":{` + members.String() + `"b":{}}}`,
	} {
		if got := adaptertest.Request(t, google.Adapter{}, older, schemaBody(schema)); !got.Failed || !strings.Contains(got.Message, "too large") {
			t.Errorf("Request of a schema that %s = %.100s %q, want a refusal", name, got.Output, got.Message)
		}
	}
}

func FuzzSchema(f *testing.F) {
	f.Add(`{"type":["string","null"],"enum":["a",null,1],"anyOf":[{"$ref":"#"},{"type":"null"}]}`)
	f.Add(`{"$defs":{"a":{"properties":{"b":{"$ref":"#/$defs/a"}}}},"prefixItems":[{}],"oneOf":[{"const":"x"}],"allOf":[{"$ref":"#/$defs/a"}]}`)
	f.Fuzz(func(t *testing.T, schema string) {
		if !valid(schema) {
			t.Skip("the host lets only JSON through")
		}
		adaptertest.Request(t, google.Adapter{}, older, schemaBody(schema))
		adaptertest.Request(t, google.Adapter{}, older, `{"tools":[{"type":"function","function":{"name":"f","parameters":`+schema+`}}],"messages":[{"role":"user","content":"hi"}]}`)
	})
}

// valid reports whether the host would take the text as a body.
func valid(text string) bool {
	_, err := document.Parse([]byte(text), document.Limits{})
	return err == nil && json.Valid([]byte(text))
}
