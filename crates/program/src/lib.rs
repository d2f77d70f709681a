//! The program: a folder of text files that says what a company promises and how each promise is checked. This crate
//! loads it whole, checks everything against everything, tells every problem with its place, and judges resources by
//! its tests. It reads files and nothing else: no database, no clock, no network.

mod blob;
mod diff;
mod example;
mod files;
mod framework;
mod judge;
mod markdown;
mod meaning;
mod near;
mod problem;
mod program;
mod read;
mod test;

pub use blob::BlobError;
pub use diff::{Change, Diff, How, diff};
pub use example::{ExampleRun, run_examples};
pub use files::Files;
pub use framework::{Framework, Group, Requirement, Wording};
pub use judge::{Explained, Judgement, explain, judge};
pub use markdown::Heading;
pub use octro_model::Glob;
pub use problem::Problem;
pub use program::{
    App, Claim, Control, Entitlement, Exception, Form, Mapping, Policy, PolicySection, Program, Role, SignIn,
    Training,
};
pub use read::{Loaded, load, load_stored};
pub use test::{Example, Fix, Other, Param, Test};
