package webhook

import (
	"bytes"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/upstream"
)

// internet is what a gateway of the internet allows, with or without its own machine.
func internet(loopback bool) Addresses {
	return Addresses{PublicHost: upstream.PublicHost, PublicAddress: upstream.PublicAddress, Loopback: loopback}
}

func TestURLCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url          string
		want, wantIn bool // without and with Loopback
	}{
		{"https://hooks.example.com/a?b=c", true, true},
		{"https://hooks.example.com:8443/%20", true, true},
		{"https://8.8.8.8/", true, true},
		{"https://[2606:4700::1111]/", true, true},
		{"http://127.0.0.1:9000/x", false, true},
		{"http://localhost:9000/x", false, true},
		{"https://[::1]/", false, true},
		{"http://[::ffff:127.0.0.1]/", false, true},
		{"http://hooks.example.com/", false, false},
		{"http://8.8.8.8/", false, false},
		{"https://127.1/", false, false},
		{"https://2130706433/", false, false},
		{"https://0x7f000001/", false, false},
		{"https://0177.0.0.1/", false, false},
		{"https://0.0.0.0/", false, false},
		{"https://10.0.0.1/", false, false},
		{"https://169.254.169.254/latest/meta-data", false, false},
		{"https://[fd00::1]/", false, false},
		{"https://[fe80::1%25eth0]/", false, false},
		{"https://[::ffff:10.0.0.1]/", false, false},
		{"https://[64:ff9b::7f00:1]/", false, false},
		{"https://metadata.google.internal/", false, false},
		{"https://printer.local/", false, false},
		{"https://intranet/", false, false},
		{"https://a.localhost/", false, false},
		{"https://hooks.example.com\\@127.0.0.1/", false, false},
		{"https://user:secret@hooks.example.com/", false, false},
		{"https://@hooks.example.com/", false, false},
		{"https://hooks.example.com/#x", false, false},
		{"https://hooks.example.com/#", false, false},
		{"https://hooks.example.com:/", false, false},
		{"https://hooks.example.com:0/", false, false},
		{"https://hooks.example.com:65536/", false, false},
		{"https://hooks.example.com:-1/", false, false},
		{"https://ex\u00e4mple.com/", false, false},
		{"https://hooks.example.com/a b", false, false},
		{"https://hooks.example.com/\r\nX: y", false, false},
		{"ftp://hooks.example.com/", false, false},
		{"file:///etc/passwd", false, false},
		{"gopher://127.0.0.1/", false, false},
		{"https:hooks.example.com", false, false},
		{"https://", false, false},
		{"//hooks.example.com/", false, false},
		{"", false, false},
		{"https://hooks.example.com/" + strings.Repeat("a", engine.MaxWebhookURL), false, false},
	} {
		for loopback, want := range map[bool]bool{false: c.want, true: c.wantIn} {
			_, err := internet(loopback).check(c.url)
			if (err == nil) != want || err != nil && engine.CodeOf(err) != engine.CodeInvalid {
				t.Errorf("check(%.80q) with loopback %v = %v, want allowed %v", c.url, loopback, err, want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("check(%q) = %v, which tells the password", c.url, err)
			}
		}
	}
}

// A name is looked up when it is dialled, so what it led to is asked then.
func TestAddressIsAskedWhenItIsDialled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host, address string
		loopback      bool
		want          bool
	}{
		{"hooks.example.com", "8.8.8.8:443", false, true},
		{"hooks.example.com", "127.0.0.1:443", false, false},
		{"hooks.example.com", "127.0.0.1:443", true, false},
		{"hooks.example.com", "10.0.0.1:443", true, false},
		{"hooks.example.com", "169.254.169.254:443", true, false},
		{"hooks.example.com", "[::ffff:10.0.0.1]:443", false, false},
		{"hooks.example.com", "[::1]:443", false, false},
		{"hooks.example.com", "0.0.0.0:443", false, false},
		{"localhost", "127.0.0.1:80", true, true},
		{"localhost", "127.0.0.1:80", false, false},
		{"localhost", "8.8.8.8:80", true, false},
		{"localhost", "10.0.0.1:80", true, false},
		{"127.0.0.1", "127.0.0.1:80", true, true},
		{"127.0.0.1", "not an address", true, false},
	} {
		err := internet(c.loopback).control(c.host)(t.Context(), "tcp", c.address, nil)
		if (err == nil) != c.want || err != nil && !errors.Is(err, errAddress) {
			t.Errorf("control(%q) of %s with loopback %v = %v, want allowed %v", c.host, c.address, c.loopback, err, c.want)
		}
	}
}

