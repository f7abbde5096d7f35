package engine

import (
	"fmt"
	"testing"
)

// Lots are fair, and depend on every text and on where each ends.
func TestDraw(t *testing.T) { // alone, as it counts allocations
	if a := Draw("a", "b"); a != Draw("a", "b") || a == Draw("ab") || a == Draw("ab", "") || a == Draw("b", "a") {
		t.Errorf("Draw(a, b) = %d, want always that, and another one for ab or b, a", a)
	}
	var tenths [10]int
	for i := range 20_000 {
		tenths[DrawShare("salt", fmt.Sprintf("0199b8a2-2f3c-7000-8000-%012d", i))/(WholeShare/10)]++
	}
	for i, n := range tenths {
		if n < 1_800 || n > 2_200 {
			t.Errorf("DrawShare() is in tenth %d for %d of 20,000 ids, want about 2,000", i, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { DrawShare("salt", "id") }); n != 0 {
		t.Errorf("DrawShare() allocates %v times, want 0", n)
	}
}
