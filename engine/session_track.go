package engine

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Sessions knows the conversations that requests belong to. Safe for concurrent use.
type Sessions interface {
	// Begin returns the session as it stands: who served its last turn. The zero Session
	// when the turn is its first, or when nothing can be learned of it in a tenth of a second.
	Begin(ctx context.Context, k SessionKey, now time.Time) Session
	// Notes returns the session's notes that live at now, newest first; as many as may be
	// read in a tenth of a second, and none when they cannot be.
	Notes(ctx context.Context, k SessionKey, now time.Time) []Note
	// Served takes note of a turn that is answered. It does not wait.
	Served(t Turn)
}

// Turn is one answered request of a session.
type Turn struct {
	SessionKey
	At    time.Time
	Model string // catalogue id that served
	Agent string
	Was   Session // as it began; zero: this is the first turn
	// Again: an answer that was counted already went on at another model.
	Again   bool
	Handoff *Handoff // nil: model and agent are those of the last turn
	Notes   []Note   // that the gateway writes of it
}

// SessionKey is the key of the request's session; its ID is empty when it names none.
func (r *Request) SessionKey() SessionKey {
	return SessionKey{AccountID: r.Principal.AccountID, UserID: r.Principal.UserID, ID: r.Hints.SessionID}
}

// joins reports whether the request is a turn of a session that is kept track of. Embeddings
// are part of no conversation.
func (p *Pipeline) joins(r *Request) bool {
	return p.cfg.Sessions != nil && r.Hints.SessionID != "" && r.operation() != abi.OperationEmbeddings
}

// join fills the request's session.
func (p *Pipeline) join(ctx context.Context, r *Request) {
	if p.joins(r) {
		r.Session = p.cfg.Sessions.Begin(ctx, r.SessionKey(), r.Received)
	}
}

// served tells the session who answered. again: the answer had begun at another model.
func (x *execution) served(t Target, again bool) {
	r := x.r
	if !x.p.joins(r) || r.operation() != abi.OperationChat {
		return
	}
	turn := Turn{SessionKey: r.SessionKey(), At: r.Received, Model: t.Model.ID, Agent: r.Agent(), Was: r.Session, Again: again}
	if r.leaves(t.Model.ID) {
		turn.Handoff, turn.Notes = x.handoff(t)
	}
	x.p.cfg.Sessions.Served(turn)
}

// leaves reports whether the session, served by that model, goes to another model or agent.
func (r *Request) leaves(model string) bool {
	s := &r.Session
	return s.Model != "" && (s.Model != model || s.Agent != r.Agent())
}
