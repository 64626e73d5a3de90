// apitypes prints the builtin kinds of Kubernetes and their fields, as Go's types have them:
//
//	go run ./cmd/apitypes > ../../kubernetes-types/src/types.txt
//
// First each kind with the name of its type, then, after an empty line, each type with its fields. A field
// is its number in protobuf, or 0 if it has none, its name in JSON, and a shape: s text, b boolean, i integer,
// f float, * pointer, [ list, { map, = another type, or the name of a type that reads itself. Fields marked ? are
// left out when they are empty, those marked ! when they are zero. The name - says that the fields of the other
// type belong to this one.
package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"

	"k8s.io/client-go/kubernetes/scheme"
)

var readsItself = reflect.TypeOf((*json.Unmarshaler)(nil)).Elem()

// table holds the types that were found.
type table struct {
	names map[reflect.Type]string
	taken map[string]bool
	lines []string
}

// name returns the name of a struct, after noting it and what it consists of.
func (t *table) name(typ reflect.Type) string {
	if name, ok := t.names[typ]; ok {
		return name
	}
	name := typ.Name()
	parts := strings.Split(typ.PkgPath(), "/")
	for i := len(parts) - 1; t.taken[name]; i-- {
		name = parts[i] + "_" + name
	}
	t.names[typ], t.taken[name] = name, true
	t.lines = append(t.lines, name+": "+strings.Join(t.fields(typ), ", "))
	return name
}

func (t *table) fields(typ reflect.Type) []string {
	var fields []string
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		number := "0"
		if parts := strings.Split(field.Tag.Get("protobuf"), ","); len(parts) > 1 {
			number = parts[1]
		}
		switch {
		case name == "-" || !field.IsExported():
			continue
		case name == "":
			name = "-"
		case strings.Contains(options, "omitzero"):
			name += "!"
		case strings.Contains(options, "omitempty"):
			name += "?"
		}
		fields = append(fields, number+" "+name+" "+t.shape(field.Type))
	}
	return fields
}

func (t *table) shape(typ reflect.Type) string {
	if typ.Kind() != reflect.Pointer && reflect.PointerTo(typ).Implements(readsItself) {
		return typ.Name()
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return "*" + t.shape(typ.Elem())
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "i"
	case reflect.Float64:
		return "f"
	case reflect.Slice:
		if typ.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[" + t.shape(typ.Elem())
	case reflect.Map:
		return "{" + t.shape(typ.Elem())
	case reflect.Struct:
		return "=" + t.name(typ)
	}
	panic("a type of another kind: " + typ.String())
}

func main() {
	types := map[string]reflect.Type{}
	var kinds []string
	for kind, typ := range scheme.Scheme.AllKnownTypes() {
		isDelete := kind.Kind == "DeleteOptions" && kind.Group == ""
		meta := strings.HasSuffix(kind.Kind, "Options") && !isDelete || kind.Kind == "WatchEvent" || kind.Kind == "Status" ||
			strings.HasPrefix(kind.Kind, "API")
		if meta || strings.HasSuffix(kind.Kind, "List") || kind.Version == "__internal" {
			continue
		}
		name := kind.GroupVersion().String() + " " + kind.Kind
		types[name] = typ
		kinds = append(kinds, name)
	}
	sort.Strings(kinds)
	found := table{names: map[reflect.Type]string{}, taken: map[string]bool{}}
	for _, kind := range kinds {
		fmt.Println(kind, found.name(types[kind]))
	}
	fmt.Println()
	sort.Strings(found.lines)
	fmt.Println(strings.Join(found.lines, "\n"))
}
