-- The journal: what the engine has put into the ledger, as it needs it to go on and to prove. `log` is the number of the
-- log: after a restored backup another one follows, and all chains begin anew.

-- The end of each control's chain of transitions.
CREATE TABLE journal_chains (
    log         INTEGER NOT NULL,
    control     TEXT    NOT NULL PRIMARY KEY,
    begun_at    INTEGER NOT NULL,
    n           INTEGER NOT NULL,
    last        BLOB    NOT NULL,
    status      INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    evaluations INTEGER NOT NULL,
    -- 0 if it never was.
    evaluated   INTEGER NOT NULL,
    gap         INTEGER NOT NULL,
    silent      INTEGER NOT NULL,
    -- Until when silence is counted.
    counted     INTEGER NOT NULL
) STRICT;

CREATE TABLE journal_transitions (
    log INTEGER NOT NULL,
    control TEXT    NOT NULL,
    n       INTEGER NOT NULL,
    written INTEGER NOT NULL,
    hash    BLOB    NOT NULL,
    PRIMARY KEY (log, control, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_seals (
    log INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    written INTEGER NOT NULL,
    hash    BLOB NOT NULL,
    PRIMARY KEY (log, n)
) STRICT;
CREATE INDEX journal_seals_written ON journal_seals (log, written);

CREATE TABLE journal_states (
    log INTEGER NOT NULL,
    seal    INTEGER NOT NULL,
    place   INTEGER NOT NULL,
    control TEXT    NOT NULL,
    state   TEXT    NOT NULL,
    PRIMARY KEY (log, seal, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_populations (
    log INTEGER NOT NULL,
    seal   INTEGER NOT NULL,
    kind   TEXT    NOT NULL,
    hash   BLOB    NOT NULL,
    secret BLOB    NOT NULL,
    PRIMARY KEY (log, seal, kind)
) STRICT, WITHOUT ROWID;

-- Random bytes of resources whose kind has personal data. Whoever deletes a row makes all commitments to that resource
-- unopenable.
CREATE TABLE journal_salts (
    resource INTEGER NOT NULL PRIMARY KEY,
    salt     BLOB    NOT NULL
) STRICT;

-- What stays of a person who was erased: the leaves in populations, which nobody can open any more.
CREATE TABLE journal_erased (
    log INTEGER NOT NULL,
    seal     INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    resource INTEGER NOT NULL,
    leaf     BLOB    NOT NULL,
    PRIMARY KEY (log, seal, kind, resource)
) STRICT, WITHOUT ROWID;

-- Leaves are found by when they were put.
CREATE INDEX ledger_entries_at ON ledger_entries (at);

CREATE TRIGGER journal_transitions_no_update BEFORE UPDATE ON journal_transitions
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on journal_transitions is refused'); END;

CREATE TRIGGER journal_transitions_no_delete BEFORE DELETE ON journal_transitions
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on journal_transitions is refused'); END;

CREATE TRIGGER journal_seals_no_update BEFORE UPDATE ON journal_seals
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on journal_seals is refused'); END;

CREATE TRIGGER journal_seals_no_delete BEFORE DELETE ON journal_seals
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on journal_seals is refused'); END;

CREATE TRIGGER journal_states_no_update BEFORE UPDATE ON journal_states
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on journal_states is refused'); END;

CREATE TRIGGER journal_states_no_delete BEFORE DELETE ON journal_states
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on journal_states is refused'); END;
