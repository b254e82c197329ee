package connect

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// A Check accepts or refuses a value. Use named fields to make one.
type Check[T any] struct {
	Text  string          // describes the check, as Java's validators describe themselves
	Valid func(v T) error // what is wrong with v, without v itself; see PropertyError
	Null  error           // what is wrong with no value; nil: nothing is
	tidy  func(T) T       // what Parse does before it checks
}

// A PropertyError is what a Check says in words of its own, in place of
// "Invalid value V for configuration NAME: ..."; {name} in it stands for the
// property's name.
type PropertyError string

func (e PropertyError) Error() string { return string(e) }

// Number is what ranges are made of.
type Number interface {
	int | int64 | float64 | time.Duration
}

// OneOf accepts only the listed texts.
func OneOf(allowed ...string) Check[string] {
	all := strings.Join(allowed, ", ")
	bad := fmt.Errorf("String must be one of: %s", all)
	return Check[string]{Text: "[" + all + "]", Null: bad, Valid: func(v string) error {
		if slices.Contains(allowed, v) {
			return nil
		}
		return bad
	}}
}

// OneOfFold accepts only the listed texts, in upper or lower case. Messages
// show them in upper case, in the given order.
func OneOfFold(allowed ...string) Check[string] {
	all := strings.ToUpper(strings.Join(allowed, ", "))
	bad := fmt.Errorf("String must be one of (case insensitive): %s", all)
	return Check[string]{Text: "(case insensitive) [" + all + "]", Null: bad, Valid: func(v string) error {
		for _, a := range allowed {
			if strings.EqualFold(v, a) {
				return nil
			}
		}
		return bad
	}}
}

var errNoNumber = errors.New("Value must be non-null")

// AtLeast accepts lo and more.
func AtLeast[T Number](lo T) Check[T] {
	return Check[T]{Text: "[" + show(lo) + ",...]", Null: errNoNumber, Valid: func(v T) error { return from(lo, v) }}
}

// AtMost accepts hi and less.
func AtMost[T Number](hi T) Check[T] {
	return Check[T]{Text: "[...," + show(hi) + "]", Null: errNoNumber, Valid: func(v T) error { return upTo(hi, v) }}
}

// Between accepts lo to hi.
func Between[T Number](lo, hi T) Check[T] {
	return Check[T]{Text: "[" + show(lo) + ",...," + show(hi) + "]", Null: errNoNumber, Valid: func(v T) error {
		if err := from(lo, v); err != nil {
			return err
		}
		return upTo(hi, v)
	}}
}

func from[T Number](lo, v T) error {
	if v < lo {
		return fmt.Errorf("Value must be at least %s", show(lo))
	}
	return nil
}

func upTo[T Number](hi, v T) error {
	if v > hi {
		return fmt.Errorf("Value must be no more than %s", show(hi))
	}
	return nil
}

// Port accepts the number of a TCP or UDP port.
func Port() Check[int] { return Between(1, 65535) }

// NonEmpty accepts any text but the empty one.
func NonEmpty() Check[string] {
	return Check[string]{Text: "non-empty string", Valid: func(v string) error {
		if v == "" {
			return errors.New("String must be non-empty")
		}
		return nil
	}}
}

// NonEmptySecret accepts any secret but the empty one.
func NonEmptySecret() Check[Secret] {
	return Check[Secret]{Text: "non-empty string", Valid: func(v Secret) error { return NonEmpty().Valid(string(v)) }}
}

// NonNull refuses no value, where a parse error or a missing property left none.
func NonNull[T any]() Check[T] {
	return Check[T]{Text: "non-null string", Valid: func(T) error { return nil }, Null: errors.New("entry must be non null")}
}

// Label accepts any text but the empty one and one with control characters; it
// is the check of a connector's name.
func Label() Check[string] {
	return Check[string]{Text: "non-empty string without ISO control characters", Valid: func(v string) error {
		if v == "" {
			return errors.New("String may not be empty")
		}
		var bad []string
		for _, c := range utf16.Encode([]rune(v)) {
			if c <= 0x1f || c >= 0x7f && c <= 0x9f {
				bad = append(bad, strconv.Itoa(int(c)))
			}
		}
		if bad != nil {
			return fmt.Errorf("String may not contain control sequences but had the following ASCII chars: %s", strings.Join(bad, ", "))
		}
		return nil
	}}
}

// Regex accepts a regular expression. Those that Go's and Java's both refuse
// are refused in Java's words; those of Java that Go has no counterpart for in
// words of ours. Compile, when given, takes the place of Go's.
func Regex(compile ...func(pattern string) error) Check[string] {
	return Check[string]{Text: "valid regex", Valid: func(v string) error {
		var err error
		if len(compile) > 0 {
			err = compile[0](v)
		} else {
			_, err = regexp.Compile(v)
		}
		var bad *syntax.Error
		if errors.As(err, &bad) {
			return fmt.Errorf("Invalid regex: %s", javaRegexError(v, bad))
		}
		if err != nil {
			return fmt.Errorf("Invalid regex: %w", err)
		}
		return nil
	}}
}

