//! Parses the tokens of an expression. Every way down is counted, so that no text, however nested, can exhaust the
//! stack: neither here nor in what walks the tree later.

use super::token::{Placed, Token, tokens};
use super::{Binary, Form, Literal, Refusal, Syntax};

/// The longest text of one expression, in bytes.
const TEXT_MAX: usize = 8 * 1024;
/// The deepest tree.
const DEPTH_MAX: u32 = 64;
/// The most parts that an expression has.
const PARTS_MAX: usize = 2_000;

const RESERVED: [&str; 18] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "in",
];

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<Syntax, Refusal> {
    if text.len() > TEXT_MAX {
        let what = format!("an expression of {} bytes", text.len());
        return Err(Refusal::new(0, what, format!("at most {TEXT_MAX}: split the test")));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, parts: 0 };
    let tree = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(tree),
        _ => Err(parser.unexpected("the end of the expression or an operator")),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    depth: u32,
    parts: usize,
}

type Parsed = Result<Syntax, Refusal>;

impl Parser {
    fn placed(&self) -> (&Token, usize, usize) {
        let placed = self.tokens.get(self.next).or(self.tokens.last());
        placed.map_or((&Token::End, 0, 0), |placed| (&placed.token, placed.at as usize, placed.end as usize))
    }

    fn peek(&self) -> &Token {
        self.placed().0
    }

    fn at(&self) -> usize {
        self.placed().1
    }

