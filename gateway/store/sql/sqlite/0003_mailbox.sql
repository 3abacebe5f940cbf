-- Mailboxes of organisations that speak MESH. The password and the shared key are sealed.
CREATE TABLE mailbox (
    id           TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES party,
    wrapped_key  BLOB NOT NULL,
    secret       BLOB NOT NULL,
    added        TEXT NOT NULL,
    removed      TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX mailbox_of_organisation ON mailbox (organisation);

-- A message that a mailbox sent. What its sender wrote on it, and what a refusal said, is sealed.
CREATE TABLE mesh_sent (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    mailbox     TEXT NOT NULL REFERENCES mailbox,
    total       INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('uploading', 'taken', 'refused')),
    key_tag     BLOB,                       -- by which a repeat is known
    local_tag   BLOB,                       -- by which its sender's own id finds it
    wrapped_key BLOB NOT NULL,
    labels      BLOB NOT NULL,
    submission  TEXT,
    reason      TEXT,
    told        BLOB,
    receipted   INTEGER NOT NULL,           -- whether what is told holds a receipt
    sent_at     TEXT NOT NULL,
    expires     INTEGER NOT NULL,           -- seconds since 1970, while it is uploading
    settled     INTEGER NOT NULL DEFAULT 0  -- its outcome lies in the inbox
) STRICT;
CREATE INDEX mesh_sent_key ON mesh_sent (mailbox, key_tag) WHERE key_tag IS NOT NULL;
CREATE INDEX mesh_sent_local ON mesh_sent (mailbox, local_tag) WHERE local_tag IS NOT NULL;
CREATE INDEX mesh_sent_open ON mesh_sent (mailbox, state) WHERE settled = 0;

-- A chunk that is durable; its bytes are in a sealed file until the message is complete.
CREATE TABLE mesh_chunk (
    message TEXT NOT NULL REFERENCES mesh_sent (id),
    n       INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    tag     BLOB NOT NULL,
    PRIMARY KEY (message, n)
) STRICT, WITHOUT ROWID;

-- What lies in an inbox: only what it is about. Its words are made anew each time it is collected.
CREATE TABLE mesh_inbox (
    number       INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    mailbox      TEXT NOT NULL REFERENCES mailbox,
    kind         TEXT NOT NULL CHECK (kind IN ('report', 'outcome', 'receipt', 'request')),
    about        TEXT NOT NULL,             -- id of the message sent, or of the request
    workflow     TEXT NOT NULL,
    made         TEXT NOT NULL,
    acknowledged TEXT,
    UNIQUE (mailbox, about, kind)
) STRICT;
CREATE INDEX mesh_inbox_waiting ON mesh_inbox (mailbox, number) WHERE acknowledged IS NULL;
