//! Cuts an expression's text into tokens that know where they stand. String literals follow CEL: two kinds of quotes,
//! tripled quotes, raw strings and the usual escapes.

use super::Refusal;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A name or a word of the language.
    Name(String),
    /// A whole number without its sign.
    Int(u64),
    /// A number with a fraction or exponent.
    Float(f64),
    /// A text, its escapes resolved.
    Text(String),
    /// An operator or bracket.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// A token and the bytes that it covers.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) token: Token,
    pub(crate) at: u32,
    pub(crate) end: u32,
}

const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")", "[", "]",
    ",", ".", "{", "}",
];

/// All tokens of `text`, ended by [`Token::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<Placed>, Refusal> {
    let mut all = Vec::new();
    let mut at = 0;
    loop {
        at = skip_space(text, at);
        let rest = text.get(at..).unwrap_or_default();
        let Some(first) = rest.chars().next() else {
            all.push(Placed { token: Token::End, at: at as u32, end: at as u32 });
            return Ok(all);
        };
        let (token, length) = if let Some(found) = quoted(rest, at)? {
            found
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Token::Name(rest.get(..length).unwrap_or_default().to_owned()), length)
        } else if first.is_ascii_digit()
            || (first == '.' && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()))
        {
            number(rest, at)?
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err(unexpected(first, at));
        };
        all.push(Placed { token, at: at as u32, end: (at + length) as u32 });
        at += length;
    }
}

fn unexpected(first: char, at: usize) -> Refusal {
    let expected = match first {
        '&' => "`&&`",
        '|' => "`||`",
        '=' => "`==`",
        _ => "an expression of names, literals and operators",
    };
    Refusal::new(at, format!("unexpected character `{}`", first.escape_default()), expected)
}

/// Past white space and `// comments`.
fn skip_space(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n', '\x0b', '\x0c']);
        at += rest.len() - trimmed.len();
        if !trimmed.starts_with("//") {
            return at;
        }
        at += trimmed.find('\n').unwrap_or(trimmed.len());
    }
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), Refusal> {
    let bytes = rest.as_bytes();
    let digits_from = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let length = hex.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(hex.len());
        let value = u64::from_str_radix(hex.get(..length).unwrap_or_default(), 16);
        return match value {
            Ok(value) => Ok((Token::Int(value), 2 + length)),
            Err(_) => Err(Refusal::new(
                at,
                "a number that cannot be read",
                "a hexadecimal number of 64 bits at most",
            )),
        };
    }
    let mut length = digits_from(0);
    let mut fraction = false;
    if bytes.get(length) == Some(&b'.') && digits_from(length + 1) > 0 {
        fraction = true;
        length += 1 + digits_from(length + 1);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let digits = digits_from(length + 1 + sign);
        if digits > 0 {
            fraction = true;
            length += 1 + sign + digits;
        }
    }
    let text = rest.get(..length).unwrap_or_default();
    if rest.get(length..).is_some_and(|tail| tail.starts_with(|c: char| c.is_alphanumeric() || c == '_')) {
        let expected =
            "a number; lengths of time are written duration('90d'), and there are no unsigned numbers";
        return Err(Refusal::new(at, format!("letters after the number `{text}`"), expected));
    }
    let token = if fraction {
        text.parse().ok().filter(|value: &f64| value.is_finite()).map(Token::Float)
    } else {
        text.parse().ok().map(Token::Int)
    };
    token.map(|token| (token, length)).ok_or_else(|| {
        Refusal::new(at, format!("the number `{text}` is out of range"), "a number of 64 bits")
    })
}

