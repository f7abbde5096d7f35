package spool

import (
	"encoding/binary"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// codecVersion is the first byte of a row. A new member goes to the end of walk, behind a
// check of the version: files that an older program left must be read.
const codecVersion = 2

// maxText is the most bytes that are kept of one text: what callers choose is bounded
// before, this bounds a record.
const maxText = 4 << 10

// appendUsage appends the row: texts with their length, numbers as varints.
func appendUsage(b []byte, u *engine.Usage) []byte {
	c := codec{b: append(b, codecVersion), writing: true, version: codecVersion}
	c.walk(u)
	return c.b
}

// parseUsage reads what appendUsage wrote; false when it is something else. The row
// keeps nothing of b.
func parseUsage(b []byte, u *engine.Usage) bool {
	if len(b) == 0 || b[0] == 0 || b[0] > codecVersion {
		return false
	}
	c := codec{b: b[1:], version: b[0]}
	c.walk(u)
	return !c.bad && len(c.b) == 0
}

// codec writes a row or reads one, member by member, so that there is one list of them.
type codec struct {
	b       []byte
	version byte
	writing bool
	bad     bool
}

func (c *codec) walk(u *engine.Usage) {
	c.text(&u.AccountID)
	c.text(&u.ID)
	c.text((*string)(&u.Kind))
	c.text(&u.Corrects)
	c.text(&u.RequestID)
	attempt := int64(u.Attempt)
	c.number(&attempt)
	c.text(&u.TeamID)
	c.text(&u.UserID)
	c.text(&u.KeyID)
	c.text(&u.SessionID)
	c.text(&u.TaskType)
	c.text(&u.ModelID)
	c.text(&u.ProviderID)
	c.text(&u.UpstreamID)
	c.text(&u.Source)
	var decision string // what rows once had there; it has a record of its own
	c.text(&decision)
	c.number(&u.Tokens.Prompt)
	c.number(&u.Tokens.Cached)
	c.number(&u.Tokens.CacheWrite)
	c.number(&u.Tokens.CacheWrite1h)
	c.number(&u.Tokens.Completion)
	c.number(&u.Tokens.Reasoning)
	c.number(&u.CostNanoUSD)
	c.time(&u.PriceFrom)
	c.text(&u.PriceOf)
	c.number(&u.PremiumUse)
	c.text((*string)(&u.Outcome))
	status := int64(u.Status)
	c.number(&status)
	c.text((*string)(&u.Code))
	c.flags(&u.Substituted, &u.Stream, &u.Estimated, &u.Unpriced, &u.Simulated)
	c.time(&u.StartedAt)
	c.number(&u.LatencyMS)
	c.number(&u.FirstByteMS)
	if c.version >= 2 {
		c.number(&u.Images)
	}
	u.Attempt, u.Status = int(attempt), int(status)
}

func (c *codec) text(s *string) {
	if c.writing {
		text := *s
		if len(text) > maxText {
			text = text[:maxText]
		}
		if len(text) < 0x80 { // as AppendUvarint does, without the call
			c.b = append(c.b, byte(len(text)))
		} else {
			c.b = binary.AppendUvarint(c.b, uint64(len(text)))
		}
		c.b = append(c.b, text...)
		return
	}
	n, read := binary.Uvarint(c.b)
	if c.bad = c.bad || read <= 0 || n > uint64(len(c.b)-max(read, 0)) || n > maxText; c.bad {
		return
	}
	*s, c.b = string(c.b[read:read+int(n)]), c.b[read+int(n):]
}

func (c *codec) number(v *int64) {
	if c.writing {
		if n := *v; n >= 0 && n < 0x40 { // as AppendVarint does, without the call
			c.b = append(c.b, byte(n<<1))
		} else {
			c.b = binary.AppendVarint(c.b, n)
		}
		return
	}
	n, read := binary.Varint(c.b)
	if c.bad = c.bad || read <= 0; c.bad {
		return
	}
	*v, c.b = n, c.b[read:]
}

// time keeps milliseconds, as the store does; 0 is the zero time.
func (c *codec) time(t *time.Time) {
	ms := int64(0)
	if c.writing && !t.IsZero() {
		ms = t.UnixMilli()
	}
	c.number(&ms)
	if !c.writing && ms != 0 {
		*t = time.UnixMilli(ms).UTC()
	}
}

func (c *codec) flags(list ...*bool) {
	if c.writing {
		bits := byte(0)
		for i, f := range list {
			if *f {
				bits |= 1 << i
			}
		}
		c.b = append(c.b, bits)
		return
	}
	if c.bad = c.bad || len(c.b) == 0; c.bad {
		return
	}
	bits := c.b[0]
	c.b = c.b[1:]
	c.bad = bits>>len(list) != 0
	for i, f := range list {
		*f = bits&(1<<i) != 0
	}
}
