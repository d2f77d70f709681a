//! Keys that a command prints (`credential_process` of a profile). It is the profile's owner who names the command; it is
//! run without a shell, for a limited time, and what it prints is never shown.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::Credentials;
use super::credentials::given;
use super::profile::Profile;
use crate::OutboundError;

/// How long it may take, and the most that it may print.
const TIME: Duration = Duration::from_secs(60);
const SIZE_MAX: u64 = 64 * 1_024;

/// Runs the command and reads the keys.
pub(super) async fn keys(profile: &Profile<'_>, command: &str) -> Result<Credentials, OutboundError> {
    let wrong = |what: String| profile.wrong(format!("`credential_process`: {what}"));
    let words = split(command).ok_or_else(|| wrong("a quotation mark has no end".to_owned()))?;
    let (program, arguments) = words.split_first().ok_or_else(|| wrong("it names no command".to_owned()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| wrong(format!("{program}: {error}")))?;
    let mut printed = Vec::new();
    let run = async {
        if let Some(out) = child.stdout.take() {
            out.take(SIZE_MAX).read_to_end(&mut printed).await?;
        }
        child.wait().await
    };
    let status = match tokio::time::timeout(TIME, run).await {
        Ok(ended) => ended.map_err(|error| wrong(format!("{program}: {error}")))?,
        Err(_) => return Err(wrong(format!("{program} did not end within {TIME:?}"))),
    };
    if !status.success() {
        return Err(wrong(format!("{program} failed ({status}); run it by hand to see why")));
    }
    given(&printed, &format!("the profile `{}` of ~/.aws", profile.name), &format!("the command {program}"))
}

/// The words of a command: parted by spaces, unless they stand in quotation marks.
fn split(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in command.chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_words() {
        assert_eq!(split(" /opt/keys  --for \"a b\" 'c'd ").unwrap(), ["/opt/keys", "--for", "a b", "cd"]);
        assert_eq!(split("\"\"").unwrap(), [""]);
        assert_eq!(split("a 'b"), None);
    }
}
