package sqldb

import (
	"context"
	"errors"
	"io"
	"net"
)

// A fault is what an error of the database means for the write.
type fault uint8

const (
	fatal   fault = iota // a mistake in set-up: trying again does not help
	passing              // a deadlock, a busy server: the same again may succeed
	lost                 // passing, and the connection is gone
	stale                // the table is not what it was: describe it anew
	badData              // one of the rows can never be written
)

// lostConnection reports whether err comes from the network rather than from
// the database.
func lostConnection(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded)
}

// sqlState classifies the codes that SQL and PostgreSQL define.
func sqlState(code string) fault {
	switch code {
	case "42P01", "42703", "42S02", "42S22": // no such table or column
		return stale
	case "21000": // two rows of an upsert have what the table takes for one key
		return badData
	case "55P03", "25006", "25P02": // a lock is not to be had, the server is read-only for now
		return passing
	case "57014": // cancelled, by a time limit of the server
		return passing
	}
	if len(code) != 5 {
		return fatal
	}
	switch code[:2] {
	case "08", "57":
		return lost
	case "40", "53", "58":
		return passing
	case "22", "23", "44", "P0":
		return badData
	}
	return fatal
}
