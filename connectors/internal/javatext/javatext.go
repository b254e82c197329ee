// Package javatext speaks the text dialects of the Java class library that
// users of Connect write into their configurations: java.text.SimpleDateFormat
// and java.util.regex, as they behave in an en_US JVM whose zone is UTC. It is
// for plugins only and imports the standard library and the regexp2 engine.
package javatext

// An Error is the exception that Java would raise over a pattern or text.
type Error struct {
	Class   string // full Java class name
	Message string
}

// Error returns the message alone.
func (e *Error) Error() string { return e.Message }

const (
	illegalArgument = "java.lang.IllegalArgumentException"
	parseException  = "java.text.ParseException"
	outOfBounds     = "java.lang.IndexOutOfBoundsException"
	patternSyntax   = "java.util.regex.PatternSyntaxException"
)
