-- Who may speak: organisations under a duty, consumers, their certificates and OAuth clients.
CREATE TABLE party (
    id      TEXT PRIMARY KEY,
    kind    TEXT NOT NULL CHECK (kind IN ('organisation', 'consumer')),
    name    TEXT NOT NULL,
    added   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE party_class (
    party      TEXT NOT NULL REFERENCES party,
    class      TEXT NOT NULL,
    in_force   TEXT NOT NULL,
    until      TEXT,
    PRIMARY KEY (party, class, in_force)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificate (
    thumbprint TEXT PRIMARY KEY,            -- x5t#S256 (RFC 8705)
    party      TEXT NOT NULL REFERENCES party,
    der        BLOB NOT NULL,
    added      TEXT NOT NULL,
    revoked    TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE client (
    id      TEXT PRIMARY KEY,
    party   TEXT NOT NULL REFERENCES party,
    scope   TEXT NOT NULL,
    jwks    TEXT NOT NULL,
    added   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Client assertions already used (RFC 7523 section 3, item 7), kept until they expire.
CREATE TABLE assertion (
    client  TEXT NOT NULL,
    jti     TEXT NOT NULL,
    expires INTEGER NOT NULL,               -- seconds since 1970
    PRIMARY KEY (client, jti)
) STRICT, WITHOUT ROWID;

-- What a consumer asked of an organisation. The subject is sealed under a key of its own.
CREATE TABLE request (
    id           TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES party,
    consumer     TEXT NOT NULL REFERENCES party,
    purposes     TEXT NOT NULL,
    citation     TEXT NOT NULL,
    record_types TEXT NOT NULL,
    reference    TEXT,
    wrapped_key  BLOB NOT NULL,
    subject      BLOB NOT NULL,
    raised       TEXT NOT NULL,
    due          TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX request_of_organisation ON request (organisation, raised);

-- The ledger: entries, the complete tiles of its tree, and every checkpoint that was signed.
CREATE TABLE entry (
    idx   INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE tile (
    level  INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    note TEXT NOT NULL
) STRICT;

-- One submission. `number` joins what belongs to it; `wrapped_key` is its data key, wrapped.
CREATE TABLE submission (
    number       INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    organisation TEXT NOT NULL,
    class        TEXT,
    format       TEXT,
    request      TEXT,
    state        TEXT NOT NULL CHECK (state IN ('received', 'accepted', 'refused')),
    entry        INTEGER NOT NULL,
    received_at  TEXT NOT NULL,
    recorded_at  TEXT NOT NULL,
    content_tag  BLOB NOT NULL,
    wrapped_key  BLOB NOT NULL,
    records      BLOB,
    accepted     INTEGER NOT NULL,
    refused      INTEGER NOT NULL,
    nil          INTEGER NOT NULL,
    receipt      TEXT NOT NULL,
    received     TEXT,                      -- receipt for the bytes, where the outcome came later
    received_entry INTEGER,
    pending      BLOB,                      -- sealed: what reading needs, while state is 'received'
    outcome      BLOB                       -- sealed: row errors and notes
) STRICT;
CREATE INDEX submission_of_organisation ON submission (organisation, number);
CREATE INDEX submission_pending ON submission (state) WHERE state = 'received';

-- The same bytes from the same organisation are one submission, while they are not refused.
CREATE UNIQUE INDEX submission_content ON submission (content_tag) WHERE state <> 'refused';

CREATE TABLE idempotency (
    organisation TEXT NOT NULL,
    key          TEXT NOT NULL,
    content_tag  BLOB NOT NULL,
    submission   INTEGER NOT NULL,
    used         TEXT NOT NULL,
    PRIMARY KEY (organisation, key)
) STRICT, WITHOUT ROWID;

-- The bytes as they came. Small ones are here, sealed; large ones in a file named by submission id.
CREATE TABLE body (
    submission INTEGER PRIMARY KEY REFERENCES submission,
    sealed     BLOB NOT NULL
) STRICT;

-- Blocks of 256 records: leaf hashes followed by the sealed block, here or at a place in the file.
CREATE TABLE block (
    submission INTEGER NOT NULL REFERENCES submission,
    n          INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    root       BLOB NOT NULL,
    frame      BLOB,
    place      INTEGER,
    length     INTEGER,
    PRIMARY KEY (submission, n)
) STRICT, WITHOUT ROWID;

-- What each feed holds: a stretch of sequence numbers is what a view shows of one block.
CREATE TABLE view (
    id   INTEGER PRIMARY KEY,
    spec TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE feed_item (
    feed       TEXT NOT NULL,
    first      INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    submission INTEGER NOT NULL,
    n          INTEGER NOT NULL,
    view       INTEGER NOT NULL REFERENCES view,
    PRIMARY KEY (feed, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE acknowledgement (
    feed     TEXT NOT NULL,
    consumer TEXT NOT NULL,
    upto     INTEGER NOT NULL,
    at       TEXT NOT NULL,
    PRIMARY KEY (feed, consumer)
) STRICT, WITHOUT ROWID;

-- A resumable upload that has not ended yet; its bytes are in a sealed file.
CREATE TABLE upload (
    id           TEXT PRIMARY KEY,
    organisation TEXT NOT NULL,
    client       TEXT NOT NULL,
    length       INTEGER NOT NULL,
    offset       INTEGER NOT NULL,
    metadata     TEXT NOT NULL,
    wrapped_key  BLOB NOT NULL,
    expires      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
