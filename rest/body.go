package rest

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/state"
)

// How Jackson calls the types that bodies are bound to. Tools match on the
// beginnings of its messages, so these stay Java's.
const (
	javaMap      = "java.util.LinkedHashMap<java.lang.String,java.lang.String>"
	javaString   = "java.lang.String"
	entities     = "org.apache.kafka.connect.runtime.rest.entities."
	javaCreate   = entities + "CreateConnectorRequest"
	initialState = entities + "CreateConnectorRequest$InitialState"
)

// wrongType ends the reading: a value is not of the type that was expected.
func (r *jsonReader) wrongType(at int, t token, java string) {
	if t == tokenEnd {
		r.fail(at, "Unexpected end-of-input: a value of type `%s` was expected", java)
	}
	if t == tokenString {
		text := r.scalar(t)
		class, _, _ := strings.Cut(java, "<")
		if strings.TrimSpace(text) == "" {
			r.fail(at, `Cannot coerce empty String ("") to element of `+"`%s` (but could if coercion was enabled using `CoercionConfig`)", class)
		}
		r.fail(at, "Cannot construct instance of `%s` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('%s')", class, text)
	}
	if from, ok := creators[t]; ok && strings.HasPrefix(java, entities) {
		r.fail(at, "Cannot construct instance of `%s` (although at least one Creator exists): no %s value (%s)", java, from, r.scalar(t))
	}
	r.fail(at, "Cannot deserialize value of type `%s` from %s (token `JsonToken.%s`)", java, t.kind(), t)
}

// creators are what Jackson would make one of Connect's own types of, if the
// type let it.
var creators = map[token]string{
	tokenInt:   "int/Int-argument constructor/factory method to deserialize from Number",
	tokenFloat: "double/Double-argument constructor/factory method to deserialize from Number",
	tokenTrue:  "boolean/Boolean-argument constructor/factory method to deserialize from boolean",
	tokenFalse: "boolean/Boolean-argument constructor/factory method to deserialize from boolean",
}

// object reads an object, or null for which it returns false.
func (r *jsonReader) object(java string, each func(key string)) bool {
	r.space()
	at := r.i
	switch t := r.next(); t {
	case tokenObject:
		r.members(each)
		return true
	case tokenNull:
		r.scalar(t)
		return false
	default:
		r.wrongType(at, t, java)
		return false
	}
}

// text reads a string; numbers and booleans are taken as they are written.
// False: it is null.
func (r *jsonReader) text() (string, bool) {
	r.space()
	at := r.i
	switch t := r.next(); t {
	case tokenObject, tokenArray, tokenEnd:
		r.wrongType(at, t, javaString)
		return "", false
	case tokenNull:
		r.scalar(t)
		return "", false
	default:
		return r.scalar(t), true
	}
}

// textMap reads an object of texts; nil stands for null, for the object as for
// its values.
func (r *jsonReader) textMap() map[string]*string {
	m := map[string]*string{}
	if !r.object(javaMap, func(key string) {
		if s, ok := r.text(); ok {
			m[key] = &s
		} else {
			m[key] = nil
		}
	}) {
		return nil
	}
	return m
}

// props reads properties. A null value is connect.Null: validation refuses it.
func (r *jsonReader) props() connect.Props {
	m := r.textMap()
	if m == nil {
		return nil
	}
	p := make(connect.Props, len(m))
	for k, v := range m {
		if v == nil {
			p[k] = connect.Null
		} else {
			p[k] = *v
		}
	}
	return p
}

// unknown ends the reading at a member that the type does not have.
func (r *jsonReader) unknown(key, java, known string) {
	r.fail(r.i, "Unrecognized field %q (class %s), not marked as ignorable (%s)", key, java, known)
}

// createRequest is the body of POST /connectors.
type createRequest struct {
	name    string // "" if there is none
	config  connect.Props
	initial state.TargetState // "" if there is none
}

func (r *jsonReader) createRequest() *createRequest {
	c := &createRequest{}
	if !r.object(javaCreate, func(key string) {
		switch key {
		case "name":
			c.name, _ = r.text()
		case "config":
			c.config = r.props()
		case "initial_state":
			c.initial = r.initialState()
		default:
			r.unknown(key, javaCreate, `3 known properties: "config", "name", "initial_state"`)
		}
	}) {
		return nil
	}
	return c
}

func (r *jsonReader) initialState() state.TargetState {
	at := r.i
	s, ok := r.text()
	if !ok {
		return ""
	}
	switch strings.ToUpper(s) {
	case "RUNNING":
		return state.Started
	case "PAUSED":
		return state.Paused
	case "STOPPED":
		return state.Stopped
	}
	r.fail(at, "Cannot construct instance of `%s`, problem: No enum constant %sCreateConnectorRequest.InitialState.%s; it must be RUNNING, PAUSED or STOPPED",
		initialState, entities, strings.ToUpper(s))
	return ""
}

// taskConfigs reads the body of POST /connectors/X/tasks.
func (r *jsonReader) taskConfigs() []connect.Props {
	r.space()
	at := r.i
	t := r.next()
	switch t {
	case tokenArray:
	case tokenNull:
		r.scalar(t)
		return nil
	default:
		r.wrongType(at, t, "java.util.ArrayList<java.util.Map<java.lang.String,java.lang.String>>")
	}
	list := []connect.Props{}
	r.elements(func() {
		p := connect.Props{}
		for k, v := range r.textMap() {
			if v != nil {
				p[k] = *v
			}
		}
		list = append(list, p)
	})
	return list
}

// offsets reads the body of PATCH /connectors/X/offsets for its shape only:
// package offsets makes of it what it means, once it is known to be right.
func (r *jsonReader) offsets() {
	const (
		all  = entities + "ConnectorOffsets"
		list = "java.util.ArrayList<" + entities + "ConnectorOffset>"
		one  = entities + "ConnectorOffset"
		half = "java.util.LinkedHashMap<java.lang.String,java.lang.Object>"
	)
	r.object(all, func(key string) {
		if key != "offsets" {
			r.unknown(key, all, `one known property: "offsets"`)
		}
		r.space()
		at := r.i
		switch t := r.next(); t {
		case tokenArray:
			r.elements(func() {
				r.object(one, func(key string) {
					if key != "partition" && key != "offset" {
						r.unknown(key, one, `2 known properties: "partition", "offset"`)
					}
					r.object(half, func(string) { r.any() })
				})
			})
		case tokenNull:
			r.scalar(t)
		default:
			r.wrongType(at, t, list)
		}
	})
}

// any reads over a value.
func (r *jsonReader) any() {
	switch t := r.next(); t {
	case tokenObject:
		r.members(func(string) { r.any() })
	case tokenArray:
		r.elements(r.any)
	case tokenEnd:
		r.wrongType(r.i, t, "java.lang.Object")
	default:
		r.scalar(t)
	}
}
