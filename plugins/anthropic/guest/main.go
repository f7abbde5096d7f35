// Command guest is the Anthropic adapter as a plugin. Its logic is package anthropic.
package main

import (
	"github.com/pointsman/pointsman/plugins/anthropic"
	"github.com/pointsman/pointsman/sdk"
)

func init() { sdk.ServeAdapter(anthropic.Adapter{}) }

func main() {}
