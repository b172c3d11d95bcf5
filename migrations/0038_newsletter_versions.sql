-- +goose Up
-- Owner: campaigns/newsletters.

-- version is raised by whatever changes where an issue stands or what it must hold: who gathers its content, or starts it, sees by it that the issue is not what it was.
-- stale says that its content is to be gathered anew, though it has a campaign; while it is held, say.
ALTER TABLE newsletter_issues ADD COLUMN version bigint NOT NULL DEFAULT 0, ADD COLUMN stale boolean NOT NULL DEFAULT false;
UPDATE newsletter_issues SET stale = true WHERE state = 'preparing' AND campaign_id IS NOT NULL;

-- An approval is of the campaign as it was when it was given: from now on written_at says as of when. Those that were given before are of what is there now.
UPDATE newsletter_issues i SET written_at = c.updated_at FROM campaigns c WHERE c.id = i.campaign_id AND i.approved_by IS NOT NULL AND i.state NOT IN ('sending', 'sent', 'skipped');

-- A newsletter ends when its last issue has gone out, no more when that is made.
UPDATE newsletters n SET status = 'active' WHERE status = 'ended'
    AND EXISTS (SELECT FROM newsletter_issues i WHERE i.newsletter_id = n.id AND i.state NOT IN ('sending', 'sent', 'skipped'));
