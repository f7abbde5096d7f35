// Package google is the adapter of the Gemini API (models.generateContent,
// streamGenerateContent, countTokens, embedContent, batchEmbedContents and models.list,
// v1beta): texts and media, system instructions, history, tools, schemas, thinking,
// streams, usage, finish reasons and errors.
//
// Facts of the wire are from Google's API reference and its Go SDK types (genai
// v1.77.0), November 2026; where servers differ from them the code says so.
// Package guest makes a plugin of it; manifest.json says how to reach the API.
//
// Read request.go first (contents.go, part.go, exchange.go, tools.go and config.go are the
// parts of its body, model.go what depends on the model), then candidate.go, response.go,
// event.go and error.go. embedding.go, count.go and list.go are the other operations.
package google

import "github.com/pointsman/pointsman/sdk"

// Adapter translates between the canonical chat form and the Gemini API. It holds
// nothing; any instance serves any call.
type Adapter struct{}

var _ sdk.Adapter = Adapter{}
