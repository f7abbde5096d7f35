package httpapi

import (
	"context"

	"github.com/pointsman/pointsman/engine"
)

// noSessions is sessions that there are none of. The real ones: see withSessions.
type noSessions struct{}

var errNoSession = engine.Errorf(engine.CodeNotFound, "There is no such session.")

func (noSessions) ListSessions(context.Context, engine.Principal, engine.SessionKey, engine.Page) ([]engine.Session, string, error) {
	return nil, "", nil
}

func (noSessions) GetSession(context.Context, engine.Principal, engine.SessionKey) (engine.Session, error) {
	return engine.Session{}, errNoSession
}

func (noSessions) ListNotes(context.Context, engine.Principal, engine.SessionKey, int) ([]engine.Note, error) {
	return nil, nil
}

func (noSessions) AddNote(context.Context, engine.Principal, engine.Note) (engine.Note, error) {
	return engine.Note{}, errNoSession
}

func (noSessions) DeleteNote(context.Context, engine.Principal, engine.SessionKey, string) error {
	return errNoSession
}

func (noSessions) ListHandoffs(context.Context, engine.Principal, engine.SessionKey, int) ([]engine.Handoff, error) {
	return nil, nil
}
