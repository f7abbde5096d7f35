package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/gofiber/fiber/v2"
)

// healthz says that the process answers.
func (s *Server) healthz(c *fiber.Ctx) error { return state(c, http.StatusOK, "ok", "") }

// readyz says whether the process should get traffic. A provider that is down does not
// make it unready.
func (s *Server) readyz(c *fiber.Ctx) error {
	if s.leaving.Load() {
		return state(c, http.StatusServiceUnavailable, "unready", "shutting down")
	}
	if err := s.cfg.Ready(); err != nil {
		return state(c, http.StatusServiceUnavailable, "unready", err.Error())
	}
	return state(c, http.StatusOK, "ready", "")
}

func state(c *fiber.Ctx, status int, word, reason string) error {
	body, err := json.Marshal(struct {
		Status string `json:"status"`
		Reason string `json:"reason,omitempty"`
	}{word, reason})
	if err != nil {
		return err
	}
	c.Response().Header.SetContentType("application/json")
	c.Response().Header.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(status).Send(body)
}
