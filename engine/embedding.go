package engine

import (
	"math"
	"strconv"
	"strings"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Bounds of an embeddings body, beside those of the document (document.Limits).
const (
	MaxEmbeddingInputs     = 2048
	maxEmbeddingDimensions = 1 << 16
)

// ParseEmbeddings reads an embeddings body into a document and validates it with
// CheckEmbeddings. It keeps b, which must not change afterwards.
// Errors: as ParseChat's.
func ParseEmbeddings(b []byte) (*document.Doc, error) {
	doc, err := document.Parse(b, document.Limits{})
	if err != nil {
		return nil, jsonError(err)
	}
	if err := CheckEmbeddings(doc); err != nil {
		doc.Release()
		return nil, err
	}
	return doc, nil
}

// CheckEmbeddings validates the body of an embeddings request as OpenAI's API reference
// has it (CreateEmbeddingRequest, specification of 2026-08-21). Members that it does
// not know are left alone; null counts as absent.
// Errors: *Error with CodeInvalid, Param naming the member as "input[3]".
func CheckEmbeddings(doc *document.Doc) error {
	if f := checkEmbeddings(doc.Root()); f != nil {
		return &Error{Code: CodeInvalid, Param: f.Param, Message: f.Error()}
	}
	return nil
}

func checkEmbeddings(root document.Node) *fault {
	if root.Kind() != abi.KindObject {
		return &fault{Why: "The request body must be a JSON object, not " + document.KindName(root.Kind()) + "."}
	}
	if f := checkModel(root.Get("model")); f != nil {
		return f.Under("model")
	}
	if f := checkInput(root.Get("input")); f != nil {
		return f.Under("input")
	}
	for name, n := range root.Members() {
		if n.Kind() == abi.KindNull {
			continue
		}
		var f *fault
		switch name {
		case "dimensions":
			f = integer(n, 1, maxEmbeddingDimensions)
		case "encoding_format":
			f = oneOf(n, "'float', 'base64'")
		case "user":
			f = requireString(n)
		case "metadata":
			f = checkMetadata(n)
		}
		if f != nil {
			return f.Under(name)
		}
	}
	return nil
}

// checkInput: a text, a list of texts, the token numbers of a text, or a list of those.
func checkInput(n document.Node) *fault {
	switch n.Kind() {
	case abi.KindString:
		return notEmpty(n)
	case abi.KindArray:
	default:
		if !given(n) {
			return wrong("is required and must be a string or an array")
		}
		return wrong("must be a string or an array, not " + document.KindName(n.Kind()))
	}
	if n.Len() == 0 {
		return wrong("must not be empty")
	}
	kind := n.At(0).Kind()
	if kind == abi.KindNumber {
		return checkTokenNumbers(n)
	}
	if n.Len() > MaxEmbeddingInputs {
		return wrong("must hold at most " + strconv.Itoa(MaxEmbeddingInputs) + " inputs")
	}
	for i, e := range n.Elements() {
		f := e.Want(kind)
		if f == nil {
			switch kind {
			case abi.KindString:
				f = notEmpty(e)
			case abi.KindArray:
				f = checkTokenNumbers(e)
			default:
				f = wrong("must be a string, a token number or an array of them, not " + document.KindName(kind))
			}
		}
		if f != nil {
			return f.Item(i)
		}
	}
	return nil
}

func checkTokenNumbers(n document.Node) *fault {
	if n.Len() == 0 {
		return wrong("must not be empty")
	}
	return checkEach(n, func(e document.Node) *fault { return integer(e, 0, math.MaxInt32) })
}

func notEmpty(n document.Node) *fault {
	if n.Len() == 0 {
		return wrong("must not be empty")
	}
	return nil
}

// embeddingFeatures are those of an embeddings body: there is no turn to look at, and no
// rule to look at it. A token number is one token.
func embeddingFeatures(doc *document.Doc, h Hints) Features {
	root := doc.Root()
	f := Features{Model: root.Get("model").Text(), TaskType: h.TaskType, TimeSensitive: h.TimeSensitive}
	input := root.Get("input")
	add := func(n document.Node) {
		if n.Kind() == abi.KindArray {
			f.Tokens += int64(n.Len())
			return
		}
		f.Tokens += estimateTokens(textBytes(n))
	}
	if input.Kind() == abi.KindString || input.At(0).Kind() == abi.KindNumber {
		add(input)
		return f
	}
	for _, n := range input.Elements() {
		add(n)
	}
	return f
}

// embeddingInputs is how many vectors are asked for.
func embeddingInputs(root document.Node) int {
	input := root.Get("input")
	if input.Kind() != abi.KindArray || input.At(0).Kind() == abi.KindNumber {
		return 1
	}
	return input.Len()
}

// pinEmbedding is the decision for embeddings: the model that the caller named, and no
// other. See RATIONALE.md, "Why is auto no model for embeddings?".
func pinEmbedding(r *Request, c *Catalogue) (Decision, error) {
	d := Decision{Source: SourcePinned, Only: true}
	account := r.Principal.AccountID
	if r.Model == ModelAuto {
		e := Errorf(CodeInvalid, "Embeddings need a model by name: vectors of different models cannot be compared.%s", embeddingModels(r, c))
		e.Param = "model"
		return d, e
	}
	m, _, ok := pinned(c, account, r.Model)
	if !ok {
		return d, r.unknownModel(c, r.Model, "model")
	}
	if !r.Policy.Allows(m.ID) {
		return d, notAllowed(m.ID)
	}
	if !m.Has(CapEmbeddings) {
		e := Errorf(CodeInvalid, "The model '%s' does not make embeddings.%s", m.ID, embeddingModels(r, c))
		e.Param = "model"
		return d, e
	}
	d.Models = []string{m.ID}
	return d, nil
}

// embeddingModels is a sentence that lists them; "" when there is none.
func embeddingModels(r *Request, c *Catalogue) string {
	var ids []string
	for _, m := range c.Models(r.Principal.AccountID) {
		if _, _, served := m.At(r.Received); served && m.Enabled && m.Has(CapEmbeddings) && r.Policy.Allows(m.ID) && len(ids) < 16 {
			ids = append(ids, m.ID)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return " Models that make them: " + strings.Join(ids, ", ") + "."
}

// featuresOf reads what the request's operation has of features.
func featuresOf(r *Request) Features {
	if r.operation() == abi.OperationEmbeddings {
		return embeddingFeatures(r.Doc, r.Hints)
	}
	return ExtractFeatures(r.Doc, r.Hints)
}

// lacksOperation says what the model would need to serve the request; "" when it can. A
// model that makes embeddings does nothing else.
func lacksOperation(r *Request, m *Model) string {
	switch embeds, asked := m.Has(CapEmbeddings), r.operation() == abi.OperationEmbeddings; {
	case asked && !embeds:
		return string(CapEmbeddings)
	case embeds && !asked:
		return "chat"
	}
	return ""
}
