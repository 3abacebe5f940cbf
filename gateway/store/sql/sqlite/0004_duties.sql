-- Every duty table this gateway has worked by, whole, so that a receipt's `rules` can be read years later.
CREATE TABLE duty_table (
    number  INTEGER PRIMARY KEY,
    version TEXT NOT NULL,
    digest  BLOB NOT NULL,
    files   TEXT NOT NULL,                  -- JSON: name of each file, and its text
    since   TEXT NOT NULL
) STRICT;
