package chat

import (
	"strconv"

	"github.com/pointsman/pointsman/sdk"
)

// Completion is a whole answer.
type Completion struct {
	ID      sdk.Node // the provider's; one is made when it is no text
	Model   sdk.Node // as the provider names it; the host puts the caller's name there
	Choices []Choice
	Usage   Usage
}

// Choice is one alternative of a whole answer. Its texts are joined as they come;
// an answer without any has the content null.
type Choice struct {
	Index     int
	Content   []sdk.Node
	Reasoning []sdk.Node
	Refusal   sdk.Node // why a filter stopped it; 0 when unsaid
	Finish    string
}

// Emit writes the chat.completion object.
func (c *Completion) Emit() {
	emitHead("chat.completion", identify(c.ID), clip(c.Model))
	for i := range c.Choices {
		if i > 0 {
			sdk.Emit(",")
		}
		c.Choices[i].emit()
	}
	if !c.Usage.Known {
		sdk.Emit("]}")
		return
	}
	sdk.Emit(`],"usage":`)
	c.Usage.emit()
	sdk.Emit("}")
}

func (c *Choice) emit() {
	sdk.Emit(`{"index":` + strconv.Itoa(c.Index) + `,"message":{"role":"assistant","content":`)
	if len(c.Content) == 0 {
		sdk.Emit("null")
	} else {
		emitJoined(c.Content)
	}
	if len(c.Reasoning) > 0 {
		sdk.Emit(`,"reasoning_content":`)
		emitJoined(c.Reasoning)
	}
	if IsText(c.Refusal) {
		sdk.Emit(`,"refusal":`)
		sdk.EmitNode(c.Refusal)
	} else {
		sdk.Emit(`,"refusal":null`)
	}
	sdk.Emit(`},"logprobs":null,"finish_reason":"` + c.Finish + `"}`)
}

// emitJoined writes string nodes as one JSON string.
func emitJoined(texts []sdk.Node) {
	if len(texts) == 1 {
		sdk.EmitNode(texts[0])
		return
	}
	sdk.Emit(`"`)
	for _, t := range texts {
		sdk.EmitInner(t)
	}
	sdk.Emit(`"`)
}

// emitHead opens an answer or a chunk, up to the bracket of its choices.
func emitHead(object, id, model string) {
	sdk.Emit(`{"id":`)
	sdk.EmitString(id)
	sdk.Emit(`,"object":"` + object + `","created":` + strconv.FormatInt(sdk.NowMS()/1000, 10) + `,"model":`)
	sdk.EmitString(model)
	sdk.Emit(`,"choices":[`)
}

// maxName bounds an id or a model name that is kept over the events of a stream.
const maxName = 256

// identify returns the provider's id of the answer, or makes one.
func identify(id sdk.Node) string {
	if s := clip(id); s != "" {
		return s
	}
	return "chatcmpl-" + strconv.FormatUint(uint64(sdk.Random()), 36)
}

// clip returns a short text of the provider, cut at maxName bytes.
func clip(n sdk.Node) string {
	if n.Len() > maxName {
		n = n.Slice(0, maxName)
	}
	return n.Text()
}
