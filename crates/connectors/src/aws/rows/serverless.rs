//! Stores without servers to choose: Redshift, ElastiCache and OpenSearch in that form, Keyspaces, Timestream. The
//! provider encrypts every one; whose key it is, and who reaches it, is what differs.

use octro_model::Glob;
use serde_json::Value;

use crate::aws::facts::{Facts, Known, flag, many};
use crate::aws::row::{Ask, Attribute, Detail, Form, List, Row, Said, item, made, of};
use crate::aws::services::{ELASTICACHE, KEYSPACES, OPENSEARCH_SERVERLESS, REDSHIFT_SERVERLESS, TIMESTREAM};

const GONE: &[&str] = &["ResourceNotFoundException"];
const HUNDRED: (&str, Said) = ("maxResults", Said::Number(100));

static NAMESPACES: List = List::paged(
    Ask::of(&REDSHIFT_SERVERLESS, "ListNamespaces", "redshift-serverless:ListNamespaces", &[HUNDRED]),
    "namespaces",
    "nextToken",
    "nextToken",
);
static WORKGROUPS: List = List::paged(
    Ask::of(&REDSHIFT_SERVERLESS, "ListWorkgroups", "redshift-serverless:ListWorkgroups", &[HUNDRED]),
    "workgroups",
    "nextToken",
    "nextToken",
);
static CACHES: List = List::paged(
    Ask::of(
        &ELASTICACHE,
        "DescribeServerlessCaches",
        "elasticache:DescribeServerlessCaches",
        &[("MaxResults", Said::Number(50))],
    ),
    "ServerlessCaches.member",
    "NextToken",
    "NextToken",
);
static COLLECTIONS: List = List::paged(
    Ask::of(&OPENSEARCH_SERVERLESS, "ListCollections", "aoss:ListCollections", &[HUNDRED]),
    "collectionSummaries",
    "nextToken",
    "nextToken",
);
static NETWORK_POLICIES: List = List::paged(
    Ask::of(
        &OPENSEARCH_SERVERLESS,
        "ListSecurityPolicies",
        "aoss:ListSecurityPolicies",
        &[("type", Said::Text("network")), HUNDRED],
    ),
    "securityPolicySummaries",
    "nextToken",
    "nextToken",
)
.asking(&[Detail::of(
    "policy",
    Ask::of(
        &OPENSEARCH_SERVERLESS,
        "GetSecurityPolicy",
        "aoss:GetSecurityPolicy",
        &[("type", Said::Text("network")), ("name", Said::Text("{name}"))],
    ),
)
.at("securityPolicyDetail.policy")
.gone(GONE)]);
static KEYSPACE_LIST: List = List::paged(
    Ask::of(&KEYSPACES, "ListKeyspaces", "cassandra:Select", &[HUNDRED]),
    "keyspaces",
    "nextToken",
    "nextToken",
)
.only(|facts| facts.text("keyspaceName").is_some_and(|name| !name.starts_with("system")));
static KEYSPACE_TABLES: List = List::paged(
    Ask::of(
        &KEYSPACES,
        "ListTables",
        "cassandra:Select",
        &[("keyspaceName", Said::Text("{keyspaceName}")), HUNDRED],
    ),
    "tables",
    "nextToken",
    "nextToken",
)
.within(&KEYSPACE_LIST)
.absent(GONE);
static TIMESTREAM_DATABASES: List = List::paged(
    Ask::of(&TIMESTREAM, "ListDatabases", "timestream:ListDatabases", &[("MaxResults", Said::Number(20))]),
    "Databases",
    "NextToken",
    "NextToken",
);

pub(crate) static NAMESPACE: Row =
    Row::of("aws.redshift_serverless.namespace", &NAMESPACES, "{namespaceArn}")
        .beside(&[&WORKGROUPS])
        .asking(&[Detail::of(
            "tags",
            Ask::of(
                &REDSHIFT_SERVERLESS,
                "ListTagsForResource",
                "redshift-serverless:ListTagsForResource",
                &[("resourceArn", Said::Text("{key}"))],
            ),
        )
        .gone(GONE)])
        .with(&[
            item("name", "namespaceName", Form::Text),
            of("data_class", "tags", "tags", Form::Class),
            item("kms_key_id", "kmsKeyId", Form::Key),
            made("public", |facts| {
                workgroups(facts, |group| group.get("publiclyAccessible").and_then(flag), false)
            }),
            made("tls_required", |facts| workgroups(facts, requires_tls, true)),
        ]);

