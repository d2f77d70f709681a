//! What a datastore holds: by its tag, or as the settings declare it. A tag wins: it stands at the store itself.

use serde_json::Value;

use super::facts::{Known, many};

/// The tag that is read, and what is declared.
#[derive(Clone, Debug)]
pub(crate) struct Classes {
    /// The tag's name.
    pub tag: String,
    /// Patterns of keys, each with its class; the first that matches counts.
    pub declared: Vec<(String, String)>,
}

impl Default for Classes {
    fn default() -> Self {
        Self { tag: "data-class".to_owned(), declared: Vec::new() }
    }
}

impl Classes {
    /// The class of a resource with these tags.
    pub(crate) fn of(&self, key: &str, tags: Option<&Value>) -> Known {
        if let Some(class) =
            tags.and_then(|tags| tag(tags, &self.tag)).filter(|class| !class.trim().is_empty())
        {
            return Known::text(class.trim().to_lowercase());
        }
        let declared = self.declared.iter().find(|(pattern, _)| matches(pattern, key));
        declared.map_or(Known::Absent, |(_, class)| Known::text(class.as_str()))
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

/// Whether a text is as the pattern says: `*` is any letters, `?` is one. The whole text counts.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(letter) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == letter => {
                p += 1;
                t += 1;
            }
            Some(_) | None => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|letter| *letter == '*'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tag_is_found_in_every_shape() {
        for tags in [
            json!([{"Key": "a", "Value": "x"}, {"Key": "data-class", "Value": " Customer "}]),
            json!({"Key": "data_class", "Value": "customer"}),
            json!({"DataClass": "customer", "b": "c"}),
            json!([{"key": "data-class", "value": "customer"}]),
            json!([{"TagKey": "data:class", "TagValue": "customer"}]),
        ] {
            assert_eq!(Classes::default().of("k", Some(&tags)), Known::text("customer"), "{tags}");
        }
        for tags in [
            json!(""),
            json!([]),
            json!({}),
            json!({"Key": "data-class"}),
            json!([3]),
            json!({"data-class": ""}),
        ] {
            assert_eq!(Classes::default().of("k", Some(&tags)), Known::Absent, "{tags}");
        }
    }

    #[test]
    fn what_is_declared_counts_where_no_tag_does() {
        let declared = vec![("arn:aws:s3:::acme-*".to_owned(), "internal".to_owned())];
        let classes = Classes { declared, ..Classes::default() };
        assert_eq!(classes.of("arn:aws:s3:::acme-logs", None), Known::text("internal"));
        assert_eq!(
            classes.of("arn:aws:s3:::acme-x", Some(&json!({"data-class": "customer"}))),
            Known::text("customer")
        );
        assert_eq!(classes.of("x-arn:aws:s3:::acme-logs", None), Known::Absent, "the whole key counts");
    }

    #[test]
    fn patterns_match_the_whole_text() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("*a*b*", "xxaxxbxx", true),
            ("", "a", false),
            ("a**", "a", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(!matches(&"*a".repeat(400), &"a".repeat(5_000).replace("aaaaa", "aaaab")));
    }
}
