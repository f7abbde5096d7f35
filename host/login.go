package host

import (
	"fmt"
	"net/netip"
	"runtime/debug"
	"strings"

	"github.com/pointsman/pointsman/host/tenancy"
)

// openLogins makes the sessions of the dashboard.
func (h *Host) openLogins() (*tenancy.Logins, error) {
	return tenancy.NewLogins(tenancy.LoginConfig{Keys: h.keys, Store: h.store, Secret: h.loginKey, Now: h.opts.Now, Log: h.opts.Log})
}

// trustedProxies reads the setting: addresses and networks, separated by commas.
func (c Config) trustedProxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for text := range strings.SplitSeq(c.TrustedProxies, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if address, err := netip.ParseAddr(text); err == nil {
			list = append(list, netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("POINTSMAN_TRUSTED_PROXIES has %q: want addresses and networks, as 10.0.0.1,192.168.0.0/16", text)
		}
		list = append(list, network)
	}
	return list, nil
}

// revision is that of the source which the program was built from, "" when it is unknown.
func revision() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return ""
	}
	text, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			text = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	return text + changed
}
