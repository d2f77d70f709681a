//! A proxy before something that speaks like AWS: it enforces which permissions a caller has, as IAM would, and counts
//! what was asked for. It knows by itself which permission a request needs, so that a table of calls is held against
//! something that was not made from it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest request that is read.
const REQUEST_MAX: usize = 1 << 20;
/// What S3 wants, by the name of the sub-resource.
const S3: [(&str, &str); 11] = [
    ("location", "s3:GetBucketLocation"),
    ("encryption", "s3:GetEncryptionConfiguration"),
    ("versioning", "s3:GetBucketVersioning"),
    ("publicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ("policy", "s3:GetBucketPolicy"),
    ("policyStatus", "s3:GetBucketPolicyStatus"),
    ("acl", "s3:GetBucketAcl"),
    ("ownershipControls", "s3:GetBucketOwnershipControls"),
    ("logging", "s3:GetBucketLogging"),
    ("object-lock", "s3:GetBucketObjectLockConfiguration"),
    ("tagging", "s3:GetBucketTagging"),
];
/// What services with paths want, by the service and the beginning of the path (`*` is any part of it); the first that
/// fits counts.
const PATHS: [(&str, &str, &str); 11] = [
    ("s3", "/v20180820/configuration/publicAccessBlock", "s3:GetAccountPublicAccessBlock"),
    ("elasticfilesystem", "/2015-02-01/file-systems", "elasticfilesystem:DescribeFileSystems"),
    ("es", "/2021-01-01/domain", "es:ListDomainNames"),
    ("es", "/2021-01-01/opensearch/domain/", "es:DescribeDomain"),
    ("es", "/2021-01-01/tags/", "es:ListTags"),
    ("backup", "/backup-vaults/*/recovery-points/", "backup:ListRecoveryPointsByBackupVault"),
    ("backup", "/backup-vaults/", "backup:ListBackupVaults"),
    ("backup", "/tags/", "backup:ListTags"),
    ("kafka", "/api/v2/clusters", "kafka:ListClustersV2"),
    ("cloudfront", "/2020-05-31/distribution", "cloudfront:ListDistributions"),
    ("apigateway", "/domainnames", "apigateway:GET"),
];
/// What everybody may do.
const FREE: [&str; 1] = ["sts:GetCallerIdentity"];

/// What a service answers that the server behind does not have, as its reference writes it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The permission of the call.
    pub permission: String,
    /// What the request must hold.
    pub when: Vec<String>,
    /// The answer.
    pub body: String,
}

/// The proxy. Its thread ends with the process.
#[derive(Clone, Debug)]
pub struct Gatekeeper {
    /// Where it answers.
    pub url: String,
    seen: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Gatekeeper {
    /// Begins to answer for what listens at `port`, and lets through what `allowed` holds; everything without it.
    ///
    /// # Errors
    /// If no port is free.
    pub fn start(port: u16, allowed: Option<BTreeSet<String>>) -> std::io::Result<Self> {
        Self::with(port, allowed, Vec::new())
    }

    /// The same; what is recorded it answers by itself, with the first that fits.
    ///
    /// # Errors
    /// If no port is free.
    pub fn with(
        port: u16,
        allowed: Option<BTreeSet<String>>,
        recorded: Vec<Recorded>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let seen: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
        let keeper = Self { url, seen: seen.clone() };
        let rules = Arc::new((allowed, recorded));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, rules) = (seen.clone(), rules.clone());
                std::thread::spawn(move || {
                    // A caller that goes away is no fault.
                    let _ = answer(stream, port, &seen, (rules.0.as_ref(), &rules.1));
                });
            }
        });
        Ok(keeper)
    }

    /// Which permissions were needed so far, and how often.
    pub fn seen(&self) -> BTreeMap<String, u64> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn answer(
    mut stream: TcpStream,
    port: u16,
    seen: &Mutex<BTreeMap<String, u64>>,
    (allowed, recorded): (Option<&BTreeSet<String>>, &[Recorded]),
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let (head, body) = request(&mut stream)?;
    let permission = permission(&head, &body);
    *seen.lock().unwrap_or_else(PoisonError::into_inner).entry(permission.clone()).or_default() += 1;
    let may =
        FREE.contains(&permission.as_str()) || allowed.is_none_or(|allowed| allowed.contains(&permission));
    if !may {
        let text = refusal(&head, &permission);
        return stream.write_all(text.as_bytes());
    }
    let text = format!("{head}\r\n{}", String::from_utf8_lossy(&body));
    let fits =
        |one: &&Recorded| one.permission == permission && one.when.iter().all(|part| text.contains(part));
    if let Some(one) = recorded.iter().find(fits) {
        let text = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
            one.body.len(),
            one.body
        );
        return stream.write_all(text.as_bytes());
    }
    let mut upstream = TcpStream::connect(("127.0.0.1", port))?;
    for line in head.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("connection:")) {
        if line.is_empty() {
            break;
        }
        upstream.write_all(line.as_bytes())?;
        upstream.write_all(b"\r\n")?;
    }
    upstream.write_all(b"Connection: close\r\n\r\n")?;
    upstream.write_all(&body)?;
    std::io::copy(&mut upstream, &mut stream)?;
    stream.shutdown(Shutdown::Write)
}

