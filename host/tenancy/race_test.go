//go:build race

package tenancy

// raceEnabled: sync.Pool drops items on purpose under the race detector.
const raceEnabled = true
