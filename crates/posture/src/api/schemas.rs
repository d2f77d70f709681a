//! The shapes of answers, in short: a field and its form. `T[]` is a list, `T?` may be null, `T??` may be left out.
//! A test compares them with real answers, so that they cannot drift.

use serde_json::{Map, Value, json};

/// An object: its name, and its fields with their forms.
type Shape = (&'static str, &'static [(&'static str, &'static str)]);

/// Lists of words.
const WORDS: &[(&str, &[&str])] = &[
    ("Status", &["pass", "fail", "unknown", "stale", "excepted", "not_applicable"]),
    ("Severity", &["info", "low", "medium", "high", "critical"]),
    ("Layer", &["identify", "protect", "detect", "respond", "recover"]),
    ("Coverage", &["full", "partial"]),
];

#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    ("Problem", &[("type", "string"), ("title", "string"), ("status", "integer"), ("detail", "string"), ("instance", "string")]),
    ("AsOf", &[("at", "time"), ("known_at", "time")]),
    ("Tally", &[("pass", "integer"), ("fail", "integer"), ("unknown", "integer"), ("stale", "integer"), ("excepted", "integer"), ("not_applicable", "integer")]),
    ("Population", &[("state", "string"), ("at", "time??"), ("reason", "string??")]),
    ("UnknownReason", &[("why", "string"), ("detail", "string??")]),
    ("Overview", &[("as_of", "AsOf"), ("parts", "Part[]"), ("controls", "Tally"), ("changes", "Change[]"), ("attention", "Control[]")]),
    ("Part", &[("id", "string"), ("title", "string"), ("status", "Status"), ("reason", "string"), ("controls", "Tally"), ("share_30", "number?"), ("share_90", "number?")]),
    ("Change", &[("subject", "string"), ("id", "string"), ("at", "time"), ("from", "Status?"), ("to", "Status?"), ("reason", "string")]),
    ("Test", TEST),
    ("Control", CONTROL),
    ("Mapping", &[("framework", "string"), ("framework_title", "string"), ("requirement", "string"), ("title", "string"), ("coverage", "Coverage"), ("note", "string")]),
    ("ControlDetail", &[("id", "string"), ("title", "string"), ("part", "string"), ("owner", "string"), ("layer", "Layer"), ("status", "Status"), ("reason", "string"),
        ("tally", "Tally"), ("tests", "Test[]"), ("evidence_at", "time?"), ("part_title", "string"), ("owner_title", "string"), ("statement", "string"), ("why", "string"),
        ("policy", "PolicySection?"), ("protects", "string[]"), ("evidence", "string[]"), ("maps", "Mapping[]"), ("claims", "ClaimRef[]"), ("file", "string"), ("changes", "Change[]")]),
    ("PolicySection", &[("policy", "string"), ("heading", "string")]),
    ("ClaimRef", &[("id", "string"), ("title", "string")]),
    ("TestDetail", &[("id", "string"), ("rev", "integer"), ("title", "string"), ("severity", "Severity"), ("on", "string"), ("part", "string"), ("status", "Status"),
        ("reason", "string"), ("tally", "Tally"), ("population", "Population"), ("controls", "string[]"), ("kind_title", "string"), ("hash", "string"), ("why", "string"),
        ("scope", "string"), ("pass", "string"), ("message", "string"), ("max_age", "span"), ("coverage_note", "string"), ("params", "Param[]"), ("reads", "Reads[]"),
        ("fix", "Fix"), ("maps", "Mapping[]"), ("examples", "Example[]"), ("file", "string"), ("changes", "Change[]")]),
    ("Param", &[("name", "string"), ("of", "string"), ("value", "any"), ("doc", "string")]),
    ("Reads", &[("kind", "string"), ("path", "string"), ("doc", "string")]),
    ("Fix", &[("text", "string"), ("command", "string?"), ("terraform", "string?")]),
    ("Example", &[("name", "string"), ("attributes", "any"), ("unknown", "any"), ("others", "integer"), ("expect", "Status")]),
    ("ResourceRow", &[("kind", "string"), ("key", "string"), ("status", "Status?"), ("tally", "Tally"), ("first_seen_at", "time"), ("changed_at", "time"), ("gone", "boolean")]),
    ("Reading", &[("state", "string"), ("value", "any??"), ("reason", "UnknownReason??")]),
    ("Attribute", &[("name", "string"), ("doc", "string"), ("unit", "string?"), ("of", "string"), ("sensitivity", "string"), ("references", "string?"), ("reading", "Reading"),
        ("source", "string?"), ("effective_at", "time?"), ("seen_at", "time?")]),
    ("Neighbour", &[("named", "boolean"), ("attribute", "string"), ("kind", "string"), ("key", "string"), ("known", "boolean")]),
    ("Happening", &[("at", "time"), ("known_at", "time"), ("what", "string"), ("source", "string??"), ("observation", "integer??"), ("changes", "any??"), ("test", "string??"),
        ("from", "any??"), ("to", "any??"), ("rev", "integer??")]),
    ("Resource", &[("kind", "string"), ("kind_title", "string"), ("part", "string"), ("key", "string"), ("first_seen_at", "time"), ("seen_at", "time?"), ("gone", "boolean"),
        ("sources", "string[]"), ("attributes", "Attribute[]"), ("results", "Result[]"), ("neighbours", "Neighbour[]"), ("timeline", "Happening[]")]),
    ("Result", &[("test", "string"), ("title", "string"), ("severity", "Severity"), ("kind", "string"), ("key", "string"), ("status", "Status"), ("since", "time"),
        ("known_at", "time"), ("reason", "string"), ("seen_at", "time"), ("rev", "integer")]),
    ("Certificate", &[("key", "string"), ("subject", "string"), ("issuer", "string"), ("not_after", "time?"), ("key_type", "string"), ("key_bits", "integer?"), ("endpoints", "integer"), ("status", "Status?")]),
    ("Exposure", &[("paths", "ExposurePath[]"), ("unknown", "ExposureUnknown[]"), ("guarded", "Guarded[]"), ("gaps", "KindGap[]"), ("unreached", "integer"), ("cut", "boolean")]),
    ("ExposurePath", &[("kind", "string"), ("kind_title", "string"), ("key", "string"), ("account", "string"), ("region", "string"), ("hops", "string[]"), ("via", "string"),
        ("protocol", "string"), ("from_port", "integer"), ("to_port", "integer"), ("sources", "string"), ("world", "boolean"), ("status", "Status?")]),
    ("ExposureUnknown", &[("kind", "string"), ("key", "string"), ("account", "string"), ("reason", "string")]),
    ("Guarded", &[("kind", "string"), ("key", "string"), ("shield", "string")]),
    ("KindGap", &[("kind", "string"), ("title", "string"), ("reason", "string")]),
    ("CoverageMap", &[("gaps", "CoverageGap[]"), ("complete", "integer"), ("cut", "boolean")]),
    ("CoverageGap", &[("source", "string"), ("kind", "string"), ("kind_title", "string"), ("account", "string"), ("region", "string"), ("attribute", "string"), ("why", "string"),
        ("detail", "string"), ("permission", "string"), ("resources", "integer"), ("example", "string")]),
    ("DataMap", &[("questions", "DataQuestion[]"), ("rows", "DataRow[]"), ("unseen", "any[]"), ("cut", "boolean")]),
    ("DataQuestion", &[("control", "string"), ("title", "string")]),
    ("DataClass", &[("state", "string"), ("class", "string??")]),
    ("DataRow", &[("class", "DataClass"), ("kind", "string"), ("kind_title", "string"), ("place", "string"), ("stores", "integer"), ("answers", "any[]"), ("complete", "boolean")]),
    ("Fact", &[("kind", "string"), ("key", "string"), ("path", "string"), ("scope", "boolean"), ("reading", "Reading"), ("source", "string?"), ("effective_at", "time?"), ("seen_at", "time?")]),
    ("Evidence", &[("observation", "integer"), ("source", "string"), ("effective_at", "time"), ("received_at", "time"), ("seen_at", "time"), ("collection", "integer"),
        ("scope", "string"), ("hash", "string"), ("body", "any")]),
    ("ExceptionOf", &[("id", "string"), ("resource", "string"), ("reason", "string"), ("owner", "string"), ("approver", "string"), ("approved", "time"), ("expires", "time"),
        ("compensating_control", "string?"), ("active", "boolean")]),
    ("Interval", &[("status", "Status?"), ("from", "time"), ("to", "time?"), ("known_at", "time"), ("superseded_at", "time?"), ("rev", "integer"), ("observation", "integer"), ("learned_later", "boolean")]),
    ("Why", &[("test", "string"), ("title", "string"), ("purpose", "string"), ("severity", "Severity"), ("kind", "string"), ("key", "string"), ("status", "Status?"),
        ("sentence", "string"), ("since", "time?"), ("rev", "integer"), ("hash", "string"), ("scope", "string"), ("pass", "string"), ("message", "string"), ("facts", "Fact[]"),
        ("evidence", "Evidence[]"), ("exceptions", "ExceptionOf[]"), ("fix", "Fix"), ("controls", "string[]"), ("history", "Interval[]")]),
    ("CollectionError", &[("what", "string"), ("message", "string"), ("mend", "string??")]),
    ("Run", &[("ord", "integer"), ("started_at", "time"), ("finished_at", "time"), ("whole", "boolean"), ("complete", "boolean"), ("changed", "integer"), ("unchanged", "integer"), ("gone", "integer"),
        ("refused", "integer"), ("errors", "CollectionError[]")]),
    ("Scope", &[("kind", "string"), ("scope", "string"), ("complete", "boolean?"), ("resources", "integer"), ("pages", "integer"), ("finished_at", "time?"), ("collection", "integer?"), ("reason", "string")]),
    ("Source", &[("id", "string"), ("connector", "string"), ("every", "span"), ("kinds", "string[]"), ("registered_at", "time"), ("retired_at", "time?"), ("runs", "Run[]"),
        ("scopes", "Scope[]"), ("next_at", "time?"), ("silent", "boolean")]),
    ("Segment", &[("from", "time"), ("to", "time"), ("status", "Status?"), ("reason", "string")]),
    ("Strip", &[("subject", "string"), ("id", "string"), ("title", "string"), ("segments", "Segment[]"), ("shares", "any[]"), ("transitions", "integer")]),
    ("Repair", &[("test", "string"), ("kind", "string"), ("key", "string"), ("failed_at", "time"), ("repaired_at", "time")]),
    ("PopulationOf", &[("count", "integer"), ("hash", "string")]),
    ("Gap", &[("kind", "string"), ("source", "string"), ("from", "time"), ("to", "time")]),
    ("Period", &[("subject", "string"), ("id", "string"), ("title", "string"), ("from", "time"), ("to", "time"), ("known_at", "time"), ("strips", "Strip[]"), ("repairs", "Repair[]"),
        ("mean_time_to_repair", "span?"), ("open_failures", "integer"), ("tally_from", "Tally"), ("tally_to", "Tally"), ("population_from", "PopulationOf"),
        ("population_to", "PopulationOf"), ("largest_gap", "Gap?")]),
    ("Depth", &[("asset", "string"), ("title", "string"), ("layers", "any[]"), ("present", "integer"), ("passing", "integer")]),
    ("Consistency", &[("control", "string"), ("title", "string"), ("known", "integer"), ("judged", "integer"), ("share", "number?"), ("complete", "boolean"), ("no_source", "string[]")]),
    ("Month", &[("month", "string"), ("from", "time"), ("to", "time"), ("share_passing", "number?"), ("mean_time_to_repair", "span?"), ("repairs", "integer"), ("exceptions", "integer"), ("failing", "integer")]),
    ("Principles", &[("depth", "Depth[]"), ("consistency", "Consistency[]"), ("months", "Month[]")]),
    ("FrameworkRow", &[("id", "string"), ("title", "string"), ("version", "string"), ("publisher", "string"), ("requirements", "integer"), ("answered", "integer"), ("full", "integer"), ("tally", "Tally")]),
    ("Answer", &[("id", "string"), ("title", "string"), ("status", "Status"), ("coverage", "Coverage"), ("note", "string")]),
    ("Requirement", &[("id", "string"), ("title", "string"), ("text", "string"), ("parent", "string?"), ("depth", "integer"), ("status", "Status?"), ("coverage", "Coverage?"), ("controls", "Answer[]")]),
    ("Framework", &[("id", "string"), ("title", "string"), ("version", "string"), ("publisher", "string"), ("requirements", "integer"), ("answered", "integer"), ("full", "integer"), ("tally", "Tally"),
        ("url", "string"), ("licence", "string"), ("text", "string"), ("rows", "Requirement[]")]),
    ("Heading", &[("level", "integer"), ("title", "string"), ("slug", "string")]),
    ("Policy", &[("id", "string"), ("title", "string"), ("owner", "string"), ("review", "span"), ("audience", "string[]"), ("body", "string"), ("headings", "Heading[]"), ("hash", "string"), ("file", "string")]),
    ("ControlRef", &[("id", "string"), ("title", "string"), ("status", "Status")]),
    ("Claim", &[("id", "string"), ("title", "string"), ("body", "string"), ("status", "Status"), ("controls", "ControlRef[]")]),
    ("Role", &[("id", "string"), ("title", "string"), ("doc", "string")]),
    ("FileProblem", &[("file", "string"), ("line", "integer"), ("column", "integer"), ("what", "string"), ("expected", "string")]),
    ("Exception", &[("id", "string"), ("test", "string"), ("resource", "string"), ("reason", "string"), ("owner", "string"), ("approver", "string"), ("approved", "time"), ("expires", "time"),
        ("compensating_control", "string?"), ("file", "string")]),
    ("Program", &[("name", "string"), ("hash", "string"), ("version", "integer"), ("installed_at", "time"), ("counts", "any"), ("roles", "Role[]"), ("exceptions", "Exception[]"),
        ("warnings", "FileProblem[]"), ("problems", "FileProblem[]")]),
    ("Ledger", &[("at", "time"), ("log", "integer"), ("origin", "string"), ("key", "string"), ("size", "integer"), ("checkpoint", "Checkpoint?"), ("required", "integer"), ("cosigned", "Cosigned?"),
        ("conflicts", "WitnessConflict[]"), ("growth", "LedgerDay[]"),
        ("waiting", "Waiting?"), ("health", "LedgerHealth?"), ("ahead", "time?"), ("seals", "Seal[]"), ("audit", "LedgerAudit?"), ("earlier", "EarlierLog[]")]),
    ("Checkpoint", &[("size", "integer"), ("root", "string"), ("at", "time"), ("witnesses", "Cosignature[]"), ("note", "string")]),
    ("Cosignature", &[("name", "string"), ("at", "time?")]),
    ("LedgerDay", &[("day", "string"), ("entries", "integer")]),
    ("Waiting", &[("leaves", "integer"), ("oldest", "time?"), ("refused", "integer")]),
    ("LedgerHealth", &[("published", "integer?"), ("appending", "string?"), ("publishing", "string?"), ("mirrored", "integer?"), ("mirroring", "string?"), ("stamping", "string?"), ("trouble", "WitnessTrouble[]")]),
    ("WitnessTrouble", &[("witness", "string"), ("says", "string")]),
    ("WitnessConflict", &[("witness", "string"), ("since", "time"), ("says", "string")]),
    ("Cosigned", &[("size", "integer"), ("at", "time")]),
    ("Seal", &[("n", "integer"), ("written_at", "time"), ("entry", "integer?"), ("controls", "integer"), ("never_evaluated", "integer"), ("silent_controls", "integer"), ("silent_longest", "span"), ("gap", "span")]),
    ("LedgerAudit", &[("at", "time"), ("entries", "integer"), ("findings", "integer")]),
    ("EarlierLog", &[("log", "integer"), ("origin", "string"), ("key", "string"), ("size", "integer")]),
    ("LedgerEntry", &[("index", "integer"), ("at", "time"), ("type", "string"), ("says", "string"), ("hash", "string"), ("leaf", "string")]),
    ("LedgerEntries", &[("size", "integer"), ("rows", "LedgerEntry[]"), ("next", "integer?")]),
    ("Proof", &[("format", "string"), ("claim", "any"), ("checkpoint", "string"), ("entries", "ProofEntry[]"), ("hashes", "string"), ("states", "ProofState[]"), ("members", "any[]"),
        ("secret", "string??"), ("stamps", "string[]??")]),
    ("ProofEntry", &[("index", "integer"), ("leaf", "string")]),
    ("ProofState", &[("seal", "integer"), ("place", "integer"), ("state", "string"), ("path", "string")]),
    ("Hit", &[("what", "string"), ("id", "string"), ("title", "string"), ("within", "string")]),
];

