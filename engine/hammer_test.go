package engine

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// Many callers of both kinds, some of which leave, while the catalogue is swapped under
// them. Each request sees one catalogue from its plan to its price, each attempt has
// one row, and nothing stays open. Run it with -race.
func TestPipelineHammer(t *testing.T) {
	t.Parallel()
	g := newRig(t, map[string]*script{
		"a": {status: 503},
		"b": {body: works("from b").body, events: works("from b").events},
		"c": {body: "garbage", events: []string{roleChunk, dataPanic}},
		"d": {body: works("from d").body, events: []string{deltaOf(0, "from"), markCut}},
	})
	first := g.catalogue.Load()
	models, providers := first.Models(""), first.Providers("")
	var dear []Price
	var renamed []Model
	for _, m := range models {
		m.UpstreamID += "-dear"
		renamed = append(renamed, m)
		dear = append(dear, Price{ProviderID: m.ProviderID, UpstreamID: m.UpstreamID, Input: 2 * promptPrice * 1e6, Output: 2 * completionPrice * 1e6})
	}
	second := NewCatalogue(renamed, providers, dear)
	g.decide = func(_ context.Context, r *Request) (Decision, error) {
		ids := []string{"m-a", "m-b", "m-c", "m-d"}
		rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		return Decision{Source: "shuffled", Models: ids, Only: true}, nil
	}

	var callers sync.WaitGroup
	const callersN, requests = 8, 150
	attempts := make([]int, callersN)
	for i := range callersN {
		callers.Go(func() {
			for range requests {
				g.catalogue.Store([]*Catalogue{first, second}[rand.IntN(2)])
				ctx, cancel := context.WithCancel(t.Context())
				if rand.IntN(4) == 0 {
					go cancel()
				}
				r := rigRequest(t, "")
				if rand.IntN(2) == 0 {
					c, _ := g.Complete(ctx, r)
					attempts[i] += c.Meta.Attempts
					cancel()
					continue
				}
				r.Stream = true
				s, meta, err := g.Stream(ctx, r)
				attempts[i] += meta.Attempts
				if err == nil {
					if rand.IntN(3) > 0 {
						read(ctx, s)
					}
					s.Close()
				}
				cancel()
			}
		})
	}
	callers.Wait()
	drained, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := g.Drain(drained); err != nil {
		t.Errorf("Drain = %v", err)
	}
	g.closed(t)

	total := 0
	for _, n := range attempts {
		total += n
	}
	rows := g.ledger.all()
	if len(rows) != total {
		t.Errorf("%d rows for %d attempts", len(rows), total)
	}
	ids, both := map[string]bool{}, map[bool]bool{}
	for _, r := range rows {
		if ids[r.ID] {
			t.Errorf("two rows have the id %s", r.ID)
		}
		ids[r.ID] = true
		factor := int64(1)
		if r.UpstreamID == "up-"+r.ProviderID+"-dear" {
			factor = 2
		}
		both[factor == 2] = true
		if want := factor * (r.Tokens.Prompt*promptPrice + r.Tokens.Completion*completionPrice); r.CostNanoUSD != want {
			t.Fatalf("row %+v costs %d, want %d by its own catalogue", r, r.CostNanoUSD, want)
		}
	}
	if len(both) != 2 {
		t.Error("only one of the two catalogues was seen")
	}
}
