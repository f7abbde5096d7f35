package host

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// lines collects a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

// writeCertificate puts a certificate for 127.0.0.1 and its key into a folder.
func writeCertificate(t *testing.T, dir string, serial int64, from, to time.Time) TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: from, NotAfter: to, DNSNames: []string{"gateway.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true, IsCA: true,
	}
	leaf, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := TLS{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key")}
	writePEM(t, files.CertFile, "CERTIFICATE", leaf)
	writePEM(t, files.KeyFile, "PRIVATE KEY", secret)
	return files
}

func writePEM(t *testing.T, path, kind string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serialOf is the serial number of the certificate that a new connection to the gateway is shown.
func (g *gateway) serialOf() int64 {
	g.t.Helper()
	caller := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := caller.Get(g.URL() + "/readyz")
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		g.t.Errorf("/readyz = %d, want 200", resp.StatusCode)
	}
	return resp.TLS.PeerCertificates[0].SerialNumber.Int64()
}

// A certificate that is renewed is in force without a restart, and one that is broken never is.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	dir, log := t.TempDir(), &lines{}
	year := testNow.Add(365 * 24 * time.Hour)
	files := writeCertificate(t, dir, 1, testNow.Add(-time.Hour), year)
	g := openGateway(t, func(c *Config, o *Options) {
		c.TLS = files
		o.Log = zerolog.New(log)
	})
	g.certificate.every = 24 * time.Hour // the test looks by itself
	g.start()
	if !strings.HasPrefix(g.URL(), "https://") {
		t.Errorf("URL() = %s, want https", g.URL())
	}
	was, err := os.ReadFile(files.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name       string
		change     func()
		wantSerial int64
		wantBroken int // lines that the log then has
	}{
		{"as it began", func() {}, 1, 0},
		{"renewed", func() { writeCertificate(t, dir, 2, testNow.Add(-time.Hour), year) }, 2, 0},
		{"a key of another certificate", func() { _ = os.WriteFile(files.KeyFile, was, 0o600) }, 2, 1},
		{"which is told once", func() {}, 2, 1},
		{"no PEM at all", func() { _ = os.WriteFile(files.CertFile, []byte("nothing"), 0o600) }, 2, 2},
		{"gone", func() { _ = os.Remove(files.CertFile) }, 2, 3},
		{"which is told once too", func() {}, 2, 3},
		{"there again", func() { writeCertificate(t, dir, 3, testNow.Add(-time.Hour), year) }, 3, 3},
	} {
		step.change()
		g.certificate.look()
		if got, broken := g.serialOf(), log.count("not in order"); got != step.wantSerial || broken != step.wantBroken {
			t.Errorf("%s: serial %d and %d complaints, want %d and %d", step.name, got, broken, step.wantSerial, step.wantBroken)
		}
	}
	if got := log.count("certificate in force"); got != 3 {
		t.Errorf("the log has %d certificates in force, want 3", got)
	}
}

func TestDiagnoseTLS(t *testing.T) {
	t.Parallel()
	at := func(days int) time.Time { return testNow.Add(time.Duration(days) * 24 * time.Hour) }
	good := writeCertificate(t, t.TempDir(), 1, at(-1), at(90))
	other := writeCertificate(t, t.TempDir(), 2, at(-1), at(90))
	for _, tt := range []struct {
		name  string
		files TLS
		want  Level
		text  string
	}{
		{"none", TLS{}, "", ""},
		{"good", good, LevelOK, "[gateway.example 127.0.0.1], until "},
		{"soon over", writeCertificate(t, t.TempDir(), 3, at(-1), at(13)), LevelWarning, "until "},
		{"over", writeCertificate(t, t.TempDir(), 4, at(-9), at(-1)), LevelError, "it is over"},
		{"not yet", writeCertificate(t, t.TempDir(), 5, at(1), at(90)), LevelError, "only from"},
		{"another's key", TLS{good.CertFile, other.KeyFile}, LevelError, "private key does not match"},
		{"not there", TLS{good.CertFile + "x", good.KeyFile}, LevelError, "no such file"},
	} {
		found := diagnoseTLS(tt.files, testNow)
		switch {
		case tt.want == "" && len(found) == 0:
		case len(found) != 1 || found[0].Level != tt.want || !strings.Contains(found[0].Text, tt.text) || (found[0].Next == "") != (tt.want == LevelOK):
			t.Errorf("%s: diagnoseTLS() = %+v, want %s with %q and a next step unless it is ok", tt.name, found, tt.want, tt.text)
		}
	}
}

func TestValidateTLSAndOrigins(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"a certificate without a key": func(c *Config) { c.TLS.CertFile = "x" },
		"a key without a certificate": func(c *Config) { c.TLS.KeyFile = "x" },
		"a page with a path":          func(c *Config) { c.CORSOrigins = "https://a.example/app" },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.validate(); err == nil || !strings.Contains(err.Error(), "POINTSMAN_") {
			t.Errorf("%s: validate() = %v, want the setting named", name, err)
		}
	}
	if _, err := newCertificate(TLS{CertFile: "no-such.crt", KeyFile: "no-such.key"}, zerolog.Nop(), time.Now); err == nil {
		t.Error("newCertificate() of no files = nil, want an error: there is no old one to go on with")
	}
}
