package anthropic_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/anthropic"
)

func formatted(schema, more string) string {
	return `{"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":` + schema + `}},` + more + `"messages":[{"role":"user","content":"hi"}]}`
}

// The schema of a format is written in the part of JSON Schema that the API takes.
func TestSchemaDialect(t *testing.T) {
	tests := []struct {
		name, schema, want string // want "": as it is
		lossy              bool
	}{
		{name: "closed", schema: `{"type":"object","properties":{"a":{"type":"string","enum":["x"]},"b":{"type":["integer","null"]}},"required":["a","b"],"additionalProperties":false}`},
		{
			name: "open", schema: `{"type":"object","properties":{"a":{"properties":{}}},"required":["a"]}`,
			want: `{"type":"object","properties":{"a":{"properties":{},"additionalProperties":false}},"required":["a"],"additionalProperties":false}`,
		},
		{
			name: "definitions and references", schema: `{"$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n","description":"x"}}}},"type":"object","properties":{"n":{"$ref":"#/$defs/n"}}}`,
			want: `{"$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"}},"additionalProperties":false}},"type":"object","properties":{"n":{"$ref":"#/$defs/n"}},"additionalProperties":false}`,
		},
		{
			name: "a reference at the top", schema: `{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{}}}}`,
			want: `{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{},"additionalProperties":false}}}`,
		},
		{
			name: "constraints are told", schema: `{"type":"object","properties":{"a":{"type":"string","minLength":2,"description":"An \"a\".","pattern":"^x"},"b":{"type":"integer","minimum":1,"maximum":5}}}`,
			want:  `{"type":"object","properties":{"a":{"type":"string","pattern":"^x","description":"An \"a\".\n\n{minLength: 2}"},"b":{"type":"integer","description":"{minimum: 1, maximum: 5}"}},"additionalProperties":false}`,
			lossy: true,
		},
		{
			name: "formats and arrays", schema: `{"type":"object","properties":{"a":{"type":"array","items":{"type":"string","format":"date"},"minItems":1},"b":{"type":"array","minItems":2,"items":{"type":"string","format":"color"}}}}`,
			want:  `{"type":"object","properties":{"a":{"type":"array","items":{"type":"string","format":"date"},"minItems":1},"b":{"type":"array","items":{"type":"string","description":"{format: \"color\"}"},"description":"{minItems: 2}"}},"additionalProperties":false}`,
			lossy: true,
		},
		{
			name: "alternatives", schema: `{"type":"object","properties":{"a":{"oneOf":[{"type":"string"},{"type":"null"}]},"b":{"anyOf":[{"type":"object","properties":{}}]},"c":{"allOf":[]}}}`,
			want: `{"type":"object","properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]},"b":{"anyOf":[{"type":"object","properties":{},"additionalProperties":false}]},"c":{"allOf":[]}},"additionalProperties":false}`,
		},
		{
			name: "a dictionary", schema: `{"type":"object","additionalProperties":{"type":"object","properties":{}}}`,
			want: `{"type":"object","additionalProperties":{"type":"object","properties":{},"additionalProperties":false}}`,
		},
		{
			name: "any object", schema: `{"type":"object"}`, want: `{"type":"object","properties":{},"additionalProperties":false}`, lossy: true,
		},
		{
			name: "members beside", schema: `{"type":"object","properties":{},"additionalProperties":true}`,
			want: `{"type":"object","properties":{},"additionalProperties":false}`, lossy: true,
		},
		{
			name: "notes and names to come", schema: `{"$schema":"x","type":"object","properties":{"a":true},"shape":{"odd":1}}`,
			want: `{"type":"object","properties":{"a":true},"additionalProperties":false}`, lossy: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == "" {
				tt.want = tt.schema
			}
			got := adaptertest.Request(t, anthropic.Adapter{}, target, formatted(tt.schema, ""))
			want := `"output_config":{"format":{"type":"json_schema","schema":` + tt.want + `}}`
			if got.Failed || !strings.Contains(got.Output, want) {
				t.Errorf("schema %s\n got %s %s\nwant %s", tt.schema, got.Output, got.Message, want)
			}
			if lossy := slices.Contains(got.Lossy, "response_format.json_schema.schema"); lossy != tt.lossy {
				t.Errorf("schema %s is lost: %v, want %v", tt.schema, lossy, tt.lossy)
			}
		})
	}
}

