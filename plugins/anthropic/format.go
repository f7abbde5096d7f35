package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// format is how the shape of the answer, a request's response_format, is asked for.
// See RATIONALE.md, "How is a structured answer asked for?".
type format struct {
	by          way
	schema      sdk.Node
	description sdk.Node // text; 0 when there is none
}

type way uint8

const (
	unshaped way = iota
	byFormat     // output_config.format
	byTool       // a call of answerTool, whose input is the answer
	byWord       // an instruction
)

// answerTool is the tool whose input is the answer. Its name is seen by the model only.
const answerTool = "respond_with_json"

// shape chooses how the answer gets its shape. ok is false after a refusal.
func shape(r *chat.Request, box *chat.Toolbox, f *family) (answer format, ok bool) {
	schema, json := r.Answer()
	answer.schema = schema
	switch {
	case !json:
	case schema == 0:
		answer.by = byWord
	case f.generation >= gen45:
		answer.by = byFormat
	case box.Mode >= chat.ToolsRequired:
		// The answer is a call of the caller's own tools, which has no other shape.
	case schema.Get("type") != 0 && !schema.Get("type").Equal("object"):
		answer.by = byWord // a tool's input can only be an object
	default:
		answer.by = byTool
		if d := r.Format.Get("json_schema").Get("description"); chat.IsText(d) {
			answer.description = d
		}
		for i := range box.Tools {
			if box.Tools[i].Name.Equal(answerTool) {
				chat.Refuse("tools", "the name '"+answerTool+"' is taken")
				return answer, false
			}
		}
	}
	if answer.by == byWord {
		r.Lossy("response_format") // nothing enforces an instruction
	}
	return answer, true
}

// instruction is what byWord says, as the last block of the system member.
const instruction = `{"type":"text","text":"Answer with a single JSON object and nothing else: no text around it and no code fence."}`

// writeAnswerTool writes the tool whose input is the answer.
func writeAnswerTool(w *chat.Writer, answer format) {
	w.Emit(`{"name":"` + answerTool + `","description":`)
	if answer.description != 0 {
		w.Node(answer.description)
	} else {
		w.Emit(`"Gives the final answer. Its input is the whole answer."`)
	}
	w.Emit(`,"input_schema":`)
	writeSchema(w, answer.schema)
	w.Emit(`}`)
}
