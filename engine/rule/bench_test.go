package rule

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// mixed are n rules as tenants write them, none of which matches prose: words, flags,
// sizes, commands, metadata; no two with the same words.
func mixed(n int) []engine.Rule {
	forms := []string{
		"mentions('alpha%[1]d', 'beta%[1]d') or request.command == '/c%[1]d'",
		"request.has_image and mentions('gamma%[1]d', 'delta%[1]d phrase')",
		"request.chars < 10 and (mentions('epsilon%[1]d') or request.has_code)",
		"request.task_type == 'task%[1]d' or caller.team in ['t%[1]d', 'u%[1]d']",
		"mentions('zeta%[1]d', 'eta%[1]d', 'theta%[1]d', 'iota%[1]d') and request.tokens > 5",
	}
	var rules []engine.Rule
	for i := range n {
		rules = append(rules, when(fmt.Sprintf("r%d", i), i%100, fmt.Sprintf(forms[i%len(forms)], i)))
	}
	return rules
}

// BenchmarkDecide is a whole decision in which no rule matches: the worst case.
func BenchmarkDecide(b *testing.B) {
	for _, size := range []int{300, 10_000} {
		req := said(b, words(size))
		for _, c := range []struct {
			name  string
			rules []engine.Rule
		}{
			{"8 system rules", seeded(b)},
			{"1000 rules", mixed(1_000)},
		} {
			b.Run(fmt.Sprintf("%s/%d B", c.name, size), func(b *testing.B) {
				benchmarkDecide(b, loaded(b, nil, c.rules...), req)
			})
		}
	}
	// Rules that only expr's machine can run.
	var machine []engine.Rule
	for i := range 1_000 {
		machine = append(machine, when(fmt.Sprintf("r%d", i), i, fmt.Sprintf("request.chars + 1 == %d", -i)))
	}
	b.Run("1000 rules on the machine/300 B", func(b *testing.B) {
		benchmarkDecide(b, loaded(b, nil, machine...), said(b, words(300)))
	})
	abstains := guests{"/p": says(engine.RuleAnswer{Verdict: engine.VerdictAbstain})}
	b.Run("1 plugin in Go/300 B", func(b *testing.B) {
		benchmarkDecide(b, loaded(b, abstains, asking("a", 1, "p")), said(b, words(300)))
	})
}

func benchmarkDecide(b *testing.B, r *Router, req *engine.Request) {
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if d, err := r.Decide(ctx, req); err != nil || d.Source != engine.SourceDefault {
			b.Fatalf("Decide = %q, %v, want default", d.Source, err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, source := range []string{seeded(b)[0].When, "any(models, .health == 'healthy') and request.chars + 1 > 3"} {
		b.Run(clip(source, 20), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := compile(source); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	rules := mixed(1_000)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			loaded(b, nil, rules...)
		}
	})
	b.Run("again", func(b *testing.B) {
		r := loaded(b, nil, rules...)
		for b.Loop() {
			r.Load(rules)
		}
	})
}

// BenchmarkWeights measures what the weights of cost.go stand for.
func BenchmarkWeights(b *testing.B) {
	const size = engine.MaxRuleText
	as := strings.Repeat("a", size)
	for _, c := range []struct{ name, pattern string }{
		{"nested", "(a+)+b"},
		{"optional", "(?:.?){58}!"},
		{"classes", "(?:\\pL?\\pN?[a-z]?){18}!"},
		{"words", "(?i)\\b(password|passwort|kennwort)\\b"},
	} {
		re := regexp.MustCompile(c.pattern)
		p, err := compile("request.text matches '" + strings.ReplaceAll(c.pattern, `\`, `\\`) + "'")
		if err != nil {
			b.Fatal(err)
		}
		b.Run("pattern "+c.name, func(b *testing.B) {
			for b.Loop() {
				re.MatchString(as)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size/float64(p.cost.patterns), "ns/step-byte")
		})
	}
	b.Run("contains", func(b *testing.B) {
		for b.Loop() {
			_ = strings.Contains(as, "aaaaaaaab")
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size, "ns/byte")
	})
	b.Run("lower", func(b *testing.B) {
		upper := strings.Repeat("Éa", size/3)
		for b.Loop() {
			_ = strings.ToLower(upper)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size, "ns/byte")
	})
	b.Run("node", func(b *testing.B) {
		p := byMachine(b, strings.Repeat("request.chars + 1 == 0 or ", 60)+"false")
		s, e := prepared(said(b, "x"), p)
		defer s.release()
		for b.Loop() {
			s.work = 0
			if _, err := s.evaluate(e, DefaultWork); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(60*7), "ns/node")
	})
}
