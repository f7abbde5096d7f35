package abi

// Operations, the "operation" member of the call document. A provider guest that has no
// way to do one refuses it with fail(CodeUnsupported, …) in EntryRequest.
const (
	// OperationChat: canonical chat body → chat.completion, or chunks when it streams.
	OperationChat = "chat"
	// OperationEmbeddings: OpenAI's embeddings body (input, dimensions, encoding_format, user)
	// → OpenAI's list of embeddings with usage.
	OperationEmbeddings = "embeddings"
	// OperationCountTokens: canonical chat body → {"input_tokens": n}.
	OperationCountTokens = "count_tokens"
	// OperationList: no request document → {"object":"list","data":[{"id":…}]}, the provider's models.
	OperationList = "list"
)

// CodeUnsupported is the code of fail for an operation that the provider does not have.
const CodeUnsupported int32 = 501
