package vectors

import (
	"fmt"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A JavaError is what Java threw.
type JavaError struct {
	Phase   string      `json:"phase"` // "configure": thrown by configure(), else by the call
	Class   string      `json:"class"`
	Message *string     `json:"message"`
	Causes  []JavaError `json:"causes"`
}

// String returns "class: message".
func (e *JavaError) String() string {
	if e.Message == nil {
		return e.Class
	}
	return e.Class + ": " + *e.Message
}

// Text returns the message, empty for none.
func (e *JavaError) Text() string {
	if e.Message == nil {
		return ""
	}
	return *e.Message
}

// CheckError compares the error of our call with Java's, as VECTORS.md demands:
// we err when, and only when, Java does; our class is the same where it is one
// of Kafka's; and for the ops whose errors users see over REST the message is
// the same too. With err nil and the vector without error it returns nil, and
// the caller compares outputs.
func (v *Vector) CheckError(err error) error { return v.check(err, v.userSees()) }

// CheckErrorText is CheckError, with the message of Kafka's own exceptions
// demanded whatever the op.
func (v *Vector) CheckErrorText(err error) error { return v.check(err, true) }

func (v *Vector) check(err error, text bool) error {
	switch {
	case v.Err == nil && err == nil:
		return nil
	case v.Err == nil:
		return fmt.Errorf("want %s, got the error %s: %w", cut(v.Output, 600), connect.ClassOf(err), err)
	case err == nil:
		return fmt.Errorf("want the error %s, got none", v.Err)
	case !strings.HasPrefix(v.Err.Class, "org.apache.kafka."):
		return nil
	}
	if c := connect.ClassOf(err); c != v.Err.Class || text && err.Error() != v.Err.Text() {
		return fmt.Errorf("want the error %s\n  got  the error %s: %w", v.Err, c, err)
	}
	return nil
}

func (v *Vector) userSees() bool {
	switch v.Op {
	case "worker.config", "configdef.parse":
		return true
	}
	return strings.HasPrefix(v.Op, "validate") || strings.HasPrefix(v.Op, "offset.")
}

// Failed reports whether Java threw; use it to return early after CheckError:
//
//	if err := v.CheckError(err); err != nil || v.Failed() {
//		return err
//	}
func (v *Vector) Failed() bool { return v.Err != nil }
