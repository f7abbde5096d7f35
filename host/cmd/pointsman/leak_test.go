package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	weigh(t, soaking{lasts: 45 * time.Second, warms: 5 * time.Second, pace: time.Second, grows: 128 << 20, patience: time.Minute})
}

// The same for ten minutes, as fast as it goes, after which all that was open is closed.
func TestLoadLeavesNothingSoak(t *testing.T) {
	if os.Getenv("POINTSMAN_SOAK") == "" {
		t.Skip("ten minutes of load: POINTSMAN_SOAK=1")
	}
	// Connections to a provider are kept for 90 s.
	weigh(t, soaking{lasts: 10 * time.Minute, warms: time.Minute, grows: 48 << 20, patience: 3 * time.Minute, whole: true})
}

// soaking is how long a process is under load, and what it may take after it.
type soaking struct {
	lasts    time.Duration
	warms    time.Duration // what it grows by at first does not count
	pace     time.Duration // of rounds; 0: as fast as it goes
	grows    int64         // bytes of memory
	patience time.Duration // of whoever left to be noticed, and of whoever waits for work to end
	whole    bool          // connections that are kept for the next request are waited for too
}

// weigh is rounds of load for so long: what a process takes once it is warm is what it takes after all of them.
func weigh(t *testing.T, s soaking) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("a process tells its descriptors only where there is /proc")
	}
	p := serve(t, t.TempDir())
	p.createRule("loaded", `mentions("loaded")`, "gpt-5")
	tick := time.NewTicker(max(s.pace, time.Millisecond))
	defer tick.Stop()
	rounds := 0
	load := func(lasts time.Duration) (last weight) {
		minute := time.Now()
		for began := time.Now(); time.Since(began) < lasts && !t.Failed(); rounds++ {
			<-tick.C
			if last = p.round(); time.Since(minute) >= time.Minute {
				minute = time.Now()
				t.Logf("after round %d: %+v", rounds, last)
			}
		}
		return last
	}
	base := load(s.warms)
	most := load(s.lasts)
	// Of those that are kept, each has both its ends in this process.
	kept := int64(2 * workers)
	if s.whole {
		kept = 0
	}
	end := p.weight()
	for until := time.Now().Add(s.patience); time.Now().Before(until) && !end.within(base, kept, s.grows); time.Sleep(time.Second) {
		end = p.weight()
	}
	if !end.within(base, kept, s.grows) {
		t.Errorf("after %d rounds the process takes %+v, when it was warm it took %+v; it has open:\n%s", rounds, end, base, p.open())
	}
	t.Logf("%d rounds of %d requests: %+v when it was warm, %+v at the end of the load, %+v after it", rounds, workers*each, base, most, end)
}

// within reports whether a process takes no more than before, besides connections that are kept.
func (w weight) within(base weight, kept, grows int64) bool {
	return w.goroutines <= base.goroutines+5+kept && w.descriptors <= base.descriptors+5+kept && w.resident <= base.resident+grows
}

// A round is so many requests, of each of so many at a time.
const workers, each = 8, 10

// open lists what the process's descriptors lead to, and how often.
func (p *process) open() (list string) {
	p.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err.Error()
	}
	count := map[string]int{}
	for _, e := range entries {
		to, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			continue // it was closed meanwhile
		}
		if kind, _, numbered := strings.Cut(to, ":["); numbered { // as socket:[4711]
			to = kind
		}
		count[to]++
	}
	for _, to := range slices.Sorted(maps.Keys(count)) {
		list += fmt.Sprintf("%5d %s\n", count[to], to)
	}
	return list
}

// round is some load of each kind, and returns what the process takes after it.
func (p *process) round() weight {
	p.t.Helper()
	// Its connections end with it, so that none of the caller's are counted.
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	kinds := []func(context.Context, *http.Client, int) error{
		p.answered, p.streamed, p.failed, p.uploaded, p.leaves,
	}
	var work sync.WaitGroup
	for worker := range workers {
		work.Go(func() {
			for i := range each {
				n := worker*each + i
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
