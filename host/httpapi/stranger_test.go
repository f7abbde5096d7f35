package httpapi

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// madeKey is a right key that was made at random.
const madeKey = "pm_made-key-for-tests"

// strange is a fake whose clock a test moves, and which knows madeKey too.
type strange struct {
	*fake
	mu  sync.Mutex
	now time.Time
	err error // what unknown keys get; nil: unauthorized
}

func (s *strange) Authenticate(key string, now time.Time) (engine.Principal, error) {
	if key == madeKey {
		return s.fake.Authenticate(userKey, now)
	}
	p, err := s.fake.Authenticate(key, now)
	if err != nil && s.err != nil {
		err = s.err
	}
	return p, err
}

func (s *strange) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *strange) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// knock sends a key from an address, as a proxy says.
func knock(s *running, from, key string) reply {
	return s.raw(fmt.Sprintf("GET /v1/models HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", from, key), 1)[0]
}

// TestStrangers: who tries keys is bounded, and nobody else at the address is.
func TestStrangers(t *testing.T) {
	t.Parallel()
	f := &strange{fake: &fake{}, now: testNow}
	s := start(t, f.fake, func(c *Config) {
		c.Keys, c.Now, c.UnknownKeys = f, f.clock, 5
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	const office, other = "203.0.113.7", "203.0.113.8"
	want := func(what, from, key string, status int) reply {
		t.Helper()
		got := knock(s, from, key)
		if got.status != status {
			t.Errorf("%s: key %s from %s: %d %s, want %d", what, key, from, got.status, got.body, status)
		}
		return got
	}
	want("before", office, userKey, 200)
	for i := range 5 {
		want("within the bound", office, fmt.Sprintf("unknown-key-number-%d-of-many", i), 401)
	}
	refused := want("beyond the bound", office, "unknown-key-number-6-of-many", 429)
	if wait := refused.header.Get("Retry-After"); wait != "12" { // 5 a minute
		t.Errorf("Retry-After is %q, want 12", wait)
	}
	if !strings.Contains(refused.body, `"code":"rate_limit_exceeded"`) {
		t.Errorf("body %s, want the code rate_limit_exceeded", refused.body)
	}
	want("the same again", office, "unknown-key-number-4-of-many", 401)
	want("a made key", office, madeKey, 200)
	want("a chosen key that was right there before", office, userKey, 200)
	if got := want("a chosen key that was not", office, adminKey, 429); got.body != refused.body {
		t.Errorf("a right key is told apart from a wrong one: %s, %s", got.body, refused.body)
	}
	want("another address", other, adminKey, 200)
	want("another address", other, "unknown-key-number-6-of-many", 401)
	f.pass(12 * time.Second)
	want("after the wait", office, adminKey, 200)
	want("after the wait", office, "unknown-key-number-7-of-many", 401)
	want("after the wait, again", office, "unknown-key-number-8-of-many", 429)

	for i := range 5 {
		want("IPv6", fmt.Sprintf("2001:db8::%d", i), fmt.Sprintf("unknown-key-number-%d-of-many", i), 401)
	}
	want("IPv6 of the same /64", "2001:db8::ffff", "unknown-key-number-6-of-many", 429)
	want("IPv6 of another /64", "2001:db8:0:1::1", "unknown-key-number-6-of-many", 401)

	f.err = &engine.Error{Code: engine.CodeDatabaseUnavailable, Message: "Not now."}
	for i := range 5 {
		want("without the database", "198.51.100.1", fmt.Sprintf("unknown-key-number-%d-of-many", i), 503)
	}
	want("without the database, beyond", "198.51.100.1", "unknown-key-number-6-of-many", 429)

	nothing := s.raw("GET /v1/models HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: "+office+"\r\nConnection: close\r\n\r\n", 1)[0]
	if nothing.status != http.StatusUnauthorized {
		t.Errorf("no key at all: %d, want 401", nothing.status)
	}
	early := s.raw("POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: "+office+"\r\nX-Api-Key: unknown-key-number-9-of-many\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 1)[0]
	if early.status != 429 || !strings.Contains(early.body, "rate_limit_error") {
		t.Errorf("before the body: %d %s, want 429 in Anthropic's form", early.status, early.body)
	}
}

// TestStrangersProxy: whoever is no trusted proxy is counted by its own address, whatever it says.
func TestStrangersProxy(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{}, func(c *Config) { c.UnknownKeys = 3 })
	for i := range 3 {
		if got := knock(s, fmt.Sprintf("192.0.2.%d", i), fmt.Sprintf("unknown-key-number-%d-of-many", i)); got.status != 401 {
			t.Errorf("unknown key %d: %d, want 401", i, got.status)
		}
	}
	if got := knock(s, "192.0.2.200", "unknown-key-number-4-of-many"); got.status != 429 {
		t.Errorf("a spoofed address: %d, want 429", got.status)
	}
	s = start(t, &fake{}, func(c *Config) { c.UnknownKeys = -1 })
	for i := range 100 {
		if got := knock(s, "192.0.2.1", fmt.Sprintf("unknown-key-number-%d-of-many", i)); got.status != 401 {
			t.Fatalf("unknown key %d without a bound: %d, want 401", i, got.status)
		}
	}
}

// TestStrangersAreForgotten: a million addresses take no more room than the table has.
func TestStrangersAreForgotten(t *testing.T) {
	t.Parallel()
	g, err := newStrangers(60)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 * strangerSources {
		g.tried(testNow, networkOf(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), false), "unknown")
	}
	if n := g.sources.Len(); n != strangerSources {
		t.Errorf("%d addresses are remembered, want %d", n, strangerSources)
	}
	if n := networkOf(netip.Addr{}, false); n != (netip.Prefix{}) {
		t.Errorf("no address is of %v, want of none", n)
	}
}

// TestStrangersClock: a clock that is turned back gives and takes nothing.
func TestStrangersClock(t *testing.T) {
	t.Parallel()
	g, err := newStrangers(1)
	if err != nil {
		t.Fatal(err)
	}
	here := networkOf(netip.MustParseAddr("192.0.2.1"), false)
	if after := g.tried(testNow, here, "a"); after != 0 {
		t.Errorf("the first key waits %v, want 0", after)
	}
	for _, c := range []struct {
		at   time.Duration
		want time.Duration
	}{{0, time.Minute}, {-time.Hour, time.Minute}, {-time.Hour + 30*time.Second, 30 * time.Second}, {-time.Hour + time.Minute, 0}} {
		if got := g.tried(testNow.Add(c.at), here, fmt.Sprint("b", c.at)); got != c.want {
			t.Errorf("a key at %v waits %v, want %v", c.at, got, c.want)
		}
	}
}

// TestStrangersCost: a known key costs no memory, in peace or while keys are tried.
func TestStrangersCost(t *testing.T) {
	g, err := newStrangers(1)
	if err != nil {
		t.Fatal(err)
	}
	here := networkOf(netip.MustParseAddr("192.0.2.1"), false)
	network := func() netip.Prefix { return here }
	g.right(testNow, network, "default", "k0")
	for _, name := range []string{"in peace", "while keys are tried"} {
		if n := testing.AllocsPerRun(100, func() {
			if after := g.right(testNow, network, "default", "k0"); after != 0 {
				t.Errorf("%s: a friend waits %v, want 0", name, after)
			}
		}); n > 0 {
			t.Errorf("%s: a known key costs %v allocations, want 0", name, n)
		}
		g.tried(testNow, here, "unknown")
	}
}

// TestStrangersFriends: a key that is seldom used is noted, however much another one is.
func TestStrangersFriends(t *testing.T) {
	t.Parallel()
	g, err := newStrangers(1)
	if err != nil {
		t.Fatal(err)
	}
	here := networkOf(netip.MustParseAddr("192.0.2.1"), false)
	network := func() netip.Prefix { return here }
	for _, key := range []string{"busy", "seldom"} {
		if after := g.right(testNow, network, "default", key); after != 0 {
			t.Errorf("in peace the key %s waits %v, want 0", key, after)
		}
	}
	g.tried(testNow, here, "unknown")
	for key, want := range map[string]time.Duration{"busy": 0, "seldom": 0, "new": time.Minute} {
		if after := g.right(testNow, network, "default", key); after != want {
			t.Errorf("the key %s waits %v, want %v", key, after, want)
		}
	}
	// It is remembered as of its last use.
	g.right(testNow.Add(friendFor-time.Minute), network, "default", "seldom")
	later := testNow.Add(friendFor + time.Hour)
	g.tried(later, here, "unknown too")
	for key, want := range map[string]time.Duration{"busy": time.Minute, "seldom": 0} {
		if after := g.right(later, network, "default", key); after != want {
			t.Errorf("a day later the key %s waits %v, want %v", key, after, want)
		}
	}
}

// TestStrangersWithoutDatabase: made keys that cannot be confirmed are no guesses.
func TestStrangersWithoutDatabase(t *testing.T) {
	t.Parallel()
	f := &strange{fake: &fake{}, now: testNow, err: &engine.Error{Code: engine.CodeDatabaseUnavailable, Message: "Not now."}}
	s := start(t, f.fake, func(c *Config) { c.Keys, c.Now, c.UnknownKeys = f, f.clock, 2 })
	for i := range 6 {
		if got := knock(s, "192.0.2.1", fmt.Sprintf("pm_made-key-number-%d-of-many", i)); got.status != 503 {
			t.Errorf("made key %d: %d %s, want 503", i, got.status, got.body)
		}
	}
	for i, want := range []int{503, 503, 429} {
		if got := knock(s, "192.0.2.1", fmt.Sprintf("unknown-key-number-%d-of-many", i)); got.status != want {
			t.Errorf("chosen key %d: %d %s, want %d", i, got.status, got.body, want)
		}
	}
}
