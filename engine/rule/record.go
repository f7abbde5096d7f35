package rule

import (
	"math/bits"
	"slices"

	"github.com/pointsman/pointsman/engine"
)

// record says which phrases of the rules are in the text, also when no rule asked.
func (s *scratch) record(d *engine.Decision) {
	d.Searched = true
	if len(s.list.phrases) == 0 {
		return
	}
	if !s.scanned {
		s.scan()
	}
	found := 0
	for _, word := range s.hits {
		found += bits.OnesCount64(word)
	}
	if found == 0 {
		return
	}
	hashes := slices.Grow(d.Found, found)
	for i, word := range s.hits {
		for ; word != 0; word &= word - 1 {
			hashes = append(hashes, s.list.hashes[i*64+bits.TrailingZeros64(word)])
		}
	}
	slices.Sort(hashes)
	d.Found = slices.Compact(hashes)
}

// Phrases lists what the mentions calls of the rules look for, each once, as written: what
// Decision.Found is about when those are the rules. Rules that do not compile have none.
func Phrases(rules []engine.Rule) []string {
	var phrases []string
	seen := map[string]bool{}
	for i := range rules {
		if rules[i].When == "" {
			continue
		}
		p, err := compile(rules[i].When)
		if err != nil {
			continue
		}
		for _, call := range p.calls {
			for _, phrase := range call {
				if !seen[phrase] {
					seen[phrase] = true
					phrases = append(phrases, phrase)
				}
			}
		}
	}
	return phrases
}

// Known tells which phrases were looked for in texts when those were the rules: for
// engine.RecordedText. It is for the rules that were in force, global and the account's, as
// a disabled rule's phrases are not looked for, nor a shadowed one's. Safe for concurrent use.
func Known(rules []engine.Rule) func(phrase string) bool {
	account := map[string]bool{}
	for i := range rules {
		if rules[i].AccountID != "" {
			account[rules[i].ID] = true
		}
	}
	var inForce []engine.Rule
	for i := range rules {
		if r := &rules[i]; r.Enabled && (r.AccountID != "" || !account[r.ID]) {
			inForce = append(inForce, *r)
		}
	}
	known := map[string]bool{}
	for _, phrase := range Phrases(inForce) {
		known[phrase] = true
	}
	return func(phrase string) bool { return known[phrase] }
}
