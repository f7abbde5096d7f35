package health_test

import (
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
	"github.com/pointsman/pointsman/sdk/abi"
)

// What attempts come to.
var (
	whole      = engine.HealthOutcome{Status: 200, Latency: 800 * time.Millisecond, FirstByte: 800 * time.Millisecond}
	broken     = engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Class: abi.ClassServer, Status: 500, Detail: "openai 500 server"}
	overloaded = engine.HealthOutcome{Code: engine.CodeUpstreamOverloaded, Class: abi.ClassOverloaded, Status: 503, Detail: "openai 503 overloaded"}
	late       = engine.HealthOutcome{Code: engine.CodeUpstreamTimeout, Detail: "upstream_timeout"}
	unreached  = engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Unsent: true, Detail: "upstream_error"}
	cut        = engine.HealthOutcome{Code: engine.CodeUpstreamTruncated, Status: 200, Stream: true, FirstByte: time.Second, Detail: "upstream_truncated"}
	unread     = engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Status: 200, Detail: "upstream_error"}
	missing    = engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Class: abi.ClassNotFound, Status: 404, Detail: "openai 404 not_found"}
	revoked    = engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Class: abi.ClassAuth, Status: 401, Detail: "openai 401 auth"}
	spent      = engine.HealthOutcome{Code: engine.CodeUpstreamOverloaded, Class: abi.ClassQuota, Status: 429, Detail: "openai 429 quota"}
	busy       = engine.HealthOutcome{Code: engine.CodeRateLimited, Class: abi.ClassRateLimited, Status: 429, Pause: 20 * time.Second, Detail: "openai 429 rate_limited"}
	invalid    = engine.HealthOutcome{Code: engine.CodeInvalid, Class: abi.ClassInvalid, Status: 400, Detail: "openai 400 invalid"}
	tooLong    = engine.HealthOutcome{Code: engine.CodeContextLength, Class: abi.ClassContextLength, Status: 400, Detail: "openai 400 context_length"}
	filtered   = engine.HealthOutcome{Code: engine.CodeContentFilter, Class: abi.ClassContentFilter, Status: 400, Detail: "openai 400 content_filter"}
	ours       = engine.HealthOutcome{Code: engine.CodeInternal}
)

// Subjects and targets.
var (
	openai = engine.HealthSubject{ProviderID: "openai"}
	gpt    = engine.HealthSubject{ProviderID: "openai", UpstreamID: "gpt"}
	mini   = engine.HealthSubject{ProviderID: "openai", UpstreamID: "mini"}
	key1   = engine.HealthSubject{ProviderID: "openai", Credential: "key1", Version: 1}
	key2   = engine.HealthSubject{ProviderID: "openai", Credential: "key2", Version: 1}
)

func with(model engine.HealthSubject, key engine.HealthSubject) engine.HealthTarget {
	t := engine.HealthTarget(model)
	t.Credential, t.Version = key.Credential, key.Version
	return t
}

var (
	gptWith1  = with(gpt, key1)
	gptWith2  = with(gpt, key2)
	miniWith1 = with(mini, key1)
)

// lab is a service in a time of its own.
type lab struct {
	*testing.T
	*health.Service
	mu    sync.Mutex
	clock time.Time
	told  []engine.HealthTransition
}

// noon is the begin of a cell.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newLab(t *testing.T, thresholds health.Thresholds) *lab {
	l := &lab{T: t, clock: noon}
	l.Service = health.New(health.Config{Thresholds: thresholds, Now: l.now, Changed: func(t engine.HealthTransition) {
		l.told = append(l.told, t) // one at a time
	}})
	return l
}

func (l *lab) now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock
}

func (l *lab) set(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock = t
}

// wait lets time pass, as it does: second by second, but for long waits.
func (l *lab) wait(d time.Duration) {
	most := time.Second
	if d > 20*time.Second {
		most = 5 * time.Second
	}
	for d > 0 {
		step := min(d, most)
		l.set(l.now().Add(step))
		l.Tick()
		d -= step
	}
}

// ask makes one attempt and reports whether it was allowed.
func (l *lab) ask(t engine.HealthTarget, o engine.HealthOutcome) bool {
	pass, ok := l.Begin(&t, false)
	if ok {
		pass.Done(o)
	}
	return ok
}

// asks makes n attempts with that outcome; all must be allowed.
func (l *lab) asks(n int, t engine.HealthTarget, o engine.HealthOutcome) {
	l.Helper()
	for i := range n {
		if !l.ask(t, o) {
			l.Fatalf("attempt %d of %d at %s is not allowed", i+1, n, engine.HealthSubject(t))
		}
	}
}

// force asks as one for whom nothing else is left.
func (l *lab) force(t engine.HealthTarget, o engine.HealthOutcome) bool {
	pass, ok := l.Begin(&t, true)
	if ok {
		pass.Done(o)
	}
	return ok
}

func (l *lab) is(id engine.HealthSubject, want engine.HealthStatus) {
	l.Helper()
	if got, _ := l.Subject(id); got.Status != want {
		l.Errorf("%s is %s (%s), want %s", id, got.Status, got.Why, want)
	}
}

// history is the statuses that were told of a subject, in order.
func (l *lab) history(id engine.HealthSubject) (all []engine.HealthReason) {
	for _, t := range l.told {
		if t.Subject == id {
			all = append(all, t.Reason)
		}
	}
	return all
}

func (l *lab) subject(id engine.HealthSubject) engine.HealthSubjectState {
	s, _ := l.Subject(id)
	return s
}
