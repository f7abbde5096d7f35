package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// LimitGauge says what the limits in force have left. A *ratelimit.Limiter is one.
type LimitGauge interface {
	// Standing says it as far as this process knows.
	Standing(q *engine.LimitRequest) []engine.LimitStanding
	// Stats says it of all replicas.
	Stats(ctx context.Context, q engine.LimitStatQuery) (engine.LimitStats, error)
}

// LimitConfig is what the management of rate limits is made of. All of it is required.
type LimitConfig struct {
	Keys      *Keys // whose tenants they are for
	Store     engine.LimitStore
	Gauge     LimitGauge
	Catalogue func() *engine.Catalogue
	// Reload puts the stored limits in force in this process.
	Reload func(context.Context) error
	Now    func() time.Time
}

// Limits is the management of rate limits: an account admin's of its account, a team
// lead's of its team and the users and keys in it, a super admin's of everybody. A team lead
// changes only what a lead made. Safe for concurrent use.
type Limits struct {
	LimitConfig
	changing chan struct{} // 1 slot: one change at a time, without a lock held over queries
}

// NewLimits returns the service.
func NewLimits(cfg LimitConfig) *Limits { return &Limits{cfg, make(chan struct{}, 1)} }

// ListLimits returns those of the account and global ones that the principal may see, in
// the store's order. Errors: CodeNotFound for another account.
func (s *Limits) ListLimits(ctx context.Context, p engine.Principal, account string) ([]engine.Limit, error) {
	d, err := s.Keys.read(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := d.account(p, account); err != nil {
		return nil, err
	}
	rows, err := s.Store.ListLimits(ctx)
	if err != nil {
		return nil, fmt.Errorf("list limits: %w", err)
	}
	return slices.DeleteFunc(rows, func(l engine.Limit) bool {
		return l.AccountID != "" && l.AccountID != account || !d.readsLimit(p, l)
	}), nil
}

// GetLimit returns one. Errors: CodeNotFound, also for one that the principal may not see.
func (s *Limits) GetLimit(ctx context.Context, p engine.Principal, account, id string) (engine.Limit, error) {
	d, err := s.Keys.read(ctx)
	if err != nil {
		return engine.Limit{}, err
	}
	return s.get(ctx, d, p, account, id)
}

func (s *Limits) get(ctx context.Context, d *directory, p engine.Principal, account, id string) (engine.Limit, error) {
	if account != "" && !sees(p, account) {
		return engine.Limit{}, notFound("limit", id)
	}
	l, err := s.Store.GetLimit(ctx, account, id)
	if errors.Is(err, engine.ErrNotFound) || err == nil && !d.readsLimit(p, l) {
		return engine.Limit{}, notFound("limit", id)
	}
	return l, err
}

// CreateLimit checks, stores and puts in force a new one. An empty id is made of the name.
// Errors: CodeNotFound for another account, CodeForbidden, CodeInvalid with the member at
// fault, CodeConflict when the id is taken or there are too many.
func (s *Limits) CreateLimit(ctx context.Context, p engine.Principal, l engine.Limit) (engine.Limit, error) {
	var err error
	if l.ID, err = newID(l.ID, l.Name); err != nil {
		return l, err
	}
	err = s.change(ctx, func(d *directory, now time.Time) error {
		if l.AccountID != "" {
			if _, err := d.account(p, l.AccountID); err != nil {
				return err
			}
		}
		l.Resets, l.CreatedAt, l.UpdatedAt, l.LeastRole = 0, now, now, leastRole(p)
		if err := s.check(d, p, &engine.Limit{}, &l); err != nil {
			return err
		}
		if err := s.room(ctx, l.AccountID); err != nil {
			return err
		}
		return taken(s.Store.CreateLimit(auditedLimit(ctx, now, "create", l), l), "limit", l.ID)
	})
	return l, err
}

// ChangeLimit applies edit, maybe more than once, to the row as it is stored; what it does
// to the key, times, author and resets is undone. was is the UpdatedAt that the caller saw;
// zero: whatever is stored. Errors: those of CreateLimit, CodeConflict when it changed meanwhile.
func (s *Limits) ChangeLimit(ctx context.Context, p engine.Principal, account, id string, was time.Time, edit func(*engine.Limit)) (engine.Limit, error) {
	return s.alter(ctx, p, account, id, was, "update", func(d *directory, old engine.Limit, row *engine.Limit) error {
		edit(row)
		row.AccountID, row.ID, row.Resets, row.CreatedAt, row.LeastRole = old.AccountID, old.ID, old.Resets, old.CreatedAt, old.LeastRole
		return s.check(d, p, &old, row)
	})
}

// ResetLimit fills the limit's buckets again, on every replica. Errors: CodeNotFound, CodeForbidden.
func (s *Limits) ResetLimit(ctx context.Context, p engine.Principal, account, id string) (engine.Limit, error) {
	return s.alter(ctx, p, account, id, time.Time{}, "reset", func(_ *directory, _ engine.Limit, row *engine.Limit) error {
		row.Resets++
		return nil
	})
}

func (s *Limits) alter(ctx context.Context, p engine.Principal, account, id string, was time.Time, verb string, edit func(d *directory, old engine.Limit, row *engine.Limit) error) (row engine.Limit, err error) {
	err = s.change(ctx, func(d *directory, now time.Time) error {
		return again(was, func() error {
			old, err := s.get(ctx, d, p, account, id)
			if err != nil {
				return err
			}
			if err := d.mayWriteLimit(p, old); err != nil {
				return err
			}
			row = old
			if err := edit(d, old, &row); err != nil {
				return err
			}
			row.UpdatedAt = stamp(now, old.UpdatedAt)
			return s.Store.UpdateLimit(auditedLimit(ctx, now, verb, row), row, seen(was, old.UpdatedAt))
		})
	})
	return row, overtaken(err, "limit", id)
}

// DeleteLimit deletes one with what is known of its use. Errors: those of ChangeLimit.
func (s *Limits) DeleteLimit(ctx context.Context, p engine.Principal, account, id string, was time.Time) error {
	err := s.change(ctx, func(d *directory, now time.Time) error {
		old, err := s.get(ctx, d, p, account, id)
		if err != nil {
			return err
		}
		if err := d.mayWriteLimit(p, old); err != nil {
			return err
		}
		if !was.IsZero() && !was.Equal(old.UpdatedAt) {
			return engine.ErrConflict
		}
		return s.Store.DeleteLimit(auditedLimit(ctx, now, "delete", old), account, id)
	})
	return overtaken(err, "limit", id)
}

// change runs a change alone in this process; what it wrote is in force when it returns.
func (s *Limits) change(ctx context.Context, run func(d *directory, now time.Time) error) error {
	select {
	case s.changing <- struct{}{}:
		defer func() { <-s.changing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	d, err := s.Keys.read(ctx)
	if err != nil {
		return err
	}
	if err := run(d, s.Now().UTC().Truncate(time.Millisecond)); err != nil {
		return err
	}
	return s.Reload(ctx)
}

// room refuses a row too many.
func (s *Limits) room(ctx context.Context, account string) error {
	rows, err := s.Store.ListLimits(ctx)
	if err != nil {
		return fmt.Errorf("list limits: %w", err)
	}
	n := 0
	for _, l := range rows {
		if l.AccountID == account {
			n++
		}
	}
	if n >= engine.MaxLimits {
		return engine.Errorf(engine.CodeConflict, "An account may have %d limits. Delete one first.", engine.MaxLimits)
	}
	return nil
}

// check says what is wrong with a new or changed row; what stayed as it was is not looked at
// again. The store refuses amounts and windows that cannot be.
func (s *Limits) check(d *directory, p engine.Principal, old, row *engine.Limit) error {
	if row.Name != "" && row.Name != old.Name {
		if err := checkName(row.Name); err != nil {
			return err
		}
	}
	if row.AccountID != "" && row.Scope.AccountID != "" && row.Scope.AccountID != row.AccountID {
		return invalid("scope.account_id", "'scope.account_id' is not the account whose limit this is.")
	}
	if row.Scope != old.Scope {
		if err := s.checkScope(d, row); err != nil {
			return err
		}
	}
	return d.mayWriteLimit(p, *row)
}

// checkScope refuses names of what is not there.
func (s *Limits) checkScope(d *directory, l *engine.Limit) error {
	scope, account := l.Scope, limitAccount(*l)
	missing := func(member, noun, id string) error {
		return invalid("scope."+member, fmt.Sprintf("There is no %s %q.", noun, id[:min(len(id), maxID)]))
	}
	if scope.AccountID != "" {
		if a, ok := d.accountRow(scope.AccountID); !ok || !a.DeletedAt.IsZero() {
			return missing("account_id", "account", scope.AccountID)
		}
	}
	if scope.TeamID != "" {
		if t, ok := d.teamRow(account, scope.TeamID); !ok || !t.DeletedAt.IsZero() {
			return missing("team_id", "team", scope.TeamID)
		}
	}
	if scope.UserID != "" {
		if u, ok := d.userRow(account, scope.UserID); !ok || !u.DeletedAt.IsZero() {
			return missing("user_id", "user", scope.UserID)
		}
	}
	if scope.KeyID != "" {
		if _, ok := d.keyRow(account, scope.KeyID); !ok {
			return missing("key_id", "key", scope.KeyID)
		}
	}
	if scope.ProviderID != "" {
		if _, ok := s.Catalogue().Provider(account, scope.ProviderID); !ok {
			return missing("provider", "provider", scope.ProviderID)
		}
	}
	if scope.ModelID != "" {
		if _, ok := s.Catalogue().Model(account, scope.ModelID); !ok {
			return missing("model", "model", scope.ModelID)
		}
	}
	return nil
}

// recordedLimit is a row as the audit log has it.
type recordedLimit struct {
	Name     string           `json:"name,omitempty"`
	Kind     engine.LimitKind `json:"kind"`
	Amount   int64            `json:"amount"`
	WindowS  int64            `json:"window_s,omitempty"`
	Burst    int64            `json:"burst,omitempty"`
	Scope    recordedScope    `json:"scope"`
	Per      []string         `json:"per,omitempty"`
	Override bool             `json:"override,omitempty"`
	Enabled  bool             `json:"enabled"`
	Resets   int64            `json:"resets,omitempty"`
}

type recordedScope struct {
	AccountID  string `json:"account_id,omitempty"`
	TeamID     string `json:"team_id,omitempty"`
	UserID     string `json:"user_id,omitempty"`
	KeyID      string `json:"key_id,omitempty"`
	ProviderID string `json:"provider,omitempty"`
	ModelID    string `json:"model,omitempty"`
}

func auditedLimit(ctx context.Context, now time.Time, verb string, l engine.Limit) context.Context {
	return engine.Audited(ctx, now, l.AccountID, "limit."+verb, "limit/"+l.ID, recordedLimit{
		l.Name, l.Kind, l.Amount, int64(l.Window / time.Second), l.Burst, recordedScope(l.Scope), l.Per.Names(), l.Override, l.Enabled, l.Resets,
	})
}
