package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// How a time stands in the canonical form: UTC, milliseconds. The store gives no finer one;
// one that has been put there must not look the same.
const (
	auditTime     = "2006-01-02T15:04:05.000Z"
	auditFineTime = "2006-01-02T15:04:05.000000000Z"
)

// auditPage is how many entries are read at a time.
const auditPage = 1_000

// AuditHead is the end of an account's chain, kept apart from it: without it the newest
// entries could be deleted without a trace.
type AuditHead struct {
	AccountID string
	Seq       int64
	Hash      []byte
}

// AuditBreak is the first place at which an account's chain does not hold.
type AuditBreak struct {
	AccountID string
	Seq       int64  // of the entry that is wrong or missing
	Reason    string // completes "entry 7 "
}

// Error implements error.
func (b *AuditBreak) Error() string {
	return fmt.Sprintf("the audit log of account %q is broken: entry %d %s", b.AccountID, b.Seq, b.Reason)
}

// Canonical is the form of the entry over which it is hashed: a JSON object on one line, of
// every member but Previous and Hash, by the names and in the order of the API. Of strings
// only '"', '\' and what is below U+0020 are escaped, as RFC 8785 says (section 3.2.2.2);
// the time has milliseconds, UTC; Detail stands as it is stored, null for nothing. Two entries
// that differ in any member have different forms.
func (e AuditEntry) Canonical() []byte {
	b := make([]byte, 0, 512+len(e.Detail))
	b = append(b, `{"account_id":`...)
	b = appendCanonical(b, e.AccountID)
	b = append(b, `,"seq":`...)
	b = strconv.AppendInt(b, e.Seq, 10)
	b = append(b, `,"at":`...)
	layout := auditTime
	if e.At.Nanosecond()%int(time.Millisecond) != 0 {
		layout = auditFineTime
	}
	b = appendCanonical(b, e.At.UTC().Format(layout))
	for _, m := range [...]struct{ name, value string }{
		{"actor_account", e.ActorAccount},
		{"actor_user", e.ActorUser},
		{"actor_key", e.ActorKey},
		{"actor_role", string(e.ActorRole)},
		{"request_id", e.RequestID},
		{"action", e.Action},
		{"object", e.Object},
		{"reason", e.Reason},
	} {
		b = append(b, `,"`...)
		b = append(b, m.name...)
		b = append(b, `":`...)
		b = appendCanonical(b, m.value)
	}
	// The last member, so that no text in it can pass for another member.
	b = append(b, `,"detail":`...)
	if len(e.Detail) == 0 {
		b = append(b, "null"...)
	} else {
		b = append(b, e.Detail...)
	}
	return append(b, '}')
}

func appendCanonical(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\t':
			b = append(b, `\t`...)
		case '\n':
			b = append(b, `\n`...)
		case '\f':
			b = append(b, `\f`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			if c < ' ' {
				b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}

// HashAudit returns the entry's place in its chain: SHA-256 of the hash before it (32 bytes,
// zeros before the first) followed by the canonical form. e.Previous and e.Hash do not count.
func HashAudit(previous []byte, e AuditEntry) []byte {
	h := sha256.New()
	h.Write(previous)
	h.Write(e.Canonical())
	return h.Sum(nil)
}

// VerifyAudit checks entries of one account, oldest first, that come right after the entry
// last, which was checked before: nil at the beginning of the chain. The error is an
// *AuditBreak that names the first entry which is wrong or missing.
func VerifyAudit(accountID string, last *AuditEntry, entries []AuditEntry) error {
	seq, hash := int64(0), make([]byte, sha256.Size)
	if last != nil {
		seq, hash = last.Seq, last.Hash
	}
	for i := range entries {
		e := &entries[i]
		seq++
		broken := func(reason string) error { return &AuditBreak{AccountID: accountID, Seq: seq, Reason: reason} }
		switch {
		case e.AccountID != accountID:
			return broken("is another account's")
		case e.Seq > seq:
			return broken("is missing")
		case e.Seq < seq:
			return broken(fmt.Sprintf("has the number %d", e.Seq))
		case !bytes.Equal(e.Previous, hash):
			return broken("does not follow the one before it: either of the two was changed")
		case !bytes.Equal(e.Hash, HashAudit(hash, *e)):
			return broken("was changed")
		}
		hash = e.Hash
	}
	return nil
}

// CheckAudit reads an account's chain from its beginning, verifies it, and returns how many
// entries hold up to the first that does not. Entries may be appended meanwhile.
// Errors: *AuditBreak, and what the store returns.
func CheckAudit(ctx context.Context, store AuditStore, accountID string) (holds int64, err error) {
	// Before the entries, so that it cannot be ahead of them.
	head, err := store.GetAuditHead(ctx, accountID)
	if err != nil {
		return 0, fmt.Errorf("read the audit head of account %q: %w", accountID, err)
	}
	for last := (*AuditEntry)(nil); ; {
		entries, err := store.ReadAudit(ctx, accountID, holds, auditPage)
		if err != nil {
			return holds, fmt.Errorf("read the audit log of account %q: %w", accountID, err)
		}
		if len(entries) == 0 {
			return holds, checkAuditEnd(ctx, store, head, holds)
		}
		err = VerifyAudit(accountID, last, entries)
		if broken := (*AuditBreak)(nil); errors.As(err, &broken) {
			return broken.Seq - 1, err
		}
		for i := range entries {
			if e := &entries[i]; e.Seq == head.Seq && !bytes.Equal(e.Hash, head.Hash) {
				return e.Seq - 1, &AuditBreak{accountID, e.Seq, "is not the one that was appended: its hash was " + hex.EncodeToString(head.Hash)}
			}
		}
		last = &entries[len(entries)-1]
		holds = last.Seq
	}
}

// checkAuditEnd checks that no entry is missing after those that hold.
func checkAuditEnd(ctx context.Context, store AuditStore, head AuditHead, holds int64) (err error) {
	if head.Seq == 0 && holds > 0 { // the first entry may have come only now
		if head, err = store.GetAuditHead(ctx, head.AccountID); err != nil {
			return fmt.Errorf("read the audit head of account %q: %w", head.AccountID, err)
		}
		if head.Seq == 0 {
			return &AuditBreak{head.AccountID, holds, "may not be the last: the head of the chain is gone"}
		}
		return nil
	}
	if holds < head.Seq {
		return &AuditBreak{head.AccountID, holds + 1, fmt.Sprintf("is missing, as are all up to %d", head.Seq)}
	}
	return nil
}
