//! `sshd_config`: keywords, the first value of which counts, `Include` in place, and `Match` blocks.

use octro_model::{UnknownReason, Why};

use crate::host::roots::Roots;

const FILE: &str = "/etc/ssh/sshd_config";
/// How deep files may include each other; OpenSSH's own limit.
const DEPTH_MAX: usize = 16;
/// How many settings are read.
const SETTINGS_MAX: usize = 20_000;

/// A keyword in lower case, and its value.
pub(super) type Setting = (String, String);

/// All settings.
#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    /// For every connection, in the order in which they count.
    pub settings: Vec<Setting>,
    /// For some connections.
    pub matches: Vec<Block>,
}

/// A `Match` block.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// For which connections.
    pub criteria: String,
    /// What it sets.
    pub settings: Vec<Setting>,
    /// The file that holds it.
    pub file: String,
    /// The line that it starts on.
    pub line: usize,
}

impl Config {
    /// The value that counts for all connections.
    pub(super) fn first(&self, keyword: &str) -> Option<&str> {
        self.settings.iter().find(|(name, _)| name == keyword).map(|(_, value)| value.as_str())
    }

    /// The value for all connections or the default, then what the blocks say.
    pub(super) fn all<'a>(&'a self, keyword: &'a str, default: &'a str) -> impl Iterator<Item = &'a str> {
        let blocks = self.matches.iter().filter_map(move |block| {
            block.settings.iter().find(|(name, _)| name == keyword).map(|(_, value)| value.as_str())
        });
        std::iter::once(self.first(keyword).unwrap_or(default)).chain(blocks)
    }

    /// Whether a block says something of a keyword.
    pub(super) fn set_by_match(&self, keyword: &str) -> bool {
        self.matches.iter().flat_map(|block| &block.settings).any(|(name, _)| name == keyword)
    }

    /// The values of a keyword that may be given several times.
    pub(super) fn many(&self, keyword: &str) -> Vec<String> {
        let values = self.settings.iter().filter(|(name, _)| name == keyword);
        values.flat_map(|(_, value)| value.split_whitespace()).map(str::to_owned).collect()
    }
}

/// What `sshd -T` printed.
pub(super) fn told(text: &str) -> Config {
    Config { settings: text.lines().filter_map(setting).collect(), matches: Vec::new() }
}

/// The server's files.
pub(super) fn read(roots: &Roots) -> Result<Config, UnknownReason> {
    let mut reader = Reader { roots, config: Config::default(), block: None, count: 0 };
    // Without the file the server takes its defaults.
    if !reader.file(FILE, 0)? && roots.exists("/usr/etc/ssh/sshd_config")? {
        reader.file("/usr/etc/ssh/sshd_config", 0)?;
    }
    Ok(reader.config)
}

struct Reader<'a> {
    roots: &'a Roots,
    config: Config,
    /// The block that lines belong to now.
    block: Option<usize>,
    count: usize,
}

