package api

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/sender"
)

// schemas gives the shapes of the API with the types they were made of.
func schemas(t *testing.T) huma.Registry {
	t.Helper()
	s := newServer(Config{Version: "test"}, Deps{})
	s.restAPI()
	return s.huma.OpenAPI().Components.Schemas
}

// TestWhatCanBeNullSaysSo: a member that is a pointer in the code and always there in the answer is null at times, and whoever reads the document must know.
func TestWhatCanBeNullSaysSo(t *testing.T) {
	t.Parallel()
	all := schemas(t)
	checked := 0
	for name, schema := range all.Map() {
		typ := all.TypeFromRef("#/components/schemas/" + name)
		if typ == nil || typ.Kind() != reflect.Struct {
			continue
		}
		for _, f := range reflect.VisibleFields(typ) {
			member, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			property := schema.Properties[member]
			if property == nil || f.Type.Kind() != reflect.Pointer || strings.Contains(options, "omitempty") {
				continue
			}
			checked++
			if !mayBeNull(all, property) {
				t.Errorf("%s.%s can be null, and the document does not say so", name, member)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d members were looked at", checked)
	}
}

func mayBeNull(all huma.Registry, s *huma.Schema) bool {
	if s.Ref != "" {
		s = all.SchemaFromRef(s.Ref)
	}
	return s.Nullable || slices.ContainsFunc(s.AnyOf, func(one *huma.Schema) bool { return one.Type == "null" })
}

func TestCodesOfHoldupsAreInTheDocument(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, v := range schemas(t).Map()["Holdup"].Properties["code"].Enum {
		listed = append(listed, v.(string))
	}
	var want []string
	for _, c := range []sender.HoldupCode{sender.HoldupPaused, sender.HoldupBlocked, sender.HoldupOutsideWindow, sender.HoldupResting, sender.HoldupDayUsedUp, sender.HoldupHourUsedUp,
		sender.HoldupNotYet, sender.HoldupStopped} {
		want = append(want, string(c))
		at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
		if got := encodeHoldup(&sender.Holdup{Code: c, Reason: "words", Until: at}); got.Code != string(c) || got.Reason != "words" || !got.Until.Equal(at) {
			t.Errorf("%s is encoded as %+v", c, got)
		}
	}
	if !slices.Equal(listed, want) {
		t.Errorf("the document lists %v, the sender has %v", listed, want)
	}
}
