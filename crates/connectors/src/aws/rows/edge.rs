//! Where the provider itself answers the internet: CloudFront, and the domain names of API Gateway.

use serde_json::{Value, json};

use crate::aws::exposure::{all, text};
use crate::aws::facts::{Facts, Known, flag};
use crate::aws::row::{Ask, Form, List, Row, Said, item, made};
use crate::aws::rows::balancers::oldest;
use crate::aws::services::{API_GATEWAY, CLOUDFRONT};

static DISTRIBUTIONS: List = List::paged(
    Ask::get(
        &CLOUDFRONT,
        "/2020-05-31/distribution",
        "cloudfront:ListDistributions",
        &[("MaxItems", Said::Number(100))],
    )
    .root("DistributionList"),
    "?Items.DistributionSummary",
    "NextMarker",
    "Marker",
);
static DOMAINS: List = List::paged(
    Ask::get(&API_GATEWAY, "/domainnames", "apigateway:GET", &[("limit", Said::Number(500))]),
    "?item",
    "position",
    "position",
);

pub(crate) static DISTRIBUTION: Row =
    Row::of("aws.cloudfront.distribution", &DISTRIBUTIONS, "{ARN}").global().with(&[
        item("name", "DomainName", Form::Text),
        made("aliases", |facts| Known::Value(all(facts.item, "Aliases.Items.CNAME").cloned().collect())),
        item("enabled", "Enabled", Form::Flag),
        made("minimum_version", minimum_version),
        made("http_allowed", |facts| match behaviors(facts) {
            Ok(policies) => Known::flag(policies.contains(&"allow-all")),
            Err(what) => what,
        }),
        made("origins", origins),
    ]);

pub(crate) static DOMAIN: Row = Row::of(
    "aws.apigateway.domain",
    &DOMAINS,
    "arn:{partition}:apigateway:{region}::/domainnames/{domainName}",
)
.with(&[
    item("name", "domainName", Form::Text),
    item("policy", "securityPolicy", Form::Text),
    made("minimum_version", domain_version),
    item("client_certificates", "mutualTlsAuthentication.truststoreUri", Form::Text),
]);

/// With the provider's own certificate nothing can be chosen, and TLS 1.0 is on.
fn minimum_version(facts: &Facts<'_>) -> Known {
    let certificate = facts.item.get("ViewerCertificate");
    if certificate.and_then(|one| one.get("CloudFrontDefaultCertificate")).and_then(flag) == Some(true) {
        return Known::text("TLSv1.0");
    }
    // `TLSv1`, `TLSv1_2016`, `TLSv1.1_2016`, `TLSv1.2_2021`, `TLSv1.3_2025`
    let policy = certificate.map(|one| text(one, "MinimumProtocolVersion")).unwrap_or_default();
    oldest(policy.split('_').take(1))
        .map_or_else(|| Known::odd(format!("`MinimumProtocolVersion` is `{policy}`")), Known::text)
}

/// What viewers may do, of the default behavior and all others.
fn behaviors<'a>(facts: &Facts<'a>) -> Result<Vec<&'a str>, Known> {
    let item: &'a Value = facts.item;
    let first = item.get("DefaultCacheBehavior").into_iter();
    let all = first.chain(all(item, "CacheBehaviors.Items.CacheBehavior"));
    let policies: Vec<&str> = all.map(|one| text(one, "ViewerProtocolPolicy")).collect();
    let known = ["allow-all", "https-only", "redirect-to-https"];
    match policies.iter().find(|policy| !known.contains(policy)) {
        None if !policies.is_empty() => Ok(policies),
        odd => Err(Known::odd(format!("`ViewerProtocolPolicy` is `{}`", odd.copied().unwrap_or_default()))),
    }
}

/// How each origin is spoken to. One that is spoken to as the viewer speaks is safe if every viewer has to use HTTPS.
fn origins(facts: &Facts<'_>) -> Known {
    let is_safe = match behaviors(facts) {
        Ok(policies) => !policies.contains(&"allow-all"),
        Err(what) => return what,
    };
    let mut found = Vec::new();
    for origin in all(facts.item, "Origins.Items.Origin") {
        let custom = text(origin, "CustomOriginConfig.OriginProtocolPolicy");
        let encrypted = match custom {
            "https-only" => true,
            "http-only" => false,
            // Buckets are spoken to as the viewer speaks.
            "match-viewer" => is_safe,
            "" if origin.get("S3OriginConfig").is_some() && origin.get("CustomOriginConfig").is_none() => {
                is_safe
            }
            other => return Known::odd(format!("`OriginProtocolPolicy` is `{other}`")),
        };
        let versions = all(origin, "CustomOriginConfig.OriginSslProtocols.Items.SslProtocol");
        let oldest = oldest(versions.filter_map(Value::as_str));
        found.push(json!({ "domain": text(origin, "DomainName"), "encrypted": encrypted, "oldest": oldest }));
    }
    Known::Value(Value::Array(found))
}

fn domain_version(facts: &Facts<'_>) -> Known {
    let policy = facts.text("securityPolicy").unwrap_or_default();
    let version = match policy {
        "TLS_1_0" => "TLSv1.0",
        "TLS_1_2" => "TLSv1.2",
        // `SecurityPolicy_TLS13_1_2_2021_06` begins at TLS 1.2, `SecurityPolicy_TLS13_2025_EDGE` at TLS 1.3.
        policy if policy.starts_with("SecurityPolicy_TLS13_1_2") => "TLSv1.2",
        policy if policy.starts_with("SecurityPolicy_TLS13_1_3") => "TLSv1.3",
        policy if policy.starts_with("SecurityPolicy_TLS13_2") => "TLSv1.3",
        policy if policy.starts_with("SecurityPolicy_TLS12_") => "TLSv1.2",
        _ => return Known::odd(format!("`securityPolicy` is `{policy}`")),
    };
    Known::text(version)
}
