package simulator

import (
	"slices"
	"strings"
)

// maxNesting bounds how deep an instance follows its schema.
const maxNesting = 12

// instance makes a value that a JSON schema allows, the same each time. It knows
// types, properties, items, enum, const, default, local $ref, anyOf, oneOf, allOf,
// and the bounds of numbers, lengths and counts; patterns it does not.
func instance(schema any) any { return (&maker{root: schema}).value(schema, "value", 0) }

type maker struct{ root any }

func (m *maker) value(schema any, name string, depth int) any {
	s := object(schema)
	if s == nil || depth > maxNesting {
		return "a " + name
	}
	if ref := text(s["$ref"]); ref != "" {
		return m.value(m.follow(ref), name, depth+1)
	}
	if v, set := s["const"]; set {
		return v
	}
	if all := list(s["enum"]); len(all) > 0 {
		return all[0]
	}
	if v, set := s["default"]; set && v != nil {
		return v
	}
	for _, word := range []string{"anyOf", "oneOf", "allOf"} {
		for _, option := range list(s[word]) {
			if kindOf(object(option)) != "null" {
				return m.value(option, name, depth+1)
			}
		}
	}
	switch kindOf(s) {
	case "object":
		return m.object(s, depth)
	case "array":
		return m.array(s, name, depth)
	case "integer", "number":
		return m.number(s)
	case "boolean":
		return true
	case "null":
		return nil
	}
	return m.text(s, name)
}

// kindOf is the type of a schema in small letters, the first that is not null.
func kindOf(s map[string]any) string {
	kinds := list(s["type"])
	if one := text(s["type"]); one != "" {
		kinds = []any{one}
	}
	for _, k := range kinds {
		if k := strings.ToLower(text(k)); k != "null" || len(kinds) == 1 {
			return k
		}
	}
	switch {
	case s["properties"] != nil:
		return "object"
	case s["items"] != nil:
		return "array"
	}
	return "string"
}

func (m *maker) object(s map[string]any, depth int) any {
	properties, required := object(s["properties"]), list(s["required"])
	names := make([]string, 0, len(properties))
	for name := range properties {
		// What may be left out is left out below some depth, so that recursion ends.
		if depth < 4 || slices.Contains(required, any(name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	f := fields{}
	for _, name := range names {
		f = f.with(name, m.value(properties[name], name, depth+1))
	}
	return f
}

func (m *maker) array(s map[string]any, name string, depth int) any {
	out := []any{}
	if depth > maxNesting/2 && number(s["minItems"]) == 0 {
		return out
	}
	for i := range min(max(number(s["minItems"]), 1), 64) {
		item := s["items"]
		if prefix := list(s["prefixItems"]); i < len(prefix) {
			item = prefix[i]
		}
		out = append(out, m.value(item, name, depth+1))
	}
	if most, set := s["maxItems"]; set && number(most) == 0 {
		return []any{}
	}
	return out
}

func (m *maker) number(s map[string]any) any {
	low, hasLow := s["minimum"].(float64)
	high, hasHigh := s["maximum"].(float64)
	if v, ok := s["exclusiveMinimum"].(float64); ok {
		low, hasLow = v+1, true
	}
	if v, ok := s["exclusiveMaximum"].(float64); ok {
		high, hasHigh = v-1, true
	}
	n := 7.0
	if step, ok := s["multipleOf"].(float64); ok && step > 0 {
		n = step
	}
	if hasLow && n < low {
		n = low
	}
	if hasHigh && n > high {
		n = high
	}
	return n
}

func (m *maker) text(s map[string]any, name string) any {
	switch text(s["format"]) {
	case "date":
		return "2026-01-31"
	case "date-time":
		return "2026-01-31T12:00:00Z"
	case "time":
		return "12:00:00Z"
	case "email":
		return "someone@example.com"
	case "uuid":
		return "00000000-0000-4000-8000-000000000000"
	case "uri", "url":
		return "https://example.com/"
	}
	out := "a " + name
	if least := min(number(s["minLength"]), 4096); len(out) < least {
		out += strings.Repeat("x", least-len(out))
	}
	if most, set := s["maxLength"]; set && len(out) > number(most) {
		out = out[:number(most)]
	}
	return out
}

// follow finds a local reference ("#/$defs/x").
func (m *maker) follow(ref string) any {
	at := m.root
	for _, step := range strings.Split(strings.TrimPrefix(strings.TrimPrefix(ref, "#"), "/"), "/") {
		if step == "" {
			continue
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		at = object(at)[step]
	}
	return at
}
