package row

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// CheckBudget says why a budget cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckBudget(b engine.Budget) error {
	var c check
	c.key("account_id", b.AccountID)
	c.key("id", b.ID)
	c.text("name", b.Name)
	c.text("scope", b.TeamID, b.UserID, b.KeyID, b.ModelID)
	switch b.Period {
	case engine.PeriodDay, engine.PeriodWeek, engine.PeriodMonth, engine.PeriodRollingDay, engine.PeriodRolling30:
	default:
		c.refuse("period", "is not day, week, month, rolling_24h or rolling_30d")
	}
	c.count("amount", b.NanoUSD)
	if b.NanoUSD > engine.MaxBudgetNanoUSD {
		c.refuse("amount", "is more than a billion dollars")
	}
	checkThresholds(&c, b.Thresholds)
	c.text("updated_by", b.UpdatedBy)
	c.time("created_at", b.CreatedAt)
	c.time("updated_at", b.UpdatedAt)
	return c.result()
}

func checkThresholds(c *check, list []engine.Threshold) {
	if len(list) > engine.MaxThresholds {
		c.refuse("thresholds", "has more than 16")
	}
	for i, t := range list {
		member := "thresholds[" + strconv.Itoa(i) + "]"
		if t.Percent < 1 || t.Percent > 1000 {
			c.refuse(member+".percent", "is not 1 to 1,000")
		}
		if len(t.Actions) == 0 {
			c.refuse(member+".actions", "is empty")
		}
		for _, action := range t.Actions {
			switch action {
			case engine.ActionEvent, engine.ActionWebhook, engine.ActionPreferCheaper, engine.ActionStop:
			default:
				c.refuse(member+".actions", "is not event, webhook, prefer_cheaper or stop")
			}
		}
		for _, other := range list[:i] {
			if other.Percent == t.Percent && other.Projected == t.Projected {
				c.refuse(member, "is there twice")
			}
		}
	}
}

// CheckBudgetExchange says why an exchange is refused: an *engine.Error with CodeInvalid, or nil.
func CheckBudgetExchange(x engine.BudgetExchange) error {
	var c check
	c.key("replica", x.Replica)
	c.time("expires_at", x.ExpiresAt)
	for _, claim := range x.Claims {
		c.account(claim.AccountID)
		c.key("budget_id", claim.BudgetID)
		c.count("nano_usd", claim.NanoUSD)
		c.count("hold", claim.Hold)
		c.count("keep", claim.Keep)
		c.time("from", claim.From)
		c.time("step", claim.Step)
	}
	return c.result()
}

// Thresholds writes them as a JSON list.
func Thresholds(list []engine.Threshold) []byte {
	if len(list) == 0 {
		return []byte("[]")
	}
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return b
}

// ParseThresholds reads what Thresholds wrote.
func ParseThresholds(b []byte) (list []engine.Threshold, err error) {
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("read thresholds: %w", err)
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, nil
}

// Recounted reports whether a budget counts something else than before, so that what was
// counted is no longer true.
func Recounted(old, b engine.Budget) bool {
	return old.TeamID != b.TeamID || old.UserID != b.UserID || old.KeyID != b.KeyID || old.ModelID != b.ModelID ||
		old.Period != b.Period || !old.Enabled && b.Enabled
}

// BudgetRounds returns the claims' places in the order in which their budgets are locked,
// and splits them so that no round has two claims on one budget.
func BudgetRounds(claims []engine.BudgetClaim) [][]int {
	order := make([]int, len(claims))
	for i := range order {
		order[i] = i
	}
	compare := func(a, b engine.BudgetClaim) int {
		return cmp.Or(strings.Compare(a.AccountID, b.AccountID), strings.Compare(a.BudgetID, b.BudgetID))
	}
	slices.SortStableFunc(order, func(i, j int) int { return compare(claims[i], claims[j]) })
	var rounds [][]int
	for at, n := 0, 0; at < len(order); at++ {
		if at > 0 && compare(claims[order[at]], claims[order[at-1]]) == 0 {
			n++
		} else {
			n = 0
		}
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[n] = append(rounds[n], order[at])
	}
	return rounds
}

// BudgetLevel is what a store knows of a budget when a claim on it is looked at.
type BudgetLevel struct {
	Version int64 // of the head
	NanoUSD int64
	Spent   int64 // since the claim's From
	Held    int64
	Oldest  time.Time // 1970: none
	Opened  bool      // by this claim
	// The replica's lease of the step.
	Leased     bool
	LeaseHeld  int64
	LeaseSpent int64
}

// BudgetMove is what a claim changes.
type BudgetMove struct {
	Spent, Held int64 // added to the step
	LeaseHeld   int64 // the lease's from now on
	Head        bool  // version and amount of the head are the claim's from now on
	Grant       engine.BudgetGrant
}

// MoveBudget decides a claim. It is the one place where money comes to a replica: what is
// spent and held is more than the amount afterwards only by what is spent already or kept.
func MoveBudget(l BudgetLevel, c engine.BudgetClaim) BudgetMove {
	m := BudgetMove{Head: c.Version > l.Version}
	amount := l.NanoUSD
	if m.Head {
		amount = c.NanoUSD
	}
	if l.Leased {
		m.Spent = c.Spent - l.LeaseSpent
	} else {
		m.Spent, l.LeaseHeld = c.Spent-c.Settled, 0
	}
	spent := l.Spent + m.Spent
	others := l.Held - l.LeaseHeld
	m.LeaseHeld = max(min(c.Hold, amount-spent-others), c.Keep, 0)
	m.Held = m.LeaseHeld - l.LeaseHeld
	m.Grant = engine.BudgetGrant{Known: true, Opened: l.Opened, Held: m.LeaseHeld, Spent: spent, HeldAll: others + m.LeaseHeld, NanoUSD: amount}
	if l.Oldest.UnixMilli() > 0 {
		m.Grant.Oldest = l.Oldest.UTC()
	} else if spent != 0 {
		m.Grant.Oldest = c.Step.UTC()
	}
	return m
}
