package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// A key that no free request can be made with is forgotten once it is deleted.
func TestDeletedCredentialIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeyRig(t, key("k1"))
		stop := k.runHealth(t)
		defer stop()
		k.scripts["a"].onList = func() (AdapterRequest, error) { return AdapterRequest{}, Errorf(CodeInvalid, "no list") }
		k.set("k1", failing(401, abi.ClassAuth, 0))
		_, _, _ = k.run(t, t.Context(), rigRequest(t, ""), false)
		time.Sleep(firstProbe + time.Second)
		synctest.Wait()
		if n := k.health.suspensions.n.Load(); n != 1 {
			t.Fatalf("%d suspensions, want that of k1", n)
		}
		k.keep(key("k2"))
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := k.health.suspensions.n.Load(); n != 0 {
			t.Errorf("%d suspensions of keys that are gone, want none", n)
		}
	})
}

// One account's refused keys, on a server that keeps every probe waiting, delay the probe
// of the operator's by one pass at most.
func TestProbesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeyRig(t, key("k1"))
		c := k.catalogue.Load()
		providers := c.Providers("")
		slow := Provider{AccountID: "acme", ID: "c", Adapter: "c", Enabled: true}
		const many = 200
		for i := range many {
			slow.Credentials = append(slow.Credentials, key(fmt.Sprint("s", i)))
		}
		k.scripts["c"] = &script{onDo: func(ctx context.Context) { <-ctx.Done() }}
		k.catalogue.Store(NewCatalogue(c.Models(""), append(providers, slow), nil))
		for _, s := range slow.Credentials {
			k.health.failed(&slow, s, "up", abi.ClassAuth, 401, 0)
		}
		k.health.failed(k.provider("a"), key("k1"), "up-a", abi.ClassAuth, 401, 0)
		stop := k.runHealth(t)
		defer stop()
		time.Sleep(firstProbe + 2*probeTimeout + time.Second)
		synctest.Wait()
		if got := k.took(); got != "k1 list" {
			t.Errorf("a was sent %q, want the probe of its key in spite of %d slow ones", got, many)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		asked := 0
		for _, what := range k.asked {
			asked += oneIf(what == "adapter c for acme")
		}
		if asked < many {
			t.Errorf("%d probes of the slow provider, want at least one of each of its %d keys", asked, many)
		}
	})
}

// A key that is deleted between the plan and the attempt is like a refused one: another
// key of the same provider takes over.
func TestCredentialDeletedMeanwhile(t *testing.T) {
	for _, stream := range []bool{false, true} {
		k := newKeyRig(t, key("k1"), key("k2"))
		k.set("k1", &script{doErr: &Error{Code: CodeUpstreamFailed, Message: "Provider a has no credential.", Err: ErrNoCredential}})
		r := k.firstWith(t, "k1")
		r.Model = "m-a" // no other target may hide it
		text, meta, err := k.run(t, t.Context(), r, stream)
		if err != nil || text != "from a" || meta.Attempts != 2 {
			t.Errorf("stream %v: = %q after %d attempts, %v, want a's answer with the other key", stream, text, meta.Attempts, err)
		}
		rows := k.ledger.all()
		if len(rows) != 2 || rows[0].CostNanoUSD != 0 || rows[0].Tokens != (Tokens{}) {
			t.Errorf("stream %v: rows %+v, want two, the first free", stream, rows)
		}
	}
}

// Who gives up before the connection is made owes the provider nothing.
func TestCanceledBeforeSent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		err  error
		want int64 // tokens
	}{
		{"while connecting", &Error{Code: CodeCanceled, Message: "canceled", Err: errors.Join(ErrUnsent, context.Canceled)}, 0},
		{"out of time while connecting", &Error{Code: CodeUpstreamTimeout, Message: "late", Err: ErrUnsent}, 0},
		{"while waiting for the answer", &Error{Code: CodeCanceled, Message: "canceled", Err: context.Canceled}, rigPrompt},
	} {
		g := newRig(t, map[string]*script{"a": {doErr: tt.err}})
		_, _ = g.Complete(t.Context(), rigRequest(t, ""))
		rows := g.ledger.all()
		if len(rows) != 1 || rows[0].Tokens.Prompt != tt.want {
			t.Errorf("%s: rows %+v, want one of %d tokens", tt.name, rows, tt.want)
		}
	}
}

// The windows of providers that are no more are forgotten.
func TestRetryBudgetIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b retryBudget
		held := b.of(&Provider{ID: "held"})
		held.pending.Add(1)
		for i := range 10 * maxWindows {
			b.of(&Provider{AccountID: "acme", ID: fmt.Sprint(i)}).request()
			if i%1000 == 0 {
				time.Sleep(budgetWindow * time.Second)
			}
		}
		n := 0
		b.windows.Range(func(_, _ any) bool { n++; return true })
		if n > 2*maxWindows {
			t.Errorf("%d windows are kept, want at most %d", n, 2*maxWindows)
		}
		if b.of(&Provider{ID: "held"}) != held {
			t.Error("the window of a retry under way was forgotten")
		}
	})
}

// A key that may infer and not list cannot be proved good by a probe. What one caller was
// forbidden takes it out for a minute, and then a request shows.
func TestKeyThatMayNotList(t *testing.T) {
	for _, tt := range []struct {
		name     string
		call     *script // from the second request on
		wantText string
		wantSent string // in the minute after the first
	}{
		{"it works", nil, "from a", "k1 chat, k1 chat"},
		{"it is bad", failing(403, abi.ClassAuth, 0), "from b", "k1 chat"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKeyRig(t, key("k1"))
				stop := k.runHealth(t)
				defer stop()
				call := failing(403, abi.ClassAuth, 0)
				k.scripts["a"].answer = func(r *UpstreamRequest) *script {
					k.mu.Lock()
					defer k.mu.Unlock()
					switch {
					case r.Request.Method == "GET":
						return failing(403, abi.ClassAuth, 0)
					case call != nil:
						k.sent = append(k.sent, r.Credential+" chat")
						return call
					}
					k.sent = append(k.sent, r.Credential+" chat")
					return works("from a")
				}
				ask := func(want string) {
					t.Helper()
					if text, _, err := k.run(t, t.Context(), rigRequest(t, ""), false); text != want {
						t.Errorf("= %q, %v, want %q", text, err, want)
					}
					synctest.Wait()
				}
				ask("from b")
				k.took()
				ask("from b")
				if got := k.took(); got != "" {
					t.Errorf("a suspended key was used: %s", got)
				}
				call = tt.call
				time.Sleep(firstProbe + time.Second)
				synctest.Wait()
				ask(tt.wantText)
				ask(tt.wantText)
				if got := k.took(); got != tt.wantSent {
					t.Errorf("a was sent %q, want %q", got, tt.wantSent)
				}
			})
		})
	}
}
