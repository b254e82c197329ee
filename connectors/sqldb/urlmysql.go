package sqldb

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Parameters of the Java drivers that change nothing for a writer like this
// one: they are about the speed of those drivers or about reading.
const mysqlMeaningless = `rewritebatchedstatements useserverprepstmts cacheprepstmts prepstmtcachesize prepstmtcachesqllimit
	usebulkstmts usebulkstmtsforinserts usebatchmultisend cacheserverconfiguration uselocalsessionstate uselocaltransactionstate elidesetautocommits
	alwayssendsetisolation maintaintimestats cacheresultsetmetadata usecursorfetch defaultfetchsize autoreconnect maxreconnects
	initialtimeout failoverreadonly tcpkeepalive tcpnodelay nullcatalogmeanscurrent nulldatabasemeanscurrent zerodatetimebehavior
	tinyint1isbit transformedbitisboolean yearisdatetype uselegacydatetimecode uselegacydatetime noaccesstoprocedurebodies useinformationschema
	useunicode allowmultiqueries allowpublickeyretrieval jdbccomplianttruncation dumpqueriesonexception logger profilesql
	sendfractionalseconds useaffectedrows connectionattributes`

func mysqlTarget(s string, params map[string]string) (target, error) {
	t := target{kind: kindMySQL}
	if !strings.HasPrefix(s, "//") {
		mode, _, _ := strings.Cut(s, "//")
		return t, fmt.Errorf("{name}: %q before // is not supported by Millwright; name one host, as in jdbc:mysql://host:3306/db", mode)
	}
	l, err := parseLocation(s, params)
	if err != nil {
		return t, err
	}
	if len(l.hosts) > 1 || len(l.hosts) == 1 && strings.ContainsAny(l.hosts[0], "()=") {
		return t, fmt.Errorf("{name}: several hosts or hosts with options are not supported by Millwright; name one, as in jdbc:mysql://host:3306/db")
	}
	host, port := "127.0.0.1", "3306"
	if len(l.hosts) == 1 {
		if host, port, err = hostPort(l.hosts[0], port); err != nil {
			return t, err
		}
	}
	if l.db == "" {
		return t, fmt.Errorf("{name}: the name of the database is missing, as in jdbc:mysql://host:3306/db")
	}
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", joinHostPort(host, port), l.db
	t.mysql = c
	return t, mysqlParams(&t, c, l.params)
}

// mysqlParams applies parameters of Connector/J and of MariaDB's driver.
func mysqlParams(_ *target, c *mysql.Config, params map[string]string) (err error) {
	l := location{params: map[string]string{}}
	for k, v := range params {
		l.params[strings.ToLower(k)] = v
	}
	if v, ok := l.take("user"); ok {
		c.User = v
	}
	if v, ok := l.take("password"); ok {
		c.Passwd = v
	}
	if v, ok := l.take("connecttimeout"); ok {
		if c.Timeout, err = duration("connectTimeout", v, time.Millisecond); err != nil {
			return err
		}
	}
	if v, ok := l.take("sockettimeout"); ok {
		if c.ReadTimeout, err = duration("socketTimeout", v, time.Millisecond); err != nil {
			return err
		}
		c.WriteTimeout = c.ReadTimeout
	}
	if v, ok := l.take("usecompression"); ok {
		if err := c.Apply(mysql.EnableCompression(strings.EqualFold(v, "true"))); err != nil {
			return err
		}
	}
	for _, k := range []string{"characterencoding", "charset", "connectioncollation"} {
		if v, ok := l.take(k); ok && !strings.HasPrefix(strings.ReplaceAll(strings.ToLower(v), "-", ""), "utf8") {
			return fmt.Errorf("{name}: parameter %s must be UTF-8, which is what Millwright writes; leave it out", k)
		}
	}
	for _, k := range []string{"servertimezone", "connectiontimezone", "sessiontimezone", "timezone"} {
		if v, ok := l.take(k); ok {
			switch strings.ToUpper(v) {
			case "UTC", "GMT", "Z", "ETC/UTC", "+00:00", "GMT+0":
			default:
				return fmt.Errorf("{name}: parameter %s is not supported by Millwright; leave it out and set db.timezone", k)
			}
		}
	}
	if v, ok := l.take("sessionvariables"); ok {
		for _, assign := range strings.Split(v, ",") {
			name, value, _ := strings.Cut(assign, "=")
			if !plain(strings.TrimSpace(name)) {
				return errors.New("{name}: parameter sessionVariables must be a list of name=value")
			}
			if c.Params == nil {
				c.Params = map[string]string{}
			}
			c.Params[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	if err := mysqlTLS(c, &l); err != nil {
		return err
	}
	l.drop(mysqlMeaningless)
	return l.refuse()
}

// mysqlTLS reads the TLS parameters: sslMode, the older three of Connector/J,
// and serverSslCert of MariaDB's driver, a PEM file of authorities.
func mysqlTLS(c *mysql.Config, l *location) error {
	mode, set := l.take("sslmode")
	use, useSet := l.take("usessl")
	require, _ := l.take("requiressl")
	verify, _ := l.take("verifyservercertificate")
	if !set && (useSet || require != "" || verify != "") {
		mode, set = "disabled", true
		if strings.EqualFold(use, "true") || strings.EqualFold(require, "true") {
			mode = "required"
		}
		if mode == "required" && strings.EqualFold(verify, "true") {
			mode = "verify_ca"
		}
	}
	for _, k := range []string{"trustcertificatekeystoreurl", "truststore", "clientcertificatekeystoreurl", "keystore"} {
		if _, ok := l.params[k]; ok {
			return fmt.Errorf("{name}: parameter %s is not supported by Millwright; name the authorities' PEM file in serverSslCert", k)
		}
	}
	var roots *x509.CertPool
	if path, ok := l.take("serversslcert"); ok {
		pem, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("{name}: serverSslCert cannot be read: %w", err)
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("{name}: serverSslCert %s holds no certificate in PEM form", path)
		}
		if !set {
			mode, set = "verify_ca", true
		}
	}
	if !set {
		return nil
	}
	host, _, err := hostPort(c.Addr, "3306")
	if err != nil {
		return err
	}
	switch strings.ReplaceAll(strings.ToLower(mode), "-", "_") {
	case "disabled", "disable":
		c.TLSConfig = "false"
	case "preferred", "prefer":
		c.TLSConfig = "preferred"
	case "required", "require", "trust":
		c.TLS = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // what the mode means
	case "verify_ca":
		c.TLS = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, //nolint:gosec // the chain is verified below
			VerifyConnection: func(s tls.ConnectionState) error { return verifyChain(s, roots) }}
	case "verify_identity", "verify_full":
		c.TLS = &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}
	default:
		return errors.New("{name}: parameter sslMode must be one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY")
	}
	return nil
}

// verifyChain checks who signed the certificate but not whose it is.
func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
