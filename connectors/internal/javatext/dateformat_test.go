package javatext

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"testing"
)

// Every line of dates.jsonl is what a JVM (17, en_US, UTC) made of a pattern:
// the text of a time, then for a number of texts the time that it read and the
// text that the same format then wrote.
func TestDateFormatAsJava(t *testing.T) {
	name := os.Getenv("JAVATEXT_DATES")
	if name == "" {
		name = "testdata/dates.jsonl"
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
			P, F, Err string
			M         int64
			S         [][]any
		}
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		if err := d.Decode(&c); err != nil {
			t.Fatal(err)
		}
		f, err := NewDateFormat(c.P)
		if err != nil || c.Err != "" {
			if err == nil || err.Error() != c.Err {
				t.Errorf("%q: want the error %q, got %v", c.P, c.Err, err)
			}
			continue
		}
		if got := f.Format(c.M, nil); got != c.F {
			t.Errorf("%q of %d: want %q, got %q", c.P, c.M, c.F, got)
		}
		for _, s := range c.S {
			text := s[0].(string)
			ms, loc, err := f.Parse(text)
			if err != nil {
				if s[1] != nil {
					t.Errorf("%q: %q is %v, got %v", c.P, text, s[1], err)
				}
				continue
			}
			if s[1] == nil {
				t.Errorf("%q: %q cannot be parsed, got %d", c.P, text, ms)
			} else if strconv.FormatInt(ms, 10) != s[1].(json.Number).String() {
				t.Errorf("%q: %q is %v, got %d", c.P, text, s[1], ms)
			} else if again := f.Format(ms, loc); again != s[2] {
				t.Errorf("%q: %q is written as %q, got %q", c.P, text, s[2], again)
			}
		}
	}
}
