//! What controls stand for: requirements of external standards, and public claims, with the status that follows.

use std::collections::BTreeMap;

use octro_engine::ControlView;
use octro_model::{Coverage, Id, Status, Tally};
use octro_program::{Framework, Program, Wording};
use serde::Serialize;

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
        let coverage =
            (!controls.is_empty()).then_some(if full { Coverage::Full } else { Coverage::Partial });
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
                .filter_map(view)
                .map(|view| ControlRef {
                    id: view.id.clone(),
                    title: view.title.clone(),
                    status: view.status,
                })
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
