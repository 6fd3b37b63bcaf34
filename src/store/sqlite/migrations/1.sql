CREATE TABLE source (
    no          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    cursor      TEXT,
    settings    INTEGER,
    good_at     INTEGER,
    first_at    INTEGER,
    last_at     INTEGER
) STRICT;

-- What events are about. Instants are milliseconds since 1970; kinds are those of SubjectKind.
CREATE TABLE subject (
    no          INTEGER PRIMARY KEY,
    source      INTEGER NOT NULL REFERENCES source (no),
    kind        INTEGER NOT NULL,
    id          TEXT    NOT NULL,
    last_at     INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    stirred_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    quiet_at    INTEGER NOT NULL,
    customer    INTEGER REFERENCES subject (no),
    customer_at INTEGER,
    opened_at   INTEGER,
    begun_by    INTEGER,
    begun_by_at INTEGER,
    -- When it was opened, where its customer began it.
    asked_at    INTEGER,
    events      INTEGER NOT NULL,
    touched     INTEGER NOT NULL,
    UNIQUE (source, kind, id)
) STRICT;

CREATE INDEX subject_quiet ON subject (kind, quiet_at, asked_at, source);
CREATE INDEX subject_touched ON subject (touched);
CREATE INDEX subject_customer ON subject (customer) WHERE customer IS NOT NULL;

-- The events of a subject, up to 128 in a row, in the order in which they came.
CREATE TABLE chunk (
    subject     INTEGER NOT NULL REFERENCES subject (no) ON DELETE CASCADE,
    place       INTEGER NOT NULL,
    min_at      INTEGER NOT NULL,
    max_at      INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    PRIMARY KEY (subject, place)
) STRICT, WITHOUT ROWID;

-- How many appends there were that kept anything.
CREATE TABLE state (
    appends     INTEGER NOT NULL
) STRICT;
INSERT INTO state VALUES (0);
