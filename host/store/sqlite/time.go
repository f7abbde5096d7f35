package sqlite

import (
	"time"

	"github.com/pointsman/pointsman/host/store/row"
)

// Times are stored as integer milliseconds since 1970, UTC.

func millis(t time.Time) int64 { return row.Time(t).UnixMilli() }

// millisOrNil is nil for the zero time.
func millisOrNil(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := millis(t)
	return &ms
}

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// instantOrZero is the inverse of millisOrNil.
func instantOrZero(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return instant(*ms)
}
