package rest

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A jsonReader reads JSON text step by step, as strict as Jackson with its
// default features and with Jackson's messages: the body of a request is bound
// while it is read, so of two faults the first is reported. All methods panic
// with a *badJSON; readBody recovers it.
type jsonReader struct {
	b         []byte
	i         int
	line, bol int // line number from 1 and the offset at which it begins
}

// badJSON is a body that cannot be read or is not what was expected.
type badJSON struct{ msg string }

func (e *badJSON) Error() string { return e.msg }

// What a value begins with, in Jackson's words for tokens.
type token string

const (
	tokenObject token = "START_OBJECT"
	tokenArray  token = "START_ARRAY"
	tokenString token = "VALUE_STRING"
	tokenInt    token = "VALUE_NUMBER_INT"
	tokenFloat  token = "VALUE_NUMBER_FLOAT"
	tokenTrue   token = "VALUE_TRUE"
	tokenFalse  token = "VALUE_FALSE"
	tokenNull   token = "VALUE_NULL"
	tokenEnd    token = "" // end of the text
)

// kind is how Jackson calls a token in its messages about types.
func (t token) kind() string {
	switch t {
	case tokenObject:
		return "Object value"
	case tokenArray:
		return "Array value"
	case tokenString:
		return "String value"
	case tokenInt:
		return "Integer value"
	case tokenFloat:
		return "Floating-point value"
	case tokenNull:
		return "Null value"
	default:
		return "Boolean value"
	}
}

// readBody runs bind over a JSON text. It reports false for an empty one.
func readBody(b []byte, bind func(r *jsonReader)) (ok bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			bad, is := p.(*badJSON)
			if !is {
				panic(p)
			}
			err = bad
		}
	}()
	r := &jsonReader{b: b, line: 1}
	if strings.HasPrefix(string(b), "\ufeff") {
		r.i = len("\ufeff")
		r.bol = r.i
	}
	if r.space(); r.i == len(b) {
		return false, nil
	}
	bind(r)
	at := r.i
	switch t := r.next(); t {
	case tokenEnd:
	default:
		r.i = at
		r.space()
		r.fail(r.i, "Trailing token (of type %s) found after value: not allowed as per `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`", t)
	}
	return true, nil
}

// fail ends the reading with a message and the place that it is about.
func (r *jsonReader) fail(at int, format string, args ...any) {
	panic(&badJSON{fmt.Sprintf(format, args...) + fmt.Sprintf("\n at [Source: request body; line: %d, column: %d]", r.line, at-r.bol+1)})
}

func (r *jsonReader) space() {
	for ; r.i < len(r.b); r.i++ {
		switch c := r.b[r.i]; {
		case c == '\n':
			r.line, r.bol = r.line+1, r.i+1
		case c == ' ' || c == '\t' || c == '\r':
		case c < ' ':
			r.fail(r.i, "Illegal character ((CTRL-CHAR, code %d)): only regular white space (\\r, \\n, \\t) is allowed between tokens", c)
		default:
			return
		}
	}
}

// next looks at what comes: it consumes the bracket of an object or array, and
// nothing of other values. A bracket that closes nothing is a fault; the
// readers of objects and arrays look for theirs before.
func (r *jsonReader) next() token {
	r.space()
	if r.i == len(r.b) {
		return tokenEnd
	}
	switch c := r.b[r.i]; c {
	case '{':
		r.i++
		return tokenObject
	case '[':
		r.i++
		return tokenArray
	case '"':
		return tokenString
	case '}':
		r.fail(r.i, "Unexpected close marker '}': no open Object to close")
	case ']':
		r.fail(r.i, "Unexpected close marker ']': no open Array to close")
	case '/':
		r.unexpected("maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)")
	case '+':
		r.fail(r.i, "Unexpected character ('+' (code 43)) in numeric value: JSON spec does not allow numbers to have plus signs: "+
			"enable `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow")
	case 't', 'f', 'n':
		return r.word()
	default:
		if c == '-' || c >= '0' && c <= '9' {
			t, _ := r.number(false)
			return t
		}
		if c >= 0x80 || c == '_' || c == '$' || c|0x20 >= 'a' && c|0x20 <= 'z' {
			return r.word()
		}
		r.unexpected("expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
	}
	return tokenEnd
}

func (r *jsonReader) unexpected(expected string) {
	c, n := utf8.DecodeRune(r.b[r.i:])
	if c == utf8.RuneError && n == 1 {
		c = rune(r.b[r.i])
	}
	r.fail(r.i, "Unexpected character ('%c' (code %d)): %s", c, c, expected)
}

func (r *jsonReader) word() token {
	end := r.i
	for end < len(r.b) {
		c := r.b[end]
		if c < 0x80 && c != '_' && c != '$' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			break
		}
		end++
	}
	switch w := string(r.b[r.i:end]); w {
	case "true":
		return tokenTrue
	case "false":
		return tokenFalse
	case "null":
		return tokenNull
	case "NaN", "Infinity":
		r.fail(r.i, "Non-standard token '%s': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow", w)
	default:
		r.fail(r.i, "Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", strings.ToValidUTF8(w, "\ufffd"))
	}
	return tokenEnd
}

