package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// Store is what a Service keeps webhooks in.
type Store interface {
	engine.WebhookStore
	GetAccount(ctx context.Context, id string) (engine.Account, error)
}

// maxOverlap is the longest time that a secret goes on signing after it was rotated.
const maxOverlap = 7 * 24 * time.Hour

// Service manages webhooks: an account's admins those of the account, a super admin all. To
// everybody else there are none. Make one with NewService. Safe for concurrent use.
type Service struct {
	store      Store
	dispatcher *Dispatcher

	mu sync.Mutex // of creating one: the count of them is held
}

// NewService returns the webhooks of the dispatcher's store.
func NewService(store Store, dispatcher *Dispatcher) *Service {
	return &Service{store: store, dispatcher: dispatcher}
}

// manages reports whether p may manage webhooks of the account; "" is the operator's.
func manages(p engine.Principal, accountID string) bool {
	return p.Role == engine.RoleSuperAdmin || p.Role == engine.RoleAccountAdmin && accountID != "" && accountID == p.AccountID
}

func noSuchWebhook() *engine.Error {
	return engine.Errorf(engine.CodeNotFound, "There is no such webhook. GET /api/v1/webhooks lists them.")
}

// ListWebhooks returns the webhooks that p manages, by account, then id; of one account
// unless that is empty.
func (s *Service) ListWebhooks(ctx context.Context, p engine.Principal, accountID string) ([]engine.Webhook, error) {
	all, err := s.store.ListWebhooks(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(w engine.Webhook) bool {
		return !manages(p, w.AccountID) || accountID != "" && w.AccountID != accountID
	}), nil
}

// GetWebhook returns one. Errors: CodeNotFound, also for one that p does not manage.
func (s *Service) GetWebhook(ctx context.Context, p engine.Principal, accountID, id string) (engine.Webhook, error) {
	if !manages(p, accountID) {
		return engine.Webhook{}, noSuchWebhook()
	}
	all, err := s.store.ListWebhooks(ctx)
	if err != nil {
		return engine.Webhook{}, err
	}
	i := slices.IndexFunc(all, func(w engine.Webhook) bool { return w.AccountID == accountID && w.ID == id })
	if i < 0 {
		return engine.Webhook{}, noSuchWebhook()
	}
	return all[i], nil
}

