package tenancy

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

const (
	loginCache    = 10_000          // logins that are remembered
	loginFresh    = 5 * time.Second // for how long: so late another process hears of a logout
	seeEvery      = time.Minute     // a login in use is written down
	dropAtOnce    = 100             // ended logins that one new login clears away
	secretRandom  = 32
	secretSeal    = 16
	secretPlain   = 'p' // opened without TLS
	secretSecure  = 's'
	auditFailures = time.Minute
)

// LoginStore is the persistence that logins need.
type LoginStore interface {
	engine.LoginStore
	AppendAudit(ctx context.Context) error
}

// LoginConfig is what logins are made of. Every member but Log and Now is required.
type LoginConfig struct {
	Keys  *Keys
	Store LoginStore
	// Secret seals what browsers keep, so that only what was made here is looked up; the
	// processes that share a database share it.
	Secret []byte
	Now    func() time.Time // nil: time.Now
	Log    zerolog.Logger
}

// Logins exchange keys for sessions of the dashboard, and know whose a session is.
// Safe for concurrent use.
type Logins struct {
	cfg   LoginConfig
	known *lru.Cache[[sha256.Size]byte, knownLogin]
	guard *guard
	fails failures
}

type knownLogin struct {
	engine.Login
	read time.Time // when it was, from the store
	gone bool      // it is not there
}

// NewLogins returns logins.
func NewLogins(cfg LoginConfig) (*Logins, error) {
	if cfg.Keys == nil || cfg.Store == nil || len(cfg.Secret) < minPepper {
		return nil, errors.New("logins need keys, a store and a secret of 32 bytes")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	known, err := lru.New[[sha256.Size]byte, knownLogin](loginCache)
	if err != nil {
		return nil, fmt.Errorf("remember logins: %w", err)
	}
	guard, err := newGuard()
	if err != nil {
		return nil, fmt.Errorf("guard logins: %w", err)
	}
	return &Logins{cfg: cfg, known: known, guard: guard}, nil
}

// Login opens a session with a key. address is the client's, for who tries too often; secure
// says that it came by TLS. Errors: those of Keys.Authenticate, CodeForbidden for a key that
// may not read, CodeRateLimited, with After, after wrong keys of this address or this prefix,
// and for a key that opens too many.
func (l *Logins) Login(ctx context.Context, key, address string, secure bool) (engine.LiveLogin, error) {
	now := l.cfg.Now()
	p, err := l.authenticate(ctx, key, address, now)
	if err == nil && !p.Scopes.Has(engine.ScopeRead) {
		err = engine.Errorf(engine.CodeForbidden, "The dashboard needs a key with the scope read.")
	}
	if err != nil {
		return engine.LiveLogin{}, err
	}
	if wait := l.guard.open(now, "key "+p.AccountID+"/"+p.KeyID); wait > 0 {
		return engine.LiveLogin{}, tooOften("This key opened too many sessions. Wait, then try again.", wait)
	}
	return l.open(ctx, p, now, address, secure)
}

// authenticate is Keys.Authenticate for who does not try keys.
func (l *Logins) authenticate(ctx context.Context, key, address string, now time.Time) (engine.Principal, error) {
	if generated(key) {
		// Nobody guesses one: a right one need not wait for what others do behind the same proxy.
		if p, err := l.cfg.Keys.Authenticate(key, now); engine.CodeOf(err) != engine.CodeUnauthorized {
			return p, err
		}
	}
	sources := []string{"address " + network(address), "prefix " + beginning(key)}
	if wait := l.guard.enter(now, sources...); wait > 0 {
		return engine.Principal{}, tooOften("There were too many attempts to log in. Wait, then try again.", wait)
	}
	p, err := l.cfg.Keys.Authenticate(key, now)
	if engine.CodeOf(err) == engine.CodeUnauthorized {
		l.failed(ctx, now, address)
	} else {
		l.guard.forgive(now, sources...)
	}
	return p, err
}

func tooOften(message string, wait time.Duration) error {
	return &engine.Error{Code: engine.CodeRateLimited, Message: message, After: wait}
}

func (l *Logins) open(ctx context.Context, p engine.Principal, now time.Time, address string, secure bool) (engine.LiveLogin, error) {
	secret, random := l.mint(secure)
	digest := sha256.Sum256(random)
	row := engine.Login{
		AccountID: p.AccountID, ID: uuid.Must(uuid.NewV7()).String(), KeyID: p.KeyID, Digest: digest[:],
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(engine.LoginLifetime),
	}
	if _, err := l.cfg.Store.DropLogins(ctx, now, now.Add(-engine.LoginIdle), dropAtOnce); err != nil {
		return engine.LiveLogin{}, fmt.Errorf("log in: %w", err)
	}
	if err := l.audit(ctx, p, now, "create", p.AccountID, row.ID, map[string]any{"address": address, "secure": secure}); err != nil {
		return engine.LiveLogin{}, fmt.Errorf("log in: %w", err)
	}
	if err := l.cfg.Store.CreateLogin(ctx, row); err != nil {
		return engine.LiveLogin{}, fmt.Errorf("log in: %w", err)
	}
	return engine.LiveLogin{Principal: p, Secret: secret, CSRF: csrf(random), Secure: secure, ExpiresAt: row.ExpiresAt}, nil
}

// Resume returns whose session the secret is, and notes that it is in use. Errors:
// CodeUnauthorized for one that is unknown, has ended, or whose key is not in force.
func (l *Logins) Resume(ctx context.Context, secret string) (engine.LiveLogin, error) {
	now := l.cfg.Now()
	live, row, err := l.find(ctx, secret, now)
	if err != nil || now.Sub(row.SeenAt) < seeEvery {
		return live, err
	}
	digest := [sha256.Size]byte(row.Digest)
	row.SeenAt = now
	l.known.Add(digest, row)
	err = l.cfg.Store.SeeLogin(ctx, row.AccountID, row.ID, now)
	if errors.Is(err, engine.ErrNotFound) {
		l.known.Add(digest, knownLogin{read: now, gone: true})
		return engine.LiveLogin{}, errUnauthorized
	}
	if err != nil {
		return engine.LiveLogin{}, fmt.Errorf("see login: %w", err)
	}
	return live, nil
}

// Check is Resume of what goes on by itself, like a stream: it does not count as use.
func (l *Logins) Check(ctx context.Context, secret string) (engine.LiveLogin, error) {
	live, _, err := l.find(ctx, secret, l.cfg.Now())
	return live, err
}

// Logout ends the session. Errors: those of Resume.
func (l *Logins) Logout(ctx context.Context, secret string) error {
	now := l.cfg.Now()
	live, row, err := l.find(ctx, secret, now)
	if err != nil {
		return err
	}
	if err := l.end(ctx, row.Login, now); err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	return l.audit(ctx, live.Principal, now, "end", row.AccountID, row.ID, nil)
}

// find returns a session that is in force at now.
func (l *Logins) find(ctx context.Context, secret string, now time.Time) (engine.LiveLogin, knownLogin, error) {
	random, secure, ok := l.unseal(secret)
	if !ok {
		return engine.LiveLogin{}, knownLogin{}, errUnauthorized
	}
	digest := sha256.Sum256(random)
	row, ok := l.known.Get(digest)
	if age := now.Sub(row.read); !ok || age >= loginFresh || age < 0 {
		found, err := l.cfg.Store.FindLogin(ctx, digest[:])
		gone := errors.Is(err, engine.ErrNotFound)
		if err != nil && !gone {
			return engine.LiveLogin{}, knownLogin{}, fmt.Errorf("find login: %w", err)
		}
		row = knownLogin{found, now, gone}
		l.known.Add(digest, row)
	}
	if row.gone || !hmac.Equal(row.Digest, digest[:]) {
		return engine.LiveLogin{}, knownLogin{}, errUnauthorized
	}
	p, known, err := l.cfg.Keys.holder(row.AccountID, row.KeyID, now)
	if known && err != nil || !now.Before(row.ExpiresAt) || now.Sub(row.SeenAt) >= engine.LoginIdle {
		// It would be refused all the same; a tenant that is let in again must log in again.
		if err := l.end(ctx, row.Login, now); err != nil {
			l.cfg.Log.Warn().Err(err).Msg("a login that has ended is still stored")
		}
		return engine.LiveLogin{}, knownLogin{}, errUnauthorized
	}
	if err != nil { // the key may be newer than what this process has read
		return engine.LiveLogin{}, knownLogin{}, err
	}
	return engine.LiveLogin{Principal: p, CSRF: csrf(random), Secure: secure, ExpiresAt: row.ExpiresAt}, row, nil
}

func (l *Logins) end(ctx context.Context, row engine.Login, now time.Time) error {
	digest := [sha256.Size]byte(row.Digest)
	err := l.cfg.Store.DeleteLogin(ctx, row.AccountID, row.ID)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		l.known.Remove(digest)
		return err
	}
	l.known.Add(digest, knownLogin{read: now, gone: true})
	return nil
}

