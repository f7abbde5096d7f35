// Package rollout tries drafts of rules on live traffic. A shadow decides beside the live rules
// and is compared with them, off the requests' path. A canary decides a share of the
// requests (the router does that); here its requests are counted beside the live ones, and it
// ends by itself when it does worse than its guards allow.
//
// Read Watch first: it sees every decision. Service is what people do.
package rollout

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// Store is what the package keeps; every engine.Store does.
type Store = engine.RolloutStore

// Planner decides again; *engine.Pipeline is one.
type Planner interface {
	Replan(ctx context.Context, r *engine.Request, d engine.Decider, was []engine.Skip) (engine.Replanned, error)
}

// Config is what a Watch is made of. Log and Notices may be nil.
type Config struct {
	Store     Store
	Decisions engine.DecisionLog // who keeps the decisions; Watch passes them on
	Drafter   engine.Drafter
	Planner   func() Planner // asked when the first request is compared
	Catalogue func() *engine.Catalogue
	Notices   *engine.NoticeFeed
	// Drop keeps this process's router from deciding by a canary, at once.
	Drop func(accountID, id string)
	// Version is the newest version of an account's rules; 0: there is none.
	Version func(ctx context.Context, accountID string) (int64, error)
	// Reload puts in force what is stored and not in force yet.
	Reload func(context.Context) error
	// Restore puts the rollouts in force that run, what Drop dropped among them.
	Restore func(context.Context) error
	Now     func() time.Time // default time.Now
	Every   time.Duration    // between two looks at the guards; default 1 s
	Log     zerolog.Logger
}

// recorded is a rollout as the audit log has it; the rules of its draft are in the rollout itself.
type recorded struct {
	Kind    engine.RolloutKind   `json:"kind"`
	Status  engine.RolloutStatus `json:"status"`
	Share   float64              `json:"share"` // percent
	Base    int64                `json:"base"`
	Rules   int                  `json:"rules,omitempty"` // how many
	Plugin  string               `json:"plugin,omitempty"`
	Version string               `json:"plugin_version,omitempty"`
	Note    string               `json:"note,omitempty"`
	Reason  string               `json:"reason,omitempty"`
}

// audited is the context for a write of the rollout.
func audited(ctx context.Context, at time.Time, action string, r engine.Rollout) context.Context {
	return engine.Audited(ctx, at, r.AccountID, action, "rollout/"+r.ID, recorded{
		r.Kind, r.Status, float64(r.Share) / 100, r.Base, len(r.Draft.Rules), r.Draft.Plugin, r.Draft.Version, r.Note, r.Reason,
	})
}

// notice tells of a step of a rollout.
func notice(feed *engine.NoticeFeed, kind string, r engine.Rollout, message string) {
	feed.Publish(engine.Notice{Kind: kind, AccountID: r.AccountID, Subject: r.ID, Message: message})
}
