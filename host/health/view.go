package health

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// sharedView is what the store knows from every process, read now and then.
type sharedView struct {
	mu       sync.Mutex
	at       time.Time
	stale    bool
	rows     map[engine.HealthSubject]engine.StoredHealth
	cells    map[engine.HealthSubject][]engine.HealthCell // by subject without Version
	controls map[engine.HealthSubject]engine.HealthControl
}

// forget makes the next reader read the store.
func (v *sharedView) forget() {
	v.mu.Lock()
	v.at = time.Time{}
	v.mu.Unlock()
}

const viewTime = 10 * time.Second

// view returns what the store knows, at most ten seconds old. Its maps are shared: read only.
func (m *Monitor) view(ctx context.Context) (rows map[engine.HealthSubject]engine.StoredHealth, cells map[engine.HealthSubject][]engine.HealthCell, controls map[engine.HealthSubject]engine.HealthControl, stale bool) {
	v, now := &m.shared, m.cfg.Now()
	v.mu.Lock()
	fresh := !v.at.IsZero() && now.Sub(v.at) < viewTime
	rows, cells, controls, stale = v.rows, v.cells, v.controls, v.stale
	v.mu.Unlock()
	if fresh {
		return rows, cells, controls, stale
	}
	// Read without the lock: several may do so at once, which is not wrong.
	ctx, cancel := context.WithTimeout(engine.WithActor(ctx, engine.Actor{}), storeTime)
	defer cancel()
	stored, err := m.cfg.Store.ListHealth(ctx)
	var days []engine.StoredCell
	if err == nil && !m.cfg.Alone {
		days, err = m.cfg.Store.ListHealthCells(ctx, now.Add(-engine.HealthCells*engine.HealthCellLength))
	}
	var decided []engine.HealthControl
	if err == nil {
		decided, err = m.cfg.Store.ListHealthControls(ctx)
	}
	if err != nil {
		m.failed(ctx, err, "health of other processes not read")
		v.mu.Lock()
		v.at, v.stale = now, true
		v.mu.Unlock()
		return rows, cells, controls, true
	}
	rows, cells, controls = map[engine.HealthSubject]engine.StoredHealth{}, map[engine.HealthSubject][]engine.HealthCell{}, map[engine.HealthSubject]engine.HealthControl{}
	for _, r := range stored {
		rows[r.Subject] = r
	}
	for _, c := range days {
		cells[c.Subject] = append(cells[c.Subject], c.HealthCell)
	}
	for _, c := range decided {
		controls[c.Subject] = c
	}
	v.mu.Lock()
	v.at, v.stale, v.rows, v.cells, v.controls = now, false, rows, cells, controls
	v.mu.Unlock()
	return rows, cells, controls, false
}

// manages reports whether p may manage what is of the account; "" is the operator's.
func manages(p engine.Principal, accountID string) bool {
	return p.Role == engine.RoleSuperAdmin || p.Role == engine.RoleAccountAdmin && accountID != "" && accountID == p.AccountID
}

