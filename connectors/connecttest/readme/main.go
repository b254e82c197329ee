// Command readme writes the current property tables into the README of every
// plugin's folder. It is run by go generate in connectors/connecttest.
package main

import (
	"fmt"
	"os"

	_ "github.com/millwright-connect/millwright/connectors/all"
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
)

func main() {
	root := ".."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	changed, err := connecttest.RenewReadmes(&connect.Registered, root)
	for _, file := range changed {
		fmt.Println("renewed", file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "readme:", err)
		os.Exit(1)
	}
}
