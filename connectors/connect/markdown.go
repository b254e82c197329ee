package connect

import (
	"fmt"
	"strings"
)

// Markdown renders the properties of c as the tables of a README: one for each
// group under its name, one without a heading when there are no groups.
func Markdown(c Configurable) string {
	var d ConfigDef
	c.Define(&d)
	return d.Markdown()
}

// Markdown renders the properties as Markdown tables.
func (d *ConfigDef) Markdown() string {
	if len(d.fields) == 0 && len(d.open) == 0 {
		return "It has no properties.\n"
	}
	var b strings.Builder
	groups := d.groups
	for _, f := range d.fields {
		if f.info().group == "" {
			groups = append([]string{""}, groups...)
			break
		}
	}
	if len(groups) == 0 {
		groups = []string{""}
	}
	for i, g := range groups {
		if i > 0 {
			b.WriteString("\n")
		}
		if g != "" {
			fmt.Fprintf(&b, "**%s**\n\n", g)
		}
		b.WriteString("| Property | Type | Default | Description |\n| --- | --- | --- | --- |\n")
		for _, f := range d.fields {
			if f.info().group == g && !f.info().unlisted {
				b.WriteString(row(f.key()))
			}
		}
		if i == len(groups)-1 {
			for _, o := range d.open {
				fmt.Fprintf(&b, "| `%s*` | | | %s |\n", o.prefix, cell(o.doc))
			}
		}
	}
	return b.String()
}

func row(k ConfigKey) string {
	def := "none"
	switch {
	case k.Required:
		def = "**required**"
	case k.Type == "PASSWORD":
	case k.DefaultValue != nil && *k.DefaultValue == "":
		def = "empty"
	case k.DefaultValue != nil:
		def = "`" + cell(*k.DefaultValue) + "`"
	}
	doc := cell(k.Documentation)
	if k.Valid != nil && *k.Valid != "" {
		doc = strings.TrimSpace(doc + " Valid: " + cell(*k.Valid) + ".")
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", k.Name, strings.ToLower(k.Type), def, doc)
}

// cell keeps a text in its cell of the table.
func cell(s string) string {
	s = strings.ReplaceAll(s, "|", "\\|")
	return strings.Join(strings.Fields(s), " ")
}
