package cost

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// spendRequest begins the request id under which a Spend is kept.
const spendRequest = "external:"

// spendSpace is where ids of spends are made unique (RFC 9562, version 5).
var spendSpace = uuid.MustParse("6f1d3f64-5f0b-5b0c-9a58-6d1c9c0f3a7e")

// spendAge is how far back something may be written down.
const spendAge = 400 * day

// Record writes down what was spent elsewhere, once for each ID: the row is its own when the
// same was written before, with created false. A named user's team is its own unless another is
// named. Errors: CodeForbidden below account admin, CodeNotFound for tenants that the principal
// does not manage, CodeInvalid, CodeConflict when the ID stands for something else.
func (r *Reports) Record(ctx context.Context, p engine.Principal, s engine.Spend) (row engine.Usage, created bool, err error) {
	if p.Role.Rank() < engine.RoleAccountAdmin.Rank() {
		return row, false, engine.Errorf(engine.CodeForbidden, "Only an account's admins may write down what was spent.")
	}
	f, err := r.narrow(ctx, p, s.CostFilter, false)
	if err != nil {
		return row, false, err
	}
	if err := r.checkSpend(&s); err != nil {
		return row, false, err
	}
	if f.UserID != "" {
		u, err := r.cfg.Directory.GetUser(ctx, p, f.AccountID, f.UserID)
		if err != nil {
			return row, false, err
		}
		if f.TeamID == "" {
			f.TeamID = u.TeamID
		}
	}
	if f.KeyID != "" {
		k, err := r.cfg.Directory.GetKey(ctx, p, f.AccountID, f.KeyID)
		if err != nil {
			return row, false, err
		}
		if f.UserID == "" {
			f.UserID = k.UserID
		}
	}
	row = engine.Usage{
		AccountID: f.AccountID, ID: uuid.NewSHA1(spendSpace, []byte(f.AccountID+"\x00"+s.ID)).String(), Kind: engine.UsageExternal,
		RequestID: spendRequest + s.ID, Attempt: 1, TeamID: f.TeamID, UserID: f.UserID, KeyID: f.KeyID, TaskType: s.TaskType,
		ModelID: f.ModelID, ProviderID: s.ProviderID, Source: engine.SourceExternal, Tokens: s.Tokens, CostNanoUSD: s.CostNanoUSD,
		PremiumUse: s.PremiumUse, Outcome: engine.OutcomeOK, StartedAt: s.At.UTC().Truncate(time.Millisecond),
	}
	// The same id at another time would be another row: one is written after the other.
	select {
	case r.recording <- struct{}{}:
		defer func() { <-r.recording }()
	case <-ctx.Done():
		return row, false, ctx.Err()
	}
	if old, found, err := r.spend(ctx, row); err != nil || found {
		return old, false, err
	}
	// First the entry: nothing is spent of which it is not known who said so.
	if err := r.cfg.Store.AppendAudit(engine.Audited(ctx, r.cfg.Now(), row.AccountID, "usage.record", "usage/"+row.ID, recordedSpend(row, s.ID))); err != nil {
		return row, false, err
	}
	if err := r.cfg.Post(ctx, []engine.Usage{row}); err != nil {
		return row, false, err
	}
	return row, true, nil
}

// recordedSpend is what the audit log has of it.
func recordedSpend(row engine.Usage, id string) any {
	return struct {
		ID       string    `json:"id"`
		Provider string    `json:"provider"`
		Model    string    `json:"model,omitempty"`
		TeamID   string    `json:"team_id,omitempty"`
		UserID   string    `json:"user_id,omitempty"`
		KeyID    string    `json:"key_id,omitempty"`
		Amount   string    `json:"amount"`
		Tokens   int64     `json:"tokens,omitempty"`
		At       time.Time `json:"at"`
	}{id, row.ProviderID, row.ModelID, row.TeamID, row.UserID, row.KeyID, engine.FormatUSD(row.CostNanoUSD), row.Tokens.Total(), row.StartedAt}
}

// spend finds what was written under the row's id. Errors: CodeConflict when it is not the same.
func (r *Reports) spend(ctx context.Context, row engine.Usage) (old engine.Usage, found bool, err error) {
	rows, err := r.cfg.Store.ListUsage(ctx, row.AccountID, row.RequestID, scanRows)
	if err != nil {
		return old, false, err
	}
	for _, old := range rows {
		if old.ID != row.ID {
			continue
		}
		old.StartedAt = old.StartedAt.UTC()
		if old != row {
			return old, true, engine.Errorf(engine.CodeConflict, "That 'id' stands for something else that was spent.")
		}
		return old, true, nil
	}
	return row, false, nil
}

func (r *Reports) checkSpend(s *engine.Spend) error {
	const (
		longest   = 128
		most      = 1_000_000_000_000_000 // tokens
		mostCenti = 1_000_000_000
	)
	now := r.cfg.Now()
	for _, text := range []struct{ member, value string }{
		{"id", s.ID}, {"provider", s.ProviderID}, {"model", s.ModelID}, {"task_type", s.TaskType}, {"team_id", s.TeamID},
	} {
		if len(text.value) > longest || strings.ToValidUTF8(text.value, "") != text.value || strings.ContainsFunc(text.value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return invalid(text.member, fmt.Sprintf("'%s' must be one line of at most %d bytes.", text.member, longest))
		}
	}
	switch t := s.Tokens; {
	case s.ID == "":
		return invalid("id", "'id' is required.")
	case s.ProviderID == "":
		return invalid("provider", "'provider' is required.")
	case s.CostNanoUSD < 0 || s.CostNanoUSD > engine.MaxSpendNanoUSD:
		return invalid("cost_usd", "The cost must be 0 to 1,000,000 dollars.")
	case min(t.Prompt, t.Cached, t.CacheWrite, t.CacheWrite1h, t.Completion, t.Reasoning) < 0,
		max(t.Prompt, t.Cached, t.CacheWrite, t.CacheWrite1h, t.Completion, t.Reasoning) > most:
		return invalid("tokens", "Counts of tokens must be 0 to 10^15.")
	case s.PremiumUse < 0 || s.PremiumUse > mostCenti:
		return invalid("premium_requests", "'premium_requests' must be 0 to 10,000,000.")
	case s.At.IsZero():
		return invalid("at", "'at' is required.")
	case s.At.After(now.Add(time.Hour)) || s.At.Before(now.Add(-spendAge)):
		return invalid("at", "'at' must be within the last 400 days.")
	}
	return nil
}
