-- Facts: what Octro was told, in the order in which it was told. Everything below them can be rebuilt from here.
CREATE TABLE inputs (
    seq          BIGINT NOT NULL PRIMARY KEY,
    received_at  BIGINT NOT NULL,
    form         BIGINT NOT NULL,
    source       BIGINT NOT NULL,
    collection   BIGINT NOT NULL,
    body         BYTEA   NOT NULL
);
CREATE INDEX inputs_collection ON inputs (collection);
CREATE INDEX inputs_source ON inputs (source, form, received_at);

CREATE TABLE observations (
    seq          BIGINT NOT NULL PRIMARY KEY,
    input        BIGINT NOT NULL,
    resource     BIGINT NOT NULL,
    source       BIGINT NOT NULL,
    effective_at BIGINT NOT NULL,
    received_at  BIGINT NOT NULL,
    gone         BIGINT NOT NULL,
    -- How much later than this the source had already seen something else; 0 if this was its newest word.
    late_by      BIGINT NOT NULL,
    scope        TEXT    NOT NULL,
    hash         BYTEA   NOT NULL,
    body         BYTEA   NOT NULL
);
CREATE INDEX observations_resource ON observations (resource, effective_at);
CREATE INDEX observations_input ON observations (input);
CREATE INDEX observations_gone ON observations (resource, effective_at) WHERE gone = 1;
CREATE INDEX observations_late ON observations (resource) WHERE late_by > 0;

CREATE TABLE program_versions (
    ord          BIGINT NOT NULL PRIMARY KEY,
    hash         TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    installed_at BIGINT NOT NULL,
    files        BYTEA   NOT NULL
);

CREATE TABLE sources (
    ord           BIGINT NOT NULL PRIMARY KEY,
    id            TEXT    NOT NULL CONSTRAINT sources_id UNIQUE,
    connector     TEXT    NOT NULL,
    every_us      BIGINT NOT NULL,
    registered_at BIGINT NOT NULL,
    retired_at    BIGINT NOT NULL
);

CREATE TABLE source_kinds (
    source  BIGINT NOT NULL,
    kind    TEXT    NOT NULL,
    from_at BIGINT NOT NULL,
    to_at   BIGINT NOT NULL,
    PRIMARY KEY (source, kind, from_at)
);

-- What the facts are about.
CREATE TABLE resources (
    ord           BIGINT NOT NULL PRIMARY KEY,
    kind          TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    first_seen_at BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL,
    gone_at       BIGINT NOT NULL,
    CONSTRAINT resources_kind_key UNIQUE (kind, key)
);

CREATE TABLE views (
    resource    BIGINT NOT NULL,
    source      BIGINT NOT NULL,
    observation BIGINT NOT NULL,
    -- When it was last seen to be so; brought up to date only when it is too old to be found among the inputs.
    seen_at     BIGINT NOT NULL,
    -- When it was seen again after it had not been for longer than some test allows.
    resumed_at  BIGINT NOT NULL,
    PRIMARY KEY (resource, source)
);

-- Which resources ever named which, in an attribute that refers to them.
CREATE TABLE links (
    kind     TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    resource BIGINT NOT NULL,
    PRIMARY KEY (kind, key, resource)
);

CREATE TABLE collections (
    ord         BIGINT NOT NULL PRIMARY KEY,
    source      BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    complete    BIGINT NOT NULL,
    changed     BIGINT NOT NULL,
    unchanged   BIGINT NOT NULL,
    gone        BIGINT NOT NULL,
    refused     BIGINT NOT NULL,
    errors      TEXT    NOT NULL
);
CREATE INDEX collections_source ON collections (source, finished_at);

CREATE TABLE coverage (
    source      BIGINT NOT NULL,
    kind        TEXT    NOT NULL,
    scope       TEXT    NOT NULL,
    finished_at BIGINT NOT NULL,
    collection  BIGINT NOT NULL,
    complete    BIGINT NOT NULL,
    resources   BIGINT NOT NULL,
    pages       BIGINT NOT NULL,
    reason      TEXT    NOT NULL,
    PRIMARY KEY (kind, source, finished_at, scope)
);

-- Results: a cache that `octro replay` can rebuild.
CREATE TABLE tests (
    ord BIGINT NOT NULL PRIMARY KEY,
    id  TEXT    NOT NULL CONSTRAINT tests_id UNIQUE
);

CREATE TABLE test_versions (
    ord     BIGINT NOT NULL PRIMARY KEY,
    test    BIGINT NOT NULL,
    hash    TEXT    NOT NULL,
    rev     BIGINT NOT NULL,
    program BIGINT NOT NULL
);

CREATE TABLE results (
    test          BIGINT NOT NULL,
    resource      BIGINT NOT NULL,
    from_at       BIGINT NOT NULL,
    known_at      BIGINT NOT NULL,
    to_at         BIGINT NOT NULL,
    closed_at     BIGINT NOT NULL,
    superseded_at BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    observation   BIGINT NOT NULL,
    status        BIGINT NOT NULL,
    prev          BIGINT NOT NULL,
    PRIMARY KEY (test, resource, from_at, known_at)
);
CREATE INDEX results_resource ON results (resource);
CREATE INDEX results_from ON results (test, from_at);
CREATE INDEX results_attention ON results (test, status, to_at) WHERE status <> 0;
CREATE INDEX results_to ON results (test, to_at) WHERE to_at < 9223372036854775807;
-- What was learned more than ten minutes after it was true: few rows, and all that "as of" has to correct for.
CREATE INDEX results_late ON results (test, known_at) WHERE known_at - from_at > 600000000;
CREATE INDEX results_late_closed ON results (test, closed_at) WHERE closed_at - to_at > 600000000;
CREATE INDEX results_superseded ON results (test, superseded_at) WHERE superseded_at < 9223372036854775807;

CREATE TABLE tallies (
    test           BIGINT NOT NULL,
    known_at       BIGINT NOT NULL,
    pass           BIGINT NOT NULL,
    fail           BIGINT NOT NULL,
    unknown        BIGINT NOT NULL,
    stale          BIGINT NOT NULL,
    excepted       BIGINT NOT NULL,
    not_applicable BIGINT NOT NULL,
    PRIMARY KEY (test, known_at)
);

CREATE TABLE verdicts (
    subject TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    from_at BIGINT NOT NULL,
    to_at   BIGINT NOT NULL,
    status  BIGINT NOT NULL,
    prev    BIGINT NOT NULL,
    reason  TEXT    NOT NULL,
    PRIMARY KEY (subject, id, from_at)
);
CREATE INDEX verdicts_from ON verdicts (from_at);

-- Several processes on one database: who evaluates, and what the others hand in.
CREATE TABLE leases (
    name   TEXT    NOT NULL PRIMARY KEY,
    holder TEXT    NOT NULL,
    until  BIGINT NOT NULL
);

CREATE TABLE intake (
    id          TEXT    NOT NULL PRIMARY KEY,
    received_at BIGINT NOT NULL,
    body        BYTEA   NOT NULL
);
CREATE INDEX intake_received ON intake (received_at, id);

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
