-- The journal: what the engine has put into the ledger, as it needs it to go on and to prove. `log` is the number of the
-- log: after a restored backup another one follows, and all chains begin anew.

-- The end of each control's chain of transitions.
CREATE TABLE journal_chains (
    log         BIGINT NOT NULL,
    control     TEXT    NOT NULL PRIMARY KEY,
    begun_at    BIGINT NOT NULL,
    n           BIGINT NOT NULL,
    last        BYTEA NOT NULL,
    status      BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    evaluations BIGINT NOT NULL,
    -- 0 if it never was.
    evaluated   BIGINT NOT NULL,
    gap         BIGINT NOT NULL,
    silent      BIGINT NOT NULL,
    -- Until when silence is counted.
    counted     BIGINT NOT NULL
);

CREATE TABLE journal_transitions (
    log BIGINT NOT NULL,
    control TEXT    NOT NULL,
    n       BIGINT NOT NULL,
    written BIGINT NOT NULL,
    hash    BYTEA NOT NULL,
    PRIMARY KEY (log, control, n)
);

CREATE TABLE journal_seals (
    log BIGINT NOT NULL,
    n       BIGINT NOT NULL,
    written BIGINT NOT NULL,
    hash    BYTEA NOT NULL,
    PRIMARY KEY (log, n)
);
CREATE INDEX journal_seals_written ON journal_seals (log, written);

CREATE TABLE journal_states (
    log BIGINT NOT NULL,
    seal    BIGINT NOT NULL,
    place   BIGINT NOT NULL,
    control TEXT    NOT NULL,
    state   TEXT    NOT NULL,
    PRIMARY KEY (log, seal, place)
);

CREATE TABLE journal_populations (
    log BIGINT NOT NULL,
    seal   BIGINT NOT NULL,
    kind   TEXT    NOT NULL,
    hash   BYTEA NOT NULL,
    secret BYTEA NOT NULL,
    PRIMARY KEY (log, seal, kind)
);

-- Random bytes of resources whose kind has personal data. Whoever deletes a row makes all commitments to that resource
-- unopenable.
CREATE TABLE journal_salts (
    resource BIGINT NOT NULL PRIMARY KEY,
    salt     BYTEA NOT NULL
);

-- What stays of a person who was erased: the leaves in populations, which nobody can open any more.
CREATE TABLE journal_erased (
    log BIGINT NOT NULL,
    seal     BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    resource BIGINT NOT NULL,
    leaf     BYTEA  NOT NULL,
    PRIMARY KEY (log, seal, kind, resource)
);

-- Leaves are found by when they were put.
CREATE INDEX ledger_entries_at ON ledger_entries (at);

CREATE TRIGGER journal_transitions_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_transitions
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

CREATE TRIGGER journal_seals_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_seals
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

CREATE TRIGGER journal_states_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_states
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
