package engine

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// How long a credential is left alone.
const (
	defaultCooldown = 5 * time.Second  // a rate limit without a time
	quotaCooldown   = time.Minute      // a used-up quota without a time
	maxCooldown     = time.Hour        // whatever the provider says
	firstProbe      = time.Minute      // after a credential was refused
	lastProbe       = 5 * time.Minute  // between two probes, at most
	cleared         = 60 * time.Second // a doubt that a probe has removed is not raised again
)

// CredentialHealth knows which credentials are not to be used now: those that their
// provider refused, until a free probe with them succeeds, and those that it asked to
// pause. All requests of a process share one. Make one with NewCredentialHealth, and let
// Run do the probes. Safe for concurrent use; a request takes no lock, and while nothing
// is wrong it looks at two counters.
type CredentialHealth struct {
	cfg    CredentialConfig
	prober *Prober

	suspensions marks[credentialKey, suspension]
	cooldowns   marks[cooldownKey, cooldown]
	wake        chan struct{} // buffered 1, never closed: something is due earlier than Run knows
}

// CredentialConfig is what a CredentialHealth is made of. Notices may be nil.
type CredentialConfig struct {
	Adapters  Adapters
	Upstream  Upstream
	Catalogue func() *Catalogue
	Notices   *NoticeFeed
}

// NewCredentialHealth returns one that finds every credential good.
func NewCredentialHealth(cfg CredentialConfig) *CredentialHealth {
	prober := NewProber(TrialConfig{Catalogue: cfg.Catalogue, Adapters: cfg.Adapters, Upstream: cfg.Upstream})
	return &CredentialHealth{cfg: cfg, prober: prober, wake: make(chan struct{}, 1)}
}

// credentialKey names one secret. A replaced secret has another version, so that
// nothing of the old one sticks to it.
type credentialKey struct {
	account, provider, id string
	version               int64
}

// cooldownKey is a credential and what of it pauses: one upstream model, or everything ("").
type cooldownKey struct {
	credentialKey
	upstream string
}

// suspension is the state of a credential that was refused. Immutable.
type suspension struct {
	doubt   bool          // refused with 403: still used until a probe is refused too
	cleared bool          // that probe succeeded; until due further doubts are passed over
	trial   bool          // it cannot be probed: the next request tries it
	due     time.Time     // of the next probe
	wait    time.Duration // between that one and the one after
}

// cooldown is a pause that a provider asked for. Immutable.
type cooldown struct {
	until     time.Time
	announced bool // the provider said how long
	class     abi.Class
}

// marks is a set of immutable states, empty nearly always. The zero value is empty.
type marks[K comparable, S any] struct {
	n atomic.Int64
	m sync.Map // K → *S
}

func (m *marks[K, S]) get(k K) *S {
	if m.n.Load() == 0 {
		return nil
	}
	v, ok := m.m.Load(k)
	if !ok {
		return nil
	}
	return v.(*S)
}

// change replaces the state was by state, either of which may be nil for none. It
// reports whether was was still in force.
func (m *marks[K, S]) change(k K, was, state *S) bool {
	switch {
	case was == nil && state == nil:
		return true
	case was == nil:
		if _, loaded := m.m.LoadOrStore(k, state); loaded {
			return false
		}
		m.n.Add(1)
		return true
	case state == nil:
		if !m.m.CompareAndDelete(k, was) {
			return false
		}
		m.n.Add(-1)
		return true
	}
	return m.m.CompareAndSwap(k, was, state)
}

func (m *marks[K, S]) all(yield func(K, *S) bool) {
	m.m.Range(func(k, v any) bool { return yield(k.(K), v.(*S)) })
}

// wanted is what a credential is looked for.
type wanted struct {
	provider  *Provider
	upstream  string // upstream model id
	request   string
	attempt   int
	used      []string // ids that this request has tried on this target
	desperate bool     // also one whose pause nobody announced
}

// unavailable is why a target has no credential now. The zero value: it has had them all.
type unavailable struct {
	reason   SkipReason // SkipNoCredential or SkipCooldown
	detail   string
	cooldown cooldown // of SkipCooldown: the one that ends first
}

