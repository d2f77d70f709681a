//! The form of the table of types: which setting of a plan is what in the answers of AWS's own interfaces. From there on a
//! plan is read by the table of the connector `aws`, so that both say the same of the same thing.

use crate::aws::row::Row;

/// A type of resources.
#[derive(Debug)]
pub(super) struct Type {
    pub(super) name: &'static str,
    /// How the connector `aws` reads the same.
    pub(super) row: &'static Row,
    /// The ARN that it will have.
    pub(super) arn: &'static str,
    /// Its settings.
    pub(super) puts: &'static [Put],
}

/// Where a setting goes.
#[derive(Debug)]
pub(super) struct Put {
    /// Its path in the plan; empty for what is always so.
    pub(super) from: &'static str,
    /// The answer, and the path there.
    pub(super) into: (&'static str, &'static str),
    pub(super) how: How,
    /// What counts if nobody sets it, and the provider chooses.
    pub(super) unset: Unset,
}

/// How a setting becomes what an answer has.
#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    /// As it is.
    Same,
    /// A KMS key, by whatever name.
    Key,
    /// Tags.
    Tags,
    /// `true` becomes the first of these, `false` the second.
    Words(&'static str, &'static str),
    /// Always this text.
    Text(&'static str),
    /// This text, if it is not set.
    Without(&'static str),
    /// What is known only after the plan was carried out, whatever the plan says.
    Later,
}

/// What counts if nobody sets something, and the provider chooses.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unset {
    /// It is known only later.
    Later,
    /// It is not set.
    Absent,
    /// It is no.
    No,
    /// The key that AWS manages under this alias, if the setting at this path says that something is encrypted.
    Alias(&'static str, &'static str),
}

/// A setting that stands in the answer as it is.
pub(super) const fn put(from: &'static str, at: &'static str) -> Put {
    Put { from, into: ("", at), how: How::Same, unset: Unset::Later }
}

/// A setting that is off if nobody sets it.
pub(super) const fn flag(from: &'static str, at: &'static str) -> Put {
    Put { unset: Unset::No, ..put(from, at) }
}

/// What is always so.
pub(super) const fn text(at: &'static str, text: &'static str) -> Put {
    Put { how: How::Text(text), ..put("", at) }
}

/// What is known only later.
pub(super) const fn later(at: &'static str) -> Put {
    Put { how: How::Later, ..put("", at) }
}

/// A KMS key.
pub(super) const fn key(from: &'static str, at: &'static str) -> Put {
    Put { how: How::Key, unset: Unset::Absent, ..put(from, at) }
}

/// The tags.
pub(super) const fn tags(at: &'static str) -> Put {
    Put { how: How::Tags, unset: Unset::Absent, ..put("tags_all", at) }
}

impl Put {
    /// The same in the answer to a detail.
    pub(super) const fn in_detail(mut self, detail: &'static str) -> Self {
        self.into.0 = detail;
        self
    }

    /// The same; if nobody sets it, it is not set.
    pub(super) const fn or_absent(mut self) -> Self {
        self.unset = Unset::Absent;
        self
    }

    /// The same; if nobody sets it, it is the key that AWS manages under this alias, provided that the setting at the path
    /// `encrypted` is on. An empty path is always on.
    pub(super) const fn or_alias(mut self, alias: &'static str, encrypted: &'static str) -> Self {
        self.unset = Unset::Alias(alias, encrypted);
        self
    }

    /// The same in the service's words.
    pub(super) const fn words(mut self, yes: &'static str, no: &'static str) -> Self {
        self.how = How::Words(yes, no);
        self
    }
}
