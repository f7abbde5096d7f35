package health_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
	"github.com/pointsman/pointsman/sdk/abi"
)

func count(list []string, prefix string) (n int) {
	for _, s := range list {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

// Of three processes one probes; when it ends another does.
func TestOneProcessProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		all := []*watch{newWatch(t, s), newWatch(t, s), newWatch(t, s)}
		probing := func(d time.Duration) (n int, by *watch) {
			time.Sleep(d)
			synctest.Wait()
			for _, w := range all {
				got := w.asker.took()
				if got = slices.DeleteFunc(got, func(s string) bool { return !strings.HasPrefix(s, "/openai#key1") }); len(got) > 0 {
					if by != nil {
						t.Errorf("two processes probe")
					}
					n, by = n+len(got), w
				}
			}
			return n, by
		}
		n, first := probing(10*time.Minute + 15*time.Second)
		if n < 9 || n > 12 {
			t.Errorf("%d probes of a key in ten minutes, want one a minute", n)
		}
		list, _, err := all[0].ListHealth(t.Context(), root, engine.HealthFilter{ProviderID: "openai"})
		if err != nil || list[0].Check.At.IsZero() || !list[0].Check.OK || !list[0].Check.NextAt.After(time.Now()) || time.Since(list[0].Check.At) > 70*time.Second {
			t.Errorf("check = %+v, %v, want the last and the next one at every process", list[0].Check, err)
		}
		first.stop()
		first.asker.took()
		if n, second := probing(75 * time.Second); n < 1 || n > 3 || second == first {
			t.Errorf("%d probes in the minute after the prober ended, want one by another", n)
		}
	})
}

// A probe that fails twice takes the provider out; then there is one every five seconds, and
// the first that succeeds lets a request try.
func TestProbeTakesOutAndLetsTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatch(t, newShelf())
		time.Sleep(90 * time.Second)
		fail := 1
		w.asker.answers(func(context.Context, engine.ProbeRequest) engine.Probe {
			if fail--; fail >= 0 {
				return failing(500)
			}
			return listsAll
		})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		target := engine.HealthTarget(openai)
		if st := w.State(&target); st.Status == engine.HealthDown {
			t.Errorf("after one failed probe = %+v, want it confirmed first", st)
		}
		w.asker.answer(failing(503))
		for n := 0; w.State(&target).Status != engine.HealthDown; n++ {
			if n == 70 {
				t.Fatalf("after failed probes = %+v, want it out", w.State(&target))
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		shown, _ := w.events()
		if !slices.Contains(shown, engine.NoticeProviderDown+" openai") {
			t.Errorf("events = %v, want that the provider is down", shown)
		}
		w.asker.took()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n := count(w.asker.took(), "/openai#"); n < 2*2 || n > 2*5 { // each is confirmed
			t.Errorf("%d probes in 20 s while it is out, want one every 5 s", n)
		}
		if st := w.State(&target); !st.Out {
			t.Errorf("while probes fail = %+v, want it out", st)
		}
		w.asker.answer(listsAll)
		time.Sleep(7 * time.Second) // before the ejection is over
		synctest.Wait()
		if st := w.State(&target); st.Status != engine.HealthDown || st.Out {
			t.Errorf("after a good probe = %+v, want it down and open for a trial", st)
		}
	})
}

