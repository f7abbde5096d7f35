package wasm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Build is how a plugin's folder is built: the member "build" of its manifest.json. The
// server never sees it.
type Build struct {
	Command []string          `json:"command"` // run in the folder
	Env     map[string]string `json:"env"`     // besides the caller's
	Module  string            `json:"module"`  // what the command makes, relative to the folder
}

// SourceManifest splits a manifest.json: what goes into the module, its members as they
// stand, and how that is built, nil when it does not say.
// Errors: *engine.Error with CodeInvalid when it is no JSON object, or "build" is none of a Build
// or stands twice. What else is wrong with the manifest is for [EmbedManifest] to say.
func SourceManifest(text []byte) (manifest []byte, build *Build, err error) {
	bad := func(err error) ([]byte, *Build, error) {
		return nil, nil, refuse("manifest: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if !json.Valid(text) { // a decoder by tokens would stop at the first value
		var v any
		return bad(json.Unmarshal(text, &v))
	}
	members := json.NewDecoder(bytes.NewReader(text))
	if first, err := members.Token(); err != nil || first != json.Delim('{') {
		return bad(fmt.Errorf("it is no object"))
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for members.More() {
		name, err := members.Token()
		if err != nil {
			return bad(err)
		}
		var value json.RawMessage
		if err := members.Decode(&value); err != nil {
			return bad(err)
		}
		if name == "build" {
			if build != nil {
				return bad(fmt.Errorf("\"build\" stands twice"))
			}
			build = &Build{}
			strict := json.NewDecoder(bytes.NewReader(value))
			strict.DisallowUnknownFields()
			if err := strict.Decode(build); err != nil {
				return bad(fmt.Errorf("build: %s", strings.TrimPrefix(err.Error(), "json: ")))
			}
			continue
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return bad(err)
		}
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
	}
	if build == nil {
		return text, nil, nil
	}
	out.WriteByte('}')
	return out.Bytes(), build, nil
}
