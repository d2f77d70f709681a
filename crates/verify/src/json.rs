//! The JSON that leaves, states and proofs are made of: objects, lists, texts, integers and booleans. Written in the one
//! canonical form of RFC 8785; read strictly, so that nothing has two meanings: a name that stands twice is refused.

use std::collections::BTreeMap;

use crate::fault::{Fault, quoted};

/// How deep values may be nested.
const DEPTH_MAX: usize = 16;

/// A JSON value. There is no null and there are no fractions: the formats have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// An object of these members.
    pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// What sort of value it is, for messages.
    pub fn sort(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The canonical form (RFC 8785): no spaces, names sorted by UTF-16, only the escapes that are needed.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(&value.to_string()),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
                out.push('{');
                for (i, (name, value)) in members.into_iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Reads a JSON document.
pub fn read(text: &str) -> Result<Value, Fault> {
    let mut reader = Reader { text, at: 0 };
    reader.space();
    let value = reader.value(0)?;
    reader.space();
    if reader.at == text.len() { Ok(value) } else { Err(reader.wrong("something follows the value")) }
}

/// Reads a JSON document that must be in canonical form.
pub fn read_canonical(text: &str) -> Result<Value, Fault> {
    let value = read(text)?;
    if value.canonical() == text { Ok(value) } else { Err(Fault::new("is not canonical JSON (RFC 8785)")) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self, what: &str) -> Fault {
        Fault::new(format!("is not JSON of the format: at byte {}, {what}", self.at))
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if found {
            self.at += word.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        if depth > DEPTH_MAX {
            return Err(self.wrong("values are nested more than 16 deep"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.integer(),
            Some(_) if self.word("true") => Ok(Value::Bool(true)),
            Some(_) if self.word("false") => Ok(Value::Bool(false)),
            _ => Err(self.wrong("a value is expected: an object, a list, a text, an integer or a boolean")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        self.at += 1;
        let mut members = BTreeMap::new();
        self.space();
        if self.takes(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a name in quotes is expected"));
            }
            let name = self.string()?;
            self.space();
            if !self.takes(b':') {
                return Err(self.wrong("`:` is expected"));
            }
            self.space();
            let value = self.value(depth + 1)?;
            if members.insert(name.clone(), value).is_some() {
                return Err(self.wrong(&format!("the name {} stands twice", quoted(&name))));
            }
            self.space();
            if self.takes(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.takes(b',') {
                return Err(self.wrong("`,` or `}` is expected"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.takes(b']') {
            return Ok(Value::List(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            if self.takes(b']') {
                return Ok(Value::List(items));
            }
            if !self.takes(b',') {
                return Err(self.wrong("`,` or `]` is expected"));
            }
        }
    }

    fn integer(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        let negative = self.takes(b'-');
        let digits = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        let count = self.at - digits;
        let leading_zero = self.text.as_bytes().get(digits) == Some(&b'0') && (count > 1 || negative);
        if count == 0 || leading_zero || matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Err(self.wrong("an integer without fraction, exponent and leading zeros is expected"));
        }
        match self.text.get(start..self.at).and_then(|text| text.parse().ok()) {
            Some(value) => Ok(Value::Int(value)),
            None => Err(self.wrong("the integer is beyond 64 bits")),
        }
    }

    fn string(&mut self) -> Result<String, Fault> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest.find(['"', '\\']).unwrap_or(rest.len());
            let plain = rest.get(..plain).unwrap_or_default();
            if let Some(found) = plain.find(|c| c < ' ') {
                self.at += found;
                return Err(self.wrong("a text holds a control character that is not escaped"));
            }
            out.push_str(plain);
            self.at += plain.len();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(_) => out.push(self.escape()?),
                None => return Err(self.wrong("a text has no end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => {
                self.at -= 1;
                return Err(self.wrong("an escape that JSON does not have"));
            }
        })
    }

    fn unicode(&mut self) -> Result<char, Fault> {
        let first = self.four()?;
        let point = if (0xd800..0xdc00).contains(&first) {
            if !self.word("\\u") {
                return Err(self.wrong("half of a character stands alone"));
            }
            let second = self.four()?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(self.wrong("half of a character stands alone"));
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(point).ok_or_else(|| self.wrong("half of a character stands alone"))
    }

    fn four(&mut self) -> Result<u32, Fault> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return Err(self.wrong("four hexadecimal digits are expected")) };
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_canonical_form_is_that_of_rfc_8785() {
        let value = read(
            "{\"\u{20ac}\":1, \"\\r\":2,\"\u{fb33}\":3,\"1\":[true,{}],\"\u{1f600}\":\"\\u20ac$\\u000F\\nA'\\u0042\\\"\\\\\\/\"}",
        );
        assert_eq!(
            value.expect("it is JSON").canonical(),
            "{\"\\r\":2,\"1\":[true,{}],\"\u{20ac}\":1,\"\u{1f600}\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\/\",\"\u{fb33}\":3}"
        );
    }

    #[test]
    fn what_has_two_meanings_is_refused() {
        for (text, why) in [
            ("{\"a\":1,\"a\":1}", "at byte 12, the name `a` stands twice"),
            ("{\"a\":1,\"\\u0061\":2}", "the name `a` stands twice"),
            ("1.0", "an integer without fraction"),
            ("1e3", "an integer without fraction"),
            ("-0", "an integer without fraction"),
            ("01", "an integer without fraction"),
            ("9223372036854775808", "beyond 64 bits"),
            ("null", "a value is expected"),
            ("\"\\ud800\"", "half of a character"),
            ("\"\\ud800\\u0041\"", "half of a character"),
            ("\"\\udc00\"", "half of a character"),
            ("\"\n\"", "a control character"),
            ("\"\\x\"", "an escape"),
            ("\"abc", "a text has no end"),
            ("\"abc\\", "an escape"),
            ("{\"a\"}", "`:` is expected"),
            ("{a:1}", "a name in quotes"),
            ("[1,]", "a value is expected"),
            ("[1", "`,` or `]`"),
            ("{\"a\":1", "`,` or `}`"),
            ("1 2", "something follows"),
            ("", "a value is expected"),
            (&"[".repeat(40), "nested more than 16 deep"),
        ] {
            let fault = read(text).expect_err(text).to_string();
            assert!(fault.contains(why), "{text}: {fault}");
        }
        assert!(read_canonical("{\"a\": 1}").is_err());
        assert!(read_canonical("{\"b\":1,\"a\":2}").is_err());
        assert!(read_canonical("\"\\u0041\"").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:a-c0-9\\\\u \u{e9}\u{1f600}-]{0,40}") {
            if let Ok(value) = read(&text) {
                let canonical = value.canonical();
                prop_assert_eq!(read_canonical(&canonical), Ok(value));
            }
        }

        #[test]
        fn any_text_survives(text: String) {
            let written = Value::Text(text.clone()).canonical();
            prop_assert_eq!(read_canonical(&written), Ok(Value::Text(text.clone())));
            prop_assert_eq!(written, serde_json::to_string(&text).expect("a text"));
        }
    }
}
