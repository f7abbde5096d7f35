package upstream

import (
	"net/netip"
	"strings"
)

// PublicAddress reports whether an address, as it is dialled, is one of the public internet.
func PublicAddress(a netip.Addr) bool { return public(a) }

// PublicHost reports whether a host, a name or an address without brackets, may be that of
// a public provider, as far as its text tells. A name that passes can still lead to a
// private address: that is found when it is dialled. It is for telling an administrator early.
func PublicHost(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return public(a)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == host || last == "" || last[0] >= '0' && last[0] <= '9' {
		// A bare name is one of this network; 127.1 and 0x7f.1 are addresses to a resolver.
		return false
	}
	switch last {
	case "localhost", "local", "internal", "lan", "home", "intranet", "corp", "private", "arpa", "onion", "test", "invalid":
		return false
	}
	return true
}
