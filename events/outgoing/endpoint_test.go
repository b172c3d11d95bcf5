package outgoing

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
)

func TestEndpoints(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e, sec := b.endpoint(Input{URL: " https://hooks.example.org/a?token=x ", Description: " shop ", EventTypes: []string{TypeOpened, TypeBounced, TypeOpened}, ListIDs: []int64{2, 1, 2}})
	want := Endpoint{ID: 1, URL: "https://hooks.example.org/a?token=x", Description: "shop", EventTypes: []string{TypeBounced, TypeOpened}, ListIDs: []int64{1, 2}, CampaignIDs: []int64{},
		Status: StatusActive, CreatedAt: b.clock.now(), UpdatedAt: b.clock.now()}
	e.CreatedAt, e.UpdatedAt = e.CreatedAt.UTC(), e.UpdatedAt.UTC()
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
	if shown, err := b.Secret(t.Context(), 1); err != nil || shown != sec || !strings.HasPrefix(sec, "whsec_") {
		t.Errorf("%q, %v", shown, err)
	}
	if _, err := b.UpdateEndpoint(t.Context(), 1, Input{URL: "https://hooks.example.org/b", Enabled: true}); err != nil {
		t.Fatal(err)
	}
	all, err := b.ListEndpoints(t.Context())
	if err != nil || len(all) != 1 || all[0].URL != "https://hooks.example.org/b" || len(all[0].EventTypes) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if err := b.DeleteEndpoint(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	_, getErr := b.GetEndpoint(t.Context(), 1)
	_, updateErr := b.UpdateEndpoint(t.Context(), 1, Input{URL: "https://x.example.org"})
	_, _, rotateErr := b.RotateSecret(t.Context(), 1)
	_, secretErr := b.Secret(t.Context(), 1)
	for _, err := range []error{getErr, updateErr, rotateErr, secretErr, b.DeleteEndpoint(t.Context(), 1)} {
		if !errs.Is(err, errs.NotFound) {
			t.Error(err)
		}
	}
}

func TestEndpointInputIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.AllowPrivate = false })
	for name, tc := range map[string]struct {
		in    Input
		field string
	}{
		"no address":         {Input{}, "url"},
		"no scheme":          {Input{URL: "example.org/hook"}, "url"},
		"no host":            {Input{URL: "https:///hook"}, "url"},
		"another scheme":     {Input{URL: "ftp://example.org"}, "url"},
		"clear text":         {Input{URL: "http://example.org"}, "url"},
		"a password":         {Input{URL: "https://a:b@example.org"}, "url"},
		"a fragment":         {Input{URL: "https://example.org/#x"}, "url"},
		"a line break":       {Input{URL: "https://example.org/\r\nX: y"}, "url"},
		"not ASCII":          {Input{URL: "https://exämple.org/"}, "url"},
		"too long":           {Input{URL: "https://example.org/" + strings.Repeat("x", maxURL)}, "url"},
		"this machine":       {Input{URL: "https://localhost/"}, "url"},
		"this machine's IP":  {Input{URL: "https://127.0.0.1/"}, "url"},
		"mapped":             {Input{URL: "https://[::ffff:127.0.0.1]/"}, "url"},
		"unspecified":        {Input{URL: "https://0.0.0.0/"}, "url"},
		"metadata":           {Input{URL: "https://169.254.169.254/latest"}, "url"},
		"unknown type":       {Input{URL: "https://example.org", EventTypes: []string{"x"}}, "event_types"},
		"the type of a test": {Input{URL: "https://example.org", EventTypes: []string{TypeTest}}, "event_types"},
		"no such list":       {Input{URL: "https://example.org", ListIDs: []int64{1, 77}}, "list_ids"},
		"no such campaign":   {Input{URL: "https://example.org", CampaignIDs: []int64{77}}, "campaign_ids"},
		"two lines":          {Input{URL: "https://example.org", Description: "a\nb"}, "description"},
		"NUL":                {Input{URL: "https://example.org", Description: "a\x00b"}, "description"},
	} {
		_, _, err := b.CreateEndpoint(t.Context(), tc.in)
		var e *errs.E
		if !errors.As(err, &e) || e.Kind != errs.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != tc.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := b.count(`webhook_endpoints`); n != 0 {
		t.Errorf("%d were stored", n)
	}
}

func TestMostEndpoints(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range maxEndpoints {
		b.endpoint(Input{URL: fmt.Sprint("https://example.org/", i)})
	}
	if _, _, err := b.CreateEndpoint(t.Context(), Input{URL: "https://example.org/"}); !errs.Is(err, errs.Conflict) {
		t.Error(err)
	}
}
