package modbus

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode"
)

// A deviceAddress is one device: a unit behind a TCP address.
type deviceAddress struct {
	name string
	addr string // host:port
	unit uint8
}

// spec writes the address so that parseDevices reads it again.
func (d deviceAddress) spec() string { return d.name + "=" + d.addr + "/" + strconv.Itoa(int(d.unit)) }

const defaultPort = "502"

// parseDevices reads the address property: [name=][tcp://]host[:port][/unit]
// each. An address without a unit stands for every one of units.
func parseDevices(list, units []string) ([]deviceAddress, error) {
	ids := make([]uint8, len(units))
	for i, u := range units {
		var err error
		if ids[i], err = parseUnit(u); err != nil {
			return nil, err
		}
	}
	var out []deviceAddress
	names, places := map[string]bool{}, map[string]string{}
	for _, item := range list {
		found, err := parseDevice(item, ids)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", item, err)
		}
		for _, d := range found {
			if names[d.name] {
				return nil, fmt.Errorf("%q: there are two devices named %q; give each a name of its own, such as press2=%s", item, d.name, d.addr)
			}
			names[d.name] = true
			place := d.addr + "/" + strconv.Itoa(int(d.unit))
			if first, dup := places[place]; dup {
				return nil, fmt.Errorf("%q: devices %q and %q are the same unit %d at %s", item, first, d.name, d.unit, d.addr)
			}
			places[place] = d.name
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("name at least one device, such as press1=192.168.0.10:502/1")
	}
	return out, nil
}

func parseDevice(item string, units []uint8) ([]deviceAddress, error) {
	rest := item
	name, after, named := strings.Cut(rest, "=")
	if named {
		if rest = after; name == "" || strings.ContainsFunc(name, unfit) {
			return nil, fmt.Errorf("the name before = must not be empty nor hold white space")
		}
	}
	if scheme, after, ok := strings.Cut(rest, "://"); ok {
		if scheme != "tcp" {
			return nil, fmt.Errorf("%s:// is not supported; use tcp://", scheme)
		}
		rest = after
	}
	if at := strings.LastIndexByte(rest, '/'); at >= 0 {
		own, err := parseUnit(rest[at+1:])
		if err != nil {
			return nil, err
		}
		units, rest = []uint8{own}, rest[:at]
	}
	addr, err := hostPort(rest)
	if err != nil {
		return nil, err
	}
	out := make([]deviceAddress, len(units))
	for i, u := range units {
		d := deviceAddress{name, addr, u}
		switch {
		case !named:
			d.name = addr + "/" + strconv.Itoa(int(u))
		case len(units) > 1:
			d.name = name + "/" + strconv.Itoa(int(u))
		}
		out[i] = d
	}
	return out, nil
}

func unfit(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

func hostPort(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), defaultPort
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", fmt.Errorf("%q is not host, host:port or [IPv6]:port", s)
		}
	}
	if host == "" || strings.ContainsFunc(host, unfit) || strings.ContainsAny(host, "/@") {
		return "", fmt.Errorf("%q has no host; write host:port", s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	return net.JoinHostPort(host, port), nil
}

func parseUnit(s string) (uint8, error) {
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("unit id %q is not a number from 0 to 255", s)
	}
	return uint8(n), nil
}

// byAddress groups devices that share a connection, in order of appearance.
func byAddress(devices []deviceAddress) [][]deviceAddress {
	var out [][]deviceAddress
	at := map[string]int{}
	for _, d := range devices {
		i, ok := at[d.addr]
		if !ok {
			i = len(out)
			at[d.addr] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], d)
	}
	return out
}
