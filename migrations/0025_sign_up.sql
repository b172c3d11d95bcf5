-- +goose Up
-- Owner: audience. Sign-up by forms, and subscriptions that people confirm by mail (docs/decisions/0014).

-- double: who signs up by a form is on the list only after confirming it by the link of a mail.
ALTER TABLE lists ADD COLUMN opt_in text NOT NULL DEFAULT 'single' CHECK (opt_in IN ('single', 'double'));

-- How a list asks for confirmation. No row, or '' in it: what is usual.
CREATE TABLE list_confirmations (
    list_id     bigint      PRIMARY KEY REFERENCES lists (id) ON DELETE CASCADE,
    language    text        NOT NULL DEFAULT '',
    subject     text        NOT NULL DEFAULT '',
    html        text        NOT NULL DEFAULT '',
    text        text        NOT NULL DEFAULT '',
    from_name   text        NOT NULL DEFAULT '',
    from_email  text        NOT NULL DEFAULT '',
    relay_id    bigint      REFERENCES relays (id) ON DELETE SET NULL,
    expire_days integer     NOT NULL DEFAULT 7 CHECK (expire_days BETWEEN 1 AND 60),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE forms (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What its address ends in.
    slug            text        NOT NULL CONSTRAINT forms_slug UNIQUE,
    name            text        NOT NULL CHECK (name <> ''),
    enabled         boolean     NOT NULL DEFAULT true,
    language        text        NOT NULL DEFAULT 'en',
    title           text        NOT NULL DEFAULT '',
    intro           text        NOT NULL DEFAULT '',
    button          text        NOT NULL DEFAULT '',
    -- What people agree to; with consent_required they tick it.
    consent         text        NOT NULL DEFAULT '',
    consent_required boolean    NOT NULL DEFAULT false,
    -- People choose among the lists; otherwise they get them all.
    choose          boolean     NOT NULL DEFAULT false,
    -- [{name, label, type, required}]; the name "name" is the person's name, others are custom fields.
    fields          jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(fields) = 'array'),
    success_title   text        NOT NULL DEFAULT '',
    success_text    text        NOT NULL DEFAULT '',
    redirect_url    text        NOT NULL DEFAULT '',
    allowed_origins text[]      NOT NULL DEFAULT '{}',
    -- How many sign-ups one network address may send in an hour.
    max_per_hour    integer     NOT NULL DEFAULT 10 CHECK (max_per_hour BETWEEN 1 AND 10000),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX forms_name ON forms (lower(name));

CREATE TABLE form_lists (
    form_id  bigint  NOT NULL REFERENCES forms (id) ON DELETE CASCADE,
    list_id  bigint  NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
    position integer NOT NULL,
    PRIMARY KEY (form_id, list_id)
);
CREATE INDEX form_lists_list ON form_lists (list_id);

-- What a form did not take: robots (honeypot) and too many from one network address (limit). Counted by day (UTC), nothing else is kept of them.
CREATE TABLE form_refusals (
    form_id bigint NOT NULL REFERENCES forms (id) ON DELETE CASCADE,
    day     date   NOT NULL,
    reason  text   NOT NULL CHECK (reason IN ('honeypot', 'limit')),
    n       bigint NOT NULL,
    PRIMARY KEY (form_id, day, reason)
);

-- Each time that somebody signed up by a form, or was asked to confirm by an admin or a program. A row that asks for confirmation is one mail: asked again, it is another row.
CREATE TABLE signups (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    form_id       bigint      REFERENCES forms (id) ON DELETE SET NULL,
    source        text        NOT NULL,
    -- NULL until it is worked on, and when the person is gone.
    subscriber_id bigint,
    -- The person was made known by this row.
    made_person   boolean     NOT NULL DEFAULT false,
    list_ids      bigint[]    NOT NULL,
    language      text        NOT NULL DEFAULT '',
    -- What was filled in; it is theirs only once they have confirmed. Taken out some time after the end.
    email         text        NOT NULL,
    email_key     text        NOT NULL,
    name          text        NOT NULL DEFAULT '',
    attributes    jsonb       NOT NULL DEFAULT '{}',
    evidence      jsonb       NOT NULL DEFAULT '{}',
    -- What limits go by: the mailbox without its tags, and the network.
    mailbox_key   text        NOT NULL,
    network_key   text        NOT NULL DEFAULT '',
    -- received: not looked at yet. done: on the lists at once. pending, sending, sent, uncertain (the reply was lost), failed: of the mail. suppressed and limited: no
    -- mail was sent, because of the address or of the limits. confirmed, declined, expired, removed (with the person): the end.
    state         text        NOT NULL CHECK (state IN ('received', 'done', 'pending', 'sending', 'sent', 'uncertain', 'failed', 'suppressed', 'limited',
                                                        'confirmed', 'declined', 'expired', 'removed')),
    attempt       integer     NOT NULL DEFAULT 0,
    -- When the final dot of the mail was about to be sent: from then on it may have arrived, and is never sent again.
    dotted_at     timestamptz,
    relay_id      bigint,
    reply_code    integer     NOT NULL DEFAULT 0,
    reply         text        NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    -- Until when the link works; NULL when nothing is to be confirmed.
    expires_at    timestamptz,
    closed_at     timestamptz
);
CREATE INDEX signups_mailbox ON signups (mailbox_key, created_at);
CREATE INDEX signups_network ON signups (network_key, created_at);
CREATE INDEX signups_person ON signups (email_key);
CREATE INDEX signups_form ON signups (form_id, created_at);
CREATE INDEX signups_lists ON signups USING gin (list_ids);
CREATE INDEX signups_open ON signups (expires_at) WHERE closed_at IS NULL;
-- What has ended and still says who it was.
CREATE INDEX signups_ended ON signups (closed_at) WHERE email <> '';

-- With a person goes what they filled in. A transaction that sets postrider.keep_signups only tidies up, and the addresses stay for the admin to see for a while.
-- +goose StatementBegin
CREATE FUNCTION forget_signups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE signups SET subscriber_id = NULL, email = '', email_key = '', mailbox_key = '', network_key = '', name = '', attributes = '{}', evidence = '{}', reply = '',
        state = CASE WHEN closed_at IS NULL THEN 'removed' ELSE state END, closed_at = COALESCE(closed_at, now()), updated_at = now()
    WHERE email_key = OLD.email_key;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER subscribers_signups_forgotten AFTER DELETE ON subscribers FOR EACH ROW
    WHEN (current_setting('postrider.keep_signups', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION forget_signups();
