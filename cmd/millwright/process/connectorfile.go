package process

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/state"
)

// ReadConnectors reads connectors' files, as Apache Connect's standalone worker
// does: properties files, JSON objects of properties, or bodies of POST
// /connectors.
func ReadConnectors(paths []string) ([]ConnectorFile, error) {
	var all []ConnectorFile
	for _, path := range paths {
		c, err := ReadConnector(path)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// A ConnectorFile is a connector as a standalone worker finds it at its start.
type ConnectorFile struct {
	Path, Name string
	Props      connect.Props
	Initial    state.TargetState
}

// ReadConnector reads a connector's file, as Apache Connect's standalone worker
// does: a properties file, a JSON object of properties, or the body of POST
// /connectors. With an error it returns what it has read so far.
func ReadConnector(path string) (ConnectorFile, error) {
	c := ConnectorFile{Path: path}
	b, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if text := strings.TrimSpace(string(b)); strings.HasPrefix(text, "{") {
		var request struct {
			Name    string            `json:"name"`
			Config  map[string]string `json:"config"`
			Initial string            `json:"initial_state"`
		}
		if err := json.Unmarshal(b, &request); err == nil && request.Config != nil {
			c.Name, c.Props, c.Initial = request.Name, request.Config, state.TargetState(strings.ToUpper(request.Initial))
			if c.Name != "" && c.Props["name"] == "" {
				c.Props["name"] = c.Name
			}
		} else if err := json.Unmarshal(b, &c.Props); err != nil {
			return c, fmt.Errorf("%s is neither an object of properties with text values nor {\"name\": ..., \"config\": {...}}: %w", path, err)
		}
	} else if c.Props, err = config.ReadFile(path); err != nil {
		return c, err
	}
	if c.Name == "" {
		c.Name = c.Props["name"]
	}
	if c.Name == "" {
		return c, fmt.Errorf("%s: the connector has no name; add a line like name=%s", path, strings.TrimSuffix(base(path), ".properties"))
	}
	return c, nil
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