// javaRegexError words a fault of a pattern as java.util.regex does: what,
// where, and the pattern with a mark below the place.
func javaRegexError(pattern string, e *syntax.Error) string {
	at, what := -1, ""
	n := len(utf16.Encode([]rune(pattern)))
	switch e.Code {
	case syntax.ErrMissingParen:
		what, at = "Unclosed group", n
	case syntax.ErrMissingBracket:
		what, at = "Unclosed character class", n-1
	case syntax.ErrUnexpectedParen:
		what = "Unmatched closing ')'"
		if i := strings.IndexByte(pattern, ')'); i > 0 {
			at = len(utf16.Encode([]rune(pattern[:i]))) - 1
		}
	case syntax.ErrMissingRepeatArgument, syntax.ErrInvalidRepeatOp:
		if i := strings.Index(pattern, e.Expr); i >= 0 && e.Expr != "" {
			i += len(e.Expr) - 1
			what, at = "Dangling meta character '"+pattern[i:i+1]+"'", len(utf16.Encode([]rune(pattern[:i])))
		}
	case syntax.ErrTrailingBackslash:
		what, at = "Unexpected internal error", n
	}
	if what == "" {
		return fmt.Sprintf("%s: `%s`", e.Code, e.Expr)
	}
	if at >= 0 {
		what += fmt.Sprintf(" near index %d", at)
	}
	what += "\n" + pattern
	if at >= 0 && at < n {
		what += "\n" + strings.Repeat(" ", at) + "^"
	}
	return what
}

// URL accepts an absolute URL with a host, of one of the schemes if any are
// named.
func URL(schemes ...string) Check[string] {
	text := "URL"
	if len(schemes) > 0 {
		text = strings.Join(schemes, ":// or ") + ":// URL"
	}
	return Check[string]{Text: text, Valid: func(v string) error {
		u, err := url.Parse(v)
		switch {
		case err != nil: // whose text holds the whole URL, password and all
			return fmt.Errorf("not a URL; expected a %s", text)
		case u.Scheme == "" || u.Host == "" && u.Opaque == "" && u.Path == "":
			return fmt.Errorf("expected a %s such as %s://host:port", text, append(schemes, "https")[0])
		case len(schemes) > 0 && !slices.Contains(schemes, strings.ToLower(u.Scheme)):
			return fmt.Errorf("scheme %s is not supported; expected a %s", u.Scheme, text)
		}
		return nil
	}}
}

// ListOf accepts a list of the listed texts, each once; of any texts when none
// are named. It may be empty.
func ListOf(allowed ...string) Check[[]string] { return validList(true, false, allowed) }

// NonEmptyListOf is ListOf that refuses an empty list.
func NonEmptyListOf(allowed ...string) Check[[]string] { return validList(false, false, allowed) }

// OptionalListOf is ListOf for a property that may have no value.
func OptionalListOf(allowed ...string) Check[[]string] { return validList(true, true, allowed) }

// OptionalNonEmptyListOf is NonEmptyListOf for a property that may have no value.
func OptionalNonEmptyListOf(allowed ...string) Check[[]string] {
	return validList(false, true, allowed)
}

// validList is Java's ValidList: no empty text, no text twice.
func validList(empty, null bool, allowed []string) Check[[]string] {
	one := OneOf(allowed...)
	c := Check[[]string]{tidy: distinct}
	if len(allowed) > 0 {
		c.Text = one.Text
	}
	if !null {
		c.Null = PropertyError("Configuration '{name}' values must not be null.")
	}
	c.Valid = func(v []string) error {
		if len(v) == 0 && !empty {
			any := "any non-empty value"
			if len(allowed) > 0 {
				any = one.Text
			}
			return PropertyError("Configuration '{name}' must not be empty. Valid values include: " + any)
		}
		if len(distinct(v)) != len(v) {
			return PropertyError("Configuration '{name}' values must not be duplicated.")
		}
		for _, s := range v {
			if s == "" {
				return PropertyError("Configuration '{name}' values must not be empty.")
			}
			if len(allowed) > 0 && !slices.Contains(allowed, s) {
				return PropertyError("Invalid value " + s + " for configuration {name}: String must be one of: " + strings.Join(allowed, ", "))
			}
		}
		return nil
	}
	return c
}

func distinct(v []string) []string {
	seen := make(map[string]bool, len(v))
	out := make([]string, 0, len(v))
	for _, s := range v {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// Each applies a check to every item of a list.
func Each(c Check[string]) Check[[]string] {
	return Check[[]string]{Text: "list of " + c.Text, Valid: func(v []string) error {
		for _, s := range v {
			if err := c.Valid(s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	}}
}

// That makes a check of a function; text describes what it accepts.
func That[T any](text string, valid func(v T) error) Check[T] {
	return Check[T]{Text: text, Valid: valid}
}
