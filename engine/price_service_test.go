package engine_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
)

// pricedOffice is an office with the seed's catalogue, and with acme's own provider and model.
func pricedOffice(t *testing.T) (*office, *engine.PriceService) {
	t.Helper()
	o := newOffice(t)
	seed, err := store.LoadCatalogue(o.now)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(seed.Providers, engine.Provider{AccountID: "acme", ID: "own", Enabled: true}) {
		must(t, o.PutProvider(t.Context(), p))
	}
	for _, m := range append(seed.Models, engine.Model{AccountID: "acme", ID: "house", ProviderID: "own", UpstreamID: "house-1", Enabled: true}) {
		must(t, o.PutModel(t.Context(), m))
	}
	for _, p := range seed.Prices {
		must(t, o.PutPrice(t.Context(), p))
	}
	must(t, o.reload(t.Context()))
	return o, o.models().Prices(o.Store)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func price(input, output int64) engine.Price {
	return engine.Price{Input: input * 1e9, Output: output * 1e9}
}

func TestSetPrice(t *testing.T) {
	t.Parallel()
	above := price(7, 70)
	above.AbovePrompt = 1000
	cheaperCache := price(5, 50)
	cheaperCache.CachedInput = new(int64)
	negative := price(5, 50)
	negative.PerImage = -1
	day := func(text string) time.Time {
		d, err := time.Parse(time.DateOnly, text)
		must(t, err)
		return d
	}
	tests := []struct {
		name      string
		who       engine.Principal
		model     string
		v         engine.PriceVersion
		wantCode  engine.Code
		wantParam string
		upstream  string // that it is stored for
	}{
		{name: "global", who: super, model: "gpt-5", v: engine.PriceVersion{Tiers: []engine.Price{price(1, 2)}}, upstream: "gpt-5"},
		{name: "tiers in any order", who: super, model: "gpt-5", v: engine.PriceVersion{Tiers: []engine.Price{above, price(1, 2)}}, upstream: "gpt-5"},
		{name: "to come", who: super, model: "gpt-5", v: engine.PriceVersion{From: day("2027-02-01"), Tiers: []engine.Price{price(1, 2)}}, upstream: "gpt-5"},
		{name: "past", who: super, model: "gpt-5", v: engine.PriceVersion{From: day("2026-02-01"), Tiers: []engine.Price{price(1, 2)}}, upstream: "gpt-5"},
		{name: "of what replaces the model", who: super, model: "gpt-5.1-codex", v: engine.PriceVersion{Tiers: []engine.Price{price(1, 2)}}, upstream: "gpt-5.3-codex"},
		{name: "of what it was", who: super, model: "gpt-5.1-codex", v: engine.PriceVersion{From: day("2026-02-01"), Tiers: []engine.Price{price(1, 2)}}, upstream: "gpt-5.1-codex"},
		{name: "of an account by the super admin", who: super, model: "gpt-5", v: engine.PriceVersion{AccountID: "acme", Tiers: []engine.Price{price(0, 0)}}, upstream: "gpt-5"},
		{name: "of its own provider", who: admin, model: "house", v: engine.PriceVersion{AccountID: "acme", Tiers: []engine.Price{price(0, 0)}}, upstream: "house-1"},
		{name: "dearer than the operator's", who: admin, model: "gpt-5", v: engine.PriceVersion{AccountID: "acme", Tiers: []engine.Price{price(8, 80)}}, upstream: "gpt-5"},
		{name: "cheaper than the operator's", who: admin, model: "gpt-5", v: engine.PriceVersion{AccountID: "acme", Tiers: []engine.Price{price(1, 50)}}, wantCode: engine.CodeForbidden},
		{name: "cheaper in one kind", who: admin, model: "gpt-5", v: engine.PriceVersion{AccountID: "acme", Tiers: []engine.Price{cheaperCache}}, wantCode: engine.CodeForbidden},
		{name: "cheaper in a tier of the operator's", who: admin, model: "gemini-2.5-pro", v: engine.PriceVersion{AccountID: "acme", Tiers: []engine.Price{price(2, 50)}}, wantCode: engine.CodeForbidden},
		{name: "cheaper in a tier of its own", who: admin, model: "gpt-5", v: engine.PriceVersion{AccountID: "acme", Tiers: []engine.Price{price(5, 50), {AbovePrompt: 9, Input: 5e9}}}, wantCode: engine.CodeForbidden},
		{name: "before any of the operator's", who: admin, model: "gpt-5", v: engine.PriceVersion{AccountID: "acme", From: day("2024-01-01"), Tiers: []engine.Price{price(5, 50)}}, wantCode: engine.CodeForbidden},
		{name: "global by an account's admin", who: admin, model: "gpt-5", v: engine.PriceVersion{Tiers: []engine.Price{price(5, 50)}}, wantCode: engine.CodeForbidden},
		{name: "of another account", who: foreign, model: "gpt-5", v: engine.PriceVersion{AccountID: "acme", Tiers: []engine.Price{price(5, 50)}}, wantCode: engine.CodeNotFound},
		{name: "of another account's model", who: foreign, model: "house", v: engine.PriceVersion{AccountID: "other", Tiers: []engine.Price{price(5, 50)}}, wantCode: engine.CodeNotFound},
		{name: "by a user", who: user, model: "gpt-5", v: engine.PriceVersion{AccountID: "acme", Tiers: []engine.Price{price(5, 50)}}, wantCode: engine.CodeForbidden},
		{name: "of no model", who: super, model: "none", v: engine.PriceVersion{Tiers: []engine.Price{price(1, 2)}}, wantCode: engine.CodeNotFound},
		{name: "of another upstream model", who: super, model: "gpt-5", v: engine.PriceVersion{UpstreamID: "gpt-4o", Tiers: []engine.Price{price(1, 2)}}, wantCode: engine.CodeInvalid, wantParam: "upstream_id"},
		{name: "no tiers", who: super, model: "gpt-5", wantCode: engine.CodeInvalid, wantParam: "tiers"},
		{name: "not of every prompt", who: super, model: "gpt-5", v: engine.PriceVersion{Tiers: []engine.Price{above}}, wantCode: engine.CodeInvalid, wantParam: "tiers"},
		{name: "a tier twice", who: super, model: "gpt-5", v: engine.PriceVersion{Tiers: []engine.Price{price(1, 2), above, above}}, wantCode: engine.CodeInvalid, wantParam: "tiers"},
		{name: "too many tiers", who: super, model: "gpt-5", v: engine.PriceVersion{Tiers: make([]engine.Price, engine.MaxPriceTiers+1)}, wantCode: engine.CodeInvalid, wantParam: "tiers"},
		{name: "negative", who: super, model: "gpt-5", v: engine.PriceVersion{Tiers: []engine.Price{negative}}, wantCode: engine.CodeInvalid, wantParam: "tiers"},
		{name: "overflowed", who: super, model: "gpt-5", v: engine.PriceVersion{Tiers: []engine.Price{{Input: math.MinInt64}}}, wantCode: engine.CodeInvalid, wantParam: "tiers"},
		{name: "long ago", who: super, model: "gpt-5", v: engine.PriceVersion{From: day("2019-12-31"), Tiers: []engine.Price{price(1, 2)}}, wantCode: engine.CodeInvalid, wantParam: "from"},
		{name: "far ahead", who: super, model: "gpt-5", v: engine.PriceVersion{From: day("2046-12-31"), Tiers: []engine.Price{price(1, 2)}}, wantCode: engine.CodeInvalid, wantParam: "from"},
		{name: "a source of two lines", who: super, model: "gpt-5", v: engine.PriceVersion{Source: "a\nb", Tiers: []engine.Price{price(1, 2)}}, wantCode: engine.CodeInvalid, wantParam: "source"},
	}
	o, s := pricedOffice(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, err := o.ListPrices(t.Context())
			must(t, err)
			v, err := s.SetPrice(t.Context(), tt.who, tt.model, tt.v)
			if engine.CodeOf(err) != tt.wantCode {
				t.Fatalf("SetPrice() = %v, want %q", err, tt.wantCode)
			}
			if e, ok := err.(*engine.Error); ok && e.Param != tt.wantParam {
				t.Errorf("param = %q, want %q", e.Param, tt.wantParam)
			}
			after, err := o.ListPrices(t.Context())
			must(t, err)
			if tt.wantCode != "" {
				if len(after) != len(before) {
					t.Errorf("%d rows of prices after a refusal, want %d", len(after), len(before))
				}
				return
			}
			mine := slices.DeleteFunc(after, func(p engine.Price) bool {
				return p.AccountID != tt.v.AccountID || p.UpstreamID != tt.upstream || !p.From.Equal(v.From)
			})
			if len(mine) != len(tt.v.Tiers) || !slices.IsSortedFunc(mine, func(a, b engine.Price) int { return int(a.AbovePrompt - b.AbovePrompt) }) {
				t.Errorf("stored %+v, want the %d tiers", mine, len(tt.v.Tiers))
			}
			got, _ := o.catalogue.Load().AccountPrice(tt.v.AccountID, v.ProviderID, tt.upstream, v.From, 0)
			if got.Input != v.Tiers[0].Input || got.AccountID != tt.v.AccountID {
				t.Errorf("in force = %+v, want %+v", got, v.Tiers[0])
			}
		})
	}
}

