"""Prepares a large estate in the AWS that answers at AWS_ENDPOINT_URL (moto): as many buckets as the first argument says
(1,000), and 300 other datastores. Of eight buckets in a row none is like another."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3

HOME = "us-east-1"
BLOCK = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
CLASSES = ("customer", "internal", "personal")


def client(name):
    return boto3.client(name, region_name=HOME)


def tags(number):
    return [{"Key": "data-class", "Value": CLASSES[number % 3]}]


def bucket(s3, key, number):
    name = f"bench-{number:07}"
    s3.create_bucket(Bucket=name)
    if number % 5:
        rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if number % 2 else {"SSEAlgorithm": "AES256"}
        s3.put_bucket_encryption(
            Bucket=name,
            ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]},
        )
    if number % 3:
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=BLOCK)
    if number % 7 == 0:
        s3.put_bucket_acl(Bucket=name, ACL="public-read")
    if number % 2:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if number % 4 == 0:
        deny = {
            "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    if number % 8:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags(number)})


def others(key):
    dynamodb, sqs, sns, ec2 = client("dynamodb"), client("sqs"), client("sns"), client("ec2")
    rds, logs, secrets, kinesis, efs = client("rds"), client("logs"), client("secretsmanager"), client("kinesis"), client("efs")
    for number in range(60):
        name, with_key = f"bench-{number:03}", number % 2 == 0
        dynamodb.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST", Tags=tags(number),
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            **({"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}} if with_key else {}),
        )
        sqs.create_queue(
            QueueName=name, tags={"data-class": CLASSES[number % 3]},
            Attributes={"KmsMasterKeyId": key} if with_key else {"SqsManagedSseEnabled": "false"},
        )
        if number < 40:
            sns.create_topic(Name=name, Tags=tags(number), Attributes={"KmsMasterKeyId": key} if with_key else {})
            ec2.create_volume(
                AvailabilityZone=f"{HOME}a", Size=8, Encrypted=with_key,
                TagSpecifications=[{"ResourceType": "volume", "Tags": tags(number)}], **({"KmsKeyId": key} if with_key else {}),
            )
        if number < 20:
            rds.create_db_instance(
                DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t3.micro", AllocatedStorage=20,
                MasterUsername="u", MasterUserPassword="not-a-secret", Tags=tags(number), PubliclyAccessible=number % 5 == 0,
                StorageEncrypted=with_key, **({"KmsKeyId": key} if with_key else {}),
            )
            logs.create_log_group(logGroupName=f"/{name}", tags={"data-class": "internal"}, **({"kmsKeyId": key} if with_key else {}))
            secrets.create_secret(Name=name, SecretString="x", Tags=tags(number), **({"KmsKeyId": key} if with_key else {}))
            kinesis.create_stream(StreamName=name, ShardCount=1)
            efs.create_file_system(
                CreationToken=name, Encrypted=with_key, Tags=tags(number), **({"KmsKeyId": key} if with_key else {})
            )


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    kms = client("kms")
    key = kms.create_key(Description="bench")["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=key)
    s3 = client("s3")
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda number: bucket(s3, key, number), range(count)):
            pass
    others(key)


main()
