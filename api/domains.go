package api

import (
	"context"
	"time"

	"postrider/sender"
)

type domainJSON struct {
	ID           int64         `json:"id"`
	Domain       string        `json:"domain"`
	BounceDomain *string       `json:"bounce_domain"`
	Keys         []dkimKeyJSON `json:"keys"`
	Records      []recordJSON  `json:"records" doc:"What has to be in DNS"`
	CreatedAt    time.Time     `json:"created_at"`
}

type dkimKeyJSON struct {
	ID          int64     `json:"id"`
	Selector    string    `json:"selector"`
	Algorithm   string    `json:"algorithm"`
	Status      string    `json:"status" enum:"active,retired"`
	RecordName  string    `json:"record_name"`
	RecordValue string    `json:"record_value"`
	CreatedAt   time.Time `json:"created_at"`
}

type recordJSON struct {
	Purpose     string `json:"purpose" enum:"dkim,spf,dmarc,bounce_mx"`
	Type        string `json:"type" enum:"TXT,MX"`
	Name        string `json:"name"`
	Value       string `json:"value"`
	Split       string `json:"split,omitempty" doc:"A value over 255 bytes as quoted strings, for DNS panels that want it so"`
	Required    bool   `json:"required"`
	Explanation string `json:"explanation"`
}

type domainInputJSON struct {
	Domain       string  `json:"domain"`
	BounceDomain *string `json:"bounce_domain" required:"false"`
}

type checksJSON struct {
	Checks []checkJSON `json:"checks"`
}

type checkJSON struct {
	Purpose  string   `json:"purpose" enum:"dkim,spf,dmarc,bounce_mx"`
	Name     string   `json:"name"`
	Found    []string `json:"found"`
	Expected string   `json:"expected"`
	Status   string   `json:"status" enum:"ok,missing,different,error"`
	Message  string   `json:"message"`
}

func encodeDomain(d sender.Domain) domainJSON {
	return domainJSON{ID: d.ID, Domain: d.Domain, BounceDomain: d.BounceDomain, CreatedAt: d.CreatedAt.UTC(),
		Keys: each(d.Keys, encodeKey), Records: each(d.Records(), func(r sender.Record) recordJSON { return recordJSON(r) })}
}

func encodeKey(k sender.Key) dkimKeyJSON {
	k.CreatedAt = k.CreatedAt.UTC()
	return dkimKeyJSON(k)
}

func encodeChecks(checks []sender.Check) checksJSON {
	return checksJSON{Checks: each(checks, func(c sender.Check) checkJSON {
		if c.Found == nil {
			c.Found = []string{}
		}
		return checkJSON(c)
	})}
}

func (in domainInputJSON) input() sender.DomainInput {
	out := sender.DomainInput{Domain: in.Domain}
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

func (s *server) checkDomain(ctx context.Context, in *byID) (*answer[checksJSON], error) {
	checks, err := s.deps.Sender.CheckDomain(ctx, in.ID)
	return reply(checks, err, encodeChecks)
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
