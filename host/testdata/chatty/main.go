// Package main is a rule plugin for tests: it says what it does, and breaks when asked to.
package main

import "github.com/pointsman/pointsman/sdk"

func init() { sdk.ServeRule(decide) }

func main() {}

func decide() sdk.Verdict {
	text := sdk.Context().Pointer("/request/text")
	switch {
	case text.Mentions("explode"):
		panic("asked to")
	case text.Mentions("zebra"):
		sdk.Log(sdk.LevelWarn, "a zebra, a zebra")
		sdk.Target("gpt-5.2")
		return sdk.Decided
	}
	return sdk.Abstain
}
