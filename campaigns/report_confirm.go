package campaigns

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/events"
	"postrider/sender/reply"
)

// confirmationReportTx takes a report about a mail that asks somebody to confirm (package confirm), which is in no ledger. It is false for all others.
func (s *Service) confirmationReportTx(ctx context.Context, tx pgx.Tx, r events.Report) (bool, error) {
	ref, ok := s.confirmationOf(r)
	if !ok || r.Kind != events.ReportBounce && r.Kind != events.ReportComplaint {
		return false, nil
	}
	reason := ""
	switch {
	case r.Kind == events.ReportComplaint:
		reason = audience.ReasonComplaint
	case r.Hard && r.Fault == string(reply.FaultRecipient):
		reason = audience.ReasonBounce
	}
	found, err := s.d.Audience.ConfirmationReportTx(ctx, tx, ref, reason, "mail that asks to confirm, report by "+r.Source, reportWords(r))
	if err != nil || !found {
		return false, err
	}
	return true, exec(ctx, tx, `UPDATE reports SET action = $2, applied = true WHERE key = $1`, r.Key, actionConfirmation)
}

// confirmationOf reads the token out of "c-TOKEN@…" or "name+c-TOKEN@…", else out of a Message-ID.
func (s *Service) confirmationOf(r events.Report) (audience.SignupRef, bool) {
	for _, address := range r.ReturnPaths {
		if ref, ok := s.refOfLocalPart(events.ConfirmReturn, address, "c-"); ok {
			return audience.SignupRef{ID: ref.CampaignID, Stamp: ref.Seq}, true
		}
	}
	for _, id := range r.MessageIDs {
		left, _, _ := strings.Cut(strings.Trim(id, "<> "), "@")
		if ref, err := s.d.Tokens.Parse(events.ConfirmReturn, left); err == nil {
			return audience.SignupRef{ID: ref.CampaignID, Stamp: ref.Seq}, true
		}
	}
	return audience.SignupRef{}, false
}
