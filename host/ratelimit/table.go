package ratelimit

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// mode is where a limit is decided.
type mode uint8

const (
	alone  mode = iota // in this process, which is the only one
	leased             // here, from what the database lent
	exact              // in the database, request by request
)

// maxExact is the largest bucket that is decided in the database.
const maxExact = 1_000_000

// identity stays the same while limits change, as long as their buckets do.
type identity struct {
	hash uint64
}

type identityKey struct {
	account, limit string
	kind           engine.LimitKind
	window         time.Duration
	dimensions     engine.LimitDimensions
}

// spec is a limit as it is checked. Immutable.
type spec struct {
	limit engine.Limit
	id    *identity
	rate  engine.LimitRate // in nanoseconds
	keyed engine.LimitDimensions
	mode  mode
	since int64 // when it came into force
	// The kind: requests when it is neither.
	tokens, places bool
}

// table is all limits in force. Immutable.
type table struct {
	global   []group
	accounts map[string][]group
	ids      map[identityKey]*identity
	specs    map[identityKey]*spec // of those that are enabled
}

// group is the limits of one owner, kind, window and level, among which one that
// overrides takes the place of the others.
type group struct {
	kind       engine.LimitKind
	window     time.Duration
	dimensions engine.LimitDimensions // without the account, where an account owns them
	combos     []combo                // those that name most first
}

// combo is the limits of a group that name values of the same dimensions.
type combo struct {
	named engine.LimitDimensions
	all   []*spec            // when named is 0
	by    map[uint64][]*spec // else, by subject.named
}

// compile makes a table. Identities are those of was where the buckets are the same.
func compile(limits []engine.Limit, was *table, seed maphash.Seed, shared bool, now int64) *table {
	t := &table{accounts: map[string][]group{}, ids: map[identityKey]*identity{}, specs: map[identityKey]*spec{}}
	for _, limit := range limits {
		if limit.AccountID != "" {
			limit.Scope.AccountID = "" // it is about that account alone in any case
			limit.Per &^= engine.LimitByAccount
		}
		key := identityKey{limit.AccountID, limit.ID, limit.Kind, limit.Window, limit.Dimensions()}
		id, sp := was.ids[key], was.specs[key]
		if id == nil {
			id = &identity{hash: maphash.Comparable(seed, key)}
		}
		t.ids[key] = id
		if !limit.Enabled {
			continue
		}
		if sp == nil || sp.limit != limit {
			sp = &spec{
				limit: limit, id: id, rate: rateOf(limit), keyed: keyedBy(limit), mode: modeOf(limit, shared), since: now,
				tokens: limit.Kind == engine.LimitTokens, places: limit.Kind == engine.LimitConcurrency,
			}
		}
		t.specs[key] = sp
		if limit.AccountID == "" {
			t.global = place(t.global, sp, seed)
		} else {
			t.accounts[limit.AccountID] = place(t.accounts[limit.AccountID], sp, seed)
		}
	}
	return t
}

// empty reports whether no limit is in force.
func (t *table) empty() bool { return len(t.global) == 0 && len(t.accounts) == 0 }

func rateOf(l engine.Limit) engine.LimitRate {
	if l.Kind == engine.LimitConcurrency {
		return engine.LimitRate{Window: 1, Size: l.Amount}
	}
	return engine.LimitRate{Amount: l.Amount, Window: int64(l.Window), Size: l.Size()}
}

// keyedBy are the dimensions whose values tell a limit's buckets apart: a team, a user or
// a key only together with their account.
func keyedBy(l engine.Limit) engine.LimitDimensions {
	d := l.Dimensions()
	if d&(engine.LimitByTeam|engine.LimitByUser|engine.LimitByKey) != 0 {
		d |= engine.LimitByAccount
	}
	return d
}

func modeOf(l engine.Limit, shared bool) mode {
	switch {
	case !shared:
		return alone
	case l.Kind != engine.LimitConcurrency && l.Amount < int64(l.Window/time.Second) && l.Size() <= maxExact:
		return exact // fewer than 60 a minute
	}
	return leased
}

func place(groups []group, sp *spec, seed maphash.Seed) []group {
	l := sp.limit
	at := slices.IndexFunc(groups, func(g group) bool {
		return g.kind == l.Kind && g.window == l.Window && g.dimensions == l.Dimensions()
	})
	if at < 0 {
		at = len(groups)
		groups = append(groups, group{kind: l.Kind, window: l.Window, dimensions: l.Dimensions()})
	}
	g := &groups[at]
	named := l.Scope.Dimensions()
	in := slices.IndexFunc(g.combos, func(c combo) bool { return c.named == named })
	if in < 0 {
		c := combo{named: named, by: map[uint64][]*spec{}}
		in, _ = slices.BinarySearchFunc(g.combos, c, func(a, b combo) int {
			// Those that name as many are in the order of their dimensions, the narrower first.
			return cmp.Or(bits.OnesCount8(uint8(b.named))-bits.OnesCount8(uint8(a.named)), int(b.named)-int(a.named))
		})
		g.combos = slices.Insert(g.combos, in, c)
	}
	if named == 0 {
		g.combos[in].all = append(g.combos[in].all, sp)
		return groups
	}
	var s subject
	s.values = valuesOf(l.Scope)
	for i, value := range s.values {
		if value != "" {
			s.hashes[i] = maphash.String(seed, value)
		}
	}
	h := s.named(named)
	g.combos[in].by[h] = append(g.combos[in].by[h], sp)
	return groups
}

func valuesOf(s engine.LimitScope) [valueCount]string {
	return [valueCount]string{
		atAccount: s.AccountID, atTeam: s.TeamID, atUser: s.UserID, atKey: s.KeyID, atProvider: s.ProviderID, atModel: s.ModelID,
	}
}

// match appends the limits that apply to a request.
func (t *table) match(s *subject, part engine.LimitPart, takes []take) []take {
	takes = matchGroups(t.global, s, part, takes)
	if len(t.accounts) > 0 {
		takes = matchGroups(t.accounts[s.values[atAccount]], s, part, takes)
	}
	return takes
}

func matchGroups(groups []group, s *subject, part engine.LimitPart, takes []take) []take {
	for i := range groups {
		g := &groups[i]
		if g.dimensions&^s.present != 0 {
			continue
		}
		if part == engine.LimitOfTarget && g.dimensions&engine.LimitByTarget == 0 {
			continue
		}
		takes = g.match(s, takes)
	}
	return takes
}

func (g *group) match(s *subject, takes []take) []take {
	first := len(takes)
	for i := range g.combos {
		c := &g.combos[i]
		specs := c.all
		if c.named != 0 {
			specs = c.by[s.named(c.named)]
		}
		for _, sp := range specs {
			if c.named != 0 && !names(sp.limit.Scope, s) {
				continue
			}
			if sp.limit.Override {
				return append(takes[:first], take{spec: sp})
			}
			takes = append(takes, take{spec: sp})
		}
	}
	return takes
}

// names reports whether the request has every value that the scope names.
func names(scope engine.LimitScope, s *subject) bool {
	return (scope.AccountID == "" || scope.AccountID == s.values[atAccount]) &&
		(scope.TeamID == "" || scope.TeamID == s.values[atTeam]) &&
		(scope.UserID == "" || scope.UserID == s.values[atUser]) &&
		(scope.KeyID == "" || scope.KeyID == s.values[atKey]) &&
		(scope.ProviderID == "" || scope.ProviderID == s.values[atProvider]) &&
		(scope.ModelID == "" || scope.ModelID == s.values[atModel])
}