// number finds the end of a number, and consumes it if told to.
func (r *jsonReader) number(consume bool) (token, string) {
	i := r.i
	at := func() (byte, bool) {
		if i < len(r.b) {
			return r.b[i], true
		}
		return 0, false
	}
	digits := func(fault string) {
		c, ok := at()
		if !ok {
			r.fail(i, "Unexpected end-of-input: in numeric value: %s", fault)
		}
		if c < '0' || c > '9' {
			if fault[0] == 'e' && strings.HasPrefix(string(r.b[i:]), "Infinity") {
				r.fail(i, "Non-standard token '-Infinity': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow")
			}
			r.fail(i, "Unexpected character ('%c' (code %d)) in numeric value: %s", c, c, fault)
		}
		for ok && c >= '0' && c <= '9' {
			i++
			c, ok = at()
		}
	}
	t := tokenInt
	if r.b[i] == '-' {
		i++
	}
	first := i
	digits("expected digit (0-9) to follow minus sign, for valid numeric value")
	if r.b[first] == '0' && i > first+1 {
		r.fail(first+1, "Invalid numeric value: Leading zeroes not allowed")
	}
	if c, ok := at(); ok && c == '.' {
		t = tokenFloat
		i++
		digits("Decimal point not followed by a digit")
	}
	if c, ok := at(); ok && c|0x20 == 'e' {
		t = tokenFloat
		i++
		if c, ok := at(); ok && (c == '+' || c == '-') {
			i++
		}
		digits("Exponent indicator not followed by a digit")
	}
	text := string(r.b[r.i:i])
	if consume {
		r.i = i
	}
	return t, text
}

// scalar consumes a value that is no object or array and returns its text: a
// string's contents, a number's digits as they were written, or the word.
func (r *jsonReader) scalar(t token) string {
	switch t {
	case tokenString:
		return r.str("VALUE_STRING")
	case tokenInt, tokenFloat:
		_, s := r.number(true)
		return s
	case tokenTrue, tokenNull:
		r.i += 4
		return map[token]string{tokenTrue: "true", tokenNull: "null"}[t]
	default:
		r.i += 5
		return "false"
	}
}

