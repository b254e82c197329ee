package sqldb

import (
	"fmt"
	"strings"
)

// A tableName is the parts of a table's name; schema may be empty. In MySQL
// the schema is the database.
type tableName struct{ schema, name string }

func (n tableName) String() string {
	if n.schema == "" {
		return n.name
	}
	return n.schema + "." + n.name
}

// parseTableName splits a name at its dots. A part in double quotes or
// backticks is taken as it is, a doubled quote in it being one.
func parseTableName(s string) (tableName, error) {
	var parts []string
	for rest := s; ; {
		part, after, err := namePart(rest)
		if err != nil {
			return tableName{}, fmt.Errorf("table name %s: %w", s, err)
		}
		parts = append(parts, part)
		if after == "" {
			break
		}
		rest = after[1:]
	}
	switch len(parts) {
	case 1:
		return tableName{"", parts[0]}, nil
	case 2:
		return tableName{parts[0], parts[1]}, nil
	}
	return tableName{}, fmt.Errorf("table name %s has %d parts, at most schema and table are possible; "+
		"put the name in double quotes in table.name.format if the dots belong to it, or change the topic's name with the RegexRouter transform", s, len(parts))
}

// namePart cuts the first part off; after begins with a dot or is empty.
func namePart(s string) (part, after string, err error) {
	if s == "" {
		return "", "", fmt.Errorf("a part of it is empty")
	}
	q := s[0]
	if q != '"' && q != '`' {
		part, _, _ = strings.Cut(s, ".")
		if part == "" {
			return "", "", fmt.Errorf("a part of it is empty")
		}
		return part, s[len(part):], nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != q {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == q {
			b.WriteByte(q)
			i++
			continue
		}
		if after = s[i+1:]; after != "" && after[0] != '.' {
			return "", "", fmt.Errorf("a dot must follow the closing quote")
		}
		if b.Len() == 0 {
			return "", "", fmt.Errorf("a part of it is empty")
		}
		return b.String(), after, nil
	}
	return "", "", fmt.Errorf("a quote is not closed")
}

// A quoter writes identifiers.
type quoter struct {
	mark   byte // around quoted names
	always bool
}

// quote returns an identifier as it goes into SQL. Without always, plain words
// stay bare.
func (q quoter) quote(name string) string {
	if !q.always && plain(name) {
		return name
	}
	m := string(q.mark)
	return m + strings.ReplaceAll(name, m, m+m) + m
}

func (q quoter) table(n tableName) string {
	if n.schema == "" {
		return q.quote(n.name)
	}
	return q.quote(n.schema) + "." + q.quote(n.name)
}

func (q quoter) list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = q.quote(n)
	}
	return strings.Join(quoted, ", ")
}

func plain(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || (c < '0' || c > '9') && c != '$') {
			return false
		}
	}
	return name != ""
}
