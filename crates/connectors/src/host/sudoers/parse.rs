//! The grammar of sudoers files: lines, aliases, rights. `None` is "not understood", never "nothing".

use std::collections::BTreeMap;

const TAGS: [&str; 16] = [
    "NOPASSWD",
    "PASSWD",
    "NOEXEC",
    "EXEC",
    "SETENV",
    "NOSETENV",
    "LOG_INPUT",
    "NOLOG_INPUT",
    "LOG_OUTPUT",
    "NOLOG_OUTPUT",
    "MAIL",
    "NOMAIL",
    "FOLLOW",
    "NOFOLLOW",
    "INTERCEPT",
    "NOINTERCEPT",
];
const OPTIONS: [&str; 9] =
    ["ROLE", "TYPE", "CWD", "CHROOT", "TIMEOUT", "NOTBEFORE", "NOTAFTER", "PRIVS", "LIMITPRIVS"];
/// How deep aliases may name aliases.
const DEPTH_MAX: usize = 32;
/// How many names are looked at for one list.
const NAMES_MAX: usize = 2_000;

/// What an alias stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    User,
    Host,
    Runas,
    Command,
}

/// The aliases of all files.
#[derive(Debug, Default)]
pub(super) struct Aliases(BTreeMap<(Section, String), Vec<String>>);

impl Aliases {
    pub(super) fn add(&mut self, section: Section, defined: Vec<(String, Vec<String>)>) {
        self.0.extend(defined.into_iter().map(|(name, list)| ((section, name), list)));
    }

    pub(super) fn defines(&self, section: Section, name: &str) -> bool {
        self.0.contains_key(&(section, name.to_owned()))
    }

    /// A list with its aliases resolved; `!` before an alias goes to all that it stands for.
    pub(super) fn expand(&self, section: Section, list: &[String]) -> Vec<String> {
        let mut all = Vec::new();
        self.step(section, list, false, (0, &mut 0), &mut all);
        all
    }

    /// Aliases can name each other in circles, so both the depth and the steps are limited.
    fn step(
        &self,
        section: Section,
        list: &[String],
        negated: bool,
        (depth, steps): (usize, &mut usize),
        all: &mut Vec<String>,
    ) {
        for word in list {
            *steps += 1;
            if *steps > NAMES_MAX {
                return;
            }
            let bare = word.trim_start_matches('!').trim();
            let negated = negated ^ ((word.len() - word.trim_start_matches('!').len()) % 2 == 1);
            match self.0.get(&(section, bare.to_owned())) {
                Some(inner) if depth < DEPTH_MAX => {
                    self.step(section, inner, negated, (depth + 1, &mut *steps), all)
                }
                _ => all.push(if negated { format!("!{bare}") } else { bare.to_owned() }),
            }
        }
    }
}

/// One right: who, on which hosts, as whom, what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Right {
    pub users: Vec<String>,
    pub hosts: Vec<String>,
    /// `None` if the rule does not say.
    pub runas: Option<Vec<String>>,
    pub no_password: bool,
    pub commands: Vec<String>,
    pub text: String,
}

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Nothing,
    Include(String),
    IncludeFolder(String),
    Aliases(Section, Vec<(String, Vec<String>)>),
    Defaults { for_all: bool, settings: Vec<String> },
    Rights(Vec<Right>),
}

/// The lines with continued ones joined, each with the number of its first.
pub(super) fn lines(text: &str) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        let (body, continues) = line.strip_suffix('\\').map_or((line, false), |body| (body, true));
        match all.last_mut() {
            Some((_, joined)) if open => joined.push_str(body.trim_start()),
            _ => all.push((number + 1, body.to_owned())),
        }
        open = continues;
    }
    all
}

