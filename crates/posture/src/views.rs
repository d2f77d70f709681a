//! What pages and API show of the program beside what the engine answers: rules, mappings, standards, claims.

use std::collections::BTreeMap;

use octro_engine::{ChangeView, ControlView, InForceProgram, TestView};
use octro_model::{Coverage, Id, Span, Status, Timestamp, UnknownReason};
use octro_program::{Exception, Fix, Mapping, PolicySection, Problem, Program, Role, Test};
use serde::Serialize;

/// A mapping with the words of what it names.
#[derive(Serialize)]
pub(crate) struct MappingView {
    pub(crate) framework: Id,
    pub(crate) framework_title: String,
    pub(crate) requirement: String,
    pub(crate) title: String,
    pub(crate) coverage: Coverage,
    pub(crate) note: String,
}

/// Everything about a control.
#[derive(Serialize)]
pub(crate) struct ControlDetail {
    #[serde(flatten)]
    pub(crate) view: ControlView,
    pub(crate) part_title: String,
    pub(crate) owner_title: String,
    pub(crate) statement: String,
    pub(crate) why: String,
    pub(crate) policy: Option<PolicySection>,
    pub(crate) protects: Vec<String>,
    pub(crate) evidence: Vec<String>,
    pub(crate) maps: Vec<MappingView>,
    pub(crate) claims: Vec<ClaimRef>,
    pub(crate) file: String,
    /// The changes of the last 90 days, newest first.
    pub(crate) changes: Vec<ChangeView>,
}

/// A claim, in short.
#[derive(Serialize)]
pub(crate) struct ClaimRef {
    pub(crate) id: Id,
    pub(crate) title: String,
}

/// A constant of a test.
#[derive(Serialize)]
pub(crate) struct ParamView {
    pub(crate) name: String,
    pub(crate) of: String,
    pub(crate) value: serde_json::Value,
    pub(crate) doc: String,
}

/// Something that a test reads.
#[derive(Serialize)]
pub(crate) struct ReadsView {
    pub(crate) kind: Id,
    pub(crate) path: String,
    pub(crate) doc: String,
}

/// An example of a test.
#[derive(Serialize)]
pub(crate) struct ExampleView {
    pub(crate) name: String,
    pub(crate) attributes: serde_json::Map<String, serde_json::Value>,
    pub(crate) unknown: BTreeMap<String, UnknownReason>,
    pub(crate) others: usize,
    pub(crate) expect: Status,
}

/// Everything about a test.
#[derive(Serialize)]
pub(crate) struct TestDetail {
    #[serde(flatten)]
    pub(crate) view: TestView,
    pub(crate) kind_title: String,
    pub(crate) hash: String,
    pub(crate) why: String,
    pub(crate) scope: String,
    pub(crate) pass: String,
    pub(crate) message: String,
    pub(crate) max_age: Span,
    pub(crate) coverage_note: String,
    pub(crate) params: Vec<ParamView>,
    pub(crate) reads: Vec<ReadsView>,
    pub(crate) fix: Fix,
    pub(crate) maps: Vec<MappingView>,
    pub(crate) examples: Vec<ExampleView>,
    pub(crate) file: String,
    /// The changes of the last 90 days, newest first.
    pub(crate) changes: Vec<ChangeView>,
}

/// The program in force, and what is wrong with one that is not.
#[derive(Serialize)]
pub(crate) struct ProgramView {
    pub(crate) name: String,
    pub(crate) hash: String,
    pub(crate) version: i64,
    pub(crate) installed_at: Timestamp,
    pub(crate) counts: BTreeMap<&'static str, usize>,
    pub(crate) roles: Vec<Role>,
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) problems: Vec<Problem>,
}

pub(crate) fn mappings(program: &Program, maps: &[Mapping]) -> Vec<MappingView> {
    maps.iter()
        .map(|map| MappingView {
            framework: map.framework.clone(),
            framework_title: program
                .frameworks
                .get(&map.framework)
                .map(|one| one.title.clone())
                .unwrap_or_default(),
            requirement: map.requirement.clone(),
            title: program
                .requirement(&map.framework, &map.requirement)
                .map(|one| one.title.clone())
                .unwrap_or_default(),
            coverage: map.coverage,
            note: map.note.clone(),
        })
        .collect()
}

