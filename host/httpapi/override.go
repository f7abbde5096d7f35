package httpapi

import (
	"context"

	"github.com/pointsman/pointsman/engine"
)

func (s *Server) setOverride(ctx context.Context, in *struct {
	TenantQuery
	Body override
}) (*preferencesOutput, error) {
	cost, err := dollars("max_cost_per_day", in.Body.MaxCostPerDay)
	if err != nil {
		return nil, err
	}
	t, err := in.tenant(principalOf(ctx))
	if err != nil {
		return nil, err
	}
	want := engine.Preferences{Model: in.Body.Model, Reason: in.Body.Reason}
	in.Body.SettingValues.into(&want, cost)
	stored, err := s.cfg.Preferences.SetOverride(ctx, principalOf(ctx), t, want)
	if err != nil {
		return nil, err
	}
	return shownPreferences(stored), nil
}

func (s *Server) removeOverride(ctx context.Context, in *TenantQuery) (*nothing, error) {
	t, err := in.tenant(principalOf(ctx))
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Preferences.RemoveOverride(ctx, principalOf(ctx), t)
}
