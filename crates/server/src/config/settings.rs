//! What can be set in `octro.toml`, for the generated reference.

/// One setting of `octro.toml`, for the generated reference.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its table and key.
    pub name: &'static str,
    /// Its form.
    pub form: &'static str,
    /// What it is if nothing is said.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// The settings that are not a connector's.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "listen",
        form: "address and port",
        default: "127.0.0.1:7468",
        doc: "Where the pages are served. Only loopback addresses: there is no sign-in yet.",
    },
    Setting {
        name: "data",
        form: "path",
        default: "octro-data",
        doc: "The folder of the embedded database. One process at a time.",
    },
    Setting {
        name: "database",
        form: "address",
        default: "SQLite in the data folder",
        doc: "`postgres://USER@HOST/NAME` to keep everything in PostgreSQL instead; several processes may share it.",
    },
    Setting {
        name: "program",
        form: "path",
        default: "the built-in program",
        doc: "A folder as `octro init` writes it. It is read again whenever a file in it changes.",
    },
    Setting {
        name: "ledger.key",
        form: "path",
        default: "ledger.key in the data folder",
        doc: "The file of the key with which the ledger's checkpoints are signed; made at the first start. Every process on one database needs the same. Beside it stands what was signed last, by which a restored backup is recognised.",
    },
    Setting {
        name: "ledger.publish",
        form: "path",
        default: "ledger in the data folder",
        doc: "The folder in which the ledger is published as tiles (C2SP tlog-tiles), for any web server to serve.",
    },
    Setting {
        name: "ledger.s3",
        form: "table of texts",
        default: "no bucket",
        doc: "A bucket in which the ledger is published too: `{ bucket, region, prefix, endpoint }`. Without `endpoint` it is Amazon's; otherwise the address of any store that speaks like it (and knows conditional writes). The keys come from the environment (`AWS_ACCESS_KEY_ID`), `~/.aws/credentials`, the container's service or the instance's role; they need `s3:GetObject`, `s3:PutObject`, `s3:DeleteObject` and `s3:ListBucket`.",
    },
    Setting {
        name: "ledger.origin",
        form: "text",
        default: "octro/ and something random",
        doc: "The name of a new log: what its checkpoints and keys are known by. It never changes afterwards.",
    },
    Setting {
        name: "ledger.pkcs11",
        form: "table of texts",
        default: "the key is in a file",
        doc: "A device that holds the key: `{ module, token, label, pin_file }` are its PKCS#11 module, the token's label, the key's label (an Ed25519 key, made at the first start) and a file with the PIN that nobody else may read. What was signed last still stands beside the path of `ledger.key`.",
    },
    Setting {
        name: "ledger.witness.key",
        form: "verifier key",
        default: "no witnesses",
        doc: "Under `[[ledger.witness]]`: the key of a witness that is asked to cosign each published checkpoint, as `octro witness key` prints it.",
    },
    Setting {
        name: "ledger.witness.url",
        form: "address",
        default: "required",
        doc: "Where that witness answers (C2SP tlog-witness). `https://` or `http://`: what it answers is checked by its key.",
    },
    Setting {
        name: "ledger.policy",
        form: "number",
        default: "how many witnesses there are",
        doc: "How many witnesses must have cosigned. The log goes on with fewer, and says so; proofs rest on a checkpoint with as many, if there is one.",
    },
    Setting {
        name: "ledger.stamps",
        form: "address",
        default: "none",
        doc: "An authority (RFC 3161) that stamps the first checkpoint after each daily seal. The stamps stand in the proofs.",
    },
    Setting { name: "source.id", form: "name", default: "required", doc: "The source's name." },
    Setting {
        name: "source.type",
        form: "connector",
        default: "required",
        doc: "Which connector it is; the connector's own settings stand beside it.",
    },
    Setting { name: "source.every", form: "length of time", default: "15m", doc: "How often it runs." },
    Setting {
        name: "source.timeout",
        form: "length of time",
        default: "5m",
        doc: "How long one run may take; what it has not enumerated by then counts as not enumerated.",
    },
];
