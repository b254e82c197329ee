package services

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Millwright builds the program of this repository into dir, as it is shipped
// (no cgo), and returns its path. The build cache makes all but the first fast.
// MILLWRIGHT_TEST_PROGRAM names one that is built already.
func Millwright(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv("MILLWRIGHT_TEST_PROGRAM"); path != "" {
		return path, nil
	}
	path := filepath.Join(dir, "millwright")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/millwright-connect/millwright/cmd/millwright")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}
