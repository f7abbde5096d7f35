package chat

import (
	"strconv"
	"unsafe"

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
	Object    sdk.Node // an object whose JSON is the text, instead of Content; 0: none
	Reasoning []sdk.Node
	Refusal   sdk.Node // why a filter stopped it; 0 when unsaid
	Calls     []ToolCall
	Thoughts  []Thought // of the provider named by Provider
	Provider  string
	Finish    string

	More     func(*Writer) // writes further members of the message, a comma before each; nil: none
	Logprobs func(*Writer) // writes the logprobs object; nil: null
}

// Emit writes the chat.completion object.
func (c *Completion) Emit() {
	w := NewWriter()
	w.Emit(`{"id":`)
	w.String(identify(c.ID))
	number(w, `,"object":"chat.completion","created":`, sdk.NowMS()/1000)
	w.Emit(`,"model":`)
	w.String(clip(c.Model))
	w.Emit(`,"choices":[`)
	for i := range c.Choices {
		if i > 0 {
			w.Emit(`,`)
		}
		c.Choices[i].write(w)
	}
	w.Emit(`]`)
	if c.Usage.Known {
		w.Emit(`,"usage":`)
		c.Usage.write(w)
	}
	w.Emit(`}`)
	w.End()
}

func (c *Choice) write(w *Writer) {
	if c.Index == 0 {
		w.Emit(`{"index":0,"message":{"role":"assistant","content":`)
	} else {
		number(w, `{"index":`, int64(c.Index))
		w.Emit(`,"message":{"role":"assistant","content":`)
	}
	if c.Object != 0 {
		w.Quoted(c.Object)
	} else if len(c.Content) == 0 {
		w.Emit(`null`)
	} else {
		w.Joined(c.Content)
	}
	if len(c.Reasoning) > 0 {
		w.Emit(`,"reasoning_content":`)
		w.Joined(c.Reasoning)
	}
	for i := range c.Thoughts {
		if i == 0 {
			w.Emit(`,"thinking_blocks":[`)
		} else {
			w.Emit(`,`)
		}
		c.Thoughts[i].write(w, c.Provider)
	}
	if len(c.Thoughts) > 0 {
		w.Emit(`]`)
	}
	if c.Refusal == 0 && len(c.Calls) == 0 && c.More == nil && c.Logprobs == nil {
		w.Emit(`,"refusal":null},"logprobs":null,"finish_reason":"`)
		c.end(w)
		return
	}
	w.Emit(`,"refusal":`)
	if IsText(c.Refusal) {
		w.Node(c.Refusal)
	} else {
		w.Emit(`null`)
	}
	for i := range c.Calls {
		if i == 0 {
			w.Emit(`,"tool_calls":[{`)
		} else {
			w.Emit(`,{`)
		}
		c.Calls[i].write(w, `"{}"`)
	}
	if len(c.Calls) > 0 {
		w.Emit(`]`)
	}
	if c.More != nil {
		c.More(w)
	}
	w.Emit(`},"logprobs":`)
	if c.Logprobs != nil {
		c.Logprobs(w)
	} else {
		w.Emit(`null`)
	}
	w.Emit(`,"finish_reason":"`)
	c.end(w)
}

func (c *Choice) end(w *Writer) {
	w.Emit(c.Finish)
	w.Emit(`"}`)
}

// maxName bounds an id or a model name that is kept over the events of a stream.
const maxName = 256

// identify returns the provider's id of the answer, or makes one. It is valid until the next
// clip.
func identify(id sdk.Node) string {
	if s := clip(id); s != "" {
		return s
	}
	return "chatcmpl-" + strconv.FormatUint(uint64(sdk.Random()), 36)
}

// clip returns a short text of the provider, cut at maxName bytes. It is valid until the next.
func clip(n sdk.Node) string {
	b := Beginning(n, name[:])
	return unsafe.String(unsafe.SliceData(b), len(b))
}

var name [maxName]byte
