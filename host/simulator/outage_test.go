package simulator

import (
	"io"
	"net/http"
	"testing"
)

// listStatus asks for the models of a provider, and returns the status; 0: the connection was closed.
func listStatus(t *testing.T, s *Simulator, provider, secret string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(deadline(t), http.MethodGet, s.BaseURL(provider)+"/models", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+secret)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// Outages are scripted by what they hold for: answers, lists of models, a key, a share.
func TestOutageScripts(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for _, tt := range []struct {
		name      string
		fault     Fault
		wantChats []int // with the usual key
		wantLists []int // with the usual key, and another
	}{
		{"answers", Fault{Status: 500}, []int{500, 500}, []int{200, 200}},
		{"lists", Fault{Of: "lists", Status: 503}, []int{200, 200}, []int{503, 503}},
		{"all", Fault{Of: "all", Status: 502}, []int{502, 502}, []int{502, 502}},
		{"lists are dropped", Fault{Of: "lists", Drop: true}, []int{200}, []int{0, 0}},
		{"one key", Fault{Of: "all", Key: "another-key", Status: 500}, []int{200, 200}, []int{200, 500}},
		{"three of ten", Fault{Share: 30, Status: 500}, []int{200, 200, 200, 500, 200, 200, 500, 200, 200, 500}, []int{200, 200}},
		{"another provider", Fault{Provider: "google", Of: "all", Status: 500}, []int{200}, []int{200, 200}},
	} {
		tt.fault.Count = -1
		s.ClearScript()
		s.Script(tt.fault)
		before := s.Lists("openai")
		for i, want := range tt.wantChats {
			if got := wires[0].ask(t, s, "hi", false).status; got != want {
				t.Errorf("%s: answer %d = %d, want %d", tt.name, i, got, want)
			}
		}
		for i, secret := range []string{key, "another-key"} {
			if got := listStatus(t, s, "openai", secret); got != tt.wantLists[i] {
				t.Errorf("%s: list %d = %d, want %d", tt.name, i, got, tt.wantLists[i])
			}
		}
		// A client may ask again when a connection was closed on it.
		if got := s.Lists("openai") - before; got < 2 {
			t.Errorf("%s: Lists() rose by %d, want 2", tt.name, got)
		}
	}
}
