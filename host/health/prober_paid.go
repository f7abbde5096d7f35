package health

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// examineByCall makes the short calls that are configured, due and under their cap.
func (m *Monitor) examineByCall(ctx context.Context, p *engine.Provider, paid map[engine.HealthSubject]time.Time) (found []Finding) {
	all := m.controls.all.Load()
	if all == nil {
		return nil
	}
	for s, c := range *all {
		if !c.PaidProbe || s.AccountID != p.AccountID || s.ProviderID != p.ID || s.Credential != "" || c.Switch == engine.HealthDisabled {
			continue
		}
		now := m.cfg.Now()
		every := c.Every
		if every <= 0 {
			every = defaultPaid
		}
		if state, _ := m.Subject(s); state.Status == engine.HealthDown {
			every = min(every, paidWhileOut)
		}
		if last, ok := paid[s]; ok && now.Sub(last) < every {
			continue
		}
		if paid != nil {
			paid[s] = now
		}
		f, ok := m.callFor(ctx, p, s, c)
		if ctx.Err() != nil {
			return found
		}
		if ok {
			found = append(found, f...)
		}
	}
	return found
}

// callFor makes the call for a control, and one more when it fails. No: none was made.
func (m *Monitor) callFor(ctx context.Context, p *engine.Provider, s engine.HealthSubject, c engine.HealthControl) (found []Finding, ok bool) {
	model, ok := m.modelFor(p, s)
	if !ok {
		m.cfg.Log.Warn().Str("provider", p.ID).Str("tenant_id", p.AccountID).Msg("paid probe left out: there is no enabled model with a price")
		return nil, false
	}
	credential := engine.Credential{}
	if keys := m.keys(p, 0); len(keys) > 0 {
		credential = keys[0]
	}
	got, ok := m.call(ctx, p, s, c, model, credential.ID)
	if !ok {
		return nil, false
	}
	v := verdictOf(got)
	cost := got.CostNanoUSD
	if v == broken {
		if !m.confirm(ctx) {
			return nil, false
		}
		if again, ok := m.call(ctx, p, s, c, model, credential.ID); ok {
			got, v, cost = again, verdictOf(again), cost+again.CostNanoUSD
		} else {
			v = mute // one failure is not enough
		}
	}
	of := engine.HealthSubject{AccountID: p.AccountID, ProviderID: p.ID, UpstreamID: model.UpstreamID}
	check := engine.HealthCheck{At: m.cfg.Now(), Paid: true, OK: v == fine || v == mute, Detail: got.Outcome.Detail}
	switch v {
	case fine:
		m.ProbeSucceeded(of)
		if self := of.Provider(); s == self {
			m.ProbeSucceeded(self)
		}
	case broken:
		m.ProbeFailed(of, check.Detail)
	case keyRefused:
		if credential.ID != "" {
			m.ProbeFailed(engine.HealthSubject{AccountID: p.AccountID, ProviderID: p.ID, Credential: credential.ID, Version: credential.Version}, check.Detail)
		}
	case mute:
		check.Warning, check.Detail = check.Detail, ""
		m.ProbeWarned(of, check.Warning)
	case nothing:
		return nil, false
	}
	return []Finding{{Subject: of, Check: check, CostNanoUSD: cost}}, true
}

// modelFor is the model that is called for a subject: of a provider the cheapest.
func (m *Monitor) modelFor(p *engine.Provider, s engine.HealthSubject) (engine.Model, bool) {
	if s.UpstreamID == "" {
		return m.cfg.Asker.Cheapest(p)
	}
	for _, row := range m.cfg.Catalogue().ModelsAt(p) {
		if row.UpstreamID == s.UpstreamID {
			return row, true
		}
	}
	return engine.Model{}, false
}

// call takes what a call may cost from the day's cap, makes it, and gives back the rest.
func (m *Monitor) call(ctx context.Context, p *engine.Provider, s engine.HealthSubject, c engine.HealthControl, model engine.Model, credential string) (got engine.Probe, ok bool) {
	most, ok := m.cfg.Asker.Estimate(p, model)
	if !ok {
		return got, false
	}
	day := m.cfg.Now().UTC().Format(dayLayout)
	taking, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	ok, err := m.cfg.Store.TakeHealthProbe(taking, s, day, most)
	if err != nil || !ok {
		m.failed(ctx, err, "paid probe left out: its cap is not known")
		return got, false
	}
	calling, stop := context.WithTimeout(ctx, probeTimeout)
	defer stop()
	got = m.cfg.Asker.Call(calling, engine.ProbeRequest{Provider: p, Credential: credential, Model: &model})
	settling, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer done()
	m.settle(settling, s, day, got.CostNanoUSD-most, c.DailyCapNanoUSD)
	m.shared.forget()
	return got, true
}

// settle corrects what was taken by what the call did cost. One that cost more than is left
// uses up the day's cap.
func (m *Monitor) settle(ctx context.Context, s engine.HealthSubject, day string, more, most int64) {
	if more == 0 {
		return
	}
	ok, err := m.cfg.Store.TakeHealthProbe(ctx, s, day, more)
	if err == nil && !ok {
		var list []engine.HealthControl
		if list, err = m.cfg.Store.ListHealthControls(ctx); err == nil {
			for _, c := range list {
				if c.Subject == s && c.SpentOn == day && c.SpentNanoUSD < most {
					_, err = m.cfg.Store.TakeHealthProbe(ctx, s, day, most-c.SpentNanoUSD)
				}
			}
		}
	}
	m.failed(ctx, err, "what a paid probe cost is not noted")
}
