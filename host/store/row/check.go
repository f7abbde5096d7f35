package row

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine"
)

// MaxKey is the longest part of a key, in bytes: both databases can index it
// several times over.
const MaxKey = 255

// IsKey reports whether a row could have these key parts. A driver asks before it
// reads or deletes, so that an impossible key is just one that no row has.
// The first part is the account, which alone may be empty.
func IsKey(account string, rest ...string) bool {
	for _, part := range rest {
		if part == "" || len(part) > MaxKey || !storable(part) {
			return false
		}
	}
	return len(account) <= MaxKey && storable(account)
}

// storable reports whether both databases keep the text as it is.
func storable(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// check collects the first reason against a row. Its methods name the member as
// the admin API does.
type check struct{ err *engine.Error }

func (c *check) refuse(member, reason string) {
	if c.err == nil {
		c.err = &engine.Error{Code: engine.CodeInvalid, Param: member, Message: member + " " + reason}
	}
}

// result is nil, or an *engine.Error with CodeInvalid.
func (c *check) result() error {
	if c.err == nil {
		return nil
	}
	return c.err
}

// account is the first part of a key: empty for what is global.
func (c *check) account(id string) {
	if len(id) > MaxKey {
		c.refuse("account_id", "is longer than 255 bytes")
	}
	c.text("account_id", id)
}

func (c *check) key(member, id string) {
	switch {
	case id == "":
		c.refuse(member, "is empty")
	case len(id) > MaxKey:
		c.refuse(member, "is longer than 255 bytes")
	}
	c.text(member, id)
}

func (c *check) text(member string, values ...string) {
	for _, v := range values {
		if !storable(v) {
			c.refuse(member, "contains a NUL or is not valid UTF-8")
		}
	}
}

func (c *check) pairs(member string, m map[string]string) {
	for k, v := range m {
		c.text(member, k, v)
	}
}

func (c *check) json(member string, b []byte) {
	if len(b) > 0 && !json.Valid(b) {
		c.refuse(member, "is not valid JSON")
	}
	c.text(member, string(b))
}

// count refuses what the tables' checks would, with the member's name.
func (c *check) count(member string, n int64) {
	if n < 0 {
		c.refuse(member, "is negative")
	}
}

// time refuses years that one of the databases or JSON cannot express.
func (c *check) time(member string, times ...time.Time) {
	for _, t := range times {
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			c.refuse(member, "is not within the years 1 to 9999")
		}
	}
}

// list says the texts of a typed list.
func list[S ~string](values []S) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return texts
}
