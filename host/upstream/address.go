package upstream

import (
	"errors"
	"net/netip"
)

// errAddress says that a name led to an address which is not on the public internet.
var errAddress = errors.New("address is not public")

// special are the ranges of unicast addresses that no public provider has.
// Source: IANA special-purpose address registries for IPv4 and IPv6 (2026-11).
var special = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"), // link-local, cloud metadata
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("224.0.0.0/4"), // multicast
	netip.MustParsePrefix("240.0.0.0/4"), // reserved, broadcast

	netip.MustParsePrefix("2001::/23"), // protocol assignments, Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4: holds any IPv4 address
	netip.MustParsePrefix("3fff::/20"),
}

// globalUnicast is all of IPv6 that is handed out. Loopback, mapped, NAT64,
// unique local, link-local, site-local and multicast addresses are outside it.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// public reports whether an address may be that of a public provider.
func public(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if !a.IsValid() || a.Is6() && !globalUnicast.Contains(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
