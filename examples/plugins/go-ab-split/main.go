// Package main is a rule plugin: an A/B split. It keeps no state. Who is split is hashed, so
// that a user or a session stays with its variant on every server and after every restart; who
// cannot be told apart is drawn from the request's own sequence, so that a replay draws the same.
package main

import (
	"math/bits"

	"github.com/pointsman/pointsman/sdk"
)

func init() {
	sdk.ServeRule(decide)
	sdk.ServeConfigure(check)
}

func main() {}

func decide() sdk.Verdict {
	variants := sdk.Config().Get("variants")
	all := total(variants)
	if all == 0 {
		return sdk.Abstain
	}
	point, how := draw()
	// A share of the whole rather than a remainder: new weights move the bounds between
	// variants, and nobody but those who stood between the old and the new.
	share, _ := bits.Mul64(point, uint64(all))
	variant := pick(variants, int64(share))
	name := variant.Get("name").Text()
	sdk.TargetNode(variant.Get("model"))
	sdk.Tag("variant", name)
	sdk.Reason("variant " + name + ", by " + how)
	return sdk.Decided
}

// draw returns a number uniform over 64 bits, and what it was drawn by.
func draw() (point uint64, how string) {
	who := sticky()
	if who.Len() == 0 { // absent, or ""
		return uint64(sdk.Random()), "chance"
	}
	// The experiment's name parts the draws of two experiments with the same users.
	point = uint64(who.Hash()) ^ spread(uint64(sdk.Config().Get("experiment").Hash()))
	if sdk.Config().Get("sticky").Equal("session") {
		return spread(point), "session"
	}
	return spread(point), "user"
}

// sticky is the id of whoever stays with a variant, absent when nobody does.
func sticky() sdk.Node {
	by := sdk.Config().Get("sticky")
	switch {
	case by.Equal("none"):
		return 0
	case by.Equal("session"):
		return sdk.Context().Pointer("/session/id")
	}
	return sdk.Context().Pointer("/caller/user")
}

// spread is a bijection that lets every bit depend on all (SplitMix64's output function), as a
// XOR of hashes alone would send the same users to the same side of each experiment.
func spread(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// total is the sum of the weights.
func total(variants sdk.Node) (sum int64) {
	for i := range variants.Len() {
		sum += variants.At(i).Get("weight").Int()
	}
	return sum
}

// pick returns the variant in whose share of the weights the point lies.
func pick(variants sdk.Node, point int64) sdk.Node {
	for i := range variants.Len() {
		if point -= variants.At(i).Get("weight").Int(); point < 0 {
			return variants.At(i)
		}
	}
	return 0
}

// check refuses weights that leave nobody anything.
func check() sdk.Result {
	if total(sdk.Config().Get("variants")) == 0 {
		return sdk.Fail(400, "give at least one variant a weight")
	}
	return sdk.OK
}
