package logging

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// traceKey is the attribute whose value, heads of a stack trace as Java's, is
// written on lines of its own.
const traceKey = "trace"

func (h *Handler) appendText(b []byte, r slog.Record, logger, context string, attrs []slog.Attr) []byte {
	b = r.Time.AppendFormat(b, timeFormat)
	b = append(b, ' ')
	b = append(b, LevelName(r.Level)...)
	b = append(b, ' ')
	b = append(b, context...)
	b = append(b, oneLine(h.redact(r.Message))...)
	trace := ""
	for _, a := range attrs {
		switch {
		case a.Key == traceKey:
			trace = h.redact(textOf(a.Value))
		case context != "" && (a.Key == "connector" || a.Key == "task"):
		default:
			b = h.appendAttr(b, "", a)
		}
	}
	b = append(b, " ("...)
	b = append(b, logger...)
	b = append(b, ':')
	b = strconv.AppendInt(b, int64(lineOf(r.PC)), 10)
	b = append(b, ')', '\n')
	for line := range strings.Lines(trace) {
		b = append(b, strings.TrimRight(line, "\n")...)
		b = append(b, '\n')
	}
	return b
}

// lineOf returns the line of code that wrote a record.
func lineOf(pc uintptr) int {
	if pc == 0 {
		return 0
	}
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return f.Line
}

func (h *Handler) appendAttr(b []byte, prefix string, a slog.Attr) []byte {
	if a.Equal(slog.Attr{}) {
		return b
	}
	if a.Value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, m := range a.Value.Group() {
			m.Value = m.Value.Resolve()
			b = h.appendAttr(b, prefix, m)
		}
		return b
	}
	b = append(b, ' ')
	b = append(b, prefix...)
	b = append(b, a.Key...)
	b = append(b, '=')
	s := h.redact(textOf(a.Value))
	if plain(s) {
		return append(b, s...)
	}
	return strconv.AppendQuote(b, s)
}

func textOf(v slog.Value) string {
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().Format(timeFormat)
	case slog.KindAny:
		switch x := v.Any().(type) {
		case error:
			return x.Error()
		case fmt.Stringer:
			return x.String()
		case []byte:
			return string(x)
		}
	}
	return v.String()
}

// plain reports whether a value reads well without quotes.
func plain(s string) bool {
	if s == "" {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '=' || r == unicode.ReplacementChar || !unicode.IsPrint(r)
	})
}

// oneLine keeps a message that has line breaks, as Java's about wrong
// configurations have, to one line.
func oneLine(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

func (h *Handler) appendJSON(b []byte, r slog.Record, logger string, attrs []slog.Attr) []byte {
	b = append(b, `{"time":`...)
	b = appendJSONString(b, r.Time.Format(timeFormat))
	b = append(b, `,"level":`...)
	b = appendJSONString(b, LevelName(r.Level))
	b = append(b, `,"logger":`...)
	b = appendJSONString(b, logger)
	b = append(b, `,"message":`...)
	b = appendJSONString(b, h.redact(r.Message))
	for _, a := range attrs {
		b = h.appendJSONAttr(b, "", a)
	}
	return append(b, "}\n"...)
}

func (h *Handler) appendJSONAttr(b []byte, prefix string, a slog.Attr) []byte {
	if a.Equal(slog.Attr{}) {
		return b
	}
	if a.Value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, m := range a.Value.Group() {
			m.Value = m.Value.Resolve()
			b = h.appendJSONAttr(b, prefix, m)
		}
		return b
	}
	b = append(b, ',')
	b = appendJSONString(b, prefix+a.Key)
	b = append(b, ':')
	switch v := a.Value; v.Kind() {
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindDuration:
		return appendJSONString(b, v.Duration().Round(time.Microsecond).String())
	default:
		return appendJSONString(b, h.redact(textOf(v)))
	}
}

func appendJSONString(b []byte, s string) []byte {
	j, _ := json.Marshal(s) // a string has no error
	return append(b, j...)
}
