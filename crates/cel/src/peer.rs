//! Our parser against the reference implementation's in Rust, the crate `cel`: what ours takes, it takes too, and both
//! group operators alike.

use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue};

use crate::syntax::{Form, Literal, Syntax, parse};

/// Our tree in prefix form, without macros.
fn ours(part: &Syntax) -> String {
    let all = |parts: &[Syntax]| parts.iter().map(ours).collect::<Vec<_>>();
    match &part.form {
        Form::Literal(Literal::Bool(value)) => value.to_string(),
        Form::Literal(Literal::Int(value)) => value.to_string(),
        Form::Literal(Literal::Float(value)) => format!("{value:?}"),
        Form::Literal(Literal::Text(text)) => format!("{text:?}"),
        Form::Name(name) => name.clone(),
        Form::Select { of, field, .. } => format!("{}.{field}", ours(of)),
        Form::Index { of, by } => format!("(_[_] {} {})", ours(of), ours(by)),
        Form::Call { of: None, name, args, .. } => format!("({name} {})", all(args).join(" ")),
        Form::Call { of: Some(of), name, args, .. } => {
            format!("({name} {} {})", ours(of), all(args).join(" "))
        }
        Form::Not(of) => format!("(!_ {})", ours(of)),
        Form::Negate(of) => format!("(-_ {})", ours(of)),
        Form::All(parts) => format!("[&& {}]", all(parts).join(" ")),
        Form::Any(parts) => format!("[|| {}]", all(parts).join(" ")),
        Form::Binary { op, left, right, .. } => {
            let sign = if op.sign() == "in" { "@in".to_owned() } else { format!("_{}_", op.sign()) };
            format!("({sign} {} {})", ours(left), ours(right))
        }
        Form::If { test, then, otherwise } => {
            format!("(_?_:_ {} {} {})", ours(test), ours(then), ours(otherwise))
        }
        Form::List(items) => format!("[{}]", all(items).join(" ")),
    }
}

/// The crate's tree in the same form: its balanced trees of `&&` and `||` made flat.
fn theirs(part: &IdedExpr) -> String {
    let all = |parts: &[IdedExpr]| parts.iter().map(theirs).collect::<Vec<_>>();
    match &part.expr {
        Expr::Literal(LiteralValue::Boolean(value)) => value.inner().to_string(),
        Expr::Literal(LiteralValue::Int(value)) => value.inner().to_string(),
        Expr::Literal(LiteralValue::Double(value)) => format!("{:?}", value.inner()),
        Expr::Literal(LiteralValue::String(text)) => format!("{:?}", text.inner()),
        Expr::Ident(name) => name.clone(),
        Expr::Select(select) => format!("{}.{}", theirs(&select.operand), select.field),
        Expr::List(list) => format!("[{}]", all(&list.elements).join(" ")),
        Expr::Call(call) if call.func_name == "_&&_" || call.func_name == "_||_" => {
            let sign = call.func_name.trim_matches('_');
            let opening = format!("[{sign} ");
            let flat: Vec<String> = all(&call.args)
                .into_iter()
                .map(|arg| match arg.strip_prefix(&opening) {
                    Some(inner) => inner.strip_suffix(']').unwrap().to_owned(),
                    None => arg,
                })
                .collect();
            format!("{opening}{}]", flat.join(" "))
        }
        Expr::Call(call) => match &call.target {
            Some(of) => format!("({} {} {})", call.func_name, theirs(of), all(&call.args).join(" ")),
            None => format!("({} {})", call.func_name, all(&call.args).join(" ")),
        },
        Expr::Unspecified | Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Comprehension(_) => {
            panic!("{part:?}")
        }
    }
}

#[test]
fn operators_group_as_in_the_reference() {
    for text in [
        "a || b && c || d && e && f",
        "a && (b || c) || !d",
        "a == b && c != d + e * f - g / h % i",
        "a - b - c * d * e",
        "a < b == c",
        "a ? b : c ? d : e",
        "a || b ? c && d : e",
        "!a.b && -c.d + -3 - -4",
        "x in [1, 2, 3,] && y[0]['k'].z.f(1, g(2)).h == 'it\\'s'",
        "a.b.startsWith(r'\\d') || \"\"\"q\"r\"\"\" == s // done",
        "1.5e3 > .5 && 0x1F == -9223372036854775808",
        "(((a)))[b + 1]",
        "a in b in c",
    ] {
        let reference = cel::parser::PrattParser::default().parse(text).unwrap();
        assert_eq!(ours(&parse(text).unwrap()), theirs(&reference), "{text}");
    }
}

#[test]
fn what_the_reference_refuses_is_refused() {
    for text in [
        "a &&", "a b", "(a", "a.", "1..2", "'a", "a ? b", "[1", "a == = b", "f(,)", "a.1", "12ab", "'\\q'",
        "a & b", "",
    ] {
        assert!(cel::parser::PrattParser::default().parse(text).is_err(), "{text}");
        assert!(parse(text).is_err(), "{text}");
    }
}
