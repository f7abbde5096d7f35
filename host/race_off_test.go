//go:build !race

package host

const raceSlack = 1
