package transforms

import "testing"

func TestFilterDropsEverything(t *testing.T) {
	r := plantRecord()
	if keep, err := open(t, "Filter", nil).Apply(&r); keep || err != nil {
		t.Errorf("keep %v, %v", keep, err)
	}
}
