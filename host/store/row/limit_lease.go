package row

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/pointsman/pointsman/engine"
)

// LimitBucket is a row of limit_buckets, as both drivers read and write it.
type LimitBucket struct {
	engine.LimitBucket
	Epoch int64
	Level engine.LimitLevel
}

// LimitLease is what one replica holds of a bucket.
type LimitLease struct {
	Replica   string
	Epoch     int64
	Held      int64
	Spent     int64
	ExpiresUS int64
	InUse     int64
}

// LimitSettlement is what an exchange makes of a bucket's leases.
type LimitSettlement struct {
	Grant engine.LimitGrant
	Put   *LimitLease // nil: the replica has none now
	Gone  []string    // replicas whose leases are to be deleted
}

// LimitIdleUS is for how long a bucket must have been as good as new before its row goes,
// in microseconds. A clock may be set back by less.
const LimitIdleUS = 10 * 60 * 1_000_000

// OrderLimitClaims returns the places of the claims in the order of their keys, in which
// they are locked. ErrConflict: two are of one bucket.
func OrderLimitClaims(claims []engine.LimitClaim) ([]int, error) {
	order := make([]int, len(claims))
	for i := range order {
		order[i] = i
	}
	compare := func(a, b int) int { return compareKeys(&claims[a].LimitBucketKey, &claims[b].LimitBucketKey) }
	slices.SortFunc(order, compare)
	for i := 1; i < len(order); i++ {
		if compare(order[i-1], order[i]) == 0 {
			return nil, fmt.Errorf("claim a bucket of limit %s twice: %w", claims[order[i]].LimitID, engine.ErrConflict)
		}
	}
	return order, nil
}

func compareKeys(x, y *engine.LimitBucketKey) int {
	return cmp.Or(cmp.Compare(x.AccountID, y.AccountID), cmp.Compare(x.LimitID, y.LimitID), bytes.Compare(x.Digest[:], y.Digest[:]))
}

// OrderLimitCounts returns the counts in the order of their keys, in which rows are locked.
func OrderLimitCounts(counts []engine.LimitCount) []engine.LimitCount {
	return slices.SortedFunc(slices.Values(counts), func(a, b engine.LimitCount) int {
		return compareKeys(&a.LimitBucketKey, &b.LimitBucketKey)
	})
}

// LimitRefs are the limits of a query as the statements compare them: no id has a slash.
func LimitRefs(limits []engine.LimitRef) []string {
	refs := make([]string, len(limits))
	for i, l := range limits {
		refs[i] = l.AccountID + "/" + l.LimitID
	}
	return refs
}

// Rate is the row's, in microseconds.
func (b *LimitBucket) Rate() engine.LimitRate {
	return engine.LimitRate{Amount: b.Amount, Window: max(b.WindowUS, 1), Size: b.Size}
}

// Adopt lets time pass until now, and takes over what a later version of the limit says.
// held is what leases have of the bucket: it counts as being there, or what replicas have
// in hand would come on top of a full bucket.
func (b *LimitBucket) Adopt(c engine.LimitBucket, held, nowUS int64) {
	rate := b.Rate()
	if b.Level.At == 0 {
		b.Level = engine.LimitLevel{Whole: b.Size, At: nowUS}
	}
	b.Level.Refill(rate, max(b.Size-held, min(b.Level.Whole, b.Size)), nowUS)
	if c.Version > b.Version {
		was := b.Size
		b.Amount, b.WindowUS, b.Size, b.Version, b.Scope = c.Amount, c.WindowUS, c.Size, c.Version, c.Scope
		if c.Amount == 0 {
			b.Level.Whole += b.Size - was // places, of which some are taken
		} else {
			b.Level.Scale(rate, b.Rate())
		}
	}
	if c.Resets > b.Resets {
		b.Resets = c.Resets
		if b.Amount > 0 {
			b.Level.Whole, b.Level.Part = b.Size-held, 0
		}
	}
}

// ExchangeLimit settles one claim against a locked bucket and its leases.
func ExchangeLimit(b *LimitBucket, leases []LimitLease, replica string, ttlUS int64, c engine.LimitClaim, nowUS int64) LimitSettlement {
	var s LimitSettlement
	var own *LimitLease
	held := int64(0)
	for i := range leases {
		held += leases[i].Held
	}
	b.Adopt(c.LimitBucket, held, nowUS)
	for i := range leases {
		l := &leases[i]
		switch {
		case l.Replica == replica && l.Epoch == c.Epoch && l.ExpiresUS > nowUS:
			own = l
		case l.Replica == replica, l.ExpiresUS <= nowUS:
			b.Level.Whole += l.Held // it has ended, or is of a former answer that was lost
			s.Gone = append(s.Gone, l.Replica)
		}
	}
	settled, kept := c.Settled, int64(0)
	epoch := c.Epoch
	if own != nil {
		settled = own.Spent
		b.Level.Whole += own.Held
		kept = min(c.Hold, own.Held-(c.Spent-settled))
	} else {
		for i := range leases {
			if leases[i].Replica == replica { // what a lost answer settled
				settled = max(settled, leases[i].Spent)
			}
		}
		b.Epoch++
		epoch = b.Epoch
		s.Grant.Fenced = true
	}
	b.Level.Whole -= c.Spent - settled
	// What the replica has in hand it may be spending this moment, whatever others owe.
	grant := max(min(c.Hold, b.Level.Whole), kept, c.Keep, 0)
	b.Level.Whole -= grant
	s.Grant.Held, s.Grant.Left = grant, b.Level.Whole
	if need := max(c.Need, 1); grant < need {
		s.Grant.WaitUS = b.Level.Wait(b.Rate(), need-grant)
		if need > b.Size {
			s.Grant.WaitUS = math.MaxInt64
		}
	}
	if grant > 0 {
		s.Grant.Epoch = epoch
		s.Put = &LimitLease{Replica: replica, Epoch: epoch, Held: grant, Spent: c.Spent, ExpiresUS: nowUS + ttlUS, InUse: c.Keep}
	} else if own != nil {
		s.Gone = append(s.Gone, replica)
	}
	if s.Put != nil { // it replaces the row
		for i, gone := range s.Gone {
			if gone == replica {
				s.Gone = append(s.Gone[:i], s.Gone[i+1:]...)
				break
			}
		}
	}
	return s
}

// TakeLimit takes n from a locked bucket, or says how long until it is there.
func TakeLimit(b *LimitBucket, leases []LimitLease, c engine.LimitBucket, n, nowUS int64) engine.LimitTaken {
	held := int64(0)
	for _, l := range leases {
		if l.ExpiresUS > nowUS {
			held += l.Held
		}
	}
	b.Adopt(c, held, nowUS)
	t := engine.LimitTaken{OK: n <= 0 || b.Level.Whole >= n}
	if t.OK {
		b.Level.Whole -= n
	} else {
		t.WaitUS = b.Level.Wait(b.Rate(), n)
	}
	t.Left = b.Level.Whole
	return t
}
