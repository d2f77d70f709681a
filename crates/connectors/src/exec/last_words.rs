//! The last lines that a command printed on standard error: they usually say why it failed.

use crate::plain::plain;

/// How many bytes are kept.
const KEPT: usize = 4 << 10;
/// How many lines are shown.
const LINES: usize = 8;
/// How many characters are shown.
const SHOWN: usize = 1_000;

/// The end of a stream.
#[derive(Default)]
pub(crate) struct LastWords {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl LastWords {
    /// The next bytes of it.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if let Some(extra) = self.bytes.len().checked_sub(KEPT).filter(|extra| *extra > 0) {
            self.bytes.drain(..extra);
            self.is_cut = true;
        }
    }

    /// The last lines, joined by ` | `; empty if nothing was said.
    pub(crate) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let mut lines: Vec<String> =
            text.lines().map(|line| plain(line, 300)).filter(|line| !line.is_empty()).collect();
        if self.is_cut && lines.len() > 1 {
            // Its beginning is lost.
            lines.remove(0);
        }
        let from = lines.len().saturating_sub(LINES);
        let joined = lines.split_off(from).join(" | ");
        let extra = joined.chars().count().saturating_sub(SHOWN);
        joined.chars().skip(extra).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let mut words = LastWords::default();
        for n in 0..10_000 {
            words.hear(format!("line {n} \u{1b}[0m\n").as_bytes());
        }
        assert!(words.text().ends_with("line 9998 [0m | line 9999 [0m"), "{}", words.text());
        assert_eq!(words.text().matches(" | ").count(), LINES - 1);
        assert!(words.bytes.len() <= KEPT);
        assert_eq!(LastWords::default().text(), "");
    }
}
