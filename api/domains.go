package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/sender"
)

type domainJSON struct {
	ID           int64         `json:"id"`
	Domain       string        `json:"domain"`
	BounceDomain *string       `json:"bounce_domain"`
	Warmup       *warmupJSON   `json:"warmup" doc:"What may be sent From the domain in a day, over all relays together; null: no warm-up"`
	Window       *windowJSON   `json:"window" doc:"null: at all times"`
	Health       string        `json:"health" enum:"ok,warning,missing,different,unknown,unchecked" doc:"The worst of the checks, without keys that sign nothing yet"`
	CheckedAt    *time.Time    `json:"checked_at" doc:"When DNS was last looked at"`
	Checks       []checkJSON   `json:"checks" doc:"What has to be in DNS, and what the last look found"`
	Keys         []dkimKeyJSON `json:"keys"`
	CreatedAt    time.Time     `json:"created_at"`
}

type dkimKeyJSON struct {
	ID          int64      `json:"id"`
	Selector    string     `json:"selector"`
	Algorithm   string     `json:"algorithm" enum:"rsa2048,ed25519"`
	Status      string     `json:"status" enum:"pending,active,retired" doc:"A pending key waits until its record is seen in DNS, and then takes over from the active one"`
	RecordName  string     `json:"record_name"`
	RecordValue string     `json:"record_value"`
	CreatedAt   time.Time  `json:"created_at"`
	SeenAt      *time.Time `json:"seen_at" doc:"Since when the record has been seen without a break"`
	ActivatedAt *time.Time `json:"activated_at"`
	RetiredAt   *time.Time `json:"retired_at"`
	KeepUntil   *time.Time `json:"keep_until" doc:"When the record of a retired key may be taken out of DNS"`
}

type checkJSON struct {
	Purpose     string   `json:"purpose" enum:"dkim,spf,dmarc,alignment,bounce_mx,ptr"`
	Type        string   `json:"type,omitempty" enum:"TXT,MX,PTR" doc:"Absent for alignment, which follows from other records"`
	Name        string   `json:"name"`
	Expected    string   `json:"expected" doc:"The value to publish; empty when nothing has to be published"`
	Split       string   `json:"split,omitempty" doc:"An expected value over 255 bytes as quoted strings, for DNS panels that want it so"`
	Found       []string `json:"found"`
	Status      string   `json:"status" enum:"ok,warning,missing,different,unknown,skipped,unchecked"`
	Message     string   `json:"message"`
	Explanation string   `json:"explanation"`
}

type domainInputJSON struct {
	Domain       string      `json:"domain"`
	BounceDomain *string     `json:"bounce_domain" required:"false"`
	Warmup       *warmupJSON `json:"warmup" required:"false" doc:"What may be sent From the domain in a day, over all relays together; null: no warm-up"`
	Window       *windowJSON `json:"window" required:"false" doc:"null: at all times"`
}

type domainPaceJSON struct {
	Day       int         `json:"used_day" doc:"Messages From the domain in the last 24 hours; counted for domains with a warm-up"`
	WarmupCap *int        `json:"warmup_cap" doc:"What the warm-up allows in 24 hours today; null: no warm-up"`
	HeldUp    *holdupJSON `json:"held_up" doc:"Why nothing is sent From the domain at the moment; null: something may be"`
}

// TransformSchema says in the OpenAPI document that held_up can be null.
func (domainPaceJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "held_up")
}

func encodeDomain(d sender.Domain) domainJSON {
	return domainJSON{ID: d.ID, Domain: d.Domain, BounceDomain: d.BounceDomain, Warmup: encodeWarmup(d.Warmup), Window: encodeWindow(d.Window), Health: d.Health(), CheckedAt: utc(d.CheckedAt),
		Checks: each(d.Checks(), encodeCheck), Keys: each(d.Keys, encodeKey), CreatedAt: d.CreatedAt.UTC()}
}

func encodeKey(k sender.Key) dkimKeyJSON {
	return dkimKeyJSON{ID: k.ID, Selector: k.Selector, Algorithm: k.Algorithm, Status: k.Status, RecordName: k.RecordName, RecordValue: k.RecordValue,
		CreatedAt: k.CreatedAt.UTC(), SeenAt: utc(k.SeenAt), ActivatedAt: utc(k.ActivatedAt), RetiredAt: utc(k.RetiredAt), KeepUntil: utc(k.KeepUntil())}
}

func encodeCheck(c sender.Check) checkJSON {
	if c.Found == nil {
		c.Found = []string{}
	}
	return checkJSON{Purpose: c.Purpose, Type: c.Type, Name: c.Name, Expected: c.Expected, Split: c.Split(), Found: c.Found, Status: c.Status,
		Message: c.Message, Explanation: c.Explanation()}
}

func (in domainInputJSON) input() sender.DomainInput {
	out := sender.DomainInput{Domain: in.Domain, Warmup: in.Warmup.decode(), Window: in.Window.decode()}
	if in.BounceDomain != nil {
		out.BounceDomain = *in.BounceDomain
	}
	return out
}

func (s *server) listDomains(ctx context.Context, _ *nothing) (*answer[pageJSON[domainJSON]], error) {
	domains, err := s.deps.Sender.ListDomains(ctx)
	return replyAll(domains, err, encodeDomain)
}

func (s *server) getDomain(ctx context.Context, in *byID) (*answer[domainJSON], error) {
	d, err := s.deps.Sender.GetDomain(ctx, in.ID)
	return reply(d, err, encodeDomain)
}

func (s *server) createDomain(ctx context.Context, in *with[domainInputJSON]) (*answer[domainJSON], error) {
	d, err := s.deps.Sender.CreateDomain(ctx, in.Body.input())
	return reply(d, err, encodeDomain)
}

func (s *server) updateDomain(ctx context.Context, in *onID[domainInputJSON]) (*answer[domainJSON], error) {
	d, err := s.deps.Sender.UpdateDomain(ctx, in.ID, in.Body.input())
	return reply(d, err, encodeDomain)
}

func (s *server) deleteDomain(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Sender.DeleteDomain(ctx, in.ID))
}

func (s *server) getDomainPace(ctx context.Context, in *byID) (*answer[domainPaceJSON], error) {
	st, err := s.deps.Sender.DomainState(ctx, in.ID)
	return reply(st, err, func(st sender.DomainState) domainPaceJSON {
		return domainPaceJSON{Day: st.Usage.Day, WarmupCap: st.WarmupCap, HeldUp: encodeHoldup(st.Holdup)}
	})
}

func (s *server) checkDomain(ctx context.Context, in *byID) (*answer[domainJSON], error) {
	d, err := s.deps.Sender.CheckDomain(ctx, in.ID)
	return reply(d, err, encodeDomain)
}

type newDKIMKeyJSON struct {
	Algorithm string `json:"algorithm" enum:"rsa2048,ed25519"`
}

func (s *server) addKey(ctx context.Context, in *onID[newDKIMKeyJSON]) (*answer[domainJSON], error) {
	d, err := s.deps.Sender.AddKey(ctx, in.ID, in.Body.Algorithm)
	return reply(d, err, encodeDomain)
}

func (s *server) retireKey(ctx context.Context, in *byID) (*answer[domainJSON], error) {
	d, err := s.deps.Sender.RetireKey(ctx, in.ID)
	return reply(d, err, encodeDomain)
}
