package plugins_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/wasm"
)

// guests are the suites' plugins, each built once and loaded into a library of its own.
var guests struct {
	mu      sync.Mutex // guards loaded; held while one is built
	loaded  map[string]*loadedGuest
	tempDir string
}

type loadedGuest struct {
	library *wasm.Library
	err     error
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, g := range guests.loaded {
		if g.library == nil {
			continue
		}
		// An adapter that a test left open would keep Close waiting for ever.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := g.library.Close(ctx); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		cancel()
	}
	if guests.tempDir != "" {
		_ = os.RemoveAll(guests.tempDir)
	}
	os.Exit(code)
}

// guest builds plugins/<name>/guest as "pointsman plugin build" does and loads it.
func guest(t testing.TB, name string) *wasm.Library {
	t.Helper()
	guests.mu.Lock()
	defer guests.mu.Unlock()
	g, ok := guests.loaded[name]
	if !ok {
		g = new(loadedGuest)
		g.library, g.err = loadGuest(t.Context(), name)
		if guests.loaded == nil {
			guests.loaded = map[string]*loadedGuest{}
		}
		guests.loaded[name] = g
	}
	if g.err != nil {
		t.Fatalf("guest %s: %v", name, g.err)
	}
	return g.library
}

func loadGuest(ctx context.Context, name string) (*wasm.Library, error) {
	if guests.tempDir == "" {
		dir, err := os.MkdirTemp("", "pointsman-guests-")
		if err != nil {
			return nil, err
		}
		guests.tempDir = dir
	}
	out := filepath.Join(guests.tempDir, name+".wasm")
	if err := wasm.BuildGo(ctx, filepath.Join(name, "guest"), filepath.Join(name, "manifest.json"), out); err != nil {
		return nil, err
	}
	module, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	manifest, err := wasm.ReadManifest(module)
	if err != nil {
		return nil, err
	}
	library, err := wasm.Open(context.WithoutCancel(ctx), wasm.Config{Spent: spent.add})
	if err != nil {
		return nil, err
	}
	err = library.Sync(ctx, []engine.PluginVersion{{
		Name: manifest.Name, Version: manifest.Version, Kind: manifest.Kind, Manifest: manifest, Active: true,
		Module: module, Size: int64(len(module)),
	}}, func(context.Context, engine.PluginVersion) ([]byte, error) { return module, nil })
	if err != nil {
		return nil, errors.Join(err, library.Close(ctx))
	}
	return library, nil
}

// plugin runs an adapter's guest through the server's own runtime.
type plugin struct {
	ctx     context.Context
	adapter engine.Adapter
	answer  *engine.UpstreamResponse
}

func openPlugin(t testing.TB, s *suite, rec *recording) session {
	t.Helper()
	adapter, err := guest(t, s.plugin).OpenAdapter("", s.plugin, engine.AdapterAttempt{
		RequestID: "replay", Attempt: 1, NowMS: nowMS, Request: rec.requestNode, Config: rec.configNode, Call: rec.callNode,
	})
	if err != nil {
		t.Fatalf("OpenAdapter(%q) = %v", s.plugin, err)
	}
	return &plugin{t.Context(), adapter, &engine.UpstreamResponse{Status: rec.status, Field: rec.field}}
}

func (p *plugin) request() reply {
	r, err := p.adapter.Request(p.ctx)
	if err != nil {
		if engine.CodeOf(err) == engine.CodeInvalid {
			return reply{failed: true, message: err.Error()}
		}
		return reply{err: err}
	}
	return reply{path: r.Path, lossy: r.Lossy, chunks: [][]byte{r.Body}}
}

func (p *plugin) response(body []byte) reply {
	return made(p.adapter.Response(p.ctx, p.answer, body))
}

func (p *plugin) event(name, data string) reply {
	return made(p.adapter.Event(p.ctx, p.answer, name, []byte(data)))
}

func (p *plugin) fail(body []byte) reply {
	return made(p.adapter.Error(p.ctx, p.answer, body))
}

func (p *plugin) close() { p.adapter.Close() }

func made(from engine.AdapterReply, err error) reply {
	r := reply{lossy: from.Lossy, err: err}
	for _, d := range from.Chunks {
		r.chunks = append(r.chunks, append([]byte(nil), d.Bytes()...))
		d.Release()
	}
	if f := from.Failure; f != nil {
		r.failed, r.class, r.afterMS, r.message = true, f.Class, f.After.Milliseconds(), f.Message
	}
	return r
}
