package httpapi

// Load is what a server is busy with now.
type Load struct {
	Connections int // of callers, open
	Models      int // requests to models that were let in
	Management  int // other requests that were let in
	Listeners   int // streams of /api/v1/events
}

// Load returns what the server is busy with. It takes the locks of an instant.
func (s *Server) Load() Load {
	return Load{Connections: s.conns.count(), Models: s.gate.count(), Management: s.desk.count(), Listeners: int(s.listeners.Load())}
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all
}