func TestWhatProbesFind(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer engine.Probe
		first  engine.Probe // of the first key, when it differs

		wantProvider engine.HealthStatus
		wantKey      engine.HealthStatus // of the first
		wantModel    string              // its warning
		wantWarning  string              // of the provider
	}{
		{name: "all well", answer: listsAll},
		{name: "a list without a model", answer: engine.Probe{Models: []string{"gpt", "own"}, Outcome: engine.HealthOutcome{Status: 200}}, wantModel: "not list", wantWarning: "mini"},
		{name: "an empty list", answer: engine.Probe{Models: []string{}, Outcome: engine.HealthOutcome{Status: 200}}},
		{name: "one key is refused", answer: listsAll, first: engine.Probe{Outcome: engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Class: abi.ClassAuth, Status: 401}}, wantKey: engine.HealthDown},
		{name: "a bad key is a 400", answer: listsAll, first: engine.Probe{Outcome: engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Class: abi.ClassAuth, Status: 400}}, wantKey: engine.HealthDown},
		{name: "a key that may not list", answer: listsAll, first: engine.Probe{Outcome: engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Class: abi.ClassAuth, Status: 403, Detail: "403"}}},
		{name: "no list there", answer: engine.Probe{Outcome: engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Class: abi.ClassNotFound, Status: 404, Detail: "404"}}, wantWarning: "404"},
		{name: "too many requests", answer: engine.Probe{Outcome: engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Class: abi.ClassRateLimited, Status: 429, Detail: "429"}}, wantWarning: "429"},
		{name: "no free request", answer: engine.Probe{Unsupported: true, Outcome: engine.HealthOutcome{Code: engine.CodeInvalid, Unsent: true}}},
		{name: "a plugin that broke", answer: engine.Probe{Blameless: true, Outcome: engine.HealthOutcome{Code: engine.CodePluginFailed, Unsent: true}}},
		{name: "no connection", answer: engine.Probe{Outcome: engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Unsent: true, Detail: "refused"}}, wantProvider: engine.HealthDown},
		{name: "an answer that is no list", answer: engine.Probe{Outcome: engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Class: abi.ClassServer, Status: 200, Detail: "html"}}, wantProvider: engine.HealthDown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatch(t, newShelf())
				w.asker.answers(func(_ context.Context, r engine.ProbeRequest) engine.Probe {
					if r.Credential == "key1" && tt.first.Outcome != (engine.HealthOutcome{}) {
						return tt.first
					}
					return tt.answer
				})
				time.Sleep(70 * time.Second)
				synctest.Wait()
				w.stop()
				list, _, err := w.ListHealth(t.Context(), root, engine.HealthFilter{ProviderID: "openai"})
				if err != nil {
					t.Fatal(err)
				}
				status := func(s, want engine.HealthStatus) bool { return s == want || want == "" && s == engine.HealthHealthy }
				provider, model, key := list[0], list[2], list[4]
				if !status(provider.Status, tt.wantProvider) || !strings.Contains(provider.Check.Warning, tt.wantWarning) || tt.wantWarning == "" && provider.Check.Warning != "" && tt.wantModel == "" && !strings.Contains(provider.Check.Warning, "rivals") {
					t.Errorf("provider = %s, %+v, want %q and the warning %q", provider.Status, provider.Check, tt.wantProvider, tt.wantWarning)
				}
				if !status(key.Status, tt.wantKey) {
					t.Errorf("key = %s, want %q", key.Status, tt.wantKey)
				}
				if model.Status != engine.HealthHealthy || !strings.Contains(model.Warning, tt.wantModel) || tt.wantModel == "" && model.Warning != "" {
					t.Errorf("model = %s with the warning %q, want it healthy with %q", model.Status, model.Warning, tt.wantModel)
				}
			})
		})
	}
}

// Tenants whose providers never answer delay neither the operator's probes nor, for long, each other's.
func TestSlowProvidersStallNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := []engine.Credential{{ID: "k", Version: 1, Weight: 1, Enabled: true}}
		providers := []engine.Provider{{ID: "openai", Enabled: true, Credentials: key}, {AccountID: "good", ID: "own", Enabled: true, Credentials: key}}
		for account := range 18 {
			for n := range 2 {
				providers = append(providers, engine.Provider{AccountID: fmt.Sprint("bad", account), ID: fmt.Sprint("p", n), Enabled: true, Credentials: key})
			}
		}
		catalogue := engine.NewCatalogue(nil, providers, nil)
		w := newWatch(t, newShelf(), func(c *health.MonitorConfig) { c.Catalogue = func() *engine.Catalogue { return catalogue } })
		under, most, perAccount := 0, 0, map[string]int{}
		w.asker.answers(func(ctx context.Context, r engine.ProbeRequest) engine.Probe {
			if !strings.HasPrefix(r.Provider.AccountID, "bad") {
				return listsAll
			}
			w.asker.mu.Lock()
			under++
			perAccount[r.Provider.AccountID]++
			most = max(most, under)
			if perAccount[r.Provider.AccountID] > 2 {
				t.Errorf("%d probes of one account at once, want 2 at most", perAccount[r.Provider.AccountID])
			}
			w.asker.mu.Unlock()
			<-ctx.Done()
			w.asker.mu.Lock()
			under--
			perAccount[r.Provider.AccountID]--
			w.asker.mu.Unlock()
			return engine.Probe{Outcome: engine.HealthOutcome{Code: engine.CodeUpstreamTimeout}}
		})
		time.Sleep(4 * time.Minute)
		got := w.asker.took()
		if n := count(got, "/openai#"); n < 3 {
			t.Errorf("%d probes of the operator's provider in 4 minutes, want one a minute", n)
		}
		if n := count(got, "good/own#"); n < 3 {
			t.Errorf("%d probes of the good tenant's provider in 4 minutes, want some", n)
		}
		w.stop() // and with it the last of the probes that count
		if most > 32 {
			t.Errorf("%d probes of tenants at once, want 32 at most", most)
		}
	})
}

func TestDisabledIsNotProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatch(t, newShelf())
		for s, to := range map[engine.HealthSubject]engine.HealthSwitch{
			{AccountID: "acme", ProviderID: "own"}:                    engine.HealthDisabled,
			{ProviderID: "openai", Credential: "key2"}:                engine.HealthDisabled,
			{ProviderID: "openai", Credential: "key1"}:                engine.HealthDrained,
			{ProviderID: "openai"}:                                    engine.HealthDrained,
			{ProviderID: "openai", UpstreamID: "gpt-5"}:               engine.HealthDrained,
			{AccountID: "acme", ProviderID: "own", UpstreamID: "own"}: engine.HealthDrained,
		} {
			if _, err := w.SwitchHealth(t.Context(), root, s, to, ""); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * time.Minute)
		got := w.asker.took()
		if count(got, "acme/own") != 0 || count(got, "/openai#key2") != 0 || count(got, "/openai#key1") == 0 {
			t.Errorf("probes = %v, want those of key1 alone", got)
		}
		if _, err := w.ProbeHealth(t.Context(), ann, engine.HealthSubject{AccountID: "acme", ProviderID: "own"}, false); engine.CodeOf(err) != engine.CodeConflict {
			t.Errorf("ProbeHealth() of what is disabled = %v, want a conflict", err)
		}
		found, err := w.ProbeHealth(t.Context(), root, openai, false)
		if err != nil || len(found) < 2 || !found[0].Check.OK || found[0].Subject != key1 {
			t.Errorf("ProbeHealth() = %+v, %v, want the key and the provider", found, err)
		}
		if _, err := w.ProbeHealth(t.Context(), ann, openai, false); engine.CodeOf(err) != engine.CodeForbidden {
			t.Errorf("ProbeHealth() of the operator's by a tenant = %v, want forbidden", err)
		}
	})
}

// Nothing that costs money is sent unless it is configured, nor beyond the cap of the day.
func TestPaidProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ahead := newShelf(), 23*time.Hour // so that the day ends soon
		now := func() time.Time { return time.Now().Add(ahead) }
		w := newWatch(t, s, func(c *health.MonitorConfig) { c.Now = now })
		time.Sleep(10 * time.Minute)
		if got := w.asker.paid(); len(got) != 0 {
			t.Fatalf("paid probes %v, want none unasked", got)
		}
		for _, c := range []struct {
			s    engine.HealthSubject
			paid engine.HealthPaidProbe
		}{
			{openai, engine.HealthPaidProbe{Enabled: true}},
			{openai, engine.HealthPaidProbe{Enabled: true, DailyCapNanoUSD: 1, Every: time.Second}},
			{engine.HealthSubject{ProviderID: "openai", Credential: "key1"}, engine.HealthPaidProbe{Enabled: true, DailyCapNanoUSD: 1}},
		} {
			if _, err := w.SetPaidProbe(t.Context(), root, c.s, c.paid); engine.CodeOf(err) != engine.CodeInvalid {
				t.Errorf("SetPaidProbe(%v, %+v) = %v, want it refused", c.s, c.paid, err)
			}
		}
		// 40 are taken for each call, of which it costs 10: the fourth would be beyond 70.
		if _, err := w.SetPaidProbe(t.Context(), root, gpt, engine.HealthPaidProbe{Enabled: true, DailyCapNanoUSD: 70, Every: 2 * time.Minute}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(49 * time.Minute) // until a minute before midnight
		synctest.Wait()
		if got := w.asker.paid(); len(got) != 4 || got[0] != "/openai#key1 gpt" {
			t.Errorf("paid probes = %v, want four of the model", got)
		}
		list, _, err := w.ListHealth(t.Context(), root, engine.HealthFilter{ProviderID: "openai", Kind: engine.HealthOfModel})
		if c := list[0].Control; err != nil || c.SpentNanoUSD != 40 || c.DailyCapNanoUSD != 70 || !list[0].Check.Paid {
			t.Errorf("control = %+v, check %+v, %v, want that 40 of 70 are spent", c, list[0].Check, err)
		}
		w.asker.mu.Lock()
		w.asker.call = func(engine.ProbeRequest) engine.Probe {
			p := failing(500)
			p.CostNanoUSD = 100 // more than it may, and than is left
			return p
		}
		w.asker.mu.Unlock()
		time.Sleep(10 * time.Minute) // another day
		synctest.Wait()
		if got := w.asker.paid(); len(got) != 5 {
			t.Errorf("paid probes = %d, want one more on another day", len(got))
		}
		if c := s.controls[gpt]; c.SpentNanoUSD != 70 {
			t.Errorf("spent = %d, want that the cap is used up", c.SpentNanoUSD)
		}
		w.stop()
	})
}
