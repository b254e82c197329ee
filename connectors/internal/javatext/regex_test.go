package javatext

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

// Every line of regexes.jsonl is what a JVM (17) made of a pattern: its error,
// or for a number of texts whether it matches the whole and the text after
// replaceFirst, or the error of that.
func TestRegexAsJava(t *testing.T) {
	name := os.Getenv("JAVATEXT_REGEXES")
	if name == "" {
		name = "testdata/regexes.jsonl"
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c struct {
			P, R, Err string
			S         []string
			O         [][]any
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(c.Err, "Look-behind") {
			continue // Java wants a maximum length there, we do not
		}
		re, err := NewRegex(c.P)
		if err != nil || c.Err != "" {
			if err == nil || err.Error() != c.Err {
				t.Errorf("%q: want the error %q, got %v", c.P, c.Err, err)
			}
			continue
		}
		for i, s := range c.S {
			if m, err := re.Matches(s); err != nil || m != c.O[i][0] {
				t.Errorf("%q matches %q: want %v, got %v %v", c.P, s, c.O[i][0], m, err)
			}
			got, err := re.ReplaceFirst(s, c.R)
			if len(c.O[i]) == 3 {
				var e *Error
				if !errors.As(err, &e) || e.Class+": "+e.Message != c.O[i][2] {
					t.Errorf("%q replaces %q by %q: want the error %s, got %v", c.P, s, c.R, c.O[i][2], err)
				}
			} else if err != nil || got != c.O[i][1] {
				t.Errorf("%q replaces %q by %q: want %q, got %q %v", c.P, s, c.R, c.O[i][1], got, err)
			}
		}
	}
}

func TestUnfinishedRanges(t *testing.T) {
	for pattern, want := range map[string]string{
		"[a-":   "Illegal character range near index 3\n[a-",
		"[^]-":  "Illegal character range near index 4\n[^]-",
		`[a-\`:  "Illegal character range near index 4\n[a-\\",
		`[^]a\`: "Unclosed character class near index 5\n[^]a\\",
		`(a\`:   "Unclosed group near index 4\n(a\\",
		`(a)\`:  "Unexpected internal error near index 4\n(a)\\",
		"[^]a":  "Unclosed character class near index 3\n[^]a\n   ^",
	} {
		if _, err := NewRegex(pattern); err == nil || strings.TrimRight(err.Error(), "\n") != want {
			t.Errorf("%s: want %q, got %v", pattern, want, err)
		}
	}
}