/// Parses one joined line.
pub(super) fn line(text: &str) -> Option<Line> {
    let text = text.trim();
    for (word, folder) in
        [("@includedir", true), ("#includedir", true), ("@include", false), ("#include", false)]
    {
        let Some(rest) = text.strip_prefix(word).filter(|rest| rest.starts_with(char::is_whitespace)) else {
            continue;
        };
        let path = rest.trim().trim_matches('"').replace("\\ ", " ");
        return Some(if folder { Line::IncludeFolder(path) } else { Line::Include(path) });
    }
    let text = without_comment(text);
    let text = text.trim();
    if text.is_empty() {
        return Some(Line::Nothing);
    }
    let word = text.split(char::is_whitespace).next().unwrap_or_default();
    let section = match word {
        "User_Alias" => Some(Section::User),
        "Host_Alias" => Some(Section::Host),
        "Runas_Alias" => Some(Section::Runas),
        "Cmnd_Alias" | "Cmd_Alias" => Some(Section::Command),
        _ => None,
    };
    if let Some(section) = section {
        return aliases(section, text.get(word.len()..)?);
    }
    if let Some(rest) = word.strip_prefix("Defaults")
        && (rest.is_empty() || rest.starts_with([':', '@', '>', '!']))
    {
        let settings = text.get(word.len()..)?.trim();
        return Some(Line::Defaults { for_all: rest.is_empty(), settings: split(settings, ',') });
    }
    rights(text).map(Line::Rights)
}

/// A `#` starts a comment unless it is quoted, escaped, or begins a user or group number.
fn without_comment(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut kept = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for (place, letter) in letters.iter().enumerate() {
        let number = letters.get(place + 1).is_some_and(char::is_ascii_digit)
            && kept.trim_end().chars().last().is_none_or(|before| {
                matches!(before, ',' | '(' | ':' | '!' | '%' | '=') || kept.ends_with(char::is_whitespace)
            });
        if *letter == '#' && !quoted && !escaped && !number {
            break;
        }
        quoted ^= *letter == '"' && !escaped;
        escaped = *letter == '\\' && !escaped;
        kept.push(*letter);
    }
    kept
}

