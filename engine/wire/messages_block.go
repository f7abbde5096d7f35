package wire

import (
	"strings"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// content writes the blocks of the allowed types as content: one plain text as a
// string, everything else as parts. Blocks of the types elsewhere, which have another place
// in the message, are passed over.
func (w *chatWriter) content(content document.Node, allowed, elsewhere string) *Error {
	switch content.Kind() {
	case abi.KindString:
		w.raw(content.Raw())
		return nil
	case abi.KindArray:
	default:
		return wrong("must be a string or an array of blocks, not " + document.KindName(content.Kind()))
	}
	if text := plain(content, elsewhere); text.Exists() {
		w.raw(text.Raw())
		return nil
	}
	w.emit(`[`)
	for i, block := range content.Elements() {
		if listed(elsewhere, block.Get("type").Text()) {
			continue
		}
		if e := w.part(block, allowed); e != nil {
			return e.Item(i)
		}
	}
	w.emit(`]`)
	return nil
}

// plain returns the text when it is all that the content has, and nothing is said of it.
func plain(content document.Node, elsewhere string) (text document.Node) {
	for _, block := range content.Elements() {
		if listed(elsewhere, block.Get("type").Text()) {
			continue
		}
		n := block.Get("text")
		if text.Exists() || block.Len() != 2 || n.Kind() != abi.KindString || !is(block.Get("type"), "text") {
			return document.Node{}
		}
		text = n
	}
	return text
}

func (w *chatWriter) part(block document.Node, allowed string) *Error {
	if e := block.Want(abi.KindObject); e != nil {
		return e
	}
	kind := block.Get("type")
	if e := kind.Want(abi.KindString); e != nil {
		return e.Under("type")
	}
	name := kind.Text()
	if !listed(allowed, name) {
		if e := w.only("must be one of " + allowed + ": a block of type '" + clip(name) + "' cannot be carried here"); e != nil {
			return e.Under("type")
		}
		w.blank()
		return nil
	}
	switch name {
	case "image":
		return w.image(block)
	case "document":
		return w.document(block)
	}
	text := block.Get("text")
	if e := text.Want(abi.KindString); e != nil {
		return e.Under("text")
	}
	w.lossy.rest(block, "messages[].content[].", "type", "text", "cache_control")
	w.text(text, block.Get("cache_control"))
	return nil
}

// blank writes a part that says nothing, in the place of one that cannot be said.
func (w *chatWriter) blank() {
	w.next()
	w.emit(`{"type":"text","text":""}`)
}

func (w *chatWriter) text(text, mark document.Node) {
	w.next()
	w.emit(`{"type":"text","text":`)
	w.raw(text.Raw())
	w.member("cache_control", mark)
	w.emit(`}`)
}

// image writes an image as an image_url part: its address, or a data URL.
func (w *chatWriter) image(block document.Node) *Error {
	source := block.Get("source")
	if e := source.Want(abi.KindObject); e != nil {
		return e.Under("source")
	}
	w.lossy.rest(block, "messages[].content[].", "type", "source", "cache_control")
	if kind := source.Get("type"); kind.Kind() == abi.KindString && !is(kind, "base64") && !is(kind, "url") {
		return w.notPortable(kind, "'base64', 'url'")
	}
	w.next()
	w.emit(`{"type":"image_url","image_url":{"url":`)
	switch kind := source.Get("type"); {
	case is(kind, "base64"):
		if !strings.HasPrefix(source.Get("media_type").Text(), "image/") {
			return wrong("must be an image type such as 'image/png'").Under("media_type").Under("source")
		}
		if e := w.dataURL(source); e != nil {
			return e.Under("source")
		}
	case is(kind, "url"):
		url := source.Get("url")
		if e := url.Want(abi.KindString); e != nil {
			return e.Under("url").Under("source")
		}
		if url.Len() == 0 {
			return wrong("must not be empty").Under("url").Under("source")
		}
		w.raw(url.Raw())
	default:
		return kind.Want(abi.KindString).Under("type").Under("source")
	}
	w.emit(`}`)
	w.member("cache_control", block.Get("cache_control"))
	w.emit(`}`)
	return nil
}

// dataURL writes a base64 source (RFC 2397).
func (w *chatWriter) dataURL(source document.Node) *Error {
	media, data := source.Get("media_type"), source.Get("data")
	if e := media.Want(abi.KindString); e != nil {
		return e.Under("media_type")
	}
	if e := data.Want(abi.KindString); e != nil {
		return e.Under("data")
	}
	w.emit(`"data:`)
	w.raw(inner(media))
	w.emit(`;base64,`)
	w.raw(inner(data))
	w.emit(`"`)
	return nil
}

// document writes a document: bytes as a file part, text as text.
func (w *chatWriter) document(block document.Node) *Error {
	source, mark, title := block.Get("source"), block.Get("cache_control"), block.Get("title")
	if e := source.Want(abi.KindObject); e != nil {
		return e.Under("source")
	}
	if given(title) {
		if e := title.Want(abi.KindString); e != nil {
			return e.Under("title")
		}
	}
	known := []string{"type", "source", "cache_control", "citations", "title"}
	if block.Get("citations").Get("enabled").Bool() {
		known[3] = ""
	}
	kind := source.Get("type")
	if !is(kind, "base64") && !is(kind, "url") {
		known[4] = ""
	}
	w.lossy.rest(block, "messages[].content[].", known...)
	switch {
	case is(kind, "base64"):
		w.next()
		w.emit(`{"type":"file","file":{"filename":`)
		if title.Len() > 0 {
			w.raw(title.Raw())
		} else {
			w.emit(`"document.pdf"`)
		}
		w.emit(`,"file_data":`)
		if e := w.dataURL(source); e != nil {
			return e.Under("source")
		}
		w.emit(`}`)
		w.member("cache_control", mark)
		w.emit(`}`)
		return nil
	case is(kind, "url"):
		url := source.Get("url")
		if e := url.Want(abi.KindString); e != nil {
			return e.Under("url").Under("source")
		}
		if url.Len() == 0 {
			return wrong("must not be empty").Under("url").Under("source")
		}
		w.next()
		w.emit(`{"type":"file","file":{`)
		if title.Len() > 0 {
			w.emit(`"filename":`)
			w.raw(title.Raw())
			w.emit(`,`)
		}
		w.emit(`"file_url":`)
		w.raw(url.Raw())
		w.emit(`}`)
		w.member("cache_control", mark)
		w.emit(`}`)
		return nil
	case is(kind, "text"):
		data := source.Get("data")
		if e := data.Want(abi.KindString); e != nil {
			return e.Under("data").Under("source")
		}
		w.text(data, mark)
		return nil
	case is(kind, "content"):
		return w.nested(source.Get("content"), mark).Under("content").Under("source")
	}
	if e := kind.Want(abi.KindString); e != nil {
		return e.Under("type").Under("source")
	}
	return w.notPortable(kind, "'base64', 'url', 'text', 'content'")
}

// nested writes the content of a document that is made of blocks.
func (w *chatWriter) nested(content, mark document.Node) *Error {
	switch content.Kind() {
	case abi.KindString:
		w.text(content, mark)
		return nil
	case abi.KindArray:
	default:
		return wrong("must be a string or an array of blocks, not " + document.KindName(content.Kind()))
	}
	if content.Len() == 0 {
		return wrong("must hold at least one block")
	}
	if given(mark) {
		w.lossy.add("messages[].content[].cache_control")
	}
	for i, block := range content.Elements() {
		if e := w.part(block, "text, image"); e != nil {
			return e.Item(i)
		}
	}
	return nil
}

// notPortable is a source that only Anthropic could resolve.
func (w *chatWriter) notPortable(kind document.Node, allowed string) *Error {
	if e := w.only("must be one of " + allowed + ": a source of type '" + clip(kind.Text()) + "' cannot be carried"); e != nil {
		return e.Under("type").Under("source")
	}
	w.blank()
	return nil
}

// listed reports whether name is among the comma-separated names.
func listed(names, name string) bool {
	if name == "" {
		return false
	}
	for s := range strings.SplitSeq(names, ", ") {
		if s == name {
			return true
		}
	}
	return false
}

// clip bounds what a message repeats of a body.
func clip(s string) string {
	if len(s) > 64 {
		s = strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
