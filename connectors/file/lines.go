package file

import "strings"

// A splitter cuts lines out of a text that grows block by block. Lines end
// with \n, \r\n or \r. A \r that ends the text does not end a line yet: it may
// turn out to be half of \r\n.
type splitter struct {
	text string // what is left
	cr   int    // place of the first \r in text at or after which none was looked for; len(text): none
	seen int    // so many bytes of text hold no line end
}

// set starts over with a text whose first seen bytes hold no line end.
func (s *splitter) set(text string, seen int) {
	s.text, s.seen = text, seen
	s.findCR(seen)
}

func (s *splitter) findCR(from int) {
	if i := strings.IndexByte(s.text[from:], '\r'); i >= 0 {
		s.cr = from + i
	} else {
		s.cr = len(s.text)
	}
}

// next returns the next line and how many bytes it took with its end, 0 when
// there is no complete line left.
func (s *splitter) next() (line string, n int) {
	i := strings.IndexByte(s.text[s.seen:], '\n')
	if i >= 0 {
		i += s.seen
	} else {
		i = len(s.text)
	}
	end := i
	switch {
	case s.cr < i && s.cr+1 < len(s.text):
		end, n = s.cr, s.cr+1
		if s.text[n] == '\n' {
			n++
		}
	case i < len(s.text):
		n = i + 1
	default:
		s.seen = min(s.cr, len(s.text)) // a last \r is looked at again
		return "", 0
	}
	line = s.text[:end]
	s.text, s.seen = s.text[n:], 0
	if s.cr -= n; s.cr < 0 {
		s.cr = 0
		s.findCR(0)
	}
	return line, n
}
