package services

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

var _ = register(
	Service{
		Name:    "pymodbus, a Modbus TCP server in Python",
		Env:     "MILLWRIGHT_TEST_MODBUS_PYMODBUS",
		Missing: pymodbusMissing,
		Install: "(python3 -m venv -h >/dev/null || apt-get install -y python3-venv) && python3 -m venv " + pymodbusHome() +
			" && " + pymodbusHome() + "/bin/pip install -q pymodbus==3.16.1",
		Start: func(ctx context.Context, dir string) (string, *Process, error) {
			p, err := StartPymodbus(ctx, dir, 0)
			return p.addr(), p, err
		},
	},
	Service{
		Name:    "libmodbus, a Modbus TCP server in C",
		Env:     "MILLWRIGHT_TEST_MODBUS_LIBMODBUS",
		Missing: libmodbusMissing,
		Install: "apt-get install -y libmodbus-dev gcc pkg-config",
		Start: func(ctx context.Context, dir string) (string, *Process, error) {
			p, err := StartLibmodbus(ctx, dir, 0)
			return p.addr(), p, err
		},
	},
)

func pymodbusHome() string { return filepath.Join(Cache(), "modbus-pymodbus") }

func pymodbusMissing() string {
	if found, _ := filepath.Glob(filepath.Join(pymodbusHome(), "lib", "python*", "site-packages", "pymodbus", "simulator")); len(found) == 0 {
		return "pymodbus is not installed in " + pymodbusHome()
	}
	return ""
}

func libmodbusMissing() string {
	if m := have("gcc", "pkg-config"); m != "" {
		return m
	}
	if err := exec.Command("pkg-config", "--exists", "libmodbus").Run(); err != nil { //nolint:noctx // it does not wait
		return "libmodbus is not installed"
	}
	return ""
}

// addr is host:port; of no process, nothing.
func (p *Process) addr() string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("127.0.0.1:%d", p.Port)
}

// StartPymodbus starts pymodbus, with the tables that files/modbus_pymodbus.py
// describes, on a given port or, with 0, on a free one.
func StartPymodbus(ctx context.Context, dir string, port int) (*Process, error) {
	if m := pymodbusMissing(); m != "" {
		return nil, errors.New(m)
	}
	script, err := unpack("modbus_pymodbus.py", dir)
	if err != nil {
		return nil, err
	}
	if port, err = orFree(port); err != nil {
		return nil, err
	}
	return start(ctx, port, dir, nil, filepath.Join(pymodbusHome(), "bin", "python"), script, strconv.Itoa(port))
}

// StartLibmodbus builds and starts a server on libmodbus with the same tables,
// as StartPymodbus does.
func StartLibmodbus(ctx context.Context, dir string, port int) (*Process, error) {
	if m := libmodbusMissing(); m != "" {
		return nil, errors.New(m)
	}
	source, err := unpack("modbus_libmodbus.c", dir)
	if err != nil {
		return nil, err
	}
	flags, err := exec.CommandContext(ctx, "pkg-config", "--cflags", "--libs", "libmodbus").Output()
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "modbus_libmodbus")
	if err := output(ctx, dir, "gcc", append([]string{"-O1", "-o", program, source}, strings.Fields(string(flags))...)...); err != nil {
		return nil, err
	}
	if port, err = orFree(port); err != nil {
		return nil, err
	}
	return start(ctx, port, dir, nil, program, strconv.Itoa(port))
}

// orFree returns port, or a free one in place of 0.
func orFree(port int) (int, error) {
	if port != 0 {
		return port, nil
	}
	ports, err := FreePorts(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}
