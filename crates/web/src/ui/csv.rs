//! CSV (RFC 4180), safe to open in a spreadsheet.

/// Writes rows, the first of them the header. A cell that a spreadsheet would take for a formula gets an apostrophe in
/// front, unless it is a plain number. The command line's tables are written by this, too.
pub fn csv(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = String::new();
    for row in rows {
        for (place, cell) in row.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            push(&mut text, cell);
        }
        text.push_str("\r\n");
    }
    text
}

fn push(text: &mut String, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && cell.parse::<f64>().is_err();
    let quoted = cell.contains(['"', ',', '\n', '\r']) || cell.starts_with(' ');
    if quoted {
        text.push('"');
    }
    if formula {
        text.push('\'');
    }
    for letter in cell.chars() {
        if letter == '"' {
            text.push('"');
        }
        text.push(letter);
    }
    if quoted {
        text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_harmless() {
        let row = [
            "plain",
            "a,b",
            "say \"x\"",
            "=1+1",
            "@SUM(A1)",
            "-5",
            "-x",
            "+2.5",
            "\tx",
            "two\nlines",
            "\nx",
            " y",
        ];
        let text = csv([row.map(str::to_owned).to_vec()]);
        assert_eq!(
            text,
            "plain,\"a,b\",\"say \"\"x\"\"\",'=1+1,'@SUM(A1),-5,'-x,+2.5,'\tx,\"two\nlines\",\"'\nx\",\" y\"\r\n"
        );
    }
}
