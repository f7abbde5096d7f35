package engine

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Kinds of notices.
const (
	NoticeCredentialSuspended = "credential_suspended"
	NoticeCredentialRestored  = "credential_restored"
	NoticeRuleSuspended       = "rule_suspended"
	NoticePluginSuspended     = "plugin_suspended"
	NoticeBudgetThreshold     = "budget.threshold"
	NoticeLedgerRepaired      = "ledger.repaired" // sums or a budget were not what the rows say
	NoticeProviderDown        = "provider.down"
	NoticeProviderRecovered   = "provider.recovered"
	NoticeStatusChange        = "health.status_change" // any other change of a status, or of a switch
)

// Notice is something that an administrator should know of. No member is secret.
type Notice struct {
	Sequence   int64 // of this process, from 1; filled by Publish
	At         time.Time
	Kind       string
	AccountID  string // whom it concerns; empty: the operator alone
	ProviderID string // may be empty
	Subject    string // id of the credential, the rule …
	Message    string
	Detail     string // JSON: the same for programs; "": there is none
	// NoEvent keeps it off /api/v1/events, NoWebhook keeps it from webhooks. It is logged all the same.
	NoEvent   bool
	NoWebhook bool
}

// maxNotices is how many a feed keeps.
const maxNotices = 1000

// NoticeFeed keeps the newest notices of this process and wakes those who wait for
// more. A reader that is slow misses the oldest; it never holds up a publisher. Make
// one with NewNoticeFeed. Safe for concurrent use.
type NoticeFeed struct {
	log zerolog.Logger

	mu      sync.Mutex
	ring    []Notice // at most maxNotices; a notice is at its Sequence-1 modulo that
	last    int64    // the newest Sequence
	changed chan struct{}
}

// NewNoticeFeed returns an empty feed that logs what is published.
func NewNoticeFeed(log zerolog.Logger) *NoticeFeed {
	return &NoticeFeed{log: log, changed: make(chan struct{})}
}

// Publish adds a notice. Sequence is set, and At when it is zero. On a nil feed it
// does nothing. It does not block.
func (f *NoticeFeed) Publish(n Notice) {
	if f == nil {
		return
	}
	if n.At.IsZero() {
		n.At = time.Now()
	}
	n.At = n.At.UTC()
	f.add(n)
	f.log.Warn().Str("tenant_id", n.AccountID).Str("provider", n.ProviderID).Str("kind", n.Kind).Str("subject", n.Subject).Msg(n.Message)
}

func (f *NoticeFeed) add(n Notice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	n.Sequence = f.last
	if len(f.ring) < maxNotices {
		f.ring = append(f.ring, n)
	} else {
		f.ring[(n.Sequence-1)%maxNotices] = n
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// After returns the kept notices whose Sequence is above that one, oldest first, the
// newest Sequence, and a channel that is closed with the next Publish.
func (f *NoticeFeed) After(sequence int64) (list []Notice, last int64, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	oldest := f.last - int64(len(f.ring)) + 1
	for s := max(sequence+1, oldest); s <= f.last; s++ {
		list = append(list, f.ring[(s-1)%maxNotices])
	}
	return list, f.last, f.changed
}

// Wait is After, but waits until there is one. Errors: ctx's.
func (f *NoticeFeed) Wait(ctx context.Context, sequence int64) (list []Notice, last int64, err error) {
	for {
		list, last, changed := f.After(sequence)
		if len(list) > 0 {
			return list, last, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, last, ctx.Err()
		}
	}
}

// VisibleTo reports whether the principal may read the notice: a super admin every one, an
// account's admin those of the account.
func (n Notice) VisibleTo(p Principal) bool {
	if n.NoEvent {
		return false
	}
	if p.Role == RoleSuperAdmin {
		return true
	}
	return p.Role == RoleAccountAdmin && n.AccountID != "" && n.AccountID == p.AccountID
}
