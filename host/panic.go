package host

import (
	"sync/atomic"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// panics counts those that were contained, wherever that was: each has its line in the log.
type panics struct{ n atomic.Int64 }

// Run implements zerolog.Hook.
func (p *panics) Run(_ *zerolog.Event, _ zerolog.Level, message string) {
	if message == engine.PanicContained {
		p.n.Add(1)
	}
}
