//go:build !unix

package demo

import "os"

// lock does nothing: SQLite and the ports keep two demos apart well enough.
func lock(*os.File) error { return nil }