// ListHealth returns what p may see, by account, provider, then the provider itself, its
// models and its credentials. Errors: CodeNotFound for an account that is none of p's.
func (m *Monitor) ListHealth(ctx context.Context, p engine.Principal, f engine.HealthFilter) ([]engine.HealthReport, engine.HealthSummary, error) {
	if f.AccountID != "" && f.AccountID != p.AccountID && p.Role != engine.RoleSuperAdmin {
		return nil, engine.HealthSummary{}, engine.Errorf(engine.CodeNotFound, "There is no such account.")
	}
	rows, cells, controls, stale := m.view(ctx)
	local := map[engine.HealthSubject]engine.HealthSubjectState{}
	providers := m.visible(p, f)
	wanted := map[engine.HealthSubject]bool{}
	for _, x := range providers {
		wanted[engine.HealthSubject{AccountID: x.AccountID, ProviderID: x.ID}] = true
	}
	for _, s := range m.Snapshot(func(s engine.HealthSubject) bool { return wanted[s.Provider()] }) {
		local[s.Subject] = s
	}
	list := []engine.HealthReport{}
	add := func(s engine.HealthSubject, models []string) {
		if f.Kind != "" && s.Kind() != f.Kind {
			return
		}
		bare := s
		bare.Version = 0
		r := m.report(local[s], s, rows[s], cells[bare])
		r.Models, r.Control, r.Managed = models, m.decided(controls, bare), manages(p, s.AccountID)
		if f.Status != "" && r.Status != f.Status {
			return
		}
		if !r.Managed {
			conceal(&r)
		}
		list = append(list, r)
	}
	for _, x := range providers {
		self := engine.HealthSubject{AccountID: x.AccountID, ProviderID: x.ID}
		add(self, nil)
		names, order := m.modelsFor(p, x)
		for _, upstream := range order {
			s := self
			s.UpstreamID = upstream
			add(s, names[upstream])
		}
		if manages(p, x.AccountID) {
			for _, k := range x.Credentials {
				if k.Enabled {
					s := self
					s.Credential, s.Version = k.ID, k.Version
					add(s, nil)
				}
			}
		}
	}
	return list, engine.HealthSummary{At: m.cfg.Now().UTC(), Stale: stale}, nil
}

// visible are the enabled providers that p sees, of the filter.
func (m *Monitor) visible(p engine.Principal, f engine.HealthFilter) (list []*engine.Provider) {
	c := m.cfg.Catalogue()
	for _, x := range c.AllProviders() {
		switch {
		case !x.Enabled, f.ProviderID != "" && x.ID != f.ProviderID, f.AccountID != "" && x.AccountID != f.AccountID:
			continue
		case p.Role == engine.RoleSuperAdmin, x.AccountID != "" && x.AccountID == p.AccountID:
		case x.AccountID != "":
			continue
		default: // a global one, unless the account has one of that id itself
			if own, ok := c.Provider(p.AccountID, x.ID); !ok || own.AccountID != "" {
				continue
			}
		}
		list = append(list, x)
	}
	return list
}

// modelsFor are the upstream ids at a provider that p sees, in order, with the catalogue ids.
func (m *Monitor) modelsFor(p engine.Principal, x *engine.Provider) (names map[string][]string, order []string) {
	names = map[string][]string{}
	now := m.cfg.Now()
	for _, row := range m.cfg.Catalogue().ModelsAt(x) {
		if row.AccountID != "" && row.AccountID != p.AccountID && p.Role != engine.RoleSuperAdmin {
			continue
		}
		served, _, ok := row.At(now)
		if !ok {
			continue
		}
		if names[served.UpstreamID] == nil {
			order = append(order, served.UpstreamID)
		}
		if !slices.Contains(names[served.UpstreamID], row.ID) {
			names[served.UpstreamID] = append(names[served.UpstreamID], row.ID)
		}
	}
	slices.Sort(order)
	return names, order
}

