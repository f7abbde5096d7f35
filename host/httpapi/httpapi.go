// Package httpapi is everything that speaks HTTP to callers: the OpenAI-compatible
// API under /v1, the admin API under /api/v1, authentication, server-sent events and
// the table from errors to answers. It is the only package that may import Fiber; what
// it passes on are plain values that it owns, never a Fiber or fasthttp context.
//
// It decides nothing about routing, prices or rights beyond a route's least role: those
// are the services' in Config.
//
// Read server.go first (the life of a server and of one request), then route.go (every
// route with its least role), chat.go and stream.go. Untrusted bytes arrive in guard.go
// and transport.go.
package httpapi