pub(crate) fn control(
    program: &Program,
    view: ControlView,
    changes: Vec<ChangeView>,
) -> Option<ControlDetail> {
    let control = program.controls.get(&view.id)?;
    let claims = program.claims.values().filter(|claim| claim.controls.contains(&control.id));
    let asset = |id: &Id| {
        program.assets.iter().find(|(own, _)| own == id).map_or(id.to_string(), |(_, title)| title.clone())
    };
    Some(ControlDetail {
        part_title: program.part_title(&view.part).unwrap_or(&view.part).to_owned(),
        owner_title: program
            .roles
            .get(&control.owner)
            .map_or(control.owner.to_string(), |role| role.title.clone()),
        statement: control.statement.clone(),
        why: control.why.clone(),
        policy: control.policy.clone(),
        protects: control.protects.iter().map(asset).collect(),
        evidence: control.evidence.clone(),
        maps: mappings(program, &control.maps),
        claims: claims.map(|claim| ClaimRef { id: claim.id.clone(), title: claim.title.clone() }).collect(),
        file: control.file.clone(),
        changes,
        view,
    })
}

pub(crate) fn test(program: &Program, view: TestView, changes: Vec<ChangeView>) -> Option<TestDetail> {
    let test = program.tests.get(&view.id)?;
    Some(TestDetail {
        kind_title: program.kinds.get(&test.on).map(|layout| layout.kind().title.clone()).unwrap_or_default(),
        hash: test.hash.clone(),
        why: test.why.clone(),
        scope: test.scope.as_ref().map(|scope| scope.text().to_owned()).unwrap_or_default(),
        pass: test.pass.text().to_owned(),
        message: test.message_text.clone(),
        max_age: test.max_age,
        coverage_note: test.coverage_note.clone(),
        params: test
            .params
            .iter()
            .map(|(name, param)| ParamView {
                name: name.clone(),
                of: param.of.to_string(),
                value: param.value.clone(),
                doc: param.doc.clone(),
            })
            .collect(),
        reads: reads(program, test),
        fix: test.fix.clone(),
        maps: mappings(program, &test.maps),
        examples: test
            .examples
            .iter()
            .map(|example| ExampleView {
                name: example.name.clone(),
                attributes: example.attributes.clone(),
                unknown: example.unknown.clone(),
                others: example.others.len(),
                expect: example.expect,
            })
            .collect(),
        file: test.file.clone(),
        changes,
        view,
    })
}

fn reads(program: &Program, test: &Test) -> Vec<ReadsView> {
    let doc = |kind: &Id, path: &str| {
        let name = path.split(['.', '[']).next()?;
        Some(program.kinds.get(kind)?.kind().attributes.get(name)?.doc.clone())
    };
    test.reads()
        .into_iter()
        .map(|read| ReadsView {
            kind: read.kind.clone(),
            path: read.path.clone(),
            doc: doc(&read.kind, &read.path).unwrap_or_default(),
        })
        .collect()
}

pub(crate) fn program(
    in_force: &InForceProgram,
    warnings: Vec<Problem>,
    problems: Vec<Problem>,
) -> ProgramView {
    let program = &in_force.program;
    let counts = [
        ("kinds", program.kinds.iter().count()),
        ("tests", program.tests.len()),
        ("controls", program.controls.len()),
        ("policies", program.policies.len()),
        ("claims", program.claims.len()),
        ("frameworks", program.frameworks.len()),
        ("training", program.training.len()),
        ("apps", program.apps.len()),
        ("exceptions", program.exceptions.len()),
    ];
    ProgramView {
        name: program.name.clone(),
        hash: program.hash.clone(),
        version: in_force.ord,
        installed_at: in_force.installed_at,
        counts: counts.into_iter().collect(),
        roles: program.roles.values().cloned().collect(),
        exceptions: program.exceptions.values().cloned().collect(),
        warnings,
        problems,
    }
}
