-- What a consumer has taken into use, beside what is in its hands.
ALTER TABLE acknowledgement ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
ALTER TABLE acknowledgement ADD COLUMN used_at TEXT;

-- A record that a consumer cannot use, and why.
CREATE TABLE rejection (
    feed         TEXT NOT NULL,
    consumer     TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    submission   INTEGER NOT NULL REFERENCES submission,
    row          INTEGER NOT NULL,
    type         TEXT NOT NULL,             -- of the record
    code         TEXT NOT NULL,
    field        TEXT,
    entry        INTEGER NOT NULL,
    at           TEXT NOT NULL,
    PRIMARY KEY (feed, consumer, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX rejection_of_submission ON rejection (submission, row);

-- Up to where it was said that nobody had collected a feed in time.
CREATE TABLE uncollected (
    feed     TEXT NOT NULL,
    consumer TEXT NOT NULL,
    upto     INTEGER NOT NULL,
    entry    INTEGER NOT NULL,
    at       TEXT NOT NULL,
    PRIMARY KEY (feed, consumer)
) STRICT, WITHOUT ROWID;
