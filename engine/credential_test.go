package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/sdk/abi"
)

// keyRig is a rig whose provider a has those keys, and whose health can be run. What the
// provider does with each is in keys, "" is the keys that are not named.
type keyRig struct {
	*rig
	health *CredentialHealth
	feed   *NoticeFeed
	mu     sync.Mutex
	keys   map[string]*script
	sent   []string // "key operation" of each request to a
}

func newKeyRig(t testing.TB, keys ...Credential) *keyRig {
	t.Helper()
	k := &keyRig{keys: map[string]*script{}, feed: NewNoticeFeed(zerolog.Nop())}
	k.rig = newRig(t, map[string]*script{"a": {}, "b": works("from b")})
	k.scripts["a"] = works("from a")
	k.scripts["a"].answer = func(r *UpstreamRequest) *script {
		k.mu.Lock()
		defer k.mu.Unlock()
		operation := "chat"
		if r.Request.Method == "GET" {
			operation = "list"
		}
		k.sent = append(k.sent, r.Credential+" "+operation)
		if s := k.keys[r.Credential]; s != nil {
			return s
		}
		return works("from a")
	}
	k.keep(keys...)
	k.health = NewCredentialHealth(CredentialConfig{
		Adapters: scriptAdapters{k.rig}, Upstream: scriptUpstream{k.rig}, Catalogue: k.catalogue.Load, Notices: k.feed,
	})
	k.Pipeline.credentials = k.health
	return k
}

// keep replaces the keys of provider a, and gives it a second model.
func (k *keyRig) keep(keys ...Credential) {
	c := k.catalogue.Load()
	models := append(slices.Clone(c.Models("")), Model{ID: "m-a2", ProviderID: "a", UpstreamID: "up-a2", Enabled: true})
	models = slices.CompactFunc(models, func(a, b Model) bool { return a.ID == b.ID })
	providers := c.Providers("")
	providers[0].Credentials = keys
	k.catalogue.Store(NewCatalogue(models, providers, []Price{
		{ProviderID: "a", UpstreamID: "up-a"}, {ProviderID: "a", UpstreamID: "up-a2"}, {ProviderID: "b", UpstreamID: "up-b"},
	}))
}

// set says what provider a does from now on with that key.
func (k *keyRig) set(key string, s *script) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[key] = s
}

// took returns what was sent to a since the last call.
func (k *keyRig) took() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	sent := strings.Join(k.sent, ", ")
	k.sent = nil
	return sent
}

func (k *keyRig) notices() string {
	var kinds []string
	list, _, _ := k.feed.After(0)
	for _, n := range list {
		kinds = append(kinds, n.Kind+" "+n.ProviderID+"/"+n.Subject)
	}
	return strings.Join(kinds, ", ")
}

func key(id string) Credential { return Credential{ID: id, Weight: 1, Enabled: true} }

// failing is a refusal of that class; after is in seconds, 0 for unsaid.
func failing(status int, class abi.Class, after int) *script {
	return &script{status: status, body: fmt.Sprintf(`{"fail":%d,"after":%d}`, class, after)}
}