// CreateWebhook stores a new one, with an id of its own, and returns it and its signing
// secret, which is never shown again. Errors: CodeForbidden, CodeNotFound for the account,
// CodeInvalid with the member at fault, CodeConflict when the account has MaxWebhooks.
func (s *Service) CreateWebhook(ctx context.Context, p engine.Principal, w engine.Webhook) (engine.Webhook, string, error) {
	if !manages(p, w.AccountID) {
		return w, "", engine.Errorf(engine.CodeForbidden, "This key may not manage webhooks of that account.")
	}
	now := s.dispatcher.cfg.Now().UTC().Truncate(time.Millisecond)
	w.ID, w.Version, w.PreviousUntil, w.DisabledWhy = uuid.Must(uuid.NewV7()).String(), 1, time.Time{}, ""
	w.CreatedAt, w.UpdatedAt = now, now
	if err := s.check(w); err != nil {
		return w, "", err
	}
	if w.AccountID != "" {
		if _, err := s.store.GetAccount(ctx, w.AccountID); errors.Is(err, engine.ErrNotFound) {
			return w, "", engine.Errorf(engine.CodeNotFound, "There is no such account.")
		} else if err != nil {
			return w, "", err
		}
	}
	secret := newSecret()
	w, err := withSecrets(s.dispatcher.cfg.Seal, w, secret)
	if err != nil {
		return w, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.store.ListWebhooks(ctx)
	if err != nil {
		return w, "", err
	}
	if n := len(slices.DeleteFunc(all, func(o engine.Webhook) bool { return o.AccountID != w.AccountID })); n >= engine.MaxWebhooks {
		return w, "", engine.Errorf(engine.CodeConflict, "An account may have %d webhooks. Delete one first.", engine.MaxWebhooks)
	}
	return w, secret, s.store.CreateWebhook(audited(ctx, now, "webhook.create", w), w)
}

// ChangeWebhook applies edit to the stored row, of which it may change name, URL, events and
// enabled; it may be called more than once. was is the UpdatedAt that the caller has seen;
// zero: whatever is stored. Enabling forgets why it was disabled.
// Errors: CodeNotFound, CodeInvalid, CodeConflict when the row changed meanwhile.
func (s *Service) ChangeWebhook(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, edit func(*engine.Webhook)) (engine.Webhook, error) {
	return s.change(ctx, p, accountID, id, was, "webhook.update", func(w *engine.Webhook) error {
		next := *w
		edit(&next)
		w.Name, w.URL, w.Events, w.Enabled = next.Name, next.URL, next.Events, next.Enabled
		if w.Enabled {
			w.DisabledWhy = ""
		}
		return s.check(*w)
	})
}

// RotateWebhook gives the webhook another signing secret, which it returns. For overlap (0 to
// 7 days) deliveries are signed with both. Errors: those of ChangeWebhook.
func (s *Service) RotateWebhook(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, overlap time.Duration) (engine.Webhook, string, error) {
	if overlap < 0 || overlap > maxOverlap {
		return engine.Webhook{}, "", invalid("overlap_seconds", "must be 0 to %d.", int(maxOverlap/time.Second))
	}
	secret := newSecret()
	w, err := s.change(ctx, p, accountID, id, was, "webhook.rotate", func(w *engine.Webhook) (err error) {
		now := s.dispatcher.cfg.Now()
		secrets := []string{secret}
		// One that cannot be opened is only replaced: that is what rotating is for then.
		if old, err := secretsOf(s.dispatcher.cfg.Seal, *w, now); err == nil && overlap > 0 {
			secrets = append(secrets, old[0])
		}
		w.Version++
		w.PreviousUntil = time.Time{}
		if len(secrets) > 1 {
			w.PreviousUntil = now.Add(overlap).UTC().Truncate(time.Millisecond)
		}
		*w, err = withSecrets(s.dispatcher.cfg.Seal, *w, secrets...)
		return err
	})
	return w, secret, err
}

// DeleteWebhook deletes it with its deliveries. Errors: CodeNotFound.
func (s *Service) DeleteWebhook(ctx context.Context, p engine.Principal, accountID, id string) error {
	w, err := s.GetWebhook(ctx, p, accountID, id)
	if err != nil {
		return err
	}
	err = s.store.DeleteWebhook(audited(ctx, s.dispatcher.cfg.Now(), "webhook.delete", w), accountID, id)
	if errors.Is(err, engine.ErrNotFound) {
		return noSuchWebhook()
	}
	return err
}

// maxTries bounds how often a change is made again that another process overtook.
const maxTries = 5

// change edits a stored row.
func (s *Service) change(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, action string, edit func(*engine.Webhook) error) (engine.Webhook, error) {
	for n := 1; ; n++ {
		w, err := s.GetWebhook(ctx, p, accountID, id)
		if err != nil {
			return w, err
		}
		seen := was
		if seen.IsZero() {
			seen = w.UpdatedAt
		}
		w.UpdatedAt = after(w.UpdatedAt, s.dispatcher.cfg.Now())
		if err := edit(&w); err != nil {
			return w, err
		}
		err = s.store.UpdateWebhook(audited(ctx, w.UpdatedAt, action, w), w, seen)
		switch {
		case errors.Is(err, engine.ErrConflict) && was.IsZero() && n < maxTries:
			continue
		case errors.Is(err, engine.ErrConflict):
			return w, engine.Errorf(engine.CodeConflict, "The webhook was changed meanwhile. Read it again.")
		case errors.Is(err, engine.ErrNotFound):
			return w, noSuchWebhook()
		}
		if err == nil {
			s.dispatcher.Wake() // what waited while it was disabled is due
		}
		return w, err
	}
}

// after is now by the millisecond, or just after the time before, so that a caller who has
// seen that one is noticed.
func after(before, now time.Time) time.Time {
	if now = now.UTC().Truncate(time.Millisecond); now.After(before) {
		return now
	}
	return before.Add(time.Millisecond)
}

// check says why a webhook may not be as it is: *engine.Error with CodeInvalid, or nil.
func (s *Service) check(w engine.Webhook) error {
	if _, err := s.dispatcher.cfg.Addresses.check(w.URL); err != nil {
		return err
	}
	if len(w.Name) > 128 || strings.ContainsFunc(w.Name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		return invalid("name", "must have at most 128 bytes and no control characters.")
	}
	if len(w.Events) > engine.MaxWebhookEvents {
		return invalid("events", "may have %d entries.", engine.MaxWebhookEvents)
	}
	for i, e := range w.Events {
		if !isKind(e) {
			return invalid("events", "[%s] must be a kind such as budget.threshold, or a beginning of one that ends in '.'.", strconv.Itoa(i))
		}
	}
	return nil
}

// isKind reports whether a text looks like a kind of notices, or a beginning of one.
func isKind(text string) bool {
	return text != "" && len(text) <= 64 && text[0] != '.' &&
		strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789._") == ""
}

func invalid(member, format string, args ...any) *engine.Error {
	e := engine.Errorf(engine.CodeInvalid, "'"+member+"' "+format, args...)
	e.Param = member
	return e
}

func audited(ctx context.Context, at time.Time, action string, w engine.Webhook) context.Context {
	return engine.Audited(ctx, at, w.AccountID, action, "webhook/"+w.ID, record(w))
}

// recorded is a webhook as the audit log has it. The path of a URL is often a secret in
// itself: it is only told apart.
type recorded struct {
	Name          string     `json:"name"`
	Host          string     `json:"host"`
	URL           string     `json:"url_sha256"`
	Events        []string   `json:"events"`
	Enabled       bool       `json:"enabled"`
	SecretVersion int64      `json:"secret_version"`
	PreviousUntil *time.Time `json:"previous_secret_until,omitempty"`
}

func record(w engine.Webhook) recorded {
	digest := sha256.Sum256([]byte(w.URL))
	r := recorded{Name: w.Name, URL: hex.EncodeToString(digest[:8]), Events: w.Events, Enabled: w.Enabled, SecretVersion: w.Version}
	if u, err := url.Parse(w.URL); err == nil {
		r.Host = u.Host
	}
	if !w.PreviousUntil.IsZero() {
		r.PreviousUntil = &w.PreviousUntil
	}
	return r
}
