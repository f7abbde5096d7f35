package httpapi

import (
	"context"
	"math"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const decisionSettingsPath = "/api/v1/decision-settings"

type (
	decisionSettingsQuery struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own; for a super admin what holds for accounts without settings."`
	}
	// DecisionRecording is what is recorded, as it can be set. Exported because huma skips
	// embedded structs that are not.
	DecisionRecording struct {
		Record string   `json:"record" enum:"all,sampled,none" doc:"Of which requests."`
		Share  *float64 `json:"share_percent,omitempty" minimum:"0" maximum:"100" doc:"Of sampled, to two decimals; taken by the request's id."`
		Text   bool     `json:"text" doc:"Keep what people wrote as well: the text that rules see, metadata, the body up to 64 KiB."`
		Days   int      `json:"retention_days" minimum:"1" maximum:"90"`
	}
	decisionSettingsPut struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"As of GET."`
		Body      DecisionRecording
	}
	decisionSettings struct {
		AccountID string `json:"account_id,omitempty" doc:"Left out: what holds for accounts without settings."`
		DecisionRecording
		Own       bool      `json:"own" doc:"It is set for this account."`
		UpdatedBy string    `json:"updated_by,omitempty"`
		UpdatedAt time.Time `json:"updated_at,omitzero"`
		Dropped   *int64    `json:"dropped,omitempty" doc:"Records that this process had no room for since it began, of all accounts; for a super admin."`
	}
	decisionSettingsOne struct{ Body decisionSettings }
)

func (s *Server) shownDecisionSettings(p engine.Principal, d engine.DecisionSettings, own bool) *decisionSettingsOne {
	out := decisionSettings{
		AccountID: d.AccountID, Own: own, UpdatedBy: d.UpdatedBy, UpdatedAt: d.UpdatedAt,
		DecisionRecording: DecisionRecording{Record: "sampled", Text: d.Text, Days: d.Days},
	}
	switch d.Share {
	case 0:
		out.Record = "none"
	case engine.WholeShare:
		out.Record = "all"
	default:
		share := float64(d.Share) / 100
		out.Share = &share
	}
	if p.Role == engine.RoleSuperAdmin {
		dropped := s.cfg.Decisions.Stats().Dropped
		out.Dropped = &dropped
	}
	return &decisionSettingsOne{out}
}

func (s *Server) getDecisionSettings(ctx context.Context, in *decisionSettingsQuery) (*decisionSettingsOne, error) {
	p := principalOf(ctx)
	d, own, err := s.cfg.Decisions.GetSettings(ctx, p, in.AccountID)
	if err != nil {
		return nil, err
	}
	return s.shownDecisionSettings(p, d, own), nil
}

func (s *Server) deleteDecisionSettings(ctx context.Context, in *decisionSettingsQuery) (*decisionSettingsOne, error) {
	p := principalOf(ctx)
	d, err := s.cfg.Decisions.DeleteSettings(ctx, p, in.AccountID)
	if err != nil {
		return nil, err
	}
	return s.shownDecisionSettings(p, d, false), nil
}

func (s *Server) putDecisionSettings(ctx context.Context, in *decisionSettingsPut) (*decisionSettingsOne, error) {
	p, b := principalOf(ctx), &in.Body
	d := engine.DecisionSettings{AccountID: in.AccountID, Text: b.Text, Days: b.Days}
	switch {
	case b.Record == "sampled" && b.Share == nil:
		return nil, invalid("share_percent", "'share_percent' is needed with 'sampled'.")
	case b.Record != "sampled" && b.Share != nil:
		return nil, invalid("share_percent", "'share_percent' is for 'sampled' alone.")
	case b.Record == "all":
		d.Share = engine.WholeShare
	case b.Share != nil:
		d.Share = int(math.Round(*b.Share * 100))
	}
	d, err := s.cfg.Decisions.PutSettings(ctx, p, d)
	if err != nil {
		return nil, err
	}
	return s.shownDecisionSettings(p, d, true), nil
}
