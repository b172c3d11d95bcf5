package campaigns

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/internal/pg"
)

// sweepMessages puts messages whose moment has come back into the queue, those that were put off by a server and those that were to wait, with jobs for them.
func (s *Service) sweepMessages(ctx context.Context) error {
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			WITH due AS (
				SELECT d.campaign_id, d.seq FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id
				WHERE d.next_attempt_at <= $1 AND d.state = 3 AND c.status = 'open'
				ORDER BY d.next_attempt_at LIMIT $2 FOR UPDATE OF d SKIP LOCKED)
			UPDATE deliveries d SET state = 0, next_attempt_at = NULL, updated_at = now() FROM due
			WHERE d.campaign_id = due.campaign_id AND d.seq = due.seq RETURNING d.campaign_id, d.seq`, s.d.Now(), sweepMost)
		if err != nil {
			return fmt.Errorf("sweeping messages: %w", err)
		}
		due := map[int64][]int32{}
		var id int64
		var seq int32
		if _, err := pgx.ForEachRow(rows, []any{&id, &seq}, func() error { due[id] = append(due[id], seq); return nil }); err != nil {
			return fmt.Errorf("sweeping messages: %w", err)
		}
		var jobs []river.InsertManyParams
		for id, all := range due {
			slices.Sort(all)
			for seqs := range slices.Chunk(all, sweepChunk) {
				jobs = append(jobs, messageJob(MessageArgs{CampaignID: id, Lo: seqs[0], Hi: seqs[len(seqs)-1], Only: seqs}))
			}
		}
		return s.queueTx(ctx, tx, jobs)
	})
}

func (s *Service) queueTx(ctx context.Context, tx pgx.Tx, jobs []river.InsertManyParams) error {
	if len(jobs) == 0 {
		return nil
	}
	if _, err := s.jobs.InsertManyTx(ctx, tx, jobs); err != nil {
		return fmt.Errorf("queueing messages: %w", err)
	}
	return nil
}

// wakeStreams gives a job to each stream that was to be looked at again, and to one in which something waits that no job is about.
func (s *Service) wakeStreams(ctx context.Context) error {
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			WITH due AS (
				SELECT s.campaign_id, CASE WHEN s.look_at IS NULL THEN 0 ELSE s.look_from END AS look_from FROM message_streams s JOIN campaigns c ON c.id = s.campaign_id
				WHERE c.status = 'open' AND (s.look_at <= $1 OR s.look_at IS NULL
					AND (SELECT sum(n.queued) FROM campaign_counts n WHERE n.campaign_id = c.id) > 0
					AND NOT EXISTS (SELECT FROM river_job j WHERE j.kind = 'deliver_messages' AND j.state IN ('available', 'running', 'scheduled', 'retryable', 'pending')
						AND (j.args ->> 'campaign_id')::bigint = c.id))
				FOR UPDATE OF s SKIP LOCKED)
			UPDATE message_streams s SET look_at = NULL, look_from = 0 FROM due WHERE s.campaign_id = due.campaign_id
			RETURNING s.campaign_id, CASE WHEN due.look_from > 0 THEN due.look_from
				ELSE (SELECT min(m.seq) FROM messages m WHERE m.campaign_id = s.campaign_id AND m.expiring) END`, s.d.Now())
		if err != nil {
			return fmt.Errorf("looking for streams of messages: %w", err)
		}
		var jobs []river.InsertManyParams
		var id int64
		var from *int32
		_, err = pgx.ForEachRow(rows, []any{&id, &from}, func() error {
			args := MessageArgs{CampaignID: id, Lo: 1, Hi: math.MaxInt32}
			if from != nil {
				args.Lo = *from
			}
			jobs = append(jobs, messageJob(args))
			return nil
		})
		if err != nil {
			return fmt.Errorf("looking for streams of messages: %w", err)
		}
		return s.queueTx(ctx, tx, jobs)
	})
}

// expireMost is how many messages are looked at in one tick whether they were sent in time.
const expireMost = 2000

// expireMessages gives up what was not sent in time. What is on its way is looked at again.
func (s *Service) expireMessages(ctx context.Context) error {
	return exec(ctx, s.d.Pool, `
		WITH due AS (
			SELECT m.id, m.campaign_id, m.seq FROM messages m JOIN deliveries d ON d.campaign_id = m.campaign_id AND d.seq = m.seq
			WHERE m.expiring AND m.expires_at <= $1 AND d.state <> 1 ORDER BY m.expires_at LIMIT $2 FOR UPDATE SKIP LOCKED),
		late AS (
			UPDATE deliveries d SET state = 5, next_attempt_at = NULL, updated_at = now(),
				reply_text = 'expired before it could be sent' || COALESCE('; the last answer was: ' || d.reply_text, '')
			FROM due WHERE d.campaign_id = due.campaign_id AND d.seq = due.seq AND d.state IN (0, 3))
		UPDATE messages m SET expiring = false FROM due WHERE m.id = due.id`, s.d.Now(), expireMost)
}

// renewMessagesTx gives the messages of a stream that are in doubt another day, since somebody wants them sent again: what has expired would be in no look at what waits.
func (s *Service) renewMessagesTx(ctx context.Context, tx pgx.Tx, campaignID int64) error {
	return exec(ctx, tx, `
		UPDATE messages m SET expiring = true, expires_at = GREATEST(m.expires_at, $2) FROM deliveries d
		WHERE d.campaign_id = $1 AND d.state = 6 AND m.id = d.message_id`, campaignID, s.d.Now().Add(defaultExpiry))
}

// forgetMessages takes out what programs said with messages that are old, and what old requests were told; the ledger stays.
func (s *Service) forgetMessages(ctx context.Context) error {
	err := exec(ctx, s.d.Pool, `
		UPDATE messages SET forgotten = data IS NOT NULL, data = NULL, to_name = '' WHERE id IN (
			SELECT id FROM messages WHERE (data IS NOT NULL OR to_name <> '') AND created_at < $1 ORDER BY created_at LIMIT 1000)`, s.d.Now().Add(-messageKept))
	if err != nil {
		return err
	}
	return exec(ctx, s.d.Pool, `
		DELETE FROM message_requests r USING (SELECT principal, key FROM message_requests WHERE created_at < $1 ORDER BY created_at LIMIT 1000) old
		WHERE r.principal = old.principal AND r.key = old.key`, s.d.Now().Add(-requestKept))
}

// manyCounts is how many rows of counts a stream may have before they are put together: the connections of weeks leave one each.
const manyCounts = 200

// tidyStreams closes streams that were not used for long, and puts counts together.
func (s *Service) tidyStreams(ctx context.Context) error {
	err := exec(ctx, s.d.Pool, `
		UPDATE campaigns c SET status = 'finished', finished_at = now(), updated_at = now() FROM message_streams s
		WHERE c.id = s.campaign_id AND c.status = 'open' AND s.used_at < $1
			AND (SELECT COALESCE(sum(n.queued + n.claimed + n.deferred), 0) FROM campaign_counts n WHERE n.campaign_id = c.id) = 0`, s.d.Now().Add(-streamKept))
	if err != nil {
		return err
	}
	ids, err := collectIDs(ctx, s.d.Pool, `
		SELECT s.campaign_id FROM message_streams s WHERE (SELECT count(*) FROM campaign_counts n WHERE n.campaign_id = s.campaign_id) > $1`, manyCounts)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error { return mergeCounts(ctx, tx, id) }); err != nil {
			return err
		}
	}
	return nil
}
