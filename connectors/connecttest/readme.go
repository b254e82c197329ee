package connecttest

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A README has the property table of a plugin between two lines:
//
//	<!-- properties of the source -->
//	<!-- end -->
//
// "the source" and "the sink" stand for the folder's only one; else a plugin is
// named by its class or by what follows the last dot of it.
const (
	tableBegin = "<!-- properties of "
	tableEnd   = "<!-- end -->"
)

// simple is a class without its packages.
func simple(class string) string { return class[strings.LastIndexByte(class, '.')+1:] }

// names reports whether what stands in a README names a class.
func names(what, class string) bool {
	s := simple(class)
	switch what {
	case "the source":
		return strings.HasSuffix(s, "SourceConnector")
	case "the sink":
		return strings.HasSuffix(s, "SinkConnector")
	}
	outer, _, _ := strings.Cut(s, "$") // $Key and $Value share a table
	return what == class || what == s || what == outer
}

// renew puts tables between their lines; table returns the one for what stands
// in the first line, or false to leave it. It returns the new text and how many
// tables it knew.
func renew(text string, table func(what string) (string, bool)) (renewed string, places int, err error) {
	var b strings.Builder
	for {
		at := strings.Index(text, tableBegin)
		if at < 0 {
			b.WriteString(text)
			return b.String(), places, nil
		}
		line, rest, ok := strings.Cut(text[at:], "\n")
		what, closed := strings.CutSuffix(strings.TrimPrefix(strings.TrimRight(line, " \r"), tableBegin), " -->")
		end := strings.Index(rest, tableEnd)
		if !ok || !closed || end < 0 || strings.Contains(rest[:end], tableBegin) {
			return "", 0, fmt.Errorf("the line %q is not followed by %q", line, tableEnd)
		}
		b.WriteString(text[:at] + line + "\n")
		if t, known := table(what); known {
			places++
			b.WriteString("\n" + t + "\n")
		} else {
			b.WriteString(rest[:end])
		}
		b.WriteString(tableEnd)
		text = rest[end+len(tableEnd):]
	}
}

// RenewReadmes writes the current property tables of all plugins into the
// README.md of their folders below root, the folder of connectors. A plugin's
// folder is that of its config type. It returns the files that it changed, and
// an error for a README that cannot be read or names what is not there.
func RenewReadmes(plugins *connect.Plugins, root string) (changed []string, err error) {
	tables := map[string]map[string]string{} // folder → class → table
	for _, l := range plugins.List() {
		config := configOf(plugins, l)
		if config == nil {
			continue
		}
		folder, ok := folderOf(config)
		if !ok {
			continue
		}
		if tables[folder] == nil {
			tables[folder] = map[string]string{}
		}
		tables[folder][l.Class] = connect.Markdown(config)
	}
	folders := make([]string, 0, len(tables))
	for f := range tables {
		folders = append(folders, f)
	}
	slices.Sort(folders)
	for _, folder := range folders {
		file := filepath.Join(root, folder, "README.md")
		wrote, err := renewFile(file, tables[folder])
		if err != nil {
			return changed, fmt.Errorf("%s: %w", file, err)
		}
		if wrote {
			changed = append(changed, file)
		}
	}
	return changed, nil
}

func renewFile(file string, tables map[string]string) (wrote bool, err error) {
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var unknown []string
	now, _, err := renew(string(text), func(what string) (string, bool) {
		var found []string
		for class, table := range tables {
			if names(what, class) && !slices.Contains(found, table) {
				found = append(found, table)
			}
		}
		if len(found) != 1 {
			unknown = append(unknown, what)
			return "", false
		}
		return found[0], true
	})
	if err != nil {
		return false, err
	}
	if unknown != nil {
		return false, fmt.Errorf("it has places for the properties of %s, which is no plugin of the folder, or more than one", strings.Join(unknown, ", "))
	}
	if now == string(text) {
		return false, nil
	}
	return true, os.WriteFile(file, []byte(now), 0o644) //nolint:gosec // for everybody to read
}

func configOf(ps *connect.Plugins, l connect.Listed) connect.Configurable {
	var config func() connect.Configurable
	switch l.Type {
	case connect.Source:
		p, _ := ps.Sources.Find(l.Class)
		config = p.Config
	case connect.Sink:
		p, _ := ps.Sinks.Find(l.Class)
		config = p.Config
	case connect.ConverterType:
		p, _ := ps.Converters.Find(l.Class)
		config = p.Config
	case connect.HeaderConverting:
		p, _ := ps.HeaderConverters.Find(l.Class)
		config = p.Config
	case connect.Transformation:
		p, _ := ps.Transforms.Find(l.Class)
		config = p.Config
	case connect.PredicateType:
		p, _ := ps.Predicates.Find(l.Class)
		config = p.Config
	}
	if config == nil {
		return nil
	}
	return config()
}

// folderOf returns the folder below connectors of a config's type.
func folderOf(c connect.Configurable) (string, bool) {
	t := reflect.TypeOf(c)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	_, folder, ok := strings.Cut(t.PkgPath(), "/connectors/")
	return folder, ok && folder != "connect" && !strings.HasPrefix(folder, "internal/")
}
