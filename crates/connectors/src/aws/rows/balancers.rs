//! Load balancers: where they listen, with which TLS, and how the internet gets to them. What a policy of TLS allows is
//! read from the policy itself, and not from its name.

use serde_json::{Value, json};

use crate::aws::exposure::{all, text};
use crate::aws::facts::{Facts, Item, Known, at, number};
use crate::aws::row::{Ask, Detail, Form, List, Row, Said, item, made};
use crate::aws::rows::machines::{COMPLETE, EXPOSURE, SHIELD};
use crate::aws::services::{ELB, ELB_V2};
use octro_outbound::aws::api::Paging;

const HUNDRED: (&str, Said) = ("PageSize", Said::Number(100));
const MARKER: Paging = Paging::Token { from: "NextMarker", into: "Marker" };

pub(super) static BALANCERS: List = List::paged(
    Ask::of(&ELB_V2, "DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancers", &[HUNDRED]),
    "LoadBalancers.member",
    "NextMarker",
    "Marker",
)
.asking(&[Detail::of(
    "listeners",
    Ask::of(
        &ELB_V2,
        "DescribeListeners",
        "elasticloadbalancing:DescribeListeners",
        &[("LoadBalancerArn", Said::Text("{LoadBalancerArn}")), HUNDRED],
    ),
)
.at("Listeners.member")
.paged(MARKER)
.gone(&["LoadBalancerNotFound"])]);
pub(super) static TARGETS: List = List::paged(
    Ask::of(&ELB_V2, "DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroups", &[HUNDRED]),
    "TargetGroups.member",
    "NextMarker",
    "Marker",
)
.asking(&[Detail::of(
    "health",
    Ask::of(
        &ELB_V2,
        "DescribeTargetHealth",
        "elasticloadbalancing:DescribeTargetHealth",
        &[("TargetGroupArn", Said::Text("{TargetGroupArn}"))],
    ),
)
.at("TargetHealthDescriptions.member")
.gone(&["TargetGroupNotFound"])]);
pub(super) static CLASSICS: List = List::paged(
    Ask::of(
        &ELB,
        "DescribeLoadBalancers",
        "elasticloadbalancing:DescribeLoadBalancers",
        &[("PageSize", Said::Number(400))],
    ),
    "LoadBalancerDescriptions.member",
    "NextMarker",
    "Marker",
);
static POLICIES: List = List::paged(
    Ask::of(&ELB_V2, "DescribeSSLPolicies", "elasticloadbalancing:DescribeSSLPolicies", &[HUNDRED]),
    "SslPolicies.member",
    "NextMarker",
    "Marker",
);

pub(crate) static BALANCER: Row =
    Row::of("aws.elb.load_balancer", &BALANCERS, "{LoadBalancerArn}").beside(&[&POLICIES]).reached().with(&[
        item("name", "LoadBalancerName", Form::Text),
        item("type", "Type", Form::Lower),
        item("vpc", "VpcId", Form::Text),
        item("public", "Scheme", Form::Is("internet-facing")),
        made("listeners", |facts| match facts.details.get("listeners") {
            Some(Err(reason)) => Known::Unknown(reason.clone()),
            Some(Ok(all)) => listeners(facts, all),
            None => Known::Absent,
        }),
        EXPOSURE,
        COMPLETE,
        SHIELD,
    ]);

pub(crate) static CLASSIC: Row = Row::of(
    "aws.elb.load_balancer",
    &CLASSICS,
    "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{LoadBalancerName}",
)
.part("/classic")
.reached()
.asking(&[Detail::of(
    "policies",
    Ask::of(
        &ELB,
        "DescribeLoadBalancerPolicies",
        "elasticloadbalancing:DescribeLoadBalancerPolicies",
        &[("LoadBalancerName", Said::Text("{LoadBalancerName}"))],
    ),
)
.at("PolicyDescriptions.member")
.gone(&["LoadBalancerNotFound"])])
.with(&[
    item("name", "LoadBalancerName", Form::Text),
    made("type", |_| Known::text("classic")),
    item("vpc", "VPCId", Form::Text),
    item("public", "Scheme", Form::Is("internet-facing")),
    made("listeners", classic_listeners),
    EXPOSURE,
    COMPLETE,
    SHIELD,
]);

