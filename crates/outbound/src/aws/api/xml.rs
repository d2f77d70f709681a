//! A small reader of XML answers. It knows elements, texts, CDATA and the five entities; a document type, and with it
//! every entity that could grow, is refused, and depth and number are limited.

use serde_json::{Map, Value};

/// The deepest nesting, and the most elements.
const DEPTH_MAX: usize = 48;
const ELEMENTS_MAX: usize = 500_000;

/// Reads a document: the name of its root, and what is in it. An element without elements inside becomes a text; one with
/// elements an object; what is repeated, an array. Attributes are not read.
///
/// # Errors
/// In words, what is wrong.
pub fn read(text: &str) -> Result<(String, Value), String> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut elements = 0_usize;
    let mut rest = text.trim_start_matches('\u{feff}');
    loop {
        let (before, after) = match rest.split_once('<') {
            Some(halves) => halves,
            None if rest.trim().is_empty() => return Err("the document ends before its root does".to_owned()),
            None => return Err("it is no XML".to_owned()),
        };
        match open.last_mut() {
            Some(element) => unescape(before, &mut element.text)?,
            None if before.trim().is_empty() => {}
            None => return Err("it is no XML".to_owned()),
        }
        if let Some(after) = after.strip_prefix("!--") {
            rest = after.split_once("-->").ok_or("a comment has no end")?.1;
        } else if let Some(after) = after.strip_prefix("![CDATA[") {
            let (raw, after) = after.split_once("]]>").ok_or("a CDATA section has no end")?;
            open.last_mut().ok_or("a text stands outside of the root")?.text.push_str(raw);
            rest = after;
        } else if after.starts_with('!') {
            return Err("it has a document type, which is not read".to_owned());
        } else if let Some(after) = after.strip_prefix('?') {
            rest = after.split_once("?>").ok_or("an instruction has no end")?.1;
        } else if let Some(after) = after.strip_prefix('/') {
            let (name, after) = after.split_once('>').ok_or("a tag has no end")?;
            rest = after;
            let done = open.pop().ok_or("an element ends that did not begin")?;
            if done.name != local(name.trim()) {
                return Err(format!("`{}` ends as `{}`", plain(done.name), plain(name)));
            }
            let (name, value) = done.value();
            match open.last_mut() {
                Some(parent) => parent.take(name, value),
                None if rest.trim().is_empty() => return Ok((name.to_owned(), value)),
                None => return Err("something stands after the root".to_owned()),
            }
        } else {
            let (tag, after) = after.split_at(end_of_tag(after).ok_or("a tag has no end")?);
            rest = after.get(1..).unwrap_or_default();
            elements += 1;
            if elements > ELEMENTS_MAX || open.len() >= DEPTH_MAX {
                return Err(format!(
                    "it has more than {ELEMENTS_MAX} elements, or more than {DEPTH_MAX} inside each other"
                ));
            }
            let is_empty = tag.ends_with('/');
            let name = tag.trim_end_matches('/').split_ascii_whitespace().next().unwrap_or_default();
            let element = Open { name: local(name), text: String::new(), inside: Map::new() };
            if name.is_empty() {
                return Err("a tag has no name".to_owned());
            }
            if !is_empty {
                open.push(element);
                continue;
            }
            let (name, value) = element.value();
            match open.last_mut() {
                Some(parent) => parent.take(name, value),
                None if rest.trim().is_empty() => return Ok((name.to_owned(), value)),
                None => return Err("something stands after the root".to_owned()),
            }
        }
    }
}

struct Open<'a> {
    name: &'a str,
    text: String,
    inside: Map<String, Value>,
}

impl<'a> Open<'a> {
    fn value(self) -> (&'a str, Value) {
        (
            self.name,
            if self.inside.is_empty() { Value::String(self.text) } else { Value::Object(self.inside) },
        )
    }

    fn take(&mut self, name: &str, value: Value) {
        match self.inside.get_mut(name) {
            Some(Value::Array(many)) => many.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
            None => {
                self.inside.insert(name.to_owned(), value);
            }
        }
    }
}

/// Where a tag ends: at the first `>` outside of quotes.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    text.bytes().position(|byte| {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if byte == open => quote = None,
            _ => {}
        }
        quote.is_none() && byte == b'>'
    })
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn unescape(text: &str, into: &mut String) -> Result<(), String> {
    let mut parts = text.split('&');
    into.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (entity, after) = part.split_once(';').ok_or("an entity has no end")?;
        into.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                numbered(entity).ok_or_else(|| format!("`&{};` is no entity that is known", plain(entity)))?
            }
        });
        into.push_str(after);
    }
    Ok(())
}

fn numbered(entity: &str) -> Option<char> {
    let digits = entity.strip_prefix('#')?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(code)
}

fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_become_texts_objects_and_lists() {
        let text = "<?xml version=\"1.0\"?>\n<!-- a --><a:R xmlns:a='x>y'><B c=\"/\">1 &lt; 2&#x21;</B><L><i>x</i><i><![CDATA[<y>]]></i></L><E/><F></F></a:R>\n";
        let expected = json!({"B": "1 < 2!", "L": {"i": ["x", "<y>"]}, "E": "", "F": ""});
        assert_eq!(read(text).unwrap(), ("R".to_owned(), expected));
        assert_eq!(read("<R/>").unwrap(), ("R".to_owned(), json!("")));
    }

    #[test]
    fn hostile_documents_are_refused() {
        let bomb = "<!DOCTYPE l [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><l>&b;</l>";
        let deep = "<a>".repeat(100_000);
        let wide = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX));
        for (text, words) in [
            (bomb, "document type"),
            ("<l>&b;</l>", "no entity"),
            (&deep, "inside each other"),
            (&wide, "elements"),
            ("<a><b></a></b>", "ends as"),
            ("<a>", "ends before"),
            ("<a", "no end"),
            ("</a>", "did not begin"),
            ("<a></a><b></b>", "after the root"),
            ("{\"a\": 1}", "no XML"),
            ("", "ends before"),
            ("<>x</>", "no name"),
            ("<a>&#xD800;</a>", "no entity"),
            ("<html><br></html>", "ends as"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    /// A document with bytes changed, taken out and doubled, a few thousand times: an error or a value, never a panic.
    #[test]
    fn damaged_documents_do_not_break_the_reader() {
        let whole = "<?xml version=\"1.0\"?><!-- a --><R xmlns:a=\"x>y\"><B>1 &lt; &#x21;</B><L><i/><i><![CDATA[<y>]]></i></L></R>";
        let mut state = 42_u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for _ in 0..5_000 {
            let mut bytes = whole.as_bytes().to_vec();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                match random(4) {
                    0 => bytes[at] = b"<>&;/!?\"\'[]-# a\xff"[random(16)],
                    1 => bytes.truncate(at.max(1)),
                    2 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, bytes[random(at + 1)]),
                }
                if bytes.is_empty() {
                    bytes.push(b'<');
                }
            }
            let _ = read(&String::from_utf8_lossy(&bytes));
        }
    }
}
