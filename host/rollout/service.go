package rollout

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// Publisher makes drafts live.
type Publisher interface {
	// PublishRules replaces all rules of the account when was is still their newest version.
	// Errors: *engine.Error, CodeConflict when it is not, or when a stored case fails.
	PublishRules(ctx context.Context, p engine.Principal, accountID string, rules []engine.Rule, note string, was int64) error
	// ActivatePlugin makes that version the active one.
	ActivatePlugin(ctx context.Context, p engine.Principal, accountID, name, version string) error
}

// Service begins rollouts and ends them. Make one with NewService. Safe for concurrent use.
type Service struct {
	cfg     Config
	watch   *Watch
	publish Publisher
}

// NewService returns a service over what watch looks at.
func NewService(watch *Watch, publish Publisher) *Service {
	return &Service{cfg: watch.cfg, watch: watch, publish: publish}
}

// mayWrite reports whether the principal manages rules of that account ("": global).
func mayWrite(p engine.Principal, account string) bool {
	return p.Role == engine.RoleSuperAdmin || p.Role == engine.RoleAccountAdmin && account != "" && account == p.AccountID
}

func mayRead(p engine.Principal, account string) bool {
	return p.Role == engine.RoleSuperAdmin || account == p.AccountID
}

func noSuchRollout(id string) *engine.Error {
	return engine.Errorf(engine.CodeNotFound, "There is no rollout '%.64s'. GET /api/v1/rollouts lists them.", id)
}

// ListRollouts returns a page of the account's rollouts, newest first, those below before.
// Errors: CodeForbidden.
func (s *Service) ListRollouts(ctx context.Context, p engine.Principal, account, before string, limit int) ([]engine.Rollout, error) {
	if !mayRead(p, account) {
		return nil, engine.Errorf(engine.CodeNotFound, "There is no account '%.64s' that this key may see.", account)
	}
	return s.cfg.Store.PageRollouts(ctx, account, before, limit)
}

// GetRollout returns a rollout and what it has shown. Errors: CodeNotFound.
func (s *Service) GetRollout(ctx context.Context, p engine.Principal, account, id string) (engine.Rollout, engine.RolloutStats, error) {
	r, err := s.get(ctx, p, account, id)
	if err != nil {
		return r, engine.RolloutStats{}, err
	}
	stats, err := s.watch.Stats(ctx, r)
	return r, stats, err
}

func (s *Service) get(ctx context.Context, p engine.Principal, account, id string) (engine.Rollout, error) {
	if !mayRead(p, account) {
		return engine.Rollout{}, noSuchRollout(id)
	}
	r, err := s.cfg.Store.GetRollout(ctx, account, id)
	if errors.Is(err, engine.ErrNotFound) {
		return r, noSuchRollout(id)
	}
	return r, err
}

// Begin starts a rollout. Zero guards get their defaults. Errors: CodeForbidden, CodeInvalid,
// those of engine.Drafter, CodeConflict while another of its kind runs.
func (s *Service) Begin(ctx context.Context, p engine.Principal, r engine.Rollout) (engine.Rollout, error) {
	if !mayWrite(p, r.AccountID) {
		return r, forbidden(r.AccountID)
	}
	if err := check(&r); err != nil {
		return r, err
	}
	if _, err := s.cfg.Drafter.Draft(r.AccountID, r.Draft); err != nil {
		return r, err
	}
	var err error
	if r.Base, err = s.cfg.Version(ctx, r.AccountID); err != nil {
		return r, err
	}
	now := s.cfg.Now().UTC().Truncate(time.Millisecond)
	r.ID, r.Status, r.By, r.CreatedAt, r.UpdatedAt = uuid.Must(uuid.NewV7()).String(), engine.RolloutRunning, p.AccountID+"/"+p.UserID, now, now
	switch err := s.cfg.Store.CreateRollout(audited(ctx, now, "rollout.begin", r), r); {
	case errors.Is(err, engine.ErrConflict):
		return r, engine.Errorf(engine.CodeConflict, "A %s of these rules runs already. Stop it first.", r.Kind)
	case err != nil:
		return r, err
	}
	notice(s.cfg.Notices, engine.NoticeRolloutStarted, r, "A "+string(r.Kind)+" was begun on "+share(r.Share)+" of the traffic: rollout "+r.ID+".")
	return r, s.cfg.Reload(ctx)
}

func forbidden(account string) *engine.Error {
	if account == "" {
		return engine.Errorf(engine.CodeForbidden, "Only a super admin may roll out global rules.")
	}
	return engine.Errorf(engine.CodeForbidden, "This key may not roll out rules of that account.")
}

func share(bp int) string { return strconv.FormatFloat(float64(bp)/100, 'f', -1, 64) + " %" }

