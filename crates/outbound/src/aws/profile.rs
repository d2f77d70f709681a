//! Profiles: what the shared files of AWS's own tools say of where keys come from. A profile has keys itself, or it names
//! a role to take with the keys of another profile or of the machine, a session of single sign-on, a token, or a command
//! that prints keys.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use octro_model::Timestamp;

use super::api::{Caller, is_region};
use super::assume::Role;
use super::{Credentials, Provider, is_beside};
use crate::{OutboundError, Url};

/// The largest shared file that is read.
const FILE_MAX: u64 = 1 << 20;
/// How many profiles may stand behind one another.
const DEPTH_MAX: usize = 5;

/// Sections of a shared file, by name, each with its names and values.
pub(super) type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// The two shared files together.
#[derive(Debug, Default)]
pub(super) struct Files {
    sections: Sections,
    /// The sections whose command stands in a file that others may write, and what to do about that.
    doubted: BTreeMap<String, String>,
    /// Where keys stand, for people.
    place: String,
}

/// One profile.
#[derive(Debug)]
pub(super) struct Profile<'a> {
    /// Its name.
    pub name: &'a str,
    values: &'a BTreeMap<String, String>,
}

impl<'a> Profile<'a> {
    /// What it says under a name.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn wrong(&self, what: impl Into<String>) -> OutboundError {
        OutboundError { who: format!("the profile `{}` of ~/.aws", self.name), what: what.into() }
    }
}

impl Files {
    /// A profile; `None` if neither file has it.
    fn profile<'a>(&'a self, name: &'a str) -> Option<Profile<'a>> {
        self.sections.get(name).map(|values| Profile { name, values })
    }

    /// Adds what a file says; what it says again counts.
    fn add(&mut self, (text, doubt): (String, Option<String>), name: impl Fn(&str) -> String) {
        for (title, values) in sections(&text) {
            let name = name(&title);
            if values.contains_key("credential_process") {
                match &doubt {
                    Some(doubt) => self.doubted.insert(name.clone(), doubt.clone()),
                    None => self.doubted.remove(&name),
                };
            }
            self.sections.entry(name).or_default().extend(values);
        }
    }

    /// A session of single sign-on that profiles share.
    pub(super) fn session(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.sections.get(&format!("sso-session {name}"))
    }
}

impl Provider {
    /// Keys of the profile that the environment names, or of `default`; `None` if there is no such profile, or if it says
    /// nothing of keys.
    pub(super) async fn of_profile(&self, now: Timestamp) -> Result<Option<Credentials>, OutboundError> {
        let files = self.files()?;
        let named = self.setting("AWS_PROFILE").or_else(|| self.setting("AWS_DEFAULT_PROFILE"));
        let name = named.as_deref().unwrap_or("default");
        let Some(profile) = files.profile(name) else {
            // One that is named has to be there; without a name there may be no files at all.
            return match named {
                None => Ok(None),
                Some(name) => Err(OutboundError {
                    who: format!("AWS_PROFILE={name}"),
                    what: "neither ~/.aws/config nor ~/.aws/credentials has that profile".to_owned(),
                }),
            };
        };
        self.keys_of(&files, &profile, now, &mut Vec::new()).await
    }

