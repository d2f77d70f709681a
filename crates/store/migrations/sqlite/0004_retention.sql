-- Where a replay begins, once facts older than it were removed: the state as those facts made it.
CREATE TABLE baseline (
    part INTEGER NOT NULL PRIMARY KEY,
    body BLOB    NOT NULL
) STRICT;
