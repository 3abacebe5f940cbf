-- SSH keys with which organisations reach their inbox.
CREATE TABLE ssh_key (
    thumbprint TEXT PRIMARY KEY,            -- SHA-256 of the key blob (RFC 4253 section 6.6), base64url
    party      TEXT NOT NULL REFERENCES party,
    blob       BLOB NOT NULL,
    added      TEXT NOT NULL,
    revoked    TEXT
) STRICT, WITHOUT ROWID;

-- What an organisation put into its inbox. Names are sealed too; `tag` finds them again. The bytes
-- are a sealed file named by id until they are taken, and then those of the submission.
CREATE TABLE inbox (
    id           TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES party,
    folder       TEXT NOT NULL,             -- the request that it answers, or nothing
    tag          BLOB NOT NULL UNIQUE,
    name         BLOB NOT NULL,             -- sealed
    state        TEXT NOT NULL CHECK (state IN ('open', 'waiting', 'taken')),
    size         INTEGER NOT NULL,          -- bytes that are durable
    ssh_key      BLOB NOT NULL,             -- the key blob it was sent with
    submission   TEXT,
    problem      BLOB,                      -- sealed: why it was refused, where that is kept nowhere else
    wrapped_key  BLOB NOT NULL,
    changed      INTEGER NOT NULL           -- seconds since 1970
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_of_organisation ON inbox (organisation, folder);
