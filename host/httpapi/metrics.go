package httpapi

import (
	"bytes"
	"io"
	"time"

	"github.com/gofiber/fiber/v2"
)

// MetricsService has the process's metrics.
type MetricsService interface {
	// Write writes them in the format that an Accept header asks for, and returns its Content-Type.
	Write(w io.Writer, accept string) (contentType string, err error)
	// Answered counts an answer. route is its pattern, "" for none.
	Answered(route string, status int, took time.Duration)
}

// noMetrics has none.
type noMetrics struct{}

func (noMetrics) Write(io.Writer, string) (string, error)   { return "text/plain; charset=utf-8", nil }
func (noMetrics) Answered(_ string, _ int, _ time.Duration) {}

// metricsPath is where Prometheus looks.
const metricsPath = "/metrics"

// metrics are of all accounts, and so for a super admin alone. Profiles are not served here at
// all: see host/telemetry/RATIONALE.md, "Why is there an admin listener?".
func (s *Server) metrics(c *fiber.Ctx) error {
	var body bytes.Buffer
	kind, err := s.cfg.Metrics.Write(&body, c.Get(fiber.HeaderAccept))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Send(body.Bytes())
}
