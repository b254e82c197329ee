package transforms

import (
	"slices"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// addHeader returns the headers with one more; the old ones are shared.
func addHeader(headers []connect.Header, name string, d data.Datum) []connect.Header {
	return append(headers[:len(headers):len(headers)], connect.Header{Key: name, Value: d})
}

func hasHeader(headers []connect.Header, names ...string) bool {
	for i := range headers {
		if slices.Contains(names, headers[i].Key) {
			return true
		}
	}
	return false
}
