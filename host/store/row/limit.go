package row

import (
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// CheckRateLimit says why a limit cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckRateLimit(l engine.Limit) error {
	var c check
	c.account(l.AccountID)
	c.key("id", l.ID)
	c.text("name", l.Name)
	s := l.Scope
	c.text("scope", s.AccountID, s.TeamID, s.UserID, s.KeyID, s.ProviderID, s.ModelID)
	if l.AccountID != "" && s.AccountID != "" && s.AccountID != l.AccountID {
		c.refuse("scope.account_id", "is not the account whose limit this is")
	}
	if l.AccountID == "" && s.AccountID == "" && s.Dimensions()&(engine.LimitByTeam|engine.LimitByUser|engine.LimitByKey) != 0 {
		c.refuse("scope.account_id", "is needed with a team, a user or a key, which are those of one account")
	}
	if l.Per >= 1<<6 {
		c.refuse("per", "names no dimension")
	}
	checkLimitAmounts(&c, l)
	c.text("least_role", string(l.LeastRole))
	c.count("resets", l.Resets)
	c.time("created_at", l.CreatedAt)
	c.time("updated_at", l.UpdatedAt)
	return c.result()
}

func checkLimitAmounts(c *check, l engine.Limit) {
	switch l.Kind {
	case engine.LimitRequests, engine.LimitTokens:
		switch l.Window {
		case time.Second, time.Minute, time.Hour, 24 * time.Hour:
		default:
			c.refuse("window", "is not a second, a minute, an hour or a day")
		}
	case engine.LimitConcurrency:
		if l.Window != 0 {
			c.refuse("window", "is not for a limit on concurrency")
		}
		if l.Burst != 0 {
			c.refuse("burst", "is not for a limit on concurrency")
		}
	default:
		c.refuse("kind", "is neither requests, tokens nor concurrency")
	}
	if l.Amount == 0 && l.Burst != 0 {
		c.refuse("burst", "would never come back with an amount of 0")
	}
	for _, amount := range []struct {
		member string
		n      int64
	}{{"amount", l.Amount}, {"burst", l.Burst}} {
		c.count(amount.member, amount.n)
		if amount.n > engine.MaxLimitAmount {
			c.refuse(amount.member, "is more than 1,000,000,000,000")
		}
	}
}

// CheckLimitBucket says why a bucket cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckLimitBucket(b engine.LimitBucket) error {
	var c check
	c.account(b.AccountID)
	c.key("limit_id", b.LimitID)
	c.text("scope", b.Scope)
	c.count("amount", b.Amount)
	c.count("size", b.Size)
	if b.WindowUS < 1 {
		c.refuse("window_us", "is less than 1")
	}
	return c.result()
}

// CheckLimitExchange says why an exchange is refused: an *engine.Error with CodeInvalid, or nil.
func CheckLimitExchange(x engine.LimitExchange) error {
	var c check
	c.key("replica", x.Replica)
	if x.TTL < time.Millisecond {
		c.refuse("ttl", "is less than a millisecond")
	}
	for _, claim := range x.Claims {
		if err := CheckLimitBucket(claim.LimitBucket); err != nil {
			return err
		}
		c.count("hold", claim.Hold)
		c.count("keep", claim.Keep)
	}
	return c.result()
}

// CheckLimitReport says why a report is refused: an *engine.Error with CodeInvalid, or nil.
func CheckLimitReport(r engine.LimitReport) error {
	if err := CheckLimitExchange(engine.LimitExchange{Replica: r.Replica, TTL: r.TTL}); err != nil {
		return err
	}
	var c check
	if r.Number < 1 {
		c.refuse("number", "is less than 1")
	}
	for _, count := range r.Counts {
		if err := CheckLimitBucket(count.LimitBucket); err != nil {
			return err
		}
		c.account(count.OfAccount)
		c.count("refused", count.Refused)
	}
	return c.result()
}

// LimitScope writes a scope as a JSON object of the values that are set.
func LimitScope(s engine.LimitScope) []byte {
	set := map[string]string{}
	for name, value := range map[string]string{
		"account": s.AccountID, "team": s.TeamID, "user": s.UserID, "key": s.KeyID, "provider": s.ProviderID, "model": s.ModelID,
	} {
		if value != "" {
			set[name] = value
		}
	}
	return Map(set)
}

// ParseLimitScope reads what LimitScope wrote.
func ParseLimitScope(b []byte) (engine.LimitScope, error) {
	m, err := ParseMap(b)
	return engine.LimitScope{
		AccountID: m["account"], TeamID: m["team"], UserID: m["user"], KeyID: m["key"], ProviderID: m["provider"], ModelID: m["model"],
	}, err
}

// ParseLimitDimensions reads the list of their names.
func ParseLimitDimensions(b []byte) (d engine.LimitDimensions, err error) {
	names, err := ParseList[string](b)
	for _, name := range names {
		one, ok := engine.ParseLimitDimension(name)
		if !ok {
			return 0, fmt.Errorf("read the dimensions of a limit: there is none called %q", name)
		}
		d |= one
	}
	return d, err
}
