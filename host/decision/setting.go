package decision

import (
	"cmp"
	"context"
	"errors"

	"github.com/pointsman/pointsman/engine"
)

// GetSettings returns what holds for an account ("": the principal's own, for a super admin what
// holds for accounts without settings), and whether it is set there. Errors: CodeNotFound for
// another account's.
func (s *Service) GetSettings(_ context.Context, p engine.Principal, accountID string) (engine.DecisionSettings, bool, error) {
	accountID, err := settingsOf(p, accountID)
	if err != nil {
		return engine.DecisionSettings{}, false, err
	}
	own, set := s.cfg.Log.Settings(accountID)
	return own, set, nil
}

// Stats returns what became of records in this process.
func (s *Service) Stats() engine.DecisionStats { return s.cfg.Log.Stats() }

// PutSettings replaces them; UpdatedBy and UpdatedAt are filled. They are in force on return.
// Errors: CodeNotFound for another account's, CodeInvalid.
func (s *Service) PutSettings(ctx context.Context, p engine.Principal, d engine.DecisionSettings) (engine.DecisionSettings, error) {
	var err error
	if d.AccountID, err = settingsOf(p, d.AccountID); err != nil {
		return d, err
	}
	switch {
	case d.Share < 0 || d.Share > engine.WholeShare:
		return d, invalid("share_percent", "'share_percent' must be within 0 to 100.")
	case d.Days < 1 || d.Days > engine.MaxDecisionDays:
		return d, invalid("retention_days", "'retention_days' must be within 1 to 90.")
	case d.AccountID == "" && d.Text:
		return d, invalid("text", "Text is kept only of accounts that turn it on themselves.")
	}
	if d.AccountID != "" {
		if _, err := s.cfg.Store.GetAccount(ctx, d.AccountID); errors.Is(err, engine.ErrNotFound) {
			return d, noSuchAccount()
		} else if err != nil {
			return d, err
		}
	}
	now := s.cfg.Now()
	d.UpdatedBy, d.UpdatedAt = p.AccountID+"/"+p.UserID, now
	ctx = engine.Audited(ctx, now, d.AccountID, "decision_settings.update", "decision_settings/"+cmp.Or(d.AccountID, "global"),
		map[string]any{"share": d.Share, "text": d.Text, "days": d.Days})
	if err := s.cfg.Store.PutDecisionSettings(ctx, d); err != nil {
		return d, err
	}
	return d, s.cfg.Reload(ctx)
}

// DeleteSettings takes an account's away, so that what holds for accounts without settings holds
// for it ("" of a super admin: the usual ones do). It returns what holds then. Errors: CodeNotFound for another account's.
func (s *Service) DeleteSettings(ctx context.Context, p engine.Principal, accountID string) (engine.DecisionSettings, error) {
	accountID, err := settingsOf(p, accountID)
	if err != nil {
		return engine.DecisionSettings{}, err
	}
	if accountID != "" {
		if _, err := s.cfg.Store.GetAccount(ctx, accountID); errors.Is(err, engine.ErrNotFound) {
			return engine.DecisionSettings{}, noSuchAccount()
		} else if err != nil {
			return engine.DecisionSettings{}, err
		}
	}
	audited := engine.Audited(ctx, s.cfg.Now(), accountID, "decision_settings.delete", "decision_settings/"+cmp.Or(accountID, "global"), nil)
	if err := s.cfg.Store.DeleteDecisionSettings(audited, accountID); err != nil {
		return engine.DecisionSettings{}, err
	}
	err = s.cfg.Reload(ctx)
	left, _ := s.cfg.Log.Settings(accountID)
	return left, err
}

// settingsOf is the account whose settings are meant.
func settingsOf(p engine.Principal, accountID string) (string, error) {
	switch {
	case p.Role == engine.RoleSuperAdmin:
		return accountID, nil
	case p.AccountID == "" || accountID != "" && accountID != p.AccountID || p.Role.Rank() < engine.RoleAccountAdmin.Rank():
		return "", noSuchAccount()
	}
	return p.AccountID, nil
}

func noSuchAccount() error { return engine.Errorf(engine.CodeNotFound, "There is no such account.") }
