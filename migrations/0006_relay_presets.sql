-- +goose Up
-- Owner: sender.

-- The provider is an id of sender/presets, '' when none was chosen. The secrets of OAuth are sealed by internal/secret with the contexts
-- "relay/<id>/oauth_client_secret" and "relay/<id>/oauth_refresh_token"; NULL when there is none.
ALTER TABLE relays
    ADD COLUMN provider            text NOT NULL DEFAULT '',
    ADD COLUMN oauth_client_id     text NOT NULL DEFAULT '',
    ADD COLUMN oauth_token_url     text NOT NULL DEFAULT '',
    ADD COLUMN oauth_client_secret bytea,
    ADD COLUMN oauth_refresh_token bytea,
    DROP CONSTRAINT relays_auth_check,
    ADD CONSTRAINT relays_auth_check CHECK (auth IN ('none', 'auto', 'plain', 'login', 'cram-md5', 'scram-sha-1', 'scram-sha-256', 'xoauth2'));
