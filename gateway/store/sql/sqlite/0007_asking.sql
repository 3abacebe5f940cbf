-- Where each request stands. `due` is the day that holds now: each day on which the organisation
-- waited for us was added to it. `covered` is what was answered so far, as a list of words
-- (gateway/core/request_life.py); `events` counts what happened to the request.
ALTER TABLE request ADD COLUMN kind TEXT NOT NULL DEFAULT 'information';
ALTER TABLE request ADD COLUMN state TEXT NOT NULL DEFAULT 'issued';
ALTER TABLE request ADD COLUMN events INTEGER NOT NULL DEFAULT 0;
ALTER TABLE request ADD COLUMN class TEXT;
ALTER TABLE request ADD COLUMN batch TEXT;
ALTER TABLE request ADD COLUMN terms BLOB;              -- sealed: the terms of an order
ALTER TABLE request ADD COLUMN order_tag BLOB;          -- the order's reference, as a keyed hash
ALTER TABLE request ADD COLUMN question BLOB;           -- who is asked what of whom, as a keyed hash
ALTER TABLE request ADD COLUMN served_on TEXT;          -- the day on which it counts as served
ALTER TABLE request ADD COLUMN served_by TEXT;          -- the notice that fixed that day
ALTER TABLE request ADD COLUMN lapsed_on TEXT;
ALTER TABLE request ADD COLUMN ended TEXT;
ALTER TABLE request ADD COLUMN stopped TEXT;            -- the day since which the clock stands still
ALTER TABLE request ADD COLUMN reminded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE request ADD COLUMN covered TEXT NOT NULL DEFAULT '[]';
ALTER TABLE request ADD COLUMN erased TEXT;
CREATE INDEX request_by_state ON request (state, due);
CREATE INDEX request_of_consumer ON request (consumer, id);
DROP INDEX request_of_organisation;
CREATE INDEX request_of_organisation ON request (organisation, id);
CREATE INDEX request_of_order ON request (order_tag) WHERE order_tag IS NOT NULL;
CREATE INDEX request_of_question ON request (question) WHERE question IS NOT NULL;
CREATE INDEX request_of_batch ON request (batch) WHERE batch IS NOT NULL;

-- What happened to a request, each with its entry in the ledger.
CREATE TABLE request_event (
    request    TEXT NOT NULL REFERENCES request,
    n          INTEGER NOT NULL,
    event      TEXT NOT NULL,
    state      TEXT NOT NULL,
    at         TEXT NOT NULL,
    by         TEXT NOT NULL,
    submission TEXT,
    notice     TEXT,
    entry      INTEGER NOT NULL,
    PRIMARY KEY (request, n)
) STRICT, WITHOUT ROWID;

-- A question to the officer who asked, and the answer; both sealed under the key of the request.
CREATE TABLE clarification (
    request  TEXT NOT NULL REFERENCES request,
    n        INTEGER NOT NULL,
    asked    TEXT NOT NULL,
    question BLOB NOT NULL,
    answered TEXT,
    answer   BLOB,
    PRIMARY KEY (request, n)
) STRICT, WITHOUT ROWID;

-- Whom notices go to: an organisation, a consumer or a parent. `contact` is sealed.
CREATE TABLE correspondent (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('organisation', 'consumer', 'parent')),
    nation      TEXT NOT NULL,
    language    TEXT NOT NULL,
    wrapped_key BLOB NOT NULL,
    contact     BLOB NOT NULL,
    changed     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- That somebody agreed to an electronic form, at an address, for a purpose; `address` is a keyed
