package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// dialect writes a schema in the part of JSON Schema that output_config.format takes:
// objects are closed, and what is not enforced is told in the description, as
// Anthropic's own SDKs do it (anthropic-sdk-go 1.84.0, schemautil.go).
type dialect struct {
	w    *chat.Writer
	r    *chat.Request
	lost bool
}

const (
	schemaCost    = 16 // host calls for a schema, and for each of its members
	maxConstraint = 256
)

// write writes a schema; the host has no document that is nested deeper than a
// guest's stack is. ok is false after a refusal.
func (d *dialect) write(n sdk.Node) (ok bool) {
	if n.Kind() != abi.KindObject {
		d.w.Node(n) // true or false
		return true
	}
	size := n.Len()
	if !d.r.Spend(schemaCost * (1 + size)) {
		chat.Refuse("response_format", "the schema has more parts than can be carried")
		return false
	}
	if ref := n.Get("$ref"); ref != 0 {
		// Nothing may stand beside a reference, but the definitions at the top.
		d.w.Emit(`{"$ref":`)
		d.w.Node(ref)
		for _, name := range [...]string{"$defs", "definitions"} {
			if definitions := n.Get(name); definitions != 0 {
				d.w.Emit(`,"` + name + `":`)
				if !d.named(definitions) {
					return false
				}
			}
		}
		d.w.Emit(`}`)
		return true
	}
	o := object{dialect: d, open: `{`, any: n.Get("anyOf") != 0}
	for i := range size {
		if !o.member(n.Key(i), n.At(i)) {
			return false
		}
	}
	return o.close(n)
}

// named writes an object whose values are schemas.
func (d *dialect) named(n sdk.Node) (ok bool) {
	if n.Kind() != abi.KindObject {
		d.w.Node(n)
		return true
	}
	open := `{`
	for i := range n.Len() {
		d.w.Emit(open)
		open = `,`
		d.w.Key(n, i)
		d.w.Emit(`:`)
		if !d.write(n.At(i)) {
			return false
		}
	}
	if open == `{` {
		d.w.Emit(open)
	}
	d.w.Emit(`}`)
	return true
}

// list writes an array of schemas.
func (d *dialect) list(n sdk.Node) (ok bool) {
	open := `[`
	for i := range n.Len() {
		d.w.Emit(open)
		open = `,`
		if !d.write(n.At(i)) {
			return false
		}
	}
	if open == `[` {
		d.w.Emit(open)
	}
	d.w.Emit(`]`)
	return true
}

// object is one schema under way.
type object struct {
	*dialect
	open        string // what stands before the next member
	any         bool   // it has anyOf
	description sdk.Node
	told        []constraint
}

// constraint is one that is told and not enforced.
type constraint struct {
	name  string
	value sdk.Node
}

func (o *object) name(name string) {
	o.w.Emit(o.open)
	o.open = `,`
	o.w.Emit(`"` + name + `":`)
}

// member writes one member, or keeps it for the end. ok is false after a refusal.
func (o *object) member(name string, value sdk.Node) (ok bool) {
	switch name {
	case "type", "enum", "const", "required", "title", "default", "pattern":
		o.name(name)
		o.w.Node(value)
	case "description":
		o.description = value
	case "properties", "$defs", "definitions":
		o.name(name)
		return o.named(value)
	case "anyOf", "allOf", "oneOf":
		if value.Kind() != abi.KindArray {
			return true
		}
		if name == "oneOf" {
			if o.any {
				o.lost = true
				return true
			}
			name = "anyOf" // that only one matches is not enforced
		}
		o.name(name)
		return o.list(value)
	case "items":
		if value.Kind() == abi.KindArray {
			o.tell(name, value)
			return true
		}
		o.name(name)
		return o.write(value)
	case "minItems":
		if value.Kind() == abi.KindNumber && value.Float() <= 1 {
			o.name(name)
			o.w.Node(value)
			return true
		}
		o.tell(name, value)
	case "format":
		switch string(chat.Word(value)) {
		case "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid":
			o.name(name)
			o.w.Node(value)
		default:
			o.tell(name, value)
		}
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
		"maxItems", "uniqueItems", "prefixItems", "contains", "minContains", "maxContains", "minProperties", "maxProperties",
		"patternProperties", "propertyNames", "dependentRequired", "not":
		o.tell(name, value)
	case "additionalProperties": // see close
	case "$schema", "$id", "$comment", "$anchor", "example", "examples", "deprecated", "readOnly", "writeOnly", "nullable":
		// These constrain nothing.
	default:
		o.lost = true
	}
	return true
}

func (o *object) tell(name string, value sdk.Node) {
	o.told = append(o.told, constraint{name, value})
	o.lost = true
}

// close writes what has to be known of the whole: that an object is closed, and the
// description.
func (o *object) close(n sdk.Node) (ok bool) {
	if properties := n.Get("properties"); properties != 0 || isObject(n.Get("type")) {
		rest := n.Get("additionalProperties")
		dictionary := properties == 0 && rest.Kind() == abi.KindObject
		if !dictionary && rest != 0 && (rest.Kind() != abi.KindBool || rest.Bool()) {
			o.lost = true
		}
		if properties == 0 && !dictionary {
			o.name("properties")
			o.w.Emit(`{}`)
			o.lost = o.lost || rest == 0
		}
		o.name("additionalProperties")
		if !dictionary {
			o.w.Emit(`false`)
		} else if !o.write(rest) {
			return false
		}
	}
	if chat.IsText(o.description) || len(o.told) > 0 {
		o.describe()
	}
	if o.open == `{` {
		o.w.Emit(o.open)
	}
	o.w.Emit(`}`)
	return true
}

func (o *object) describe() {
	o.name("description")
	o.w.Emit(`"`)
	open := `{`
	if chat.IsText(o.description) {
		o.w.Inner(o.description)
		open = `\n\n{`
	}
	for _, c := range o.told {
		value := c.value.Raw()
		if len(value) > maxConstraint {
			continue
		}
		o.w.Emit(open)
		open = `, `
		o.w.Emit(c.name)
		o.w.Emit(`: `)
		o.w.Text(value)
	}
	if open == `, ` {
		o.w.Emit(`}`)
	}
	o.w.Emit(`"`)
}

func isObject(kind sdk.Node) bool {
	if kind.Kind() != abi.KindArray {
		return kind.Equal("object")
	}
	for i := range min(kind.Len(), 8) {
		if kind.At(i).Equal("object") {
			return true
		}
	}
	return false
}
