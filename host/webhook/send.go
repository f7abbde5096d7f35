package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Bounds of what a receiver may take and say.
const (
	tryTimeout  = 10 * time.Second // for the whole of a try
	maxAnswer   = 64 << 10         // bytes of the body that are read, and thrown away
	maxHeaders  = 16 << 10
	maxWaitSaid = 24 * time.Hour // that a Retry-After is followed
)

// sender makes single tries. Safe for concurrent use.
type sender struct {
	addresses Addresses
	seal      Seal
	client    *http.Client
	timeout   time.Duration
}

// outcome is what came of a try.
type outcome struct {
	status int
	reason string        // safe to show; "" when it was accepted
	after  time.Duration // that the receiver asks to wait
	took   time.Duration
}

func (o outcome) accepted() bool { return o.status >= 200 && o.status < 300 }

// gone reports whether the receiver wants no more deliveries (Standard Webhooks, "Deliverability").
func (o outcome) gone() bool { return o.status == http.StatusGone }

func newSender(addresses Addresses, seal Seal, roots *x509.CertPool, timeout time.Duration) *sender {
	return &sender{addresses: addresses, seal: seal, timeout: timeout, client: &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // one of the environment would be dialled in the receiver's place
			DialContext:            addresses.dial(nil),
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			DisableKeepAlives:      true, // each try looks at the address anew
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaders,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send makes one try. It takes no longer than the timeout.
func (s *sender) send(ctx context.Context, w engine.Webhook, d engine.Delivery, now time.Time) outcome {
	u, err := s.addresses.check(w.URL)
	if err != nil {
		return outcome{reason: "The URL of the webhook is no longer allowed."}
	}
	secrets, err := secretsOf(s.seal, w, now)
	if err != nil {
		return outcome{reason: "The signing secret cannot be opened with the encryption keys in force. Rotate it."}
	}
	signed, err := signature(secrets, d.ID, now, d.Payload)
	if err != nil {
		return outcome{reason: "The signing secret is too short. Rotate it."}
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rq, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(d.Payload))
	if err != nil {
		return outcome{reason: "The URL of the webhook is no longer allowed."}
	}
	rq.Header.Set("Content-Type", "application/json")
	rq.Header.Set("User-Agent", "Pointsman-Webhook/1")
	rq.Header.Set("Webhook-Id", d.ID)
	rq.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	rq.Header.Set("Webhook-Signature", signed)
	began := time.Now()
	answer, err := s.client.Do(rq)
	if err != nil {
		return outcome{reason: explain(ctx, err), took: time.Since(began)}
	}
	// It is read for the receiver's sake, who might take a reset for a failure of its own.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	_ = answer.Body.Close()
	o := outcome{status: answer.StatusCode, took: time.Since(began)}
	switch {
	case o.accepted():
	case o.status >= 300 && o.status < 400:
		o.reason = "The receiver answered " + strconv.Itoa(o.status) + ". Redirects are not followed."
	default:
		o.reason = "The receiver answered " + strconv.Itoa(o.status) + "."
		if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
			o.after = min(time.Duration(min(seconds, 1<<30))*time.Second, maxWaitSaid)
		}
	}
	return o
}

// explain says why no answer came, without what the connection said: a tenant chose where it
// went, and reads this.
func explain(ctx context.Context, err error) string {
	var (
		lookup      *net.DNSError
		certificate *tls.CertificateVerificationError
		operation   *net.OpError
		timeout     interface{ Timeout() bool }
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return "The try was cut short, as the gateway stopped."
	case errors.Is(err, errAddress):
		return "The host leads to an address that is not allowed."
	case errors.As(err, &certificate):
		return "The receiver's certificate is not valid."
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return "The receiver did not answer in time."
	case errors.As(err, &lookup):
		return "The host name was not found."
	case errors.As(err, &operation) && operation.Op == "dial":
		return "The receiver cannot be reached."
	}
	return "The connection ended before an answer came."
}