/// The head and the body of a request.
fn request(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8_192];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(bytes.get(..end + 2).unwrap_or_default()).into_owned();
            let length: usize =
                header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let body = bytes.get(end + 4..end + 4 + length).unwrap_or_default().to_vec();
                return Ok((head, body));
            }
        }
        let read = stream.read(&mut buffer)?;
        if read == 0 || bytes.len() > REQUEST_MAX {
            return Err(std::io::Error::other("the request has no end"));
        }
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Whether a path begins so; `*` is any part of it.
fn begins(path: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => path.starts_with(pattern),
        Some((begin, then)) => path.strip_prefix(begin).is_some_and(|rest| rest.contains(then)),
    }
}

/// The permission that a request needs.
fn permission(head: &str, body: &[u8]) -> String {
    // `Credential=AKID/20260921/eu-central-1/rds/aws4_request`
    let service = header(head, "authorization")
        .and_then(|text| text.split("Credential=").nth(1)?.split('/').nth(3))
        .unwrap_or("?");
    let target = head.split_ascii_whitespace().nth(1).unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if let Some((_, _, permission)) =
        PATHS.iter().find(|(of, begin, _)| *of == service && begins(path, begin))
    {
        return (*permission).to_owned();
    }
    if service == "s3" {
        let first = query.split(['=', '&']).next().unwrap_or_default();
        let known = S3.iter().find(|(name, _)| *name == first);
        return known.map_or("s3:ListAllMyBuckets", |(_, permission)| permission).to_owned();
    }
    // One permission for all that reads.
    if service == "cassandra" {
        return "cassandra:Select".to_owned();
    }
    let by_target = header(head, "x-amz-target").and_then(|target| target.rsplit('.').next());
    let form = String::from_utf8_lossy(body);
    let by_form = form.split('&').find_map(|part| part.strip_prefix("Action="));
    // Signatures name the tagging service otherwise than permissions do.
    let named = if service == "tagging" { "tag" } else { service };
    format!("{named}:{}", by_target.or(by_form).unwrap_or(path))
}

/// A refusal in the service's own shape.
fn refusal(head: &str, permission: &str) -> String {
    let what = format!("the caller is not allowed {permission}");
    let service = permission.split(':').next().unwrap_or_default();
    let xml = |body: String| ("403 Forbidden", "text/xml", body);
    let (status, kind, body) = match service {
        "s3" => xml(format!("<Error><Code>AccessDenied</Code><Message>{what}</Message></Error>")),
        "ec2" => xml(format!(
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>{what}</Message></Error></Errors></Response>"
        )),
        _ if header(head, "content-type").is_some_and(|kind| kind.contains("form")) => xml(format!(
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>{what}</Message></Error></ErrorResponse>"
        )),
        "cloudfront" => xml(format!(
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>{what}</Message></Error></ErrorResponse>"
        )),
        "elasticfilesystem" | "es" | "backup" | "kafka" | "apigateway" => (
            "403 Forbidden",
            "application/json",
            format!("{{\"message\":\"{what}\",\"__type\":\"AccessDeniedException\"}}"),
        ),
        _ => (
            "400 Bad Request",
            "application/x-amz-json-1.1",
            format!("{{\"__type\":\"AccessDeniedException\",\"Message\":\"{what}\"}}"),
        ),
    };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_need_permissions() {
        let of = |first: &str, service: &str, more: &str, body: &str| {
            let auth = format!(
                "Authorization: AWS4-HMAC-SHA256 Credential=A/20260921/eu-central-1/{service}/aws4_request"
            );
            permission(&format!("{first}\r\n{auth}\r\n{more}"), body.as_bytes())
        };
        assert_eq!(of("GET /b?policy= HTTP/1.1", "s3", "", ""), "s3:GetBucketPolicy");
        assert_eq!(of("GET /b?policyStatus= HTTP/1.1", "s3", "", ""), "s3:GetBucketPolicyStatus");
        assert_eq!(of("GET /?max-buckets=1000 HTTP/1.1", "s3", "", ""), "s3:ListAllMyBuckets");
        assert_eq!(
            of("POST / HTTP/1.1", "rds", "", "Action=DescribeDBInstances&Version=1"),
            "rds:DescribeDBInstances"
        );
        assert_eq!(
            of("POST / HTTP/1.1", "kms", "X-Amz-Target: TrentService.ListKeys\r\n", "{}"),
            "kms:ListKeys"
        );
        assert_eq!(of("GET /2021-01-01/tags/?arn=x HTTP/1.1", "es", "", ""), "es:ListTags");
        assert_eq!(
            of("GET /backup-vaults/v/recovery-points/?maxResults=1000 HTTP/1.1", "backup", "", ""),
            "backup:ListRecoveryPointsByBackupVault"
        );
        assert_eq!(of("GET /backup-vaults/ HTTP/1.1", "backup", "", ""), "backup:ListBackupVaults");
        assert_eq!(
            of("POST / HTTP/1.1", "cassandra", "X-Amz-Target: K.GetTable\r\n", "{}"),
            "cassandra:Select"
        );
    }
}