// A failure of one key makes the next attempt use another of the same target, and the
// next target when there is none; what was learnt holds for the requests that follow.
func TestCredentialFailover(t *testing.T) {
	t.Parallel()
	revoked, paused, quota := failing(401, abi.ClassAuth, 0), failing(429, abi.ClassRateLimited, 9), failing(429, abi.ClassQuota, 0)
	tests := []struct {
		name               string
		k1, k2             *script
		wantText           string
		wantSent, wantNext string // what a is sent of the first and of the second request
		wantSkip           string // of the second decision
		wantNotices        int
	}{
		{"both work", nil, nil, "from a", "k1 chat", "k1 chat", "", 0},
		{"one is revoked", revoked, nil, "from a", "k1 chat, k2 chat", "k2 chat", "", 1},
		{"both are revoked", revoked, revoked, "from b", "k1 chat, k2 chat", "", "m-a no_credential (provider a, suspended)", 2},
		{"one is rate limited", paused, nil, "from a", "k1 chat, k2 chat", "k2 chat", "", 0},
		{"both are rate limited", paused, paused, "from b", "k1 chat, k2 chat", "", "m-a cooldown (provider a, rate_limited for 9 s)", 0},
		{"one is out of quota", quota, nil, "from a", "k1 chat, k2 chat", "k2 chat", "", 0},
		{"one is revoked, one rate limited", revoked, paused, "from b", "k1 chat, k2 chat", "", "m-a cooldown", 1},
		{"a bad key that is a 400", failing(400, abi.ClassAuth, 0), nil, "from a", "k1 chat, k2 chat", "k2 chat", "", 1},
		{"an overload is not the key's", failing(503, abi.ClassOverloaded, 0), failing(503, abi.ClassOverloaded, 0), "from b", "k1 chat", "k1 chat", "", 0},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %v", tt.name, stream), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					k := newKeyRig(t, key("k1"), key("k2"))
					k.keys["k1"], k.keys["k2"] = tt.k1, tt.k2
					began := time.Now()
					text, meta, err := k.run(t, t.Context(), k.firstWith(t, "k1"), stream)
					if err != nil || text != tt.wantText {
						t.Fatalf("first = %q, %v, want %q", text, err, tt.wantText)
					}
					if got := k.took(); got != tt.wantSent {
						t.Errorf("first request was sent with %q, want %q", got, tt.wantSent)
					}
					if rows := k.ledger.all(); len(rows) != meta.Attempts {
						t.Errorf("%d rows of %d attempts", len(rows), meta.Attempts)
					}
					if text, meta, err = k.run(t, t.Context(), k.firstWith(t, "k1"), stream); err != nil || text != tt.wantText {
						t.Fatalf("second = %q, %v, want %q", text, err, tt.wantText)
					}
					if got := k.took(); got != tt.wantNext {
						t.Errorf("second request was sent with %q, want %q", got, tt.wantNext)
					}
					if !strings.Contains(meta.Decision, tt.wantSkip) {
						t.Errorf("second decision = %q, want it to say %q", meta.Decision, tt.wantSkip)
					}
					if tt.wantNotices != 0 && strings.Count(k.notices(), NoticeCredentialSuspended) != tt.wantNotices {
						t.Errorf("notices = %s, want %d", k.notices(), tt.wantNotices)
					}
					if took := time.Since(began); took != 0 {
						t.Errorf("failing over waited %v, want no wait", took)
					}
					k.closed(t)
				})
			})
		}
	}
}

// firstWith is a request whose first attempt is made with that key while it is good.
func (k *keyRig) firstWith(t testing.TB, id string) *Request {
	good := NewCredentialHealth(CredentialConfig{})
	for i := 0; ; i++ {
		r := rigRequest(t, "")
		r.ID = fmt.Sprintf("req-%d", i)
		if c, _, _ := good.choose(wanted{provider: k.provider("a"), request: r.ID, attempt: 1}); c.ID == id {
			return r
		}
	}
}

// The same request and attempt get the same key; all together keep to the weights.
func TestCredentialWeights(t *testing.T) {
	t.Parallel()
	h := NewCredentialHealth(CredentialConfig{})
	p := &Provider{ID: "p", Credentials: []Credential{
		{ID: "heavy", Weight: 3, Enabled: true}, {ID: "off", Weight: 100}, {ID: "light", Weight: 1, Enabled: true}, {ID: "unsaid", Enabled: true},
	}}
	got := map[string]int{}
	const n = 10000
	for i := range n {
		w := wanted{provider: p, request: fmt.Sprintf("0199-req-%d", i), attempt: 1}
		c, _, ok := h.choose(w)
		again, _, _ := h.choose(w)
		if !ok || again != c {
			t.Fatalf("choose(%s) = %v, then %v", w.request, c, again)
		}
		got[c.ID]++
	}
	for id, share := range map[string]int{"heavy": 3, "light": 1, "unsaid": 1} {
		if want := n * share / 5; got[id] < want*9/10 || got[id] > want*11/10 {
			t.Errorf("%s was chosen %d times of %d, want about %d", id, got[id], n, want)
		}
	}
	if got["off"] > 0 {
		t.Errorf("a disabled credential was chosen %d times", got["off"])
	}
	if _, _, ok := h.choose(wanted{provider: p, used: []string{"heavy", "light", "unsaid"}}); ok {
		t.Error("a credential was chosen twice for one target")
	}
}

