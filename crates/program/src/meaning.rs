//! The meaning of a test as a hash: two revisions with the same hash judge every resource alike, whatever became of
//! their words.

use std::collections::{BTreeMap, BTreeSet};

use octro_cel::{Expression, Kinds, Link};
use octro_model::{Attribute, Id, Type, hex};
use sha2::{Digest, Sha256};

use crate::test::Test;

/// The hash of kind, scope, condition, parameters, greatest age, and the shape of everything that is read.
pub(crate) fn hash(test: &Test, kinds: &Kinds) -> String {
    let mut hasher = Sha256::new();
    for piece in pieces(test, kinds) {
        // Lengths first, so that no piece can pass for the end of another.
        hasher.update((piece.len() as u64).to_be_bytes());
        hasher.update(piece);
    }
    hex(&hasher.finalize())
}

fn pieces(test: &Test, kinds: &Kinds) -> Vec<String> {
    let mut pieces = vec!["test 1".to_owned(), test.on.to_string()];
    pieces.push(test.scope.as_ref().map(|scope| plain(scope.text())).unwrap_or_default());
    pieces.push(plain(test.pass.text()));
    pieces.push(test.max_age.micros().to_string());
    for (name, param) in &test.params {
        pieces.push(format!("param {name} {} {}", param.of, param.value));
    }
    for (kind, attributes) in read(test) {
        let Some(layout) = kinds.get(&kind) else { continue };
        for name in attributes {
            if let Some(attribute) = layout.kind().attributes.get(&name) {
                pieces.push(format!("reads {kind} {name} {}", shape(attribute)));
            }
        }
    }
    pieces
}

/// The outermost attributes that are read, by kind.
fn read(test: &Test) -> BTreeMap<Id, BTreeSet<String>> {
    let mut read: BTreeMap<Id, BTreeSet<String>> = BTreeMap::new();
    let mut add = |kind: &Id, path: &str| {
        let name = path.split(['.', '[']).next().unwrap_or_default();
        read.entry(kind.clone()).or_default().insert(name.to_owned());
    };
    for expression in test.scope.iter().chain([&test.pass]) {
        expression.reads().iter().for_each(|read| add(&read.kind, &read.path));
        links(expression, &mut add);
    }
    read
}

fn links(expression: &Expression, add: &mut impl FnMut(&Id, &str)) {
    for link in expression.links() {
        match link {
            Link::Key { from_kind, attribute, .. } => add(from_kind, attribute),
            Link::Back { kind, attribute } => add(kind, attribute),
        }
    }
}

/// The shape of an attribute without its words.
fn shape(attribute: &Attribute) -> String {
    let reference = attribute.references.as_ref().map(|kind| format!(" ref {kind}")).unwrap_or_default();
    format!("{}{reference}", type_shape(&attribute.of))
}

/// The shape of a type; unlike its name, it has the fields of objects.
pub(crate) fn type_shape(of: &Type) -> String {
    match of {
        Type::List(of) => format!("list<{}>", type_shape(of)),
        Type::Map(of) => format!("map<{}>", type_shape(of)),
        Type::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, field)| format!("{name}: {}", shape(field))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Type::Bool | Type::Int | Type::Float | Type::String | Type::Timestamp | Type::Duration => {
            of.to_string()
        }
    }
}

/// An expression without comments and with single spaces, as far as no quoted text is touched. One with threefold
/// quotes stays as it is.
fn plain(text: &str) -> String {
    if text.contains("\"\"\"") || text.contains("'''") {
        return text.trim().to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    // The quote that is open, and whether a backslash in it is an ordinary character.
    let mut quote: Option<(char, bool)> = None;
    while let Some(c) = chars.next() {
        match quote {
            Some((open, raw)) => {
                plain.push(c);
                if c == '\\' && !raw {
                    plain.extend(chars.next());
                } else if c == open {
                    quote = None;
                }
            }
            None if c == '/' && chars.peek() == Some(&'/') => {
                chars.by_ref().find(|c| *c == '\n');
                space(&mut plain);
            }
            None if c.is_whitespace() => space(&mut plain),
            None => {
                quote = matches!(c, '"' | '\'').then(|| (c, ends_with_raw_mark(&plain)));
                plain.push(c);
            }
        }
    }
    plain.trim().to_owned()
}

fn space(plain: &mut String) {
    if !plain.ends_with(' ') {
        plain.push(' ');
    }
}

/// Whether an `r` stands alone at the end: the quoted text that follows has no escapes.
fn ends_with_raw_mark(plain: &str) -> bool {
    let mut back = plain.chars().rev();
    matches!(back.next(), Some('r' | 'R')) && !back.next().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_comments_mean_nothing_outside_of_texts() {
        assert_eq!(plain(" a  &&\n\tb // why\n"), "a && b");
        assert_eq!(plain("a == 'x  // y'"), "a == 'x  // y'");
        assert_eq!(plain(r#"a == "x\"  y"  "#), r#"a == "x\"  y""#);
        assert_ne!(plain("a == 'x y'"), plain("a == 'x  y'"));
        assert_eq!(plain("a.matches(r'\\')  && b  "), "a.matches(r'\\') && b");
        assert_eq!(plain("refs('a', 'owner')  == []"), "refs('a', 'owner') == []");
    }
}
