package engine

// decisionWords are the texts that most records have. Their places are part of the stored form:
// the list of a version only grows with the next one. What is not in it is stored as it is.
var decisionWords = [...]string{
	"chat", "auto", "default", "user", "account_admin", "super_admin", "team_lead",
	"gpt-4o", "gpt-5-mini", "claude-opus-4.5", "gemini-2.5-pro", "gemini-3-flash-preview",
	"claude-sonnet-4", "gpt-5.1-codex", "claude-haiku-4.5",
	"healthy", "degraded", "down", "vision", "tools", "messages", "responses", "embeddings", "generate",
	"structured_output", "reasoning", "audio", "files", "image_url", "prefill",

	// From here on a word takes two bytes.
	"gpt-4.1", "gpt-5", "gpt-5.1", "gpt-5.2", "gpt-5-codex-preview", "gpt-5.1-codex-max", "gpt-5.1-codex-mini-preview",
	"gpt-5.2-codex", "claude-sonnet-4.5", "gemini-3-pro-preview", "raptor-mini-preview", "text-embedding-3-small",
	"text-embedding-3-large", "text-embedding-ada-002", "gemini-embedding-001", "gemini-embedding-2",
	"pinned", "assignment", "override", "screenshot-analysis", "long-document-analysis", "real-time-response",
	"customer-service", "complex-reasoning", "browser-automation", "complex-code-generation", "quick-code-edits",
	"rule_failed", "rule_suspended", "assignment_failed", "unknown_model", "disabled", "retired", "no_credential",
	"not_allowed", "lacks_capability", "context_too_small", "wire", "unpriced", "cooldown", "drained", "retry_budget",
	"rate_limited", "budget_exceeded", "failed",
	"provider openai", "provider anthropic", "provider google", "provider raptor", "max_tokens", "reasoning_effort",
	"low", "medium", "high", "/fast", "/support", "/automate",

	// Since version 2.
	"matched", "abstained", "rejected",
}

const wordSlots = 512

// wordTable finds words: a hash table of places in decisionWords, each raised by one.
var wordTable = func() (table [wordSlots]uint8) {
	for i, word := range decisionWords {
		at := wordHash(word)
		for table[at] != 0 {
			at = (at + 1) % wordSlots
		}
		table[at] = uint8(i + 1)
	}
	return table
}()

// wordHash looks at three bytes: a record has tens of words, and a map takes most of its time.
func wordHash(s string) int {
	return (len(s)*37 + int(s[0])*11 + int(s[len(s)/2])*131 + int(s[len(s)-1])*29) % wordSlots
}

// wordNumber is the place of a text, which is not empty, among decisionWords.
func wordNumber(s string) (int, bool) {
	for at := wordHash(s); wordTable[at] != 0; at = (at + 1) % wordSlots {
		if i := int(wordTable[at]) - 1; decisionWords[i] == s {
			return i, true
		}
	}
	return 0, false
}
