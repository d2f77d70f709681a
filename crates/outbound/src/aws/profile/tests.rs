//! Profiles against a server that speaks like STS and like single sign-on.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use octro_model::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::Provider;
use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);
const TAKEN: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ROLE</AccessKeyId>\
    <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2026-09-21T15:13:20Z</Expiration>\
    </Credentials></AssumeRoleResult></AssumeRoleResponse>";

/// What the tests share: a folder with `.aws` in it, and the address of the server.
static PLACE: OnceLock<(tempfile::TempDir, String)> = OnceLock::new();

fn environment(name: &str) -> Option<String> {
    let (home, url) = PLACE.get()?;
    match name {
        "HOME" => Some(home.path().display().to_string()),
        "AWS_ENDPOINT_URL" => Some(url.clone()),
        "AWS_PROFILE" => PROFILE.with_borrow(Clone::clone),
        _ => None,
    }
}

thread_local! {
    static PROFILE: std::cell::RefCell<Option<String>> = const { std::cell::RefCell::new(None) };
}

async fn keys(profile: &str) -> Result<Credentials, String> {
    PROFILE.with_borrow_mut(|of| *of = Some(profile.to_owned()));
    let of = Provider::elsewhere(environment);
    of.credentials(NOW).await.map_err(|error| error.to_string())
}

/// Answers by what is asked, and keeps it.
async fn serve(asked: Arc<Mutex<Vec<String>>>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            loop {
                let mut buffer = vec![0; 8_192];
                let length = stream.read(&mut buffer).await.unwrap();
                text.push_str(&String::from_utf8_lossy(&buffer[..length]));
                let wanted = text
                    .to_lowercase()
                    .split("content-length: ")
                    .nth(1)
                    .and_then(|rest| rest.lines().next()?.parse().ok());
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
                if length == 0 || body.is_some_and(|body| body >= wanted.unwrap_or(0)) {
                    break;
                }
            }
            asked.lock().unwrap().push(text.clone());
            let (status, body) = if text.contains("Action=AssumeRole") {
                if text.contains("refused") {
                    (
                        403,
                        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
                    )
                } else {
                    (200, TAKEN)
                }
            } else if text.starts_with("POST /token") {
                if text.contains("used-up") {
                    (400, "{\"error\":\"invalid_grant\"}")
                } else {
                    (200, "{\"accessToken\":\"fresh\",\"expiresIn\":3600,\"refreshToken\":\"next\"}")
                }
            } else if text.contains("role_name=Gone") {
                (403, "{\"__type\":\"ForbiddenException\"}")
            } else if text.contains("x-amz-sso_bearer_token: usable")
                || text.contains("x-amz-sso_bearer_token: fresh")
            {
                (
                    200,
                    "{\"roleCredentials\":{\"accessKeyId\":\"SSO\",\"secretAccessKey\":\"s\",\"sessionToken\":\"t\",\"expiration\":1790003600000}}",
                )
            } else {
                (401, "{\"__type\":\"UnauthorizedException\"}")
            };
            let text = format!(
                "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    });
    url
}

const CONFIG: &str = "
[default]
region = eu-central-1
s3 =
  max_concurrent_requests = 20
[profile chained]
role_arn = arn:aws:iam::111122223333:role/one
source_profile = between
external_id = of us # said by them
[profile between]
role_arn = arn:aws:iam::444455556666:role/two
source_profile = static
[profile itself]
role_arn = arn:aws:iam::111122223333:role/one
source_profile = itself
aws_access_key_id = OWN
aws_secret_access_key = s
[profile loop-a]
role_arn = arn:aws:iam::111122223333:role/one
source_profile = loop-b
[profile loop-b]
role_arn = arn:aws:iam::111122223333:role/one
source_profile = loop-a
[profile coded]
role_arn = arn:aws:iam::111122223333:role/one
source_profile = static
mfa_serial = arn:aws:iam::111122223333:mfa/ann
[profile lost]
role_arn = arn:aws:iam::111122223333:role/one
source_profile = nobody
[profile refused]
role_arn = arn:aws:iam::111122223333:role/refused
source_profile = static
[profile odd]
role_arn = arn:aws:iam::111122223333:role/one
credential_source = Moon
[profile printed]
credential_process = /bin/sh -c 'printf \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"PRINTED\\\",\\\"SecretAccessKey\\\":\\\"s\\\",\\\"SessionToken\\\":\\\"t\\\"}\"'
[profile broken]
credential_process = /bin/sh -c 'exit 3'
[sso-session acme]
sso_start_url = https://acme.awsapps.com/start/
sso_region = eu-central-1
[profile signed]
sso_session = acme
sso_account_id = 111122223333
sso_role_name = Reads
[profile old]
sso_start_url = https://old.awsapps.com/start
sso_region = eu-central-1
sso_account_id = 111122223333
sso_role_name = Reads
[profile ended]
sso_start_url = https://ended.awsapps.com/start
sso_region = eu-central-1
sso_account_id = 111122223333
sso_role_name = Reads
[profile never]
sso_start_url = https://never.awsapps.com/start
sso_region = eu-central-1
sso_account_id = 111122223333
sso_role_name = Reads
[profile unassigned]
sso_session = acme
sso_account_id = 111122223333
sso_role_name = Gone
[profile nosession]
sso_session = other
";

fn token(folder: &Path, name: &str, url: &str, access: &str, end: &str, refresh: &str) {
    let text = format!(
        "{{\"startUrl\":\"{url}\",\"region\":\"eu-central-1\",\"accessToken\":\"{access}\",\"expiresAt\":\"{end}\",\
         \"clientId\":\"c\",\"clientSecret\":\"cs\",\"registrationExpiresAt\":\"2027-01-01T00:00:00Z\",\"refreshToken\":\"{refresh}\"}}"
    );
    std::fs::write(folder.join(name), text).unwrap();
}

#[tokio::test]
async fn profiles_give_keys_of_every_sort_and_say_how_to_mend_what_they_do_not() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::write(home.path().join(".aws/config"), CONFIG).unwrap();
    let static_keys = "[static]\naws_access_key_id=AK=1\naws_secret_access_key = s \n; a word\n";
    std::fs::write(home.path().join(".aws/credentials"), static_keys).unwrap();
    token(&cache, "a.json", "https://acme.awsapps.com/start", "stale", "2026-09-01T00:00:00Z", "");
    token(&cache, "b.json", "https://acme.awsapps.com/start", "usable", "2026-09-21T20:00:00UTC", "r");
    token(&cache, "c.json", "https://old.awsapps.com/start", "stale", "2026-09-21T00:00:00Z", "r");
    token(&cache, "d.json", "https://ended.awsapps.com/start", "stale", "2026-09-21T00:00:00Z", "used-up");
    std::fs::write(cache.join("e.json"), "{").unwrap();
    let url = serve(asked.clone()).await;
    PLACE.set((home, url)).unwrap();

    for (profile, key, from) in [
        ("static", "AK=1", "the profile `static`"),
        ("chained", "ROLE", "role/one of the profile `chained`"),
        ("itself", "ROLE", "role/one of the profile `itself`"),
        ("printed", "PRINTED", "the command /bin/sh"),
        ("signed", "SSO", "`Reads` in the account 111122223333"),
        ("old", "SSO", "`Reads` in the account 111122223333"),
    ] {
        let keys = keys(profile).await.unwrap();
        assert_eq!(keys.access_key, key, "{profile}");
        assert!(keys.from.contains(from), "{profile}: {}", keys.from);
    }
    let heard = std::mem::take(&mut *asked.lock().unwrap());
    let of = |words: &str| heard.iter().filter(|text| text.contains(words)).count();
    // The outer role was asked for with the keys of the inner one.
    assert_eq!((of("role%2Ftwo"), of("ExternalId=of%20us")), (1, 1));
    assert!(heard.iter().any(|text| text.contains("role%2Fone") && text.contains("Credential=ROLE/")));
    // The token that had ended was made anew, once, and is kept for others.
    assert_eq!(of("POST /token"), 1);
    let kept = std::fs::read_to_string(PLACE.get().unwrap().0.path().join(".aws/sso/cache/c.json")).unwrap();
    assert!(
        kept.contains("\"accessToken\":\"fresh\"") && kept.contains("\"refreshToken\":\"next\""),
        "{kept}"
    );
    assert_eq!(keys("old").await.unwrap().access_key, "SSO");
    assert_eq!(asked.lock().unwrap().iter().filter(|text| text.contains("POST /token")).count(), 0);

    let config = PLACE.get().unwrap().0.path().join(".aws/config");
    let is_writable = |mode| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    is_writable(0o666);
    assert!(keys("printed").await.unwrap_err().contains("is not run: others may write"));
    is_writable(0o644);

    for (profile, words) in [
        ("none", "neither ~/.aws/config nor ~/.aws/credentials"),
        ("loop-a", "leads back to it"),
        ("coded", "mfa_serial"),
        ("lost", "no profile `nobody`"),
        ("refused", "its role is not given: answers AccessDenied"),
        ("odd", "`Moon`; expected Environment"),
        ("broken", "failed"),
        ("ended", "invalid_grant): run `aws sso login --profile ended`"),
        (
            "never",
            "nobody has signed on to https://never.awsapps.com/start: run `aws sso login --profile never`",
        ),
        ("unassigned", "is not given (ForbiddenException)"),
        ("nosession", "no section [sso-session other]"),
    ] {
        let error = keys(profile).await.unwrap_err();
        assert!(error.contains(words), "{profile}: {error}");
        assert!(!error.contains("stale") && !error.contains("usable"), "{error}");
    }
}

