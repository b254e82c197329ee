package registry

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

const (
	serializationException = "org.apache.kafka.common.errors.SerializationException"
	networkException       = "org.apache.kafka.common.errors.NetworkException"
)

// A client asks the registry. What it answers once for all, which is what an id
// stands for, is kept.
type client struct {
	cl        *sr.Client
	settings  *settings
	transport *http.Transport
	schemas   map[int]sr.Schema
	guids     map[[16]byte]int
}

// ask calls the registry, again if it could not serve.
func ask[T any](c *client, call func(context.Context) (T, error)) (v T, err error) {
	wait := c.settings.retryWait
	for n := 0; ; n++ {
		ctx, cancel := context.WithTimeout(context.Background(), c.settings.connectTimeout+c.settings.readTimeout)
		v, err = call(ctx)
		cancel()
		if err == nil || n >= c.settings.retries || !passes(err) {
			return v, err
		}
		time.Sleep(min(wait, c.settings.retryMax))
		wait *= 2
	}
}

// passes reports whether an error may pass by itself.
func passes(err error) bool {
	var r *sr.ResponseError
	if errors.As(err, &r) {
		switch r.StatusCode {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	return true
}

func notFound(err error) bool {
	var r *sr.ResponseError
	return errors.As(err, &r) && r.StatusCode == http.StatusNotFound
}

// failed makes an error of the registry one that users can act on: they are
// told what was asked, and a registry that is away may be back for another try.
func failed(err error, format string, args ...any) error {
	var r *sr.ResponseError
	if errors.As(err, &r) && !passes(err) {
		why := r.Message
		if r.StatusCode == http.StatusUnauthorized || r.StatusCode == http.StatusForbidden {
			why += " (see basic.auth.user.info)"
		}
		e := connect.Errorf(serializationException, format, args...)
		e.Cause = connect.Errorf("io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException",
			"%s; error code: %d", why, r.ErrorCode)
		return e
	}
	e := connect.Errorf(networkException, format, args...)
	e.Message += ": " + err.Error()
	return e
}

// register returns the id of a schema under a subject.
func (c *client) register(subject string, s sr.Schema) (int, error) {
	if c.settings.autoRegister {
		id, err := ask(c, func(ctx context.Context) (int, error) { return c.cl.RegisterSchema(ctx, subject, s, -1, -1) })
		if err != nil {
			return 0, failed(err, "Error registering %s schema under subject %s", s.Type, subject)
		}
		return id, nil
	}
	found, err := ask(c, func(ctx context.Context) (sr.SubjectSchema, error) { return c.cl.LookupSchema(ctx, subject, s) })
	if err != nil {
		return 0, failed(err, "Error retrieving %s schema of subject %s, which auto.register.schemas=false forbids to register", s.Type, subject)
	}
	return found.ID, nil
}

// latest returns the latest schema of a subject.
func (c *client) latest(subject string) (sr.SubjectSchema, error) {
	found, err := ask(c, func(ctx context.Context) (sr.SubjectSchema, error) { return c.cl.SchemaByVersion(ctx, subject, -1) })
	if err != nil {
		return found, failed(err, "Error retrieving the latest schema of subject %s", subject)
	}
	return found, nil
}

// byID returns the schema of an id.
func (c *client) byID(id int) (sr.Schema, error) {
	if s, ok := c.schemas[id]; ok {
		return s, nil
	}
	s, err := ask(c, func(ctx context.Context) (sr.Schema, error) { return c.cl.SchemaByID(ctx, id) })
	if err != nil {
		return s, failed(err, "Error retrieving schema with id %d", id)
	}
	c.schemas[id] = s
	return s, nil
}

// byGUID returns the schema of a global id.
func (c *client) byGUID(guid string) (sr.SubjectSchema, error) {
	s, err := ask(c, func(ctx context.Context) (sr.SubjectSchema, error) { return c.cl.SchemaByGUID(ctx, guid) })
	if err != nil {
		return s, failed(err, "Error retrieving schema with guid %s", guid)
	}
	return s, nil
}

// version returns the version that a schema has under a subject, 0 if it has
// none there.
func (c *client) version(subject string, s sr.Schema) (int, error) {
	found, err := ask(c, func(ctx context.Context) (sr.SubjectSchema, error) { return c.cl.LookupSchema(ctx, subject, s) })
	switch {
	case err == nil:
		return found.Version, nil
	case notFound(err):
		return 0, nil
	}
	return 0, failed(err, "Error retrieving the version of a schema under subject %s", subject)
}

// references returns the schemas that s refers to, those that others of them
// refer to first, by the names they are referred to.
func (c *client) references(s sr.Schema) ([]reference, error) {
	var all []reference
	seen := map[string]bool{}
	var add func(refs []sr.SchemaReference) error
	add = func(refs []sr.SchemaReference) error {
		for _, r := range refs {
			if seen[r.Name] {
				continue
			}
			seen[r.Name] = true
			found, err := ask(c, func(ctx context.Context) (sr.SubjectSchema, error) {
				return c.cl.SchemaByVersion(ctx, r.Subject, r.Version)
			})
			if err != nil {
				return failed(err, "Error retrieving version %d of subject %s, which a schema refers to as %s", r.Version, r.Subject, r.Name)
			}
			if err := add(found.References); err != nil {
				return err
			}
			all = append(all, reference{r.Name, found.Schema.Schema})
		}
		return nil
	}
	if err := add(s.References); err != nil {
		return nil, err
	}
	return all, nil
}

// A reference is a schema that another refers to by name.
type reference struct{ name, schema string }

// Close lets the connections go.
func (c *client) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}

// wrap makes err of a conversion one of Connect's. An error of the network may
// pass, so it asks for another try.
func wrap(err error, message string) error {
	var e *data.Error
	if errors.As(err, &e) {
		switch e.Class {
		case data.DataException, connect.ConfigException, data.SchemaBuilderException:
			return err
		case networkException:
			return connect.Retry(&data.Error{Class: connect.RetriableException, Message: message, Cause: err}, 0)
		}
	}
	return &data.Error{Class: data.DataException, Message: message, Cause: err}
}
