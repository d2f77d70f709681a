//! What pages and API show of the program beside what the engine answers: rules, mappings, standards, claims.

use std::collections::BTreeMap;

use octro_engine::{ChangeView, ControlView, InForceProgram, TestView};
use octro_model::{Coverage, Id, Span, Status, Tally, Timestamp, UnknownReason};
use octro_program::{Exception, Fix, Framework, Mapping, PolicySection, Problem, Program, Role, Test, Wording};
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

/// A standard, in short.
#[derive(Serialize)]
pub(crate) struct FrameworkRow {
    pub(crate) id: Id,
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) publisher: String,
    pub(crate) requirements: u64,
    /// Requirements that some control answers.
    pub(crate) answered: u64,
    /// Requirements that controls answer in full.
    pub(crate) full: u64,
    /// The answered requirements by the status of their controls.
    pub(crate) tally: Tally,
}

/// A standard with its requirements.
#[derive(Serialize)]
pub(crate) struct FrameworkView {
    #[serde(flatten)]
    pub(crate) row: FrameworkRow,
    pub(crate) url: String,
    pub(crate) licence: String,
    pub(crate) text: Wording,
    pub(crate) rows: Vec<RequirementView>,
}

/// A control that answers a requirement.
#[derive(Clone, Serialize)]
pub(crate) struct AnswerView {
    pub(crate) id: Id,
    pub(crate) title: String,
    pub(crate) status: Status,
    pub(crate) coverage: Coverage,
    pub(crate) note: String,
}

/// A requirement and what answers it.
#[derive(Serialize)]
pub(crate) struct RequirementView {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) parent: Option<String>,
    /// How deep it stands below other requirements.
    pub(crate) depth: u8,
    /// The heaviest status of its controls; `None` if none answers it.
    pub(crate) status: Option<Status>,
    /// `full` if one control answers all of it.
    pub(crate) coverage: Option<Coverage>,
    pub(crate) controls: Vec<AnswerView>,
}

/// A claim and the controls behind it.
#[derive(Serialize)]
pub(crate) struct ClaimView {
    pub(crate) id: Id,
    pub(crate) title: String,
    pub(crate) body: String,
    /// The heaviest status of its controls.
    pub(crate) status: Status,
    pub(crate) controls: Vec<ControlRef>,
}

/// A control, in short.
#[derive(Serialize)]
pub(crate) struct ControlRef {
    pub(crate) id: Id,
    pub(crate) title: String,
    pub(crate) status: Status,
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
            framework_title: program.frameworks.get(&map.framework).map(|one| one.title.clone()).unwrap_or_default(),
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

pub(crate) fn control(program: &Program, view: ControlView, changes: Vec<ChangeView>) -> Option<ControlDetail> {
    let control = program.controls.get(&view.id)?;
    let claims = program.claims.values().filter(|claim| claim.controls.contains(&control.id));
    let asset = |id: &Id| program.assets.iter().find(|(own, _)| own == id).map_or(id.to_string(), |(_, title)| title.clone());
    Some(ControlDetail {
        part_title: program.part_title(&view.part).unwrap_or(&view.part).to_owned(),
        owner_title: program.roles.get(&control.owner).map_or(control.owner.to_string(), |role| role.title.clone()),
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

pub(crate) fn framework(program: &Program, framework: &Framework, controls: &[ControlView]) -> FrameworkView {
    let mut answers: BTreeMap<&str, Vec<AnswerView>> = BTreeMap::new();
    for view in controls {
        let maps = program.controls.get(&view.id).into_iter().flat_map(|control| &control.maps);
        for map in maps.filter(|map| map.framework == framework.id) {
            let Some(requirement) = framework.requirement(&map.requirement) else { continue };
            answers.entry(&requirement.id).or_default().push(AnswerView {
                id: view.id.clone(),
                title: view.title.clone(),
                status: view.status,
                coverage: map.coverage,
                note: map.note.clone(),
            });
        }
    }
    let mut depths: BTreeMap<&str, u8> = BTreeMap::new();
    let mut rows = Vec::with_capacity(framework.requirements.len());
    let mut tally = Tally::default();
    for requirement in &framework.requirements {
        let above = requirement.parent.as_deref().and_then(|parent| depths.get(parent));
        let depth = above.map_or(0, |depth| depth.saturating_add(1));
        depths.insert(&requirement.id, depth);
        let controls = answers.remove(requirement.id.as_str()).unwrap_or_default();
        let status = controls.iter().map(|answer| answer.status).reduce(Status::worst);
        if let Some(status) = status {
            tally[status] += 1;
        }
        let full = controls.iter().any(|answer| answer.coverage == Coverage::Full);
        let coverage = (!controls.is_empty()).then_some(if full { Coverage::Full } else { Coverage::Partial });
        rows.push(RequirementView {
            id: requirement.id.clone(),
            title: requirement.title.clone(),
            text: requirement.text.clone(),
            parent: requirement.parent.clone(),
            depth,
            status,
            coverage,
            controls,
        });
    }
    let full = rows.iter().filter(|row| row.coverage == Some(Coverage::Full)).count() as u64;
    FrameworkView {
        row: FrameworkRow {
            id: framework.id.clone(),
            title: framework.title.clone(),
            version: framework.version.clone(),
            publisher: framework.publisher.clone(),
            requirements: rows.len() as u64,
            answered: tally.all(),
            full,
            tally,
        },
        url: framework.url.clone(),
        licence: framework.licence.clone(),
        text: framework.text,
        rows,
    }
}

pub(crate) fn claims(program: &Program, controls: &[ControlView]) -> Vec<ClaimView> {
    let view = |id: &Id| controls.iter().find(|control| control.id == *id);
    program
        .claims
        .values()
        .map(|claim| {
            let behind: Vec<ControlRef> = claim
                .controls
                .iter()
                .filter_map(|id| view(id))
                .map(|view| ControlRef { id: view.id.clone(), title: view.title.clone(), status: view.status })
                .collect();
            ClaimView {
                id: claim.id.clone(),
                title: claim.title.clone(),
                body: claim.body.clone(),
                status: behind.iter().map(|one| one.status).reduce(Status::worst).unwrap_or(Status::Unknown),
                controls: behind,
            }
        })
        .collect()
}

pub(crate) fn program(in_force: &InForceProgram, warnings: Vec<Problem>, problems: Vec<Problem>) -> ProgramView {
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
