package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// weight is what a process takes, as it tells itself.
type weight struct{ goroutines, descriptors, resident int64 }

func (p *process) weight() (w weight) {
	p.t.Helper()
	_, _, body := p.call(http.MethodGet, "/metrics", nil)
	for name, to := range map[string]*int64{"go_goroutines": &w.goroutines, "process_open_fds": &w.descriptors, "process_resident_memory_bytes": &w.resident} {
		m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(body)
		if m == nil {
			p.t.Fatalf("/metrics has no %s", name)
		}
		v, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			p.t.Fatal(err)
		}
		*to = int64(v)
	}
	return w
}

// Load of every kind leaves nothing behind: no goroutine, no descriptor, and no memory that grows with it.
func TestLoadLeavesNothing(t *testing.T) {
	t.Parallel()
	weigh(t, 2)
}

// The same for ten minutes.
func TestLoadLeavesNothingSoak(t *testing.T) {
	if os.Getenv("POINTSMAN_SOAK") == "" {
		t.Skip("ten minutes of load: POINTSMAN_SOAK=1")
	}
	weigh(t, 600)
}

// weigh is rounds of load, or ten minutes of it when there are many: the first round is what the process grows by
// while it warms up, and what comes after must take no more.
func weigh(t *testing.T, rounds int) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("a process tells its descriptors only where there is /proc")
	}
	p := serve(t, t.TempDir())
	p.createRule("loaded", `mentions("loaded")`, "gpt-5")
	base := p.round()
	for began, i := time.Now(), 0; i < rounds && time.Since(began) < 10*time.Minute; i++ {
		end := p.round()
		// Whoever left is noticed, and whoever waits for work ends, in their own time.
		for patience := time.Now().Add(time.Minute); time.Now().Before(patience); time.Sleep(50 * time.Millisecond) {
			if end = p.weight(); end.goroutines <= base.goroutines+20 && end.descriptors <= base.descriptors+10 {
				break
			}
		}
		if end.goroutines > base.goroutines+20 || end.descriptors > base.descriptors+10 || end.resident > base.resident+128<<20 {
			t.Fatalf("after round %d the process takes %+v, after the first it took %+v", i+1, end, base)
		}
		if i == rounds-1 || i%100 == 0 {
			t.Logf("after round %d: %+v, after the first: %+v", i+1, end, base)
		}
	}
}

// round is some load of each kind, eight at a time, and returns what the process takes after it.
func (p *process) round() weight {
	p.t.Helper()
	// Its connections end with it, so that none of the caller's are counted.
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	kinds := []func(context.Context, *http.Client, int) error{
		p.answered, p.streamed, p.failed, p.uploaded, p.leaves,
	}
	var work sync.WaitGroup
	for worker := range 8 {
		work.Go(func() {
			for i := range 10 {
				n := worker*10 + i
				if err := kinds[n%len(kinds)](p.t.Context(), &http.Client{Transport: transport}, n); err != nil {
					p.t.Errorf("kind %d: %v", n%len(kinds), err)
				}
			}
		})
	}
	work.Wait()
	transport.CloseIdleConnections()
	return p.weight()
}

// sends makes a request; read says how much of the answer is taken, -1 for all.
func (p *process) sends(ctx context.Context, c *http.Client, path, contentType, body string, read int64) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set("Content-Type", contentType)
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if read < 0 {
		_, err = io.Copy(io.Discard, resp.Body)
	} else {
		_, _ = io.CopyN(io.Discard, resp.Body, read)
	}
	return resp.StatusCode, err
}

func (p *process) chats(ctx context.Context, c *http.Client, text, members string, read int64) (int, error) {
	body := fmt.Sprintf(`{"model":"auto","messages":[{"role":"user","content":%q}]%s}`, text, members)
	return p.sends(ctx, c, "/v1/chat/completions", "application/json", body, read)
}

func want(status int, err error, ok ...int) error {
	for _, s := range ok {
		if err == nil && status == s {
			return nil
		}
	}
	return fmt.Errorf("%d, %v", status, err)
}

func (p *process) answered(ctx context.Context, c *http.Client, _ int) error {
	status, err := p.chats(ctx, c, "a loaded word", "", -1)
	return want(status, err, 200)
}

func (p *process) streamed(ctx context.Context, c *http.Client, _ int) error {
	status, err := p.chats(ctx, c, "a loaded word", `,"stream":true`, -1)
	return want(status, err, 200)
}

func (p *process) failed(ctx context.Context, c *http.Client, n int) error {
	status, err := p.chats(ctx, c, "[[simulate status=400]] hello", fmt.Sprintf(`,"temperature":%d`, n), -1)
	return want(status, err, 400, 422)
}

func (p *process) uploaded(ctx context.Context, c *http.Client, n int) error {
	body := "--b\r\nContent-Disposition: form-data; name=\"module\"; filename=\"m.wasm\"\r\n\r\n\x00asm\x01\x00\x00\x00" + strings.Repeat("x", 100_000+n) + "\r\n--b--\r\n"
	status, err := p.sends(ctx, c, "/api/v1/plugins", "multipart/form-data; boundary=b", body, -1)
	return want(status, err, 400, 422, 429)
}

// leaves takes a little of a stream, and closes the connection.
func (p *process) leaves(ctx context.Context, _ *http.Client, _ int) error {
	own := &http.Transport{DisableKeepAlives: true}
	defer own.CloseIdleConnections()
	status, err := p.chats(ctx, &http.Client{Transport: own}, strings.Repeat("a loaded word ", 200), `,"stream":true`, 10)
	return want(status, err, 200)
}
