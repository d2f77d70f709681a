//! The types of resources that are read from plans.

use super::types::{How, Put, Type, Unset, flag, key, later, put, tags, text};
use crate::aws::rows;

const DATABASE: &str = "arn:{partition}:rds:{region}:{account}:db:{DBInstanceIdentifier}";
const CLUSTER: &str = "arn:{partition}:rds:{region}:{account}:cluster:{DBClusterIdentifier}";
const DOMAIN: &str = "arn:{partition}:es:{region}:{account}:domain/{DomainName}";
const FILE_SYSTEM: &str = "arn:{partition}:fsx:{region}:{account}:file-system/{FileSystemId}";

const OF_CLUSTER: &[Put] = &[
    put("cluster_identifier", "DBClusterIdentifier"),
    put("engine", "Engine"),
    put("engine_version", "EngineVersion"),
    flag("storage_encrypted", "StorageEncrypted"),
    key("kms_key_id", "KmsKeyId").or_alias("alias/aws/rds", "storage_encrypted"),
    put("backup_retention_period", "BackupRetentionPeriod"),
    later("LatestRestorableTime"),
    flag("deletion_protection", "DeletionProtection"),
    put("auto_minor_version_upgrade", "AutoMinorVersionUpgrade").or_absent(),
    tags("TagList.Tag"),
];
const OF_DOMAIN: &[Put] = &[
    put("domain_name", "DomainName"),
    flag("encrypt_at_rest.enabled", "EncryptionAtRestOptions.Enabled").in_detail("domain"),
    key("encrypt_at_rest.kms_key_id", "EncryptionAtRestOptions.KmsKeyId")
        .or_alias("alias/aws/es", "encrypt_at_rest.enabled")
        .in_detail("domain"),
    flag("node_to_node_encryption.enabled", "NodeToNodeEncryptionOptions.Enabled").in_detail("domain"),
    flag("domain_endpoint_options.enforce_https", "DomainEndpointOptions.EnforceHTTPS").in_detail("domain"),
    put("access_policies", "AccessPolicies").or_absent().in_detail("domain"),
    tags("TagList").in_detail("tags"),
];
const OF_FILE_SYSTEM: &[Put] =
    &[put("id", "FileSystemId"), key("kms_key_id", "KmsKeyId").or_alias("alias/aws/fsx", ""), tags("Tags")];

