package abi

// Function is one host function of Module: its name and its exact wasm type.
// Types are written as in the text format, one letter a value:
// i = i32, I = i64, F = f64. Result is empty or one letter.
type Function struct {
	Name   string
	Params string
	Result string
}

// Functions lists every import a guest may use, in the order of the boundary's
// description. A guest that imports any other name is refused at upload.
// The slice is a copy; the order is the host function's index.
func Functions() []Function {
	return append([]Function(nil), functions[:]...)
}

var functions = [...]Function{
	// documents
	{"doc", "i", "i"}, {"parse", "i", "i"},
	{"find", "iii", "i"}, {"slice", "iii", "i"},
	{"pointer", "iii", "i"}, {"get", "iii", "i"}, {"at", "ii", "i"}, {"key", "iiii", "i"},
	{"size", "i", "i"}, {"kind", "i", "i"},
	{"bool", "i", "i"}, {"int", "i", "I"}, {"num", "i", "F"},
	{"text", "iii", "i"}, {"raw", "iii", "i"},
	{"equal", "iii", "i"}, {"mentions", "iii", "i"},
	// output
	{"emit", "ii", ""}, {"emit_node", "i", ""}, {"emit_members", "iii", ""}, {"emit_key", "ii", ""},
	{"emit_string", "ii", ""}, {"emit_int", "I", ""}, {"emit_inner", "i", ""}, {"emit_text", "ii", ""},
	{"emit_quoted", "i", ""}, {"flush", "", ""},
	{"state_load", "ii", "i"}, {"state_save", "ii", ""},
	// provider exchange
	{"http_method", "ii", ""}, {"http_path", "ii", ""}, {"http_header", "iiii", ""},
	{"event_name", "ii", "i"}, {"http_status", "", "i"}, {"http_field", "iiii", "i"},
	// rule verdict
	{"target", "ii", ""}, {"target_node", "i", ""}, {"reason", "ii", ""}, {"tag", "iiii", ""},
	{"param", "iiii", ""}, {"hash", "i", "I"},
	// outcome
	{"lossy", "ii", ""}, {"classify", "iI", ""}, {"fail", "iii", ""}, {"log", "iii", ""},
	{"now_ms", "", "I"}, {"random", "", "I"},
}
