package connect

import (
	"errors"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/data"
)

// An Error carries the name of the Java exception that stands for it.
type Error = data.Error

// Java's names of the exceptions that plugins raise.
const (
	DataException      = data.DataException
	ConnectException   = "org.apache.kafka.connect.errors.ConnectException"
	RetriableException = "org.apache.kafka.connect.errors.RetriableException"
	NotFoundException  = "org.apache.kafka.connect.errors.NotFoundException"
	ConfigException    = "org.apache.kafka.common.config.ConfigException"
)

// Errorf makes an Error of any class.
func Errorf(class, format string, args ...any) *Error { return data.Errorf(class, format, args...) }

// Failf makes an Error of class ConnectException: the task or connector fails.
func Failf(format string, args ...any) *Error { return data.Errorf(ConnectException, format, args...) }

// ConfigErrorf makes an Error of class ConfigException: a property is wrong.
func ConfigErrorf(format string, args ...any) *Error {
	return data.Errorf(ConfigException, format, args...)
}

// DataErrorf makes an Error of class DataException: a record is wrong.
func DataErrorf(format string, args ...any) *Error { return data.Fail(format, args...) }

// Retry marks an error after which the same call is made again, at the
// earliest after the given time; 0 leaves the time to the worker.
func Retry(err error, after time.Duration) error { return &retry{err, after} }

type retry struct {
	error
	after time.Duration
}

func (e *retry) Unwrap() error { return e.error }

// RetryAfter reports whether err asks for another try, and when. An Error of
// class RetriableException asks for one too.
func RetryAfter(err error) (time.Duration, bool) {
	var r *retry
	if errors.As(err, &r) {
		return r.after, true
	}
	var e *Error
	if errors.As(err, &e) && e.Class == RetriableException {
		return 0, true
	}
	return 0, false
}

// ClassOf returns the Java class name that stands for err.
func ClassOf(err error) string {
	switch e := err.(type) {
	case *Error:
		return e.Class
	case *retry:
		return RetriableException
	}
	return ConnectException
}

// Trace renders err as a Java stack trace's heads, the form that tools read
// from the trace field of a status: "class: message", then one "Caused by:"
// line for each cause.
func Trace(err error) string {
	var b strings.Builder
	for n := 0; err != nil; n++ {
		if n > 0 {
			b.WriteString("\nCaused by: ")
		}
		b.WriteString(ClassOf(err))
		if m := err.Error(); m != "" {
			b.WriteString(": " + m)
		}
		err = cause(err)
	}
	b.WriteString("\n")
	return b.String()
}

// cause returns the next error of another class down the chain: plain wrappers
// already have their cause's text in their own.
func cause(err error) error {
	for {
		if r, ok := err.(*retry); ok {
			err = r.error
		}
		err = errors.Unwrap(err)
		if err == nil {
			return nil
		}
		if _, ok := err.(*Error); ok {
			return err
		}
	}
}
