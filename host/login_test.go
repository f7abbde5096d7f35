package host

import (
	"fmt"
	"strings"
	"testing"
)

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want, wantErr string }{
		{"none", "", "[]", ""},
		{"an address and networks", " 10.0.0.1, 192.168.0.0/16 ,::1,", "[10.0.0.1/32 192.168.0.0/16 ::1/128]", ""},
		{"IPv4 in IPv6", "::ffff:10.0.0.1", "[10.0.0.1/32]", ""},
		{"a name", "proxy.internal", "[]", "POINTSMAN_TRUSTED_PROXIES"},
		{"no mask", "10.0.0.0/33", "[]", "POINTSMAN_TRUSTED_PROXIES"},
	} {
		got, err := Config{TrustedProxies: c.text}.trustedProxies()
		if fmt.Sprint(got) != c.want || (err == nil) != (c.wantErr == "") || err != nil && !strings.Contains(err.Error(), c.wantErr) {
			t.Errorf("%s: trustedProxies(%q) = %v, %v, want %s and %q", c.name, c.text, got, err, c.want, c.wantErr)
		}
	}
}
