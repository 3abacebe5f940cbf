-- Feeds that are pushed: to whom, by which way, and up to which record they were handed over. `target`
-- is sealed: a webhook's URL and its secrets; a stream has none.
CREATE TABLE subscription (
    id          TEXT PRIMARY KEY,
    consumer    TEXT NOT NULL REFERENCES party,
    feed        TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('webhook', 'jetstream')),
    state       TEXT NOT NULL CHECK (state IN ('active', 'paused', 'disabled', 'removed')),
    wrapped_key BLOB,
    target      BLOB,
    since       INTEGER NOT NULL,            -- the record after which it began
    upto        INTEGER NOT NULL,            -- the record up to which it was handed over
    rewinds     INTEGER NOT NULL DEFAULT 0,
    page        INTEGER NOT NULL,            -- the most records in one message
    rests       TEXT NOT NULL DEFAULT '',    -- until when nothing new is begun
    added       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_of ON subscription (consumer, feed);

-- The outbox: stretches of feeds that are to be handed over, and those that could not be. What was
-- handed over is in the ledger, and here no more.
CREATE TABLE push (
    id           TEXT PRIMARY KEY,
    subscription TEXT NOT NULL REFERENCES subscription,
    first        INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'dead')),
    replayed     INTEGER NOT NULL DEFAULT 0,
    made         TEXT NOT NULL,
    begun        TEXT NOT NULL,              -- the first try, of this round
    tries        INTEGER NOT NULL,
    next_try     TEXT NOT NULL,
    reason       TEXT                        -- why the last try failed
) STRICT, WITHOUT ROWID;
CREATE INDEX push_of ON push (subscription, state, next_try);
