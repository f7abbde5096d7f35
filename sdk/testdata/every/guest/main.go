// Command guest is package every as a plugin.
package main

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/testdata/every"
)

func init() {
	sdk.ServeAdapter(every.Adapter{})
	sdk.ServeRule(every.Decide)
	sdk.ServeConfigure(every.Configure)
}

func main() {}
