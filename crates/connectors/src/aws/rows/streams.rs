//! Streams and logs: Kinesis, Firehose, MSK, CloudWatch Logs.

use crate::aws::row::{Ask, Detail, Form, List, Row, Said, item, of};
use crate::aws::services::{FIREHOSE, KAFKA, KINESIS, LOGS};

const GONE: &[&str] = &["ResourceNotFoundException"];

static STREAMS: List = List::behind(
    Ask::of(&KINESIS, "ListStreams", "kinesis:ListStreams", &[("Limit", Said::Number(1_000))]),
    "StreamNames",
    "HasMoreStreams",
    "ExclusiveStartStreamName",
);
static DELIVERIES: List = List::behind(
    Ask::of(
        &FIREHOSE,
        "ListDeliveryStreams",
        "firehose:ListDeliveryStreams",
        &[("Limit", Said::Number(1_000))],
    ),
    "DeliveryStreamNames",
    "HasMoreDeliveryStreams",
    "ExclusiveStartDeliveryStreamName",
);
static CLUSTERS: List = List::paged(
    Ask::get(&KAFKA, "/api/v2/clusters", "kafka:ListClustersV2", &[]),
    "clusterInfoList",
    "nextToken",
    "nextToken",
);
static GROUPS: List = List::paged(
    Ask::of(&LOGS, "DescribeLogGroups", "logs:DescribeLogGroups", &[("limit", Said::Number(50))]),
    "logGroups",
    "nextToken",
    "nextToken",
);

pub(crate) static STREAM: Row =
    Row::of("aws.kinesis.stream", &STREAMS, "arn:{partition}:kinesis:{region}:{account}:stream/{@}")
        .asking(&[
            Detail::of(
                "stream",
                Ask::of(
                    &KINESIS,
                    "DescribeStreamSummary",
                    "kinesis:DescribeStreamSummary",
                    &[("StreamName", Said::Text("{@}"))],
                ),
            )
            .at("StreamDescriptionSummary")
            .gone(GONE),
            Detail::of(
                "tags",
                Ask::of(
                    &KINESIS,
                    "ListTagsForStream",
                    "kinesis:ListTagsForStream",
                    &[("StreamName", Said::Text("{@}"))],
                ),
            )
            .gone(GONE),
        ])
        .with(&[
            item("name", "@", Form::Text),
            of("data_class", "tags", "Tags", Form::Class),
            of("encrypted", "stream", "EncryptionType", Form::Is("KMS")),
            of("kms_key_id", "stream", "KeyId", Form::Key),
        ]);

pub(crate) static DELIVERY: Row = Row::of(
    "aws.firehose.stream",
    &DELIVERIES,
    "arn:{partition}:firehose:{region}:{account}:deliverystream/{@}",
)
.asking(&[
    Detail::of(
        "stream",
        Ask::of(
            &FIREHOSE,
            "DescribeDeliveryStream",
            "firehose:DescribeDeliveryStream",
            &[("DeliveryStreamName", Said::Text("{@}"))],
        ),
    )
    .at("DeliveryStreamDescription")
    .gone(GONE),
    Detail::of(
        "tags",
        Ask::of(
            &FIREHOSE,
            "ListTagsForDeliveryStream",
            "firehose:ListTagsForDeliveryStream",
            &[("DeliveryStreamName", Said::Text("{@}"))],
        ),
    )
    .gone(GONE),
])
.with(&[
    item("name", "@", Form::Text),
    of("data_class", "tags", "Tags", Form::Class),
    of("direct", "stream", "DeliveryStreamType", Form::Is("DirectPut")),
    of("encrypted", "stream", "DeliveryStreamEncryptionConfiguration.Status", Form::Is("ENABLED")),
    of("kms_key_id", "stream", "DeliveryStreamEncryptionConfiguration.KeyARN", Form::Key),
]);

pub(crate) static KAFKA_CLUSTER: Row = Row::of("aws.msk.cluster", &CLUSTERS, "{clusterArn}").with(&[
    item("name", "clusterName", Form::Text),
    item("data_class", "tags", Form::Class),
    item("serverless", "clusterType", Form::Is("SERVERLESS")),
    item("kms_key_id", "provisioned.encryptionInfo.encryptionAtRest.dataVolumeKMSKeyId", Form::Key),
]);

pub(crate) static LOG_GROUP: Row =
    Row::of("aws.logs.group", &GROUPS, "arn:{partition}:logs:{region}:{account}:log-group:{logGroupName}")
        .asking(&[Detail::of(
            "tags",
            Ask::of(
                &LOGS,
                "ListTagsForResource",
                "logs:ListTagsForResource",
                &[("resourceArn", Said::Text("{key}"))],
            ),
        )
        .gone(GONE)])
        .with(&[
            item("name", "logGroupName", Form::Text),
            of("data_class", "tags", "tags", Form::Class),
            item("kms_key_id", "kmsKeyId", Form::Key),
            item("retention", "retentionInDays", Form::Days),
        ]);
