package engine

// PluginCall is one rule's call of its plugin in a decision.
type PluginCall struct {
	RuleID  string
	Plugin  string      // name@version of the one that was asked
	Digest  string      // how the SHA-256 of its module begins: ShortDigest hex digits
	Outcome RuleOutcome // RuleMatched, RuleAbstained, RuleRejected or RuleFailedStep
	Fuel    int64
	TookNS  int64
}

// ShortDigest is how many hex digits of a module's digest are kept of a call: enough to tell
// whether a version that is uploaded again is the same.
const ShortDigest = 16

// CallOf is the decision's call of the plugin of that rule; nil when there was none.
func CallOf(calls []PluginCall, ruleID string) *PluginCall {
	for i := range calls {
		if calls[i].RuleID == ruleID {
			return &calls[i]
		}
	}
	return nil
}
