package campaigns

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"postrider/events"
	"postrider/events/dsn"
	"postrider/internal/errs"
)

// sourceMail is who asked to be unsubscribed by writing to the address of List-Unsubscribe.
const sourceMail = "mail to the unsubscribe address"

var _ events.Taker = (*Service)(nil)

// TakeMessage takes a message that came to a bounce mailbox or to the listener.
//
// Whatever is sent to an unsubscribe address is a wish to be unsubscribed: that address stands nowhere but in List-Unsubscribe. A report that is about no delivery of ours is noted
// as unmatched and left where it is, since people read the mail in such a mailbox, too.
func (s *Service) TakeMessage(ctx context.Context, m events.Inbound) (events.Verdict, error) {
	parsed := dsn.Parse(m.Raw)
	to := append(slices.Clone(m.To), parsed.ReturnPaths...)
	for _, address := range to {
		token, found := tokenOfLocalPart(address, "u-")
		if !found {
			continue
		}
		switch err := s.Unsubscribe(ctx, token, sourceMail); {
		case err == nil:
			return events.VerdictTaken, nil
		case !errs.Is(err, errs.NotFound):
			return "", err
		}
	}
	reports := s.reportsOf(m, parsed, to)
	if len(reports) == 0 {
		if parsed.Kind == dsn.KindAutoReply {
			return events.VerdictIgnored, nil
		}
		return events.VerdictForeign, nil
	}
	ours, err := s.takeReports(ctx, reports)
	switch {
	case err != nil:
		return "", err
	case ours:
		return events.VerdictTaken, nil
	}
	return events.VerdictForeign, nil
}

// kindsOfMail are the kinds of reports that come by mail.
var kindsOfMail = map[dsn.Kind]events.ReportKind{
	dsn.KindBounce: events.ReportBounce, dsn.KindComplaint: events.ReportComplaint, dsn.KindDelay: events.ReportDelay, dsn.KindDelivered: events.ReportDelivered,
	dsn.KindAutoReply: events.ReportAutoReply, dsn.KindNone: events.ReportOther,
}

// reportsOf makes a report of each recipient that a message speaks of. What is sent to a return path of ours and cannot be read is kept, too, to be looked at.
func (s *Service) reportsOf(m events.Inbound, parsed dsn.Report, to []string) []events.Report {
	recipients := parsed.Recipients
	switch parsed.Kind {
	case dsn.KindAutoReply:
		return nil
	case dsn.KindNone:
		sent := slices.ContainsFunc(m.To, func(address string) bool { _, ok := s.refOfReturnPath(address); return ok })
		if !sent {
			return nil
		}
	}
	if len(recipients) == 0 {
		recipients = []dsn.Recipient{{Kind: parsed.Kind}}
	}
	message := messageKey(m.Raw)
	reports := make([]events.Report, 0, len(recipients))
	for _, r := range recipients {
		at := parsed.At
		if at.IsZero() {
			at = m.ReceivedAt
		}
		reports = append(reports, events.Report{
			Key: "message " + message + " " + r.Address, Source: m.Source, Kind: kindsOfMail[r.Kind], At: at, Address: cmp.Or(r.Original, r.Address), ReturnPaths: to, MessageIDs: parsed.MessageIDs,
			UnsubscribeURLs: parsed.UnsubscribeURLs, QueueIDs: parsed.QueueIDs, Hard: r.Hard, Reason: r.Reason, Fault: r.Fault, Status: r.Status, ReplyCode: r.ReplyCode,
			Diagnostic: r.Diagnostic, FeedbackType: r.FeedbackType, Raw: m.Raw,
		})
	}
	return reports
}

// messageKey is the same for a message however it came: it is made of Message-ID, Date and body, and leaves out what servers on the way put in front and how lines end.
func messageKey(raw []byte) string {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	raw = bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
	header, body, _ := bytes.Cut(raw, []byte("\n\n"))
	sum := sha256.New()
	taken := false
	for line := range bytes.Lines(header) {
		if len(line) > 0 && line[0] != ' ' && line[0] != '\t' {
			name, _, _ := bytes.Cut(line, []byte(":"))
			taken = bytes.EqualFold(name, []byte("Message-ID")) || bytes.EqualFold(name, []byte("Date"))
		}
		if taken {
			sum.Write(bytes.TrimSpace(line))
		}
	}
	sum.Write([]byte{0})
	sum.Write(bytes.TrimSpace(body))
	return hex.EncodeToString(sum.Sum(nil))
}
