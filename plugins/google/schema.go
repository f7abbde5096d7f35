package google

import (
	"strings"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Models before Gemini 2.5 take schemas as a subset of OpenAPI's only (Schema of the
// API, revision 2025-12-18): one type, nullable beside it, enums of strings, anyOf.
// What the subset has no word for is reported; references are written out.

const (
	maxSchemaDepth = 24
	keywordCost    = 10 // host calls for a keyword, reading and writing
)

// dialect writes a JSON Schema in the subset. name is the member of the request that
// holds it. ok is false after a refusal.
func (b *body) dialect(schema sdk.Node, name string) (ok bool) {
	s := dialect{body: b, root: schema, name: name}
	s.write(schema, 0, false)
	if s.full {
		chat.Refuse(name, "the schema is too large for what this model takes")
	}
	return !s.full
}

type dialect struct {
	*body
	root sdk.Node
	name string
	full bool // there was more than the request has host calls for
}

// write writes one schema; nullable says that null is allowed beside it.
func (s *dialect) write(schema sdk.Node, depth int, nullable bool) {
	schema = s.resolve(schema)
	if depth > maxSchemaDepth {
		s.lose("$ref") // of a schema that holds itself
		s.Emit(`{"type":"OBJECT"}`)
		return
	}
	if !s.r.Spend(4*keywordCost) || s.full {
		s.full = true
		s.Emit(`{}`)
		return
	}
	if schema.Kind() != abi.KindObject {
		s.Emit(`{}`)
		return
	}
	if only, isNullable := s.only(schema); only != 0 {
		// Words around the one alternative would need merging; there are seldom any.
		s.write(only, depth+1, nullable || isNullable)
		return
	}
	open := `{`
	begin := func(name string) {
		s.Emit(open)
		s.Emit(name)
		open = `,`
	}
	kind := s.kind(schema, &nullable)
	if kind != "" {
		begin(`"type":"` + kind + `"`)
	}
	s.keywords(schema, kind, depth, &nullable, begin)
	if nullable {
		begin(`"nullable":true`)
	}
	if open == `{` {
		s.Emit(`{`)
	}
	s.Emit(`}`)
}

// resolve follows references inside the document, which the subset lacks.
func (s *dialect) resolve(schema sdk.Node) sdk.Node {
	for range 8 {
		ref := schema.Get("$ref")
		if !chat.IsText(ref) {
			return schema
		}
		pointer, inside := strings.CutPrefix(ref.Slice(0, 512).Text(), "#")
		if schema = s.root.Pointer(pointer); !inside || schema == 0 {
			s.lose("$ref")
			return 0
		}
	}
	s.lose("$ref")
	return 0
}

// only returns the one alternative that a schema has beside null, if it is written so.
func (s *dialect) only(schema sdk.Node) (one sdk.Node, nullable bool) {
	for _, name := range [...]string{"anyOf", "oneOf", "allOf"} {
		list := schema.Get(name)
		n := list.Len()
		if list.Kind() != abi.KindArray || n == 0 || n > 2 {
			continue
		}
		if n == 1 {
			return list.At(0), false
		}
		for i := range n {
			if name != "allOf" && list.At(i).Get("type").Equal("null") {
				return list.At(1 - i), true
			}
		}
	}
	return 0, false
}

// kind returns the type in the subset's words. Of several types the first that is
// not null counts; "" when none is said.
func (s *dialect) kind(schema sdk.Node, nullable *bool) string {
	node := schema.Get("type")
	found := ""
	if node.Kind() == abi.KindArray {
		for i := range min(node.Len(), 8) {
			switch one := node.At(i); {
			case one.Equal("null"):
				*nullable = true
			case found == "":
				found = typeName(one)
			default:
				s.lose("type")
			}
		}
		return found
	}
	if found = typeName(node); found != "" {
		return found
	}
	switch {
	case schema.Get("properties") != 0:
		return "OBJECT"
	case schema.Get("items") != 0 || schema.Get("prefixItems") != 0:
		return "ARRAY"
	case schema.Get("enum") != 0 || schema.Get("const").Kind() == abi.KindString:
		return "STRING"
	}
	return ""
}

func typeName(node sdk.Node) string {
	if node == 0 {
		return ""
	}
	switch lowerWord(node) {
	case "string":
		return "STRING"
	case "number":
		return "NUMBER"
	case "integer":
		return "INTEGER"
	case "boolean":
		return "BOOLEAN"
	case "array":
		return "ARRAY"
	case "object":
		return "OBJECT"
	case "null":
		return "NULL"
	}
	return ""
}

func lowerWord(node sdk.Node) string { return strings.ToLower(string(chat.Word(node))) }

func (s *dialect) lose(keyword string) { s.r.Lossy(s.name + "." + keyword) }
