// Package sqldb writes records to tables of relational databases: MySQL and
// MariaDB, PostgreSQL, SQLite. Its property names are those of Confluent's
// JDBC sink, so that connector JSON written for it runs unchanged.
//
// Records of one Put become a list of chunks: rows of one table with the same
// columns and the same operation. A chunk is one statement, all chunks of a
// Put are one transaction. What differs between databases is behind two
// interfaces, dialect and conn; each writes values in the form that costs the
// database least: text literals to MySQL, an array per column to PostgreSQL,
// bound values to SQLite.
//
// The package imports connect, data, the three drivers and, of the standard
// library, database/sql.
package sqldb

import (
	"context"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Sink is the table sink.
var Sink = connect.SinkPlugin{
	Class:    "millwright.sqldb.SqlSinkConnector",
	Aliases:  []string{"io.confluent.connect.jdbc.JdbcSinkConnector"},
	Version:  "1.0.0",
	Config:   func() connect.Configurable { return new(config) },
	Check:    checkTogether,
	OpenTask: openTask,
	AlterOffsets: func(context.Context, connect.Props, map[connect.TopicPartition]*int64) (bool, error) {
		return true, nil // the sink keeps no offsets of its own
	},
}

func init() { connect.Register(Sink) }