const TEST: &[(&str, &str)] = &[
    ("id", "string"),
    ("rev", "integer"),
    ("title", "string"),
    ("severity", "Severity"),
    ("on", "string"),
    ("part", "string"),
    ("status", "Status"),
    ("reason", "string"),
    ("tally", "Tally"),
    ("population", "Population"),
    ("controls", "string[]"),
];

const CONTROL: &[(&str, &str)] = &[
    ("id", "string"),
    ("title", "string"),
    ("part", "string"),
    ("owner", "string"),
    ("layer", "Layer"),
    ("status", "Status"),
    ("reason", "string"),
    ("tally", "Tally"),
    ("tests", "Test[]"),
    ("evidence_at", "time?"),
];

/// All schemas by name.
pub(super) fn all() -> Map<String, Value> {
    let words =
        WORDS.iter().map(|(name, words)| ((*name).to_owned(), json!({ "type": "string", "enum": words })));
    let shapes = SHAPES.iter().map(|(name, fields)| {
        let required: Vec<&str> =
            fields.iter().filter(|(_, of)| !of.ends_with("??")).map(|(field, _)| *field).collect();
        let properties: Map<String, Value> =
            fields.iter().map(|(field, of)| ((*field).to_owned(), form(of.trim_end_matches("??")))).collect();
        ((*name).to_owned(), json!({ "type": "object", "required": required, "properties": properties }))
    });
    words.chain(shapes).collect()
}

/// The schema of a form.
pub(super) fn form(of: &str) -> Value {
    if let Some(of) = of.strip_suffix('?') {
        return json!({ "anyOf": [form(of), { "type": "null" }] });
    }
    if let Some(of) = of.strip_suffix("[]") {
        return json!({ "type": "array", "items": form(of) });
    }
    match of {
        "string" | "integer" | "number" | "boolean" => json!({ "type": of }),
        "time" => json!({ "type": "string", "examples": ["2026-03-03T09:00:00Z"] }),
        "span" => json!({ "type": "string", "examples": ["90d", "15m"] }),
        "any" => json!({}),
        _ => json!({ "$ref": format!("#/components/schemas/{of}") }),
    }
}