pub(crate) static CACHE: Row = Row::of("aws.elasticache.serverless", &CACHES, "{ARN}")
    .asking(&[Detail::of(
        "tags",
        Ask::of(
            &ELASTICACHE,
            "ListTagsForResource",
            "elasticache:ListTagsForResource",
            &[("ResourceName", Said::Text("{key}"))],
        ),
    )
    .gone(&["ServerlessCacheNotFoundFault"])])
    .with(&[
        item("name", "ServerlessCacheName", Form::Text),
        of("data_class", "tags", "TagList.Tag", Form::Class),
        item("engine", "Engine", Form::Lower),
        item("kms_key_id", "KmsKeyId", Form::Key),
    ]);

pub(crate) static COLLECTION: Row = Row::of("aws.opensearch_serverless.collection", &COLLECTIONS, "{arn}")
    .beside(&[&NETWORK_POLICIES])
    .asking(&[
        Detail::of(
            "collection",
            Ask::of(
                &OPENSEARCH_SERVERLESS,
                "BatchGetCollection",
                "aoss:BatchGetCollection",
                &[("ids", Said::List("{id}"))],
            ),
        )
        .at("collectionDetails"),
        Detail::of(
            "tags",
            Ask::of(
                &OPENSEARCH_SERVERLESS,
                "ListTagsForResource",
                "aoss:ListTagsForResource",
                &[("resourceArn", Said::Text("{key}"))],
            ),
        )
        .gone(GONE),
    ])
    .with(&[
        item("name", "name", Form::Text),
        of("data_class", "tags", "tags", Form::Class),
        made("type", |facts| of_collection(facts, "type", |text| Known::text(text.to_lowercase()))),
        Attribute { name: "kms_key_id", from: "", path: "", form: Form::MadeKey(collection_key) },
        made("public", collection_public),
    ]);

pub(crate) static KEYSPACES_TABLE: Row = Row::of("aws.keyspaces.table", &KEYSPACE_TABLES, "{resourceArn}")
    .asking(&[
        Detail::of(
            "table",
            Ask::of(
                &KEYSPACES,
                "GetTable",
                "cassandra:Select",
                &[("keyspaceName", Said::Text("{keyspaceName}")), ("tableName", Said::Text("{tableName}"))],
            ),
        )
        .gone(GONE),
        Detail::of(
            "tags",
            Ask::of(
                &KEYSPACES,
                "ListTagsForResource",
                "cassandra:Select",
                &[("resourceArn", Said::Text("{key}"))],
            ),
        )
        .gone(GONE),
    ])
    .with(&[
        item("name", "{keyspaceName}.{tableName}", Form::Template),
        of("data_class", "tags", "tags", Form::Class),
        of("kms_key_id", "table", "encryptionSpecification.kmsKeyIdentifier", Form::Key),
        of("point_in_time_recovery", "table", "pointInTimeRecovery.status", Form::Is("ENABLED")),
    ]);

pub(crate) static TIMESTREAM_DATABASE: Row =
    Row::of("aws.timestream.database", &TIMESTREAM_DATABASES, "{Arn}")
        .asking(&[Detail::of(
            "tags",
            Ask::of(
                &TIMESTREAM,
                "ListTagsForResource",
                "timestream:ListTagsForResource",
                &[("ResourceARN", Said::Text("{key}"))],
            ),
        )
        .gone(GONE)])
        .with(&[
            item("name", "DatabaseName", Form::Text),
            of("data_class", "tags", "Tags", Form::Class),
            item("kms_key_id", "KmsKeyId", Form::Key),
        ]);

/// What the workgroups of a namespace say together: whether any is so, or whether all are.
fn workgroups(facts: &Facts<'_>, is: fn(&Value) -> Option<bool>, all: bool) -> Known {
    let groups = match facts.beside.first() {
        Some(Ok(groups)) => groups,
        Some(Err(reason)) => return Known::Unknown(reason.clone()),
        None => return Known::Absent,
    };
    let name = facts.text("namespaceName");
    let own = groups.iter().filter(|group| group.value.get("namespaceName").and_then(Value::as_str) == name);
    let mut answer = all;
    for group in own {
        match is(&group.value) {
            Some(so) => answer = if all { answer && so } else { answer || so },
            None => return Known::odd("a workgroup does not say it"),
        }
    }
    Known::flag(answer)
}

