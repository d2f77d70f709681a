//! KMS keys by their many names: an ARN, an id, an alias, an alias' ARN. All become the ARN of the key, under which its
//! state is known.

use octro_outbound::aws::api::Place;
use serde_json::Value;

use super::facts::{Item, Known};

/// What a name of a key is.
#[derive(Debug, PartialEq)]
pub(crate) enum Named {
    /// The key's ARN.
    Arn(String),
    /// An alias of this account and region.
    Alias(String),
    /// No name that can be followed, and why.
    Odd(String),
}

/// Reads a name of a key.
pub(crate) fn resolve(name: &str, place: &Place) -> Named {
    let arn = |id: &str| {
        Named::Arn(format!("arn:{}:kms:{}:{}:key/{id}", place.partition(), place.region, place.account))
    };
    if name.starts_with("alias/") {
        return Named::Alias(name.to_owned());
    }
    if name.starts_with("arn:") {
        let resource = name.splitn(6, ':').nth(5).unwrap_or_default();
        if resource.starts_with("key/") {
            return Named::Arn(name.to_owned());
        }
        if resource.starts_with("alias/") {
            return if owner(name) == Some(&place.account) && region(name) == Some(&place.region) {
                Named::Alias(resource.to_owned())
            } else {
                Named::Odd(format!(
                    "`{name}` is an alias of another account or region, which cannot be followed"
                ))
            };
        }
        return Named::Odd(format!("`{name}` is no ARN of a key"));
    }
    let id = name.strip_prefix("mrk-").unwrap_or(name);
    let is_id =
        matches!(id.len(), 32 | 36) && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_id { arn(name) } else { Named::Odd(format!("`{name}` is no name of a key")) }
}

/// The key that an alias stands for.
pub(crate) fn of_alias(alias: &str, aliases: &[Item], place: &Place) -> Known {
    let of = |item: &&Item| item.value.get("AliasName").and_then(Value::as_str) == Some(alias);
    let target =
        aliases.iter().find(of).and_then(|item| item.value.get("TargetKeyId")).and_then(Value::as_str);
    match target.map(|id| resolve(id, place)) {
        Some(Named::Arn(arn)) => Known::text(arn),
        Some(_) | None => Known::odd(format!("the alias `{alias}` stands for no key in {}", place.region)),
    }
}

/// The account that an ARN names.
pub(crate) fn owner(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(3).filter(|account| !account.is_empty())
}

/// The region that an ARN names.
pub(crate) fn region(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_name_becomes_an_arn() {
        let place = Place::new("111122223333", "eu-central-1");
        let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let own = format!("arn:aws:kms:eu-central-1:111122223333:key/{id}");
        let other = format!("arn:aws:kms:eu-west-1:444455556666:key/{id}");
        assert_eq!(resolve(id, &place), Named::Arn(own.clone()));
        assert_eq!(resolve(&other, &place), Named::Arn(other.clone()));
        assert_eq!(resolve("alias/aws/s3", &place), Named::Alias("alias/aws/s3".to_owned()));
        let alias = "arn:aws:kms:eu-central-1:111122223333:alias/data";
        assert_eq!(resolve(alias, &place), Named::Alias("alias/data".to_owned()));
        for odd in [
            "arn:aws:kms:eu-central-1:444455556666:alias/data",
            "default_kms_key_id",
            "",
            "arn:aws:s3:::b",
            "AWS_OWNED_KMS_KEY",
        ] {
            assert!(matches!(resolve(odd, &place), Named::Odd(_)), "{odd}");
        }
        let value = json!({"AliasName": "alias/data", "TargetKeyId": id});
        let aliases = [Item { value, details: BTreeMap::new() }];
        assert_eq!(of_alias("alias/data", &aliases, &place), Known::text(own));
        assert!(matches!(of_alias("alias/other", &aliases, &place), Known::Unknown(_)));
        assert_eq!((owner(&other), region(&other)), (Some("444455556666"), Some("eu-west-1")));
        assert_eq!((owner("arn:aws:s3:::b"), region("arn:aws:s3:::b")), (None, None));
    }
}
