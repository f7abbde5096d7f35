package telemetry

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// other stands for every name for which there is no room.
const other = "other"

// maxName is the longest name that becomes a label, in bytes.
const maxName = 128

// names bounds the values of one label. The first ones stay for the life of the process; later
// ones are other. One account can take only a part of them. Safe for concurrent use; a name that
// was seen before is looked up without a lock.
type names struct {
	most int // of all
	each int // of one account's own

	known atomic.Pointer[map[string]string] // by what was seen; never changed
	full  atomic.Bool

	mu    sync.Mutex // guards what follows, and who replaces known
	owned map[string]int
}

func newNames(most int) *names {
	n := &names{most: most, each: max(most/4, 1), owned: map[string]int{}}
	n.known.Store(&map[string]string{})
	return n
}

// of returns the label for a name that the account brought, "" for nobody's; "" stays "".
func (n *names) of(account, name string) string {
	if name == "" {
		return ""
	}
	if label, ok := (*n.known.Load())[name]; ok {
		return label
	}
	return n.admit(account, name)
}

func (n *names) admit(account, name string) string {
	if n.full.Load() || len(name) > maxName {
		return other
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	known := *n.known.Load()
	if label, ok := known[name]; ok {
		return label
	}
	if len(known) >= n.most {
		n.full.Store(true)
		return other
	}
	if account != "" {
		if n.owned[account] >= n.each {
			return other
		}
		n.owned[strings.Clone(account)]++
	}
	next := maps.Clone(known)
	label := plain(name)
	next[strings.Clone(name)] = label
	n.known.Store(&next)
	return label
}

// plain is the name in printable ASCII, without what has a meaning in a label's quotes.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, name)
}
