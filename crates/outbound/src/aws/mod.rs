//! Amazon Web Services and what speaks like it: signed questions, where the keys come from, calls to its
//! services, and objects in buckets.

pub mod api;
mod assume;
mod credentials;
mod process;
mod profile;
mod s3;
mod sign;
mod single_sign_on;
mod web_identity;

pub use assume::Role;
use credentials::is_beside;
pub use credentials::{Credentials, Provider};
pub use s3::{Bucket, BucketAt, Found, Put};
pub use sign::{Scope, sign};
