package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// effort is the reasoning effort that is asked for; 0 when none is.
func (t *translation) effort() sdk.Node {
	if word := t.body.Get("reasoning_effort"); chat.IsText(word) && !t.rejects("reasoning_effort") {
		return word
	}
	return 0
}

// emitReasoning writes "reasoning": the effort, and the summary that the config asks for.
func (t *translation) emitReasoning() {
	effort, summary := t.effort(), t.config.Get("reasoning_summary")
	summarize := t.thinks && chat.IsText(summary)
	if effort == 0 && !summarize {
		return
	}
	sdk.Emit(`,"reasoning":{`)
	if effort != 0 {
		sdk.Emit(`"effort":`)
		sdk.EmitNode(effort)
	}
	if summarize {
		if effort != 0 {
			sdk.Emit(`,`)
		}
		sdk.Emit(`"summary":`)
		sdk.EmitNode(summary)
	}
	sdk.Emit(`}`)
}

// emitInclude asks for what an answer has only on request: reasoning in a form that
// can be given back, as nothing is stored at OpenAI, which other models than those
// that think refuse; and log probabilities.
func (t *translation) emitInclude() {
	logprobs := t.body.Get("logprobs").Bool() && !t.rejects("logprobs")
	if t.counting || !t.thinks && !logprobs || t.rejects("include") {
		return
	}
	switch {
	case !logprobs:
		sdk.Emit(`,"include":["reasoning.encrypted_content"]`)
	case !t.thinks:
		sdk.Emit(`,"include":["message.output_text.logprobs"]`)
	default:
		sdk.Emit(`,"include":["reasoning.encrypted_content","message.output_text.logprobs"]`)
	}
}

// emitText writes "text", which holds what Chat calls response_format (flat here)
// and verbosity.
func (t *translation) emitText() {
	format, verbosity := t.body.Get("response_format"), t.body.Get("verbosity")
	hasFormat := format.Kind() == abi.KindObject && !t.rejects("response_format")
	hasVerbosity := verbosity.Kind() == abi.KindString && !t.rejects("verbosity")
	if !hasFormat && !hasVerbosity {
		return
	}
	sdk.Emit(`,"text":{`)
	if hasFormat {
		sdk.Emit(`"format":`)
		if schema := format.Get("json_schema"); schema.Len() > 0 && schema.Kind() == abi.KindObject {
			sdk.Emit(`{"type":"json_schema",`)
			sdk.EmitMembers(schema, "type")
			sdk.Emit(`}`)
		} else {
			sdk.EmitNode(format)
		}
	}
	if hasVerbosity {
		if hasFormat {
			sdk.Emit(`,`)
		}
		sdk.Emit(`"verbosity":`)
		sdk.EmitNode(verbosity)
	}
	sdk.Emit(`}`)
}
