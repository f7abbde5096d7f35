package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// The config of a provider says what a server of this wire does otherwise than
// Anthropic's own; manifest.json names the members. Without any it is that one.

// configured returns a member of the config; 0 where there is none.
func configured(name string) sdk.Node {
	if config := sdk.Config(); config != 0 {
		return config.Get(name)
	}
	return 0
}

// lacks reports whether the config says that the server has not what is named.
func lacks(name string) bool {
	n := configured(name)
	return n.Kind() == abi.KindBool && !n.Bool()
}

// exact returns the counters as they are meant: with what was read from and written to
// a cache apart from the rest of the input. Some servers count it into that too.
func exact(u chat.Usage) chat.Usage {
	if configured("cached_input").Equal("included") {
		u.Uncached = max(u.Uncached-u.CacheRead-u.CacheWrite, 0)
	}
	return u
}

// sendPrompt sends the counters of the prompt, and keeps all as they came.
func sendPrompt(s *chat.Stream) {
	came := s.Usage
	s.Usage = exact(came)
	s.SendPrompt()
	s.Usage = came
}

// sendUsage sends the counters, and keeps them as they came for the events to come.
func sendUsage(s *chat.Stream) {
	came := s.Usage
	s.Usage = exact(came)
	s.SendUsage()
	s.Usage = came
}