    /// The byte after the token that was taken last.
    fn end(&self) -> u32 {
        self.next.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |placed| placed.end)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(found) if *found == sign);
        self.next += usize::from(found);
        found
    }

    fn needs(&mut self, sign: &str, expected: &str) -> Result<(), Refusal> {
        if self.takes(sign) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn unexpected(&self, expected: &str) -> Refusal {
        let what = match self.peek() {
            Token::Name(name) => format!("unexpected `{name}`"),
            Token::Int(value) => format!("unexpected `{value}`"),
            Token::Float(value) => format!("unexpected `{value}`"),
            Token::Text(_) => "unexpected text".to_owned(),
            Token::Sign(sign) => format!("unexpected `{sign}`"),
            Token::End => "the expression ends too early".to_owned(),
        };
        Refusal::new(self.at(), what, expected)
    }

    fn part(&mut self, at: usize, below: &[&Syntax], form: Form) -> Parsed {
        let depth = 1 + below.iter().map(|part| part.depth).max().unwrap_or(0);
        self.parts += 1;
        if depth > DEPTH_MAX {
            return Err(too_deep(at));
        }
        if self.parts > PARTS_MAX {
            let what = format!("an expression of more than {PARTS_MAX} parts");
            return Err(Refusal::new(at, what, "a shorter one: split the test"));
        }
        Ok(Syntax { at: at as u32, end: self.end(), depth, form })
    }

    fn expression(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(too_deep(self.at()));
        }
        let at = self.at();
        let mut tree = self.chain("||")?;
        if self.takes("?") {
            let then = self.chain("||")?;
            self.needs(":", "`:` and the value otherwise")?;
            let otherwise = self.expression()?;
            let depth = tree.depth.max(then.depth).max(otherwise.depth);
            let form =
                Form::If { test: Box::new(tree), then: Box::new(then), otherwise: Box::new(otherwise) };
            tree = self.deeper(at, depth, form)?;
        }
        self.depth -= 1;
        Ok(tree)
    }

    /// A part above others whose depth is `below`.
    fn deeper(&mut self, at: usize, below: u32, form: Form) -> Parsed {
        let mut part = self.part(at, &[], form)?;
        part.depth = below + 1;
        if part.depth > DEPTH_MAX { Err(too_deep(at)) } else { Ok(part) }
    }

    /// `a || b || c`, and below it `a && b && c`: one part each, however long.
    fn chain(&mut self, sign: &str) -> Parsed {
        let at = self.at();
        let either = sign == "||";
        let first = if either { self.chain("&&")? } else { self.relation()? };
        if !matches!(self.peek(), Token::Sign(found) if *found == sign) {
            return Ok(first);
        }
        let mut depth = first.depth;
        let mut all = vec![first];
        while self.takes(sign) {
            let next = if either { self.chain("&&")? } else { self.relation()? };
            depth = depth.max(next.depth);
            all.push(next);
        }
        self.deeper(at, depth, if either { Form::Any(all) } else { Form::All(all) })
    }

    fn relation(&mut self) -> Parsed {
        self.binary(Self::relation_sign, Self::sum)
    }

    fn sum(&mut self) -> Parsed {
        self.binary(Self::sum_sign, Self::product)
    }

    fn product(&mut self) -> Parsed {
        self.binary(Self::product_sign, Self::unary)
    }

    fn binary(&mut self, sign: fn(&Token) -> Option<Binary>, below: fn(&mut Self) -> Parsed) -> Parsed {
        let at = self.at();
        let mut left = below(self)?;
        while let Some(op) = sign(self.peek()) {
            let op_at = self.at() as u32;
            self.next += 1;
            let right = below(self)?;
            let depth = left.depth.max(right.depth);
            let form = Form::Binary { op, at: op_at, left: Box::new(left), right: Box::new(right) };
            left = self.deeper(at, depth, form)?;
        }
        Ok(left)
    }

    fn relation_sign(token: &Token) -> Option<Binary> {
        match token {
            Token::Name(name) if name == "in" => Some(Binary::In),
            Token::Sign("==") => Some(Binary::Equal),
            Token::Sign("!=") => Some(Binary::NotEqual),
            Token::Sign("<") => Some(Binary::Less),
            Token::Sign("<=") => Some(Binary::LessEqual),
            Token::Sign(">") => Some(Binary::Greater),
            Token::Sign(">=") => Some(Binary::GreaterEqual),
            _ => None,
        }
    }

    fn sum_sign(token: &Token) -> Option<Binary> {
        match token {
            Token::Sign("+") => Some(Binary::Add),
            Token::Sign("-") => Some(Binary::Subtract),
            _ => None,
        }
    }

    fn product_sign(token: &Token) -> Option<Binary> {
        match token {
            Token::Sign("*") => Some(Binary::Multiply),
            Token::Sign("/") => Some(Binary::Divide),
            Token::Sign("%") => Some(Binary::Remainder),
            _ => None,
        }
    }

    fn unary(&mut self) -> Parsed {
        let at = self.at();
        let not = self.takes("!");
        if !not && !self.takes("-") {
            return self.postfix();
        }
        if !not && let Token::Int(value) = *self.peek() {
            self.next += 1;
            let value = 0_i64.checked_sub_unsigned(value).ok_or_else(|| out_of_range(at))?;
            let literal = self.part(at, &[], Form::Literal(Literal::Int(value)))?;
            return self.after(at, literal);
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(too_deep(at));
        }
        let of = self.unary()?;
        self.depth -= 1;
        let depth = of.depth;
        self.deeper(at, depth, if not { Form::Not(Box::new(of)) } else { Form::Negate(Box::new(of)) })
    }

    fn postfix(&mut self) -> Parsed {
        let at = self.at();
        let first = self.primary()?;
        self.after(at, first)
    }

    fn after(&mut self, at: usize, first: Syntax) -> Parsed {
        let mut tree = first;
        loop {
            let mut depth = tree.depth;
            let form = if self.takes(".") {
                let field_at = self.at() as u32;
                let field = self.name("the name of an attribute or function")?;
                if self.takes("(") {
                    let args = self.items(")")?;
                    depth = depth.max(args.iter().map(|arg| arg.depth).max().unwrap_or(0));
                    Form::Call { of: Some(Box::new(tree)), name: field, at: field_at, args }
                } else {
                    Form::Select { of: Box::new(tree), field, at: field_at }
                }
            } else if self.takes("[") {
                let by = self.expression()?;
                self.needs("]", "`]`")?;
                depth = depth.max(by.depth);
                Form::Index { of: Box::new(tree), by: Box::new(by) }
            } else {
                return Ok(tree);
            };
            tree = self.deeper(at, depth, form)?;
        }
    }

    fn name(&mut self, expected: &str) -> Result<String, Refusal> {
        match self.peek() {
            Token::Name(name) => {
                let name = name.clone();
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// Expressions between commas, up to the closing bracket.
    fn items(&mut self, closing: &str) -> Result<Vec<Syntax>, Refusal> {
        let mut items = Vec::new();
        while !self.takes(closing) {
            items.push(self.expression()?);
            if !self.takes(",") {
                self.needs(closing, &format!("`,` or `{closing}`"))?;
                break;
            }
        }
        Ok(items)
    }

    fn primary(&mut self) -> Parsed {
        let at = self.at();
        let token = self.peek().clone();
        let literal = match token {
            Token::Int(value) => Literal::Int(i64::try_from(value).map_err(|_| out_of_range(at))?),
            Token::Float(value) => Literal::Float(value),
            Token::Text(text) => Literal::Text(text),
            Token::Name(name) if name == "true" || name == "false" => Literal::Bool(name == "true"),
            Token::Name(name) => return self.named(at, name),
            Token::Sign("(") => {
                self.next += 1;
                let inner = self.expression()?;
                self.needs(")", "an operator or `)`")?;
                return Ok(inner);
            }
            Token::Sign("[") => {
                self.next += 1;
                let items = self.items("]")?;
                let depth = items.iter().map(|item| item.depth).max().unwrap_or(0);
                return self.deeper(at, depth, Form::List(items));
            }
            Token::Sign("{") => {
                return Err(Refusal::new(
                    at,
                    "a map or message is written here",
                    "a value: the language has no map literals",
                ));
            }
            Token::Sign(_) | Token::End => {
                return Err(self.unexpected("a value: a name, a literal, a list or `(`"));
            }
        };
        self.next += 1;
        self.part(at, &[], Form::Literal(literal))
    }

    fn named(&mut self, at: usize, name: String) -> Parsed {
        if name == "null" {
            let expected = "has(x): a value that is not set is asked for with has(...)";
            return Err(Refusal::new(at, "`null` is no value here", expected));
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(Refusal::new(at, format!("`{name}` is a reserved word"), "a value"));
        }
        self.next += 1;
        if !self.takes("(") {
            return self.part(at, &[], Form::Name(name));
        }
        let args = self.items(")")?;
        let depth = args.iter().map(|arg| arg.depth).max().unwrap_or(0);
        self.deeper(at, depth, Form::Call { of: None, name, at: at as u32, args })
    }
}

fn too_deep(at: usize) -> Refusal {
    Refusal::new(at, "the expression is nested too deeply", format!("at most {DEPTH_MAX} levels"))
}

fn out_of_range(at: usize) -> Refusal {
    Refusal::new(at, "a whole number out of range", "-9223372036854775808 to 9223372036854775807")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_bind_as_in_cel() {
        let tree = parse("a || b && c == d + e * -f.g").unwrap();
        let Form::Any(any) = tree.form else { panic!("{tree:?}") };
        let Form::All(all) = &any[1].form else { panic!("{any:?}") };
        let Form::Binary { op: Binary::Equal, right, .. } = &all[1].form else { panic!("{all:?}") };
        let Form::Binary { op: Binary::Add, right, .. } = &right.form else { panic!("{right:?}") };
        let Form::Binary { op: Binary::Multiply, right, .. } = &right.form else { panic!("{right:?}") };
        assert!(matches!(right.form, Form::Negate(_)));
    }

    #[test]
    fn no_nesting_exhausts_the_stack() {
        for (open, close) in
            [("(", ")"), ("!", ""), ("-", ""), ("a?b:", ""), ("[", "]"), ("f(", ")"), ("a[", "]")]
        {
            let text = format!("{}x{}", open.repeat(1_500), close.repeat(1_500));
            assert!(parse(&text).is_err(), "{open}");
        }
        for tail in [".a", "+1", "[0]", ".f()"] {
            assert!(parse(&format!("x{}", tail.repeat(1_500))).is_err(), "{tail}");
        }
        assert!(parse(&"(".repeat(10_000)).is_err());
        assert!(parse(&format!("x{}", " && x".repeat(500))).is_ok());
        assert!(parse(&format!("[{}]", "1,".repeat(3_000))).is_err());
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        for (text, at) in [
            ("a &&", 4),
            ("a b", 2),
            ("(a", 2),
            ("a.1", 1),
            ("has(", 4),
            ("", 0),
            ("a == null", 5),
            ("{}", 0),
        ] {
            let refusal = parse(text).unwrap_err();
            assert_eq!(refusal.at, at, "{text}: {refusal:?}");
        }
    }
}
