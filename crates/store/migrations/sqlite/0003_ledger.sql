-- The ledger's door: leaves are put here by the very transaction of the change that they tell of, and taken out by the
-- transaction that appends them. `refused` says why one cannot be appended; it then stays here for people to see.
CREATE TABLE ledger_outbox (
    id      INTEGER NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    leaf    BLOB    NOT NULL,
    refused TEXT
) STRICT;

-- The logs: one, and after a restored backup another that follows it. The newest takes entries; its row is the lock.
-- `first` is the `seq` of its entry 0, `size` how many entries it has, `signer` the verifier key in force.
CREATE TABLE ledger_log (
    ord    INTEGER NOT NULL PRIMARY KEY,
    origin TEXT    NOT NULL,
    first  INTEGER NOT NULL,
    size   INTEGER NOT NULL,
    signer TEXT    NOT NULL
) STRICT;

CREATE TABLE ledger_entries (
    seq  INTEGER NOT NULL PRIMARY KEY,
    at   INTEGER NOT NULL,
    hash BLOB    NOT NULL,
    leaf BLOB    NOT NULL
) STRICT;

-- Full tiles only: 256 hashes, and the root over them, which is a hash of the tile above.
CREATE TABLE ledger_tiles (
    log    INTEGER NOT NULL,
    level  INTEGER NOT NULL,
    place  INTEGER NOT NULL,
    root   BLOB    NOT NULL,
    hashes BLOB    NOT NULL,
    PRIMARY KEY (log, level, place)
) STRICT;

CREATE TABLE ledger_checkpoints (
    log  INTEGER NOT NULL,
    size INTEGER NOT NULL,
    root BLOB    NOT NULL,
    at   INTEGER NOT NULL,
    note TEXT    NOT NULL,
    PRIMARY KEY (log, size)
) STRICT;

CREATE TABLE ledger_cosignatures (
    log     INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    witness TEXT    NOT NULL,
    line    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (log, size, witness)
) STRICT;

-- Time-stamp tokens (RFC 3161) over checkpoints.
CREATE TABLE ledger_stamps (
    log       INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    authority TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    token     BLOB    NOT NULL,
    PRIMARY KEY (log, size, authority)
) STRICT;

-- What was appended stays as it is. Whoever may drop a trigger can get around this; the audit then tells. REPLACE deletes
-- without asking the trigger on DELETE, so that a row which is there is not inserted again either.

CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on ledger_entries is refused'); END;

CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on ledger_entries is refused'); END;

CREATE TRIGGER ledger_entries_no_replace BEFORE INSERT ON ledger_entries
WHEN EXISTS (SELECT 1 FROM ledger_entries WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: REPLACE on ledger_entries is refused'); END;

CREATE TRIGGER ledger_tiles_no_update BEFORE UPDATE ON ledger_tiles
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on ledger_tiles is refused'); END;

CREATE TRIGGER ledger_tiles_no_delete BEFORE DELETE ON ledger_tiles
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on ledger_tiles is refused'); END;

CREATE TRIGGER ledger_tiles_no_replace BEFORE INSERT ON ledger_tiles
WHEN EXISTS (SELECT 1 FROM ledger_tiles WHERE log = NEW.log AND level = NEW.level AND place = NEW.place)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: REPLACE on ledger_tiles is refused'); END;

CREATE TRIGGER ledger_checkpoints_no_update BEFORE UPDATE ON ledger_checkpoints
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on ledger_checkpoints is refused'); END;

CREATE TRIGGER ledger_checkpoints_no_delete BEFORE DELETE ON ledger_checkpoints
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on ledger_checkpoints is refused'); END;

CREATE TRIGGER ledger_checkpoints_no_replace BEFORE INSERT ON ledger_checkpoints
WHEN EXISTS (SELECT 1 FROM ledger_checkpoints WHERE log = NEW.log AND size = NEW.size)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: REPLACE on ledger_checkpoints is refused'); END;

CREATE TRIGGER ledger_cosignatures_no_update BEFORE UPDATE ON ledger_cosignatures
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on ledger_cosignatures is refused'); END;

CREATE TRIGGER ledger_cosignatures_no_delete BEFORE DELETE ON ledger_cosignatures
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on ledger_cosignatures is refused'); END;

CREATE TRIGGER ledger_cosignatures_no_replace BEFORE INSERT ON ledger_cosignatures
WHEN EXISTS (SELECT 1 FROM ledger_cosignatures WHERE log = NEW.log AND size = NEW.size AND witness = NEW.witness)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: REPLACE on ledger_cosignatures is refused'); END;
