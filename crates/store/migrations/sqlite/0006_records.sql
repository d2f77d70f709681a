-- What the ledger commits to without saying it: decisions, and to whom lists were handed out. `secret` opens the
-- commitments of the leaf with this hash; when a person in the texts is erased, the row is deleted.
CREATE TABLE ledger_records (
    hash       BLOB    NOT NULL PRIMARY KEY,
    -- What it is asked for by; empty for what is no decision.
    name       TEXT    NOT NULL,
    what       TEXT    NOT NULL,
    written    INTEGER NOT NULL,
    secret     BLOB    NOT NULL,
    subject    TEXT    NOT NULL,
    decided_by TEXT    NOT NULL,
    body       TEXT    NOT NULL
) STRICT;
CREATE INDEX ledger_records_name ON ledger_records (name, written);

CREATE TRIGGER ledger_records_no_update BEFORE UPDATE ON ledger_records
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on ledger_records is refused'); END;
