package engine

import (
	"testing"
	"time"

	"github.com/google/uuid"
)

// Ids are UUIDs of version 7 of their time, and in the order in which they are made.
func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	at := time.Now()
	last := ""
	for i := range 10_000 {
		text := idAt(at)
		id, err := uuid.Parse(text)
		if err != nil || id.Version() != 7 || id.Variant() != uuid.RFC4122 || id.String() != text {
			t.Fatalf("idAt() = %q, %v, want a UUIDv7", text, err)
		}
		if text <= last {
			t.Fatalf("id %d = %q, want one after %q", i, text, last)
		}
		last = text
	}
	id := uuid.MustParse(last)
	sec, nsec := id.Time().UnixTime()
	if off := time.Unix(sec, nsec).Sub(at).Abs(); off > time.Minute {
		t.Errorf("an id of %v is %v off", at, off)
	}
}
