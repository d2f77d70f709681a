-- Facts: what Octro was told, in the order in which it was told. Everything below them can be rebuilt from here.
CREATE TABLE inputs (
    seq          INTEGER NOT NULL PRIMARY KEY,
    received_at  INTEGER NOT NULL,
    form         INTEGER NOT NULL,
    source       INTEGER NOT NULL,
    collection   INTEGER NOT NULL,
    body         BLOB    NOT NULL
) STRICT;
CREATE INDEX inputs_collection ON inputs (collection);
CREATE INDEX inputs_source ON inputs (source, form, received_at);

CREATE TABLE observations (
    seq          INTEGER NOT NULL PRIMARY KEY,
    input        INTEGER NOT NULL,
    resource     INTEGER NOT NULL,
    source       INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    gone         INTEGER NOT NULL,
    -- How much later than this the source had already seen something else; 0 if this was its newest word.
    late_by      INTEGER NOT NULL,
    scope        TEXT    NOT NULL,
    hash         BLOB    NOT NULL,
    body         BLOB    NOT NULL
) STRICT;
CREATE INDEX observations_resource ON observations (resource, effective_at);
CREATE INDEX observations_input ON observations (input);
CREATE INDEX observations_gone ON observations (resource, effective_at) WHERE gone = 1;
CREATE INDEX observations_late ON observations (resource) WHERE late_by > 0;

CREATE TABLE program_versions (
    ord          INTEGER NOT NULL PRIMARY KEY,
    hash         TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    installed_at INTEGER NOT NULL,
    files        BLOB    NOT NULL
) STRICT;

CREATE TABLE sources (
    ord           INTEGER NOT NULL PRIMARY KEY,
    id            TEXT    NOT NULL CONSTRAINT sources_id UNIQUE,
    connector     TEXT    NOT NULL,
    every_us      INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    retired_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE source_kinds (
    source  INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    from_at INTEGER NOT NULL,
    to_at   INTEGER NOT NULL,
    PRIMARY KEY (source, kind, from_at)
) STRICT;

-- What the facts are about.
CREATE TABLE resources (
    ord           INTEGER NOT NULL PRIMARY KEY,
    kind          TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    first_seen_at INTEGER NOT NULL,
    changed_at    INTEGER NOT NULL,
    gone_at       INTEGER NOT NULL,
    CONSTRAINT resources_kind_key UNIQUE (kind, key)
) STRICT;

CREATE TABLE views (
    resource    INTEGER NOT NULL,
    source      INTEGER NOT NULL,
    observation INTEGER NOT NULL,
    -- When it was last seen to be so; brought up to date only when it is too old to be found among the inputs.
    seen_at     INTEGER NOT NULL,
    -- When it was seen again after it had not been for longer than some test allows.
    resumed_at  INTEGER NOT NULL,
    PRIMARY KEY (resource, source)
) STRICT, WITHOUT ROWID;

-- Which resources ever named which, in an attribute that refers to them.
CREATE TABLE links (
    kind     TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    resource INTEGER NOT NULL,
    PRIMARY KEY (kind, key, resource)
) STRICT, WITHOUT ROWID;

CREATE TABLE collections (
    ord         INTEGER NOT NULL PRIMARY KEY,
    source      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    complete    INTEGER NOT NULL,
    changed     INTEGER NOT NULL,
    unchanged   INTEGER NOT NULL,
    gone        INTEGER NOT NULL,
    refused     INTEGER NOT NULL,
    errors      TEXT    NOT NULL
) STRICT;
CREATE INDEX collections_source ON collections (source, finished_at);

CREATE TABLE coverage (
    source      INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    scope       TEXT    NOT NULL,
    finished_at INTEGER NOT NULL,
    collection  INTEGER NOT NULL,
    complete    INTEGER NOT NULL,
    resources   INTEGER NOT NULL,
    pages       INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    PRIMARY KEY (kind, source, finished_at, scope)
) STRICT, WITHOUT ROWID;

-- Results: a cache that `octro replay` can rebuild.
CREATE TABLE tests (
    ord INTEGER NOT NULL PRIMARY KEY,
    id  TEXT    NOT NULL CONSTRAINT tests_id UNIQUE
) STRICT;

CREATE TABLE test_versions (
    ord     INTEGER NOT NULL PRIMARY KEY,
    test    INTEGER NOT NULL,
    hash    TEXT    NOT NULL,
    rev     INTEGER NOT NULL,
    program INTEGER NOT NULL
) STRICT;

CREATE TABLE results (
    test          INTEGER NOT NULL,
    resource      INTEGER NOT NULL,
    from_at       INTEGER NOT NULL,
    known_at      INTEGER NOT NULL,
    to_at         INTEGER NOT NULL,
    closed_at     INTEGER NOT NULL,
    superseded_at INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    observation   INTEGER NOT NULL,
    status        INTEGER NOT NULL,
    prev          INTEGER NOT NULL,
    PRIMARY KEY (test, resource, from_at, known_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX results_resource ON results (resource);
CREATE INDEX results_from ON results (test, from_at);
CREATE INDEX results_attention ON results (test, status, to_at) WHERE status <> 0;
CREATE INDEX results_to ON results (test, to_at) WHERE to_at < 9223372036854775807;
-- What was learned more than ten minutes after it was true: few rows, and all that "as of" has to correct for.
CREATE INDEX results_late ON results (test, known_at) WHERE known_at - from_at > 600000000;
CREATE INDEX results_late_closed ON results (test, closed_at) WHERE closed_at - to_at > 600000000;
CREATE INDEX results_superseded ON results (test, superseded_at) WHERE superseded_at < 9223372036854775807;

CREATE TABLE tallies (
    test           INTEGER NOT NULL,
    known_at       INTEGER NOT NULL,
    pass           INTEGER NOT NULL,
    fail           INTEGER NOT NULL,
    unknown        INTEGER NOT NULL,
    stale          INTEGER NOT NULL,
    excepted       INTEGER NOT NULL,
    not_applicable INTEGER NOT NULL,
    PRIMARY KEY (test, known_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE verdicts (
    subject TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    from_at INTEGER NOT NULL,
    to_at   INTEGER NOT NULL,
    status  INTEGER NOT NULL,
    prev    INTEGER NOT NULL,
    reason  TEXT    NOT NULL,
    PRIMARY KEY (subject, id, from_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX verdicts_from ON verdicts (from_at);

-- Several processes on one database: who evaluates, and what the others hand in.
CREATE TABLE leases (
    name   TEXT    NOT NULL PRIMARY KEY,
    holder TEXT    NOT NULL,
    until  INTEGER NOT NULL
) STRICT;

CREATE TABLE intake (
    id          TEXT    NOT NULL PRIMARY KEY,
    received_at INTEGER NOT NULL,
    body        BLOB    NOT NULL
) STRICT;
CREATE INDEX intake_received ON intake (received_at, id);

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
