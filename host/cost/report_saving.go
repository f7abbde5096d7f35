package cost

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Save compares what was spent with what the same tokens would have cost at the caller's
// default model (of the user, team or account whose rows they are), or at the one named. Step by step, each model's tokens are taken at the
// price that was in force when the step began (else when it ended), in the tier of their
// mean prompt; attempts that failed count as they were billed. What was spent elsewhere is left
// out, and embeddings are compared with nothing but embeddings. GroupBy, Series and Limit are
// ignored. Errors: those of Report; CodeInvalid for a model that has no price.
func (r *Reports) Save(ctx context.Context, p engine.Principal, q engine.CostQuery, modelID string) (out engine.CostSavings, err error) {
	if q.CostFilter, err = r.narrow(ctx, p, q.CostFilter, false); err != nil {
		return out, err
	}
	s, err := spanOf(q, r.cfg.Now())
	if err != nil {
		return out, err
	}
	b, err := r.baseline(p, q.CostFilter, modelID)
	if err != nil {
		return out, err
	}
	out.AccountID, out.From, out.To, out.Grain, out.ModelID = q.AccountID, s.from, s.to, s.grain, b.model.ID
	ask := asked(q.CostFilter, s)
	ask.Series, ask.GroupBy = true, []string{engine.DimModel, engine.DimRule}
	rows, err := r.cfg.Store.Report(ctx, ask)
	if err != nil {
		return out, err
	}
	models := map[string]*engine.CostSaving{}
	for i := range rows {
		row := &rows[i]
		if row.Group[engine.DimRule] == engine.SourceExternal {
			continue
		}
		id := row.Group[engine.DimModel]
		m := models[id]
		if m == nil {
			m = &engine.CostSaving{ModelID: id, Unlike: b.unlike(id)}
			models[id] = m
		}
		would := row.CostNanoUSD
		if !m.Unlike {
			var known bool
			if would, known = b.cost(row, row.At.Add(step(ask.Grain))); !known {
				return out, invalid("model", "No price of "+b.model.ID+" is known for "+row.At.Format(time.DateOnly)+". Ask for a later 'from', or name another model.")
			}
		}
		m.Add(row, would)
		if !m.Unlike {
			out.Total.Add(row, would)
		}
	}
	for _, m := range models {
		out.Models = append(out.Models, *m)
	}
	slices.SortFunc(out.Models, func(a, b engine.CostSaving) int {
		return cmp.Or(cmp.Compare(b.SpentNanoUSD, a.SpentNanoUSD), cmp.Compare(a.ModelID, b.ModelID))
	})
	return out, nil
}

// baseline is a model that others are compared with.
type baseline struct {
	catalogue *engine.Catalogue
	account   string
	model     engine.Model
}

// baseline finds the model named, else the one that requests go to when no rule matches: of
// the user, team or account that the rows are of.
func (r *Reports) baseline(p engine.Principal, f engine.CostFilter, id string) (baseline, error) {
	b := baseline{catalogue: r.cfg.Catalogue(), account: f.AccountID}
	if id == "" && r.cfg.Policies != nil {
		whose := engine.Principal{AccountID: f.AccountID, TeamID: f.TeamID, UserID: f.UserID}
		if f.AccountID == p.AccountID && f.UserID == p.UserID {
			whose.TeamID = p.TeamID
		}
		if policy := r.cfg.Policies().Of(whose); policy != nil {
			id = policy.DefaultModel
		}
	}
	id = cmp.Or(id, r.cfg.DefaultModel)
	var ok bool
	if b.model, ok = b.catalogue.Model(b.account, id); !ok {
		return b, invalid("model", "There is no such model in the catalogue.")
	}
	return b, nil
}

// unlike reports whether the model does something else. One that is no longer in the
// catalogue is taken for a chat.
func (b baseline) unlike(id string) bool {
	m, _ := b.catalogue.Model(b.account, id)
	return m.Has(engine.CapEmbeddings) != b.model.Has(engine.CapEmbeddings)
}

// cost is what the row's tokens would have cost.
func (b baseline) cost(row *engine.ReportRow, end time.Time) (nanoUSD int64, known bool) {
	if row.Tokens == (engine.Tokens{}) {
		return 0, true
	}
	prompt := row.Tokens.Prompt / max(row.Attempts, 1)
	for _, at := range [...]time.Time{row.At, end} {
		served, _, _ := b.model.At(at)
		if price, ok := b.catalogue.AccountPrice(b.account, served.ProviderID, served.UpstreamID, at, prompt); ok {
			return price.Cost(row.Tokens), true
		}
	}
	return 0, false
}