// report puts together what this process and the others know of a subject.
func (m *Monitor) report(state engine.HealthSubjectState, s engine.HealthSubject, row engine.StoredHealth, cells []engine.HealthCell) engine.HealthReport {
	if state.Status == "" { // nothing is known here
		state = engine.HealthSubjectState{Subject: s, Status: engine.HealthHealthy}
	}
	if o := row.Measured; o != nil && state.LatencyP50MS == 0 && state.FirstByteP50MS == 0 && m.cfg.Now().Sub(row.At) < 2*saveEvery {
		state.LatencyP50MS, state.LatencyP95MS = o.LatencyP50MS, o.LatencyP95MS
		state.FirstByteP50MS, state.FirstByteP95MS = o.FirstByteP50MS, o.FirstByteP95MS
		if state.Attempts == 0 {
			state.Attempts, state.Failures = o.Attempts, o.Failures
		}
		if o.LastErrorAt.After(state.LastErrorAt) {
			state.LastError, state.LastErrorAt = o.LastError, o.LastErrorAt
		}
	}
	state.Cells = merged(cells, state.Cells)
	if !m.cfg.Alone { // of every process, as far as it is stored
		state.Recent, state.Fallbacks = recently(state.Cells, m.cfg.Now())
	}
	if !state.Cooldown.After(m.cfg.Now()) {
		state.Cooldown = time.Time{}
	}
	r := engine.HealthReport{HealthSubjectState: state}
	if row.Check != nil {
		r.Check = *row.Check
	}
	if state.LastCheck.After(r.Check.At) {
		r.Check.At, r.Check.OK, r.Check.Warning, r.Check.Paid = state.LastCheck, state.CheckOK, state.Warning, false
		if r.Check.Detail = ""; !state.CheckOK {
			r.Check.Detail = state.LastError
		}
	}
	if state.NextCheck.After(r.Check.NextAt) {
		r.Check.NextAt = state.NextCheck
	}
	if r.Check.NextAt.Before(m.cfg.Now()) && !r.Check.NextAt.IsZero() && m.cfg.ProbeEvery > 0 {
		r.Check.NextAt = m.cfg.Now() // it is due
	}
	return r
}

// decided is what is decided of a subject, with what was spent today.
func (m *Monitor) decided(controls map[engine.HealthSubject]engine.HealthControl, bare engine.HealthSubject) engine.HealthControl {
	c := controls[bare]
	c.Subject = bare
	if c.SpentOn != m.cfg.Now().UTC().Format(dayLayout) {
		c.SpentNanoUSD = 0
	}
	return c
}

// merged are the cells of all processes, or where this one has counted more, its own.
func merged(all, own []engine.HealthCell) []engine.HealthCell {
	if len(all) == 0 {
		return own
	}
	out := slices.Clone(all)
	for _, c := range own {
		i, found := slices.BinarySearchFunc(out, c, func(a, b engine.HealthCell) int { return a.At.Compare(b.At) })
		switch {
		case !found:
			out = slices.Insert(out, i, c)
		case c.Attempts > out[i].Attempts:
			out[i] = c
		case rankOf(c.Worst) > rankOf(out[i].Worst):
			out[i].Worst = c.Worst
		}
	}
	return out
}

// recently are the attempts of the present cell and the last, and those that stood in for others.
func recently(cells []engine.HealthCell, now time.Time) (attempts, fallbacks int64) {
	for _, c := range cells {
		if now.Unix()-c.At.Unix() < 2*cellSeconds {
			attempts += c.Attempts
			fallbacks += c.Fallbacks
		}
	}
	return attempts, fallbacks
}

// conceal takes out what is the operator's alone: how much others ask, what providers said.
func conceal(r *engine.HealthReport) {
	r.Why = plainReason(r)
	r.Control = engine.HealthControl{}
	r.LastError, r.Warning, r.Check.Detail, r.Check.Warning = "", "", "", ""
	r.Cooldown, r.LastAttempt, r.LastErrorAt, r.Seen = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	if r.Attempts > 0 {
		r.Attempts, r.Failures = 100, (100*r.Failures+r.Attempts-1)/r.Attempts
	}
	if r.Recent > 0 {
		r.Recent, r.Fallbacks = 100, 100*r.Fallbacks/r.Recent
	}
	r.Cells = slices.Clone(r.Cells)
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Attempts > 0 {
			c.Attempts, c.Failures, c.Fallbacks = 100, (100*c.Failures+c.Attempts-1)/c.Attempts, 100*c.Fallbacks/c.Attempts
		}
	}
}

// plainReason says why without what the provider said.
func plainReason(r *engine.HealthReport) string {
	switch {
	case r.Switch != engine.HealthOn:
		return string(r.Switch)
	case r.Status == engine.HealthHealthy:
		return ""
	}
	return strings.ReplaceAll(string(r.Reason), "_", " ")
}
