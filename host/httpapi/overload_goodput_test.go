package httpapi

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// However much is offered, as much is served, and the rest is answered while all places are
// taken: nobody waits for a place. Each round the provider answers only after all of those.
func TestGoodputIsFlatUnderOverload(t *testing.T) {
	t.Parallel()
	const most, places = 32, 24 // of which one account gets three quarters
	var round atomic.Pointer[chan struct{}]
	f := &fake{complete: func(ctx context.Context, _ *engine.Request) (engine.Completion, error) {
		select {
		case <-*round.Load():
			return engine.Completion{Body: []byte(`{"id":"c"}`)}, nil
		case <-ctx.Done():
			return engine.Completion{}, ctx.Err()
		}
	}}
	u := start(t, f, func(c *Config) { c.MaxInFlight = most })
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10 * places}}
	defer client.CloseIdleConnections()
	for _, times := range []int{1, 2, 5, 10} {
		release := make(chan struct{})
		round.Store(&release)
		statuses := make(chan string, times*places)
		var calls sync.WaitGroup
		for range times * places {
			calls.Go(func() {
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, u.url+"/v1/chat/completions", strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"x"}]}`))
				req.Header.Set("Authorization", "Bearer tenant-key-a")
				resp, err := client.Do(req)
				if err != nil {
					statuses <- err.Error()
					return
				}
				defer resp.Body.Close()
				_, _ = io.Copy(io.Discard, resp.Body)
				statuses <- resp.Status + resp.Header.Get("Retry-After")
			})
		}
		got := map[string]int{}
		for range (times - 1) * places {
			got[<-statuses]++
		}
		close(release)
		calls.Wait()
		close(statuses)
		for status := range statuses {
			got[status]++
		}
		const shed = "503 Service Unavailable1"
		if got["200 OK"] != places || got[shed] != (times-1)*places || len(got) > 2 {
			t.Errorf("%d times what there are places for: %v, want %d served and the rest told to come again in 1 s", times, got, places)
		}
		if n := u.gate.inFlight(); n != 0 {
			t.Errorf("%d are still counted after all were answered", n)
		}
	}
}
