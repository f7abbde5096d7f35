package anthropic_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/anthropic"
)

func user(parts string) string { return `{"messages":[{"role":"user","content":[` + parts + `]}]}` }

func TestDocuments(t *testing.T) {
	for _, tt := range []struct{ name, part, want string }{
		{"a PDF", `{"type":"file","file":{"filename":"a\"b.pdf","file_data":"data:application/pdf;base64,JVBERi0="}}`,
			`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"title":"a\"b.pdf"}`},
		{"a PDF of engine/wire", `{"type":"file","file":{"filename":"document.pdf","file_data":"data:application/pdf;base64,JVBERi0="},"cache_control":{"type":"ephemeral","ttl":"1h"}}`,
			`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"cache_control":{"type":"ephemeral","ttl":"1h"}}`},
		{"a PDF as an image", `{"type":"image_url","image_url":{"url":"data:application/pdf;base64,JVBERi0="}}`,
			`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}`},
		{"a PDF by URL", `{"type":"file","file":{"file_url":"https://x.test/a.pdf"}}`, `{"type":"document","source":{"type":"url","url":"https://x.test/a.pdf"}}`},
		{"a text", `{"type":"file","file":{"filename":"a.md","file_data":"data:text/markdown;charset=utf-8;base64,` + base64.StdEncoding.EncodeToString([]byte("# \"é\"\n")) + `"}}`,
			`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"# \"é\"\n"},"title":"a.md"}`},
		{"a text of a full group", `{"type":"file","file":{"file_data":"data:text/plain;base64,YWJj"}}`, `{"type":"document","source":{"type":"text","media_type":"text/plain","data":"abc"}}`},
		{"JSON", `{"type":"file","file":{"file_data":"data:application/json;base64,e30="}}`, `{"type":"document","source":{"type":"text","media_type":"text/plain","data":"{}"}}`},
		{"an image as a file", `{"type":"file","file":{"filename":"a.png","file_data":"data:image/png;base64,AAE="}}`, `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAE="}}`},
		{"a marked image", `{"type":"image_url","image_url":{"url":"https://x.test/a.png"},"cache_control":{"type":"ephemeral"}}`,
			`{"type":"image","source":{"type":"url","url":"https://x.test/a.png"},"cache_control":{"type":"ephemeral"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Request(t, anthropic.Adapter{}, target, user(tt.part))
			want := `{"model":"claude-x","max_tokens":64000,"messages":[{"role":"user","content":[` + tt.want + `]}]}`
			if got.Failed || got.Output != want || len(got.Lossy) > 0 {
				t.Errorf("Request(%s)\n got %s %s, loses %q\nwant %s", tt.part, got.Output, got.Message, got.Lossy, want)
			}
		})
	}
}

func TestDocumentsRefused(t *testing.T) {
	for _, tt := range []struct{ name, part, want string }{
		{"a file of a vendor", `{"type":"file","file":{"file_id":"file-1"}}`, "messages[0].content[0]: a file_id is known only"},
		{"a file of nothing", `{"type":"file","file":{"filename":"x"}}`, "messages[0].content[0]: content of type 'file'"},
		{"a spreadsheet", `{"type":"file","file":{"file_data":"data:application/vnd.ms-excel;base64,AA=="}}`, "messages[0].content[0]: Anthropic takes PNG"},
		{"a file without a type", `{"type":"file","file":{"file_data":"AA=="}}`, "messages[0].content[0]: content of type 'file'"},
		{"an image without TLS", `{"type":"image_url","image_url":{"url":"http://x.test/a.png"}}`, "messages[0].content[0]: Anthropic fetches only https"},
		{"a file without TLS", `{"type":"file","file":{"file_url":"http://x.test/a.pdf"}}`, "messages[0].content[0]: Anthropic fetches only https"},
		{"a local file", `{"type":"file","file":{"file_url":"file:///etc/passwd"}}`, "messages[0].content[0]: content of type 'file'"},
		{"a text that is none", `{"type":"file","file":{"file_data":"data:text/plain;base64,/w=="}}`, "messages[0].content[0]: the file says that it is text"},
		{"a text that is cut", `{"type":"file","file":{"file_data":"data:text/plain;base64,YWJ"}}`, "messages[0].content[0]: the file says that it is text"},
		{"a text with padding inside", `{"type":"file","file":{"file_data":"data:text/plain;base64,YQ==YQ=="}}`, "messages[0].content[0]: the file says that it is text"},
		{"a text of three paddings", `{"type":"file","file":{"file_data":"data:text/plain;base64,Y==="}}`, "messages[0].content[0]: the file says that it is text"},
		{"a text in another alphabet", `{"type":"file","file":{"file_data":"data:text/plain;base64,éé=="}}`, "messages[0].content[0]: the file says that it is text"},
		{"audio", `{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}`, "messages[0].content[0]: content of type 'input_audio'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Request(t, anthropic.Adapter{}, target, user(tt.part))
			if !got.Failed || !strings.HasPrefix(got.Message, tt.want) {
				t.Errorf("Request(%s) = %s, %q, want a failure %q…", tt.part, got.Output, got.Message, tt.want)
			}
		})
	}
}

// A text is decoded piece by piece, wherever the pieces cut its characters.
func TestLongDocument(t *testing.T) {
	for shift := range 5 {
		text := strings.Repeat("x", shift) + strings.Repeat("zwölf Züge €\U0001F682 ", 9_000)
		got := adaptertest.Request(t, anthropic.Adapter{}, target, user(`{"type":"file","file":{"file_data":"data:text/plain;base64,`+base64.StdEncoding.EncodeToString([]byte(text))+`"}}`))
		var built struct {
			Messages []struct {
				Content []struct{ Source struct{ Data string } }
			}
		}
		if err := json.Unmarshal([]byte(got.Output), &built); err != nil || got.Failed {
			t.Fatalf("Request of a long text = %q, %v", got.Message, err)
		}
		if built.Messages[0].Content[0].Source.Data != text {
			t.Errorf("a text of %d bytes after %d is not the same", len(text), shift)
		}
	}
}
