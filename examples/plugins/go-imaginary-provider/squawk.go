package main

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Error turns {"squawk":{"kind","note","rest_ms"}} into OpenAI's error. What stands before a
// provider answers too, with a page of its own: then the status tells the class.
func (parrot) Error() sdk.Result {
	squawk := sdk.Response().Get("squawk")
	class := classOf(squawk)
	sdk.Classify(class, squawk.Get("rest_ms").Int())
	sdk.Emit(`{"error":{"message":`)
	if note := squawk.Get("note"); note.Len() > 0 {
		sdk.EmitNode(note)
	} else {
		sdk.Emit(`"the parrot did not say why"`)
	}
	sdk.Emit(`,"type":"` + names[class] + `","param":null,"code":null}}`)
	return sdk.OK
}

// squawked ends a stream that breaks off.
func squawked(squawk sdk.Node) sdk.Result {
	sdk.Classify(classOf(squawk), squawk.Get("rest_ms").Int())
	return sdk.Fail(502, squawk.Get("note").Text())
}

func classOf(squawk sdk.Node) abi.Class {
	kind := squawk.Get("kind")
	switch status := sdk.Status(); {
	case kind.Equal("stranger"), status == 401:
		return abi.ClassAuth
	case kind.Equal("unknown_voice"), status == 404:
		return abi.ClassNotFound
	case kind.Equal("tired"), status == 429:
		return abi.ClassRateLimited
	case kind.Equal("too_long"):
		return abi.ClassContextLength
	case kind.Equal("rude"):
		return abi.ClassContentFilter
	case status >= 400 && status < 500:
		return abi.ClassInvalid
	}
	return abi.ClassServer
}

var names = map[abi.Class]string{
	abi.ClassAuth: "authentication_error", abi.ClassNotFound: "not_found_error", abi.ClassRateLimited: "rate_limit_error",
	abi.ClassContextLength: "invalid_request_error", abi.ClassContentFilter: "invalid_request_error",
	abi.ClassInvalid: "invalid_request_error", abi.ClassServer: "server_error",
}
