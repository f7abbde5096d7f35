package session

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// EveryUser in place of a user's id means all users of the account.
const EveryUser = "*"

// Users knows who manages whom.
type Users interface {
	// GetUser returns the user, or CodeNotFound when there is none or p does not manage it.
	GetUser(ctx context.Context, p engine.Principal, accountID, id string) (engine.User, error)
}

// Service shows sessions, their notes and handoffs to those who may see them: the user
// whose they are, and whoever manages that user. Everybody else is told that there are
// none. Safe for concurrent use.
//
// In a SessionKey that it takes, an empty AccountID is the caller's own, an empty UserID
// the caller itself.
type Service struct {
	store engine.SessionStore
	users Users
	now   func() time.Time
}

// NewService returns the sessions of that store. now may be nil: time.Now.
func NewService(store engine.SessionStore, users Users, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{store: store, users: users, now: now}
}

// ListSessions returns live sessions, newest first, and where to go on, "" at the end. The
// UserID EveryUser is for those who manage the whole account. Errors: CodeNotFound for a
// user that the caller does not manage, CodeForbidden, CodeInvalid.
func (s *Service) ListSessions(ctx context.Context, p engine.Principal, k engine.SessionKey, page engine.Page) ([]engine.Session, string, error) {
	before, err := parseMark(page.After)
	if err != nil {
		return nil, "", err
	}
	if k.UserID == EveryUser {
		if k, err = everyUser(p, k); err != nil {
			return nil, "", err
		}
	} else if k, err = s.owner(ctx, p, k); err != nil {
		return nil, "", err
	}
	limit := page.Limit
	if limit == 0 {
		limit = defaultPage
	}
	rows, err := s.store.PageSessions(ctx, k.AccountID, k.UserID, s.now(), before, limit)
	if err != nil || len(rows) < limit {
		return rows, "", err
	}
	return rows, markOf(rows[len(rows)-1]), nil
}

// GetSession returns a live session. Errors: CodeNotFound.
func (s *Service) GetSession(ctx context.Context, p engine.Principal, k engine.SessionKey) (engine.Session, error) {
	k, err := s.owner(ctx, p, k)
	if err != nil {
		return engine.Session{}, err
	}
	row, err := s.store.GetSession(ctx, k, s.now())
	if errors.Is(err, engine.ErrNotFound) {
		err = engine.Errorf(engine.CodeNotFound, "There is no session of that id, or it has expired.")
	}
	return row, err
}

// ListHandoffs returns a session's handoffs, newest first, at most limit (1–1,000).
// None when there is no such session. Errors: CodeNotFound for a user that the caller does
// not manage.
func (s *Service) ListHandoffs(ctx context.Context, p engine.Principal, k engine.SessionKey, limit int) ([]engine.Handoff, error) {
	k, err := s.owner(ctx, p, k)
	if err != nil {
		return nil, err
	}
	return s.store.ListHandoffs(ctx, k, limit)
}

const defaultPage = 50

// owner fills the key in, and lets it through only to who may see what is under it.
func (s *Service) owner(ctx context.Context, p engine.Principal, k engine.SessionKey) (engine.SessionKey, error) {
	if k.AccountID == "" {
		k.AccountID = p.AccountID
	}
	own := k.AccountID == p.AccountID && p.AccountID != ""
	switch {
	case !own && p.Role != engine.RoleSuperAdmin:
		return k, errNoUser
	case k.UserID == "" && !own:
		return k, &engine.Error{Code: engine.CodeInvalid, Param: "user_id", Message: "In another account 'user_id' must be given."}
	case k.UserID == "":
		k.UserID = p.UserID
	}
	if own && k.UserID == p.UserID && p.UserID != "" {
		return k, nil
	}
	if _, err := s.users.GetUser(ctx, p, k.AccountID, k.UserID); err != nil {
		if engine.CodeOf(err) == engine.CodeNotFound {
			err = errNoUser
		}
		return k, err
	}
	return k, nil
}

// errNoUser does not tell an unknown user from one of somebody else.
var errNoUser = engine.Errorf(engine.CodeNotFound, "There is no such user.")

// everyUser is the key of all the account's sessions.
func everyUser(p engine.Principal, k engine.SessionKey) (engine.SessionKey, error) {
	if k.AccountID == "" {
		k.AccountID = p.AccountID
	}
	k.UserID = ""
	switch {
	case p.Role == engine.RoleSuperAdmin:
		return k, nil
	case k.AccountID != p.AccountID || p.AccountID == "":
		return k, errNoUser
	case p.Role != engine.RoleAccountAdmin:
		return k, &engine.Error{Code: engine.CodeForbidden, Param: "user_id", Message: "Only an account admin lists the sessions of every user."}
	}
	return k, nil
}

// markOf writes the place after a session, for parseMark. No id has a NUL.
func markOf(s engine.Session) string {
	return strconv.FormatInt(s.UpdatedAt.UnixMilli(), 10) + "\x00" + s.UserID + "\x00" + s.ID
}

func parseMark(after string) (engine.SessionMark, error) {
	if after == "" {
		return engine.SessionMark{}, nil
	}
	if parts := strings.SplitN(after, "\x00", 3); len(parts) == 3 {
		if ms, err := strconv.ParseInt(parts[0], 10, 64); err == nil {
			return engine.SessionMark{UpdatedAt: time.UnixMilli(ms).UTC(), UserID: parts[1], ID: parts[2]}, nil
		}
	}
	return engine.SessionMark{}, &engine.Error{Code: engine.CodeInvalid, Param: "after", Message: "'after' is not a place in this list."}
}
