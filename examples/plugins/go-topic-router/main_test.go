package main

import (
	"slices"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

const config = `{"frugal_below":0.1,"topics":[
	{"name":"database","words":["sql","query plan"],"model":"gpt-5"},
	{"name":"prose","words":["essay"],"model":"claude-opus-4"}]}`

func TestDecide(t *testing.T) {
	const models = `"models":[{"id":"dear","cost_nano_usd":9},{"id":"cheap","cost_nano_usd":2},{"id":"middling","cost_nano_usd":5}]`
	tests := []struct {
		name       string
		context    string
		want       sdk.Verdict
		wantTarget []string
		wantReason string
	}{
		{"a word", `{"request":{"text":"Why is my SQL slow?"}}`, sdk.Decided, []string{"gpt-5"}, "mentions sql"},
		{"a phrase", `{"request":{"text":"explain this query\nplan"}}`, sdk.Decided, []string{"gpt-5"}, "mentions query plan"},
		{"the first topic wins", `{"request":{"text":"an essay on SQL"}}`, sdk.Decided, []string{"gpt-5"}, "mentions sql"},
		{"the second topic", `{"request":{"text":"an essay"}}`, sdk.Decided, []string{"claude-opus-4"}, "mentions essay"},
		{"part of a word", `{"request":{"text":"mysqldump, essays"}}`, sdk.Abstain, nil, ""},
		{"no text", `{}`, sdk.Abstain, nil, ""},
		{"little budget", `{"request":{"text":"essay"},"budget":{"left_fraction":0.05},` + models + `}`, sdk.Decided, []string{"cheap"}, "mentions essay, but the budget is nearly spent"},
		{"enough budget", `{"request":{"text":"essay"},"budget":{"left_fraction":0.1},` + models + `}`, sdk.Decided, []string{"claude-opus-4"}, "mentions essay"},
		{"little budget and no models", `{"request":{"text":"essay"},"budget":{"left_fraction":0}}`, sdk.Decided, nil, "mentions essay, but the budget is nearly spent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got sdk.Verdict
			f := sdktest.Call(t, document.FrameInput{
				Context: sdktest.JSON(t, tt.context),
				Config:  sdktest.JSON(t, config),
			}, func() { got = decide() })
			if got != tt.want || !slices.Equal(f.Targets(), tt.wantTarget) || f.ReasonText() != tt.wantReason {
				t.Errorf("decide(%s) = %v, %q, %q, want %v, %q, %q",
					tt.context, got, f.Targets(), f.ReasonText(), tt.want, tt.wantTarget, tt.wantReason)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		config string
		want   sdk.Result
	}{
		{config, sdk.OK},
		{`{}`, sdk.Failed},
		{`{"topics":[]}`, sdk.Failed},
	} {
		var got sdk.Result
		sdktest.Call(t, document.FrameInput{Config: sdktest.JSON(t, tt.config)}, func() { got = check() })
		if got != tt.want {
			t.Errorf("check(%s) = %v, want %v", tt.config, got, tt.want)
		}
	}
}

// TestDecideAsksLittle: a call of the host is most of what a rule costs, and a word of the config is
// no reason to make a string.
func TestDecideAsksLittle(t *testing.T) {
	f := sdktest.Call(t, document.FrameInput{
		Context: sdktest.JSON(t, `{"request":{"text":"Where is the train?"}}`),
		Config:  sdktest.JSON(t, config),
	}, func() { decide() })
	// The config, its topics, the text; for each topic it and its words; for each word it, its text and the search.
	if most := 5 + 2*3 + 3*3 + 1; f.Calls() > most {
		t.Errorf("decide() makes %d calls of the host for three words that are not there, want at most %d", f.Calls(), most)
	}
}