// However large a schema is, it is answered or refused within the limits of a call,
// which adaptertest fails the test for.
func TestSchemaKeepsWithinLimits(t *testing.T) {
	wide := `{"type":"object","properties":{"a":{}`
	for i := range 3000 {
		wide += `,"` + strconv.Itoa(i) + `":{"type":"string","minLength":1,"maximum":2}`
	}
	for name, schema := range map[string]string{
		"wide":      wide + `}}`,
		"deep":      strings.Repeat(`{"properties":{"a":`, 60) + `{}` + strings.Repeat(`}}`, 60),
		"branching": `{"anyOf":[` + strings.Repeat(`{"const":1,"not":{}},`, 4000) + `{}]}`,
		"told":      `{"type":"string","enum":[1],"not":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		got := adaptertest.Request(t, anthropic.Adapter{}, target, formatted(schema, ""))
		if !got.Failed && got.Output == "" {
			t.Errorf("a %s schema gave neither an answer nor a refusal", name)
		}
	}
}

const (
	older  = `{"upstream_id":"claude-sonnet-4-20250514","max_output":64000}`
	person = `{"type":"object","properties":{"name":{"type":"string","minLength":1}}}`
	// What the tool of the answer looks like, and a choice of nothing else.
	personTool = `{"name":"respond_with_json","description":"Gives the final answer. Its input is the whole answer.","input_schema":` + person + `}`
	onlyAnswer = `"tool_choice":{"type":"tool","name":"respond_with_json","disable_parallel_tool_use":true}`
	toolF      = `{"type":"function","function":{"name":"f"}}`
	wantF      = `{"name":"f","input_schema":{"type":"object","properties":{}}}`
)

func TestFormatByTool(t *testing.T) {
	tests := []struct {
		name, target, body string
		want               []string
		wantLossy          []string
	}{
		{"alone", older, formatted(person, ""), []string{`"tools":[` + personTool + `],` + onlyAnswer}, nil},
		{"beside tools the model chooses", older, formatted(person, `"tools":[`+toolF+`],`), []string{`"tools":[` + wantF + `,` + personTool + `],"tool_choice":{"type":"any"}`}, nil},
		{"beside tools, one by one", older, formatted(person, `"tools":[`+toolF+`],"tool_choice":"auto","parallel_tool_calls":false,`), []string{`"tool_choice":{"type":"any","disable_parallel_tool_use":true}`}, nil},
		{"beside tools that are not to be called", older, formatted(person, `"tools":[`+toolF+`],"tool_choice":"none",`), []string{wantF + `,` + personTool, onlyAnswer}, nil},
		{"a call is the answer", older, formatted(person, `"tools":[`+toolF+`],"tool_choice":"required",`), []string{`"tools":[` + wantF + `],"tool_choice":{"type":"any"}`}, nil},
		{"a forced call is not thought about", older, formatted(person, `"reasoning_effort":"high",`), []string{onlyAnswer}, []string{"reasoning_effort"}},
		{"no object", older, formatted(`{"type":"array"}`, ""), []string{`"system":[{"type":"text","text":"Answer with a single JSON object`}, []string{"response_format"}},
		{"a server that has no formats", `{"upstream_id":"kimi-k2","max_output":9,"unsupported":["output_config"]}`, formatted(person, ""), []string{onlyAnswer}, nil},
		{"a name before the model's", `{"upstream_id":"us.anthropic.claude-3-5-haiku-20241022-v1:0","max_output":9}`, formatted(person, ""), []string{onlyAnswer}, nil},
		{"a model with formats", `{"upstream_id":"claude-haiku-4-5","max_output":9}`, formatted(person, `"tools":[`+toolF+`],`), []string{`"output_config":{"format":`, `"tools":[` + wantF + `],"system"`, `{minLength: 1}`}, []string{"response_format.json_schema.schema"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Request(t, anthropic.Adapter{}, tt.target, tt.body)
			for _, want := range tt.want {
				want = strings.Replace(want, `],"system"`, `],"messages"`, 1)
				if got.Failed || !strings.Contains(got.Output, want) {
					t.Errorf("Request(%s)\n got %s %s\nwant %s in it", tt.body, got.Output, got.Message, want)
				}
			}
			if !slices.Equal(got.Lossy, tt.wantLossy) {
				t.Errorf("Request(%s) loses %q, want %q", tt.body, got.Lossy, tt.wantLossy)
			}
		})
	}
	body := formatted(person, `"tools":[{"type":"function","function":{"name":"respond_with_json"}}],`)
	if got := adaptertest.Request(t, anthropic.Adapter{}, older, body); !got.Failed || !strings.HasPrefix(got.Message, "tools: ") {
		t.Errorf("a tool of the answer's name = %s, %q, want a refusal", got.Output, got.Message)
	}
}

// The call of the answer's tool is the answer: its input the text, its end a stop.
func TestFormatByToolAnswer(t *testing.T) {
	const use = `{"type":"tool_use","id":"toolu_1","name":"respond_with_json","input":{"name": "Jo \"é\""}}`
	const other = `{"type":"tool_use","id":"toolu_2","name":"f","input":{}}`
	for _, tt := range []struct{ name, content, reason, want, finish string }{
		{"the answer", use, "tool_use", `"content":"{\"name\": \"Jo \\\"é\\\"\"}","refusal":null}`, "stop"},
		{"an empty answer", `{"type":"tool_use","id":"t","name":"respond_with_json","input":{}}`, "tool_use", `"content":"{}","refusal":null}`, "stop"},
		{"another tool", other, "tool_use", `"content":null,"refusal":null,"tool_calls":[{"id":"toolu_2"`, "tool_calls"},
		{"both", use + `,` + other, "tool_use", `"tool_calls":[{"id":"toolu_2"`, "tool_calls"},
		{"cut", use, "max_tokens", `"content":"{\"name\"`, "length"},
		{"a text, of a server that forces nothing", `{"type":"text","text":"{}"}`, "end_turn", `"content":"{}"`, "stop"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := begin(t, "chat", older, formatted(person, `"tools":[`+toolF+`],`))
			got, ok := a.answer(`{"id":"msg_1","content":[` + tt.content + `],"stop_reason":"` + tt.reason + `"}`)
			if !ok || !strings.Contains(got, tt.want) || !strings.Contains(got, `"finish_reason":"`+tt.finish+`"`) || strings.Contains(got, `"name":"respond_with_json"`) {
				t.Errorf("answer of %s = %s, want %s and %s", tt.content, got, tt.want, tt.finish)
			}
		})
	}
}

func TestFormatByToolStream(t *testing.T) {
	useAnswer := strings.ReplaceAll(useF, `"name":"f"`, `"name":"respond_with_json"`)
	sum := usage(`"prompt_tokens":15,"completion_tokens":7,"total_tokens":22,"prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":0}}`)
	for _, tt := range []struct {
		name         string
		events, want []string
	}{
		{
			"in pieces", []string{start, useAnswer, piece(1, ``), piece(1, `{\"na`), piece(1, `me\": 1}`), endOf(1), toolsOver},
			[]string{promptChunk, roleChunk, chunk(`"content":"{\"na"`, "null"), chunk(`"content":"me\": 1}"`, "null"), chunk("", "stop"), sum},
		},
		{"without members", []string{start, useAnswer, piece(1, ``), endOf(1), toolsOver}, []string{promptChunk, roleChunk, chunk(`"content":"{}"`, "null"), chunk("", "stop"), sum}},
		{"in one piece", []string{start, strings.Replace(useAnswer, `"input":{}`, `"input":{"name":1}`, 1), endOf(1), toolsOver}, []string{promptChunk, roleChunk, chunk(`"content":"{\"name\":1}"`, "null"), chunk("", "stop"), sum}},
		{"cut", []string{start, useAnswer, piece(1, `{\"na`)}, []string{promptChunk, roleChunk, chunk(`"content":"{\"na"`, "null")}},
		{
			"beside another tool", []string{start, useAnswer, piece(1, `{}`), endOf(1), useG, endOf(2), toolsOver},
			[]string{promptChunk, roleChunk, chunk(`"content":"{}"`, "null"), strings.Replace(beginG, `"index":1,"id"`, `"index":0,"id"`, 1), strings.Replace(noneG, `{"index":1,"function"`, `{"index":0,"function"`, 1), chunk("", "tool_calls"), sum},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := begin(t, "chat", older, formatted(person, `"stream":true,`))
			if got := a.stream(tt.events...); !slices.Equal(got, tt.want) {
				t.Errorf("stream %q\n got %s\nwant %s", tt.events, strings.Join(got, "\n     "), strings.Join(tt.want, "\n     "))
			}
		})
	}
	// Without such a request the name is one like any other.
	a := begin(t, "chat", older, `{"messages":[{"role":"user","content":"hi"}]}`)
	if got := a.stream(start, useAnswer); !slices.Contains(got, strings.Replace(beginF, `"name":"f"`, `"name":"respond_with_json"`, 1)) {
		t.Errorf("a tool of the caller's with that name = %q, want its call", got)
	}
}