// A revoked key is probed after 60 s, then less and less often, and used again when a
// probe succeeds. Probes leave no usage row.
func TestSuspendedCredentialIsProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeyRig(t, key("k1"))
		stop := k.runHealth(t)
		defer stop()
		k.set("k1", failing(401, abi.ClassAuth, 0))
		if text, _, err := k.run(t, t.Context(), rigRequest(t, ""), false); text != "from b" {
			t.Fatalf("= %q, %v, want b's answer", text, err)
		}
		k.took()
		began := time.Now()
		var at []time.Duration
		for range 60 {
			time.Sleep(15 * time.Second)
			synctest.Wait()
			if k.took() != "" {
				at = append(at, time.Since(began))
			}
		}
		want := []time.Duration{60 * time.Second, 180 * time.Second, 420 * time.Second, 720 * time.Second}
		if !slices.Equal(at, want) {
			t.Errorf("probes after %v, want %v", at, want)
		}
		if text, meta, _ := k.run(t, t.Context(), rigRequest(t, ""), false); text != "from b" || meta.Attempts != 1 {
			t.Errorf("before a probe succeeds: %q after %d attempts, want b's at once", text, meta.Attempts)
		}
		k.set("k1", nil)
		time.Sleep(lastProbe)
		synctest.Wait()
		if got := k.took(); got != "k1 list" {
			t.Errorf("sent %q, want one probe", got)
		}
		if text, _, _ := k.run(t, t.Context(), rigRequest(t, ""), false); text != "from a" {
			t.Errorf("after the probe: %q, want a's answer", text)
		}
		if got, want := k.notices(), "credential_suspended a/k1, credential_restored a/k1"; got != want {
			t.Errorf("notices = %s, want %s", got, want)
		}
		if rows := len(k.ledger.all()); rows != 4 {
			t.Errorf("%d rows, want 4: of two failed over requests, one served by b, one by a", rows)
		}
		k.took()
		time.Sleep(time.Hour)
		if got := k.took(); got != "" {
			t.Errorf("a good key was probed: %s", got)
		}
		k.closed(t)
	})
}

func (k *keyRig) runHealth(t testing.TB) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); k.health.Run(ctx) }()
	return func() { cancel(); <-done }
}

// What a caller put into a request can be forbidden without the key being bad: a 403
// takes the key out only when a probe is refused as well.
func TestForbiddenIsProbedAtOnce(t *testing.T) {
	forbidden := func() *script { return failing(403, abi.ClassAuth, 0) }
	for _, tt := range []struct {
		name   string
		list   *script
		wantIn bool
	}{{"the key is good", works(""), true}, {"the key is bad", forbidden(), false}, {"the provider is down", &script{status: 500}, true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKeyRig(t, key("k1"))
				stop := k.runHealth(t)
				defer stop()
				k.scripts["a"].answer = func(r *UpstreamRequest) *script {
					k.note(r.Request.Method)
					if r.Request.Method == "GET" {
						return tt.list
					}
					return forbidden()
				}
				for range 3 {
					if text, _, err := k.run(t, t.Context(), rigRequest(t, ""), false); text != "from b" {
						t.Fatalf("= %q, %v, want b's answer", text, err)
					}
					synctest.Wait()
				}
				_, _, in := k.health.choose(wanted{provider: k.provider("a")})
				if in != tt.wantIn {
					t.Errorf("the key is used: %v, want %v", in, tt.wantIn)
				}
				probes := 0
				for _, what := range k.asked {
					probes += oneIf(what == "GET")
				}
				if probes != 1 {
					t.Errorf("%d probes for three failures, want 1", probes)
				}
				if suspended := k.notices() != ""; suspended == tt.wantIn {
					t.Errorf("notices = %q", k.notices())
				}
			})
		})
	}
}

