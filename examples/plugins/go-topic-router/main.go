// Package main is a rule plugin: it sends a request to the model of the first topic
// that its text mentions, and to the cheapest model when the budget is nearly spent.
// README.md says how to build and use it.
package main

import "github.com/pointsman/pointsman/sdk"

func init() {
	sdk.ServeRule(decide)
	sdk.ServeConfigure(check)
}

func main() {}

func decide() sdk.Verdict {
	topic, word := find(sdk.Config().Get("topics"), sdk.Context().Pointer("/request/text"))
	if !topic.Exists() {
		return sdk.Abstain
	}
	sdk.Tag("topic", topic.Get("name").Text())
	left := sdk.Context().Pointer("/budget/left_fraction")
	if left.Exists() && left.Float() < sdk.Config().Get("frugal_below").Float() {
		sdk.Reason("mentions " + word + ", but the budget is nearly spent")
		sdk.TargetNode(cheapest(sdk.Context().Get("models")))
		return sdk.Decided
	}
	sdk.Reason("mentions " + word)
	sdk.TargetNode(topic.Get("model"))
	return sdk.Decided
}

// find returns the first topic with a word that the text mentions, and the word.
func find(topics, text sdk.Node) (topic sdk.Node, word string) {
	for i := range topics.Len() {
		words := topics.At(i).Get("words")
		for j := range words.Len() {
			if word := words.At(j); text.MentionsNode(word) {
				return topics.At(i), word.Text()
			}
		}
	}
	return 0, ""
}

// cheapest returns the id of the model that costs least, absent when there is none.
func cheapest(models sdk.Node) (id sdk.Node) {
	least := int64(-1)
	for i := range models.Len() {
		cost := models.At(i).Get("cost_nano_usd").Int()
		if least < 0 || cost < least {
			least, id = cost, models.At(i).Get("id")
		}
	}
	return id
}

// check refuses what the manifest's schema cannot say.
func check() sdk.Result {
	if sdk.Config().Get("topics").Len() == 0 {
		return sdk.Fail(400, "name at least one topic, or the rule never matches")
	}
	return sdk.OK
}
