//! Rego by the crate `regorus`, compiled for its register machine. The inputs are made before the clock runs; a
//! bucket is set once for its ten rules.

use anyhow::{Context as _, bail};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::RegoVM;
use regorus::{PolicyModule, Value};

use crate::agree;
use crate::buckets::Bucket;
use crate::measure::{TIMES, cpu, figure, median, memory, per_second};

/// The ten rules; `null` is a value in Rego, and a field of it is undefined.
const RULES: &str = include_str!("rules.rego");

/// The rules, in the alphabetical order of their names.
const NAMES: [&str; 10] = [
    "data.bench.bpa",
    "data.bench.composite",
    "data.bench.customer_kms",
    "data.bench.encrypted",
    "data.bench.lifecycle",
    "data.bench.logging",
    "data.bench.naming",
    "data.bench.region",
    "data.bench.tls_only",
    "data.bench.versioning",
];

pub fn run(resources: u32) -> anyhow::Result<serde_json::Value> {
    let modules = [PolicyModule { id: "rules.rego".into(), content: RULES.into() }];
    let [first, ..] = NAMES;
    let policy = regorus::compile_policy_with_entrypoint(Value::new_object(), &modules, first.into())
        .context("rules.rego")?;
    let program = Compiler::compile_from_policy(&policy, &NAMES)
        .map_err(|error| anyhow::anyhow!("rules.rego: {error}"))?;
    let mut machine = RegoVM::new_with_policy(policy);
    machine.load_program(program);

    let before = memory("VmRSS:");
    let mut inputs = Vec::with_capacity(resources as usize);
    for number in 0..resources {
        let json = serde_json::to_string(&Bucket::new(number, 0))?;
        inputs.push(Value::from_json_str(&json)?);
    }
    let each = (memory("VmRSS:") - before) / f64::from(resources);

    let mut rates = Vec::new();
    let mut counts = [0_usize; NAMES.len()];
    for _ in 0..TIMES {
        counts = [0; NAMES.len()];
        let begun = cpu();
        for input in &inputs {
            machine.set_input(input.clone());
            for (rule, passed) in counts.iter_mut().enumerate() {
                match machine.execute_entry_point_by_index(rule) {
                    Ok(Value::Bool(pass)) => *passed += usize::from(pass),
                    // No body of the rule holds.
                    Ok(Value::Undefined) => {}
                    other => bail!("rule {rule} gave {other:?}; expected true or nothing"),
                }
            }
        }
        rates.push(per_second(resources, cpu() - begun));
    }
    let peak = memory("VmHWM:");
    agree("regorus", resources, &counts)?;
    Ok(serde_json::Value::Array(vec![
        figure(resources, "regorus 0.14, record in memory", each, "bytes/resource", peak),
        figure(
            resources,
            "regorus 0.14 (compiled, RVM), 10 rules, one core",
            median(rates),
            "M evaluations/s",
            peak,
        ),
    ]))
}
