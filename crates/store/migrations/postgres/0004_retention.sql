-- Where a replay begins, once facts older than it were removed: the state as those facts made it.
CREATE TABLE baseline (
    part BIGINT NOT NULL PRIMARY KEY,
    body BYTEA  NOT NULL
);
