package campaigns

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/sender"
	"postrider/templates"
)

type campaignRow struct {
	ID                  int64
	Purpose             string
	Name                string
	Status              Status
	PauseReason         *string
	Subject             string
	Preheader           string
	FromName            string
	FromEmail           string
	ReplyTo             string
	Kind                templates.Kind
	LayoutID            *int64
	InlineCSS           bool   `db:"inline_css"`
	HTML                string `db:"html"`
	Text                string
	TemplateID          *int64
	TrackOpens          bool
	TrackClicks         bool
	UnconfirmedPolicy   string
	ExpiresAfterHours   int
	MaxBouncePercent    *float64
	MaxComplaintPercent *float64
	ScheduledAt         *time.Time
	StartedAt           *time.Time
	FinishedAt          *time.Time
	Recipients          int
	Excluded            int
	Freezing            bool
	CreatedAt           time.Time
	UpdatedAt           time.Time
	ListIDs             []int64 `db:"list_ids"`
	RelayIDs            []int64 `db:"relay_ids"`
	SegmentIDs          []int64 `db:"segment_ids"`
	ExcludeSegmentIDs   []int64 `db:"exclude_segment_ids"`
	ExcludeListIDs      []int64 `db:"exclude_list_ids"`
	IgnoreFrequencyCap  bool
	SendDays            []int
	SendFrom            *int
	SendUntil           *int
	SendZone            string
	LocalTime           bool
	LocalZoneField      string
	LocalLate           string
	LocalAt             *time.Time
	ZonesInvalid        int
	ZonesMissing        int
	Undoable            bool
	ParentID            *int64
	RunNo               int
	RerunTo             []string
	RerunSubject        bool
	ABTest              *abTestRow `db:"ab_test"`
	Issue               *Issue
}

// campaignColumns are those of campaignRow. pause_reason of a running campaign tells of its relays' trouble, so that a person sees why nothing moves.
const campaignColumns = `
	c.id, c.purpose, c.name, c.status,
	COALESCE(c.pause_reason, CASE WHEN c.status IN ('running', 'open') THEN (
		SELECT string_agg('relay "' || r.name || '": ' || COALESCE(r.pause_reason, 'paused'), '; ' ORDER BY r.id) FROM relays r
		WHERE r.id = ANY (` + relayIDsSQL + `) AND (r.status = 'paused' OR r.pause_reason IS NOT NULL)) END) AS pause_reason,
	c.subject, c.preheader, c.from_name, c.from_email, c.reply_to, c.kind, c.layout_id, c.inline_css, c.html, c.text, c.template_id,
	c.track_opens, c.track_clicks, c.unconfirmed_policy, c.expires_after_hours, c.max_bounce_percent, c.max_complaint_percent, c.scheduled_at, c.started_at, c.finished_at,
	c.recipients, c.excluded, c.freeze_after IS NOT NULL AS freezing, c.created_at, c.updated_at,
	ARRAY(SELECT l.list_id FROM campaign_lists l WHERE l.campaign_id = c.id ORDER BY l.list_id) AS list_ids,
	ARRAY(SELECT l.segment_id FROM campaign_segments l WHERE l.campaign_id = c.id AND NOT l.excluded ORDER BY l.segment_id) AS segment_ids,
	ARRAY(SELECT l.segment_id FROM campaign_segments l WHERE l.campaign_id = c.id AND l.excluded ORDER BY l.segment_id) AS exclude_segment_ids,
	ARRAY(SELECT l.list_id FROM campaign_excluded_lists l WHERE l.campaign_id = c.id ORDER BY l.list_id) AS exclude_list_ids,
	c.ignore_frequency_cap, c.send_days, EXTRACT(epoch FROM c.send_from)::int AS send_from, EXTRACT(epoch FROM c.send_until)::int AS send_until, c.send_zone,
	c.local_time, c.local_zone_field, c.local_late, c.local_at, c.zones_invalid, c.zones_missing, c.undoable, c.parent_id, c.run_no, c.rerun_to, c.rerun_subject, ` + abTestSQL + ` AS ab_test, ` + issueSQL + ` AS issue,` + relayIDsSQL + ` AS relay_ids`

