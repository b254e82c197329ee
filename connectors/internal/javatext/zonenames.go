package javatext

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zone names mean the same on every host
)

// zoneTable lists the zones that a JVM finds by an English name, in the order
// in which it looks: zone, standard name and abbreviation, daylight name and
// abbreviation, minutes that the zone saves now. The names are those of CLDR.
//
//go:embed zonenames.txt
var zoneTable string

type namedZone struct {
	names  [4]string // standard, its abbreviation, daylight, its abbreviation
	saving int64     // milliseconds
	id     string
	loc    *time.Location // nil: UTC
}

var namedZones = sync.OnceValue(func() []namedZone {
	var zones []namedZone
	for line := range strings.Lines(zoneTable) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		minutes, err := strconv.ParseInt(f[5], 10, 64)
		if err != nil {
			panic("javatext: zonenames.txt: " + line)
		}
		z := namedZone{names: [4]string(f[1:5]), saving: minutes * 60000, id: f[0]}
		if z.id != "UTC" {
			if z.loc, err = time.LoadLocation(z.id); err != nil {
				panic("javatext: zonenames.txt: " + err.Error())
			}
		}
		zones = append(zones, z)
	}
	return zones
})

// zoneNamed returns the zone whose name the text begins with, and which of its
// names that is; nil if there is none.
func zoneNamed(text string) (z *namedZone, index int) {
	zones := namedZones()
	for i := range zones {
		for n, s := range zones[i].names {
			if len(text) >= len(s) && strings.EqualFold(text[:len(s)], s) {
				return &zones[i], n
			}
		}
	}
	return nil, 0
}

// zoneName returns the zone's English name at that moment.
func (m *moment) zoneName(long bool) string {
	zones := namedZones()
	for i := range zones {
		if z := &zones[i]; z.id == m.zone {
			n := 0
			if m.dst != 0 {
				n = 2
			}
			if !long {
				n++
			}
			return z.names[n]
		}
	}
	return m.abbreviation
}
