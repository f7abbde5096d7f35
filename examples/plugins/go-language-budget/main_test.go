package main

import (
	"slices"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

const config = `{"frugal_below":0.1,"frugal_model":"cheap","languages":[
	{"code":"de","words":["und","nicht","können Sie"],"model":"german"},
	{"code":"fr","words":["et","est","n'est pas"],"model":"french"}]}`

func TestDecide(t *testing.T) {
	for _, tt := range []struct {
		name       string
		context    string
		want       sdk.Verdict
		wantTarget []string
		wantReason string
	}{
		{"most words", `{"request":{"text":"und: il est ici et là"}}`, sdk.Decided, []string{"french"}, "language fr"},
		{"a tie", `{"request":{"text":"et und"}}`, sdk.Decided, []string{"german"}, "language de"},
		{"a phrase", `{"request":{"text":"KÖNNEN\nSie helfen?"}}`, sdk.Decided, []string{"german"}, "language de"},
		{"little budget", `{"request":{"text":"c'est ça"},"budget":{"left_fraction":0.05}}`, sdk.Decided, []string{"cheap"}, "language fr, budget nearly spent"},
		{"enough budget", `{"request":{"text":"c'est ça"},"budget":{"left_fraction":0.1}}`, sdk.Decided, []string{"french"}, "language fr"},
		{"no language", `{"request":{"text":"hello"}}`, sdk.Abstain, nil, ""},
		{"no text", `{}`, sdk.Abstain, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got sdk.Verdict
			f := sdktest.Call(t, document.FrameInput{Context: sdktest.JSON(t, tt.context), Config: sdktest.JSON(t, config)}, func() { got = decide() })
			if got != tt.want || !slices.Equal(f.Targets(), tt.wantTarget) || f.ReasonText() != tt.wantReason {
				t.Errorf("decide(%s) = %v, %q, %q, want %v, %q, %q", tt.context, got, f.Targets(), f.ReasonText(), tt.want, tt.wantTarget, tt.wantReason)
			}
		})
	}
}