func (l *Logins) audit(ctx context.Context, p engine.Principal, now time.Time, verb, account, id string, detail any) error {
	ctx = engine.WithActor(ctx, engine.Actor{Principal: p, RequestID: engine.ActorOf(ctx).RequestID})
	return l.cfg.Store.AppendAudit(engine.Audited(ctx, now, account, "login."+verb, "login/"+id, detail))
}

// failed counts a wrong key. The audit log gets one entry a minute at most: whoever tries
// keys must not fill it.
func (l *Logins) failed(ctx context.Context, now time.Time, address string) {
	count := l.fails.add(now)
	if count == 0 {
		return
	}
	err := l.audit(ctx, engine.Principal{}, now, "refuse", "", network(address), map[string]any{"address": address, "failures": count})
	if err != nil {
		l.cfg.Log.Warn().Err(err).Int("failures", count).Msg("failed logins are not in the audit log")
	}
}

// mint makes a secret: a letter for how it may be used, and the base64 of 32 random bytes
// and their seal.
func (l *Logins) mint(secure bool) (secret string, random []byte) {
	random = make([]byte, secretRandom)
	_, _ = rand.Read(random) // it does not fail (crypto/rand, Go 1.24)
	kind := byte(secretPlain)
	if secure {
		kind = secretSecure
	}
	sealed := append(random[:secretRandom:secretRandom], l.seal(kind, random)...)
	return string(kind) + base64.RawURLEncoding.EncodeToString(sealed), random
}

// unseal returns the random bytes of a secret that was made here.
func (l *Logins) unseal(secret string) (random []byte, secure, ok bool) {
	if len(secret) != 1+base64.RawURLEncoding.EncodedLen(secretRandom+secretSeal) {
		return nil, false, false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(secret[1:])
	if err != nil || !hmac.Equal(sealed[secretRandom:], l.seal(secret[0], sealed[:secretRandom])) {
		return nil, false, false
	}
	return sealed[:secretRandom], secret[0] == secretSecure, true
}

func (l *Logins) seal(kind byte, random []byte) []byte {
	mac := hmac.New(sha256.New, l.cfg.Secret)
	mac.Write([]byte{kind})
	mac.Write(random)
	return mac.Sum(nil)[:secretSeal]
}

// csrf is the token of a session: it tells nothing of the secret.
func csrf(random []byte) string {
	mac := hmac.New(sha256.New, random)
	mac.Write([]byte("pointsman dashboard csrf"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