func (r campaignRow) campaign() Campaign {
	return Campaign{
		ID: r.ID, Purpose: r.Purpose, Status: r.Status, PauseReason: r.PauseReason,
		Input: Input{
			Name: r.Name, Subject: r.Subject, Preheader: r.Preheader, FromName: r.FromName, FromEmail: r.FromEmail, ReplyTo: r.ReplyTo,
			Kind: r.Kind, LayoutID: r.LayoutID, KeepCSS: !r.InlineCSS, HTML: r.HTML, Text: r.Text, TemplateID: r.TemplateID, RelayIDs: r.RelayIDs, ListIDs: r.ListIDs,
			TrackOpens: r.TrackOpens, TrackClicks: r.TrackClicks, UnconfirmedPolicy: r.UnconfirmedPolicy, ExpiresAfterHours: r.ExpiresAfterHours,
			MaxBouncePercent: r.MaxBouncePercent, MaxComplaintPercent: r.MaxComplaintPercent,
			SegmentIDs: r.SegmentIDs, ExcludeSegmentIDs: r.ExcludeSegmentIDs, ExcludeListIDs: r.ExcludeListIDs, IgnoreFrequencyCap: r.IgnoreFrequencyCap,
			Window: sender.NewWindow(r.SendDays, r.SendFrom, r.SendUntil, r.SendZone), LocalTime: LocalTime{Enabled: r.LocalTime, ZoneField: r.LocalZoneField, Late: r.LocalLate},
			ABTest: r.ABTest.test(),
		},
		ScheduledAt: r.ScheduledAt, LocalAt: r.LocalAt, ZonesInvalid: r.ZonesInvalid, ZonesMissing: r.ZonesMissing, Undoable: r.Undoable, ParentID: r.ParentID, RunNo: r.RunNo, RerunTo: r.RerunTo, RerunSubject: r.RerunSubject, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
		Recipients: r.Recipients, Excluded: r.Excluded, Freezing: r.Freezing, ABRun: r.ABTest.run(), Issue: r.Issue, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

func getCampaign(ctx context.Context, db pg.DB, id int64) (Campaign, error) {
	row, err := pg.One[campaignRow](ctx, db, fmt.Sprintf("campaign %d", id), `SELECT `+campaignColumns+` FROM campaigns c WHERE c.id = $1`, id)
	return row.campaign(), err
}

// lockCampaign reads the campaign and keeps everybody else from changing it until the transaction ends.
func lockCampaign(ctx context.Context, tx pgx.Tx, id int64) (Campaign, error) {
	row, err := pg.One[campaignRow](ctx, tx, fmt.Sprintf("campaign %d", id),
		`SELECT `+campaignColumns+` FROM campaigns c WHERE c.id = $1 FOR UPDATE OF c`, id)
	return row.campaign(), err
}

// listCampaigns gives a page of campaigns, newest first, without their bodies.
func listCampaigns(ctx context.Context, db pg.DB, status Status, before int64, limit int) ([]Campaign, error) {
	rows, err := pg.Many[campaignRow](ctx, db, "campaigns", `SELECT `+campaignColumns+` FROM campaigns c
		WHERE c.purpose = 'mailing' AND ($1 = '' OR c.status = $1) AND ($2 = 0 OR c.id < $2) ORDER BY c.id DESC LIMIT $3`, status, before, limit)
	if err != nil {
		return nil, err
	}
	return withoutBodies(rows), nil
}

func withoutBodies(rows []campaignRow) []Campaign {
	cs := make([]Campaign, len(rows))
	for i, r := range rows {
		r.HTML, r.Text = "", ""
		cs[i] = r.campaign()
		if t := cs[i].ABTest; t != nil {
			for j := range t.Variants {
				t.Variants[j].HTML, t.Variants[j].Text = nil, nil
			}
		}
	}
	return cs
}

func inputArgs(id int64, in Input) pgx.NamedArgs {
	args := pgx.NamedArgs{
		"id": id, "name": in.Name, "subject": in.Subject, "preheader": in.Preheader, "from_name": in.FromName, "from_email": in.FromEmail,
		"reply_to": in.ReplyTo, "kind": in.Kind, "layout_id": in.LayoutID, "inline_css": !in.KeepCSS, "html": in.HTML, "text": in.Text, "template_id": in.TemplateID, "relay_id": in.firstRelay(),
		"track_opens": in.TrackOpens, "track_clicks": in.TrackClicks, "unconfirmed_policy": in.UnconfirmedPolicy,
		"expires_after_hours": in.ExpiresAfterHours, "max_bounce_percent": in.MaxBouncePercent, "max_complaint_percent": in.MaxComplaintPercent,
		"ignore_frequency_cap": in.IgnoreFrequencyCap, "local_time": in.LocalTime.Enabled, "local_zone_field": in.LocalTime.ZoneField, "local_late": in.LocalTime.Late,
	}
	maps.Copy(args, in.Window.Args())
	return args
}

func insertCampaign(ctx context.Context, tx pgx.Tx, in Input) (id int64, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO campaigns (name, subject, preheader, from_name, from_email, reply_to, kind, layout_id, inline_css, html, text, template_id, relay_id,
			track_opens, track_clicks, unconfirmed_policy, expires_after_hours, max_bounce_percent, max_complaint_percent, ignore_frequency_cap,
			send_days, send_from, send_until, send_zone, local_time, local_zone_field, local_late)
		VALUES (@name, @subject, @preheader, @from_name, @from_email, @reply_to, @kind, @layout_id, @inline_css, @html, @text, @template_id, @relay_id,
			@track_opens, @track_clicks, @unconfirmed_policy, @expires_after_hours, @max_bounce_percent, @max_complaint_percent, @ignore_frequency_cap,
			@send_days, @send_from::time, @send_until::time, @send_zone, @local_time, @local_zone_field, @local_late)
		RETURNING id`, inputArgs(0, in)).Scan(&id)
	if err != nil {
		return 0, campaignViolation(err, in)
	}
	if err := setLists(ctx, tx, id, in); err != nil {
		return 0, err
	}
	if err := setRelays(ctx, tx, id, in); err != nil {
		return id, err
	}
	return id, setTest(ctx, tx, id, in.ABTest)
}

func updateCampaign(ctx context.Context, tx pgx.Tx, id int64, in Input) error {
	_, err := tx.Exec(ctx, `
		UPDATE campaigns SET name = @name, subject = @subject, preheader = @preheader, from_name = @from_name, from_email = @from_email,
			reply_to = @reply_to, kind = @kind, layout_id = @layout_id, inline_css = @inline_css, html = @html, text = @text, template_id = @template_id, relay_id = @relay_id, track_opens = @track_opens,
			track_clicks = @track_clicks, unconfirmed_policy = @unconfirmed_policy, expires_after_hours = @expires_after_hours,
			max_bounce_percent = @max_bounce_percent, max_complaint_percent = @max_complaint_percent,
			ignore_frequency_cap = @ignore_frequency_cap, send_days = @send_days, send_from = @send_from::time, send_until = @send_until::time, send_zone = @send_zone,
			local_time = @local_time, local_zone_field = @local_zone_field, local_late = @local_late, updated_at = now()
		WHERE id = @id`, inputArgs(id, in))
	if err != nil {
		return campaignViolation(err, in)
	}
	if err := setLists(ctx, tx, id, in); err != nil {
		return err
	}
	if err := setRelays(ctx, tx, id, in); err != nil {
		return err
	}
	return setTest(ctx, tx, id, in.ABTest)
}

func setLists(ctx context.Context, tx pgx.Tx, id int64, in Input) error {
	if _, err := tx.Exec(ctx, `DELETE FROM campaign_lists WHERE campaign_id = $1 AND list_id <> ALL ($2)`, id, in.ListIDs); err != nil {
		return fmt.Errorf("setting the lists of campaign %d: %w", id, err)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO campaign_lists (campaign_id, list_id) SELECT $1, l FROM unnest($2::bigint[]) AS l ON CONFLICT DO NOTHING`, id, in.ListIDs)
	if err != nil {
		return campaignViolation(err, in)
	}
	return setChoice(ctx, tx, id, in)
}

// setChoice writes which of the people on the lists the campaign is for.
func setChoice(ctx context.Context, tx pgx.Tx, id int64, in Input) error {
	_, err := tx.Exec(ctx, `
		WITH s AS (DELETE FROM campaign_segments WHERE campaign_id = $1), l AS (DELETE FROM campaign_excluded_lists WHERE campaign_id = $1) SELECT`, id)
	if err != nil {
		return fmt.Errorf("setting the choice of people of campaign %d: %w", id, err)
	}
	_, err = tx.Exec(ctx, `
		WITH s AS (
			INSERT INTO campaign_segments (campaign_id, segment_id, excluded)
			SELECT DISTINCT $1::bigint, s, false FROM unnest($2::bigint[]) AS s UNION SELECT $1, s, true FROM unnest($3::bigint[]) AS s)
		INSERT INTO campaign_excluded_lists (campaign_id, list_id) SELECT DISTINCT $1::bigint, l FROM unnest($4::bigint[]) AS l`,
		id, in.SegmentIDs, in.ExcludeSegmentIDs, in.ExcludeListIDs)
	if err != nil {
		return campaignViolation(err, in)
	}
	return nil
}

func setRelays(ctx context.Context, tx pgx.Tx, id int64, in Input) error {
	if _, err := tx.Exec(ctx, `DELETE FROM campaign_relays WHERE campaign_id = $1`, id); err != nil {
		return fmt.Errorf("setting the relays of campaign %d: %w", id, err)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO campaign_relays (campaign_id, relay_id, position)
		SELECT $1, r.id, r.position FROM unnest($2::bigint[]) WITH ORDINALITY AS r (id, position)`, id, in.RelayIDs)
	if err != nil {
		return campaignViolation(err, in)
	}
	return nil
}

func campaignViolation(err error, in Input) error {
	switch pg.Violation(err) {
	case "campaigns_template_id_fkey":
		return errs.InvalidField("template_id", "there is no template %d", *in.TemplateID)
	case "campaigns_layout_id_fkey":
		return errs.InvalidField("layout_id", "there is no layout %d; choose one that is there, or none", *in.LayoutID)
	case "campaigns_relay_id_fkey":
		return errs.InvalidField("relay_id", "there is no relay %d", in.RelayIDs[0])
	case "campaign_relays_relay_id_fkey":
		return errs.InvalidField("relay_ids", "one of the relays does not exist; choose among the present ones")
	case "campaign_segments_segment_id_fkey":
		return errs.InvalidField("segment_ids", "one of the segments does not exist; choose among the present ones")
	case "campaign_excluded_lists_list_id_fkey":
		return errs.InvalidField("exclude_list_ids", "one of the lists does not exist; choose among the present ones")
	case "campaign_lists_list_id_fkey":
		return errs.InvalidField("list_ids", "one of the lists does not exist; choose among the present ones")
	}
	return fmt.Errorf("saving the campaign: %w", err)
}
