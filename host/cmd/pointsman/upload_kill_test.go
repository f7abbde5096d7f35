package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine/wasm"
)

// topicVersions are modules of the example rule, told apart by their versions.
func topicVersions(t *testing.T, versions ...string) map[string][]byte {
	t.Helper()
	const example = "../../../examples/plugins/go-topic-router"
	out := filepath.Join(t.TempDir(), "plugin.wasm")
	if err := wasm.BuildGo(t.Context(), example, filepath.Join(example, "manifest.json"), out); err != nil {
		t.Fatal(err)
	}
	built, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string][]byte{}
	for _, v := range versions {
		if modules[v], err = wasm.EmbedManifest(built, fmt.Appendf(nil, `{"name":"topics","version":%q,"kind":"rule","abi":1}`, v)); err != nil {
			t.Fatal(err)
		}
	}
	return modules
}

// watched calls reached when so many bytes of r were read.
type watched struct {
	r       io.Reader
	left    int
	reached func()
}

func (w *watched) Read(p []byte) (int, error) {
	if w.left > 0 && len(p) > w.left {
		p = p[:w.left]
	}
	n, err := w.r.Read(p)
	if w.left -= n; w.left <= 0 && w.reached != nil {
		w.reached()
		w.reached = nil
	}
	return n, err
}

// A process that is killed at any moment of an upload leaves the version whole or not at all,
// and the active one in place.
func TestKillDuringUpload(t *testing.T) {
	const after = -1 // the answer
	moments := []struct {
		version string
		share   float64       // of the body that is sent
		wait    time.Duration // then
	}{
		{"1.0.0", after, 0}, {"1.1.0", 0.5, 0}, {"1.2.0", 1, 0}, {"1.3.0", 1, 10 * time.Millisecond},
		{"1.4.0", 1, 50 * time.Millisecond}, {"1.5.0", 1, 200 * time.Millisecond}, {"1.6.0", 1, time.Second}, {"1.7.0", after, 0},
	}
	var versions []string
	for _, m := range moments {
		versions = append(versions, m.version)
	}
	modules := topicVersions(t, versions...)
	dir := t.TempDir()
	p := serve(t, dir)
	key := p.key
	known := map[string]bool{}
	for _, m := range moments {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		part, _ := w.CreateFormFile("module", "plugin.wasm")
		_, _ = part.Write(modules[m.version])
		_ = w.Close()
		sent := make(chan struct{})
		body := &watched{r: bytes.NewReader(form.Bytes()), left: int(m.share * float64(form.Len())), reached: func() { close(sent) }}
		req, err := http.NewRequest(http.MethodPost, p.url+"/api/v1/plugins?activate=true", body)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = int64(form.Len())
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", w.FormDataContentType())
		answered := make(chan int, 1)
		go func() {
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				answered <- 0
				return
			}
			resp.Body.Close()
			answered <- resp.StatusCode
		}()
		status := 0
		if m.share == after {
			status = <-answered
			p.kill()
		} else {
			<-sent
			time.Sleep(m.wait) // whatever it is doing then
			p.kill()
			status = <-answered
		}
		if m.share == after && status != http.StatusCreated {
			t.Fatalf("upload of %s = %d, want 201\n%s", m.version, status, p.errors)
		}

		p = serve(t, dir)
		p.key = key
		there, active := p.versions()
		if status == http.StatusCreated && !there[m.version] {
			t.Errorf("version %s was acknowledged, and is gone after the crash", m.version)
		}
		if m.share > 0 && m.share < 1 && there[m.version] {
			t.Errorf("version %s is there after half of its upload", m.version)
		}
		if len(active) != 1 {
			t.Errorf("after a crash %q are active, want one version", active)
		}
		for v := range known {
			if !there[v] {
				t.Errorf("version %s is gone after the crash in the upload of %s", v, m.version)
			}
		}
		// The gate checks the stored bytes against their hash, and runs them.
		for v := range there {
			if status, _, text := p.call(http.MethodPost, "/api/v1/plugins/topics/"+v+"/activate", nil); status != http.StatusNoContent {
				t.Errorf("activate %s after the crash = %d, want 204\n%s", v, status, text)
			}
		}
		t.Logf("killed in the upload of %s (answered %d): there = %t", m.version, status, there[m.version])
		known = there
	}
}

// versions lists what is stored of the plugin topics, and what of it is active.
func (p *process) versions() (there map[string]bool, active []string) {
	p.t.Helper()
	_, _, text := p.call(http.MethodGet, "/api/v1/plugins", nil)
	var list struct {
		Data []struct {
			Version string
			Active  bool
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		p.t.Fatalf("list plugins: %v\n%s", err, text)
	}
	there = map[string]bool{}
	for _, v := range list.Data {
		there[v.Version] = true
		if v.Active {
			active = append(active, v.Version)
		}
	}
	return there, active
}
