package engine

import "context"

// RuleFinding is what looks wrong with a rule that can be saved.
type RuleFinding struct {
	RuleID  string // "": of no rule alone
	Kind    string // a word for programs, as "unreachable"; FindingCase for a case that fails
	Message string // safe to show
}

// FindingCase is the kind of a finding that says that a stored case fails.
const FindingCase = "case_failed"

// WarnRule tells what looks wrong once the rule is saved: what the rules of its account are then
// found to be, and which of their cases fail.
func (s *RuleSetService) WarnRule(ctx context.Context, r Rule) ([]RuleFinding, error) {
	set, err := s.head(ctx, r.AccountID)
	if err != nil {
		return nil, err
	}
	rules := set.Rules
	at := -1
	for i := range rules {
		if rules[i].ID == r.ID {
			at = i
		}
	}
	if at < 0 {
		rules = append(rules, r)
	} else {
		rules[at] = r
	}
	findings := s.cfg.Findings(r.AccountID, rules)
	failing, err := s.failing(ctx, r.AccountID, rules, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range failing {
		findings = append(findings, RuleFinding{Kind: FindingCase, Message: "The case '" + f.ID + "' fails: " + f.Message})
	}
	return findings, nil
}