impl Reader<'_> {
    fn file(&mut self, path: &str, depth: usize) -> Result<bool, UnknownReason> {
        let failed = |what: String| UnknownReason::new(Why::Failed, what);
        if depth > DEPTH_MAX {
            return Err(failed(format!("{path} is included too deeply")));
        }
        let Some(text) = self.roots.text(path)? else { return Ok(false) };
        let outer = self.block;
        for (number, line) in text.lines().enumerate() {
            let Some((keyword, value)) = setting(line) else { continue };
            self.count += 1;
            if self.count > SETTINGS_MAX {
                return Err(failed(format!("{path}: there are more than {SETTINGS_MAX} settings")));
            }
            match keyword.as_str() {
                "include" => {
                    for pattern in value.split_whitespace() {
                        for path in self.expand(pattern)? {
                            self.file(&path, depth + 1)?;
                        }
                    }
                }
                "match" if value.eq_ignore_ascii_case("all") => self.block = None,
                "match" => {
                    let (file, line) = (path.to_owned(), number + 1);
                    self.config.matches.push(Block { criteria: value, settings: Vec::new(), file, line });
                    self.block = Some(self.config.matches.len() - 1);
                }
                _ => match self.block.and_then(|place| self.config.matches.get_mut(place)) {
                    Some(block) => block.settings.push((keyword, value)),
                    None => self.config.settings.push((keyword, value)),
                },
            }
        }
        // A block of an included file ends with it.
        self.block = outer;
        Ok(true)
    }

    /// The files that a pattern names: wildcards in the last part only, which is what packages use.
    fn expand(&self, pattern: &str) -> Result<Vec<String>, UnknownReason> {
        let pattern =
            if pattern.starts_with('/') { pattern.to_owned() } else { format!("/etc/ssh/{pattern}") };
        let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", &pattern));
        if folder.contains(['*', '?', '[']) || name.contains('[') {
            return Err(UnknownReason::new(
                Why::Unsupported,
                format!("the pattern {pattern} is not followed"),
            ));
        }
        if !name.contains(['*', '?']) {
            return Ok(vec![pattern]);
        }
        let names = self.roots.list(folder)?.unwrap_or_default();
        let fits = names
            .into_iter()
            .filter(|entry| !entry.starts_with('.') && glob(name.as_bytes(), entry.as_bytes()));
        Ok(fits.map(|entry| format!("{folder}/{entry}")).collect())
    }
}

/// Whether `*` and `?` in a pattern fit a name.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(letter) if *letter == b'?' || Some(letter) == name.get(n) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((place, from)) => {
                    star = Some((place, from + 1));
                    p = place + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|letter| *letter == b'*'))
}

/// `Keyword value`, `Keyword=value`; quotes around a value, and comments behind it, are dropped.
fn setting(line: &str) -> Option<Setting> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find(|c: char| c.is_whitespace() || c == '=')?;
    let (keyword, rest) = line.split_at_checked(end)?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let mut value = String::new();
    let mut quoted = false;
    for letter in rest.chars() {
        match letter {
            '"' => quoted = !quoted,
            '#' if !quoted && (value.is_empty() || value.ends_with(char::is_whitespace)) => break,
            _ => value.push(letter),
        }
    }
    let keyword = keyword.to_ascii_lowercase();
    // Its old names.
    let keyword = match keyword.as_str() {
        "challengeresponseauthentication" | "skeyauthentication" => "kbdinteractiveauthentication".to_owned(),
        _ => keyword,
    };
    Some((keyword, value.split_whitespace().collect::<Vec<_>>().join(" ")))
        .filter(|(_, value)| !value.is_empty())
}

/// `90`, `1m30s`, `2h`; `none` is 0.
pub(super) fn seconds(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("none") {
        return Some(0);
    }
    let (mut total, mut digits) = (0_i64, String::new());
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        let unit = match letter.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<i64>().ok()?.checked_mul(unit)?)?;
        digits.clear();
    }
    if digits.is_empty() && !text.is_empty() { Some(total) } else { total.checked_add(digits.parse().ok()?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_patterns() {
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(setting(" Port = 22"), pair("port", "22"));
        assert_eq!(setting("Banner \"/etc/a # b\""), pair("banner", "/etc/a # b"));
        assert_eq!(setting("AllowUsers a  b # c"), pair("allowusers", "a b"));
        assert_eq!(setting("# Port 22"), None);
        assert_eq!(setting("Port"), None);
        for (pattern, name, fits) in
            [("*.conf", "10.conf", true), ("*.conf", "x.conf.bak", false), ("a?c*", "abcd", true)]
        {
            assert_eq!(glob(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
        assert_eq!(
            (seconds("1m30s"), seconds("90"), seconds("none"), seconds("x"), seconds("")),
            (Some(90), Some(90), Some(0), None, None)
        );
        assert_eq!(seconds("99999999999999999999w"), None);
    }
}
