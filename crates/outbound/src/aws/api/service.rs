//! The services that are asked, and the four ways in which they want to be asked.

use super::Place;

/// How a service is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A form with `Action` and `Version`; the answer is XML.
    Query {
        /// The version of the interface.
        version: &'static str,
    },
    /// JSON, with the action in `X-Amz-Target`.
    Json {
        /// `1.0` or `1.1`.
        version: &'static str,
        /// What stands before the action.
        target: &'static str,
    },
    /// Paths and verbs; the answer is XML.
    RestXml,
    /// Paths and verbs; the answer is JSON.
    RestJson,
}

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in signatures.
    pub name: &'static str,
    /// What stands before the region in its address, `{account}` becomes the account's number.
    pub host: &'static str,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// It has one address for all regions of a partition.
    pub global: bool,
    /// It answers only at addresses that it names when it is asked for them.
    pub discovered: bool,
}

impl Service {
    const fn of(name: &'static str, host: &'static str, protocol: Protocol) -> Self {
        Self { name, host, protocol, global: false, discovered: false }
    }

    /// A service of forms and XML.
    #[must_use]
    pub const fn query(name: &'static str, version: &'static str) -> Self {
        Self::of(name, name, Protocol::Query { version })
    }

    /// A service of JSON.
    #[must_use]
    pub const fn json(name: &'static str, version: &'static str, target: &'static str) -> Self {
        Self::of(name, name, Protocol::Json { version, target })
    }

    /// A service of paths and JSON.
    #[must_use]
    pub const fn rest_json(name: &'static str) -> Self {
        Self::of(name, name, Protocol::RestJson)
    }

    /// A service of paths and XML.
    #[must_use]
    pub const fn rest_xml(name: &'static str) -> Self {
        Self::of(name, name, Protocol::RestXml)
    }

    /// The same at another host.
    #[must_use]
    pub const fn at(mut self, host: &'static str) -> Self {
        self.host = host;
        self
    }

    /// The same with one address for all regions.
    #[must_use]
    pub const fn everywhere(mut self) -> Self {
        self.global = true;
        self
    }

    /// The same, which is first asked where it answers.
    #[must_use]
    pub const fn discovered(mut self) -> Self {
        self.discovered = true;
        self
    }

    /// The host that answers for a place, and the region that its signatures name.
    #[must_use]
    pub fn host_at(&self, place: &Place) -> (String, String) {
        let partition = place.partition();
        let suffix = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        if !self.global {
            let host = self.host.replace("{account}", &place.account);
            return (format!("{host}.{}.{suffix}", place.region), place.region.clone());
        }
        match partition {
            "aws-cn" => (format!("{}.cn-north-1.{suffix}", self.host), "cn-north-1".to_owned()),
            "aws-us-gov" => (format!("{}.us-gov.{suffix}", self.host), "us-gov-west-1".to_owned()),
            _ => (format!("{}.{suffix}", self.host), "us-east-1".to_owned()),
        }
    }
}

/// Who the caller is.
pub const STS: Service = Service::query("sts", "2011-06-15");
