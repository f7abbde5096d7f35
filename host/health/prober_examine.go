package health

import (
	"context"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

const (
	probeTimeout  = 10 * time.Second
	confirmAfter  = time.Second // one probe may fail by chance
	probedAtOnce  = 8           // credentials in one pass; the others come with the next
	shownMissing  = 5           // models that a warning names
	defaultPaid   = 5 * time.Minute
	paidWhileOut  = 30 * time.Second
	dayLayout     = "2006-01-02"
	saveCheckTime = storeTime
)

// verdict is what a free probe says, of several credentials the first of these.
type verdict int

const (
	fine       verdict = iota // it answered with its list
	mute                      // it is there, and says nothing of its health
	keyRefused                // it refused the credential
	broken                    // it cannot be reached, or fails
	nothing                   // nobody was asked, or we failed ourselves
)

func verdictOf(p engine.Probe) verdict {
	o := p.Outcome
	switch {
	case p.Blameless || p.Unsupported:
		return nothing
	case o.Code == "":
		return fine
	case o.Status == 401 || o.Class == abi.ClassAuth && o.Status != 403:
		return keyRefused
	case o.Status == 0 || o.Status >= 500 && o.Status != 501 || o.Class == abi.ClassServer && o.Status < 400:
		return broken
	}
	return mute // 403, 404, 429: it may have no list, or none for this key
}

// Finding is what a probe of one subject found.
type Finding struct {
	Subject     engine.HealthSubject
	Check       engine.HealthCheck
	CostNanoUSD int64
}

// examine probes a provider with its credentials, and where it is configured by calls, and
// reports to the service what it found.
func (m *Monitor) examine(ctx context.Context, p *engine.Provider, turn int, paid map[engine.HealthSubject]time.Time) (found []Finding) {
	self := engine.HealthSubject{AccountID: p.AccountID, ProviderID: p.ID}
	if m.switchOf(self) == engine.HealthDisabled {
		return nil
	}
	found = m.examineByList(ctx, p, turn)
	if ctx.Err() == nil {
		found = append(found, m.examineByCall(ctx, p, paid)...)
	}
	if ctx.Err() == nil {
		m.keep(ctx, found)
	}
	return found
}

// examineByList asks for the list of models with each credential.
func (m *Monitor) examineByList(ctx context.Context, p *engine.Provider, turn int) (found []Finding) {
	self := engine.HealthSubject{AccountID: p.AccountID, ProviderID: p.ID}
	var listed []string
	whole := Finding{Subject: self}
	best := nothing
	for _, k := range m.keys(p, turn) {
		got := m.list(ctx, p, k.ID)
		v := verdictOf(got)
		if v == broken || v == keyRefused { // again: it takes something out
			if !m.confirm(ctx) {
				return nil
			}
			got = m.list(ctx, p, k.ID)
			v = verdictOf(got)
		}
		if ctx.Err() != nil {
			return nil
		}
		now := m.cfg.Now()
		if k.ID != "" && v != nothing && v != broken {
			s := engine.HealthSubject{AccountID: p.AccountID, ProviderID: p.ID, Credential: k.ID, Version: k.Version}
			f := Finding{Subject: s, Check: engine.HealthCheck{At: now, OK: v == fine}}
			switch v {
			case fine:
				m.ProbeSucceeded(s)
			case keyRefused:
				f.Check.Detail = got.Outcome.Detail
				m.ProbeFailed(s, f.Check.Detail)
			default:
				f.Check.OK, f.Check.Warning = true, got.Outcome.Detail
				m.ProbeWarned(s, f.Check.Warning)
			}
			found = append(found, f)
		}
		if best == nothing || v < best {
			best, whole.Check = v, engine.HealthCheck{At: now, Detail: got.Outcome.Detail}
			if v == fine {
				listed = got.Models
			}
		}
		if v == broken {
			break // the others would wait as long
		}
	}
	switch best {
	case nothing:
		return found
	case fine:
		whole.Check.OK, whole.Check.Detail = true, ""
		m.ProbeSucceeded(self)
		missing := m.compare(p, listed)
		if whole.Check.Warning = lacks(missing); whole.Check.Warning != "" {
			m.ProbeWarned(self, whole.Check.Warning)
		}
		for _, s := range missing {
			found = append(found, Finding{Subject: s, Check: engine.HealthCheck{At: whole.Check.At, OK: true, Warning: notListed}})
		}
	case broken:
		m.ProbeFailed(self, whole.Check.Detail)
	default:
		whole.Check.OK, whole.Check.Warning, whole.Check.Detail = true, whole.Check.Detail, ""
		m.ProbeWarned(self, whole.Check.Warning)
	}
	return append(found, whole)
}

func (m *Monitor) list(ctx context.Context, p *engine.Provider, credential string) engine.Probe {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return m.cfg.Asker.List(ctx, engine.ProbeRequest{Provider: p, Credential: credential})
}

// keys are the credentials to probe in that turn; one without an id where the provider needs none.
func (m *Monitor) keys(p *engine.Provider, turn int) (list []engine.Credential) {
	enabled := 0
	for _, k := range p.Credentials {
		if !k.Enabled {
			continue
		}
		enabled++
		if m.switchOf(engine.HealthSubject{AccountID: p.AccountID, ProviderID: p.ID, Credential: k.ID}) != engine.HealthDisabled {
			list = append(list, k)
		}
	}
	if enabled == 0 {
		return []engine.Credential{{}}
	}
	if n := len(list); n > probedAtOnce {
		at := turn * probedAtOnce % n
		list = append(append([]engine.Credential(nil), list[at:]...), list[:at]...)[:probedAtOnce]
	}
	return list
}

const notListed = "The provider does not list this model."

// compare reports to models that are out that the provider lists them, and warns of those
// that it does not list, which it returns. A list of none says nothing.
func (m *Monitor) compare(p *engine.Provider, listed []string) (missing []engine.HealthSubject) {
	there := make(map[string]bool, len(listed))
	for _, id := range listed {
		there[id] = true
	}
	now, seen := m.cfg.Now(), map[engine.HealthSubject]bool{}
	for _, row := range m.cfg.Catalogue().ModelsAt(p) {
		served, _, ok := row.At(now)
		if !ok {
			continue
		}
		s := engine.HealthSubject{AccountID: p.AccountID, ProviderID: p.ID, UpstreamID: served.UpstreamID}
		if seen[s] || m.switchOf(s) == engine.HealthDisabled {
			continue
		}
		seen[s] = true
		state, known := m.Subject(s)
		switch {
		case len(listed) > 0 && !there[served.UpstreamID]:
			m.ProbeWarned(s, notListed)
			missing = append(missing, s)
		case known && (state.Status == engine.HealthDown || state.Warning != ""):
			m.ProbeSucceeded(s)
		}
	}
	return missing
}

// lacks is the warning about models that a provider does not list.
func lacks(missing []engine.HealthSubject) string {
	if len(missing) == 0 {
		return ""
	}
	var names []string
	for _, s := range missing[:min(shownMissing, len(missing))] {
		names = append(names, s.UpstreamID)
	}
	if len(missing) > shownMissing {
		names = append(names, "…")
	}
	return "The provider does not list " + strings.Join(names, ", ") + "."
}

// switchOf is what an administrator decided of the subject.
func (m *Monitor) switchOf(s engine.HealthSubject) engine.HealthSwitch {
	return m.controls.of(s).Switch
}

// keep stores what probes found, for other processes to show.
func (m *Monitor) keep(ctx context.Context, found []Finding) {
	if len(found) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, saveCheckTime)
	defer cancel()
	rows, last := []engine.StoredHealth{}, map[engine.HealthSubject]int{}
	for _, f := range found {
		check := f.Check
		if i, twice := last[f.Subject]; twice {
			rows[i].Check = &check
			continue
		}
		last[f.Subject] = len(rows)
		rows = append(rows, engine.StoredHealth{Subject: f.Subject, Check: &check, At: check.At})
	}
	m.failed(ctx, m.cfg.Store.SaveHealth(ctx, rows), "what probes found is not stored")
	m.shared.forget()
}

// announce notes when the provider is probed next.
func (m *Monitor) announce(ctx context.Context, p *engine.Provider, at time.Time) {
	self := engine.HealthSubject{AccountID: p.AccountID, ProviderID: p.ID}
	state, ok := m.Subject(self)
	if !ok {
		return // nothing was found
	}
	m.ProbeDue(self, at)
	check := engine.HealthCheck{At: state.LastCheck, OK: state.CheckOK, Warning: state.Warning, NextAt: at}
	if !check.OK {
		check.Detail = state.LastError
	}
	m.keep(ctx, []Finding{{Subject: self, Check: check}})
}