func (k *keyRig) provider(id string) *Provider {
	p, _ := k.catalogue.Load().Provider("", id)
	return p
}

// An adapter that can make no free request has its key tried by one request a time.
func TestCredentialWithoutProbe(t *testing.T) {
	for name, request := range map[string]func() (AdapterRequest, error){
		"refused": func() (AdapterRequest, error) { return AdapterRequest{}, Errorf(CodeInvalid, "no list") },
		"a POST":  func() (AdapterRequest, error) { return AdapterRequest{Path: "/", Body: []byte("{}")}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKeyRig(t, key("k1"))
				stop := k.runHealth(t)
				defer stop()
				k.scripts["a"].onList = request
				k.set("k1", failing(401, abi.ClassAuth, 0))
				for i, want := range []string{"k1 chat", "", "k1 chat", ""} {
					if text, _, err := k.run(t, t.Context(), rigRequest(t, ""), false); text != "from b" {
						t.Fatalf("= %q, %v, want b's answer", text, err)
					}
					if got := k.took(); got != want {
						t.Errorf("request %d was sent with %q, want %q", i, got, want)
					}
					if i == 1 {
						time.Sleep(firstProbe + time.Second)
						synctest.Wait()
					}
				}
				k.set("k1", nil)
				time.Sleep(lastProbe)
				if text, _, _ := k.run(t, t.Context(), rigRequest(t, ""), false); text != "from a" {
					t.Errorf("= %q, want a's answer again", text)
				}
				if got, want := k.notices(), "credential_suspended a/k1, credential_restored a/k1"; got != want {
					t.Errorf("notices = %s, want %s", got, want)
				}
			})
		})
	}
}

// A new secret under the same id has nothing to do with what the old one did.
func TestReplacedCredentialIsClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeyRig(t, Credential{ID: "k1", Enabled: true, Version: 1})
		stop := k.runHealth(t)
		defer stop()
		k.set("k1", failing(401, abi.ClassAuth, 0))
		_, _, _ = k.run(t, t.Context(), rigRequest(t, ""), false)
		k.set("k1", nil)
		k.keep(Credential{ID: "k1", Enabled: true, Version: 2})
		if text, _, _ := k.run(t, t.Context(), rigRequest(t, ""), false); text != "from a" {
			t.Errorf("= %q, want a's answer", text)
		}
		k.took()
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := k.took(); got != "" || k.health.suspensions.n.Load() != 0 {
			t.Errorf("the old secret was still probed: %q", got)
		}
	})
}

