package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxLooked bounds the messages and parts that are looked at for what is stored.
const maxLooked = 8 << 10

// namesStored reports whether the request names what only the API keeps: a file, a
// video or a cache. Not being allowed to use that is the caller's mistake; taken for a
// refused key it would let any caller put the key out of use.
func namesStored() bool {
	request := sdk.Request()
	if chat.IsText(request.Get("extra_body").Get("google").Get("cached_content")) {
		return true
	}
	messages, left := request.Get("messages"), maxLooked
	for i := range messages.Len() {
		content := messages.At(i).Get("content")
		left--
		if content.Kind() == abi.KindArray {
			for j := range min(content.Len(), max(left, 0)) {
				left--
				if isStored(content.At(j)) {
					return true
				}
			}
		}
		if left <= 0 {
			return false
		}
	}
	return false
}

// isStored reports whether a part names its bytes instead of holding them.
func isStored(part sdk.Node) bool {
	if file := part.Get("file"); file != 0 {
		return file.Get("file_data") == 0
	}
	url := part.Get("image_url").Get("url")
	return url != 0 && !url.Slice(0, len("data:")).Equal("data:")
}
