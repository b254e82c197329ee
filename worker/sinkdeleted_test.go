package worker

import (
	"slices"
	"testing"
	"time"
)

func TestUnknownTopics(t *testing.T) {
	began := time.Unix(1_000_000, 0)
	at := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
	var u unknownTopics
	for s := range 10 {
		u.note("replaced", at(s))
		u.note("new", at(0))
	}
	u.note("deleted", at(9))
	exists := map[string]bool{"replaced": true, "new": true}
	if got := u.deleted(exists, at(9)); !slices.Equal(got, []string{"deleted"}) {
		t.Errorf("at first %v", got)
	}
	u.note("new", at(11)) // unknown once more, after it was there
	u.note("replaced", at(11))
	if got := u.deleted(exists, at(11)); !slices.Equal(got, []string{"replaced"}) {
		t.Errorf("later %v", got)
	}
	if got := u.deleted(exists, at(21)); got != nil || len(u.topics) != 0 {
		t.Errorf("in the end %v, and still unknown %v", got, u.topics)
	}
}
