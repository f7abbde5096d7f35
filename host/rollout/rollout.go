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
	// Reload puts in force what is stored.
	Reload func(context.Context) error
	Now    func() time.Time // default time.Now
	Every  time.Duration    // between two looks at the guards; default 1 s
	Log    zerolog.Logger
}

// notice tells of a step of a rollout.
func notice(feed *engine.NoticeFeed, kind string, r engine.Rollout, message string) {
	feed.Publish(engine.Notice{Kind: kind, AccountID: r.AccountID, Subject: r.ID, Message: message})
}