func FuzzURLCheck(f *testing.F) {
	for _, text := range []string{
		"https://hooks.example.com/a?b=c", "http://127.0.0.1:9000/x", "https://[::1]/", "https://user@h.example.com", "https://0x7f.1/",
		"https://h.example.com\\@127.0.0.1/", "https://[fe80::1%25eth0]/", "https:h", "https://h.example.com:/#", "HTTPS://H.EXAMPLE.COM.",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := internet(false).check(text)
		if err != nil {
			return
		}
		// What is let through is what a second reading of it says, too.
		again, err := url.Parse(u.String())
		if err != nil || again.Hostname() != u.Hostname() || again.Scheme != "https" || again.User != nil || !upstream.PublicHost(again.Hostname()) {
			t.Errorf("check(%q) let through what reads as %v, %v", text, again, err)
		}
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !upstream.PublicAddress(addr) {
			t.Errorf("check(%q) let a private address through", text)
		}
	})
}

func TestSecretMustBeLong(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", "whsec_", "whsec_AAAA", "whsec_!!", strings.TrimPrefix(newSecret(), secretPrefix), newSecret()[:40]} {
		if got, err := signature([]string{secret}, "id", time.Unix(1, 0), nil); !errors.Is(err, errSecret) || got != "" {
			t.Errorf("signature(%q) = %q, %v, want %v", secret, got, err, errSecret)
		}
		if w, err := withSecrets(nil, engine.Webhook{}, secret); !errors.Is(err, errSecret) || w.Sealed != nil {
			t.Errorf("withSecrets(%q) = %v, want %v", secret, err, errSecret)
		}
	}
	if got, err := signature(nil, "id", time.Unix(1, 0), nil); !errors.Is(err, errSecret) || got != "" {
		t.Errorf("signature() without a secret = %q, %v, want %v", got, err, errSecret)
	}
}

// What openssl says of the same message.
func TestSignature(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	got, err := signature([]string{secret}, "msg_1", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	// printf 'msg_1.1614265330.{"test": 2432232314}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef -binary | base64
	const want = "v1,aTF4+pE6A/FmvKM0YSVBBUfRhLIlBiaBUR+EjGls6Mc="
	if err != nil || got != want {
		t.Errorf("signature() = %q, %v, want %q", got, err, want)
	}
}

func TestNextTry(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for tries, wait := range backoff {
		seen := map[time.Time]bool{}
		for range 50 {
			at, more := nextTry(tries+1, now, 0)
			if d := at.Sub(now); !more || d < wait*9/10 || d > wait*11/10 {
				t.Fatalf("nextTry(%d) = %v later, %v, want %v within a tenth", tries+1, d, more, wait)
			}
			seen[at] = true
		}
		if len(seen) < 2 {
			t.Errorf("nextTry(%d) is always the same", tries+1)
		}
	}
	if at, more := nextTry(1, now, time.Hour); !more || at != now.Add(time.Hour) {
		t.Errorf("nextTry(1) of a receiver that asks for an hour = %v, %v", at, more)
	}
	for _, tries := range []int{MaxTries, MaxTries + 5, 0} {
		if at, more := nextTry(tries, now, 0); more || !at.IsZero() {
			t.Errorf("nextTry(%d) = %v, %v, want no more", tries, at, more)
		}
	}
}

func TestEventIsBounded(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("\x00\"é", 1<<20)
	d := deliveryOf(engine.Webhook{AccountID: "acme", ID: "w"}, engine.Notice{Kind: "k", AccountID: huge, ProviderID: huge, Subject: huge, Message: huge}, time.Unix(1, 0))
	if len(d.Payload) > engine.MaxDeliverySize || !bytes.Contains(d.Payload, []byte(`"type":"k"`)) {
		t.Errorf("deliveryOf() has %d bytes, want at most %d", len(d.Payload), engine.MaxDeliverySize)
	}
}