/// `require_ssl` is off unless it is set.
fn requires_tls(group: &Value) -> Option<bool> {
    let parameters = group.get("configParameters")?;
    let named = |one: &&Value| one.get("parameterKey").and_then(Value::as_str) == Some("require_ssl");
    match many(parameters).find(named) {
        None => Some(false),
        Some(one) => one.get("parameterValue").and_then(flag),
    }
}

fn of_collection(facts: &Facts<'_>, name: &str, make: fn(&str) -> Known) -> Known {
    match facts.details.get("collection") {
        Some(Err(reason)) => Known::Unknown(reason.clone()),
        Some(Ok(details)) => {
            let one = many(details).next().and_then(|one| one.get(name)).and_then(Value::as_str);
            one.map_or_else(|| Known::odd(format!("the collection does not tell its `{name}`")), make)
        }
        None => Known::Absent,
    }
}

fn collection_key(facts: &Facts<'_>) -> Known {
    of_collection(facts, "kmsKeyArn", |key| match key {
        "auto" => Known::Absent,
        key => Known::Key(key.to_owned()),
    })
}

/// The names that a statement of a network policy speaks of; `None` if it has another form than AWS writes.
fn patterns(statement: &Value) -> Option<Vec<&str>> {
    let mut patterns = Vec::new();
    for rule in many(statement.get("Rules")?) {
        let before = patterns.len();
        for name in many(rule.get("Resource")?) {
            patterns.push(name.as_str().filter(|name| !name.is_empty())?);
        }
        if patterns.len() == before {
            return None;
        }
    }
    (!patterns.is_empty()).then_some(patterns)
}

/// A network policy that names the collection lets it be reached from public networks.
fn collection_public(facts: &Facts<'_>) -> Known {
    let policies = match facts.beside.first() {
        Some(Ok(policies)) => policies,
        Some(Err(reason)) => return Known::Unknown(reason.clone()),
        None => return Known::Absent,
    };
    let wanted = format!("collection/{}", facts.text("name").unwrap_or_default());
    let mut public = false;
    for policy in policies.iter() {
        let document = match policy.details.get("policy") {
            Some(Ok(document)) => document,
            Some(Err(reason)) => return Known::Unknown(reason.clone()),
            None => return Known::odd("a network policy was not opened"),
        };
        let mut statements = many(document).peekable();
        if statements.peek().is_none() {
            return Known::odd("a network policy says nothing");
        }
        for statement in statements {
            let Some(patterns) = patterns(statement) else {
                return Known::odd("a network policy does not say of what it speaks");
            };
            let is_its = patterns.iter().any(|pattern| Glob::new(*pattern).matches(&wanted));
            match statement.get("AllowFromPublic").and_then(flag) {
                Some(open) => public |= is_its && open,
                None if is_its => return Known::odd("a network policy does not say whether it is public"),
                None => {}
            }
        }
    }
    Known::flag(public)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use octro_outbound::aws::api::Place;
    use serde_json::json;

    use super::*;
    use crate::aws::class::Classes;
    use crate::aws::facts::{Beside, Item};

    #[test]
    fn a_network_policy_of_an_unknown_form_leaves_unknown_what_it_opens() {
        let public = |details: BTreeMap<&'static str, crate::aws::facts::Told>| {
            let policies = vec![Item { value: json!({"name": "net"}), details }];
            let beside = Beside { lists: vec![Ok(Arc::new(policies))], ..Beside::default() };
            let facts = Facts {
                place: &Place::new("111122223333", "eu-central-1"),
                key: "k",
                item: &json!({"name": "orders"}),
                details: &BTreeMap::new(),
                beside: &beside,
                classes: &Classes::default(),
            };
            collection_public(&facts)
        };
        let said = |policy: Value| public(BTreeMap::from([("policy", Ok(policy))]));
        let statement = |resource: Value, open: bool| json!([{"Rules": [{"ResourceType": "collection", "Resource": resource}], "AllowFromPublic": open}]);
        assert_eq!(said(statement(json!(["collection/ord*"]), true)), Known::flag(true));
        assert_eq!(said(statement(json!(["collection/ord*"]), false)), Known::flag(false));
        assert_eq!(said(statement(json!(["collection/other"]), true)), Known::flag(false));
        for odd in [
            Value::Null,
            json!("[]"),
            json!([]),
            json!([{"AllowFromPublic": true}]),
            json!([{"Rules": [], "AllowFromPublic": true}]),
            statement(json!([7]), true),
            statement(json!([]), true),
        ] {
            assert!(matches!(said(odd.clone()), Known::Unknown(_)), "{odd}");
        }
        assert!(matches!(public(BTreeMap::new()), Known::Unknown(_)));
    }
}
