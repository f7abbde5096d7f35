//go:build race

package host

// raceSlack: sync.Pool drops things on purpose under the race detector, big ones among them.
const raceSlack = 2
