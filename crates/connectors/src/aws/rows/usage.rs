//! Services in use: what the list of tagged resources names, by service, beside what the other rows read. A service that
//! none of them reads shows as one that nobody covers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::aws::facts::{Facts, Item, Known};
use crate::aws::row::{Ask, Form, List, Row, Said, item, made};
use crate::aws::services::TAGGING;

/// Services that run, route or watch, and keep no data at rest by themselves, as ARNs name them.
const KEEP_NOTHING: [&str; 27] = [
    "access-analyzer",
    "acm",
    "apigateway",
    "app-mesh",
    "application-autoscaling",
    "autoscaling",
    "batch",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "config",
    "ecs",
    "elasticloadbalancing",
    "events",
    "globalaccelerator",
    "guardduty",
    "iam",
    "lambda",
    "network-firewall",
    "ram",
    "resource-groups",
    "route53",
    "servicecatalog",
    "servicediscovery",
    "states",
    "tag",
    "wafv2",
];

static TAGGED: List = List::paged(
    Ask::of(&TAGGING, "GetResources", "tag:GetResources", &[("ResourcesPerPage", Said::Number(100))]),
    "ResourceTagMappingList",
    "PaginationToken",
    "PaginationToken",
)
.folded(by_service);

pub(crate) static SERVICE: Row = Row::of("aws.service", &TAGGED, "{account}/{region}/{service}").with(&[
    item("service", "service", Form::Text),
    made("covered", is_covered),
    made("keeps_nothing", |facts| Known::flag(KEEP_NOTHING.contains(&service(facts)))),
    item("resources", "resources", Form::Number),
    item("example", "example", Form::Text),
]);

fn service<'a>(facts: &Facts<'a>) -> &'a str {
    facts.text("service").unwrap_or_default()
}

/// What another source might read is covered by nobody.
fn is_covered(facts: &Facts<'_>) -> Known {
    match &facts.beside.services {
        Some(services) => Known::flag(services.contains(service(facts))),
        None => Known::odd("it is not known which services are read"),
    }
}

/// One item for each service, of items that are resources, and of such that were made so before.
fn by_service(items: Vec<Item>) -> Vec<Item> {
    let mut services: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for item in items {
        let of = |name: &str| item.value.get(name);
        let text = |name: &str| of(name).and_then(Value::as_str).unwrap_or_default();
        let (service, count, example) = match of("resources").and_then(Value::as_u64) {
            Some(count) => (text("service"), count, text("example")),
            None => {
                let arn = text("ResourceARN");
                (arn.split(':').nth(2).unwrap_or_default(), 1, arn)
            }
        };
        // One without a service is no ARN: it is told as it came.
        let service = if service.is_empty() { "unknown" } else { service };
        services.entry(service.to_owned()).or_insert_with(|| (0, example.to_owned())).0 += count;
    }
    let told = services.into_iter().map(|(service, (count, example))| {
        let value = json!({ "service": service, "resources": count, "example": example });
        Item { value, details: BTreeMap::new() }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use octro_outbound::aws::api::Place;

    use super::*;
    use crate::aws::class::Classes;
    use crate::aws::facts::Beside;

    #[test]
    fn resources_are_counted_by_service_page_by_page() {
        let page = |arns: &[&str]| -> Vec<Item> {
            let of = |arn: &&str| Item {
                value: json!({ "ResourceARN": arn, "Tags": [] }),
                details: BTreeMap::new(),
            };
            arns.iter().map(of).collect()
        };
        let mut items =
            by_service(page(&["arn:aws:s3:::a", "arn:aws:glue:eu-west-1:1:database/b", "arn:aws:s3:::c"]));
        items.extend(page(&["arn:aws:s3:::d", "odd"]));
        let told: Vec<Value> = by_service(items).into_iter().map(|item| item.value).collect();
        let expected = [
            json!({"service": "glue", "resources": 1, "example": "arn:aws:glue:eu-west-1:1:database/b"}),
            json!({"service": "s3", "resources": 3, "example": "arn:aws:s3:::a"}),
            json!({"service": "unknown", "resources": 1, "example": "odd"}),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn covered_is_what_this_source_reads() {
        let (place, classes) = (Place::new("111122223333", "eu-central-1"), Classes::default());
        let covered = |service: &str, read: Option<&[&'static str]>| {
            let services = read.map(|read| Arc::new(read.iter().copied().collect()));
            is_covered(&Facts {
                place: &place,
                key: "k",
                item: &json!({ "service": service }),
                details: &BTreeMap::new(),
                beside: &Beside { services, ..Beside::default() },
                classes: &classes,
            })
        };
        assert_eq!(covered("s3", Some(&["s3", "kms"])), Known::flag(true));
        assert_eq!(covered("dynamodb", Some(&["s3", "kms"])), Known::flag(false));
        assert!(matches!(covered("s3", None), Known::Unknown(_)));
    }
}
