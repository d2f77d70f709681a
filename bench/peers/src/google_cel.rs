//! CEL by the crate `cel`, its own interpreter. A bucket's values are made, and put into a context, before the clock
//! runs; its ten rules follow each other, which is nearly twice as fast as rule by rule. `null` is a value in CEL, so
//! what is absent is asked for with `!= null`: that costs what `has` would.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use cel::{Context, Env, Program, Value};

use crate::agree;
use crate::buckets::Bucket;
use crate::measure::{TIMES, cpu, figure, median, memory, per_second};

/// The ten rules, in the alphabetical order of their names.
const RULES: [&str; 10] = [
    // bpa
    "r.public_access_block != null && r.public_access_block.block_public_acls && \
     r.public_access_block.ignore_public_acls && r.public_access_block.block_public_policy && \
     r.public_access_block.restrict_public_buckets",
    // composite
    "r.encryption != null && r.encryption.rules.exists(x, x.sse in ['AES256', 'aws:kms', 'aws:kms:dsse']) && \
     !r.public && r.versioning.status == 'Enabled'",
    // customer_kms
    "!(r.tags.data_class != null && r.tags.data_class == 'customer') || (r.encryption != null && \
     r.encryption.rules.exists(x, x.sse.startsWith('aws:kms') && x.kms_key_id != null))",
    // encrypted
    "r.encryption != null && r.encryption.rules.exists(x, x.sse in ['AES256', 'aws:kms', 'aws:kms:dsse'])",
    // lifecycle
    "r.lifecycle != null && r.lifecycle.rules.all(x, x.enabled && x.days <= 365)",
    // logging
    "r.logging != null && r.logging.target_bucket != ''",
    // naming
    "r.name.startsWith('prod-') || r.name.startsWith('dev-') || r.name.startsWith('stg-')",
    // region
    "r.region in ['eu-west-1', 'eu-central-1', 'us-east-1']",
    // tls_only
    "r.policy != null && r.policy.statements.exists(s, s.effect == 'Deny' && s.condition != null && \
     'aws:SecureTransport' in s.condition.bool && s.condition.bool['aws:SecureTransport'] == 'false')",
    // versioning
    "r.versioning.status == 'Enabled'",
];

pub fn run(resources: u32) -> anyhow::Result<serde_json::Value> {
    let programs: Vec<Program> = RULES
        .iter()
        .map(|rule| Program::compile(rule).with_context(|| (*rule).to_owned()))
        .collect::<Result<_, _>>()?;
    let env = Arc::new(Env::stdlib());
    let before = memory("VmRSS:");
    let mut contexts = Vec::with_capacity(resources as usize);
    for number in 0..resources {
        let mut context = Context::with_env(Arc::clone(&env));
        context
            .add_variable("r", Bucket::new(number, 0))
            .map_err(|error| anyhow::anyhow!("bucket {number}: {error}"))?;
        contexts.push(context);
    }
    let each = (memory("VmRSS:") - before) / f64::from(resources);

    let mut rates = Vec::new();
    let mut counts = [0_usize; RULES.len()];
    for _ in 0..TIMES {
        counts = [0; RULES.len()];
        let begun = cpu();
        for context in &contexts {
            for (program, passed) in programs.iter().zip(&mut counts) {
                match program.execute(context) {
                    Ok(Value::Bool(pass)) => *passed += usize::from(pass),
                    other => bail!("a rule gave {other:?}; expected true or false"),
                }
            }
        }
        rates.push(per_second(resources, cpu() - begun));
    }
    let peak = memory("VmHWM:");
    agree("cel", resources, &counts)?;
    Ok(serde_json::Value::Array(vec![
        figure(resources, "crate cel 0.15, record in memory", each, "bytes/resource", peak),
        figure(resources, "crate cel 0.15, 10 rules, one core", median(rates), "M evaluations/s", peak),
    ]))
}
