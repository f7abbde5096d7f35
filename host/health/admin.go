package health

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// find returns the subject that somebody means and may manage, as it is now. UpstreamID may be
// a catalogue id. Errors: CodeNotFound, CodeForbidden.
func (m *Monitor) find(p engine.Principal, s engine.HealthSubject) (engine.HealthSubject, *engine.Provider, error) {
	x, ok := m.cfg.Catalogue().Provider(s.AccountID, s.ProviderID)
	if !ok || x.AccountID != s.AccountID || s.AccountID != "" && s.AccountID != p.AccountID && p.Role != engine.RoleSuperAdmin {
		return s, nil, engine.Errorf(engine.CodeNotFound, "There is no such provider. GET /api/v1/health lists what there is.")
	}
	if !manages(p, s.AccountID) {
		if s.AccountID == "" {
			return s, nil, engine.Errorf(engine.CodeForbidden, "Only a super admin may do this to global providers.")
		}
		return s, nil, engine.Errorf(engine.CodeForbidden, "This key may not manage providers of that account.")
	}
	switch {
	case s.UpstreamID != "" && s.Credential != "":
		return s, nil, &engine.Error{Code: engine.CodeInvalid, Param: "credential", Message: "Name a model or a credential, not both."}
	case s.UpstreamID != "":
		now := m.cfg.Now()
		for _, row := range m.cfg.Catalogue().ModelsAt(x) {
			if served, _, ok := row.At(now); ok && (served.UpstreamID == s.UpstreamID || row.ID == s.UpstreamID) {
				s.UpstreamID = served.UpstreamID
				return s, x, nil
			}
		}
		return s, nil, engine.Errorf(engine.CodeNotFound, "Provider '%s' has no such model.", x.ID)
	case s.Credential != "":
		i := slices.IndexFunc(x.Credentials, func(k engine.Credential) bool { return k.ID == s.Credential })
		if i < 0 {
			return s, nil, engine.Errorf(engine.CodeNotFound, "Provider '%s' has no such credential.", x.ID)
		}
		s.Version = x.Credentials[i].Version
	}
	return s, x, nil
}

const maxNote = 500 // bytes

// SwitchHealth drains, disables or switches on a subject, here before it returns and elsewhere
// within two seconds. Errors: those of find, CodeInvalid.
func (m *Monitor) SwitchHealth(ctx context.Context, p engine.Principal, s engine.HealthSubject, to engine.HealthSwitch, note string) (engine.HealthReport, error) {
	if len(note) > maxNote || strings.ContainsFunc(note, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return engine.HealthReport{}, &engine.Error{Code: engine.CodeInvalid, Param: "note", Message: "'note' must have up to 500 bytes and no control characters."}
	}
	action := map[engine.HealthSwitch]string{engine.HealthOn: "health.enable", engine.HealthDrained: "health.drain", engine.HealthDisabled: "health.disable"}[to]
	s, err := m.control(ctx, p, s, action, func(c *engine.HealthControl, now time.Time) {
		c.Switch, c.Note, c.Since, c.By = to, note, now, p.UserID
		if to == engine.HealthOn {
			c.Note, c.Since, c.By = "", time.Time{}, ""
		}
	})
	if err != nil {
		return engine.HealthReport{}, err
	}
	m.Switch(s, to)
	return m.reportOf(ctx, s), nil
}

// SetPaidProbe configures paid probes of a provider or a model. Errors: those of find, CodeInvalid.
func (m *Monitor) SetPaidProbe(ctx context.Context, p engine.Principal, s engine.HealthSubject, paid engine.HealthPaidProbe) (engine.HealthReport, error) {
	invalid := func(member, why string) error {
		return &engine.Error{Code: engine.CodeInvalid, Param: member, Message: "'" + member + "' " + why}
	}
	switch {
	case s.Credential != "":
		return engine.HealthReport{}, invalid("credential", "has no paid probes of its own: configure those of the provider or of a model.")
	case paid.DailyCapNanoUSD < 0 || paid.Enabled && paid.DailyCapNanoUSD == 0:
		return engine.HealthReport{}, invalid("daily_cap_nano_usd", "must be above 0: paid probes cost money.")
	case paid.Every != 0 && (paid.Every < time.Minute || paid.Every > 24*time.Hour || paid.Every%time.Second != 0):
		return engine.HealthReport{}, invalid("every_seconds", "must be 60 to 86400.")
	}
	s, err := m.control(ctx, p, s, "health.paid_probe", func(c *engine.HealthControl, _ time.Time) {
		c.PaidProbe, c.DailyCapNanoUSD, c.Every = paid.Enabled, paid.DailyCapNanoUSD, paid.Every
	})
	if err != nil {
		return engine.HealthReport{}, err
	}
	return m.reportOf(ctx, s), nil
}

