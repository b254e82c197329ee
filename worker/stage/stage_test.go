package stage

import (
	"regexp"
	"testing"
)

func TestSummary(t *testing.T) {
	ctx, n := With(t.Context())
	expect := func(pattern string) {
		t.Helper()
		if got := n.Summary(); !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
			t.Errorf("%q does not match %q", got, pattern)
		}
	}
	const at = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
	expect("")
	first := Enter(ctx, "writing %s", "x")
	expect("The worker is currently writing x, which began at " + at)
	second := Enter(ctx, "reading")
	first() // of a stage that is over already
	expect("The worker is currently reading, which began at " + at)
	second()
	expect("The last operation the worker completed was reading, which began at " + at + " and completed at " + at)
	Enter(t.Context(), "nothing that anybody looks at")()
}
