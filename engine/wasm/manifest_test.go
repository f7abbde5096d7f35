package wasm

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

func TestManifestForms(t *testing.T) {
	t.Parallel()
	rule := func(members string) string {
		return `{"name":"a","version":"1.0.0","kind":"rule","abi":1` + members + `}`
	}
	provider := func(members string) string {
		return `{"name":"a","version":"1.0.0","kind":"provider","abi":1,"provider":{` + members + `}}`
	}
	tests := []struct{ name, manifest, want string }{
		{"least", rule(``), ""},
		{"longest name", `{"name":"` + strings.Repeat("a", 64) + `","version":"1.0.0-rc.1+build","kind":"rule","abi":1}`, ""},
		{"provider", provider(`"base_url":"https://x.example/v1","auth":{"scheme":"query","name":"key"},"headers":{"x-version":"1"},"stream":"ndjson","native":["chat"]`), ""},
		{"schema", rule(`,"config_schema":{"type":"object","$defs":{"x":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/x"}}}`), ""},

		{"not JSON", `{`, "manifest:"},
		{"behind it more", rule(``) + `{}`, "manifest:"},
		{"a list", `[]`, "manifest:"},
		{"unknown member", rule(`,"homepage":"x"`), "homepage"},
		{"twice", rule(`,"name":"b"`), "manifest:"},
		{"no name", `{"version":"1.0.0","kind":"rule","abi":1}`, `name ""`},
		{"capital", `{"name":"A","version":"1.0.0","kind":"rule","abi":1}`, `name "A"`},
		{"dash first", `{"name":"-a","version":"1.0.0","kind":"rule","abi":1}`, `name "-a"`},
		{"newline last", `{"name":"a\n","version":"1.0.0","kind":"rule","abi":1}`, `name "a\n"`},
		{"65 letters", `{"name":"` + strings.Repeat("a", 65) + `","version":"1.0.0","kind":"rule","abi":1}`, "name"},
		{"version of two", `{"name":"a","version":"1.0","kind":"rule","abi":1}`, `version "1.0"`},
		{"version with an at", `{"name":"a","version":"1.0.0-a@b","kind":"rule","abi":1}`, "version"},
		{"no kind", `{"name":"a","version":"1.0.0","abi":1}`, `kind ""`},
		{"abi 2", `{"name":"a","version":"1.0.0","kind":"rule","abi":2}`, "abi 2"},
		{"a rule with provider", rule(`,"provider":{"base_url":"https://x.example","auth":{"scheme":"bearer"}}`), `a rule has no "provider"`},
		{"file address", provider(`"base_url":"file:///etc/passwd","auth":{"scheme":"bearer"}`), "base_url"},
		{"address with a user", provider(`"base_url":"https://u:p@x.example","auth":{"scheme":"bearer"}`), "base_url"},
		{"scheme", provider(`"auth":{"scheme":"magic"}`), `scheme "magic"`},
		{"header without a name", provider(`"auth":{"scheme":"header"}`), "auth.name"},
		{"header with a break", provider(`"auth":{"scheme":"bearer"},"headers":{"a":"b\r\nc: d"}`), "visible ASCII"},
		{"stream", provider(`"auth":{"scheme":"bearer"},"stream":"morse"`), `stream "morse"`},
		{"wire", provider(`"auth":{"scheme":"bearer"},"native":["generate"]`), `native: "generate"`},
		{"schema that is no schema", rule(`,"config_schema":{"type":7}`), "config_schema"},
		{"schema from elsewhere", rule(`,"config_schema":{"$ref":"file:///etc/passwd"}`), "may only refer to itself"},
		{"schema from the net", rule(`,"config_schema":{"$ref":"http://127.0.0.1:1/x"}`), "may only refer to itself"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := adapter(abi.EntryEvent, i32c(0))
			a.functions[abi.EntryDecide] = i32c(0)
			// Past EmbedManifest, which would refuse most of them.
			module := appendSection(a.module(), sectionCustom, append(appendName(nil, abi.ManifestSection), tt.manifest...))
			_, err := inspect(module)
			if tt.want == "" {
				if err != nil {
					t.Errorf("Inspect(%s) = %v, want nil", tt.manifest, err)
				}
				return
			}
			if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Inspect(%s) = %v, want %q", tt.manifest, err, tt.want)
			}
		})
	}
}

func TestEmbedManifest(t *testing.T) {
	t.Parallel()
	first, second := asm{name: "one"}.manifest(), asm{name: "two"}.manifest()
	plain := rule(i32c(0)).module()
	embed := func(module []byte, manifest string) []byte {
		got, err := EmbedManifest(module, []byte(manifest))
		if err != nil {
			t.Fatalf("EmbedManifest(%s) = %v", manifest, err)
		}
		return got
	}
	once := embed(plain, first)
	twice := embed(once, " \n"+second)
	m, err := ReadManifest(twice)
	if err != nil || m.Name != "two" {
		t.Errorf("ReadManifest() = %+v, %v, want two", m, err)
	}
	if want := embed(plain, second); !bytes.Equal(twice, want) {
		t.Error("embedding in place of another manifest leaves something of it")
	}
	if !bytes.Equal(plain, rule(i32c(0)).module()) {
		t.Error("EmbedManifest changed its argument")
	}
	if _, err := EmbedManifest(plain, []byte(`{}`)); engine.CodeOf(err) != engine.CodeInvalid {
		t.Errorf("EmbedManifest({}) = %v, want %s", err, engine.CodeInvalid)
	}
	if _, err := ReadManifest(plain); engine.CodeOf(err) != engine.CodeInvalid {
		t.Errorf("ReadManifest(none) = %v, want %s", err, engine.CodeInvalid)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"name":"a","version":"1.0.0","kind":"rule","abi":1,"config_schema":{"type":"object"}}`))
	f.Add([]byte(`{"name":"a","version":"1.0.0","kind":"provider","abi":1,"provider":{"base_url":"https://x","auth":{"scheme":"bearer"}}}`))
	plain := rule(i32c(0)).module()
	f.Fuzz(func(t *testing.T, manifest []byte) {
		module, err := EmbedManifest(plain, manifest)
		if err != nil {
			return
		}
		m, err := ReadManifest(module)
		if err != nil {
			t.Fatalf("ReadManifest() = %v after EmbedManifest", err)
		}
		if strings.ContainsAny(m.Name+m.Version, "@/ \n\x00") {
			t.Errorf("name %q, version %q", m.Name, m.Version)
		}
		_, _ = inspect(module)
	})
}
