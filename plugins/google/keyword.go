package google

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// keywords writes the members of a schema but its type. begin opens a member.
func (s *dialect) keywords(schema sdk.Node, kind string, depth int, nullable *bool, begin func(string)) {
	for i := range schema.Len() {
		if !s.r.Spend(keywordCost) {
			s.full = true
			return
		}
		name, value := schema.Key(i), schema.At(i)
		switch name {
		case "type", "$schema", "$id", "$comment", "$defs", "definitions", "$ref", "strict":
		case "title", "description", "pattern":
			if value.Kind() == abi.KindString {
				begin(`"` + name + `":`)
				s.Node(value)
			}
		case "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
			if value.Kind() == abi.KindNumber {
				begin(`"` + name + `":`)
				s.Node(value)
			}
		case "default", "example":
			begin(`"` + name + `":`)
			s.Node(value)
		case "required", "propertyOrdering":
			s.texts(name, value, begin)
		case "enum":
			s.enum(value, nullable, begin)
		case "const":
			if value.Kind() == abi.KindString {
				begin(`"enum":[`)
				s.Node(value)
				s.Emit(`]`)
			} else {
				s.lose(name)
			}
		case "nullable":
			*nullable = *nullable || value.Bool()
		case "format":
			s.format(kind, value, begin)
		case "items":
			if value.Kind() == abi.KindObject {
				begin(`"items":`)
				s.write(value, depth+1, false)
			}
		case "prefixItems":
			s.lose(name)
			if schema.Get("items").Kind() != abi.KindObject && value.Len() > 0 {
				s.alternatives(`"items":{"anyOf":[`, value, depth, nil, begin)
				s.Emit(`}`)
			}
		case "properties":
			s.properties(value, depth, begin)
		case "anyOf", "oneOf":
			if value.Kind() == abi.KindArray && value.Len() > 0 && (name == "anyOf" || schema.Get("anyOf") == 0) {
				s.alternatives(`"anyOf":[`, value, depth, nullable, begin)
			} else {
				s.lose(name)
			}
		case "additionalProperties":
			// No other members is what these models do anyway.
			if value.Kind() != abi.KindBool || value.Bool() {
				s.lose(name)
			}
		default:
			s.lose(name[:min(len(name), 64)])
		}
	}
}

// texts writes a list of strings, and none that holds anything else.
func (s *dialect) texts(name string, list sdk.Node, begin func(string)) {
	if list.Kind() == abi.KindArray && list.Len() > 0 && s.strings(list) {
		begin(`"` + name + `":`)
		s.Node(list)
	}
}

// enum writes the allowed values, which have to be strings; null among them means
// that the value may be null.
func (s *dialect) enum(list sdk.Node, nullable *bool, begin func(string)) {
	if s.strings(list) {
		s.texts("enum", list, begin)
		return
	}
	open := `"enum":[`
	for i := range list.Len() {
		if !s.r.Spend(keywordCost) {
			s.full = true
			break
		}
		switch value := list.At(i); value.Kind() {
		case abi.KindString:
			if open != `,` {
				begin(open)
			} else {
				s.Emit(open)
			}
			open = `,`
			s.Node(value)
		case abi.KindNull:
			*nullable = true
		default:
			s.lose("enum")
		}
	}
	if open == `,` {
		s.Emit(`]`)
	}
}

func (s *dialect) strings(list sdk.Node) bool {
	for i := range list.Len() {
		if !s.r.Spend(2) {
			s.full = true
			return false
		}
		if list.At(i).Kind() != abi.KindString {
			return false
		}
	}
	return true
}

// format writes those that the subset knows; others are a 400.
func (s *dialect) format(kind string, value sdk.Node, begin func(string)) {
	word := lowerWord(value)
	switch {
	case kind == "STRING" && (word == "date-time" || word == "enum"),
		kind == "INTEGER" && (word == "int32" || word == "int64"),
		kind == "NUMBER" && (word == "float" || word == "double"):
		begin(`"format":"` + word + `"`)
	default:
		s.lose("format")
	}
}

// properties writes the members of an object, none for an object without any:
// the API refuses an empty set.
func (s *dialect) properties(value sdk.Node, depth int, begin func(string)) {
	n := value.Len()
	if value.Kind() != abi.KindObject || n == 0 {
		return
	}
	begin(`"properties":{`)
	for i := range n {
		if !s.r.Spend(keywordCost) {
			s.full = true
			break
		}
		if i > 0 {
			s.Emit(`,`)
		}
		s.Key(value, i)
		s.Emit(`:`)
		s.write(value.At(i), depth+1, false)
	}
	s.Emit(`}`)
}

// alternatives writes a list of schemas, after open, up to its bracket. null among
// them becomes the schema's own, where there is one to say so.
func (s *dialect) alternatives(open string, list sdk.Node, depth int, nullable *bool, begin func(string)) {
	begin(open)
	written := 0
	for i := range list.Len() {
		one := list.At(i)
		if nullable != nil && one.Get("type").Equal("null") {
			*nullable = true
			continue
		}
		if s.full {
			break
		}
		if written++; written > 1 {
			s.Emit(`,`)
		}
		s.write(one, depth+1, false)
	}
	s.Emit(`]`)
}
