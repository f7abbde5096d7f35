// Package anthropic is the adapter of the Anthropic Messages API
// (POST /v1/messages, version 2023-06-01): texts, images and documents, system
// instructions, history, tools, structured answers, thinking, streams, usage, finish
// reasons and errors; and of its token counts and its list of models.
//
// Facts of the wire are from Anthropic's API reference and its Go SDK types
// (v1.84.0), November 2026; where servers differ from them the code says so.
// Package guest makes a plugin of it; manifest.json says how to reach the API.
//
// Read request.go first (conversation.go is its messages, document.go their files,
// tools.go its tools, format.go its structured answer, model.go what is known of the
// models), then response.go, event.go and error.go, one for each entry point.
package anthropic

import "github.com/pointsman/pointsman/sdk"

// provider is the name that signed thinking goes by: only Anthropic can read it again.
const provider = "anthropic"

// Adapter translates between the canonical chat form and the Messages API. It
// holds nothing; any instance serves any call.
type Adapter struct{}

var _ sdk.Adapter = Adapter{}
