//! Addresses: names with dots between them, each with an index or without, as `module.a["x.y"].aws_s3_bucket.b[0]`.

use serde_json::Value;

/// A part of an address.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) name: String,
    /// A number, a text, or nothing.
    pub(super) index: Value,
}

/// The parts of an address or of a reference.
pub(super) fn steps(address: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = address;
    while !rest.is_empty() {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let (index, behind) = index(behind);
        steps.push(Step { name: name.to_owned(), index });
        rest = behind.strip_prefix('.').unwrap_or(behind);
        if rest.len() == behind.len() && !rest.is_empty() && !rest.starts_with('[') {
            break;
        }
    }
    steps
}

/// The index at the beginning of a text, and what stands behind it.
fn index(text: &str) -> (Value, &str) {
    let Some(inner) = text.strip_prefix('[') else { return (Value::Null, text) };
    let mut ends = serde_json::Deserializer::from_str(inner).into_iter::<Value>();
    match ends.next() {
        Some(Ok(value)) => {
            let behind = inner.get(ends.byte_offset()..).unwrap_or_default();
            (value, behind.strip_prefix(']').unwrap_or(behind))
        }
        Some(Err(_)) | None => (Value::Null, ""),
    }
}

/// An address without its indices.
pub(super) fn without_indices(address: &str) -> String {
    steps(address).into_iter().map(|step| step.name).collect::<Vec<_>>().join(".")
}

/// An address of these parts.
pub(super) fn join(steps: &[Step]) -> String {
    let words = steps.iter().map(|step| {
        if step.index.is_null() { step.name.clone() } else { format!("{}[{}]", step.name, step.index) }
    });
    words.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_taken_apart_and_put_together() {
        let address = r#"module.a["x.y[\"]"].module.b[0].aws_s3_bucket.this"#;
        let parts = steps(address);
        assert_eq!(parts.len(), 6);
        assert_eq!(parts[1].index, json!("x.y[\"]"));
        assert_eq!(parts[3].index, json!(0));
        assert_eq!(join(&parts), address);
        assert_eq!(without_indices(address), "module.a.module.b.aws_s3_bucket.this");
        for odd in ["", ".", "a[", "a[}", "a]b", "a[0]b", "[0]", "a..b", "a[\"x"] {
            let _ = steps(odd);
        }
    }
}
