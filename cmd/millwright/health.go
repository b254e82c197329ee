package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

var healthCommand = command{
	name:    "health",
	summary: "ask a worker whether it is healthy; exit code 0 if it is",
	usage: `Usage: millwright health [URL]

Asks GET /health of a worker's REST API. For container health checks: exit code
0 when the worker is healthy, 1 when it is not or does not answer.

  millwright health
  millwright health http://gateway-7:8083`,
}

func init() { healthCommand.run = askHealth }

func askHealth(ctx context.Context, args []string, std stdio) error {
	fs := newFlags(&healthCommand, std)
	timeout := fs.Duration("timeout", 5*time.Second, "how long to wait for the answer")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	url := "http://127.0.0.1:8083"
	switch len(rest) {
	case 0:
	case 1:
		url = rest[0]
	default:
		return misuse("one URL at most, not %d", len(rest))
	}
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", nil)
	if err != nil {
		return misuse("%q is not a URL: %v", url, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the worker does not answer: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return fmt.Errorf("the worker's answer broke off: %w", err)
	}
	fmt.Fprintf(std.out, "%s\n", body)
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the worker is not healthy: %s", res.Status)
	}
	return nil
}
