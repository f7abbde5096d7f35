package upstream

import "testing"

func TestPublicHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"api.openai.com": true, "API.Example.COM.": true, "8.8.8.8": true, "2606:4700::1111": true,
		"localhost": false, "a.localhost": false, "ollama": false, "printer.local": false, "metadata.google.internal": false,
		"127.0.0.1": false, "10.1.2.3": false, "169.254.169.254": false, "::1": false, "::ffff:10.0.0.1": false, "fd00::1": false,
		"127.1": false, "2130706433": false, "0x7f000001": false, "0x7f.1": false, "1.2.3.0x4": false, "fe80::1%eth0": false, "": false, ".": false, "..": false,
	} {
		if got := PublicHost(host); got != want {
			t.Errorf("PublicHost(%q) = %v, want %v", host, got, want)
		}
	}
}
