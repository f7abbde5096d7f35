package ratelimit

import (
	"hash/maphash"
	"strings"

	"github.com/pointsman/pointsman/engine"
)

// Places of the values of a subject: a dimension's bit is 1 << its place. The owners are
// no dimensions, but tell two rows of one id apart.
const (
	atAccount = iota
	atTeam
	atUser
	atKey
	atProvider
	atModel
	dimensionCount
	atProviderOwner = dimensionCount
	atModelOwner    = dimensionCount + 1
	valueCount      = dimensionCount + 2
)

// subject is a request as buckets see it. It lives on the stack of one call.
type subject struct {
	values  [valueCount]string
	hashes  [valueCount]uint64
	present engine.LimitDimensions
}

func (s *subject) set(seed maphash.Seed, q *engine.LimitRequest) {
	s.values = [valueCount]string{
		atAccount: q.AccountID, atTeam: q.TeamID, atUser: q.UserID, atKey: q.KeyID,
		atProvider: q.ProviderID, atModel: q.ModelID, atProviderOwner: q.ProviderOwner, atModelOwner: q.ModelOwner,
	}
	if q.Part == engine.LimitOfCaller {
		s.values[atProvider], s.values[atModel] = "", ""
	}
	for i, value := range s.values {
		if value == "" {
			continue
		}
		s.hashes[i] = maphash.String(seed, value)
		if i < dimensionCount {
			s.present |= 1 << i
		}
	}
}

// mix adds x to a hash. The seed of x is secret, so nobody can aim for one bucket.
func mix(h, x uint64) uint64 {
	h = (h ^ x) * 0x9E3779B97F4A7C15
	return h ^ h>>32
}

// named is the hash of the values of those dimensions, whoever owns the rows.
func (s *subject) named(d engine.LimitDimensions) uint64 {
	h := uint64(d) + 1
	for i := range dimensionCount {
		if d&(1<<i) != 0 {
			h = mix(h, s.hashes[i])
		}
	}
	return h
}

// key is the hash by which a bucket of that limit is found.
func (s *subject) key(sp *spec) uint64 {
	h := sp.id.hash
	for i := range dimensionCount {
		if sp.keyed&(1<<i) != 0 {
			h = mix(h, s.hashes[i])
		}
	}
	if sp.keyed&engine.LimitByProvider != 0 {
		h = mix(h, s.hashes[atProviderOwner])
	}
	if sp.keyed&engine.LimitByModel != 0 {
		h = mix(h, s.hashes[atModelOwner]+1)
	}
	return h
}

// parts are the places of the values that key a bucket, in order.
func parts(keyed engine.LimitDimensions, yield func(place int) bool) bool {
	for i := range dimensionCount {
		if keyed&(1<<i) != 0 && !yield(i) {
			return false
		}
	}
	if keyed&engine.LimitByProvider != 0 && !yield(atProviderOwner) {
		return false
	}
	return keyed&engine.LimitByModel == 0 || yield(atModelOwner)
}

// text is the values that key a bucket, each ended by a NUL, which none holds. It is a
// copy: the request's own memory may be used again.
func (s *subject) text(keyed engine.LimitDimensions) string {
	var b strings.Builder
	parts(keyed, func(place int) bool {
		b.WriteString(s.values[place])
		b.WriteByte(0)
		return true
	})
	return b.String()
}

// is reports whether text is what s.text would return.
func (s *subject) is(text string, keyed engine.LimitDimensions) bool {
	for i := range dimensionCount {
		if keyed&(1<<i) != 0 && !cut(&text, s.values[i]) {
			return false
		}
	}
	if keyed&engine.LimitByProvider != 0 && !cut(&text, s.values[atProviderOwner]) {
		return false
	}
	if keyed&engine.LimitByModel != 0 && !cut(&text, s.values[atModelOwner]) {
		return false
	}
	return text == ""
}

func cut(text *string, value string) bool {
	t := *text
	n := len(value)
	if len(t) <= n || t[n] != 0 || t[:n] != value {
		return false
	}
	*text = t[n+1:]
	return true
}

var placeNames = [valueCount]string{"account", "team", "user", "key", "provider", "model", "provider_owner", "model_owner"}

// scopeText says the values of a bucket's text for people, as "account=acme user=bob".
func scopeText(text string, keyed engine.LimitDimensions) string {
	var b strings.Builder
	parts(keyed, func(place int) bool {
		value, rest, _ := strings.Cut(text, "\x00")
		text = rest
		if place >= dimensionCount && value == "" {
			return true
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(placeNames[place])
		b.WriteByte('=')
		b.WriteString(value)
		return true
	})
	return b.String()
}
