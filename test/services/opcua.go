package services

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

var _ = register(
	Service{
		Name:    "asyncua, an OPC UA server in Python",
		Env:     "MILLWRIGHT_TEST_OPCUA_ASYNCUA",
		Missing: asyncuaMissing,
		Install: "(python3 -m venv -h >/dev/null || apt-get install -y python3-venv) && python3 -m venv " + asyncuaHome() +
			" && " + asyncuaHome() + "/bin/pip install -q asyncua==2.1.0",
		Start: func(ctx context.Context, dir string) (string, *Process, error) {
			p, err := StartAsyncua(ctx, dir, 0)
			return p.Endpoint(), p.process(), err
		},
	},
	Service{
		Name:    "node-opcua, an OPC UA server in JavaScript",
		Env:     "MILLWRIGHT_TEST_OPCUA_NODE",
		Missing: nodeOPCUAMissing,
		Install: "(command -v npm || apt-get install -y npm) && mkdir -p " + nodeOPCUAHome() +
			" && npm install --silent --no-audit --no-fund --prefix " + nodeOPCUAHome() + " node-opcua@2.186.4",
		Start: func(ctx context.Context, dir string) (string, *Process, error) {
			p, err := StartNodeOPCUA(ctx, dir, 0, false)
			return p.Endpoint(), p.process(), err
		},
	},
)

func asyncuaHome() string   { return filepath.Join(Cache(), "opcua-asyncua") }
func nodeOPCUAHome() string { return filepath.Join(Cache(), "opcua-node") }

func asyncuaMissing() string {
	if m := exists(filepath.Join(asyncuaHome(), "bin", "python"), "asyncua's environment"); m != "" {
		return m
	}
	if found, _ := filepath.Glob(filepath.Join(asyncuaHome(), "lib", "python*", "site-packages", "asyncua")); len(found) == 0 {
		return "asyncua is not installed in " + asyncuaHome()
	}
	return ""
}

func nodeOPCUAMissing() string {
	if m := have("node"); m != "" {
		return m
	}
	return exists(filepath.Join(nodeOPCUAHome(), "node_modules", "node-opcua"), "node-opcua")
}

// An OPCUAServer is a running OPC UA server with the address space that
// files/opcua_asyncua.py describes.
type OPCUAServer struct {
	*Process
	Certificate string // file with the server's certificate, DER
	PKI         string // node-opcua: folder with trusted/certs and rejected
}

// Endpoint returns the URL to connect to; of no server, nothing.
func (s *OPCUAServer) Endpoint() string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("opc.tcp://127.0.0.1:%d/millwright", s.Port)
}

func (s *OPCUAServer) process() *Process {
	if s == nil {
		return nil
	}
	return s.Process
}

// StartAsyncua starts asyncua with its files in dir, on a given port or, with
// 0, on a free one. A dir that was used before gives it the same certificate.
func StartAsyncua(ctx context.Context, dir string, port int) (*OPCUAServer, error) {
	if m := asyncuaMissing(); m != "" {
		return nil, errors.New(m)
	}
	port, script, err := opcuaFiles(dir, port, "opcua_asyncua.py")
	if err != nil {
		return nil, err
	}
	cert := filepath.Join(dir, "server.der")
	p, err := start(ctx, port, dir, nil, filepath.Join(asyncuaHome(), "bin", "python"), script, strconv.Itoa(port), cert, filepath.Join(dir, "server.key.pem"))
	if err != nil {
		return nil, err
	}
	return &OPCUAServer{Process: p, Certificate: cert}, nil
}

// StartNodeOPCUA starts node-opcua as StartAsyncua does asyncua. A strict one
// refuses clients whose certificate is not in PKI/trusted/certs.
func StartNodeOPCUA(ctx context.Context, dir string, port int, strict bool) (*OPCUAServer, error) {
	if m := nodeOPCUAMissing(); m != "" {
		return nil, errors.New(m)
	}
	port, script, err := opcuaFiles(dir, port, "opcua_node.js")
	if err != nil {
		return nil, err
	}
	s := &OPCUAServer{Certificate: filepath.Join(dir, "server.der"), PKI: filepath.Join(dir, "pki")}
	args := []string{script, strconv.Itoa(port), filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key.pem"), s.PKI}
	if strict {
		args = append(args, "strict")
	}
	// HOME: it keeps a folder of its own there.
	env := []string{"NODE_PATH=" + filepath.Join(nodeOPCUAHome(), "node_modules"), "HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
	if s.Process, err = start(ctx, port, dir, env, "node", args...); err != nil {
		return nil, err
	}
	return s, nil
}

func opcuaFiles(dir string, port int, script string) (int, string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, "", err
	}
	if port == 0 {
		ports, err := FreePorts(1)
		if err != nil {
			return 0, "", err
		}
		port = ports[0]
	}
	path, err := unpack(script, dir)
	if err != nil {
		return 0, "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "server.der")); err == nil {
		return port, path, nil
	}
	return port, path, OPCUACertificate(dir, "server", "urn:millwright:test:server")
}

// OPCUACertificate makes a self-signed application certificate in dir:
// NAME.der, NAME.pem and its key NAME.key.pem (PKCS#8).
func OPCUACertificate(dir, name, uri string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	app, err := url.Parse(uri)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return err
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "millwright test " + name, Organization: []string{"Millwright"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment | x509.KeyUsageKeyEncipherment | x509.KeyUsageDataEncipherment | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{app}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for file, b := range map[string][]byte{
		name + ".der":     der,
		name + ".pem":     pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		name + ".key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