func TestPriceHistory(t *testing.T) {
	t.Parallel()
	o, s := pricedOffice(t)
	set := func(who engine.Principal, account string, from time.Time, input int64) {
		t.Helper()
		_, err := s.SetPrice(t.Context(), who, "gpt-5", engine.PriceVersion{AccountID: account, From: from, Tiers: []engine.Price{price(input, 100)}})
		must(t, err)
	}
	next := o.now.AddDate(0, 1, 0)
	set(super, "", o.now, 3)
	set(super, "", next, 4)
	set(admin, "acme", o.now, 5)
	set(foreign, "other", o.now, 6)
	show := func(who engine.Principal, account string) (out []string) {
		list, err := s.ListPrices(t.Context(), who, account, "gpt-5")
		must(t, err)
		for _, v := range list {
			out = append(out, fmt.Sprint(v.AccountID, " ", v.Tiers[0].Input/1e9, " ", v.InForce))
		}
		return out
	}
	for _, tt := range []struct {
		name, account string
		who           engine.Principal
		want          []string
	}{
		{"the operator's", "", super, []string{" 4 false", " 3 true", " 1 false"}},
		{"a user of acme", "acme", user, []string{" 4 false", "acme 5 true", " 3 false", " 1 false"}},
	} {
		if got := show(tt.who, tt.account); !slices.Equal(got, tt.want) {
			t.Errorf("%s: prices = %q, want %q", tt.name, got, tt.want)
		}
	}
	if _, err := s.ListPrices(t.Context(), foreign, "acme", "gpt-5"); engine.CodeOf(err) != engine.CodeNotFound {
		t.Errorf("ListPrices() of another account = %v, want not found", err)
	}
	for _, tt := range []struct {
		name    string
		who     engine.Principal
		account string
		from    time.Time
		want    engine.Code
	}{
		{"one that holds", super, "", o.now, engine.CodeConflict},
		{"a global one by an account's admin", admin, "", next, engine.CodeForbidden},
		{"one that is not there", super, "", next.Add(1), engine.CodeNotFound},
		{"another account's", foreign, "acme", o.now, engine.CodeNotFound},
		{"one to come", super, "", next, ""},
		{"it again", super, "", next, engine.CodeNotFound},
	} {
		if err := s.DeletePrice(t.Context(), tt.who, tt.account, "gpt-5", "", tt.from); engine.CodeOf(err) != tt.want {
			t.Errorf("DeletePrice() of %s = %v, want %q", tt.name, err, tt.want)
		}
	}
	if got := show(super, ""); len(got) != 2 {
		t.Errorf("prices after the deletion = %q, want two", got)
	}
	entries, err := o.ReadAudit(t.Context(), "", 0, 100)
	must(t, err)
	var actions []string
	for _, e := range entries {
		actions = append(actions, e.Action+" "+e.Object)
	}
	if got := strings.Join(actions, ", "); got != "price.set price/gpt-5, price.set price/gpt-5, price.delete price/gpt-5" {
		t.Errorf("audit = %s, want each change once", got)
	}
}

