//! What program files need of Markdown: the front matter before it, and the headings in it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::Serialize;

/// How many headings of a text are kept.
const HEADINGS_MAX: usize = 1_000;

/// A heading of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Heading {
    /// 1 for the title, up to 6.
    pub level: u8,
    /// Its words.
    pub title: String,
    /// Its words in lower case with `-` between them: how a link names it. A second one of the same words gets `-1`.
    pub slug: String,
}

/// Where the front matter and the text are in a file.
pub(crate) struct Split {
    pub(crate) front: Range<usize>,
    pub(crate) body: usize,
}

/// Finds the front matter between two lines `+++`; what was expected if there is none.
pub(crate) fn split(text: &str) -> Result<Split, &'static str> {
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut at = mark;
    let mut front = None;
    for line in text.get(mark..).unwrap_or_default().split_inclusive('\n') {
        let fence = line.trim_end() == "+++";
        match front {
            None if fence => front = Some(at + line.len()),
            None => return Err("`+++` alone on the first line, then TOML, then `+++` alone on a line"),
            Some(start) if fence => return Ok(Split { front: start..at, body: at + line.len() }),
            Some(_) => {}
        }
        at += line.len();
    }
    Err("`+++` alone on a line before and after the front matter")
}

/// The headings that begin with `#`; those in fenced code are none.
pub(crate) fn headings(markdown: &str) -> Vec<Heading> {
    let mut headings: Vec<Heading> = Vec::new();
    let mut slugs: HashSet<String> = HashSet::new();
    // The last number that was tried for the same words: a thousand equal headings must not cost a million looks.
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut fence: Option<(char, usize)> = None;
    for line in markdown.lines() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let content = line.trim_start_matches(' ');
        if indent > 3 {
            continue;
        }
        let run = |c: char| content.chars().take_while(|x| *x == c).count();
        if let Some((c, length)) = fence {
            if run(c) >= length && content.trim_start_matches(c).trim().is_empty() {
                fence = None;
            }
            continue;
        }
        if let Some(c) = ['`', '~'].into_iter().find(|c| run(*c) >= 3) {
            let info = content.trim_start_matches(c);
            if !(c == '`' && info.contains('`')) {
                fence = Some((c, run(c)));
                continue;
            }
        }
        let level = run('#');
        let words = content.get(level..).unwrap_or_default();
        if !(1..=6).contains(&level) || !(words.is_empty() || words.starts_with([' ', '\t'])) {
            continue;
        }
        let words = words.trim();
        let open = words.trim_end_matches('#');
        let title = if open.is_empty() || open.ends_with([' ', '\t']) { open.trim() } else { words };
        if headings.len() >= HEADINGS_MAX {
            break;
        }
        let plain = slug(title);
        let mut unique = plain.clone();
        if slugs.contains(&unique) {
            let number = numbers.entry(plain.clone()).or_default();
            while slugs.contains(&unique) {
                *number += 1;
                unique = format!("{plain}-{number}");
            }
        }
        slugs.insert(unique.clone());
        let level = u8::try_from(level).unwrap_or(6);
        headings.push(Heading { level, title: title.to_owned(), slug: unique });
    }
    headings
}

/// The slug of a heading's words.
pub(crate) fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if (c.is_whitespace() || c == '-' || c == '_' || c == '/')
            && !slug.ends_with('-')
            && !slug.is_empty()
        {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_between_two_lines() {
        let text = "+++\ntitle = 'x'\n+++\n# X\n";
        let parts = split(text).ok().map(|split| (&text[split.front], &text[split.body..]));
        assert_eq!(parts, Some(("title = 'x'\n", "# X\n")));
        for broken in ["", "# X\n", "+++\ntitle = 'x'\n", "\n+++\n+++\n", "++++\n+++\n"] {
            assert!(split(broken).is_err(), "{broken:?}");
        }
        assert!(split("+++\r\na = 1\r\n+++\r\nx").is_ok());
    }

    #[test]
    fn equal_headings_get_the_first_number_that_is_free() {
        let slugs: Vec<String> =
            headings("# a\n# a-1\n# a\n# a\n# a-1\n# a\n").into_iter().map(|one| one.slug).collect();
        assert_eq!(slugs, ["a", "a-1", "a-2", "a-3", "a-1-1", "a-4"]);
        let many = headings(&"#\n".repeat(5_000));
        assert_eq!(many.last().map(|one| one.slug.as_str()), Some("-999"));
    }

    #[test]
    fn headings_have_slugs_and_code_has_none() {
        let text = "# Endpoint policy\n## Disk encryption ##\n```sh\n# no heading\n```\n### C# & F#\n#tag\n    # code\n\
                    ~~~~\n## no\n~~~\n## no\n~~~~\n## Disk encryption\n#\n";
        let slugs: Vec<_> = headings(text).into_iter().map(|heading| (heading.level, heading.slug)).collect();
        let expected =
            [(1, "endpoint-policy"), (2, "disk-encryption"), (3, "c-f"), (2, "disk-encryption-1"), (1, "")];
        assert_eq!(slugs, expected.map(|(level, slug)| (level, slug.to_owned())));
    }
}
