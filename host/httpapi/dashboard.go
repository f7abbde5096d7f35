package httpapi

import (
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// DashboardFiles are the web UI; a *dashboard.Files is one.
type DashboardFiles interface {
	// Built reports whether there is a UI, or only a page that says how to get it.
	Built() bool
	// Serve answers a GET for what is below /ui/: name is undecoded, accept and encoding are
	// the headers Accept and Accept-Encoding. body must not be changed.
	Serve(name, accept, encoding string) (status int, header http.Header, body []byte)
}

// noDashboard has no file at all.
type noDashboard struct{}

func (noDashboard) Built() bool { return false }
func (noDashboard) Serve(string, string, string) (int, http.Header, []byte) {
	return http.StatusNotFound, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte("There is no dashboard here.\n")
}

const dashboardPath = "/ui/"

func (s *Server) registerDashboard() {
	s.registerLogin() // before what stands for every path
	for _, method := range []string{fiber.MethodGet, fiber.MethodHead} {
		s.add(method, "/ui", s.toDashboard)
		s.add(method, "/ui/*", s.dashboard)
	}
}

// home sends a browser to the dashboard if there is one, and everybody else to the
// documentation.
func (s *Server) home(c *fiber.Ctx) error {
	c.Vary(fiber.HeaderAccept)
	if s.cfg.Dashboard.Built() && strings.Contains(c.Get(fiber.HeaderAccept), "text/html") {
		return s.toDashboard(c)
	}
	return c.Redirect("/docs")
}

// toDashboard adds the slash that the page's relative addresses need.
func (s *Server) toDashboard(c *fiber.Ctx) error {
	if strings.HasPrefix(string(c.Request().URI().PathOriginal()), dashboardPath) {
		return s.dashboard(c) // the router takes both for one
	}
	return c.Redirect(dashboardPath)
}

// dashboard serves a file of the dashboard, or the page.
func (s *Server) dashboard(c *fiber.Ctx) error {
	name, below := strings.CutPrefix(string(c.Request().URI().PathOriginal()), dashboardPath)
	if !below {
		return s.toDashboard(c)
	}
	status, header, body := s.cfg.Dashboard.Serve(name, c.Get(fiber.HeaderAccept), c.Get(fiber.HeaderAcceptEncoding))
	for key, values := range header {
		for _, value := range values {
			c.Response().Header.Set(key, value)
		}
	}
	c.Status(status)
	c.Response().SetBodyRaw(body)
	return nil
}
