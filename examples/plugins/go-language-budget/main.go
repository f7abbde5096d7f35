// Package main is a rule plugin: it routes by the language of a prompt, and to a cheap
// model when the budget is nearly spent. README.md says how to build and use it.
package main

import "github.com/pointsman/pointsman/sdk"

func init() { sdk.ServeRule(decide) }

func main() {}

func decide() sdk.Verdict {
	language := likeliest(sdk.Config().Get("languages"), sdk.Context().Pointer("/request/text"))
	if !language.Exists() {
		return sdk.Abstain
	}
	code := language.Get("code").Text()
	sdk.Tag("language", code)
	if nearlySpent() {
		sdk.TargetNode(sdk.Config().Get("frugal_model"))
		sdk.Reason("language " + code + ", budget nearly spent")
	} else {
		sdk.TargetNode(language.Get("model"))
		sdk.Reason("language " + code)
	}
	return sdk.Decided
}

// likeliest returns the language with the most words in the text, the first of several;
// absent when none has any.
func likeliest(languages, text sdk.Node) (best sdk.Node) {
	most := 0
	for i := range languages.Len() {
		if found := count(languages.At(i).Get("words"), text); found > most {
			most, best = found, languages.At(i)
		}
	}
	return best
}

// count returns how many of the words the text mentions.
func count(words, text sdk.Node) (found int) {
	for i := range words.Len() {
		if text.MentionsNode(words.At(i)) {
			found++
		}
	}
	return found
}

func nearlySpent() bool {
	left := sdk.Context().Pointer("/budget/left_fraction")
	return left.Exists() && left.Float() < sdk.Config().Get("frugal_below").Float()
}
