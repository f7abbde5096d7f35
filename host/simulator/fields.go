package simulator

import (
	"bytes"
	"encoding/json"
)

// fields is a JSON object whose members keep their order, as names and values in
// turn: the providers' members come in an order, and some readers lean on it.
type fields []any

// MarshalJSON writes the members in order.
func (f fields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; i+1 < len(f); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(encode(f[i]))
		b.WriteByte(':')
		b.Write(encode(f[i+1]))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// with returns f with more members at its end; f stays as it is.
func (f fields) with(more ...any) fields {
	return append(f[:len(f):len(f)], more...)
}

// encode writes a value as the providers do: '<', '>' and '&' as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("simulator: " + err.Error()) // only for values that are no JSON
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// members is a set of names that a request may have.
func members(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

// unknownMember returns the first name, by the alphabet, that the set does not
// have, or "".
func unknownMember(object map[string]any, known map[string]bool) string {
	first := ""
	for name := range object {
		if !known[name] && (first == "" || name < first) {
			first = name
		}
	}
	return first
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
