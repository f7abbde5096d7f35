package wire_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/anthropic"
)

// A recorded stream of Anthropic's, taken into the canonical form by its adapter and
// back, tells the same text, calls and stop reason.
func TestMessageStreamRecorded(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "data", "fixtures", "anthropic", "*", "stream.sse"))
	if len(files) == 0 {
		t.Skip("no recorded fixtures beside this checkout")
	}
	pings := regexp.MustCompile(`event: ping\ndata: [^\n]*\n\n`)
	padding := regexp.MustCompile(`[ ]+(}?)\n\n`)
	compared := 0
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, err := listen(padding.ReplaceAllString(pings.ReplaceAllString(string(raw), ""), "$1\n\n"))
			if err != nil || !want.Over {
				t.Skip("the recording is not a whole message by the book: ", err)
			}
			answer := adaptertest.Stream(t, anthropic.Adapter{}, adaptertest.Events(string(raw)))
			out, err := play(t, answer.Chunks)
			if err != nil {
				t.Fatalf("MessageStream: %v", err)
			}
			got, err := listen(out)
			if err != nil {
				t.Fatalf("MessageStream: %v\n%s", err, out)
			}
			if want.Stop == "stop_sequence" {
				want.Stop = "end_turn" // Chat does not tell them apart
			}
			if a, b := spoken(got), spoken(want); !reflect.DeepEqual(a, b) || got.Stop != want.Stop || got.Output != want.Output {
				t.Errorf("the stream came back as %+v, %s, %d tokens\nwant %+v, %s, %d", a, got.Stop, got.Output, b, want.Stop, want.Output)
			}
			compared++
		})
	}
	if compared < 8 {
		t.Errorf("%d recordings were compared, want at least 8", compared)
	}
}

// spoken are the texts, joined as Chat joins them, and the calls with their input read.
func spoken(m told) (list []any) {
	text := ""
	for _, b := range m.Blocks {
		switch b.Kind {
		case "text":
			text += b.Text
		case "tool_use":
			var input any
			if json.Unmarshal([]byte(b.Text), &input) != nil {
				input = map[string]any{}
			}
			list = append(list, b.ID, b.Name, input)
		}
	}
	return slices.Insert(list, 0, any(text))
}
