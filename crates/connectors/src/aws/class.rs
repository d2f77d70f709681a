//! What a datastore holds by its tags; and, of one that others are copies of, what it is declared to hold.

use std::sync::Arc;

use octro_model::DataClasses;
use serde_json::Value;

use super::facts::{Known, many};

/// What the program says of tags and stores.
#[derive(Clone, Debug, Default)]
pub(crate) struct Classes(pub(crate) Arc<DataClasses>);

impl Classes {
    /// The class that a resource's tags say. What is declared of it is put in where it is told.
    pub(crate) fn of(&self, tags: Option<&Value>) -> Known {
        let said = tags.and_then(|tags| self.0.tags.iter().find_map(|name| tag(tags, name)));
        let said = said.map(str::trim).filter(|class| !class.is_empty());
        said.map_or(Known::Absent, |class| Known::text(class.to_lowercase()))
    }

    /// The class of a resource that another one is a copy of: what its tags say, or what is declared of it.
    pub(crate) fn of_origin(&self, kind: &str, key: &str, tags: Option<&Value>) -> Known {
        let said = self.of(tags);
        if said != Known::Absent {
            return said;
        }
        self.0.declared(kind, key, super::key::owner(key)).map_or(Known::Absent, Known::text)
    }
}

/// A tag's value, in each of the shapes in which services write tags. Names are compared without regard to case and to
/// `-`, `_` and `:`.
pub(crate) fn tag<'a>(tags: &'a Value, name: &str) -> Option<&'a str> {
    let same = |other: &str| {
        let plain = |text: &str| -> String {
            text.chars()
                .filter(|c| !matches!(c, '-' | '_' | ':' | ' '))
                .flat_map(char::to_lowercase)
                .collect()
        };
        plain(other) == plain(name)
    };
    let of = |one: &'a Value| {
        let named = ["Key", "key", "TagKey"].iter().find_map(|field| one.get(*field)?.as_str());
        let value = ["Value", "value", "TagValue"].iter().find_map(|field| one.get(*field)?.as_str());
        named.filter(|named| same(named)).and(value)
    };
    if let Some(found) = many(tags).find_map(of) {
        return Some(found);
    }
    tags.as_object()?.iter().find(|(key, _)| same(key))?.1.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tag_is_found_in_every_shape() {
        let classes = Classes::default();
        for tags in [
            json!([{"Key": "a", "Value": "x"}, {"Key": "data-class", "Value": " Customer "}]),
            json!({"Key": "data_class", "Value": "customer"}),
            json!({"DataClass": "customer", "b": "c"}),
            json!([{"key": "data-class", "value": "customer"}]),
            json!([{"TagKey": "data:class", "TagValue": "customer"}]),
        ] {
            assert_eq!(classes.of(Some(&tags)), Known::text("customer"), "{tags}");
        }
        for tags in [
            json!(""),
            json!([]),
            json!({}),
            json!({"Key": "data-class"}),
            json!([3]),
            json!({"data-class": ""}),
        ] {
            assert_eq!(classes.of(Some(&tags)), Known::Absent, "{tags}");
        }
    }

    #[test]
    fn a_copy_holds_what_its_origin_is_declared_to_hold() {
        let stores = octro_model::DeclaredStores {
            class: "internal".parse().unwrap(),
            kinds: vec![octro_model::Glob::new("aws.ebs.*")],
            keys: vec![octro_model::Glob::new("*/vol-1")],
            accounts: vec![octro_model::Glob::new("111122223333")],
            why: String::new(),
        };
        let classes = Classes(Arc::new(DataClasses { stores: vec![stores], ..DataClasses::default() }));
        let key = "arn:aws:ec2:eu-central-1:111122223333:volume/vol-1";
        assert_eq!(classes.of_origin("aws.ebs.volume", key, None), Known::text("internal"));
        assert_eq!(
            classes.of_origin("aws.ebs.volume", "arn:aws:ec2:eu-central-1:4:volume/vol-1", None),
            Known::Absent
        );
    }
}
