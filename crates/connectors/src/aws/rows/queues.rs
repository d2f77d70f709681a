//! Queues and topics: SQS and SNS, whose policies may let anyone in.

use serde_json::Value;

use crate::aws::document::Document;
use crate::aws::facts::{Facts, Known, Look, flag};
use crate::aws::row::{Ask, Detail, Form, List, Row, Said, item, made, of};
use crate::aws::services::{SNS, SQS};

const QUEUE_GONE: &[&str] = &["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"];
const TOPIC_GONE: &[&str] = &["NotFound", "NotFoundException"];

static QUEUES: List = List::paged(
    Ask::of(&SQS, "ListQueues", "sqs:ListQueues", &[("MaxResults", Said::Number(1_000))]),
    "?QueueUrls",
    "NextToken",
    "NextToken",
);
static TOPICS: List = List::paged(
    Ask::of(&SNS, "ListTopics", "sns:ListTopics", &[]),
    "Topics.member",
    "NextToken",
    "NextToken",
);

pub(crate) static QUEUE: Row =
    Row::of("aws.sqs.queue", &QUEUES, "arn:{partition}:sqs:{region}:{account}:{@/}")
        .asking(&[
            Detail::of(
                "queue",
                Ask::of(
                    &SQS,
                    "GetQueueAttributes",
                    "sqs:GetQueueAttributes",
                    &[("QueueUrl", Said::Text("{@}")), ("AttributeNames", Said::List("All"))],
                ),
            )
            .at("Attributes")
            .gone(QUEUE_GONE),
            Detail::of(
                "tags",
                Ask::of(&SQS, "ListQueueTags", "sqs:ListQueueTags", &[("QueueUrl", Said::Text("{@}"))]),
            )
            .gone(QUEUE_GONE),
        ])
        .with(&[
            item("name", "{@/}", Form::Template),
            of("data_class", "tags", "Tags", Form::Class),
            made("encrypted", queue_encrypted),
            of("kms_key_id", "queue", "KmsMasterKeyId", Form::Key),
            made("policy_public", |facts| policy_public(facts, "queue", "Policy")),
        ]);

pub(crate) static TOPIC: Row = Row::of("aws.sns.topic", &TOPICS, "{TopicArn}")
    .asking(&[
        Detail::of(
            "topic",
            Ask::of(
                &SNS,
                "GetTopicAttributes",
                "sns:GetTopicAttributes",
                &[("TopicArn", Said::Text("{TopicArn}"))],
            ),
        )
        .at("Attributes")
        .gone(TOPIC_GONE),
        Detail::of(
            "tags",
            Ask::of(
                &SNS,
                "ListTagsForResource",
                "sns:ListTagsForResource",
                &[("ResourceArn", Said::Text("{TopicArn}"))],
            ),
        )
        .gone(&["ResourceNotFound", "ResourceNotFoundException"]),
    ])
    .with(&[
        made("name", |facts| facts.key.rsplit(':').next().map_or(Known::Absent, Known::text)),
        of("data_class", "tags", "Tags.member", Form::Class),
        of("kms_key_id", "topic", "#KmsMasterKeyId", Form::Key),
        made("policy_public", |facts| policy_public(facts, "topic", "#Policy")),
    ]);

/// Either way of encryption counts: a service may say that it does both.
fn queue_encrypted(facts: &Facts<'_>) -> Known {
    match (facts.look("queue", "KmsMasterKeyId"), facts.look("queue", "SqsManagedSseEnabled")) {
        (Look::Unknown(reason), _) | (_, Look::Unknown(reason)) => Known::Unknown(reason),
        (Look::There(Value::String(key)), _) if !key.is_empty() => Known::flag(true),
        (_, Look::There(managed)) => flag(managed)
            .map_or_else(|| Known::odd(format!("`SqsManagedSseEnabled` is {managed}")), Known::flag),
        (_, Look::Absent) => Known::flag(false),
    }
}

pub(super) fn policy_public(facts: &Facts<'_>, from: &str, path: &str) -> Known {
    match facts.look(from, path) {
        Look::Unknown(reason) => Known::Unknown(reason),
        Look::Absent => Known::Absent,
        Look::There(Value::String(text)) if text.is_empty() => Known::Absent,
        Look::There(value) => match Document::read(value) {
            Ok(document) => Known::flag(document.is_open()),
            Err(what) => Known::odd(what),
        },
    }
}
