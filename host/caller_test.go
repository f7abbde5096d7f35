package host

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/host/simulator"
)

// A caller who leaves takes the provider's connection along, whatever the request is
// waiting for, and pays for what was used until then.
func TestCallerGone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a caller who left is watched for on Linux only")
	}
	g := startGateway(t)
	for _, tt := range []struct {
		name   string
		stream bool
		fault  string
		pieces int // that the caller reads before it leaves
		reset  bool
		want   []string // outcomes at the provider
	}{
		{"plain, no answer yet", false, "stall=headers", 0, false, []string{simulator.OutcomeStalled}},
		{"stream, no answer yet", true, "stall=headers", 0, false, []string{simulator.OutcomeStalled}},
		{"stream, before the first content", true, "stall=0", 0, false, []string{simulator.OutcomeStalled}},
		{"stream, after content", true, "stall=3", 3, false, []string{simulator.OutcomeStalled}},
		{"stream, after content, by a reset", true, "stall=3", 3, true, []string{simulator.OutcomeStalled, simulator.OutcomeGone}},
		{"stream, in full flow", true, "slow=50 chunks=2000", 3, true, []string{simulator.OutcomeGone}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, model := range []string{"gpt-4o", "claude-opus-4.5", "gemini-2.5-pro"} {
				id := fmt.Sprintf("gone-%d", time.Now().UnixNano())
				g.simulator.ClearLog()
				c := g.sendRaw(t, id, model, tt.stream, "[[simulate "+tt.fault+"]] tell me a long story")
				g.untilAsked(t)
				in := bufio.NewReader(c)
				for seen := 0; seen < tt.pieces; {
					line, err := in.ReadString('\n')
					if err != nil {
						t.Fatal(err)
					}
					if strings.HasPrefix(line, "data: ") && strings.Contains(line, `"content":"`) {
						seen++
					}
				}
				if tt.reset {
					_ = c.SetLinger(0)
				}
				_ = c.Close()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				rows, err := g.simulator.Wait(ctx, 1)
				cancel()
				if err != nil {
					t.Fatalf("%s: the provider's connection was not closed within 10 s", model)
				}
				if !slices.Contains(tt.want, rows[0].Outcome) {
					t.Errorf("%s: at the provider the request is %s, want %v", model, rows[0].Outcome, tt.want)
				}
				g.checkCanceled(t, id, tt.pieces)
			}
		})
	}
}

// checkCanceled holds the one row of a request whose caller left after so many pieces.
func (g *gateway) checkCanceled(t *testing.T, id string, pieces int) {
	t.Helper()
	row := usageOf(t, g, id)
	if got := row.field(t, "data", "outcome") + " " + row.field(t, "data", "code"); got != "canceled client_closed" {
		t.Errorf("the row says %s, want canceled: %s", got, row.Body)
	}
	var used struct {
		Data []struct {
			Tokens struct{ Prompt, Completion int }
		}
	}
	if err := json.Unmarshal(row.Body, &used); err != nil || len(used.Data) != 1 {
		t.Fatalf("rows = %s, want one", row.Body)
	}
	if u := used.Data[0].Tokens; u.Prompt == 0 || (u.Completion > 0) != (pieces > 0) {
		t.Errorf("tokens = %+v after %d pieces, want the prompt and what was written", u, pieces)
	}
}

// sendRaw sends a chat over a connection of its own.
func (g *gateway) sendRaw(t *testing.T, id, model string, stream bool, text string) *net.TCPConn {
	t.Helper()
	at, err := url.Parse(g.URL())
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	members := chatBody(model, text)
	members["stream"] = stream
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nX-Request-Id: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", g.key, id, len(body), body)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// untilAsked waits until a provider has the request.
func (g *gateway) untilAsked(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); g.simulator.Running() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no provider was asked")
		}
	}
}
