package rule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// Decisions and loads at once, for several accounts: every decision is one that some
// table in force gives, its models belong to its rule, and nothing of one request
// appears in another's.
func TestLoadAgainstDecide(t *testing.T) {
	t.Parallel()
	plugin := guest{decide: func(call *engine.RuleCall, a *engine.RuleAnswer) error {
		a.Reason = call.Context.Pointer("/request/text").Text()
		a.Targets = append(a.Targets, "of-"+strings.ReplaceAll(a.Reason, " ", "-"))
		if len(a.Reason)%7 == 0 {
			return errors.New("sevens break it")
		}
		return nil
	}}
	r := New(guests{"/p": plugin}, Config{OnSuspend: func(string, string) {}})
	generation := func(n int) []engine.Rule {
		suffix := fmt.Sprint("-", n%3)
		rules := []engine.Rule{
			when("word"+suffix, 9, "mentions('alpha', 'beta"+suffix+"') and request.chars < 100"),
			when("machine"+suffix, 8, "lower(request.text) contains 'machine' and request.chars + 1 > 0"),
			when("meta"+suffix, 7, "request.metadata.k == request.text"),
			when("broken"+suffix, 6, "models[9].id == 'x'"),
			asking("plugin"+suffix, 1, "p"),
		}
		own := when("own"+suffix, 9, "mentions('own')")
		own.AccountID = "a1"
		return append(rules, own)
	}
	r.Load(generation(0))

	const rounds = 400
	var loads, decisions sync.WaitGroup
	stop := make(chan struct{}) // closed here, when every decision is made
	loads.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if p := r.Load(generation(n)); p != nil {
				t.Errorf("Load = %v", p)
			}
		}
	})
	for g := range 6 {
		decisions.Go(func() {
			for i := range rounds {
				tag := fmt.Sprintf("%d-%d", g, i)
				texts := []string{"alpha " + tag, "MACHINE " + tag, "own " + tag, tag}
				text := texts[i%len(texts)]
				req := said(t, text)
				req.Principal.AccountID = fmt.Sprint("a", g%3)
				if i%8 == 7 {
					req = asked(t, `{"messages":[`+message(text)+`],"metadata":{"k":`+message(text)[len(`{"role":"user","content":`):]+`}`)
				}
				d, err := r.Decide(context.Background(), req)
				if err != nil {
					t.Errorf("Decide(%q) = %v", text, err)
					return
				}
				ok := false
				for n := range 3 {
					suffix := fmt.Sprint("-", n)
					switch d.Source {
					case "plugin" + suffix:
						ok = d.Reason == text && d.Models[0] == "of-"+strings.ReplaceAll(text, " ", "-") && d.Models[1] == d.Source
					case "word" + suffix, "machine" + suffix, "meta" + suffix, "own" + suffix:
						ok = len(d.Models) == 1 && d.Models[0] == d.Source && d.Reason == ""
					case engine.SourceDefault:
						ok = len(d.Skipped) > 0 // the plugin broke, or is suspended
					}
					if ok {
						break
					}
				}
				if !ok {
					t.Errorf("Decide(%q) = %+v, want a rule with its own models and reason", text, d)
					return
				}
			}
		})
	}
	decisions.Wait()
	close(stop)
	loads.Wait()
}
