package engine

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

func TestNoticeFeed(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	f := NewNoticeFeed(zerolog.New(&log))
	for range maxNotices + 5 {
		f.Publish(Notice{Kind: "k", Subject: "s", Message: "m"})
	}
	list, last, _ := f.After(0)
	if len(list) != maxNotices || list[0].Sequence != 6 || list[maxNotices-1].Sequence != last || last != maxNotices+5 {
		t.Errorf("After(0) = %d notices from %d, last %d, want %d from 6, last %d", len(list), list[0].Sequence, last, maxNotices, maxNotices+5)
	}
	if list, _, _ := f.After(last - 2); len(list) != 2 || list[0].Sequence != last-1 {
		t.Errorf("After(%d) = %+v, want the last two", last-2, list)
	}
	if list, _, _ := f.After(last + 7); len(list) != 0 {
		t.Errorf("After what is to come = %+v, want none", list)
	}
	if n := strings.Count(log.String(), `"level":"warn"`); n != maxNotices+5 {
		t.Errorf("%d warnings logged, want one for each notice", n)
	}
	(*NoticeFeed)(nil).Publish(Notice{})
}

func TestNoticeFeedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewNoticeFeed(zerolog.Nop())
		time.AfterFunc(time.Second, func() { f.Publish(Notice{Kind: "k"}) })
		list, last, err := f.Wait(t.Context(), 0)
		if err != nil || last != 1 || len(list) != 1 || list[0].At.Location() != time.UTC || list[0].At.IsZero() {
			t.Errorf("Wait = %+v, %d, %v, want the notice", list, last, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, _, err := f.Wait(ctx, 1); err == nil {
			t.Error("Wait returned without a notice")
		}
	})
}

func TestNoticeVisibleTo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		account string
		p       Principal
		want    bool
	}{
		{"acme", Principal{Role: RoleSuperAdmin}, true},
		{"", Principal{Role: RoleSuperAdmin}, true},
		{"acme", Principal{AccountID: "acme", Role: RoleAccountAdmin}, true},
		{"acme", Principal{AccountID: "other", Role: RoleAccountAdmin}, false},
		{"", Principal{Role: RoleAccountAdmin}, false},
		{"acme", Principal{AccountID: "acme", Role: RoleTeamLead}, false},
		{"acme", Principal{AccountID: "acme", Role: RoleUser}, false},
		{"acme", Principal{AccountID: "acme"}, false},
	} {
		if got := (Notice{AccountID: tt.account}).VisibleTo(tt.p); got != tt.want {
			t.Errorf("a notice of %q is visible to %+v: %v, want %v", tt.account, tt.p, got, tt.want)
		}
	}
}

// A notice for webhooks alone is on nobody's list of events.
func TestNoticeNotForEvents(t *testing.T) {
	t.Parallel()
	for _, p := range []Principal{{AccountID: "acme", Role: RoleAccountAdmin}, {AccountID: "x", Role: RoleSuperAdmin}} {
		if (Notice{AccountID: "acme", NoEvent: true}).VisibleTo(p) {
			t.Errorf("VisibleTo(%s) = true, want false", p.Role)
		}
		if !(Notice{AccountID: "acme", NoWebhook: true}).VisibleTo(p) {
			t.Errorf("VisibleTo(%s) = false, want true for what is only kept from webhooks", p.Role)
		}
	}
}
