//! A loaded program: everything a company promises, as values that have been checked against each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use octro_cel::Kinds;
use octro_model::{Coverage, DataClasses, Glob, Id, Layer, Span, Timestamp};
use serde::Serialize;

use crate::framework::{Framework, Requirement};
use crate::markdown::Heading;
use crate::test::Test;

/// A program, whole and without a problem.
#[derive(Clone)]
pub struct Program {
    /// The SHA-256 of its files.
    pub hash: String,
    /// What it is called.
    pub name: String,
    /// The parts of the program and their titles, in the order in which pages show them.
    pub parts: Vec<(Id, String)>,
    /// The asset classes for defense in depth and their titles, in the order of the file.
    pub assets: Vec<(Id, String)>,
    /// The roles that own things.
    pub roles: BTreeMap<Id, Role>,
    /// The kinds of resources.
    pub kinds: Kinds,
    /// The classes of data, and which stores hold which.
    pub classes: Arc<DataClasses>,
    /// The tests.
    pub tests: BTreeMap<Id, Arc<Test>>,
    /// The controls.
    pub controls: BTreeMap<Id, Control>,
    /// The policies.
    pub policies: BTreeMap<Id, Policy>,
    /// The public sentences.
    pub claims: BTreeMap<Id, Claim>,
    /// The external standards.
    pub frameworks: BTreeMap<Id, Framework>,
    /// The trainings.
    pub training: BTreeMap<Id, Training>,
    /// The applications.
    pub apps: BTreeMap<Id, App>,
    /// The approved acceptances of failures.
    pub exceptions: BTreeMap<Id, Exception>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = (self.tests.len(), self.controls.len());
        write!(f, "Program({} {}, {} tests, {} controls)", self.name, self.hash, count.0, count.1)
    }
}

impl Program {
    /// The exceptions for failures of `test` whose pattern `key` matches, expired ones and future ones included.
    pub fn exceptions_for(&self, test: &Id, key: &str) -> impl Iterator<Item = &Exception> {
        self.exceptions.values().filter(move |one| one.test == *test && one.resource.matches(key))
    }

    /// The controls that rest on `test`.
    pub fn controls_of(&self, test: &Id) -> impl Iterator<Item = &Control> {
        self.controls.values().filter(move |control| control.tests.contains(test))
    }

    /// A clause of a standard; upper and lower case are the same.
    pub fn requirement(&self, framework: &str, id: &str) -> Option<&Requirement> {
        self.frameworks.get(framework)?.requirement(id)
    }

    /// The title of a part.
    pub fn part_title(&self, part: &str) -> Option<&str> {
        self.parts.iter().find(|(id, _)| *id == part).map(|(_, title)| title.as_str())
    }
}

/// Someone who owns things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Role {
    /// Its name.
    pub id: Id,
    /// For people.
    pub title: String,
    /// What it does.
    pub doc: String,
}

/// A safeguard that the company operates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Control {
    /// Its name.
    pub id: Id,
    /// For people.
    pub title: String,
    /// What the company does.
    pub statement: String,
    /// What for.
    pub why: String,
    /// The part of the program.
    pub part: Id,
    /// The role that answers for it.
    pub owner: Id,
    /// Where in the life of an incident it works.
    pub layer: Layer,
    /// Where the policies ask for it.
    pub policy: Option<PolicySection>,
    /// The asset classes that it protects.
    pub protects: Vec<Id>,
    /// The tests that show it.
    pub tests: Vec<Id>,
    /// What people must bring, in words.
    pub evidence: Vec<String>,
    /// The requirements that it answers.
    pub maps: Vec<Mapping>,
    /// The file that declares it.
    pub file: String,
}

/// A section of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicySection {
    /// The policy.
    pub policy: Id,
    /// The slug of the heading; empty for the policy as a whole.
    pub heading: String,
}

/// How a control or test answers a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// The standard.
    pub framework: Id,
    /// The requirement's id, as the framework writes it.
    pub requirement: String,
    /// How much of it.
    pub coverage: Coverage,
    /// What is to be known about that.
    pub note: String,
}

/// A written rule for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Its name.
    pub id: Id,
    /// For people.
    pub title: String,
    /// The role that answers for it.
    pub owner: Id,
    /// How often it is looked at again.
    pub review: Span,
    /// The roles that must acknowledge it.
    pub audience: Vec<Id>,
    /// The text, Markdown.
    pub body: String,
    /// Its headings.
    pub headings: Vec<Heading>,
    /// The SHA-256 of title and body: what people acknowledge.
    pub hash: String,
    /// The file that declares it.
    pub file: String,
}

/// A public sentence, backed by controls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// Its name.
    pub id: Id,
    /// For people.
    pub title: String,
    /// The controls that make it true.
    pub controls: Vec<Id>,
    /// The sentence, Markdown.
    pub body: String,
    /// The file that declares it.
    pub file: String,
}

/// The forms of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Read alone, at any time.
    Module,
    /// Held for people who are present.
    Live,
    /// A short message about a present threat.
    Briefing,
}

/// A training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Training {
    /// Its name.
    pub id: Id,
    /// For people.
    pub title: String,
    /// How it is held.
    pub form: Form,
    /// The roles that take it.
    pub audience: Vec<Id>,
    /// How often; `None` for once.
    pub every: Option<Span>,
    /// How soon after joining; `None` for no such duty.
    pub within: Option<Span>,
    /// How long it takes.
    pub minutes: u32,
    /// The text, Markdown.
    pub body: String,
    /// The SHA-256 of title and body.
    pub hash: String,
    /// The file that declares it.
    pub file: String,
}

/// How people sign in to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SignIn {
    /// Through the company's identity provider.
    Sso,
    /// With a passkey of its own.
    Passkey,
    /// With anything else.
    Other,
}

/// An application and who approves access to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct App {
    /// Its name.
    pub id: Id,
    /// For people.
    pub title: String,
    /// What it is used for.
    pub doc: String,
    /// The role that answers for it.
    pub owner: Id,
    /// The role that approves access.
    pub approver: Id,
    /// What data it holds.
    pub data: Vec<String>,
    /// Whether the company stands still without it.
    pub critical: bool,
    /// How people sign in.
    pub sign_in: SignIn,
    /// What access to it can be had.
    pub entitlements: Vec<Entitlement>,
    /// The file that declares it.
    pub file: String,
}

/// One kind of access to an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entitlement {
    /// Its name within the application.
    pub id: Id,
    /// For people.
    pub title: String,
    /// Whether it gives power over others' data or access.
    pub privileged: bool,
}

/// An approved, time-bound acceptance of failures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exception {
    /// Its name.
    pub id: Id,
    /// The test whose failures are accepted.
    pub test: Id,
    /// The keys of the resources.
    pub resource: Glob,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who approved it: another person.
    pub approver: String,
    /// From when on it holds.
    pub approved: Timestamp,
    /// Until when.
    pub expires: Timestamp,
    /// What is done instead.
    pub compensating_control: Option<String>,
    /// The file that declares it.
    pub file: String,
}
