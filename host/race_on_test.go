//go:build race

package host

// raceSlack: sync.Pool drops things on purpose under the race detector.
const raceSlack = 2
