package file

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// Positions count what Java counts: the UTF-16 code units of the decoded text,
// one for each character up to U+FFFF and for each malformed sequence, two for
// those beyond. In ASCII that is the bytes, and most files are nothing else.

// decode returns a line as text, in which U+FFFD stands for each malformed
// UTF-8 sequence, and the UTF-16 code units of it.
func decode(s string) (text string, units int) {
	n := ascii(s)
	if n == len(s) {
		return s, n
	}
	if utf8.ValidString(s[n:]) {
		units = n
		for i := n; i < len(s); i++ {
			if c := s[i]; c >= 0xF0 {
				units += 2
			} else if c&0xC0 != 0x80 {
				units++
			}
		}
		return s, units
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	for s != "" {
		n, u, ok, _ := char(s)
		if ok {
			b.WriteString(s[:n])
		} else {
			b.WriteString("\uFFFD")
		}
		s, units = s[n:], units+u
	}
	return b.String(), units
}

// pass goes over limit UTF-16 code units of s, by whole characters, and returns
// the bytes and units passed. It ends before a character that s may hold only
// in part, and goes one unit too far rather than stop in the middle of one.
func pass(s string, limit int64) (n int, units int64) {
	for n < len(s) && units < limit {
		if a := ascii(s[n:min(int64(len(s)), int64(n)+limit-units)]); a > 0 {
			n, units = n+a, units+int64(a)
			continue
		}
		c, u, _, partial := char(s[n:])
		if partial {
			break
		}
		n, units = n+c, units+int64(u)
	}
	return n, units
}

// ascii returns how many bytes of s are ASCII before the first that is not.
func ascii(s string) int {
	const high = 0x8080808080808080
	n := 0
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	for ; len(b) >= 32; b, n = b[32:], n+32 {
		le := binary.LittleEndian
		if (le.Uint64(b)|le.Uint64(b[8:])|le.Uint64(b[16:])|le.Uint64(b[24:]))&high != 0 {
			break
		}
	}
	for ; len(b) >= 8; b, n = b[8:], n+8 {
		if x := binary.LittleEndian.Uint64(b) & high; x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for i, c := range b {
		if c >= utf8.RuneSelf {
			return n + i
		}
	}
	return n + len(b)
}

// char looks at the first character of s, which is not empty: its length in
// bytes and in UTF-16 code units, and whether it is one or a malformed
// sequence. A sequence is partial when s ends where it could have gone on.
func char(s string) (n, units int, ok, partial bool) {
	if r, n := utf8.DecodeRuneInString(s); r != utf8.RuneError || n > 1 {
		return n, 1 + n/4, true, false
	}
	// As Java's decoder does, one U+FFFD stands for the longest run that could
	// have begun a character; a surrogate, of three bytes, is one run.
	lo, hi, more := byte(0x80), byte(0xBF), 0
	switch c := s[0]; {
	case c >= 0xC2 && c <= 0xDF:
		more = 1
	case c >= 0xE0 && c <= 0xEF:
		more = 2
		if c == 0xE0 {
			lo = 0xA0
		}
	case c >= 0xF0 && c <= 0xF4:
		more = 3
		if c == 0xF0 {
			lo = 0x90
		} else if c == 0xF4 {
			hi = 0x8F
		}
	}
	for n = 1; n <= more; n++ {
		if n == len(s) {
			return n, 1, false, true
		}
		if s[n] < lo || s[n] > hi {
			break
		}
		lo, hi = 0x80, 0xBF
	}
	return n, 1, false, false
}