#[test]
fn a_command_is_not_run_from_a_file_that_others_may_write() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    std::fs::write(&path, "[a]\ncredential_process = /bin/true\n[b]\nregion = r\n").unwrap();
    let of = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let mut files = Files::default();
        files.add(read(path.clone()).unwrap().unwrap(), str::to_owned);
        files.doubted
    };
    assert!(of(0o644).is_empty() && of(0o600).is_empty());
    for mode in [0o664, 0o602, 0o620] {
        let doubted = of(mode);
        assert_eq!(doubted.len(), 1, "{mode:o}");
        assert!(doubted["a"].contains("`chmod go-w /"), "{doubted:?}");
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let meta = std::fs::metadata(&path).unwrap();
    assert_eq!(doubt(&path, &meta, meta.uid()), None);
    // Another's file, unless that is root.
    assert_eq!(doubt(&path, &meta, meta.uid() + 1).is_none(), meta.uid() == 0);
}

#[test]
fn a_file_of_profiles_is_read_whatever_is_in_it() {
    let text = "a = b\n# mine\n[ profile  x ]\n ; a word\nA=B=1\nc = d # e\nnested =\n  inner = 1\n[profile x]\nf=g\n[broken\n=\n[]\nh=i";
    let found = sections(text);
    let of = |name: &str| found.get("profile x").and_then(|values| values.get(name)).map(String::as_str);
    assert_eq!((of("a"), of("c"), of("f"), of("inner")), (Some("B=1"), Some("d"), Some("g"), None));
}
