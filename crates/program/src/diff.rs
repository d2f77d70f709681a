//! What differs between two programs: which tests, controls, kinds, policies and exceptions came, went or changed, and
//! whether a change is one of meaning or of words only.

use std::collections::BTreeMap;
use std::sync::Arc;

use octro_cel::Layout;
use octro_model::{Attribute, Id};
use serde::Serialize;

use crate::meaning::type_shape;
use crate::program::{Control, Exception, Policy, Program};
use crate::test::Test;

/// Everything that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Tests; resources are judged anew only where the meaning changed.
    pub tests: Vec<Change>,
    /// Controls.
    pub controls: Vec<Change>,
    /// Kinds.
    pub kinds: Vec<Change>,
    /// Policies.
    pub policies: Vec<Change>,
    /// Exceptions.
    pub exceptions: Vec<Change>,
}

impl Diff {
    /// Whether nothing of this differs.
    pub fn is_empty(&self) -> bool {
        [&self.tests, &self.controls, &self.kinds, &self.policies, &self.exceptions]
            .iter()
            .all(|list| list.is_empty())
    }
}

/// How something differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It is only in the second program.
    Added,
    /// It is only in the first.
    Removed,
    /// It says something else.
    Meaning,
    /// It says the same in other words.
    Words,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is about.
    pub id: Id,
    /// How it differs.
    pub how: How,
    /// Which fields differ; empty for something added or removed.
    pub fields: Vec<&'static str>,
    /// Of a test or kind: the meaning changed and the revision did not go up.
    pub revision_forgotten: bool,
}

