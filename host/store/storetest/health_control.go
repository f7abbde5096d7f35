package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var healthControlTests = []test{
	{"is kept as it is", controlKept},
	{"must be whole", controlInvalid},
	{"goes with its provider", controlDeleted},
	{"paid probes stay under their cap", controlSpent},
}

// provided makes the providers that controls need.
func provided(t *testing.T, s engine.Store) {
	t.Helper()
	for _, p := range []engine.Provider{{ID: "openai"}, {AccountID: "acme", ID: "own"}} {
		p.Name, p.Adapter, p.Enabled, p.CreatedAt, p.UpdatedAt = p.ID, "openai", true, at(0), at(0)
		must(t, "PutProvider()", s.PutProvider(t.Context(), p))
	}
}

func controlKept(t *testing.T, d Database) {
	s := open(t, d)
	provided(t, s)
	was := revision(t, s)
	bare := secret
	bare.Version = 0
	drained := engine.HealthControl{Subject: bare, Switch: engine.HealthDrained, Note: "maintenance", Since: finest(1), By: "boss", UpdatedAt: finest(2)}
	paid := engine.HealthControl{Subject: gpt, PaidProbe: true, DailyCapNanoUSD: 5e6, Every: 5 * time.Minute, UpdatedAt: at(3)}
	for _, c := range []engine.HealthControl{drained, paid} {
		must(t, "PutHealthControl()", s.PutHealthControl(t.Context(), c))
	}
	drained.Since, drained.UpdatedAt = at(1), at(2)
	got, err := s.ListHealthControls(t.Context())
	must(t, "ListHealthControls()", err)
	wantEqual(t, "ListHealthControls()", got, []engine.HealthControl{paid, drained})
	drained.Switch, drained.Since, drained.By, drained.Note, drained.UpdatedAt = engine.HealthOn, time.Time{}, "", "", at(9)
	must(t, "PutHealthControl()", s.PutHealthControl(t.Context(), drained))
	got, err = s.ListHealthControls(t.Context())
	must(t, "ListHealthControls()", err)
	wantEqual(t, "ListHealthControls()", got, []engine.HealthControl{paid, drained})
	wantRevision(t, s, was, 3)
}

func controlInvalid(t *testing.T, d Database) {
	s := open(t, d)
	provided(t, s)
	was := revision(t, s)
	wantInvalid(t, "PutHealthControl() of a version", s.PutHealthControl(t.Context(), engine.HealthControl{Subject: secret}), "version")
	wantInvalid(t, "PutHealthControl() of no switch", s.PutHealthControl(t.Context(), engine.HealthControl{Subject: gpt, Switch: "on"}), "switch")
	wantInvalid(t, "PutHealthControl() of a cap", s.PutHealthControl(t.Context(), engine.HealthControl{Subject: gpt, DailyCapNanoUSD: -1}), "daily_cap")
	wantErr(t, "PutHealthControl() of no provider", s.PutHealthControl(t.Context(), engine.HealthControl{Subject: engine.HealthSubject{ProviderID: "ghost"}, UpdatedAt: at(0)}), engine.ErrNotFound)
	wantRevision(t, s, was, 0)
}

func controlDeleted(t *testing.T, d Database) {
	s := open(t, d)
	provided(t, s)
	own := engine.HealthSubject{AccountID: "acme", ProviderID: "own"}
	for _, subject := range []engine.HealthSubject{own, openai} {
		must(t, "PutHealthControl()", s.PutHealthControl(t.Context(), engine.HealthControl{Subject: subject, UpdatedAt: at(0)}))
	}
	must(t, "DeleteProvider()", s.DeleteProvider(t.Context(), "acme", "own"))
	got, err := s.ListHealthControls(t.Context())
	must(t, "ListHealthControls()", err)
	wantEqual(t, "ListHealthControls()", got, []engine.HealthControl{{Subject: openai, UpdatedAt: at(0)}})
}

func controlSpent(t *testing.T, d Database) {
	s := open(t, d)
	provided(t, s)
	c := engine.HealthControl{Subject: gpt, PaidProbe: true, DailyCapNanoUSD: 100, UpdatedAt: at(0)}
	must(t, "PutHealthControl()", s.PutHealthControl(t.Context(), c))
	was := revision(t, s)
	for _, step := range []struct {
		subject engine.HealthSubject
		day     string
		n       int64
		wantOK  bool
	}{
		{openai, "2026-11-23", 1, false}, // nothing is set of it
		{gpt, "2026-11-23", 60, true},
		{gpt, "2026-11-23", 41, false},
		{gpt, "2026-11-23", -20, true},
		{gpt, "2026-11-23", 60, true},
		{gpt, "2026-11-23", 1, false},
		{gpt, "2026-11-24", 101, false},
		{gpt, "2026-11-24", 99, true},
	} {
		ok, err := s.TakeHealthProbe(t.Context(), step.subject, step.day, step.n)
		if ok != step.wantOK || err != nil {
			t.Errorf("TakeHealthProbe(%v, %s, %d) = %v, %v, want %v", step.subject, step.day, step.n, ok, err, step.wantOK)
		}
	}
	c.SpentNanoUSD, c.SpentOn = 99, "2026-11-24"
	got, err := s.ListHealthControls(t.Context())
	must(t, "ListHealthControls()", err)
	wantEqual(t, "ListHealthControls()", got, []engine.HealthControl{c})
	wantRevision(t, s, was, 0)
	c.PaidProbe, c.UpdatedAt = false, at(1)
	must(t, "PutHealthControl()", s.PutHealthControl(t.Context(), c))
	if ok, err := s.TakeHealthProbe(t.Context(), gpt, "2026-11-24", 1); ok || err != nil {
		t.Errorf("TakeHealthProbe() of what is off = %v, %v, want false", ok, err)
	}
	got, err = s.ListHealthControls(t.Context())
	must(t, "ListHealthControls()", err)
	wantEqual(t, "ListHealthControls()", got, []engine.HealthControl{c})
}