// What a rate limit, a quota and a time unsaid mean for the requests that follow.
func TestCooldown(t *testing.T) {
	run := func(t *testing.T, k *keyRig, models ...string) (string, *Error, string) {
		k.decide = func(_ context.Context, _ *Request) (Decision, error) {
			return Decision{Source: "r", Models: models, Only: true}, nil
		}
		_, meta, err := k.run(t, t.Context(), rigRequest(t, ""), false)
		var e *Error
		if err != nil {
			e = asError(err)
		}
		return meta.Model, e, k.took()
	}
	tests := []struct {
		name      string
		a         *script
		first     time.Duration // between the failure and the second request
		models    []string      // of the second request
		wantModel string        // "" is a failure
		wantSent  string
		wantCode  Code
		wantAfter time.Duration
	}{
		{"an announced pause is kept", failing(429, abi.ClassRateLimited, 30), time.Second, []string{"m-a", "m-b"}, "m-b", "", "", 0},
		{"also with nobody else", failing(429, abi.ClassRateLimited, 30), 10 * time.Second, []string{"m-a"}, "", "", CodeRateLimited, 20 * time.Second},
		{"it ends", failing(429, abi.ClassRateLimited, 30), 30 * time.Second, []string{"m-a", "m-b"}, "m-a", "k1 chat", "", 0},
		{"it is an hour at most", failing(429, abi.ClassRateLimited, 1e9), time.Hour, []string{"m-a"}, "m-a", "k1 chat", "", 0},
		{"another model is not concerned", failing(429, abi.ClassRateLimited, 30), time.Second, []string{"m-a2"}, "m-a2", "k1 chat", "", 0},
		{"a quota is every model's", failing(429, abi.ClassQuota, 30), time.Second, []string{"m-a2", "m-b"}, "m-b", "", "", 0},
		{"a pause of our own comes last", failing(429, abi.ClassRateLimited, 0), time.Second, []string{"m-a", "m-b"}, "m-b", "", "", 0},
		{"but it comes", failing(429, abi.ClassRateLimited, 0), time.Second, []string{"m-a"}, "m-a", "k1 chat", "", 0},
		{"and is five seconds", failing(429, abi.ClassRateLimited, 0), 5 * time.Second, []string{"m-a", "m-b"}, "m-a", "k1 chat", "", 0},
		{"a minute for a quota", failing(429, abi.ClassQuota, 0), 59 * time.Second, []string{"m-a", "m-b"}, "m-b", "", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKeyRig(t, key("k1"))
				k.set("k1", tt.a)
				if model, err, _ := run(t, k, "m-a", "m-b"); model != "m-b" {
					t.Fatalf("first = %s, %v, want b's", model, err)
				}
				k.set("k1", nil)
				time.Sleep(tt.first)
				model, err, sent := run(t, k, tt.models...)
				if model != tt.wantModel || sent != tt.wantSent {
					t.Errorf("second is served by %q and a was sent %q, want %q and %q (%v)", model, sent, tt.wantModel, tt.wantSent, err)
				}
				if tt.wantCode != "" && (err == nil || err.Code != tt.wantCode || err.After != tt.wantAfter) {
					t.Errorf("error = %v after %v, want %s after %v", err, err.After, tt.wantCode, tt.wantAfter)
				}
			})
		})
	}
}

// Many requests, a key that is revoked and restored all the time, keys that are replaced,
// and probes: nothing is lost, and nothing races.
func TestCredentialHammer(t *testing.T) {
	t.Parallel()
	k := newKeyRig(t, key("k1"), key("k2"))
	stop := k.runHealth(t)
	defer stop()
	var working sync.WaitGroup
	var served atomic.Int64
	classes := []*script{failing(401, abi.ClassAuth, 0), failing(403, abi.ClassAuth, 0), failing(429, abi.ClassRateLimited, 0), failing(429, abi.ClassQuota, 0), nil}
	for i := range 8 {
		working.Go(func() {
			for j := range 200 {
				r := rigRequest(t, "")
				r.ID = fmt.Sprintf("req-%d-%d", i, j)
				if text, _, err := k.run(t, t.Context(), r, j%2 == 0); err == nil && text != "" {
					served.Add(1)
				}
				k.set([]string{"k1", "k2"}[i%2], classes[(i+j)%len(classes)])
				if j%20 == 0 {
					k.keep(Credential{ID: "k1", Enabled: true, Version: int64(j)}, key("k2"))
				}
			}
		})
	}
	working.Wait()
	if served.Load() != 8*200 {
		t.Errorf("%d requests were served, want all %d: b works", served.Load(), 8*200)
	}
	k.closed(t)
	n := int64(0)
	for range k.health.suspensions.all {
		n++
	}
	if counted := k.health.suspensions.n.Load(); counted != n {
		t.Errorf("%d suspensions counted, %d kept", counted, n)
	}
}