-- hash, so that an agreement covers no other address than the one it was made for.
CREATE TABLE agreement (
    id            TEXT PRIMARY KEY,
    correspondent TEXT NOT NULL REFERENCES correspondent,
    purpose       TEXT NOT NULL,
    form          TEXT NOT NULL,
    address       BLOB NOT NULL,
    since         TEXT NOT NULL,
    until         TEXT,
    evidence      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX agreement_of ON agreement (correspondent);

-- Whether somebody prefers post, and since when: every preference there ever was.
CREATE TABLE preference (
    correspondent TEXT NOT NULL REFERENCES correspondent,
    since         TEXT NOT NULL,
    post          INTEGER NOT NULL,
    PRIMARY KEY (correspondent, since)
) STRICT, WITHOUT ROWID;

-- Notices: to be sent, being sent, and what became of them. `sealed` holds what they say and where
-- they went; it goes with the key.
CREATE TABLE notice (
    id            TEXT PRIMARY KEY,
    request       TEXT REFERENCES request,
    correspondent TEXT NOT NULL,
    kind          TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    state         TEXT NOT NULL
                  CHECK (state IN ('waiting', 'sending', 'sent', 'delivered', 'failed', 'stuck',
                                    'dropped')),  -- its request was no longer asked
    form          TEXT,
    agreement     TEXT,
    wrapped_key   BLOB,
    sealed        BLOB,
    made          TEXT NOT NULL,
    next_try      TEXT NOT NULL,
    tries         INTEGER NOT NULL DEFAULT 0,
    avoid         TEXT NOT NULL DEFAULT '',  -- forms that failed for good
    reference     TEXT,                      -- what the carrier calls it
    sent          TEXT,
    deemed_on     TEXT,
    deemed_by     TEXT,
    entry         INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_to_send ON notice (next_try) WHERE state IN ('waiting', 'sending');
CREATE INDEX notice_of_request ON notice (request);
CREATE INDEX notice_to ON notice (correspondent, kind);
CREATE INDEX notice_on_its_way ON notice (form) WHERE state = 'sent' AND form IN ('email', 'post');

-- One-time access codes and the sessions they were exchanged for, as keyed hashes.
CREATE TABLE access_code (
    tag     BLOB PRIMARY KEY,
    request TEXT NOT NULL REFERENCES request,
    notice  TEXT NOT NULL,
    expires TEXT NOT NULL,
    used    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX access_code_of_request ON access_code (request);

CREATE TABLE access_session (
    tag     BLOB PRIMARY KEY,
    request TEXT NOT NULL REFERENCES request,
    code    BLOB NOT NULL REFERENCES access_code,
    expires TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Which record of a submission answers which request, where the submission as a whole does not say.
CREATE TABLE match (
    submission INTEGER NOT NULL REFERENCES submission,
    row        INTEGER NOT NULL,
    request    TEXT NOT NULL REFERENCES request,
    type       TEXT NOT NULL,               -- of the record
    verdict    TEXT NOT NULL CHECK (verdict IN ('certain', 'possible', 'confirmed', 'rejected')),
    by         TEXT NOT NULL,
    score      REAL NOT NULL,
    agreed     TEXT NOT NULL,
    disagreed  TEXT NOT NULL,
    period     TEXT,                        -- the month that a deduction was made in
    at         TEXT NOT NULL,
    PRIMARY KEY (submission, row, request, type)
) STRICT, WITHOUT ROWID;
CREATE INDEX match_of_request ON match (request);

-- Which warnings that a certificate ends have been given.
CREATE TABLE certificate_warning (
    thumbprint TEXT NOT NULL REFERENCES certificate,
    days       INTEGER NOT NULL,
    PRIMARY KEY (thumbprint, days)
) STRICT, WITHOUT ROWID;

-- Up to which entry the accepted submissions have been looked through for matches.
CREATE TABLE matched (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    entry INTEGER NOT NULL
) STRICT;
INSERT INTO matched VALUES (1, 0);
CREATE INDEX submission_by_entry ON submission (entry);

-- The evidence of a request that was escalated: a signed archive, sealed under the request's key.
CREATE TABLE evidence_pack (
    request TEXT NOT NULL REFERENCES request,
    made    TEXT NOT NULL,
    digest  BLOB NOT NULL,
    sealed  BLOB NOT NULL,
    PRIMARY KEY (request, made)
) STRICT, WITHOUT ROWID;
