package httpapi

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// selfSigned is a certificate for 127.0.0.1, and who believes it.
func selfSigned(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	server, pool := selfSigned(t)
	f := streaming(func() engine.Stream { return scripted(step{chunk: `{"a":1}`}, step{err: io.EOF}) })
	s := start(t, f, func(c *Config) { c.TLS = server })
	caller := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer caller.CloseIdleConnections()
	for _, tt := range []struct{ name, body, want string }{
		{"an answer", chatBody(``), `{"id":"c"}`},
		{"a stream", chatBody(`,"stream":true`), "data: {\"a\":1}"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.addr+"/v1/chat/completions", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+userKey)
		req.Header.Set("Content-Type", "application/json")
		resp, err := caller.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.TLS == nil || resp.TLS.Version < tls.VersionTLS12 || !strings.Contains(string(body), tt.want) {
			t.Errorf("%s = %d, %v, %q, want %q over TLS", tt.name, resp.StatusCode, err, body, tt.want)
		}
	}

	if c, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		c.Close()
		t.Error("TLS 1.1 was accepted")
	}
	// Neither who speaks plain HTTP nor who says nothing holds a connection for ever.
	s = start(t, f, func(c *Config) { c.TLS, c.ReadTimeout = server, 200*time.Millisecond })
	for _, said := range []string{"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "", "\x16\x03\x01"} {
		c := s.dial()
		if _, err := io.WriteString(c, said); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(c)
		if strings.Contains(string(answer), "200 OK") {
			t.Errorf("after %q came %q, want no answer without TLS", said, answer)
		}
	}
}

// A refusal of a body that nobody reads reaches its sender under TLS too.
func TestServeTLSLeavesUnread(t *testing.T) {
	t.Parallel()
	server, pool := selfSigned(t)
	s := start(t, &fake{}, func(c *Config) { c.TLS = server })
	c, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(rawDeadline))
	if _, err := io.WriteString(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range 1000 {
			if _, err := c.Write(make([]byte, 1000)); err != nil {
				return
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a request without a key = %v, %v, want 401", resp, err)
	}
	c.Close()
	<-sent
}
