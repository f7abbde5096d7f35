// Package session is what the gateway remembers of conversations: their turns, the notes
// that one model or agent leaves for the next, and who handed over to whom. Service shows
// and takes them through the API, Tracker keeps them while requests are served, Cleaner
// forgets what has expired.
//
// It is not for the caller's login, and it decides nothing: which model goes on with a
// session is the pipeline's choice.
//
// Read service.go first, then note.go and tracker.go.
package session
