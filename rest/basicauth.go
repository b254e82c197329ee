package rest

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
)

const (
	// BasicAuthExtension is the one REST extension that there is a counterpart of.
	BasicAuthExtension = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"
	propertyFileLogin  = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule"
	loginProperty      = "java.security.auth.login.config"
)

// basicAuth is Java's basic authentication extension: who asks must name a user
// of a properties file, with its password. An empty file lets everybody in, as
// in Java.
type basicAuth struct{ users connect.Props }

// newBasicAuth returns nil when rest.extension.classes does not ask for it, and
// an error for other extensions: they are Java code.
func newBasicAuth(extensions []string, jaas string, log *slog.Logger) (*basicAuth, error) {
	wanted := false
	for _, class := range extensions {
		switch class = strings.TrimSpace(class); class {
		case "":
		case BasicAuthExtension, "BasicAuthSecurityRestExtension", "BasicAuthSecurity":
			wanted = true
		default:
			return nil, connect.ConfigErrorf("Invalid value %s for configuration rest.extension.classes: the only extension that Millwright has is %s; for others, put a proxy in front", class, BasicAuthExtension)
		}
	}
	if !wanted {
		return nil, nil
	}
	if jaas == "" {
		return nil, connect.ConfigErrorf("rest.extension.classes asks for basic authentication, but there is no JAAS configuration: set %s, as a property or in KAFKA_OPTS, to a file with a section KafkaConnect", loginProperty)
	}
	text, err := os.ReadFile(jaas)
	if err != nil {
		return nil, connect.ConfigErrorf("the JAAS configuration (%s) cannot be read: %w", loginProperty, err)
	}
	file, err := credentialsFile(string(text))
	if err != nil {
		return nil, connect.ConfigErrorf("JAAS configuration %s: %w", jaas, err)
	}
	users, err := config.ReadFile(file)
	if err != nil {
		return nil, connect.ConfigErrorf("Error loading Property Credentials file: %w", err)
	}
	if len(users) == 0 {
		log.Warn(fmt.Sprintf("Credential properties file '%s' is empty; all requests will be permitted", file))
	}
	return &basicAuth{users}, nil
}

// JAASFile finds the JAAS file where Java users name it: the worker's property,
// or -Djava.security.auth.login.config= in the environment variables that
// Java's start scripts read.
func JAASFile(p connect.Props, getenv func(string) string) string {
	if f := p[loginProperty]; f != "" {
		return f
	}
	for _, name := range []string{"KAFKA_OPTS", "KAFKA_JVM_OPTS", "EXTRA_ARGS", "JAVA_TOOL_OPTIONS", "JAVA_OPTS"} {
		for _, option := range strings.Fields(getenv(name)) {
			if f, ok := strings.CutPrefix(option, "-D"+loginProperty+"="); ok {
				return strings.Trim(f, `"'`)
			}
		}
	}
	return ""
}

var (
	jaasComment = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*|(?m:^\s*#[^\n]*)`)
	jaasSection = regexp.MustCompile(`(?s)KafkaConnect\s*\{([^}]*)\}`)
	jaasModule  = regexp.MustCompile(`(?s)^\s*(\S+)\s+\w+(.*?);`)
	jaasFile    = regexp.MustCompile(`(?s)\bfile\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))`)
)

// credentialsFile reads from a JAAS configuration where the users are.
func credentialsFile(jaas string) (string, error) {
	section := jaasSection.FindStringSubmatch(jaasComment.ReplaceAllString(jaas, ""))
	if section == nil {
		return "", fmt.Errorf("it has no section KafkaConnect { ... };")
	}
	module := jaasModule.FindStringSubmatch(section[1])
	if module == nil {
		return "", fmt.Errorf("its section KafkaConnect has no login module: %s required file=\"...\";", propertyFileLogin)
	}
	if module[1] != propertyFileLogin {
		return "", fmt.Errorf("login module %s is Java code; Millwright has %s", module[1], propertyFileLogin)
	}
	file := jaasFile.FindStringSubmatch(module[2])
	if file == nil || strings.TrimSpace(file[1]+file[2]+file[3]) == "" {
		return "", fmt.Errorf("Property Credentials file must be specified")
	}
	return file[1] + file[2] + file[3], nil
}

// allows reports whether a request has good credentials. Credentials that are
// not base64 are an error, which Java answers with 500.
func (a *basicAuth) allows(r *http.Request) (bool, error) {
	user, password, err := credentials(r.Header.Get("Authorization"))
	if err != nil {
		return false, err
	}
	if len(a.users) == 0 {
		return true, nil
	}
	want, known := a.users[user]
	same := subtle.ConstantTimeCompare([]byte(password), []byte(want)) == 1
	return known && same && user != "", nil
}

func credentials(header string) (user, password string, err error) {
	scheme, encoded, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return "", "", nil
	}
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		if b, err = base64.RawStdEncoding.DecodeString(encoded); err != nil {
			return "", "", illegalBase64(encoded, err)
		}
	}
	if !utf8.Valid(b) {
		return "", "", nil
	}
	user, password, ok = strings.Cut(string(b), ":")
	if !ok {
		return "", "", nil
	}
	return user, password, nil
}

func illegalBase64(s string, err error) error {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("+/=", rune(c)) {
			return fail(http.StatusInternalServerError, "Illegal base64 character %x", c)
		}
	}
	return fail(http.StatusInternalServerError, "the Authorization header holds no base64: %v", err)
}
