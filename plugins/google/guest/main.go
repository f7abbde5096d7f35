// Command guest is the Gemini adapter as a plugin. Its logic is package google.
package main

import (
	"github.com/pointsman/pointsman/plugins/google"
	"github.com/pointsman/pointsman/sdk"
)

func init() { sdk.ServeAdapter(google.Adapter{}) }

func main() {}
