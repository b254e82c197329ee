package config

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// ReadFile reads a Java properties file.
func ReadFile(path string) (connect.Props, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open properties: %w", err)
	}
	defer f.Close()
	p, err := ReadProperties(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// ReadProperties reads the form of java.util.Properties: comments, lines that a
// backslash continues, escapes, and =, : or white space between key and value.
// Text that is not UTF-8 is taken for Latin-1, which is what Java takes all for.
// Of a key that comes twice the last value counts.
func ReadProperties(r io.Reader) (connect.Props, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	text := string(raw)
	if !utf8.ValidString(text) {
		runes := make([]rune, len(raw))
		for i, b := range raw {
			runes[i] = rune(b)
		}
		text = string(runes)
	}
	p := connect.Props{}
	lines := propertyLines{text: text}
	for {
		line, at, ok := lines.next()
		if !ok {
			return p, nil
		}
		key, value := cutProperty(line)
		if key, err = unescape(key); err == nil {
			value, err = unescape(value)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", at, err)
		}
		p[key] = value
	}
}

// propertyLines cuts a text into logical lines.
type propertyLines struct {
	text string
	line int
}

// natural returns the next line of the text without its end.
func (l *propertyLines) natural() (string, bool) {
	if l.text == "" {
		return "", false
	}
	l.line++
	i := strings.IndexAny(l.text, "\r\n")
	if i < 0 {
		line := l.text
		l.text = ""
		return line, true
	}
	line, rest := l.text[:i], l.text[i+1:]
	if l.text[i] == '\r' && strings.HasPrefix(rest, "\n") {
		rest = rest[1:]
	}
	l.text = rest
	return line, true
}

// next returns the next logical line, neither blank nor a comment, and the
// number of its first line.
func (l *propertyLines) next() (logical string, at int, ok bool) {
	for {
		line, ok := l.natural()
		if !ok {
			return "", 0, false
		}
		line = strings.TrimLeft(line, " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		at := l.line
		for continued(line) {
			line = line[:len(line)-1]
			more, ok := l.natural()
			if !ok {
				break
			}
			line += strings.TrimLeft(more, " \t\f")
		}
		if line == "" { // nothing but continuations
			continue
		}
		return line, at, true
	}
}

// continued reports whether a line ends in an odd number of backslashes.
func continued(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// cutProperty cuts a logical line into key and value, both still escaped.
func cutProperty(line string) (key, value string) {
	end := len(line)
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
			continue
		}
		if strings.IndexByte("=: \t\f", line[i]) >= 0 {
			end = i
			break
		}
	}
	rest := strings.TrimLeft(line[end:], " \t\f")
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = strings.TrimLeft(rest[1:], " \t\f")
	}
	return line[:end], rest
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var out []uint16
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		if r != '\\' || i == len(s) {
			if r != '\\' {
				out = utf16.AppendRune(out, r)
			}
			continue
		}
		r, n = utf8.DecodeRuneInString(s[i:])
		i += n
		switch r {
		case 't':
			r = '\t'
		case 'n':
			r = '\n'
		case 'r':
			r = '\r'
		case 'f':
			r = '\f'
		case 'u':
			if i+4 > len(s) {
				return "", fmt.Errorf("Malformed \\uxxxx encoding.")
			}
			n, err := strconv.ParseUint(s[i:i+4], 16, 16)
			if err != nil {
				return "", fmt.Errorf("Malformed \\uxxxx encoding.")
			}
			out = append(out, uint16(n))
			i += 4
			continue
		}
		out = utf16.AppendRune(out, r)
	}
	return string(utf16.Decode(out)), nil
}

// Environment returns the properties that the usual container images of
// Connect read from the environment: CONNECT_BOOTSTRAP_SERVERS is
// bootstrap.servers; two underscores stand for one, three for a dash. Those of
// logging, CONNECT_LOG4J_, are left out. Environ is as os.Environ returns it.
func Environment(environ []string) connect.Props {
	p := connect.Props{}
	for _, kv := range environ {
		k, v, _ := strings.Cut(kv, "=")
		name, ok := strings.CutPrefix(k, "CONNECT_")
		if !ok || name == "" || strings.HasPrefix(name, "LOG4J_") {
			continue
		}
		name = strings.ReplaceAll(name, "___", "-")
		name = strings.ReplaceAll(name, "__", "\x00")
		name = strings.ReplaceAll(name, "_", ".")
		name = strings.ReplaceAll(name, "\x00", "_")
		p[strings.ToLower(name)] = v
	}
	return p
}

// Set puts a property given as key=value, as --set has it, into p.
func Set(p connect.Props, assignment string) error {
	k, v, ok := strings.Cut(assignment, "=")
	if k = strings.TrimSpace(k); !ok || k == "" {
		return fmt.Errorf("--set %q: expected key=value", assignment)
	}
	p[k] = v
	return nil
}
