-- What became of an upload is remembered as long as the upload would have been. Its bytes are sealed
-- as those of the submission that it becomes; those that were sealed otherwise begin anew.
DROP TABLE upload;
CREATE TABLE upload (
    id           TEXT PRIMARY KEY,
    organisation TEXT NOT NULL,
    client       TEXT NOT NULL,
    length       INTEGER NOT NULL,
    offset       INTEGER NOT NULL,
    metadata     TEXT NOT NULL,
    wrapped_key  BLOB NOT NULL,
    expires      INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('open', 'begun', 'ended')),
    ending       BLOB                       -- sealed
) STRICT, WITHOUT ROWID;
