package connect

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/data"
)

// trim drops what Java's String.trim drops: everything up to the space
// character, at both ends.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

func parseBoolean(s string) (bool, error) {
	switch strings.ToLower(trim(s)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("Expected value to be either true or false")
}

func parseInteger(s string, bits int, typ string) (int64, error) {
	n, err := strconv.ParseInt(trim(s), 10, bits)
	if err != nil {
		return 0, fmt.Errorf("Not a number of type %s", typ)
	}
	return n, nil
}

// parseDouble reads what Double.parseDouble reads: a trailing d or f, and
// infinity and NaN in one spelling only.
func parseDouble(s string) (float64, error) {
	bad := fmt.Errorf("Not a number of type DOUBLE")
	t := trim(s)
	switch t {
	case "NaN", "+NaN", "-NaN":
		return math.NaN(), nil
	case "Infinity", "+Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	hex := strings.ContainsAny(t, "xX")
	if n := len(t); n > 1 && strings.IndexByte("dDfF", t[n-1]) >= 0 && (!hex || strings.ContainsAny(t, "pP")) {
		t = t[:n-1]
	}
	if t == "" || strings.ContainsAny(t, "_nNiI") || hex && !strings.ContainsAny(t, "pP") {
		return 0, bad
	}
	n, err := strconv.ParseFloat(t, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range: infinite, as in Java
		return 0, bad
	}
	return n, nil
}

// parseList splits at commas and the white space around them.
func parseList(s string) []string {
	if s = trim(s); s == "" {
		return []string{}
	}
	list := strings.Split(s, ",")
	for i := range list {
		// white space before the first item and after the last is gone already,
		// but for what trim and this set disagree about
		if i > 0 {
			list[i] = strings.TrimLeft(list[i], " \t\n\v\f\r")
		}
		if i < len(list)-1 {
			list[i] = strings.TrimRight(list[i], " \t\n\v\f\r")
		}
	}
	return list
}

func millis(n int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Millisecond)
	return time.Duration(max(-most, min(most, n))) * time.Millisecond
}

// show writes a value as Java's ConfigDef.convertToString does.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []string:
		return strings.Join(v, ",")
	case float64:
		return string(data.AppendFloat64(nil, v))
	case time.Duration:
		return strconv.FormatInt(v.Milliseconds(), 10)
	}
	return fmt.Sprint(v)
}