/// Versions of TLS, the oldest first: as services write them, and as we do.
const VERSIONS: [(&str, &str); 6] = [
    ("SSLv2", "SSLv2"),
    ("SSLv3", "SSLv3"),
    ("TLSv1", "TLSv1.0"),
    ("TLSv1.1", "TLSv1.1"),
    ("TLSv1.2", "TLSv1.2"),
    ("TLSv1.3", "TLSv1.3"),
];

/// The oldest of some versions; `None` if none of them is known. One that is not known yet is no older one.
pub(super) fn oldest<'a>(versions: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let place = |text: &str| VERSIONS.iter().position(|(written, _)| *written == text);
    versions.filter_map(place).min().and_then(|place| VERSIONS.get(place)).map(|(_, version)| *version)
}

/// Encrypted, or not, by the protocol of a listener.
fn is_tls(protocol: &str) -> bool {
    matches!(protocol, "HTTPS" | "TLS" | "SSL" | "QUIC")
}

fn listeners(facts: &Facts<'_>, told: &Value) -> Known {
    let mut found = Vec::new();
    for one in all(told, "") {
        let (protocol, policy) = (text(one, "Protocol"), text(one, "SslPolicy"));
        let oldest = if !is_tls(protocol) {
            None
        } else {
            match facts.beside.first() {
                Some(Err(reason)) => return Known::Unknown(reason.clone()),
                Some(Ok(policies)) => match oldest_of(policies, policy) {
                    Some(oldest) => Some(oldest),
                    None => return Known::odd(format!("the service tells nothing of the policy `{policy}`")),
                },
                None => return Known::Absent,
            }
        };
        let mut actions = all(one, "DefaultActions.member");
        let redirects = actions.any(|action| {
            text(action, "Type") == "redirect" && text(action, "RedirectConfig.Protocol") == "HTTPS"
        });
        found.push(listener(one.get("Port"), (protocol, policy), oldest, redirects));
    }
    Known::Value(Value::Array(found))
}

fn oldest_of(policies: &[Item], name: &str) -> Option<&'static str> {
    let policy = policies.iter().find(|policy| text(&policy.value, "Name") == name)?;
    oldest(all(&policy.value, "SslProtocols.member").filter_map(Value::as_str))
}

fn listener(
    port: Option<&Value>,
    (protocol, policy): (&str, &str),
    oldest: Option<&str>,
    redirects: bool,
) -> Value {
    json!({
        "port": port.and_then(number),
        "protocol": protocol.to_lowercase(),
        "encrypted": is_tls(protocol),
        "redirects": redirects,
        "policy": Some(policy).filter(|policy| !policy.is_empty()),
        "oldest": oldest,
    })
}

/// The policy of a classic listener lists what is on, protocols and ciphers alike.
fn classic_listeners(facts: &Facts<'_>) -> Known {
    let policies = match facts.details.get("policies") {
        Some(Ok(policies)) => policies,
        Some(Err(reason)) => return Known::Unknown(reason.clone()),
        None => return Known::Absent,
    };
    let mut found = Vec::new();
    for one in all(facts.item, "ListenerDescriptions.member") {
        let protocol = text(one, "Listener.Protocol");
        let names: Vec<&str> = all(one, "PolicyNames.member").filter_map(Value::as_str).collect();
        let of = |policy: &&Value| {
            text(policy, "PolicyTypeName") == "SSLNegotiationPolicyType"
                && names.contains(&text(policy, "PolicyName"))
        };
        let (mut begins, mut name) = (None, "");
        if is_tls(protocol) {
            let Some(policy) = all(policies, "").find(of) else {
                return Known::odd("a listener with TLS names no policy for it");
            };
            name = text(policy, "PolicyName");
            let on = all(policy, "PolicyAttributeDescriptions.member")
                .filter(|attribute| text(attribute, "AttributeValue").eq_ignore_ascii_case("true"));
            begins = oldest(on.map(|one| text(one, "AttributeName").trim_start_matches("Protocol-")));
            if begins.is_none() {
                return Known::odd(format!("the policy `{name}` names no version of TLS"));
            }
        }
        found.push(listener(at(one, "Listener.LoadBalancerPort"), (protocol, name), begins, false));
    }
    Known::Value(Value::Array(found))
}
