package idempotency

import (
	"errors"
	"sync"
)

// How many claims may be under way in a process, and of those of one account.
// See RATIONALE.md, "How many claims may be under way?".
const (
	claimsAtOnce      = 64
	claimsOfAnAccount = 16
)

var errBusy = errors.New("too many claims are under way")

// claiming counts the claims that are under way. The zero value is ready. Safe for concurrent use.
type claiming struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by account; nobody has 0
}

// enter reports whether one more of an account may begin. If so, leave must be called.
func (c *claiming) enter(accountID string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= claimsAtOnce || c.of[accountID] >= claimsOfAnAccount {
		return false
	}
	if c.of == nil {
		c.of = map[string]int{}
	}
	c.all++
	c.of[accountID]++
	return true
}

// leave ends what enter let begin.
func (c *claiming) leave(accountID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.of[accountID]--; c.of[accountID] == 0 {
		delete(c.of, accountID)
	}
}