// choose returns one of the provider's usable credentials by weight; the same request
// and attempt get the same one as long as the same ones are usable. A provider without
// credentials has the one with the id "". When ok is false, why says what is in the way.
func (h *CredentialHealth) choose(w wanted) (c Credential, why unavailable, ok bool) {
	quiet := h.suspensions.n.Load() == 0 && h.cooldowns.n.Load() == 0
	var buf [4]Credential
	usable, total, enabled := buf[:0], uint64(0), 0
	now := time.Time{}
	consider := func(c Credential) {
		enabled++
		if slices.Contains(w.used, c.ID) {
			return
		}
		if !quiet {
			if now.IsZero() {
				now = time.Now()
			}
			if why.add(h, w, c, now) {
				return
			}
		}
		c.Weight = max(c.Weight, 1)
		total += uint64(c.Weight)
		usable = append(usable, c)
	}
	for _, c := range w.provider.Credentials {
		if c.Enabled {
			consider(c)
		}
	}
	if enabled == 0 {
		consider(Credential{})
	}
	switch len(usable) {
	case 0:
		return Credential{}, why, false
	case 1:
		return usable[0], unavailable{}, true
	}
	at := Draw(w.request, itoa(int64(w.attempt))) % total
	for _, c := range usable {
		if at < uint64(c.Weight) {
			return c, unavailable{}, true
		}
		at -= uint64(c.Weight)
	}
	panic("engine: weights do not add up")
}

// add notes what is in the way of that credential and reports whether there is anything.
func (u *unavailable) add(h *CredentialHealth, w wanted, c Credential, now time.Time) bool {
	k := keyOf(w.provider, c)
	if s := h.suspensions.get(k); s != nil && s.bars(now) {
		if u.reason == "" {
			u.reason, u.detail = SkipNoCredential, "provider "+w.provider.ID+", suspended"
		}
		return true
	}
	pause := longer(h.cooldowns.get(cooldownKey{k, ""}), h.cooldowns.get(cooldownKey{k, w.upstream}))
	if pause == nil || !now.Before(pause.until) || w.desperate && !pause.announced {
		return false
	}
	if u.reason != SkipCooldown || pause.until.Before(u.cooldown.until) {
		u.reason, u.cooldown = SkipCooldown, *pause
		u.detail = "provider " + w.provider.ID + ", " + pause.class.Name() + " for " + itoa(seconds(pause.until.Sub(now))) + " s"
	}
	return true
}

// bars reports whether the credential may not be used.
func (s *suspension) bars(now time.Time) bool {
	return !s.doubt && !(s.trial && !now.Before(s.due))
}

func longer(a, b *cooldown) *cooldown {
	if a == nil || b != nil && b.until.After(a.until) {
		return b
	}
	return a
}

// seconds is d in whole seconds, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func keyOf(p *Provider, c Credential) credentialKey {
	return credentialKey{p.AccountID, p.ID, c.ID, c.Version}
}

// failed notes what a failed attempt says about its credential. status is the
// provider's, 0 when it gave none; after is how long it asked to wait, 0 when it did not.
func (h *CredentialHealth) failed(p *Provider, c Credential, upstream string, class abi.Class, status int, after time.Duration) {
	k := keyOf(p, c)
	switch class {
	case abi.ClassAuth:
		h.refused(k, status)
	case abi.ClassRateLimited:
		// Providers count per model: another model of the same key may be free.
		h.pause(cooldownKey{k, upstream}, class, after, defaultCooldown)
	case abi.ClassQuota:
		h.pause(cooldownKey{k, ""}, class, after, quotaCooldown)
	}
}

// refused suspends the credential, or for a 403 has it probed at once.
// See RATIONALE.md, "Why does a 403 not suspend a credential by itself?".
func (h *CredentialHealth) refused(k credentialKey, status int) {
	if k.id == "" {
		return
	}
	for {
		was, now := h.suspensions.get(k), time.Now()
		next := &suspension{due: now.Add(firstProbe), wait: firstProbe}
		switch {
		case was != nil && was.trial && was.bars(now):
			return // one that was sent before the suspension
		case was != nil && was.trial:
			next.wait = longerWait(was.wait)
			next.due, next.trial = now.Add(next.wait), true
		case status == 403 && was != nil:
			return
		case status == 403:
			next = &suspension{doubt: true, due: now}
		case was != nil && !was.doubt:
			return
		}
		if !h.suspensions.change(k, was, next) {
			continue
		}
		if !next.doubt && (was == nil || was.doubt) {
			h.tell(k, NoticeCredentialSuspended, "Provider "+k.provider+" refused credential "+k.id+". It is not used until a probe with it succeeds.")
		}
		h.poke()
		return
	}
}

func (h *CredentialHealth) pause(k cooldownKey, class abi.Class, after, unsaid time.Duration) {
	next := &cooldown{class: class, announced: after > 0}
	if after <= 0 {
		after = unsaid
	}
	next.until = time.Now().Add(min(after, maxCooldown))
	for {
		was := h.cooldowns.get(k)
		if was != nil && !was.until.Before(next.until) && (was.announced || !next.announced) {
			return
		}
		if h.cooldowns.change(k, was, next) {
			if was == nil {
				h.poke()
			}
			return
		}
	}
}

func (h *CredentialHealth) tell(k credentialKey, kind, message string) {
	h.cfg.Notices.Publish(Notice{Kind: kind, AccountID: k.account, ProviderID: k.provider, Subject: k.id, Message: message})
}

// poke makes Run look again at what is due.
func (h *CredentialHealth) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}
