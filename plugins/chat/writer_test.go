package chat_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// The short way of Int writes what strconv writes, on both sides of where it ends, and
// where the writer's buffer is nearly full.
func TestWriterInt(t *testing.T) {
	values := []int64{0, 9, 10, 99, 100, 1_760_000_001, math.MaxUint32, math.MaxUint32 + 1, -1, math.MinInt64, math.MaxInt64}
	for power := int64(1); power < 1e18; power *= 10 {
		values = append(values, power-1, power, power+1)
	}
	for _, before := range []int{0, 4<<10 - 9, 4 << 10} {
		for _, v := range values {
			head := strings.Repeat("x", before)
			f := sdktest.Call(t, document.FrameInput{Kind: abi.KindProvider, Entry: abi.EntryRequest}, func() {
				w := chat.NewWriter()
				w.Emit(head)
				w.Int(v)
				w.End()
			})
			if got, want := string(f.Output()), head+strconv.FormatInt(v, 10); got != want {
				t.Errorf("Int(%d) after %d bytes = %q, want %q", v, before, got[before:], want[before:])
			}
		}
	}
}

func TestShortTexts(t *testing.T) {
	tests := []struct {
		name, json    string
		wantText      bool
		wantBlank     bool
		wantBeginning string // of 8 bytes
	}{
		{"a text", `"Lyon"`, true, false, "Lyon"},
		{"a long one", `"from Lyon to Paris"`, true, false, "from Lyo"},
		{"cut before a character", `"1234567é"`, true, false, "1234567"},
		{"blanks", `" \t\r\n"`, true, true, " \t\r\n"},
		{"blanks beyond ASCII", `" \u00a0\u2003"`, true, true, " \u00a0\u2003"},
		{"a letter behind them", `"\u00a0x"`, true, false, "\u00a0x"},
		{"blanks, too many to look at", `"` + strings.Repeat(" ", 257) + `"`, true, false, "        "},
		{"empty", `""`, false, true, ""},
		{"no text", `["Lyon"]`, false, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sdktest.Call(t, document.FrameInput{
				Kind: abi.KindProvider, Entry: abi.EntryRequest, Request: sdktest.JSON(t, `{"v":`+tt.json+`}`),
			}, func() {
				n := sdk.Request().Get("v")
				if got := chat.IsText(n); got != tt.wantText {
					t.Errorf("IsText(%s) = %v, want %v", tt.json, got, tt.wantText)
				}
				if got := chat.Blank(n); got != tt.wantBlank {
					t.Errorf("Blank(%s) = %v, want %v", tt.json, got, tt.wantBlank)
				}
				if got := string(chat.Beginning(n, make([]byte, 8))); got != tt.wantBeginning {
					t.Errorf("Beginning(%s) = %q, want %q", tt.json, got, tt.wantBeginning)
				}
			})
		})
	}
}
