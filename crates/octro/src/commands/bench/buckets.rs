//! The buckets of the bucket benchmark: made from a seed, the same on every machine. The shares are:
//! 90 % encrypted, 85 % with a public access block, 60 % logging, 50 % with a policy, 70 % with a lifecycle, 30 % tagged,
//! 10 % public; 40 accounts, 5 regions, 4 prefixes.

use octro_model::{Id, Observation, Timestamp};
use serde::Serialize;

use super::random::Random;

/// A bucket as a hand-written program would hold it; also the JSON that sources yield.
#[derive(Clone, Debug, Serialize)]
pub struct Bucket {
    pub name: String,
    pub account: String,
    pub region: &'static str,
    pub public: bool,
    pub encryption: Option<Encryption>,
    pub public_access_block: Option<PublicAccessBlock>,
    pub versioning: Versioning,
    pub logging: Option<Logging>,
    pub tags: Tags,
    pub policy: Option<Policy>,
    pub lifecycle: Option<Lifecycle>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Encryption {
    pub rules: Vec<EncryptionRule>,
}

#[derive(Clone, Debug, Serialize)]
pub struct EncryptionRule {
    pub sse: &'static str,
    pub kms_key_id: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct PublicAccessBlock {
    pub block_public_acls: bool,
    pub ignore_public_acls: bool,
    pub block_public_policy: bool,
    pub restrict_public_buckets: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Versioning {
    pub status: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct Logging {
    pub target_bucket: String,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Tags {
    pub data_class: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Policy {
    pub statements: Vec<Statement>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Statement {
    pub effect: &'static str,
    pub condition: Option<Condition>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Condition {
    pub bool: std::collections::BTreeMap<&'static str, &'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Lifecycle {
    pub rules: Vec<LifecycleRule>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct LifecycleRule {
    pub enabled: bool,
    pub days: i64,
}

const REGIONS: [&str; 5] = ["eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1"];
const PREFIXES: [&str; 4] = ["prod", "dev", "stg", "tmp"];
const ALGORITHMS: [&str; 3] = ["AES256", "aws:kms", "aws:kms:dsse"];

impl Bucket {
    /// The bucket of this number as it is in round `round`: from round to round, nothing of it stays for certain.
    pub fn new(number: u32, round: u64) -> Self {
        let mut random =
            Random::new(u64::from(number).wrapping_mul(0x5851_f42d_4c95_7f2d) ^ round.rotate_left(40));
        let random = &mut random;
        let account = format!("{:012}", 100_000_000_000 + u64::from(number % 40));
        let encryption = random.percent(90).then(|| {
            let sse = random.one(&ALGORITHMS);
            let kms_key_id = (sse != "AES256")
                .then(|| format!("arn:aws:kms:eu-west-1:{account}:key/{:016x}", random.next()));
            Encryption { rules: vec![EncryptionRule { sse, kms_key_id }] }
        });
        let public_access_block = random.percent(85).then(|| {
            let whole = random.percent(80);
            PublicAccessBlock {
                block_public_acls: true,
                ignore_public_acls: true,
                block_public_policy: whole,
                restrict_public_buckets: whole,
            }
        });
        let policy = random.percent(50).then(|| {
            let mut statements = vec![Statement { effect: "Allow", condition: None }];
            if random.percent(50) {
                let bool = [("aws:SecureTransport", "false")].into();
                statements.push(Statement { effect: "Deny", condition: Some(Condition { bool }) });
            }
            Policy { statements }
        });
        let lifecycle = random.percent(70).then(|| {
            let days = |random: &mut Random| {
                [30, 90, 365, 3_650].get(random.below(4) as usize).copied().unwrap_or(30)
            };
            let rules = (0..=random.below(2))
                .map(|_| LifecycleRule { enabled: random.percent(95), days: days(random) });
            Lifecycle { rules: rules.collect() }
        });
        Self {
            name: format!("{}-bucket-{number:07}", random.one(&PREFIXES)),
            region: random.one(&REGIONS),
            public: random.percent(10),
            encryption,
            public_access_block,
            versioning: Versioning { status: if random.percent(70) { "Enabled" } else { "Suspended" } },
            logging: random.percent(60).then(|| Logging { target_bucket: format!("logs-{account}") }),
            tags: Tags { data_class: random.percent(30).then(|| random.one(&["customer", "internal"])) },
            policy,
            lifecycle,
            account,
        }
    }

    /// The same with one attribute changed: for every fourth bucket the same one.
    pub fn changed(mut self, number: u32) -> Self {
        match number % 4 {
            0 => self.public = !self.public,
            1 => {
                let status = if self.versioning.status == "Enabled" { "Suspended" } else { "Enabled" };
                self.versioning = Versioning { status };
            }
            2 => {
                self.logging = match self.logging {
                    Some(_) => None,
                    None => Some(Logging { target_bucket: format!("logs-{}", self.account) }),
                };
            }
            _ => {
                self.tags.data_class =
                    if self.tags.data_class == Some("customer") { None } else { Some("customer") };
            }
        }
        self
    }

    /// The stored form of an observation of it.
    pub fn body(&self) -> serde_json::Result<Vec<u8>> {
        #[derive(Serialize)]
        struct Body<'a> {
            attributes: &'a Bucket,
        }
        serde_json::to_vec(&Body { attributes: self })
    }

    /// An observation of it.
    pub fn observation(
        &self,
        kind: &Id,
        number: u32,
        at: Option<Timestamp>,
    ) -> serde_json::Result<Observation> {
        let attributes = if let serde_json::Value::Object(map) = serde_json::to_value(self)? {
            map
        } else {
            serde_json::Map::new()
        };
        Ok(Observation {
            kind: kind.clone(),
            key: format!("bucket-{number:07}"),
            scope: String::new(),
            effective_at: at,
            attributes,
            unknown: std::collections::BTreeMap::new(),
            gone: false,
        })
    }
}
