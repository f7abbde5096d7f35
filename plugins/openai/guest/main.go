// Command guest is the OpenAI adapter as a plugin. Its logic is package openai.
package main

import (
	"github.com/pointsman/pointsman/plugins/openai"
	"github.com/pointsman/pointsman/sdk"
)

func init() {
	sdk.ServeAdapter(openai.Adapter{})
	sdk.ServeConfigure(openai.Configure)
}

func main() {}
