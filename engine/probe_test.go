package engine

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

func (b *bench) prober() *Prober {
	return NewProber(TrialConfig{Catalogue: func() *Catalogue { return b.catalogue }, Adapters: b, Upstream: b, Ledger: b.ledger, Now: func() time.Time { return rigTime }})
}

func TestProbeByList(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		list benchStep

		wantCode        Code
		wantClass       abi.Class
		wantStatus      int
		wantModels      []string
		wantUnsupported bool
		wantBlameless   bool
		wantUnsent      bool
	}{
		{name: "a list", list: benchStep{body: `{"data":[{"id":"up-1"},{"id":""},{"id":"up-2"}]}`}, wantStatus: 200, wantModels: []string{"up-1", "up-2"}},
		{name: "an empty list", list: benchStep{body: `{"data":[]}`}, wantStatus: 200, wantModels: []string{}},
		{name: "no list", list: benchStep{body: `{"html":1}`}, wantCode: CodeUpstreamFailed, wantClass: abi.ClassServer, wantStatus: 200},
		{name: "a refused key", list: benchStep{status: 401, body: `{"error":{"message":"sk-proj-secretsecret"}}`}, wantCode: CodeUpstreamFailed, wantClass: abi.ClassAuth, wantStatus: 401},
		{name: "a broken server", list: benchStep{status: 500, body: `{}`}, wantCode: CodeUpstreamFailed, wantClass: abi.ClassServer, wantStatus: 500},
		{name: "no connection", list: benchStep{doErr: &Error{Code: CodeUpstreamFailed, Message: "refused", Err: ErrUnsent}}, wantCode: CodeUpstreamFailed, wantUnsent: true},
		{name: "no free request", list: benchStep{method: "POST"}, wantCode: CodeInvalid, wantUnsupported: true, wantUnsent: true},
		{name: "a guest that traps", list: benchStep{refuse: Errorf(CodePluginFailed, "trap")}, wantCode: CodePluginFailed, wantUnsupported: true, wantBlameless: true, wantUnsent: true},
		{name: "a guest that panics", list: benchStep{refuse: errPanic}, wantCode: CodeInternal, wantBlameless: true, wantUnsent: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil, nil)
			b.list = tt.list
			p, _ := b.catalogue.Provider("", "p")
			got := b.prober().List(t.Context(), ProbeRequest{Provider: p, Credential: "k2"})
			o := got.Outcome
			if o.Code != tt.wantCode || o.Class != tt.wantClass || o.Status != tt.wantStatus || o.Unsent != tt.wantUnsent ||
				got.Unsupported != tt.wantUnsupported || got.Blameless != tt.wantBlameless || !slices.Equal(got.Models, tt.wantModels) {
				t.Errorf("List() = %+v", got)
			}
			if (o.Detail == "") != (o.Code == "") || strings.Contains(o.Detail, "secret") {
				t.Errorf("detail = %q, want a reason without secrets", o.Detail)
			}
			if len(b.used) > 0 && b.used[0] != "k2" || len(b.ledger.all()) != 0 || b.open != 0 {
				t.Errorf("used %q, %d rows, %d adapters open; want k2, none and none", b.used, len(b.ledger.all()), b.open)
			}
		})
	}
}

// A paid probe is in the ledger as what it is.
func TestProbeByCall(t *testing.T) {
	t.Parallel()
	m, price := benchModel("m", 1e6)
	b := newBench(t, []Model{m}, []Price{price})
	p, _ := b.catalogue.Provider("", "p")
	if best, ok := b.prober().Cheapest(p); !ok || best.ID != "m" {
		t.Fatalf("Cheapest() = %v, %v, want m", best.ID, ok)
	}
	got := b.prober().Call(t.Context(), ProbeRequest{Provider: p, Credential: "k1", Model: &m})
	rows := b.ledger.all()
	if got.Outcome.Code != "" || got.CostNanoUSD != 11 || len(rows) != 1 || rows[0].Source != SourceProbe || rows[0].CostNanoUSD != 11 || rows[0].AccountID != "" {
		t.Errorf("Call() = %+v with rows %+v, want 11 nano-USD in one row of a probe", got, rows)
	}
	b.call = benchStep{body: `{"choices":[]}`}
	if got := b.prober().Call(t.Context(), ProbeRequest{Provider: p, Credential: "k1", Model: &m}); got.Outcome.Code != CodeUpstreamFailed || got.Outcome.Class != abi.ClassServer {
		t.Errorf("Call() of what answers nothing = %+v, want a failure", got)
	}
	m.RetiresAt = rigTime.Add(-time.Hour)
	if got := b.prober().Call(t.Context(), ProbeRequest{Provider: p, Model: &m}); !got.Unsupported || len(b.ledger.all()) != 2 {
		t.Errorf("Call() of a retired model = %+v, want nothing sent", got)
	}
}

func TestProbeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		b.list.stall = true
		p, _ := b.catalogue.Provider("", "p")
		began := time.Now()
		got := b.prober().List(t.Context(), ProbeRequest{Provider: p})
		if took := time.Since(began); took != probeTimeout || got.Outcome.Code != CodeUpstreamTimeout || got.Outcome.Latency != probeTimeout {
			t.Errorf("List() = %+v after %v, want a timeout after %v", got, took, probeTimeout)
		}
	})
}
