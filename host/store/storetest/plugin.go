package storetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

var pluginTests = []test{
	{"keeps every member, lists without modules", pluginRoundTrip},
	{"at most one version of a name is active", pluginActive},
	{"creates once, deletes once", pluginDelete},
	{"keeps the largest module", pluginLarge},
	{"refuses what no version may be", pluginInvalid},
}

func plainPlugin(account, name, version string) engine.PluginVersion {
	module := []byte("\x00asm " + version)
	return engine.PluginVersion{
		AccountID: account, Name: name, Version: version, Kind: "rule", SHA256: sha256.Sum256(module), Module: module,
		Size: int64(len(module)), CreatedAt: at(0),
	}
}

func listed(p engine.PluginVersion) engine.PluginVersion {
	p.Module = nil
	return p
}

func wantPlugins(t *testing.T, s engine.Store, want ...engine.PluginVersion) {
	t.Helper()
	got, err := s.ListPlugins(t.Context())
	must(t, "ListPlugins()", err)
	for i := range want {
		want[i] = listed(want[i])
	}
	wantEqual(t, "ListPlugins()", got, want)
}

func pluginRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	full := plainPlugin("acme", "by-hour", "1.0.0")
	full.Kind, full.Active, full.CreatedAt = "provider", true, at(4)
	full.Manifest = engine.Manifest{
		Name: "by-hour", Version: "1.0.0", Kind: "provider", ABI: 1, Description: "<b> & \u2028 'q' \x01",
		ConfigSchema: json.RawMessage(`{"b":1.50,"a":"<&>","a b":null}`),
		Provider: &engine.ManifestProvider{
			BaseURL: "https://h", Auth: engine.ManifestAuth{Scheme: "header", Name: "x-key"},
			Headers: map[string]string{"v": "1"}, Stream: "sse", Native: []string{"chat"},
		},
	}
	older := plainPlugin("acme", "by-hour", "9")
	older.CreatedAt = at(3)
	global := plainPlugin("", "z", "1")
	in := full
	in.CreatedAt = finest(4)
	for _, p := range []engine.PluginVersion{in, older, global} {
		must(t, "CreatePlugin()", s.CreatePlugin(t.Context(), p))
	}
	wantPlugins(t, s, global, older, full)
	got, err := s.GetPlugin(t.Context(), "acme", "by-hour", "1.0.0")
	must(t, "GetPlugin()", err)
	wantEqual(t, "GetPlugin()", got, full)
	for _, key := range [][3]string{{"", "by-hour", "1.0.0"}, {"acme", "by-hour", "2"}, {"acme", "", ""}} {
		_, err := s.GetPlugin(t.Context(), key[0], key[1], key[2])
		wantErr(t, "GetPlugin() of none", err, engine.ErrNotFound)
	}
}

func pluginActive(t *testing.T, d Database) {
	s := open(t, d)
	one, two := plainPlugin("a", "p", "1"), plainPlugin("a", "p", "2")
	one.Active, two.Active = true, true
	other, elsewhere := plainPlugin("a", "q", "1"), plainPlugin("b", "p", "1")
	other.Active, elsewhere.Active = true, true
	for _, p := range []engine.PluginVersion{one, other, elsewhere, two} {
		must(t, "CreatePlugin()", s.CreatePlugin(t.Context(), p))
	}
	one.Active = false
	wantPlugins(t, s, one, two, other, elsewhere)

	must(t, "ActivatePlugin()", s.ActivatePlugin(t.Context(), "a", "p", "1"))
	one.Active, two.Active = true, false
	wantPlugins(t, s, one, two, other, elsewhere)
	must(t, "ActivatePlugin() of the active one", s.ActivatePlugin(t.Context(), "a", "p", "1"))
	wantPlugins(t, s, one, two, other, elsewhere)

	wantErr(t, "ActivatePlugin() of none", s.ActivatePlugin(t.Context(), "a", "p", "3"), engine.ErrNotFound)
	wantErr(t, "CreatePlugin() again, active", s.CreatePlugin(t.Context(), func() engine.PluginVersion {
		p := plainPlugin("a", "p", "2")
		p.Active = true
		return p
	}()), engine.ErrConflict)
	wantPlugins(t, s, one, two, other, elsewhere) // neither took the active one away
}

func pluginDelete(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreatePlugin()", s.CreatePlugin(t.Context(), plainPlugin("a", "p", "1")))
	must(t, "CreatePlugin()", s.CreatePlugin(t.Context(), plainPlugin("b", "p", "1")))
	changed := plainPlugin("a", "p", "1")
	changed.Module = []byte("other")
	wantErr(t, "CreatePlugin() again", s.CreatePlugin(t.Context(), changed), engine.ErrConflict)
	must(t, "DeletePlugin()", s.DeletePlugin(t.Context(), "a", "p", "1"))
	wantErr(t, "DeletePlugin() again", s.DeletePlugin(t.Context(), "a", "p", "1"), engine.ErrNotFound)
	wantPlugins(t, s, plainPlugin("b", "p", "1"))
}

func pluginLarge(t *testing.T, d Database) {
	s := open(t, d)
	p := plainPlugin("a", "large", "1")
	p.Module = bytes.Repeat([]byte("\x00\xff'\\;--"), 8<<20/8) // the largest module that the gate lets through
	p.Size = int64(len(p.Module))
	empty := plainPlugin("a", "empty", "1")
	empty.Module, empty.Size = nil, 0
	must(t, "CreatePlugin() of 8 MiB", s.CreatePlugin(t.Context(), p))
	must(t, "CreatePlugin() of nothing", s.CreatePlugin(t.Context(), empty))
	got, err := s.GetPlugin(t.Context(), "a", "large", "1")
	must(t, "GetPlugin() of 8 MiB", err)
	if !bytes.Equal(got.Module, p.Module) {
		t.Errorf("GetPlugin() has a module of %d bytes unlike the %d stored", len(got.Module), len(p.Module))
	}
	got, err = s.GetPlugin(t.Context(), "a", "empty", "1")
	must(t, "GetPlugin() of nothing", err)
	if len(got.Module) != 0 {
		t.Errorf("GetPlugin() of nothing has %d bytes, want 0", len(got.Module))
	}
}

func pluginInvalid(t *testing.T, d Database) {
	s := open(t, d)
	for _, c := range []struct {
		param  string
		change func(*engine.PluginVersion)
	}{
		{"name", func(p *engine.PluginVersion) { p.Name = "" }},
		{"version", func(p *engine.PluginVersion) { p.Version = "" }},
		{"kind", func(p *engine.PluginVersion) { p.Kind = "other" }},
		{"size", func(p *engine.PluginVersion) { p.Size = -1 }},
		{"manifest", func(p *engine.PluginVersion) { p.Manifest.ConfigSchema = json.RawMessage("{") }},
	} {
		p := plainPlugin("a", "p", "1")
		c.change(&p)
		wantInvalid(t, "CreatePlugin()", s.CreatePlugin(t.Context(), p), c.param)
	}
}