/// Every type. Buckets and keys have more to them, which is put together beside.
pub(super) static TYPES: &[Type] = &[
    Type {
        name: "aws_s3_bucket",
        row: &rows::s3::BUCKET,
        arn: "arn:{partition}:s3:::{Name}",
        puts: &[put("bucket", "Name"), tags("TagSet.Tag").in_detail("tags")],
    },
    Type {
        name: "aws_kms_key",
        row: &rows::KEY,
        arn: "arn:{partition}:kms:{region}:{account}:key/{KeyArn}",
        puts: &[
            text("KeyManager", "CUSTOMER").in_detail("key"),
            put("is_enabled", "Enabled").in_detail("key"),
            put("is_enabled", "KeyState").words("Enabled", "Disabled").in_detail("key"),
            put("customer_master_key_spec", "KeySpec").in_detail("key"),
            text("Origin", "AWS_KMS").in_detail("key"),
            flag("enable_key_rotation", "KeyRotationEnabled").in_detail("rotation"),
            put("rotation_period_in_days", "RotationPeriodInDays").or_absent().in_detail("rotation"),
        ],
    },
    Type {
        name: "aws_db_instance",
        row: &rows::rds::INSTANCE,
        arn: DATABASE,
        puts: &[
            put("identifier", "DBInstanceIdentifier"),
            put("engine", "Engine"),
            put("engine_version", "EngineVersion"),
            flag("storage_encrypted", "StorageEncrypted"),
            key("kms_key_id", "KmsKeyId").or_alias("alias/aws/rds", "storage_encrypted"),
            flag("publicly_accessible", "PubliclyAccessible"),
            put("backup_retention_period", "BackupRetentionPeriod"),
            later("LatestRestorableTime"),
            flag("deletion_protection", "DeletionProtection"),
            put("auto_minor_version_upgrade", "AutoMinorVersionUpgrade"),
            tags("TagList.Tag"),
        ],
    },
    Type { name: "aws_rds_cluster", row: &rows::rds::CLUSTER, arn: CLUSTER, puts: OF_CLUSTER },
    Type { name: "aws_docdb_cluster", row: &rows::rds::CLUSTER, arn: CLUSTER, puts: OF_CLUSTER },
    Type { name: "aws_neptune_cluster", row: &rows::rds::CLUSTER, arn: CLUSTER, puts: OF_CLUSTER },
    Type {
        name: "aws_dynamodb_table",
        row: &rows::databases::TABLE,
        arn: "arn:{partition}:dynamodb:{region}:{account}:table/{@}",
        puts: &[
            put("name", "@"),
            key("server_side_encryption.kms_key_arn", "SSEDescription.KMSMasterKeyArn")
                .or_alias("alias/aws/dynamodb", "server_side_encryption.enabled")
                .in_detail("table"),
            flag("deletion_protection_enabled", "DeletionProtectionEnabled").in_detail("table"),
            flag("point_in_time_recovery.enabled", "PointInTimeRecoveryStatus")
                .words("ENABLED", "DISABLED")
                .in_detail("backups"),
            tags("Tags").in_detail("tags"),
        ],
    },
    Type {
        name: "aws_dax_cluster",
        row: &rows::databases::DAX_CLUSTER,
        arn: "arn:{partition}:dax:{region}:{account}:cache/{ClusterName}",
        puts: &[
            put("cluster_name", "ClusterName"),
            flag("server_side_encryption.enabled", "SSEDescription.Status").words("ENABLED", "DISABLED"),
            tags("Tags").in_detail("tags"),
        ],
    },
    Type {
        name: "aws_elasticache_replication_group",
        row: &rows::databases::CACHE,
        arn: "arn:{partition}:elasticache:{region}:{account}:replicationgroup:{ReplicationGroupId}",
        puts: &[
            put("replication_group_id", "ReplicationGroupId"),
            flag("at_rest_encryption_enabled", "AtRestEncryptionEnabled"),
            flag("transit_encryption_enabled", "TransitEncryptionEnabled"),
            key("kms_key_id", "KmsKeyId"),
            tags("TagList.Tag").in_detail("tags"),
        ],
    },
    Type {
        name: "aws_memorydb_cluster",
        row: &rows::databases::MEMORY,
        arn: "arn:{partition}:memorydb:{region}:{account}:cluster/{Name}",
        puts: &[
            put("name", "Name"),
            put("tls_enabled", "TLSEnabled"),
            key("kms_key_arn", "KmsKeyId"),
            tags("TagList").in_detail("tags"),
        ],
    },
    Type { name: "aws_opensearch_domain", row: &rows::databases::DOMAIN, arn: DOMAIN, puts: OF_DOMAIN },
    Type { name: "aws_elasticsearch_domain", row: &rows::databases::DOMAIN, arn: DOMAIN, puts: OF_DOMAIN },
    Type {
        name: "aws_redshift_cluster",
        row: &rows::databases::WAREHOUSE,
        arn: "arn:{partition}:redshift:{region}:{account}:cluster:{ClusterIdentifier}",
        puts: &[
            put("cluster_identifier", "ClusterIdentifier"),
            put("encrypted", "Encrypted"),
            key("kms_key_id", "KmsKeyId").or_alias("alias/aws/redshift", "encrypted"),
            put("publicly_accessible", "PubliclyAccessible"),
            tags("Tags.Tag"),
        ],
    },
    Type {
        name: "aws_ebs_volume",
        row: &rows::ebs::VOLUME,
        arn: "arn:{partition}:ec2:{region}:{account}:volume/{volumeId}",
        puts: &[
            put("id", "volumeId"),
            put("encrypted", "encrypted"),
            key("kms_key_id", "kmsKeyId").or_alias("alias/aws/ebs", "encrypted"),
            put("size", "size"),
            tags("tagSet.item"),
        ],
    },
    Type {
        name: "aws_ebs_encryption_by_default",
        row: &rows::ebs::DEFAULTS,
        arn: "{account}/{region}",
        puts: &[put("enabled", "ebsEncryptionByDefault")],
    },
    Type {
        name: "aws_efs_file_system",
        row: &rows::files::SHARE,
        arn: "arn:{partition}:elasticfilesystem:{region}:{account}:file-system/{FileSystemId}",
        puts: &[
            put("id", "FileSystemId"),
            put("creation_token", "Name"),
            put("encrypted", "Encrypted"),
            key("kms_key_id", "KmsKeyId").or_alias("alias/aws/elasticfilesystem", "encrypted"),
            tags("Tags"),
        ],
    },
    Type {
        name: "aws_fsx_lustre_file_system",
        row: &rows::files::FILE_SYSTEM,
        arn: FILE_SYSTEM,
        puts: OF_FILE_SYSTEM,
    },
    Type {
        name: "aws_fsx_windows_file_system",
        row: &rows::files::FILE_SYSTEM,
        arn: FILE_SYSTEM,
        puts: OF_FILE_SYSTEM,
    },
    Type {
        name: "aws_fsx_ontap_file_system",
        row: &rows::files::FILE_SYSTEM,
        arn: FILE_SYSTEM,
        puts: OF_FILE_SYSTEM,
    },
    Type {
        name: "aws_fsx_openzfs_file_system",
        row: &rows::files::FILE_SYSTEM,
        arn: FILE_SYSTEM,
        puts: OF_FILE_SYSTEM,
    },
    Type {
        name: "aws_sqs_queue",
        row: &rows::queues::QUEUE,
        arn: "arn:{partition}:sqs:{region}:{account}:{@}",
        puts: &[
            put("name", "@"),
            flag("sqs_managed_sse_enabled", "SqsManagedSseEnabled").in_detail("queue"),
            key("kms_master_key_id", "KmsMasterKeyId").in_detail("queue"),
            put("policy", "Policy").or_absent().in_detail("queue"),
            tags("Tags").in_detail("tags"),
        ],
    },
    Type {
        name: "aws_sns_topic",
        row: &rows::queues::TOPIC,
        arn: "arn:{partition}:sns:{region}:{account}:{@}",
        puts: &[
            put("name", "@"),
            key("kms_master_key_id", "KmsMasterKeyId").in_detail("topic"),
            put("policy", "Policy").or_absent().in_detail("topic"),
            tags("Tags.member").in_detail("tags"),
        ],
    },
    Type {
        name: "aws_kinesis_stream",
        row: &rows::streams::STREAM,
        arn: "arn:{partition}:kinesis:{region}:{account}:stream/{@}",
        puts: &[
            put("name", "@"),
            put("encryption_type", "EncryptionType").in_detail("stream"),
            key("kms_key_id", "KeyId").in_detail("stream"),
            tags("Tags").in_detail("tags"),
        ],
    },
    Type {
        name: "aws_kinesis_firehose_delivery_stream",
        row: &rows::streams::DELIVERY,
        arn: "arn:{partition}:firehose:{region}:{account}:deliverystream/{@}",
        puts: &[
            put("name", "@"),
            Put {
                how: How::Without("DirectPut"),
                unset: Unset::Absent,
                ..put("kinesis_source_configuration.kinesis_stream_arn", "DeliveryStreamType")
                    .in_detail("stream")
            },
            flag("server_side_encryption.enabled", "DeliveryStreamEncryptionConfiguration.Status")
                .words("ENABLED", "DISABLED")
                .in_detail("stream"),
            key("server_side_encryption.key_arn", "DeliveryStreamEncryptionConfiguration.KeyARN")
                .in_detail("stream"),
            tags("Tags").in_detail("tags"),
        ],
    },
    Type {
        name: "aws_cloudwatch_log_group",
        row: &rows::streams::LOG_GROUP,
        arn: "arn:{partition}:logs:{region}:{account}:log-group:{logGroupName}",
        puts: &[
            put("name", "logGroupName"),
            key("kms_key_id", "kmsKeyId"),
            put("retention_in_days", "retentionInDays").or_absent(),
            tags("tags").in_detail("tags"),
        ],
    },
    Type {
        name: "aws_msk_cluster",
        row: &rows::streams::KAFKA_CLUSTER,
        arn: "arn:{partition}:kafka:{region}:{account}:cluster/{clusterName}",
        puts: &[
            put("cluster_name", "clusterName"),
            text("clusterType", "PROVISIONED"),
            key(
                "encryption_info.encryption_at_rest_kms_key_arn",
                "provisioned.encryptionInfo.encryptionAtRest.dataVolumeKMSKeyId",
            )
            .or_alias("alias/aws/kafka", ""),
            tags("tags"),
        ],
    },
    Type {
        name: "aws_msk_serverless_cluster",
        row: &rows::streams::KAFKA_CLUSTER,
        arn: "arn:{partition}:kafka:{region}:{account}:cluster/{clusterName}",
        puts: &[put("cluster_name", "clusterName"), text("clusterType", "SERVERLESS"), tags("tags")],
    },
    Type {
        name: "aws_secretsmanager_secret",
        row: &rows::files::SECRET,
        arn: "arn:{partition}:secretsmanager:{region}:{account}:secret:{Name}",
        puts: &[put("name", "Name"), key("kms_key_id", "KmsKeyId"), tags("Tags")],
    },
    Type {
        name: "aws_ssm_parameter",
        row: &rows::files::PARAMETER,
        arn: "arn:{partition}:ssm:{region}:{account}:parameter/{/Name}",
        puts: &[
            put("name", "Name"),
            put("type", "Type"),
            key("key_id", "KeyId").or_alias("alias/aws/ssm", "type"),
            tags("TagList").in_detail("tags"),
        ],
    },
    Type {
        name: "aws_ecr_repository",
        row: &rows::files::REPOSITORY,
        arn: "arn:{partition}:ecr:{region}:{account}:repository/{repositoryName}",
        puts: &[
            put("name", "repositoryName"),
            put("image_tag_mutability", "imageTagMutability"),
            key("encryption_configuration.kms_key", "encryptionConfiguration.kmsKey")
                .or_alias("alias/aws/ecr", "encryption_configuration.encryption_type"),
            tags("tags").in_detail("tags"),
        ],
    },
    Type {
        name: "aws_backup_vault",
        row: &rows::files::VAULT,
        arn: "arn:{partition}:backup:{region}:{account}:backup-vault:{BackupVaultName}",
        puts: &[
            put("name", "BackupVaultName"),
            key("kms_key_arn", "EncryptionKeyArn").or_alias("alias/aws/backup", ""),
            tags("Tags").in_detail("tags"),
        ],
    },
];

/// Types that belong to another, or that hold nothing: no word is lost on them.
pub(super) const BESIDE: &[&str] = &[
    "aws_db_parameter_group",
    "aws_ebs_default_kms_key",
    "aws_elasticsearch_domain_policy",
    "aws_kms_alias",
    "aws_kms_key_policy",
    "aws_opensearch_domain_policy",
    "aws_rds_cluster_parameter_group",
    "aws_s3_account_public_access_block",
    "aws_s3_bucket_acl",
    "aws_s3_bucket_logging",
    "aws_s3_bucket_object_lock_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_sns_topic_policy",
    "aws_sqs_queue_policy",
];
