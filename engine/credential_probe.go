package engine

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Bounds of probing.
const (
	probesAtOnce  = 16
	probesEach    = 4 // in one pass, of one account: the others wait for the next
	pruneInterval = time.Minute
)

// Run probes suspended credentials when they are due, and forgets pauses that are over,
// until ctx ends. It returns when its last probe has.
func (h *CredentialHealth) Run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next := h.runOnce(ctx)
		var due <-chan time.Time
		if !next.IsZero() {
			timer.Reset(time.Until(next))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-due:
		case <-h.wake:
		}
	}
}

// runOnce does what is due and returns when the next thing is; zero: nothing is.
func (h *CredentialHealth) runOnce(ctx context.Context) (next time.Time) {
	now := time.Now()
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	h.cooldowns.all(func(k cooldownKey, c *cooldown) bool {
		if now.Before(c.until) {
			sooner(now.Add(pruneInterval))
		} else {
			h.cooldowns.change(k, c, nil)
		}
		return true
	})
	var probing sync.WaitGroup
	slots := make(chan struct{}, probesAtOnce)
	begun := map[string]int{} // probes, by account
	h.suspensions.all(func(k credentialKey, s *suspension) bool {
		switch {
		case now.Before(s.due):
			sooner(s.due)
			return true
		case s.cleared:
			h.suspensions.change(k, s, nil)
			return true
		case s.trial: // a request will show
			if _, _, ok := h.find(k); !ok {
				h.suspensions.change(k, s, nil)
			}
			return true
		}
		if begun[k.account]++; begun[k.account] > probesEach && k.account != "" {
			return true
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		probing.Go(func() {
			defer func() { <-slots }()
			_ = Contain(*zerolog.Ctx(ctx), "probe of a credential", func() { h.examine(ctx, k, s) })
		})
		return true
	})
	probing.Wait()
	h.suspensions.all(func(_ credentialKey, s *suspension) bool {
		if s.trial {
			sooner(now.Add(pruneInterval))
		} else {
			sooner(s.due)
		}
		return true
	})
	return next
}

// verdict is what a probe says of a credential.
type verdict int

const (
	accepted   verdict = iota
	rejected           // 401, or the adapter's ClassAuth
	forbidden          // 403: a bad key, or one that may not list
	unknown            // the provider could not be asked, or did not answer well
	unprobable         // its adapter has no free request
)

// examine probes one credential and acts on the outcome.
func (h *CredentialHealth) examine(ctx context.Context, k credentialKey, s *suspension) {
	p, c, ok := h.find(k)
	if !ok {
		h.suspensions.change(k, s, nil) // replaced, disabled or deleted
		return
	}
	v := h.probe(ctx, p, c)
	if ctx.Err() != nil {
		return
	}
	now := time.Now()
	switch {
	case v == accepted && s.doubt:
		h.suspensions.change(k, s, &suspension{doubt: true, cleared: true, due: now.Add(cleared)})
	case v == accepted:
		h.restore(k, s)
	case s.doubt && (v == rejected || v == forbidden):
		// A probe that is forbidden proves nothing the next time either: then a request shows.
		if h.suspensions.change(k, s, &suspension{trial: v == forbidden, due: now.Add(firstProbe), wait: firstProbe}) {
			h.tell(k, NoticeCredentialSuspended, "Provider "+k.provider+" refused credential "+k.id+", and a probe with it. It is not used until a probe succeeds.")
		}
	case s.doubt:
		// Nothing is proved; one request after the other will say.
		h.suspensions.change(k, s, &suspension{doubt: true, cleared: true, due: now.Add(cleared)})
	case v == unprobable || v == forbidden:
		h.suspensions.change(k, s, &suspension{trial: true, due: now, wait: s.wait})
	default:
		wait := longerWait(s.wait)
		h.suspensions.change(k, s, &suspension{due: now.Add(wait), wait: wait})
	}
}

func longerWait(d time.Duration) time.Duration { return min(max(2*d, firstProbe), lastProbe) }

func (h *CredentialHealth) restore(k credentialKey, s *suspension) {
	if h.suspensions.change(k, s, nil) {
		h.tell(k, NoticeCredentialRestored, "Provider "+k.provider+" accepts credential "+k.id+" again.")
	}
}

// succeeded notes that a provider answered a request with that credential.
func (h *CredentialHealth) succeeded(p *Provider, c Credential) {
	k := keyOf(p, c)
	if s := h.suspensions.get(k); s != nil && s.trial {
		h.restore(k, s)
	}
}

// find returns the provider and the credential as they are now.
func (h *CredentialHealth) find(k credentialKey) (*Provider, Credential, bool) {
	p, ok := h.cfg.Catalogue().providers[accountKey{k.account, k.provider}]
	if !ok || !p.Enabled {
		return nil, Credential{}, false
	}
	for _, c := range p.Credentials {
		if c.Enabled && keyOf(p, c) == k {
			return p, c, true
		}
	}
	return nil, Credential{}, false
}

// probe asks the provider for the list of its models.
func (h *CredentialHealth) probe(ctx context.Context, p *Provider, c Credential) verdict {
	got := h.prober.List(ctx, ProbeRequest{Provider: p, Credential: c.ID})
	o := got.Outcome
	switch {
	case got.Unsupported:
		return unprobable
	case o.Status >= 200 && o.Status < 300:
		return accepted
	case o.Status == 401:
		return rejected
	case o.Status == 403:
		return forbidden
	case o.Status >= 400 && o.Class == abi.ClassAuth: // a bad key is a 400 at one vendor
		return rejected
	}
	return unknown
}
