package wasm

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// patience bounds what a test waits for; nothing that works comes near it.
const patience = 30 * time.Second

func open(t testing.TB, cfg Config) *Library {
	t.Helper()
	l, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := l.Close(ctx); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return l
}

// shelf is where a test's library loads modules from.
type shelf struct {
	versions []engine.PluginVersion
	modules  map[[32]byte][]byte
}

// add puts the module on the shelf, active in place of the versions that were.
func (s *shelf) add(t testing.TB, account string, module []byte) engine.PluginVersion {
	t.Helper()
	m, err := ReadManifest(module)
	if err != nil {
		t.Fatalf("ReadManifest() = %v", err)
	}
	v := engine.PluginVersion{
		AccountID: account, Name: m.Name, Version: m.Version, Kind: m.Kind, Manifest: m,
		SHA256: sha256.Sum256(module), Size: int64(len(module)), Active: true,
	}
	for i := range s.versions {
		if s.versions[i].AccountID == account && s.versions[i].Name == m.Name {
			s.versions[i].Active = false
		}
	}
	if s.modules == nil {
		s.modules = map[[32]byte][]byte{}
	}
	s.modules[v.SHA256] = module
	s.versions = append(s.versions, v)
	return v
}

func (s *shelf) load(_ context.Context, v engine.PluginVersion) ([]byte, error) {
	module, ok := s.modules[v.SHA256]
	if !ok {
		return nil, fmt.Errorf("no module of %s: %w", v.Name, engine.ErrNotFound)
	}
	return module, nil
}

func (s *shelf) sync(t testing.TB, l *Library) {
	t.Helper()
	if err := l.Sync(t.Context(), s.versions, s.load); err != nil {
		t.Fatalf("Sync() = %v", err)
	}
}

// offer opens a library with that one global plugin, called name.
func offer(t testing.TB, cfg Config, module []byte) *Library {
	t.Helper()
	l := open(t, cfg)
	var s shelf
	s.add(t, "", module)
	s.sync(t, l)
	return l
}

func ruleGuestOf(t testing.TB, l *Library, account, ref string) engine.RuleGuest {
	t.Helper()
	g, err := l.RuleGuest(account, ref)
	if err != nil {
		t.Fatalf("RuleGuest(%q, %q) = %v", account, ref, err)
	}
	return g
}

func adapterOf(t testing.TB, l *Library, a engine.AdapterAttempt) engine.Adapter {
	t.Helper()
	adapter, err := l.OpenAdapter("", "test", a)
	if err != nil {
		t.Fatalf("OpenAdapter(test) = %v", err)
	}
	t.Cleanup(adapter.Close)
	return adapter
}

func jsonNode(t testing.TB, text string) document.Node {
	t.Helper()
	doc, err := document.Parse([]byte(text), document.Limits{})
	if err != nil {
		t.Fatalf("Parse(%q) = %v", text, err)
	}
	return doc.Root()
}

// hello decides for the model that its data names.
func hello(model string) asm {
	a := rule(seq(i32c(0), i32c(int32(len(model))), call(0), i32c(abi.Decided)), "target")
	a.data = model
	return a
}

func TestDecide(t *testing.T) {
	l := offer(t, Config{}, hello("gpt-5").build(t))
	g := ruleGuestOf(t, l, "acme", "test")
	var answer engine.RuleAnswer
	if err := g.Decide(t.Context(), &engine.RuleCall{}, &answer); err != nil {
		t.Fatalf("Decide() = %v", err)
	}
	if len(answer.Targets) != 1 || answer.Targets[0] != "gpt-5" || answer.Verdict != engine.VerdictDecided {
		t.Errorf("Decide() answers %+v, want gpt-5", answer)
	}
	if g.Ref() != "test@1.0.0" {
		t.Errorf("Ref() = %q, want test@1.0.0", g.Ref())
	}
}
