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
	minutes map[rollupKey]*Rollup
	all     []*Rollup
}

func newSums() *sums {
	return &sums{digests: make(map[dimensions][16]byte), minutes: make(map[rollupKey]*Rollup)}
}

func (s *sums) add(u *engine.Usage) {
	d := dimensionsOf(u)
	digest, known := s.digests[d]
	if !known {
		digest = d.digest()
		s.digests[d] = digest
	}
	r := group(s.minutes, &s.all, rollupKey{u.AccountID, digest, u.StartedAt.Truncate(grains[0].step).UnixMilli()}, u, grains[0].name)
	r.Sums.Add(u)
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

func group(groups map[rollupKey]*Rollup, all *[]*Rollup, key rollupKey, u *engine.Usage, grain engine.Grain) *Rollup {
	r := groups[key]
	if r == nil {
		r = &Rollup{
			AccountID: u.AccountID, Grain: grain, At: time.UnixMilli(key.at).UTC(), Digest: key.digest, TeamID: u.TeamID, UserID: u.UserID,
			KeyID: u.KeyID, ModelID: u.ModelID, ProviderID: u.ProviderID, Source: u.Source, TaskType: u.TaskType,
		}
		groups[key] = r
		*all = append(*all, r)
	}
	return r
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
