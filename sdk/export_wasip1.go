//go:build wasip1

package sdk

import "github.com/pointsman/pointsman/sdk/abi"

// The entry points. Every guest exports all of them, because Go exports by package;
// one that the plugin did not register answers "broken", and the host asks
// only for those of the manifest's kind.

//go:wasmexport pm_configure_v1
func exportConfigure() int32 {
	if served.configure == nil {
		return int32(OK)
	}
	return int32(served.configure())
}

//go:wasmexport pm_decide_v1
func exportDecide() int32 {
	if served.decide == nil {
		return abi.Broken
	}
	return int32(served.decide())
}

//go:wasmexport pm_request_v1
func exportRequest() int32 {
	if served.adapter == nil {
		return abi.Broken
	}
	return int32(served.adapter.Request())
}

//go:wasmexport pm_response_v1
func exportResponse() int32 {
	if served.adapter == nil {
		return abi.Broken
	}
	return int32(served.adapter.Response())
}

//go:wasmexport pm_event_v1
func exportEvent() int32 {
	if served.adapter == nil {
		return abi.Broken
	}
	return int32(served.adapter.Event())
}

//go:wasmexport pm_error_v1
func exportError() int32 {
	if served.adapter == nil {
		return abi.Broken
	}
	return int32(served.adapter.Error())
}
