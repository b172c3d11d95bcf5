package api

import (
	"context"
	"time"

	"postrider/campaigns"
)

type gateJSON struct {
	Gate       int16      `json:"gate"`
	OpensAt    *time.Time `json:"opens_at" doc:"null: something else than a time opens it"`
	ExpectedAt *time.Time `json:"expected_at" doc:"When that is about, as far as it can be known"`
	OpenedAt   *time.Time `json:"opened_at" doc:"null: those behind it still wait"`
	People     int        `json:"people" doc:"Who wait, or waited, behind it"`
	Note       string     `json:"note"`
}

func encodeGate(g campaigns.Gate) gateJSON {
	return gateJSON{Gate: g.Gate, OpensAt: utc(g.OpensAt), ExpectedAt: utc(g.ExpectedAt), OpenedAt: utc(g.OpenedAt), People: g.People, Note: g.Note}
}

func (s *server) listGates(ctx context.Context, in *byID) (*answer[itemsJSON[gateJSON]], error) {
	gates, err := s.deps.Campaigns.Gates(ctx, in.ID)
	return replyItems(gates, err, encodeGate)
}
