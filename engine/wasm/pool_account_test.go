package wasm

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// counting is a rule whose reason has as many letters as it was called for: it counts in its
// memory, or in a global.
func counting(inGlobal bool) asm {
	load, store := seq(i32c(64), loadI32), storeI32
	a := rule(seq(i32c(64), load, i32c(1), []byte{0x6a}, store, i32c(0), load, call(0), i32c(0)), "reason")
	if inGlobal {
		a = rule(seq([]byte{0x23, 0}, i32c(1), []byte{0x6a, 0x24, 0}, i32c(0), []byte{0x23, 0}, call(0), i32c(0)), "reason")
		a.global = true
	}
	a.data = "abcdefghijklmnopqrstuvwxyz"
	return a
}

// reasonOf is what a global rule plugin says to the account's call.
func reasonOf(t *testing.T, l *Library, account string) string {
	t.Helper()
	var answer engine.RuleAnswer
	if err := ruleGuestOf(t, l, "", "test").Decide(t.Context(), &engine.RuleCall{AccountID: account}, &answer); err != nil {
		t.Fatalf("Decide(%s) = %v", account, err)
	}
	return answer.Reason
}

// TestGlobalPluginKeepsAccountsApart: what a global rule plugin keeps of one account's calls no
// other account's call sees.
func TestGlobalPluginKeepsAccountsApart(t *testing.T) {
	t.Parallel()
	for name, inGlobal := range map[string]bool{"in memory": false, "in a global": true} {
		l := offer(t, Config{PoolSize: 1}, counting(inGlobal).build(t))
		for _, c := range []struct{ account, want string }{{"acme", "a"}, {"acme", "ab"}, {"rival", "a"}, {"acme", "abc"}, {"rival", "ab"}, {"", "a"}} {
			if got := reasonOf(t, l, c.account); got != c.want {
				t.Errorf("%s: reason for %q = %q, want %q, as many letters as it made calls", name, c.account, got, c.want)
			}
		}
	}
}

// TestConfigsLeaveNoTrace: a global rule plugin that is shown one account's config has forgotten
// it before the next one's.
func TestConfigsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	// It accepts the first config that an instance is shown, and says that it saw another before.
	a := rule(i32c(0), "fail")
	a.functions[abi.EntryConfigure] = seq([]byte{0x23, 0, 0x04, 0x40}, i32c(400), i32c(0), i32c(4), call(0), i32c(-1), []byte{0x0f, 0x0b}, i32c(1), []byte{0x24, 0}, i32c(0))
	a.global, a.data = true, "seen"
	l := offer(t, Config{PoolSize: 1}, a.build(t))
	for _, account := range []string{"acme", "acme", "rival"} {
		if err := ruleGuestOf(t, l, account, "test").Configure(t.Context(), []byte(`{}`)); err != nil {
			t.Errorf("Configure() for %s = %v, want nothing seen before", account, err)
		}
	}
}

// TestAccountsInstancesAreBounded: an account's instances of a global plugin count as its own,
// go when they take too much, and when nobody calls for a minute; and the account after that.
func TestAccountsInstancesAreBounded(t *testing.T) {
	t.Parallel()
	const accounts, room = 40, 10
	l := offer(t, Config{TenantBytes: room * abi.PageSize}, counting(false).build(t))
	p, err := l.lookup("", "test", abi.KindRule)
	if err != nil {
		t.Fatal(err)
	}
	for i := range accounts {
		l.ticks.Add(1)
		if got := reasonOf(t, l, fmt.Sprintf("acct-%02d", i)); got != "a" {
			t.Fatalf("account %d: reason %q", i, got)
		}
	}
	l.evict(nil)
	var left []string
	p.each(func(of *pool) { left = append(left, of.account) })
	if len(left) == 0 || len(left) > room {
		t.Errorf("%d accounts have instances in the room for %d", len(left), room)
	}
	if got := reasonOf(t, l, fmt.Sprintf("acct-%02d", accounts-1)); got != "ab" {
		t.Errorf("the last account's instance says %q, want it kept", got)
	}
	if got := reasonOf(t, l, "acct-00"); got != "a" {
		t.Errorf("the first account's instance says %q, want a new one", got)
	}
	for range idleAfter {
		l.tidy()
	}
	p.each(func(of *pool) { t.Errorf("after a minute %s still has instances", of.account) })
	if stats, _ := l.Stats("", "test", "1.0.0"); stats.Instances != 1 || l.tenantMemory.Load() != 0 {
		t.Errorf("after a minute %d instances and %d bytes of accounts', want the one that is kept warm", stats.Instances, l.tenantMemory.Load())
	}
}

// TestHammerPools: calls of many accounts while their instances are dropped under them all the
// time; no call fails, none sees another account's, and nothing is left.
func TestHammerPools(t *testing.T) {
	t.Parallel()
	l := offer(t, Config{PoolSize: 2, TenantBytes: 3 * abi.PageSize, RuleLimit: patience}, counting(true).build(t))
	p, err := l.lookup("", "test", abi.KindRule)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var janitor, callers sync.WaitGroup
	janitor.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				l.evict(nil)
				runtime.Gosched()
			}
		}
	})
	const rounds = 100
	for i := range 8 {
		callers.Go(func() {
			g := ruleGuestOf(t, l, "", "test")
			account := fmt.Sprintf("acct-%d", i%4)
			for range rounds {
				var answer engine.RuleAnswer
				err := g.Decide(t.Context(), &engine.RuleCall{AccountID: account}, &answer)
				if err != nil && len(answer.Reason) == 0 {
					t.Errorf("Decide(%s) = %v", account, err)
					return
				}
			}
		})
	}
	callers.Wait()
	close(stop)
	janitor.Wait()
	p.each(func(of *pool) {
		if n := of.users.Load(); n != 0 {
			t.Errorf("%d calls hold the instances of %s after all", n, of.account)
		}
		p.drop(of)
	})
	if stats, _ := l.Stats("", "test", "1.0.0"); stats.Instances != 1 || l.tenantMemory.Load() != 0 {
		t.Errorf("%d instances and %d bytes of accounts' are left, want one and none", stats.Instances, l.tenantMemory.Load())
	}
}
