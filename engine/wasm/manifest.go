package wasm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

var (
	nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	// https://semver.org, without its rule on leading zeros; "@" and "/" never occur.
	versionForm = regexp.MustCompile(`^[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(-[0-9A-Za-z.-]{1,64})?(\+[0-9A-Za-z.-]{1,64})?$`)
	fieldForm   = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$") // RFC 9110 section 5.6.2, token
)

// ReadManifest returns the manifest that the module carries. It reads no more of
// the module than its sections' sizes and does not say that the module may run:
// that is [Library.Inspect].
// Errors: *engine.Error with CodeInvalid.
func ReadManifest(module []byte) (engine.Manifest, error) {
	raw, _, err := splitManifest(module)
	if err != nil {
		return engine.Manifest{}, refuse("%v", err)
	}
	return parseManifest(raw)
}

// EmbedManifest returns the module with the manifest, a manifest.json, as its custom section
// "pointsman.manifest", in place of one that it may have; how it is built stays out of it. The
// arguments are left as they are.
// Errors: *engine.Error with CodeInvalid when the manifest is not valid or the module is none.
func EmbedManifest(module, manifest []byte) ([]byte, error) {
	manifest, _, err := SourceManifest(manifest)
	if err != nil {
		return nil, err
	}
	if _, err := parseManifest(manifest); err != nil {
		return nil, err
	}
	_, rest, err := splitManifest(module)
	if err != nil {
		return nil, refuse("%v", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, manifest); err != nil {
		return nil, refuse("manifest: %v", err)
	}
	return appendSection(rest, sectionCustom, append(appendName(nil, abi.ManifestSection), compact.Bytes()...)), nil
}

// splitManifest returns the content of the manifest section, nil when there is
// none, and a copy of the module without it.
func splitManifest(module []byte) (manifest, rest []byte, err error) {
	if !bytes.HasPrefix(module, moduleHeader) {
		return nil, nil, fmt.Errorf("not a WebAssembly module, version 1")
	}
	rest = append([]byte(nil), moduleHeader...)
	c := &cursor{b: module[len(moduleHeader):], at: len(moduleHeader), part: "module"}
	for len(c.b) > 0 && c.err == nil {
		start := c.at
		id := c.byte()
		sub := &cursor{at: c.at, part: "custom section"}
		sub.b = c.take(c.u32())
		if id == sectionCustom && sub.name() == abi.ManifestSection {
			manifest = sub.b
			continue
		}
		if c.err == nil {
			rest = append(rest, module[start:c.at]...)
		}
	}
	return manifest, rest, c.err
}

// parseManifest reads a manifest strictly: a member that v1 does not know is an
// error, as a misspelt one would otherwise be silently without effect.
func parseManifest(raw []byte) (engine.Manifest, error) {
	var m engine.Manifest
	if raw == nil {
		return m, refuse("no %s section: build the plugin with \"pointsman plugin build\"", abi.ManifestSection)
	}
	if len(raw) > abi.MaxManifestSize {
		return m, refuse("manifest of %d bytes (at most %d)", len(raw), abi.MaxManifestSize)
	}
	doc, err := document.Parse(raw, document.Limits{Bytes: abi.MaxManifestSize, Depth: 64})
	if err != nil {
		return m, refuse("manifest: %v", err)
	}
	doc.Release()
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return m, refuse("manifest: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if err := checkManifest(&m); err != nil {
		return m, refuse("manifest: %v", err)
	}
	return m, nil
}

func checkManifest(m *engine.Manifest) error {
	switch {
	case !nameForm.MatchString(m.Name):
		return fmt.Errorf("name %q is not of the form %s", m.Name, nameForm)
	case !versionForm.MatchString(m.Version):
		return fmt.Errorf("version %q is not of the form 1.2.3", m.Version)
	case m.Kind != abi.KindRule && m.Kind != abi.KindProvider:
		return fmt.Errorf("kind %q is neither %q nor %q", m.Kind, abi.KindRule, abi.KindProvider)
	case m.ABI != abi.Version:
		return fmt.Errorf("abi %d; this host speaks %d", m.ABI, abi.Version)
	case m.Kind == abi.KindRule && m.Provider != nil:
		return fmt.Errorf("a rule has no \"provider\"")
	case m.Limits.Fuel < 0 || m.Limits.Fuel > abi.MaxRuleFuel:
		return fmt.Errorf("limits.fuel %d is not between 1 and %d", m.Limits.Fuel, abi.MaxRuleFuel)
	case m.Limits.Fuel != 0 && m.Kind != abi.KindRule:
		return fmt.Errorf("limits.fuel is of rules; a provider's grows with its documents")
	}
	if m.Provider != nil {
		return checkProvider(m.Provider)
	}
	return nil
}

func checkProvider(p *engine.ManifestProvider) error {
	if p.BaseURL != "" {
		u, err := url.Parse(p.BaseURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("provider.base_url %q is not an http or https address without user, query and fragment", p.BaseURL)
		}
	}
	switch p.Auth.Scheme {
	case "", "bearer":
	case "header", "query":
		if !fieldForm.MatchString(p.Auth.Name) {
			return fmt.Errorf("provider.auth.name %q is not a name", p.Auth.Name)
		}
	default:
		return fmt.Errorf("provider.auth.scheme %q is none of bearer, header, query", p.Auth.Scheme)
	}
	for name, value := range p.Headers {
		if err := checkField(name, value); err != nil {
			return fmt.Errorf("provider.headers: %w", err)
		}
	}
	if !slices.Contains([]string{"", "sse", "json-array", "ndjson"}, p.Stream) {
		return fmt.Errorf("provider.stream %q is none of sse, json-array, ndjson", p.Stream)
	}
	for _, wire := range p.Native {
		if !slices.Contains([]string{"chat", "responses", "messages"}, wire) {
			return fmt.Errorf("provider.native: %q is none of chat, responses, messages", wire)
		}
	}
	return nil
}

// checkField holds a fixed header to the same form as those that a guest sets.
func checkField(name, value string) error {
	if !fieldForm.MatchString(name) {
		return fmt.Errorf("%q is not a header name", name)
	}
	for _, c := range []byte(value) {
		if c < ' ' || c >= 0x7f {
			return fmt.Errorf("the value of %s holds other than visible ASCII", name)
		}
	}
	return nil
}

// refuse makes the error of a module or config that is not accepted; the message
// goes to its author.
func refuse(format string, args ...any) *engine.Error {
	return engine.Errorf(engine.CodeInvalid, format, args...)
}
