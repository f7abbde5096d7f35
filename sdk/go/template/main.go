package main

import "github.com/pointsman/pointsman/sdk"

func init() { sdk.ServeRule(decide) }
func main() {}

func decide() sdk.Verdict {
	if !sdk.Context().Pointer("/request/text").Mentions("refactor") {
		return sdk.Abstain // the next rule decides
	}
	sdk.Target("gpt-5.1-codex")
	sdk.Reason("asks for refactoring")
	return sdk.Decided
}
