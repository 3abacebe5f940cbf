-- Refused rows that may be sent again: names of open rows, eight bytes each, as keyed hashes
-- (gateway/core/mending.py). `version` counts how often the submission was amended.
CREATE TABLE open_rows (
    submission INTEGER PRIMARY KEY REFERENCES submission,
    version    INTEGER NOT NULL,
    rows       INTEGER NOT NULL,            -- how many rows the file had
    tags       BLOB NOT NULL
) STRICT;

-- What a submission changed of an earlier one: it completes it, or corrects what it said.
CREATE TABLE amendment (
    number     INTEGER PRIMARY KEY REFERENCES submission,   -- the submission that amends
    submission INTEGER NOT NULL REFERENCES submission,      -- the one that is amended
    how        TEXT NOT NULL,
    entry      INTEGER NOT NULL
) STRICT;
CREATE INDEX amendment_of_submission ON amendment (submission, number);