// check looks at what a caller wrote, and fills in the guards.
func check(r *engine.Rollout) error {
	refuse := func(param, text string) error {
		e := engine.Errorf(engine.CodeInvalid, "%s", text)
		e.Param = param
		return e
	}
	switch {
	case r.Kind != engine.RolloutShadow && r.Kind != engine.RolloutCanary:
		return refuse("kind", "'kind' is shadow or canary.")
	case r.Share < 1 || r.Share > engine.WholeShare:
		return refuse("share", "'share' is above 0 and at most 100 percent.")
	case (r.Draft.Rules == nil) == (r.Draft.Plugin == ""):
		return refuse("rules", "One of 'rules' and 'plugin' is needed.")
	case len(r.Note) > engine.MaxRolloutNote:
		return refuse("note", "'note' is too long.")
	}
	g := &r.Guards
	if *g == (engine.RolloutGuards{}) {
		*g = engine.DefaultGuards
	}
	if g.Window <= 0 {
		g.Window = engine.DefaultGuards.Window
	}
	if g.MinRequests <= 0 {
		g.MinRequests = engine.DefaultGuards.MinRequests
	}
	if g.Window < 10*time.Second || g.Window > 24*time.Hour || g.ErrorRate < 0 || g.FaultRate < 0 || g.CostRatio < 0 || g.LatencyRatio < 0 {
		return refuse("guards", "A guard is below 0, or 'window_seconds' is not between 10 and 86,400.")
	}
	return nil
}

// SetShare changes on how much of the traffic, in basis points, a rollout is tried. Errors: those of Stop, CodeInvalid.
func (s *Service) SetShare(ctx context.Context, p engine.Principal, account, id string, bp int) (engine.Rollout, error) {
	if bp < 1 || bp > engine.WholeShare {
		return engine.Rollout{}, engine.Errorf(engine.CodeInvalid, "'share' is above 0 and at most 100 percent.")
	}
	return s.change(ctx, p, account, id, "rollout.share", func(r *engine.Rollout) (string, string, error) {
		r.Share = bp
		return engine.NoticeRolloutChanged, "Rollout " + r.ID + " is on " + share(bp) + " of the traffic now.", nil
	})
}

// Stop ends a rollout. Errors: CodeNotFound, CodeForbidden, CodeConflict when it has ended.
func (s *Service) Stop(ctx context.Context, p engine.Principal, account, id, reason string) (engine.Rollout, error) {
	return s.change(ctx, p, account, id, "rollout.stop", func(r *engine.Rollout) (string, string, error) {
		r.Status, r.Reason = engine.RolloutStopped, reason
		return engine.NoticeRolloutStopped, "Rollout " + r.ID + " was stopped.", nil
	})
}

// Promote makes a rollout's draft live and ends it. Errors: those of Stop, CodeConflict when
// the rules have changed since it began.
func (s *Service) Promote(ctx context.Context, p engine.Principal, account, id string) (engine.Rollout, error) {
	return s.change(ctx, p, account, id, "rollout.promote", func(r *engine.Rollout) (string, string, error) {
		var err error
		if r.Draft.Plugin != "" {
			err = s.publish.ActivatePlugin(ctx, p, r.AccountID, r.Draft.Plugin, r.Draft.Version)
		} else {
			err = s.publish.PublishRules(ctx, p, r.AccountID, r.Draft.Rules, "rollout "+r.ID, r.Base)
		}
		r.Status = engine.RolloutPromoted
		return engine.NoticeRolloutPromoted, "The draft of rollout " + r.ID + " is live.", err
	})
}

func (s *Service) change(ctx context.Context, p engine.Principal, account, id, action string, edit func(*engine.Rollout) (kind, message string, err error)) (engine.Rollout, error) {
	r, err := s.get(ctx, p, account, id)
	if err != nil {
		return r, err
	}
	if !mayWrite(p, account) {
		return r, forbidden(account)
	}
	if r.Status != engine.RolloutRunning {
		return r, engine.Errorf(engine.CodeConflict, "The rollout has ended: it is %s.", r.Status)
	}
	was := r.UpdatedAt
	kind, message, err := edit(&r)
	if err != nil {
		return r, err
	}
	now := s.cfg.Now().UTC().Truncate(time.Millisecond)
	r.UpdatedAt = later(now, was)
	if r.Status != engine.RolloutRunning {
		r.EndedAt = now
	}
	if r.Status != engine.RolloutPromoted { // making the draft live is in the log already, and names the rollout
		ctx = audited(ctx, now, action, r)
	}
	if err := s.cfg.Store.UpdateRollout(ctx, r, was); errors.Is(err, engine.ErrConflict) {
		return r, engine.Errorf(engine.CodeConflict, "The rollout was changed meanwhile. Read it again.")
	} else if err != nil {
		return r, err
	}
	notice(s.cfg.Notices, kind, r, message)
	return r, s.cfg.Reload(ctx)
}
