package host

import (
	"encoding/json"
	"slices"
	"testing"
)

// OpenAI's own library for Node asks for base64 by itself, and unpacks it.
func TestEmbeddingsOpenAINode(t *testing.T) {
	dir := node(t)
	g := sharedGateway(t)
	args := []string{"embeddings.mjs", g.URL() + "/v1", g.key}
	for _, tt := range embeddingModels {
		args = append(args, tt.model)
	}
	out, err := output(t, dir, "node", args...)
	if err != nil {
		t.Fatal(err)
	}
	var seen map[string]struct {
		Model string
		Usage struct {
			Prompt int `json:"prompt_tokens"`
			Total  int `json:"total_tokens"`
		}
		Lengths    []int
		Difference float64
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, tt := range embeddingModels {
		got := seen[tt.model]
		if got.Model != tt.model || got.Usage.Prompt <= 0 || got.Usage.Total != got.Usage.Prompt || !slices.Equal(got.Lengths, []int{tt.dimensions, tt.dimensions, tt.dimensions}) {
			t.Errorf("%s = %+v, want three vectors of %d numbers with usage", tt.model, got, tt.dimensions)
		}
		if got.Difference > 1e-6 {
			t.Errorf("%s: base64 and floats differ by %v", tt.model, got.Difference)
		}
	}
}