    async fn keys_of(
        &self,
        files: &Files,
        profile: &Profile<'_>,
        now: Timestamp,
        before: &mut Vec<String>,
    ) -> Result<Option<Credentials>, OutboundError> {
        // A profile whose role is taken with keys of its own names itself as its source.
        let is_again = before.iter().any(|name| name == profile.name);
        before.push(profile.name.to_owned());
        if before.len() > DEPTH_MAX {
            return Err(profile.wrong(format!("more than {DEPTH_MAX} profiles stand behind one another")));
        }
        if let Some(arn) = profile.get("role_arn").filter(|_| !is_again) {
            return self.role_of(files, profile, arn, now, before).await.map(Some);
        }
        if profile.get("sso_session").is_some() || profile.get("sso_start_url").is_some() {
            return self.of_single_sign_on(files, profile, now).await.map(Some);
        }
        if let (Some(access), Some(secret)) =
            (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key"))
        {
            let from = format!("the profile `{}` of {}", profile.name, files.place);
            let keys = Credentials::of(access, secret, profile.get("aws_session_token"));
            return Ok(Some(Credentials { from, ..keys }));
        }
        if let Some(command) = profile.get("credential_process") {
            if let Some(doubt) = files.doubted.get(profile.name) {
                return Err(profile.wrong(format!("`credential_process` is not run: {doubt}")));
            }
            return super::process::keys(profile, command).await.map(Some);
        }
        if is_again {
            return Err(profile.wrong("`source_profile` leads back to it, and it has no keys of its own"));
        }
        Ok(None)
    }

    async fn role_of(
        &self,
        files: &Files,
        profile: &Profile<'_>,
        arn: &str,
        now: Timestamp,
        before: &mut Vec<String>,
    ) -> Result<Credentials, OutboundError> {
        if profile.get("mfa_serial").is_some() {
            return Err(profile.wrong(
                "its role wants a code of a factor (`mfa_serial`), which nobody is there to type: name a role that a \
                 machine may take",
            ));
        }
        let base = match (profile.get("source_profile"), profile.get("credential_source")) {
            (Some(_), Some(_)) => {
                return Err(
                    profile.wrong("it has both `source_profile` and `credential_source`; expected one")
                );
            }
            (Some(source), None) => {
                let other = files.profile(source).ok_or_else(|| {
                    profile.wrong(format!("there is no profile `{source}`, its `source_profile`"))
                })?;
                let keys = Box::pin(self.keys_of(files, &other, now, before)).await?;
                keys.ok_or_else(|| {
                    profile.wrong(format!("the profile `{source}`, its `source_profile`, has no keys"))
                })?
            }
            (None, Some("Environment")) => self.in_environment().ok_or_else(|| {
                profile.wrong("it takes keys of the environment, which has none (AWS_ACCESS_KEY_ID)")
            })?,
            (None, Some("Ec2InstanceMetadata")) => self.of_instance().await?,
            (None, Some("EcsContainer")) => self
                .of_container()
                .await?
                .ok_or_else(|| profile.wrong("it takes keys of a container's service, and there is none"))?,
            (None, Some(other)) => {
                return Err(profile.wrong(format!(
                    "`credential_source` is `{other}`; expected Environment, Ec2InstanceMetadata or EcsContainer"
                )));
            }
            (None, None) => {
                if let Some(file) = profile.get("web_identity_token_file") {
                    return self.for_token(file, arn, profile.get("role_session_name")).await;
                }
                return Err(
                    profile.wrong("it has `role_arn`, and neither `source_profile` nor `credential_source`")
                );
            }
        };
        let region = profile.get("region").map(str::to_owned).or_else(|| self.region());
        let role = Role {
            arn: arn.to_owned(),
            external_id: profile.get("external_id").map(str::to_owned),
            region: region.filter(|region| is_region(region)).unwrap_or_else(|| "us-east-1".to_owned()),
        };
        let endpoint = self.endpoint("STS").map_err(|what| profile.wrong(what))?;
        let caller =
            Caller::new(self.client().clone(), endpoint, 1, now).map_err(|what| profile.wrong(what))?;
        let taken = role.take(&Self::fixed(base), &caller).await;
        let keys = taken.map_err(|fault| profile.wrong(format!("its role is not given: {}", fault.what)))?;
        Ok(Credentials { from: format!("the role {arn} of the profile `{}`", profile.name), ..keys })
    }

    /// The region that the environment names.
    pub(super) fn region(&self) -> Option<String> {
        self.setting("AWS_REGION")
            .or_else(|| self.setting("AWS_DEFAULT_REGION"))
            .filter(|region| is_region(region))
    }

    /// Another address of a service, if the environment names one; it may be asked with secrets.
    pub(super) fn endpoint(&self, service: &str) -> Result<Option<Url>, String> {
        let own = self.setting(&format!("AWS_ENDPOINT_URL_{service}"));
        let Some(text) = own.or_else(|| self.setting("AWS_ENDPOINT_URL")) else { return Ok(None) };
        let url = Url::parse(&text)?;
        if !url.is_tls() && !is_beside(url.authority()) {
            return Err(format!("`{url}` would be asked with a secret, in the clear; expected https://"));
        }
        Ok(Some(url))
    }

    /// The folder of the shared files.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        Some(PathBuf::from(self.setting("HOME")?).join(".aws"))
    }

    fn files(&self) -> Result<Files, OutboundError> {
        let path = |setting: &str, name: &str| {
            self.setting(setting).map(PathBuf::from).or_else(|| Some(self.folder()?.join(name)))
        };
        let mut files = Files::default();
        if let Some(read) = path("AWS_CONFIG_FILE", "config").map(read).transpose()?.flatten() {
            let name = |title: &str| title.strip_prefix("profile ").map_or(title, str::trim).to_owned();
            files.add(read, name);
        }
        let keys = path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        files.place = keys.as_ref().map_or_else(String::new, |path| path.display().to_string());
        if let Some(read) = keys.map(read).transpose()?.flatten() {
            files.add(read, str::to_owned);
        }
        Ok(files)
    }
}

/// The text of a file, and why it may not name a command to run; `None` if there is none.
fn read(path: PathBuf) -> Result<Option<(String, Option<String>)>, OutboundError> {
    let wrong = |what: String| OutboundError { who: path.display().to_string(), what };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error.to_string())),
    };
    let meta = file.metadata().map_err(|error| wrong(error.to_string()))?;
    let length = meta.len();
    if length > FILE_MAX {
        return Err(wrong(format!("has {length} bytes; expected a file of profiles of at most {FILE_MAX}")));
    }
    let mut text = String::new();
    file.take(FILE_MAX).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
    Ok(Some((text, doubt(&path, &meta, rustix::process::geteuid().as_raw()))))
}

/// Why a file may not name a command that `user` runs: others than the user and root may write it.
fn doubt(path: &Path, meta: &Metadata, user: u32) -> Option<String> {
    let path = path.display();
    if meta.uid() != user && meta.uid() != 0 {
        return Some(format!(
            "{path} belongs to the user {}; expected {user} or root: `chown {user} {path}`",
            meta.uid()
        ));
    }
    let mode = meta.mode() & 0o777;
    (mode & 0o022 != 0).then(|| format!("others may write {path} (mode {mode:o}): `chmod go-w {path}`"))
}

/// The sections of an INI file. What is indented belongs to the setting before it, and is not read.
fn sections(text: &str) -> Sections {
    let mut found = Sections::new();
    let mut inside: Option<String> = None;
    for line in text.lines() {
        let is_nested = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            found.entry(title.clone()).or_default();
            inside = Some(title);
        } else if let (false, Some(name), Some((key, value))) = (is_nested, &inside, line.split_once('=')) {
            // A comment may stand behind a value, after a space.
            let value = value.split(" #").next().unwrap_or_default().split(" ;").next().unwrap_or_default();
            found.entry(name.clone()).or_default().insert(key.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests;
