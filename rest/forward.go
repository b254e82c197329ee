package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/group"
	"github.com/millwright-connect/millwright/worker/kafka"
)

// A Client sends requests to other workers. It is the worker's Peers.
type Client struct {
	s    *Server
	http *http.Client
}

var _ worker.Peers = (*Client)(nil)

// newClient makes a client that uses the TLS settings of the listeners, as
// Java's does. Each request has a connection of its own: they are few, and one
// that the other side has just closed would lose a request.
func newClient(s *Server) (*Client, error) {
	tlsConfig, err := kafka.ClientTLS(s.settings.ListenerTLS())
	if err != nil {
		return nil, err
	}
	return &Client{s, &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, TLSClientConfig: tlsConfig, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// PutTasks has the leader at url write a connector's task properties.
func (c *Client) PutTasks(ctx context.Context, url, connector string, tasks []connect.Props) error {
	list := make([]connect.Props, len(tasks)) // never null, nor its elements
	for i, t := range tasks {
		if list[i] = t; t == nil {
			list[i] = connect.Props{}
		}
	}
	body, err := encode(list)
	if err != nil {
		return err
	}
	_, err = c.signed(ctx, http.MethodPost, url, "tasks", connector, body)
	return err
}

// Fence has the leader at url fence earlier tasks of a connector.
func (c *Client) Fence(ctx context.Context, url, connector string) error {
	_, err := c.signed(ctx, http.MethodPut, url, "fence", connector, nil)
	return err
}

func (c *Client) signed(ctx context.Context, method, url, what, connector string, body []byte) (*answer, error) {
	h := http.Header{}
	if w := c.s.worker.Load(); w != nil && (*w).Sessioned() {
		if key := (*w).SessionKey(); key != nil {
			group.Sign(h, c.s.settings.Signing.Algorithm, key.Key, body)
		}
	}
	return c.send(ctx, method, strings.TrimSuffix(url, "/")+"/connectors/"+segment(connector)+"/"+what, h, body)
}

// send sends a request and reads the answer. The errors are those of Java's
// RestClient.
func (c *Client) send(ctx context.Context, method, url string, h http.Header, body []byte) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(string(body)))
	if err != nil {
		return nil, fail(http.StatusInternalServerError, "Error trying to forward REST request: %v", err)
	}
	req.Header = h
	h.Set("Accept", "application/json")
	h.Set("User-Agent", "kafka-connect")
	if body != nil {
		h.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fail(http.StatusInternalServerError, "IO Error trying to forward REST request: %v", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	switch {
	case err != nil:
		return nil, fail(http.StatusInternalServerError, "IO Error trying to forward REST request: %v", err)
	case res.StatusCode == http.StatusNoContent:
		return &answer{status: res.StatusCode}, nil
	case res.StatusCode >= 400:
		var e errorMessage
		if err := json.Unmarshal(b, &e); err != nil || e.Code == 0 {
			return nil, fail(http.StatusInternalServerError, "IO Error trying to forward REST request: %s answered %s with a body that is no error message", url, res.Status)
		}
		return nil, &statusError{status: res.StatusCode, message: e.Message}
	case res.StatusCode >= 300 || res.StatusCode < 200:
		return nil, fail(http.StatusInternalServerError, "Unexpected status code when handling forwarded request: %d", res.StatusCode)
	case len(b) == 0:
		return &answer{status: res.StatusCode}, nil
	case !json.Valid(b):
		return nil, fail(http.StatusInternalServerError, "IO Error trying to forward REST request: %s answered %s with a body that is not JSON", url, res.Status)
	}
	return &answer{status: res.StatusCode, raw: b}, nil
}

// forward has another worker do what this one cannot: the leader, or the owner
// of what it is about. A request makes two hops at most; query parameter
// forward counts them: a user's request has none, the first hop has true, which
// allows another, the second has false.
func (s *Server) forward(ctx context.Context, q *request, moved *worker.MovedError) (*answer, error) {
	r := q.http
	query := r.URL.Query()
	hop, given := q.query("forward")
	if given && !strings.EqualFold(hop, "true") {
		s.log.Error(fmt.Sprintf("Request '%s %s' failed because it couldn't find the target Connect worker within two hops (between workers).", r.Method, r.URL.Path))
		return nil, fail(http.StatusConflict, "Cannot complete request because of a conflicting operation (e.g. worker rebalance)")
	}
	if moved.URL == "" {
		return nil, fail(http.StatusConflict, "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.")
	}
	query.Set("forward", fmt.Sprint(!given))
	h := http.Header{}
	for _, name := range []string{"Authorization", group.SignatureHeader, group.SignatureAlgorithmHeader} {
		if v, set := r.Header[http.CanonicalHeaderKey(name)]; set {
			h[http.CanonicalHeaderKey(name)] = v
		}
	}
	to := strings.TrimSuffix(moved.URL, "/") + (&url.URL{Path: r.URL.Path}).EscapedPath() + "?" + query.Encode()
	s.log.Debug("a request is forwarded", "method", r.Method, "to", to)
	// The other worker may take as long as this one; its answer is to arrive.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(s.requestTimeout.Load())+5*time.Second)
	defer cancel()
	a, err := s.client.send(ctx, r.Method, to, h, q.body)
	if err != nil {
		var e *statusError
		if errors.As(err, &e) && e.status >= http.StatusInternalServerError {
			s.log.Error("a forwarded request failed", "method", r.Method, "to", to, "error", err)
		}
		return nil, err
	}
	if a.status == http.StatusCreated {
		a.name = createdName(a.raw)
	}
	return a, nil
}

// createdName is the name in the answer to a creation.
func createdName(body []byte) string {
	var info struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(body, &info); err != nil {
		return ""
	}
	return info.Name
}
