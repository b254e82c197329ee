// Package logging writes the log and keeps a level for every logger, by the
// dotted names that log4j has: root, org.apache.kafka.connect.runtime.Worker,
// millwright.opcua. Levels are read and set while the worker runs, as
// /admin/loggers does (KIP-495, KIP-976).
//
// Nothing else has to know it: all of Millwright logs through log/slog, and the
// Handler finds the logger of a line by the code that wrote it.
//
// It is a leaf: it imports the standard library only.
package logging

import (
	"log/slog"
	"math"
	"strings"
)

// The levels of log4j. Those that slog has too are slog's.
const (
	All   = slog.Level(math.MinInt32)
	Trace = slog.Level(-8)
	Debug = slog.LevelDebug
	Info  = slog.LevelInfo
	Warn  = slog.LevelWarn
	Error = slog.LevelError
	Fatal = slog.Level(12)
	Off   = slog.Level(math.MaxInt32)
)

var levels = []struct {
	name  string
	level slog.Level
}{{"ALL", All}, {"TRACE", Trace}, {"DEBUG", Debug}, {"INFO", Info}, {"WARN", Warn}, {"ERROR", Error}, {"FATAL", Fatal}, {"OFF", Off}}

// ParseLevel reads a level's name in any case; false: there is no such level.
func ParseLevel(name string) (slog.Level, bool) {
	for _, l := range levels {
		if strings.EqualFold(l.name, name) {
			return l.level, true
		}
	}
	return 0, false
}

// LevelName returns a level's name; a level between two has the lower's name.
func LevelName(level slog.Level) string {
	name := levels[0].name
	for _, l := range levels {
		if level >= l.level {
			name = l.name
		}
	}
	return name
}
