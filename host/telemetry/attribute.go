package telemetry

import (
	"go.opentelemetry.io/otel/attribute"

	"github.com/pointsman/pointsman/engine"
)

// Names of spans' attributes: those of OpenTelemetry's conventions for generative AI
// (open-telemetry/semantic-conventions-genai, in development, as of 2026-11), and our own under
// pointsman. No text that people or models wrote is among them, nor a rule's reason.
const (
	keyOperation     = attribute.Key("gen_ai.operation.name")
	keyProvider      = attribute.Key("gen_ai.provider.name")
	keyRequestModel  = attribute.Key("gen_ai.request.model")
	keyResponseModel = attribute.Key("gen_ai.response.model")
	keyInputTokens   = attribute.Key("gen_ai.usage.input_tokens")
	keyOutputTokens  = attribute.Key("gen_ai.usage.output_tokens")
	keyErrorType     = attribute.Key("error.type")
	keyStatus        = attribute.Key("http.response.status_code")

	keyProviderID = attribute.Key("pointsman.provider")
	keyRequest    = attribute.Key("pointsman.request.id")
	keyAccount    = attribute.Key("pointsman.account.id")
	keyRule       = attribute.Key("pointsman.rule")
	keyRuleResult = attribute.Key("pointsman.rule.outcome")
	keyAttempts   = attribute.Key("pointsman.attempts")
	keyAttempt    = attribute.Key("pointsman.attempt")
	keyFrom       = attribute.Key("pointsman.fallback.from")
	keyWhy        = attribute.Key("pointsman.fallback.reason")
	keyStream     = attribute.Key("pointsman.stream")
	keyOverheadUS = attribute.Key("pointsman.overhead_us")
	keyFirstMS    = attribute.Key("pointsman.first_token_ms")
	keyCost       = attribute.Key("pointsman.cost_nano_usd")
	keyEstimated  = attribute.Key("pointsman.usage.estimated")
	keyPlugin     = attribute.Key("pointsman.plugin")
	keyStep       = attribute.Key("pointsman.plugin.step")
	keyTookUS     = attribute.Key("pointsman.plugin.took_us")
	keyFuel       = attribute.Key("pointsman.plugin.fuel")
	keySkipped    = attribute.Key("pointsman.skipped")
)

// Names of spans' events.
const (
	eventRule   = "pointsman.rule"
	eventPlugin = "pointsman.plugin"
	eventSkip   = "pointsman.skip"
)

// providerName is the conventions' name of whose wire a provider speaks, and its id where they have
// none: many providers speak OpenAI's.
func providerName(p *engine.Provider) string {
	switch p.Adapter {
	case "anthropic":
		return "anthropic"
	case "google":
		return "gcp.gemini"
	}
	return p.ID
}
