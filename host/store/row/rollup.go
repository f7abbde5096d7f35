package row

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Rollup is what a batch adds to one group of one step.
type Rollup struct {
	AccountID  string
	Grain      engine.Grain
	At         time.Time // the begin of the step
	Digest     [16]byte  // of the members down to TaskType
	TeamID     string
	UserID     string
	KeyID      string
	ModelID    string
	ProviderID string
	Source     string
	TaskType   string
	Sums       engine.ReportRow
}

// grains are the steps that rollups are kept of, each made of whole ones of the one before.
var grains = [...]struct {
	name engine.Grain
	step time.Duration
}{{engine.GrainMinute, time.Minute}, {engine.GrainHour, time.Hour}, {engine.GrainDay, 24 * time.Hour}}

// Rollups returns the sums of rows that Usage has cleaned, for each grain, in the order of
// (AccountID, Grain, At, Digest), the key that the tables have.
func Rollups(rows []engine.Usage) []Rollup {
	s := newSums()
	for i := range rows {
		s.add(&rows[i])
	}
	return s.rollups()
}

// sums gathers rows by minute.
type sums struct {
	digests map[dimensions][16]byte
	minutes map[minute]*Rollup
	all     []*Rollup
	last    minute  // of the row before, which is often of the same group
	into    *Rollup // nil before the first row
}

// minute is a group of an account in one minute.
type minute struct {
	account string
	of      dimensions
	at      int64
}

func newSums() *sums {
	return &sums{digests: make(map[dimensions][16]byte), minutes: make(map[minute]*Rollup)}
}

func (s *sums) add(u *engine.Usage) {
	key := minute{u.AccountID, dimensionsOf(u), u.StartedAt.Truncate(grains[0].step).UnixMilli()}
	if s.into == nil || key != s.last {
		s.last, s.into = key, s.group(key)
	}
	s.into.Sums.Add(u)
}

func (s *sums) group(key minute) *Rollup {
	r := s.minutes[key]
	if r != nil {
		return r
	}
	digest, known := s.digests[key.of]
	if !known {
		digest = key.of.digest()
		s.digests[key.of] = digest
	}
	r = &Rollup{
		AccountID: key.account, Grain: grains[0].name, At: time.UnixMilli(key.at).UTC(), Digest: digest, TeamID: key.of[0], UserID: key.of[1],
		KeyID: key.of[2], ModelID: key.of[3], ProviderID: key.of[4], Source: key.of[5], TaskType: key.of[6],
	}
	s.minutes[key] = r
	s.all = append(s.all, r)
	return r
}

// rollups returns the sums for each grain. It ends the use of s.
func (s *sums) rollups() []Rollup {
	all := s.all
	finer := all
	for _, grain := range grains[1:] {
		groups := make(map[rollupKey]*Rollup)
		var list []*Rollup
		for _, f := range finer {
			key := rollupKey{f.AccountID, f.Digest, f.At.Truncate(grain.step).UnixMilli()}
			r := groups[key]
			if r == nil {
				next := *f
				next.Grain, next.At, next.Sums = grain.name, f.At.Truncate(grain.step), engine.ReportRow{}
				r = &next
				groups[key], list = r, append(list, r)
			}
			r.Sums.Merge(&f.Sums)
		}
		all, finer = append(all, list...), list
	}
	sorted := make([]Rollup, len(all))
	for i, r := range all {
		sorted[i] = *r
	}
	SortRollups(sorted)
	return sorted
}

// SortRollups puts them in the order of their keys.
func SortRollups(rollups []Rollup) {
	slices.SortFunc(rollups, func(a, b Rollup) int {
		return cmp.Or(strings.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Grain, b.Grain), a.At.Compare(b.At),
			bytes.Compare(a.Digest[:], b.Digest[:]))
	})
}

type rollupKey struct {
	account string
	digest  [16]byte
	at      int64
}

// dimensions are what tells groups of one account and step apart.
type dimensions [7]string

func dimensionsOf(u *engine.Usage) dimensions {
	return dimensions{u.TeamID, u.UserID, u.KeyID, u.ModelID, u.ProviderID, u.Source, u.TaskType}
}

// digest is half of a SHA-256 over each text after its length.
func (d dimensions) digest() (digest [16]byte) {
	var b []byte
	for _, text := range d {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	sum := sha256.Sum256(b)
	copy(digest[:], sum[:])
	return digest
}
