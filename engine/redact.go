package engine

import "strings"

// masked stands where a provider's message had something like a key.
const masked = "[redacted]"

// secretPrefixes begin the keys and account ids of the known vendors, in any case:
// OpenAI sk- (also sk-proj-, sk-svcacct-), org- and proj_; Anthropic sk-ant-; Google AIza
// and ya29.; our own pm_; and those that are often pasted by mistake. As of 2026-11.
var secretPrefixes = [...]string{"sk-", "sk_", "pk_", "rk_", "aiza", "ya29.", "pm_", "org-", "proj_", "gsk_", "ghp_", "github_pat_", "hf_", "akia", "eyj"}

// minSecretTail is how many characters must follow a prefix for a word to be a key.
const minSecretTail = 8

// redact masks what looks like a key in a text of a provider's: words that begin as keys
// do, words with three asterisks, as vendors shorten keys, and whatever follows "Bearer".
func redact(text string) string {
	var b strings.Builder
	done, bearer := 0, false // text[:done] is in b, once there is anything to mask
	for at := 0; at < len(text); {
		if !secretByte(text[at]) {
			at++
			continue
		}
		end := at
		for end < len(text) && secretByte(text[end]) {
			end++
		}
		word := strings.TrimRight(text[at:end], ".-_")
		if bearer && len(word) > 0 || secretWord(word) {
			b.WriteString(text[done:at])
			b.WriteString(masked)
			done = at + len(word)
		}
		bearer = strings.EqualFold(word, "bearer")
		at = end
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// secretByte reports whether c may be part of a key, or of one that was shortened.
func secretByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '*'
}

func secretWord(word string) bool {
	if strings.Contains(word, "***") && strings.Trim(word, "*") != "" {
		return true
	}
	word = strings.TrimLeft(word, ".-_*")
	for _, prefix := range secretPrefixes {
		if len(word) < len(prefix) || !strings.EqualFold(word[:len(prefix)], prefix) {
			continue
		}
		tail := word[len(prefix):]
		return len(tail) >= minSecretTail || strings.Contains(tail, "*")
	}
	return false
}
