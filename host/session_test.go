package host

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// logged hands on the messages that a gateway logs.
type logged chan string

func (l logged) Write(line []byte) (int, error) {
	select {
	case l <- string(line):
	default:
	}
	return len(line), nil
}

// A note outlives the process that took it, and one that has expired meanwhile is deleted
// when the next one starts.
func TestNotesOutliveTheProcess(t *testing.T) {
	var dir string
	const path = "/api/v1/sessions/chat%2F1"
	g := startGateway(t, func(c *Config, _ *Options) { dir = c.DataDir })
	chat := chatBody("gpt-4o", "hello")
	chat["metadata"] = map[string]any{"session_id": "chat/1", "agent_id": "planner"}
	if a := g.do(http.MethodPost, "/v1/chat/completions", chat); a.Status != http.StatusOK {
		t.Fatalf("completion = %d\n%s", a.Status, a.Body)
	}
	g.want(http.StatusCreated, http.MethodPost, path+"/notes", `{"text":"for an hour","expires_in_seconds":3600}`)
	g.want(http.StatusCreated, http.MethodPost, path+"/notes", `{"text":"for a week","type":"summary"}`)
	must(t, g.stop())

	log := make(logged, 1000)
	g = startGateway(t, func(c *Config, o *Options) {
		c.DataDir, o.Log = dir, zerolog.New(log).Level(zerolog.InfoLevel)
		o.Now = func() time.Time { return testNow.Add(2 * time.Hour) }
	})
	late := time.After(30 * time.Second)
	for cleaned := false; !cleaned; {
		select {
		case line := <-log:
			cleaned = strings.Contains(line, `"rows":1,`) && strings.Contains(line, "deleted")
		case <-late:
			t.Fatal("the start deleted nothing, want the note that has expired")
		}
	}
	notes := g.want(http.StatusOK, http.MethodGet, path+"/notes", nil)
	if got := notes.field(t, "data", "text"); got != "for a week" || strings.Contains(string(notes.Body), "for an hour") {
		t.Errorf("GET notes = %s, want the one that lives", notes.Body)
	}
	key := engine.SessionKey{AccountID: notes.field(t, "data", "account_id"), UserID: notes.field(t, "data", "user_id"), ID: "chat/1"}
	if stored, err := g.store.ListNotes(t.Context(), key, testNow, 10); err != nil || len(stored) != 1 {
		t.Errorf("there are the notes %v, %v, want the one that lives alone", stored, err)
	}
	session := g.want(http.StatusOK, http.MethodGet, path, nil)
	if session.field(t, "turns") != "1" || session.field(t, "model") != "gpt-4o" || session.field(t, "agent") != "planner" {
		t.Errorf("GET session = %s, want its turn before the restart", session.Body)
	}
	if rows, err := g.store.PageSessions(t.Context(), key.AccountID, "", testNow.Add(engine.NoteLifetime), engine.SessionMark{}, 10); err != nil || len(rows) != 0 {
		t.Errorf("PageSessions() after a week = %v, %v, want none", rows, err)
	}
}
