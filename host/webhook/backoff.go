package webhook

import (
	"math/rand/v2"
	"time"
)

// backoff is how long to wait after each failed try; after the last of them comes one more
// try, and then the delivery is given up.
var backoff = [...]time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour,
}

// MaxTries is how often a delivery is sent by itself.
const MaxTries = len(backoff) + 1

// nextTry is when to try again after so many tries, a tenth earlier or later by chance, so that
// what failed together does not come back together. A receiver that asks for more gets it.
// No: it is given up.
func nextTry(tries int, now time.Time, asked time.Duration) (at time.Time, more bool) {
	if tries < 1 || tries >= MaxTries {
		return time.Time{}, false
	}
	wait := float64(backoff[tries-1]) * (0.9 + 0.2*rand.Float64())
	return now.Add(max(time.Duration(wait), asked)), true
}