/// A string literal at the start of `rest`, if there is one.
fn quoted(rest: &str, at: usize) -> Result<Option<(Token, usize)>, Refusal> {
    let prefix = rest.chars().take_while(|c| matches!(c, 'r' | 'R' | 'b' | 'B')).count();
    let body = rest.get(prefix..).unwrap_or_default();
    let quote = match body.chars().next() {
        Some(quote @ ('"' | '\'')) if prefix <= 2 => quote,
        _ => return Ok(None),
    };
    let marks = rest.get(..prefix).unwrap_or_default().to_ascii_lowercase();
    if marks.contains('b') {
        return Err(Refusal::new(at, "a literal of bytes", "a text: the language has no bytes"));
    }
    if marks.len() > 1 {
        return Err(Refusal::new(at, format!("an unknown prefix `{marks}` of a text"), "`r` or none"));
    }
    let raw = marks == "r";
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    let closing = if body.starts_with(&triple) { triple } else { quote.to_string() };
    let inner = body.get(closing.len()..).unwrap_or_default();
    let Some(length) = closes(inner, &closing, raw) else {
        return Err(Refusal::new(at, "a text that does not end", format!("a closing {closing}")));
    };
    let content = inner.get(..length).unwrap_or_default();
    let inner_at = at + prefix + closing.len();
    let text = if raw { content.to_owned() } else { unescape(content, inner_at)? };
    Ok(Some((Token::Text(text), prefix + closing.len() * 2 + length)))
}

fn closes(inner: &str, closing: &str, raw: bool) -> Option<usize> {
    let mut escaped = false;
    for (place, c) in inner.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' && !raw {
            escaped = true;
        } else if closing.len() == 1 && c == '\n' {
            return None;
        } else if inner.get(place..).is_some_and(|tail| tail.starts_with(closing)) {
            return Some(place);
        }
    }
    None
}

fn unescape(content: &str, at: usize) -> Result<String, Refusal> {
    if !content.contains('\\') {
        return Ok(content.to_owned());
    }
    let mut text = String::with_capacity(content.len());
    let mut chars = content.char_indices();
    while let Some((place, c)) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        let bad = || {
            let expected = "one of \\n \\r \\t \\a \\b \\f \\v \\\\ \\' \\\" \\` \\? \\xHH \\uHHHH \\UHHHHHHHH \\OOO, or a raw text r'...'";
            Refusal::new(at + place, "an escape that does not exist", expected)
        };
        let (_, kind) = chars.next().ok_or_else(bad)?;
        let plain = match kind {
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '\\' | '\'' | '"' | '`' | '?' => kind,
            'x' | 'X' => coded(&mut chars, None, 2, 16).ok_or_else(bad)?,
            'u' => coded(&mut chars, None, 4, 16).ok_or_else(bad)?,
            'U' => coded(&mut chars, None, 8, 16).ok_or_else(bad)?,
            '0'..='3' => coded(&mut chars, kind.to_digit(8), 2, 8).ok_or_else(bad)?,
            _ => return Err(bad()),
        };
        text.push(plain);
    }
    Ok(text)
}

fn coded(chars: &mut std::str::CharIndices, first: Option<u32>, digits: u32, radix: u32) -> Option<char> {
    let mut code = first.unwrap_or(0);
    for _ in 0..digits {
        let digit = chars.next()?.1.to_digit(radix)?;
        code = code.checked_mul(radix)?.checked_add(digit)?;
    }
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Token> {
        tokens(text).unwrap().into_iter().map(|placed| placed.token).collect()
    }

    #[test]
    fn literals_follow_cel() {
        assert_eq!(all(r#"'a\'b\x41\u00e9\101'"#), [Token::Text("a'bAéA".into()), Token::End]);
        assert_eq!(
            all(r#"r'\d' """a"b""" "#),
            [Token::Text("\\d".into()), Token::Text("a\"b".into()), Token::End]
        );
        assert_eq!(
            all("0x1F 1.5e3 .5"),
            [Token::Int(31), Token::Float(1500.0), Token::Float(0.5), Token::End]
        );
        assert_eq!(all("a // b\n<= c").len(), 4);
    }

    #[test]
    fn what_is_no_token_is_refused_at_its_place() {
        for (text, at) in
            [("a & b", 2), ("'ab", 0), ("x == 12d", 5), ("b'x'", 0), ("'\\q'", 1), ("é", 0), ("1e999", 0)]
        {
            assert_eq!(tokens(text).unwrap_err().at, at, "{text}");
        }
    }
}