// control changes what is decided of a subject, and puts it in force here.
func (m *Monitor) control(ctx context.Context, p engine.Principal, s engine.HealthSubject, action string, edit func(c *engine.HealthControl, now time.Time)) (engine.HealthSubject, error) {
	s, _, err := m.find(p, s)
	if err != nil {
		return s, err
	}
	bare := s
	bare.Version = 0
	// The stored one: another process may have changed it a moment ago.
	list, err := m.cfg.Store.ListHealthControls(ctx)
	if err != nil {
		return s, err
	}
	c := engine.HealthControl{Subject: bare}
	if i := slices.IndexFunc(list, func(o engine.HealthControl) bool { return o.Subject == bare }); i >= 0 {
		c = list[i]
	}
	now := m.cfg.Now().UTC().Truncate(time.Millisecond)
	c.UpdatedAt = now
	edit(&c, now)
	record := struct {
		Switch   engine.HealthSwitch `json:"switch"`
		Note     string              `json:"note,omitempty"`
		Paid     bool                `json:"paid_probe"`
		DailyCap int64               `json:"daily_cap_nano_usd,omitempty"`
		Every    int64               `json:"every_seconds,omitempty"`
	}{c.Switch, c.Note, c.PaidProbe, c.DailyCapNanoUSD, int64(c.Every / time.Second)}
	audited := engine.Audited(ctx, now, s.AccountID, action, "health/"+s.String(), record)
	if err := m.cfg.Store.PutHealthControl(audited, c); errors.Is(err, engine.ErrNotFound) {
		return s, engine.Errorf(engine.CodeNotFound, "There is no such provider.")
	} else if err != nil {
		return s, err
	}
	m.shared.forget()
	if m.cfg.Reload != nil {
		return s, m.cfg.Reload(ctx)
	}
	if list, err = m.cfg.Store.ListHealthControls(ctx); err == nil {
		m.SetControls(list)
	}
	return s, err
}

// reportOf is what a manager sees of one subject.
func (m *Monitor) reportOf(ctx context.Context, s engine.HealthSubject) engine.HealthReport {
	rows, cells, controls, _ := m.view(ctx)
	bare := s
	bare.Version = 0
	state, _ := m.Subject(s)
	r := m.report(state, s, rows[s], cells[bare])
	r.Managed, r.Control = true, m.decided(controls, bare)
	return r
}

// ProbeHealth probes a provider now, with its credentials; with paid also by the calls that are
// configured, which stay under their caps. It takes half a minute at most. Errors: those of
// find, CodeRateLimited while many others probe, CodeConflict when it is disabled.
func (m *Monitor) ProbeHealth(ctx context.Context, p engine.Principal, s engine.HealthSubject, paid bool) ([]engine.HealthProbe, error) {
	s, x, err := m.find(p, s)
	if err != nil {
		return nil, err
	}
	if m.switchOf(s.Provider()) == engine.HealthDisabled || m.switchOf(s) == engine.HealthDisabled {
		return nil, engine.Errorf(engine.CodeConflict, "It is disabled. Enable it first, or drain it instead.")
	}
	select {
	case m.prober.slots <- struct{}{}:
		defer func() { <-m.prober.slots }()
	default:
		return nil, engine.Errorf(engine.CodeRateLimited, "Many probes are under way. Try again in a few seconds.")
	}
	now := m.cfg.Now().UTC().Truncate(time.Millisecond)
	audited := engine.Audited(ctx, now, s.AccountID, "health.probe", "health/"+s.String(), map[string]bool{"paid": paid})
	if err := m.cfg.Store.AppendAudit(audited); err != nil {
		return nil, err
	}
	if !x.Enabled || !m.cfg.HasCredential(x) {
		check := engine.HealthCheck{At: now, Detail: "The provider is disabled in the catalogue, or has no credential."}
		return []engine.HealthProbe{{Subject: s.Provider(), Check: check}}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	found := m.examineByList(ctx, x, 0)
	if paid {
		found = append(found, m.examineByCall(ctx, x, nil)...)
	}
	m.keep(context.WithoutCancel(ctx), found)
	out := make([]engine.HealthProbe, 0, len(found))
	for _, f := range found {
		out = append(out, engine.HealthProbe(f))
	}
	return out, nil
}

// ListTransitions returns a provider's newest transitions, newest first, at most limit (1–1,000).
// Errors: those of find.
func (m *Monitor) ListTransitions(ctx context.Context, p engine.Principal, accountID, providerID string, limit int) ([]engine.HealthTransition, error) {
	s, _, err := m.find(p, engine.HealthSubject{AccountID: accountID, ProviderID: providerID})
	if err != nil {
		return nil, err
	}
	list, err := m.cfg.Store.ListHealthTransitions(ctx, s.AccountID, s.ProviderID, limit)
	out := make([]engine.HealthTransition, len(list))
	for i := range list {
		out[i] = list[i].HealthTransition
	}
	return out, err
}