/// Parts between separators that are neither quoted, escaped nor in parentheses.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_u32);
    for letter in text.chars() {
        let plain = !quoted && !escaped;
        if letter == separator && plain && depth == 0 {
            parts.push(String::new());
            continue;
        }
        match letter {
            '"' if !escaped => quoted = !quoted,
            '(' if plain => depth += 1,
            ')' if plain => depth = depth.saturating_sub(1),
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

/// A list of names; an empty one is not understood.
fn list(text: &str) -> Option<Vec<String>> {
    let parts: Vec<String> =
        split(text, ',').iter().map(|part| part.replace('"', "").replace("\\ ", " ")).collect();
    parts.iter().all(|part| !part.is_empty()).then_some(parts)
}

fn aliases(section: Section, text: &str) -> Option<Line> {
    let mut all = Vec::new();
    for part in split(text, ':') {
        let (name, members) = part.split_once('=')?;
        let name = name.trim();
        let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(upper) {
            return None;
        }
        all.push((name.to_owned(), list(members)?));
    }
    Some(Line::Aliases(section, all))
}

fn rights(text: &str) -> Option<Vec<Right>> {
    let (before, rest) = cut(text)?;
    // Users and hosts are two lists with white space between them, and maybe some around their commas.
    let mut before = before.trim().to_owned();
    for spaced in [" ,", ", ", "\t,", ",\t"] {
        while before.contains(spaced) {
            before = before.replace(spaced, ",");
        }
    }
    let place = last_space(&before)?;
    let (users, hosts) = before.split_at_checked(place)?;
    let (users, mut hosts) = (list(users)?, list(hosts)?);
    if users.iter().any(|user| user.contains(char::is_whitespace) && !before.contains(['"', '\\'])) {
        return None;
    }
    let mut all = Vec::new();
    let mut segments = segments(rest).into_iter();
    let mut commands = segments.next()?;
    loop {
        specs(&users, &hosts, &commands, text, &mut all)?;
        let Some(next) = segments.next() else { return Some(all) };
        let (names, rest) = cut(&next)?;
        hosts = list(names)?;
        commands = rest.to_owned();
    }
}

/// Before and after the first `=` that is neither quoted nor escaped.
fn cut(text: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (place, letter) in text.char_indices() {
        if letter == '=' && !quoted && !escaped {
            return Some((text.get(..place)?, text.get(place + 1..)?));
        }
        quoted ^= letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
    }
    None
}

fn last_space(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped, mut found) = (false, false, None);
    for (place, letter) in text.char_indices() {
        if letter.is_whitespace() && !quoted && !escaped {
            found = Some(place);
        }
        quoted ^= letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
    }
    found
}

/// The parts between colons; a colon behind a tag belongs to the tag.
fn segments(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut open = false;
    for part in split(text, ':') {
        let word =
            part.rsplit(|c: char| c.is_whitespace() || c == ',' || c == ')').next().unwrap_or_default();
        let tag = TAGS.contains(&word);
        match all.last_mut() {
            Some(last) if open => {
                last.push(':');
                last.push_str(&part);
            }
            _ => all.push(part),
        }
        open = tag;
    }
    all
}

/// The commands of one segment. What is said before one holds for those after it too.
fn specs(users: &[String], hosts: &[String], text: &str, whole: &str, all: &mut Vec<Right>) -> Option<()> {
    let (mut runas, mut no_password) = (None, false);
    let first = all.len();
    for part in split(text, ',') {
        let mut rest = part.as_str();
        if let Some((inside, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            // `(users : groups)`
            let names = split(inside, ':').into_iter().next().unwrap_or_default();
            runas = Some(if names.is_empty() { Vec::new() } else { list(&names)? });
            rest = after.trim_start();
        }
        loop {
            if let Some((word, after)) = rest.split_once(':').filter(|(word, _)| TAGS.contains(&word.trim()))
            {
                match word.trim() {
                    "NOPASSWD" => no_password = true,
                    "PASSWD" => no_password = false,
                    _ => {}
                }
                rest = after.trim_start();
            } else if let Some((_, after)) =
                rest.split_once('=').filter(|(word, _)| OPTIONS.contains(&word.trim()))
            {
                rest = after.trim_start().split_once(char::is_whitespace)?.1.trim_start();
            } else {
                break;
            }
        }
        let named = rest.trim_start_matches(['!', ' ']);
        let alias = named.starts_with(|c: char| c.is_ascii_uppercase());
        // A digest may stand before the path.
        let digest = named.starts_with("sha");
        if !(alias
            || digest
            || named.starts_with(['/', '^', '"'])
            || named == "sudoedit"
            || named.starts_with("sudoedit ")
            || named == "list")
        {
            return None;
        }
        match all.get_mut(first..).and_then(<[Right]>::last_mut) {
            Some(last) if last.runas == runas && last.no_password == no_password => {
                last.commands.push(rest.to_owned())
            }
            _ => all.push(Right {
                users: users.to_vec(),
                hosts: hosts.to_vec(),
                runas: runas.clone(),
                no_password,
                commands: vec![rest.to_owned()],
                text: whole.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(1_000).collect(),
            }),
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Right {
        match line(text) {
            Some(Line::Rights(mut rights)) if rights.len() == 1 => rights.remove(0),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn rights_of_every_form() {
        assert_eq!(one("ann , bob ALL=ALL").users, ["ann", "bob"]);
        assert_eq!(one("%#100 ALL = (:adm) /bin/ls").runas, Some(Vec::new()));
        assert!(one("ann ALL=(ALL) NOEXEC:NOPASSWD: SETENV: /bin/a b, /bin/c").no_password);
        assert_eq!(one(r"ann ALL=/bin/a --x\=1\, 2").commands, [r"/bin/a --x\=1\, 2"]);
        assert_eq!(one(r#""DOM\\ann smith" ALL=CWD=/tmp ALL # why"#).commands, ["ALL"]);
        assert_eq!(one("ann ALL=(#0) ALL").runas, Some(vec!["#0".to_owned()]));
        assert_eq!(line("# User ann ALL=ALL"), Some(Line::Nothing));
        assert_eq!(
            line("#includedir /etc/sudoers.d"),
            Some(Line::IncludeFolder("/etc/sudoers.d".to_owned()))
        );
        for text in [
            "ann",
            "ann ALL",
            "ann ALL=",
            "ALL=ALL",
            "ann ALL=ls",
            "User_Alias x = a",
            "User_Alias A",
            "ann ALL=(a,) ALL",
        ] {
            assert_eq!(line(text), None, "{text}");
        }
    }
}