/// A thing as named fields, the meaning before the words.
struct Parts {
    rev: Option<u32>,
    meaning: Vec<(&'static str, String)>,
    words: Vec<(&'static str, String)>,
}

/// What differs from `a` to `b`.
pub fn diff(a: &Program, b: &Program) -> Diff {
    let kinds = |program: &Program| -> BTreeMap<Id, Arc<Layout>> {
        program.kinds.iter().map(|layout| (layout.kind().id.clone(), layout.clone())).collect()
    };
    Diff {
        tests: changes(&a.tests, &b.tests, |test| test_parts(test)),
        controls: changes(&a.controls, &b.controls, control_parts),
        kinds: changes(&kinds(a), &kinds(b), |layout| kind_parts(layout)),
        policies: changes(&a.policies, &b.policies, policy_parts),
        exceptions: changes(&a.exceptions, &b.exceptions, exception_parts),
    }
}

fn changes<T>(a: &BTreeMap<Id, T>, b: &BTreeMap<Id, T>, parts: impl Fn(&T) -> Parts) -> Vec<Change> {
    let mut changes = Vec::new();
    for (id, old) in a {
        let Some(new) = b.get(id) else {
            changes.push(Change {
                id: id.clone(),
                how: How::Removed,
                fields: Vec::new(),
                revision_forgotten: false,
            });
            continue;
        };
        let (old, new) = (parts(old), parts(new));
        let meaning = differing(&old.meaning, &new.meaning);
        let words = differing(&old.words, &new.words);
        if meaning.is_empty() && words.is_empty() {
            continue;
        }
        let how = if meaning.is_empty() { How::Words } else { How::Meaning };
        let revision_forgotten =
            how == How::Meaning && old.rev.zip(new.rev).is_some_and(|(old, new)| new <= old);
        changes.push(Change { id: id.clone(), how, fields: [meaning, words].concat(), revision_forgotten });
    }
    for id in b.keys().filter(|id| !a.contains_key(*id)) {
        changes.push(Change {
            id: id.clone(),
            how: How::Added,
            fields: Vec::new(),
            revision_forgotten: false,
        });
    }
    changes.sort_by(|x, y| x.id.cmp(&y.id));
    changes
}

fn differing(old: &[(&'static str, String)], new: &[(&'static str, String)]) -> Vec<&'static str> {
    old.iter().zip(new).filter(|((_, old), (_, new))| old != new).map(|((name, _), _)| *name).collect()
}

fn test_parts(test: &Test) -> Parts {
    let scope = test.scope.as_ref().map(|scope| scope.text().trim().to_owned()).unwrap_or_default();
    let pass = test.pass.text().trim().to_owned();
    // The hash decides whether resources are judged anew. A condition that is only set out differently has the same
    // hash, and is a change of words.
    let expressions = [("scope", scope), ("pass", pass)];
    let params: Vec<_> = test
        .params
        .iter()
        .map(|(name, param)| (name, param.of.to_string(), param.value.to_string()))
        .collect();
    let docs: Vec<_> = test.params.iter().map(|(name, param)| (name, &param.doc)).collect();
    let mut words = vec![
        ("rev", test.rev.to_string()),
        ("title", test.title.clone()),
        ("why", test.why.clone()),
        ("severity", test.severity.to_string()),
        ("message", test.message_text.clone()),
        ("coverage_note", test.coverage_note.clone()),
        ("param docs", format!("{docs:?}")),
        ("fix", format!("{:?}", test.fix)),
        ("maps", format!("{:?}", test.maps)),
        ("examples", format!("{:?}", test.examples)),
        ("on", test.on.to_string()),
        ("max_age", test.max_age.to_string()),
        ("params", format!("{params:?}")),
    ];
    words.extend(expressions);
    Parts { rev: Some(test.rev), meaning: vec![("meaning", test.hash.clone())], words }
}

fn control_parts(control: &Control) -> Parts {
    let list = |ids: &[Id]| ids.iter().map(Id::as_str).collect::<Vec<_>>().join(" ");
    Parts {
        rev: None,
        meaning: vec![
            ("part", control.part.to_string()),
            ("owner", control.owner.to_string()),
            ("layer", control.layer.to_string()),
            ("policy", format!("{:?}", control.policy)),
            ("protects", list(&control.protects)),
            ("tests", list(&control.tests)),
            ("evidence", control.evidence.join("\n")),
            ("maps", format!("{:?}", control.maps)),
        ],
        words: vec![
            ("title", control.title.clone()),
            ("statement", control.statement.clone()),
            ("why", control.why.clone()),
        ],
    }
}

fn kind_parts(layout: &Layout) -> Parts {
    let kind = layout.kind();
    let shape = |(name, attribute): (&String, &Attribute)| {
        format!("{name} {} {:?} {:?}", type_shape(&attribute.of), attribute.references, attribute.sensitivity)
    };
    let shapes: Vec<String> = kind.attributes.iter().map(shape).collect();
    Parts {
        rev: Some(kind.rev),
        meaning: vec![
            ("attributes", shapes.join("\n")),
            ("part", kind.part.clone()),
            ("asset", kind.asset.clone().unwrap_or_default()),
            ("retain", kind.retain.map(|retain| retain.human()).unwrap_or_default()),
        ],
        words: vec![
            ("rev", kind.rev.to_string()),
            ("title", kind.title.clone()),
            ("doc", kind.doc.clone()),
            ("attribute docs", format!("{:?}", kind.attributes)),
        ],
    }
}

fn policy_parts(policy: &Policy) -> Parts {
    Parts {
        rev: None,
        meaning: vec![
            ("text", policy.hash.clone()),
            ("owner", policy.owner.to_string()),
            ("review", policy.review.to_string()),
            ("audience", format!("{:?}", policy.audience)),
        ],
        words: vec![("title", policy.title.clone())],
    }
}

fn exception_parts(exception: &Exception) -> Parts {
    Parts {
        rev: None,
        meaning: vec![
            ("test", exception.test.to_string()),
            ("resource", exception.resource.to_string()),
            ("owner", exception.owner.clone()),
            ("approver", exception.approver.clone()),
            ("approved", exception.approved.to_string()),
            ("expires", exception.expires.to_string()),
        ],
        words: vec![
            ("reason", exception.reason.clone()),
            ("compensating_control", exception.compensating_control.clone().unwrap_or_default()),
        ],
    }
}
