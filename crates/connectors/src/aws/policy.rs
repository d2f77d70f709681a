//! The least policy that lets the chosen kinds be read: exactly the permissions of the rows' calls.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::row::{Detail, List, Row};
use super::rows::{ALIASES, GRAPH, ROWS};

/// What the services need that name the addresses where they answer.
const DISCOVERY: &str = "timestream:DescribeEndpoints";

/// Permissions that would allow more than is read, each with what its statement is called and what it is limited to.
const LIMITED: &[(&str, &str, &str)] = &[
    ("apigateway:GET", "OctroReadsDomainNames", "arn:aws:apigateway:*::/domainnames*"),
    ("cassandra:Select", "OctroReadsHowTablesAreMade", "arn:aws:cassandra:*:*:/keyspace/system*"),
];

/// The permissions that kinds need, in order; of all kinds if none is chosen.
///
/// # Errors
/// A kind that is not read.
pub fn permissions(kinds: &[String]) -> Result<Vec<&'static str>, String> {
    if let Some(other) = kinds.iter().find(|kind| !ROWS.iter().any(|row| row.kind == kind.as_str())) {
        return Err(format!("`{other}` is not read; expected one of {}", super::rows::kinds().join(", ")));
    }
    let chosen = ROWS.iter().filter(|row| kinds.is_empty() || kinds.iter().any(|kind| kind == row.kind));
    let mut all = BTreeSet::new();
    for row in chosen {
        of_row(row, &mut all);
    }
    Ok(all.into_iter().collect())
}

fn of_row(row: &'static Row, all: &mut BTreeSet<&'static str>) {
    of_list(row.list, all);
    of_details(row.details, all);
    row.beside.iter().for_each(|list| of_list(list, all));
    if row.reached {
        GRAPH.iter().for_each(|list| of_list(list, all));
    }
    if row.names_keys() || row.kind == "aws.s3.bucket" {
        of_list(&ALIASES, all);
    }
    if !row.global {
        all.insert("ec2:DescribeRegions");
    }
}

fn of_list(list: &'static List, all: &mut BTreeSet<&'static str>) {
    all.insert(list.ask.permission);
    if list.ask.service.discovered {
        all.insert(DISCOVERY);
    }
    of_details(list.details, all);
    if let Some(outer) = list.within {
        of_list(outer, all);
    }
}

fn of_details(details: &'static [Detail], all: &mut BTreeSet<&'static str>) {
    all.extend(details.iter().map(|detail| detail.ask.permission));
}

/// What the queue of changes needs, on that queue.
const CHANGES: [&str; 2] = ["sqs:DeleteMessage", "sqs:ReceiveMessage"];

/// The policy as a document for IAM; with `organization`, also what finds the accounts, and with `changes`, also what
/// takes events out of the queue with that ARN.
///
/// # Errors
/// A kind that is not read, or a text that is no ARN of a queue.
pub fn policy(kinds: &[String], organization: bool, changes: Option<&str>) -> Result<Value, String> {
    let mut actions = permissions(kinds)?;
    if organization {
        actions.push("organizations:ListAccounts");
        actions.sort_unstable();
    }
    let is_limited = |action: &str| LIMITED.iter().any(|(limited, ..)| *limited == action);
    let (limited, plain): (Vec<&str>, Vec<&str>) = actions.iter().partition(|action| is_limited(action));
    let mut statements =
        vec![json!({ "Sid": "OctroReads", "Effect": "Allow", "Action": plain, "Resource": "*" })];
    for (action, sid, resource) in LIMITED.iter().filter(|(action, ..)| limited.contains(action)) {
        statements.push(json!({ "Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource }));
    }
    if actions.contains(&"ec2:DescribeRegions") {
        let (action, resource) = super::offered::PERMISSION;
        let sid = "OctroReadsWhereServicesAreOffered";
        statements.push(json!({ "Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource }));
    }
    if let Some(queue) = changes {
        let is_queue = queue.starts_with("arn:aws") && queue.split(':').nth(2) == Some("sqs");
        if !is_queue || queue.contains(['*', '?']) {
            return Err(format!("`{queue}` is no queue; expected arn:aws:sqs:REGION:ACCOUNT:NAME"));
        }
        let sid = "OctroHearsOfChanges";
        statements.push(json!({ "Sid": sid, "Effect": "Allow", "Action": CHANGES, "Resource": queue }));
    }
    Ok(json!({ "Version": "2012-10-17", "Statement": statements }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_holds_what_its_kinds_need_and_no_more() {
        let of =
            |kinds: &[&str]| permissions(&kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            of(&["aws.sqs.queue"]).unwrap(),
            [
                "ec2:DescribeRegions",
                "kms:ListAliases",
                "sqs:GetQueueAttributes",
                "sqs:ListQueueTags",
                "sqs:ListQueues"
            ]
        );
        assert_eq!(of(&["aws.iam.role"]).unwrap(), ["iam:GetAccountAuthorizationDetails"]);
        assert!(of(&["aws.sqs.queues"]).unwrap_err().contains("aws.sqs.queue"));
        // Nothing writes, and nothing reads what is stored.
        let reads = ["Describe", "Get", "List", "BatchGet"];
        for permission in of(&[]).unwrap() {
            let action = permission.split_once(':').unwrap().1;
            if LIMITED.iter().any(|(limited, ..)| *limited == permission) {
                continue;
            }
            assert!(reads.iter().any(|verb| action.starts_with(verb)), "{permission}");
            for never in ["GetObject", "GetSecretValue", "GetParameter", "GetItem", "GetRecords"] {
                assert_ne!(action, never);
            }
        }
        assert_eq!(policy(&[], true, None).unwrap()["Statement"][0]["Effect"], "Allow");
        // Only whoever hears of changes may take messages, and of that queue alone.
        let queue = "arn:aws:sqs:eu-central-1:111122223333:octro";
        let with = policy(&[], false, Some(queue)).unwrap();
        let last = with["Statement"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["Action"], &last["Resource"]), (&json!(CHANGES), &json!(queue)));
        // What would allow more than is read is limited, and stands nowhere else.
        for (action, sid, resource) in LIMITED {
            let all = with["Statement"].as_array().unwrap();
            let own = all.iter().find(|one| one["Sid"] == *sid).unwrap();
            assert_eq!((&own["Action"], &own["Resource"]), (&json!(action), &json!(resource)));
            assert_eq!(with.to_string().matches(action).count(), 1);
        }
        assert!(!policy(&[], false, None).unwrap().to_string().contains("Message"));
        assert!(policy(&[], false, Some("arn:aws:sqs:eu-central-1:111122223333:*")).is_err());
    }
}
