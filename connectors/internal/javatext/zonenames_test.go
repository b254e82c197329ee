package javatext

import "testing"

func TestEveryZoneIsFound(t *testing.T) {
	for _, z := range namedZones() {
		for _, name := range z.names {
			if found, _ := zoneNamed(name + " and more"); found == nil {
				t.Errorf("%s: %q is not found", z.id, name)
			}
		}
	}
	if z, _ := zoneNamed("XYZ"); z != nil {
		t.Errorf("XYZ is %s", z.id)
	}
}
