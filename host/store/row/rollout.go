package row

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// CheckRollout says why a rollout cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckRollout(r engine.Rollout) error {
	var c check
	c.account(r.AccountID)
	c.key("id", r.ID)
	if r.Kind != engine.RolloutShadow && r.Kind != engine.RolloutCanary {
		c.refuse("kind", "is none")
	}
	if r.Share < 1 || r.Share > engine.WholeShare {
		c.refuse("share", "is not between 1 and 10,000")
	}
	if len(r.Note) > engine.MaxRolloutNote {
		c.refuse("note", "is longer than 512 bytes")
	}
	c.text("status", string(r.Status))
	c.text("plugin", r.Draft.Plugin, r.Draft.Version)
	c.text("note", r.Note, r.Reason)
	c.text("by", r.By)
	c.count("base", r.Base)
	c.time("created_at", r.CreatedAt)
	c.time("updated_at", r.UpdatedAt)
	if err := c.result(); err != nil {
		return err
	}
	for i, rule := range r.Draft.Rules {
		if err := CheckRule(rule); err != nil {
			return fmt.Errorf("rules[%d]: %w", i, err)
		}
	}
	return nil
}

// DraftBody is the rules of a draft as a rollout keeps them; nil for a plugin's version.
func DraftBody(d engine.RuleDraft) *string {
	if d.Rules == nil {
		return nil
	}
	bodies := make([]json.RawMessage, len(d.Rules))
	for i, r := range d.Rules {
		bodies[i] = json.RawMessage(RuleBody(r))
	}
	text := string(encode(bodies))
	return &text
}

// ParseDraftBody reads what DraftBody wrote.
func ParseDraftBody(accountID string, text *string) ([]engine.Rule, error) {
	if text == nil {
		return nil, nil
	}
	var bodies []json.RawMessage
	if err := json.Unmarshal([]byte(*text), &bodies); err != nil {
		return nil, fmt.Errorf("read draft: %w", err)
	}
	texts := make([]string, len(bodies))
	for i, b := range bodies {
		texts[i] = string(b)
	}
	return ParseRuleBodies(accountID, texts)
}

// storedGuards are the guards of a rollout as they are kept. Members are only ever added.
type storedGuards struct {
	MinRequests  int64   `json:"min_requests"`
	ErrorRate    float64 `json:"error_rate"`
	FaultRate    float64 `json:"fault_rate"`
	CostRatio    float64 `json:"cost_ratio"`
	LatencyRatio float64 `json:"latency_ratio"`
	WindowMS     int64   `json:"window_ms"`
}

// Guards are a rollout's guards as they are kept.
func Guards(g engine.RolloutGuards) string {
	return string(encode(storedGuards{g.MinRequests, g.ErrorRate, g.FaultRate, g.CostRatio, g.LatencyRatio, g.Window.Milliseconds()}))
}

// ParseGuards reads what Guards wrote.
func ParseGuards(text string) (engine.RolloutGuards, error) {
	var s storedGuards
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return engine.RolloutGuards{}, fmt.Errorf("read guards: %w", err)
	}
	return engine.RolloutGuards{
		MinRequests: s.MinRequests, ErrorRate: s.ErrorRate, FaultRate: s.FaultRate,
		CostRatio: s.CostRatio, LatencyRatio: s.LatencyRatio, Window: time.Duration(s.WindowMS) * time.Millisecond,
	}, nil
}

// RolloutStats are the counts of one process as they are kept.
func RolloutStats(s engine.RolloutStats) string { return string(encode(s)) }

// ParseRolloutStats reads what RolloutStats wrote.
func ParseRolloutStats(texts []string) ([]engine.RolloutStats, error) {
	return ParseAll(texts, func(text string) (s engine.RolloutStats, err error) {
		if err = json.Unmarshal([]byte(text), &s); err != nil {
			err = fmt.Errorf("read counts of a rollout: %w", err)
		}
		return s, err
	})
}
