package data

import "fmt"

// Java's names of the exceptions that the data model raises. Users see them at
// the head of a task's trace, and tools read them there.
const (
	DataException            = "org.apache.kafka.connect.errors.DataException"
	SchemaBuilderException   = "org.apache.kafka.connect.errors.SchemaBuilderException"
	SchemaProjectorException = "org.apache.kafka.connect.errors.SchemaProjectorException"
)

// An Error is an error that carries the name of the Java exception which
// Apache Connect would raise in its place.
type Error struct {
	Class   string // full Java class name
	Message string
	Cause   error // may be nil
}

// Error returns the message alone; connect.Trace renders class and causes.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Errorf makes an Error; an argument of %w becomes its cause.
func Errorf(class, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	e := &Error{Class: class, Message: err.Error()}
	if u, ok := err.(interface{ Unwrap() error }); ok {
		e.Cause = u.Unwrap()
	}
	return e
}

// Fail makes an Error of class DataException.
func Fail(format string, args ...any) *Error { return Errorf(DataException, format, args...) }
