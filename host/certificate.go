package host

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

const (
	// certificateEvery is how often the files are looked at.
	certificateEvery = 10 * time.Second
	// certificateSoon is how long before its end a certificate is warned of.
	certificateSoon = 14 * 24 * time.Hour
	// maxCertificateFile is more than any chain has.
	maxCertificateFile = 1 << 20
)

// TLS names the files that the API is served with. The zero value serves without TLS.
type TLS struct {
	CertFile string `yaml:"cert_file" env:"POINTSMAN_TLS_CERT_FILE"` // PEM, the leaf first, then what leads to a root
	KeyFile  string `yaml:"key_file" env:"POINTSMAN_TLS_KEY_FILE"`   // PEM, its private key
}

func (t TLS) on() bool { return t.CertFile != "" }

func (t TLS) validate() error {
	if (t.CertFile == "") != (t.KeyFile == "") {
		return errors.New("POINTSMAN_TLS_CERT_FILE and POINTSMAN_TLS_KEY_FILE go together: a certificate and its private key, both PEM")
	}
	return nil
}

// certificate is what the API proves itself with: the files' as they last were in order. Safe for
// concurrent use, but for look, which one goroutine calls.
//
// See RATIONALE.md, "Why are certificate files polled?".
type certificate struct {
	files TLS
	log   zerolog.Logger
	now   func() time.Time
	every time.Duration // between two looks

	inForce atomic.Pointer[tls.Certificate]
	seen    [sha256.Size]byte // of the files that were looked at last, good or not
}

// newCertificate reads the files. What is wrong with them is an error: there is no old certificate to
// go on with.
func newCertificate(files TLS, log zerolog.Logger, now func() time.Time) (*certificate, error) {
	pair, sum, err := files.read()
	if err != nil {
		return nil, err
	}
	c := &certificate{files: files, log: log, now: now, every: certificateEvery, seen: sum}
	c.inForce.Store(pair)
	c.tell(pair)
	return c, nil
}

// read returns the files' certificate, with its leaf, and a digest of both files' contents.
func (t TLS) read() (*tls.Certificate, [sha256.Size]byte, error) {
	var sum [sha256.Size]byte
	var texts [2][]byte
	digest := sha256.New()
	for i, path := range []string{t.CertFile, t.KeyFile} {
		info, err := os.Stat(path)
		if err == nil && info.Size() > maxCertificateFile {
			err = fmt.Errorf("%s is larger than 1 MiB", path)
		}
		if err == nil {
			texts[i], err = os.ReadFile(path)
		}
		if err != nil {
			return nil, sum, fmt.Errorf("read certificate: %w", err)
		}
		one := sha256.Sum256(texts[i])
		digest.Write(one[:])
	}
	digest.Sum(sum[:0])
	pair, err := tls.X509KeyPair(texts[0], texts[1])
	if err != nil {
		return nil, sum, fmt.Errorf("read certificate of %s and %s: %w", t.CertFile, t.KeyFile, err)
	}
	return &pair, sum, nil
}

// config is for a listener. TLS 1.2 is the least; the cipher suites are Go's own choice.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.inForce.Load(), nil },
	}
}

// run looks at the files until ctx ends.
func (c *certificate) run(ctx context.Context) {
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.look()
		}
	}
}

// look puts changed files in force. Those that are broken are told of once, and the certificate
// stays; so do two that do not belong together, as they are for a moment while both are replaced.
func (c *certificate) look() {
	pair, sum, err := c.files.read()
	if sum == c.seen { // no digest at all: a file is not there
		return
	}
	c.seen = sum
	if err != nil {
		c.log.Error().Err(err).Msg("the certificate's files are not in order: the one before stays in force")
		return
	}
	c.inForce.Store(pair)
	c.tell(pair)
}

func (c *certificate) tell(pair *tls.Certificate) {
	e := c.log.Info()
	if pair.Leaf.NotAfter.Sub(c.now()) < certificateSoon {
		e = c.log.Warn()
	}
	e.Strs("names", namesOf(pair.Leaf)).Time("not_after", pair.Leaf.NotAfter).Msg("certificate in force")
}

func namesOf(leaf *x509.Certificate) []string {
	names := append([]string(nil), leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// diagnoseTLS says whether a start would find a certificate, and for how long it lasts.
func diagnoseTLS(t TLS, now time.Time) []Finding {
	if !t.on() {
		return nil
	}
	const renew = "renew it: a running server takes the new files within seconds"
	pair, _, err := t.read()
	if err != nil {
		return []Finding{{"tls", LevelError, err.Error(), "put the certificate's chain and its key there, as PEM, readable for the user of the server"}}
	}
	leaf := pair.Leaf
	text := fmt.Sprintf("certificate of %v, until %s", namesOf(leaf), leaf.NotAfter.UTC().Format(time.DateOnly))
	switch {
	case !now.Before(leaf.NotAfter):
		return []Finding{{"tls", LevelError, text + ": it is over", renew}}
	case now.Before(leaf.NotBefore):
		return []Finding{{"tls", LevelError, text + ", and only from " + leaf.NotBefore.UTC().Format(time.DateTime), "see that this machine's clock is right"}}
	case leaf.NotAfter.Sub(now) < certificateSoon:
		return []Finding{{"tls", LevelWarning, text, renew}}
	}
	return []Finding{{Check: "tls", Level: LevelOK, Text: text}}
}
