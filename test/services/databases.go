package services

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

var _ = register(mariadbService, postgresService)

var mariadbService = Service{
	Name:    "MariaDB",
	Env:     "MILLWRIGHT_TEST_MARIADB",
	Missing: func() string { return have("mariadbd", "mariadb-install-db") },
	Install: "apt-get install -y mariadb-server",
	Start: func(ctx context.Context, dir string) (string, *Process, error) {
		data := filepath.Join(dir, "data")
		args := []string{"--no-defaults", "--datadir=" + data}
		if os.Geteuid() == 0 {
			args = append(args, "--user=root")
		}
		if err := output(ctx, dir, "mariadb-install-db", append(args, "--auth-root-authentication-method=normal", "--skip-test-db")...); err != nil {
			return "", nil, err
		}
		ports, err := FreePorts(1)
		if err != nil {
			return "", nil, err
		}
		p, err := start(ctx, ports[0], dir, nil, "mariadbd", append(args, "--bind-address=127.0.0.1", "--port="+strconv.Itoa(ports[0]),
			"--socket="+dir+"/s.sock", "--pid-file="+dir+"/s.pid", "--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve")...)
		if err != nil {
			return "", nil, err
		}
		err = output(ctx, dir, "mariadb", "--no-defaults", "--socket="+dir+"/s.sock", "-u", "root", "-e", "CREATE DATABASE millwright")
		return fmt.Sprintf("root@tcp(127.0.0.1:%d)/millwright", ports[0]), p, err
	},
}

// postgresBin finds PostgreSQL's server commands, which Debian keeps out of the
// path.
func postgresBin() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}

var postgresService = Service{
	Name: "PostgreSQL",
	Env:  "MILLWRIGHT_TEST_POSTGRES",
	Missing: func() string {
		if postgresBin() == "" {
			return "PostgreSQL's initdb is not installed"
		}
		return ""
	},
	Install: "apt-get install -y postgresql",
	Start: func(ctx context.Context, dir string) (string, *Process, error) {
		data := filepath.Join(dir, "data")
		if err := os.MkdirAll(data, 0o700); err != nil {
			return "", nil, err
		}
		run := func(args ...string) []string { return args }
		if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
			run = func(args ...string) []string { return append([]string{"runuser", "-u", "postgres", "--"}, args...) }
			if err := giveTo("postgres", dir, data); err != nil {
				return "", nil, err
			}
		}
		initdb := run(postgresBin()+"/initdb", "-D", data, "-A", "trust", "-U", "postgres", "-N")
		if err := output(ctx, data, initdb[0], initdb[1:]...); err != nil {
			return "", nil, err
		}
		ports, err := FreePorts(1)
		if err != nil {
			return "", nil, err
		}
		server := run(postgresBin()+"/postgres", "-D", data, "-p", strconv.Itoa(ports[0]), "-c", "listen_addresses=127.0.0.1",
			"-c", "unix_socket_directories="+dir, "-c", "fsync=off")
		p, err := start(ctx, ports[0], dir, nil, server[0], server[1:]...)
		return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", ports[0]), p, err
	},
}

// giveTo makes a user own folders, and lets it through to them.
func giveTo(name string, dirs ...string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if err := os.Chown(d, uid, -1); err != nil {
			return err
		}
	}
	return os.Chmod(filepath.Dir(dirs[0]), 0o755)
}
