package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func priceReplace(t *testing.T, d Database) {
	s := open(t, d)
	price := func(account, upstream string, from, above, input int64) engine.Price {
		return engine.Price{AccountID: account, ProviderID: "p", UpstreamID: upstream, From: at(from), AbovePrompt: above, Input: input}
	}
	others := []engine.Price{price("", "u", 1, 0, 1), price("", "u", 3, 0, 2), price("", "v", 2, 0, 3), price("acme", "u", 2, 0, 4)}
	for _, p := range others {
		must(t, "PutPrice()", s.PutPrice(t.Context(), p))
	}
	first := []engine.Price{price("", "u", 2, 0, 5), price("", "u", 2, 100, 6), price("", "u", 2, 200, 7)}
	was := revision(t, s)
	must(t, "ReplacePrices()", s.ReplacePrices(t.Context(), first))
	wantRevision(t, s, was, 1)
	wantPrices(t, s, others[0], first[0], first[1], first[2], others[1], others[2], others[3])

	second := price("", "u", 2, 100, 8)
	second.From = second.From.Add(999) // nanoseconds, which a row does not keep
	must(t, "ReplacePrices() again", s.ReplacePrices(t.Context(), []engine.Price{second}))
	second.From = at(2)
	wantPrices(t, s, others[0], second, others[1], others[2], others[3])

	was = revision(t, s)
	negative, elsewhere := price("", "u", 2, 0, -1), price("", "v", 2, 0, 1)
	wantInvalid(t, "ReplacePrices() of nothing", s.ReplacePrices(t.Context(), nil), "tiers")
	wantInvalid(t, "ReplacePrices() of a negative one", s.ReplacePrices(t.Context(), []engine.Price{first[0], negative}), "input")
	wantInvalid(t, "ReplacePrices() of two versions", s.ReplacePrices(t.Context(), []engine.Price{first[0], elsewhere}), "tiers")
	wantInvalid(t, "ReplacePrices() of a tier twice", s.ReplacePrices(t.Context(), []engine.Price{first[0], first[0]}), "above_prompt")
	wantRevision(t, s, was, 0)

	must(t, "DeletePrices()", s.DeletePrices(t.Context(), "", "p", "u", at(2)))
	wantRevision(t, s, was, 1)
	wantPrices(t, s, others...)
	for name, err := range map[string]error{
		"deleted before":  s.DeletePrices(t.Context(), "", "p", "u", at(2)),
		"another account": s.DeletePrices(t.Context(), "other", "p", "u", at(2)),
		"another time":    s.DeletePrices(t.Context(), "acme", "p", "u", at(2).Add(time.Millisecond)),
		"no key":          s.DeletePrices(t.Context(), "", "", "u", at(2)),
	} {
		wantErr(t, "DeletePrices() of "+name, err, engine.ErrNotFound)
	}
	wantRevision(t, s, was, 1)
	wantPrices(t, s, others...)
}

func wantPrices(t *testing.T, s engine.Store, want ...engine.Price) {
	t.Helper()
	got, err := s.ListPrices(t.Context())
	must(t, "ListPrices()", err)
	wantEqual(t, "ListPrices()", got, want)
}
