package wasm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/pointsman/pointsman/engine/document"
)

// maxConfig bounds what a rule or provider row may carry for its plugin, in bytes.
const maxConfig = 64 << 10

// noRemote refuses to load schemas: one that is named by address would make the
// host fetch whatever an uploader likes, files included.
type noRemote struct{}

func (noRemote) Load(string) (any, error) {
	return nil, errors.New("a config schema may only refer to itself")
}

// compileSchema compiles a manifest's config_schema; nil for none.
// The default draft is 2020-12.
func compileSchema(raw json.RawMessage) (*jsonschema.Schema, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("config_schema: %w", err)
	}
	const address = "pointsman:config_schema"
	c := jsonschema.NewCompiler()
	c.UseLoader(noRemote{})
	if err := c.AddResource(address, value); err != nil {
		return nil, fmt.Errorf("config_schema: %w", err)
	}
	schema, err := c.Compile(address)
	if err != nil {
		return nil, fmt.Errorf("config_schema: %w", err)
	}
	return schema, nil
}

// checkConfig parses a config, nil meaning {}, and validates it against the
// schema, which may be nil. The caller releases the document.
// Errors: *engine.Error with CodeInvalid and Param config, or the member at fault in it.
func checkConfig(schema *jsonschema.Schema, config []byte) (*document.Doc, error) {
	if len(config) == 0 {
		config = []byte("{}")
	}
	invalid := func(param string, format string, args ...any) error {
		e := refuse(format, args...)
		e.Param = param
		return e
	}
	doc, err := document.Parse(config, document.Limits{Bytes: maxConfig, Depth: 64})
	if err != nil {
		return nil, invalid("config", "config: %v", err)
	}
	if schema == nil {
		return doc, nil
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(config))
	if err != nil {
		doc.Release()
		return nil, invalid("config", "config: %v", err)
	}
	if err := schema.Validate(value); err != nil {
		doc.Release()
		where, why := explain(err)
		return nil, invalid(where, "%s: %s", where, why)
	}
	return doc, nil
}

// explain finds the innermost fault of a failed validation: where in the config and why.
func explain(err error) (where, why string) {
	var fault *jsonschema.ValidationError
	if !errors.As(err, &fault) {
		return "config", err.Error()
	}
	for len(fault.Causes) > 0 {
		fault = fault.Causes[0]
	}
	where = strings.Join(append([]string{"config"}, fault.InstanceLocation...), ".")
	return where, fault.ErrorKind.LocalizedString(message.NewPrinter(language.English))
}
