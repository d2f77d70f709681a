//! The services that the table's rows call: names, versions and addresses, as their interfaces have them.

use octro_outbound::aws::api::Service;

pub(crate) const BACKUP: Service = Service::rest_json("backup");
pub(crate) const DAX: Service = Service::json("dax", "1.1", "AmazonDAXV3");
pub(crate) const DYNAMODB: Service = Service::json("dynamodb", "1.0", "DynamoDB_20120810");
pub(crate) const EC2: Service = Service::query("ec2", "2016-11-15");
pub(crate) const ECR: Service =
    Service::json("ecr", "1.1", "AmazonEC2ContainerRegistry_V20150921").at("api.ecr");
pub(crate) const API_GATEWAY: Service = Service::rest_json("apigateway");
pub(crate) const CLOUDFRONT: Service = Service::rest_xml("cloudfront").everywhere();
pub(crate) const ELB: Service = Service::query("elasticloadbalancing", "2012-06-01");
pub(crate) const ELB_V2: Service = Service::query("elasticloadbalancing", "2015-12-01");
pub(crate) const KEYSPACES: Service = Service::json("cassandra", "1.0", "KeyspacesService");
pub(crate) const OPENSEARCH_SERVERLESS: Service = Service::json("aoss", "1.0", "OpenSearchServerless");
pub(crate) const REDSHIFT_SERVERLESS: Service =
    Service::json("redshift-serverless", "1.1", "RedshiftServerless");
pub(crate) const TIMESTREAM: Service =
    Service::json("timestream", "1.0", "Timestream_20181101").at("ingest.timestream").discovered();
pub(crate) const EFS: Service = Service::rest_json("elasticfilesystem");
pub(crate) const ELASTICACHE: Service = Service::query("elasticache", "2015-02-02");
pub(crate) const FIREHOSE: Service = Service::json("firehose", "1.1", "Firehose_20150804");
pub(crate) const FSX: Service = Service::json("fsx", "1.1", "AWSSimbaAPIService_v20180301");
pub(crate) const IAM: Service = Service::query("iam", "2010-05-08").everywhere();
pub(crate) const KAFKA: Service = Service::rest_json("kafka");
pub(crate) const KINESIS: Service = Service::json("kinesis", "1.1", "Kinesis_20131202");
pub(crate) const KMS: Service = Service::json("kms", "1.1", "TrentService");
pub(crate) const LOGS: Service = Service::json("logs", "1.1", "Logs_20140328");
pub(crate) const MEMORYDB: Service = Service::json("memorydb", "1.1", "AmazonMemoryDB").at("memory-db");
pub(crate) const OPENSEARCH: Service = Service::rest_json("es");
pub(crate) const ORGANIZATIONS: Service =
    Service::json("organizations", "1.1", "AWSOrganizationsV20161128").everywhere();
pub(crate) const RDS: Service = Service::query("rds", "2014-10-31");
pub(crate) const REDSHIFT: Service = Service::query("redshift", "2012-12-01");
pub(crate) const S3: Service = Service::rest_xml("s3");
pub(crate) const S3_CONTROL: Service = Service::rest_xml("s3").at("{account}.s3-control");
pub(crate) const SECRETS: Service = Service::json("secretsmanager", "1.1", "secretsmanager");
pub(crate) const SNS: Service = Service::query("sns", "2010-03-31");
pub(crate) const SQS: Service = Service::json("sqs", "1.0", "AmazonSQS");
pub(crate) const SSM: Service = Service::json("ssm", "1.1", "AmazonSSM");
pub(crate) const TAGGING: Service = Service::json("tagging", "1.1", "ResourceGroupsTaggingAPI_20170126");