// ledgerOf shows the kinds and costs of a model's rows, and their sum.
func ledgerOf(t *testing.T, o *office, account, model string) (rows []string, sum int64) {
	t.Helper()
	list, _, err := o.PageUsage(t.Context(), engine.UsageQuery{AccountID: account, To: o.now.AddDate(1, 0, 0), Limit: 1000})
	must(t, err)
	for _, u := range list {
		if u.ModelID == model {
			rows = append(rows, fmt.Sprint(u.Kind, " ", u.CostNanoUSD))
			sum += u.CostNanoUSD
		}
	}
	return rows, sum
}

func TestRerate(t *testing.T) {
	t.Parallel()
	o, s := pricedOffice(t)
	start := o.now.AddDate(0, 0, -10)
	row := func(account, model, upstream string, n int, cost int64) engine.Usage {
		return engine.Usage{
			AccountID: account, ID: fmt.Sprintf("%s-%s-%d", account, model, n), RequestID: "r", Attempt: 1, KeyID: "k", UserID: "u", TeamID: "t",
			ModelID: model, ProviderID: "openai", UpstreamID: upstream, Source: "rule-1", Tokens: engine.Tokens{Prompt: 1000, Completion: 10},
			CostNanoUSD: cost, PriceFrom: o.now.AddDate(-1, 0, 0), Outcome: engine.OutcomeOK, PremiumUse: 100,
			// Two and two begin at one instant.
			StartedAt: start.Add(time.Duration(n/2) * time.Hour),
		}
	}
	const right = 1000*1250 + 10*10_000 // at gpt-5's price of the seed
	var rows []engine.Usage
	for n := range 7 {
		rows = append(rows, row("acme", "gpt-5", "gpt-5", n, right))
	}
	rows = append(rows, row("other", "gpt-5", "gpt-5", 3, right), row("acme", "gpt-4o", "gpt-4o", 1, 5))
	failed := row("acme", "gpt-5", "gpt-5", 20, 0)
	failed.Tokens = engine.Tokens{}
	unknown := row("acme", "gpt-5", "gone", 22, 0)
	unknown.Unpriced = true
	external := row("acme", "gpt-5", "gpt-5", 24, 77)
	external.Kind = engine.UsageExternal
	rows = append(rows, failed, unknown, external)
	must(t, o.AddUsage(t.Context(), rows))

	run := func(who engine.Principal, account string, r engine.Rerating) engine.Rerated {
		t.Helper()
		if r.To.IsZero() {
			r.From, r.To = start, o.now
		}
		done, err := s.Rerate(t.Context(), who, account, "gpt-5", r)
		must(t, err)
		return done
	}
	if got := run(admin, "acme", engine.Rerating{}); got != (engine.Rerated{Rows: 8, Unpriced: 1}) {
		t.Errorf("Rerate() of what is right = %+v, want 8 rows left alone", got)
	}
	// The price was a dollar dearer from the second hour on, as is learnt now.
	_, err := s.SetPrice(t.Context(), super, "gpt-5", engine.PriceVersion{From: start.Add(time.Hour), Tiers: []engine.Price{{Input: 2_250_000_000, Output: 10_000_000_000}}})
	must(t, err)
	want := engine.Rerated{Rows: 8, Unpriced: 1, Changed: 5, DifferenceNanoUSD: 5 * 1_000_000}
	if got := run(admin, "acme", engine.Rerating{DryRun: true}); got != want {
		t.Errorf("Rerate(dry run) = %+v, want %+v", got, want)
	}
	if list, _ := ledgerOf(t, o, "acme", "gpt-5"); len(list) != 10 {
		t.Errorf("a dry run wrote: %q", list)
	}
	if got := run(admin, "acme", engine.Rerating{}); got != want {
		t.Errorf("Rerate() = %+v, want %+v", got, want)
	}
	if _, sum := ledgerOf(t, o, "acme", "gpt-5"); sum != 7*right+5*1_000_000+77 {
		t.Errorf("sum = %d, want %d", sum, 7*right+5*1_000_000+77)
	}
	if got := run(admin, "acme", engine.Rerating{}); got.Changed != 0 || got.DifferenceNanoUSD != 0 {
		t.Errorf("Rerate() again = %+v, want nothing changed", got)
	}
	if got := run(super, "", engine.Rerating{}); got.Changed != 1 || got.DifferenceNanoUSD != 1_000_000 || got.Rows != 9 {
		t.Errorf("Rerate() of all accounts = %+v, want the other account's row corrected", got)
	}

	// A correction is corrected too, back and down.
	_, err = s.SetPrice(t.Context(), super, "gpt-5", engine.PriceVersion{From: start.Add(time.Hour), Tiers: []engine.Price{{Input: 250_000_000, Output: 10_000_000_000}}})
	must(t, err)
	if got := run(admin, "acme", engine.Rerating{}); got.Changed != 5 || got.DifferenceNanoUSD != 5*-2_000_000 {
		t.Errorf("Rerate() at a lower price = %+v, want 5 rows 2,000,000 less", got)
	}
	list, sum := ledgerOf(t, o, "acme", "gpt-5")
	if sum != 7*right-5*1_000_000+77 || len(list) != 10+10 {
		t.Errorf("ledger = %q with the sum %d, want two corrections of each of five rows", list, sum)
	}
	// Reports follow: the corrections are of their rows' days and keys.
	report, err := o.Report(t.Context(), engine.ReportQuery{AccountID: "acme", ModelID: "gpt-5", From: start.Truncate(24 * time.Hour), To: o.now.Truncate(24 * time.Hour), Grain: engine.GrainDay, GroupBy: []string{engine.DimKey, engine.DimRule}})
	must(t, err)
	if len(report) != 1 || report[0].CostNanoUSD != sum || report[0].Attempts != 9 {
		t.Errorf("Report() = %+v, want one group of 9 attempts that cost %d", report, sum)
	}

	for name, err := range map[string]error{
		"a user's":          second(s.Rerate(t.Context(), user, "acme", "gpt-5", engine.Rerating{From: start, To: o.now})),
		"all by an admin":   second(s.Rerate(t.Context(), admin, "", "gpt-5", engine.Rerating{From: start, To: o.now})),
		"another account's": second(s.Rerate(t.Context(), foreign, "acme", "gpt-5", engine.Rerating{From: start, To: o.now})),
		"no time":           second(s.Rerate(t.Context(), admin, "acme", "gpt-5", engine.Rerating{From: start, To: start})),
	} {
		if code := engine.CodeOf(err); code != engine.CodeForbidden && code != engine.CodeNotFound && code != engine.CodeInvalid {
			t.Errorf("Rerate() of %s = %v, want a refusal", name, err)
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

// TestRerateGoesOn: however little one call reads, the whole is the same, and each row is
// rated once; and two that rate at once write no more than one.
func TestRerateGoesOn(t *testing.T) {
	t.Parallel()
	for _, step := range []int{1, 2, 3, 7, 1000} {
		o, s := pricedOffice(t)
		start := o.now.AddDate(0, 0, -1)
		const n = 23
		var rows []engine.Usage
		for i := range n {
			rows = append(rows, engine.Usage{
				AccountID: []string{"acme", "other"}[i%2], ID: fmt.Sprintf("row-%02d", i), ModelID: "gpt-5", ProviderID: "openai", UpstreamID: "gpt-5",
				Tokens: engine.Tokens{Prompt: 1000}, StartedAt: start.Add(time.Duration(i/6) * time.Minute), // cost 0: nobody knew the price
			})
		}
		must(t, o.AddUsage(t.Context(), rows))
		total, calls := int64(0), 0
		r := engine.Rerating{From: start, To: o.now, MaxRows: step}
		stale := beforeCorrections{o.Store, slices.Clone(rows)}
		for more := true; more; calls++ {
			done, err := s.Rerate(t.Context(), super, "", "gpt-5", r)
			must(t, err)
			total += done.Changed
			more, r.After = done.More, done.Next
			if calls > 2*n {
				t.Fatalf("%d rows a call: it does not end", step)
			}
		}
		if total != n {
			t.Errorf("%d rows a call: %d rows changed in %d calls, want %d", step, total, calls, n)
		}
		// One that has read the ledger before the other wrote.
		late, err := o.models().Prices(stale).Rerate(t.Context(), super, "", "gpt-5", engine.Rerating{From: start, To: o.now})
		if err != nil || late.Changed != n {
			t.Errorf("the late one = %+v, %v, want it to see no correction", late, err)
		}
		_, one := ledgerOf(t, o, "acme", "gpt-5")
		_, two := ledgerOf(t, o, "other", "gpt-5")
		if one+two != n*1_250_000 {
			t.Errorf("%d rows a call: the sum is %d, want %d", step, one+two, n*1_250_000)
		}
	}
}

// beforeCorrections reads the ledger as it was before any correction.
type beforeCorrections struct {
	engine.Store
	rows []engine.Usage
}

func (b beforeCorrections) PageUsage(ctx context.Context, q engine.UsageQuery) ([]engine.Usage, string, error) {
	page, next, err := b.Store.PageUsage(ctx, q)
	return slices.DeleteFunc(page, func(u engine.Usage) bool { return u.Kind == engine.UsageCorrection }), next, err
}

// What is billed by image is rated again by the number of images, which rows of before do not have.
func TestRerateImages(t *testing.T) {
	t.Parallel()
	o, s := pricedOffice(t)
	dated := o.now.AddDate(0, 0, -2)
	with := price(1, 1)
	with.PerImage = 1_000
	version := engine.PriceVersion{From: dated, Tiers: []engine.Price{with}}
	_, err := s.SetPrice(t.Context(), super, "gpt-5", version)
	must(t, err)
	row := engine.Usage{
		AccountID: "acme", ID: "three", ModelID: "gpt-5", ProviderID: "openai", UpstreamID: "gpt-5", PriceFrom: dated,
		Tokens: engine.Tokens{Prompt: 1}, Images: 3, StartedAt: o.now.Add(-time.Hour),
	}
	row.CostNanoUSD = with.Cost(row.Tokens) + 3_000
	old := row
	old.ID, old.Images, old.StartedAt = "before rows had images", 0, o.now.Add(-2*time.Hour)
	none := old
	none.ID, none.CostNanoUSD, none.StartedAt = "without images", with.Cost(row.Tokens), o.now.Add(-3*time.Hour)
	must(t, o.AddUsage(t.Context(), []engine.Usage{row, old, none}))
	ask := engine.Rerating{From: o.now.AddDate(0, 0, -1), To: o.now}
	done, err := s.Rerate(t.Context(), super, "", "gpt-5", ask)
	if want := (engine.Rerated{Rows: 3, Skipped: 1}); err != nil || done != want {
		t.Errorf("Rerate() at the same price = %+v, %v, want %+v", done, err, want)
	}
	with.PerImage = 5_000
	version.Tiers = []engine.Price{with}
	_, err = s.SetPrice(t.Context(), super, "gpt-5", version)
	must(t, err)
	done, err = s.Rerate(t.Context(), super, "", "gpt-5", ask)
	if want := (engine.Rerated{Rows: 3, Skipped: 1, Changed: 1, DifferenceNanoUSD: 12_000}); err != nil || done != want {
		t.Errorf("Rerate() at a dearer image = %+v, %v, want %+v", done, err, want)
	}
}
