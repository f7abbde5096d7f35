package google

import (
	"unicode/utf8"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// annotation is a source that an answer rests on, found by a search.
type annotation struct {
	url, title sdk.Node
	start, end int // code points of the content; both 0 where it is not known
}

const (
	maxAnnotations = 256
	maxCited       = 1 << 20 // bytes of content that positions are looked for in
)

// annotationsOf returns a candidate's sources (GroundingMetadata), by the place in
// the content that each supports. content is its texts, in order; of a stream, whose
// texts are gone by then, nil: its sources have no places. Sources that support
// nothing, and those that are no web pages, are left out.
func annotationsOf(candidate sdk.Node, content []sdk.Node) (cited []annotation) {
	grounding := candidate.Get("groundingMetadata")
	if grounding == 0 {
		return nil
	}
	chunks, supports := grounding.Get("groundingChunks"), grounding.Get("groundingSupports")
	if content == nil {
		for i := range min(chunks.Len(), maxAnnotations) {
			if web := chunks.At(i).Get("web"); chat.IsText(web.Get("uri")) {
				cited = append(cited, annotation{url: web.Get("uri"), title: web.Get("title")})
			}
		}
		return cited
	}
	var text []byte
	parts := partsOf(candidate)
	for i := range min(supports.Len(), maxAnnotations) {
		segment, sources := supports.At(i).Get("segment"), supports.At(i).Get("groundingChunkIndices")
		at := place{part: segment.Get("partIndex").Int(), start: segment.Get("startIndex").Int(), end: segment.Get("endIndex").Int()}
		if text == nil {
			text = joined(content)
		}
		start, end := at.in(text, parts)
		for j := range min(sources.Len(), 8) {
			index := sources.At(j).Int()
			if index < 0 || index >= maxAnnotations || len(cited) >= maxAnnotations {
				continue
			}
			if web := chunks.At(int(index)).Get("web"); chat.IsText(web.Get("uri")) {
				cited = append(cited, annotation{web.Get("uri"), web.Get("title"), start, end})
			}
		}
	}
	return cited
}

// joined returns the content as text, at most maxCited bytes of it.
func joined(content []sdk.Node) []byte {
	text := make([]byte, 0, 4<<10)
	for _, n := range content {
		if n.Len() > maxCited-len(text) {
			break
		}
		text = n.AppendText(text)
	}
	return text
}

// place is where a support stands: bytes of the text of a part.
type place struct{ part, start, end int64 }

// in returns the place in code points of the text that the parts' texts make.
func (p place) in(text []byte, parts sdk.Node) (start, end int) {
	offset := int64(0)
	for i := range int(min(max(p.part, 0), 64)) {
		if t, thought, _ := read(parts.At(i)); !thought {
			offset += int64(t.Len())
		}
	}
	from, to := offset+p.start, offset+p.end
	if p.start < 0 || p.end < p.start || to > int64(len(text)) {
		return 0, 0
	}
	start = utf8.RuneCount(text[:from])
	return start, start + utf8.RuneCount(text[from:to])
}

// searches is how often the provider has searched for a candidate.
func searches(candidate sdk.Node) int64 {
	grounding := candidate.Get("groundingMetadata")
	if grounding == 0 {
		return 0
	}
	return int64(min(grounding.Get("webSearchQueries").Len(), 64))
}

// writeAnnotations writes the member of a message, or of a delta, that names sources.
func writeAnnotations(w *chat.Writer, cited []annotation) {
	w.Emit(`"annotations":[`)
	for i, a := range cited {
		if i > 0 {
			w.Emit(`,`)
		}
		w.Emit(`{"type":"url_citation","url_citation":{"url":`)
		w.Node(a.url)
		w.Emit(`,"title":`)
		if chat.IsText(a.title) {
			w.Node(a.title)
		} else {
			w.Emit(`""`)
		}
		w.Emit(`,"start_index":`)
		w.Int(int64(a.start))
		w.Emit(`,"end_index":`)
		w.Int(int64(a.end))
		w.Emit(`}}`)
	}
	w.Emit(`]`)
}
