//! Amazon Web Services and what speaks like it: signed questions, where the keys come from, and objects in buckets.

mod credentials;
mod s3;
mod sign;

pub use credentials::{Credentials, Provider};
pub use s3::{Bucket, BucketAt, Found, Put};
pub use sign::{Scope, sign};