// str consumes a string.
func (r *jsonReader) str(what string) string {
	var out []byte
	r.i++
	for {
		if r.i >= len(r.b) {
			r.fail(r.i, "Unexpected end-of-input in %s", what)
		}
		switch c := r.b[r.i]; {
		case c == '"':
			r.i++
			return string(out)
		case c == '\\':
			out = r.escape(out, what)
		case c < ' ':
			r.fail(r.i, "Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
		case c < utf8.RuneSelf:
			out = append(out, c)
			r.i++
		default:
			_, n := utf8.DecodeRune(r.b[r.i:])
			if n == 1 {
				r.badUTF8()
			}
			out = append(out, r.b[r.i:r.i+n]...)
			r.i += n
		}
	}
}

func (r *jsonReader) badUTF8() {
	c := r.b[r.i]
	need := 0
	switch {
	case c&0xe0 == 0xc0:
		need = 1
	case c&0xf0 == 0xe0:
		need = 2
	case c&0xf8 == 0xf0:
		need = 3
	default:
		r.fail(r.i, "Invalid UTF-8 start byte 0x%x", c)
	}
	for n := 1; n <= need; n++ {
		if r.i+n >= len(r.b) {
			r.fail(r.i+n, "Unexpected end-of-input in VALUE_STRING")
		}
		if m := r.b[r.i+n]; m&0xc0 != 0x80 {
			r.fail(r.i+n, "Invalid UTF-8 middle byte 0x%x", m)
		}
	}
	r.fail(r.i, "Invalid UTF-8: Illegal character, it begins with byte 0x%x", c)
}

func (r *jsonReader) escape(out []byte, what string) []byte {
	if r.i+1 >= len(r.b) {
		r.fail(r.i+1, "Unexpected end-of-input in character escape sequence")
	}
	c := r.b[r.i+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		r.i += 2
		return append(out, "\"\\/\b\f\n\r\t"[i])
	}
	if c != 'u' {
		r.fail(r.i+1, "Unrecognized character escape '%c' (code %d)", c, c)
	}
	u := r.hex4()
	if !utf16.IsSurrogate(u) {
		return utf8.AppendRune(out, u)
	}
	// A surrogate without its partner becomes U+FFFD: our texts are UTF-8.
	if strings.HasPrefix(string(r.b[r.i:]), `\u`) {
		back := r.i
		if both := utf16.DecodeRune(u, r.hex4()); both != utf8.RuneError {
			return utf8.AppendRune(out, both)
		}
		r.i = back
	}
	return utf8.AppendRune(out, utf8.RuneError)
}

// hex4 consumes \uXXXX.
func (r *jsonReader) hex4() rune {
	for n := 2; n < 6; n++ {
		if r.i+n >= len(r.b) {
			r.fail(r.i+n, "Unexpected end-of-input in character escape sequence")
		}
		if c := r.b[r.i+n]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			r.fail(r.i+n, "Unexpected character ('%c' (code %d)): expected a hex-digit for character escape sequence", c, c)
		}
	}
	u, _ := strconv.ParseUint(string(r.b[r.i+2:r.i+6]), 16, 16) // checked above
	r.i += 6
	return rune(u)
}

// members reads the rest of an object; each is called for every member with
// its value not yet read.
func (r *jsonReader) members(each func(key string)) {
	opened := r.i - 1
	line, column := r.line, opened-r.bol+1
	unclosed := func() {
		r.fail(r.i, "Unexpected end-of-input: expected close marker for Object (start marker at [Source: request body; line: %d, column: %d])", line, column)
	}
	for first := true; ; first = false {
		if r.space(); r.i == len(r.b) {
			unclosed()
		}
		if c := r.b[r.i]; c == '}' && first {
			r.i++
			return
		} else if !first {
			if c == '}' {
				r.i++
				return
			}
			if c == ']' {
				r.fail(r.i, "Unexpected close marker ']': expected '}' (for Object starting at [Source: request body; line: %d, column: %d])", line, column)
			}
			if c != ',' {
				r.unexpected("was expecting comma to separate Object entries")
			}
			r.i++
			if r.space(); r.i == len(r.b) {
				unclosed()
			}
		}
		if r.b[r.i] != '"' {
			r.unexpected("was expecting double-quote to start field name")
		}
		key := r.str("FIELD_NAME")
		if r.space(); r.i == len(r.b) {
			r.fail(r.i, "Unexpected end-of-input within/between Object entries")
		}
		if r.b[r.i] != ':' {
			r.unexpected("was expecting a colon to separate field name and value")
		}
		r.i++
		if r.space(); r.i == len(r.b) {
			r.fail(r.i, "Unexpected end-of-input within/between Object entries")
		}
		each(key)
	}
}

// elements reads the rest of an array; each is called for every element with
// its value not yet read.
func (r *jsonReader) elements(each func()) {
	line, column := r.line, r.i-r.bol
	for first := true; ; first = false {
		if r.space(); r.i == len(r.b) {
			r.fail(r.i, "Unexpected end-of-input: expected close marker for Array (start marker at [Source: request body; line: %d, column: %d])", line, column)
		}
		switch c := r.b[r.i]; {
		case c == ']':
			if first {
				r.i++
				return
			}
			r.i++
			return
		case first:
		case c == '}':
			r.fail(r.i, "Unexpected close marker '}': expected ']' (for Array starting at [Source: request body; line: %d, column: %d])", line, column)
		case c != ',':
			r.unexpected("was expecting comma to separate Array entries")
		default:
			r.i++
			if r.space(); r.i < len(r.b) && r.b[r.i] == ']' {
				r.unexpected("expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
			}
		}
		each()
	}
}
