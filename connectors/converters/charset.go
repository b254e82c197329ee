package converters

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A charset turns text into bytes and back as Java's of that name: what cannot
// be encoded becomes '?', what cannot be decoded U+FFFD.
type charset struct {
	encode func(dst []byte, s string) []byte
	decode func(b []byte) string
}

var charsets = func() map[string]*charset {
	m := map[string]*charset{}
	add := func(c *charset, names ...string) {
		for _, n := range names {
			m[strings.ToLower(n)] = c
		}
	}
	add(nil, "UTF-8", "UTF8", "unicode-1-1-utf-8")
	add(singleBytes(0x80, nil), "US-ASCII", "ASCII", "ASCII7", "ISO646-US", "646", "ANSI_X3.4-1968", "cp367", "IBM367")
	add(singleBytes(0x100, nil), "ISO-8859-1", "ISO8859_1", "ISO8859-1", "ISO_8859-1", "latin1", "l1", "cp819", "IBM819")
	add(singleBytes(0x100, windows1252), "windows-1252", "cp1252", "Cp1252")
	add(utf16Charset(true, true), "UTF-16", "UTF16", "UTF_16", "unicode", "UnicodeBig")
	add(utf16Charset(true, false), "UTF-16BE", "UTF_16BE", "UnicodeBigUnmarked")
	add(utf16Charset(false, false), "UTF-16LE", "UTF_16LE", "UnicodeLittleUnmarked")
	return m
}()

// windows1252 are the characters of 0x80 to 0x9f.
var windows1252 = []rune("\u20ac\ufffd\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\ufffd\u017d\ufffd" +
	"\ufffd\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\ufffd\u017e\u0178")

// singleBytes is a character set of one byte per character; c1 are the
// characters from 0x80 on that are not Unicode's own.
func singleBytes(limit rune, c1 []rune) *charset {
	back := map[rune]byte{}
	for i, r := range c1 {
		if r != utf8.RuneError {
			back[r] = byte(0x80 + i)
		}
	}
	isC1 := func(r rune) bool { return 0x80 <= r && int(r) < 0x80+len(c1) }
	return &charset{
		encode: func(dst []byte, s string) []byte {
			for _, r := range s {
				if b, ok := back[r]; ok {
					dst = append(dst, b)
				} else if r < limit && !isC1(r) {
					dst = append(dst, byte(r))
				} else {
					dst = append(dst, '?')
				}
			}
			return dst
		},
		decode: func(b []byte) string {
			out := make([]byte, 0, len(b))
			for _, c := range b {
				r := rune(c)
				switch {
				case r >= limit:
					r = utf8.RuneError
				case isC1(r):
					r = c1[r-0x80]
				}
				out = utf8.AppendRune(out, r)
			}
			return string(out)
		},
	}
}

// utf16Charset is UTF-16 of one byte order; with mark, a byte order mark is
// written, and obeyed when read.
func utf16Charset(big, mark bool) *charset {
	put := func(dst []byte, u uint16, big bool) []byte {
		if big {
			return append(dst, byte(u>>8), byte(u))
		}
		return append(dst, byte(u), byte(u>>8))
	}
	return &charset{
		encode: func(dst []byte, s string) []byte {
			if mark && s != "" {
				dst = put(dst, 0xfeff, big)
			}
			for _, u := range utf16.Encode([]rune(s)) {
				dst = put(dst, u, big)
			}
			return dst
		},
		decode: func(b []byte) string {
			high := 0
			if !big {
				high = 1
			}
			if mark && len(b) >= 2 {
				switch {
				case b[0] == 0xfe && b[1] == 0xff:
					b = b[2:]
				case b[0] == 0xff && b[1] == 0xfe:
					high, b = 1, b[2:]
				}
			}
			units := make([]uint16, 0, len(b)/2+1)
			for ; len(b) >= 2; b = b[2:] {
				units = append(units, uint16(b[high])<<8|uint16(b[1-high]))
			}
			if len(b) == 1 {
				units = append(units, utf8.RuneError)
			}
			return string(utf16.Decode(units))
		},
	}
}
