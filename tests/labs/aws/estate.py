"""Prepares an estate in the AWS that answers at AWS_ENDPOINT_URL (moto): datastores that are right, and one for each
way in which they are wrong. The names say what is the matter. Prints what was given a number by the service."""

import json

import boto3

ACCOUNT = "123456789012"
HOME, OTHER = "us-east-1", "eu-west-1"
CUSTOMER = [{"Key": "data-class", "Value": "customer"}]
INTERNAL = [{"Key": "data-class", "Value": "internal"}]
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
FOREIGN = f"arn:aws:kms:{HOME}:999988887777:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def client(name, region=HOME):
    return boto3.client(name, region_name=region)


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def keys():
    kms = client("kms")
    made = {}
    for name in ("good", "disabled", "ending", "open", "still"):
        policy = document({**OPEN, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"})
        if name == "open":
            policy = document({**OPEN, "Action": "kms:Decrypt"})
        key = kms.create_key(Policy=policy, Description=name)["KeyMetadata"]
        made[name] = key["Arn"]
        kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key["KeyId"])
        if name != "still":
            kms.enable_key_rotation(KeyId=key["KeyId"])
    kms.create_grant(
        KeyId=made["open"], GranteePrincipal="arn:aws:iam::999988887777:role/partner", Operations=["Decrypt"]
    )
    kms.create_grant(KeyId=made["good"], GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:role/web", Operations=["Decrypt"])
    kms.disable_key(KeyId=made["disabled"].rsplit("/")[-1])
    kms.schedule_key_deletion(KeyId=made["ending"].rsplit("/")[-1], PendingWindowInDays=7)
    return made


def buckets(key):
    s3 = client("s3")
    block = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )

    def tls(name, resources=("", "/*"), **more):
        return {
            "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{name}{end}" for end in resources],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}, **more,
        }

    def bucket(name, tags=CUSTOMER, kms=None, blocked=True, policy=None, acl=None, versioning=True, log=True):
        s3.create_bucket(Bucket=name)
        rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms} if kms else {"SSEAlgorithm": "AES256"}
        rules = [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": bool(kms)}]
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
        if tags:
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
        if acl:
            s3.put_bucket_acl(Bucket=name, ACL=acl)
        if policy:
            s3.put_bucket_policy(Bucket=name, Policy=document(*policy))
        if blocked:
            s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
        if versioning:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        if log:
            s3.put_bucket_logging(
                Bucket=name, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "acme-logs", "TargetPrefix": name}}
            )

    s3.create_bucket(Bucket="acme-logs")
    s3.put_bucket_tagging(Bucket="acme-logs", Tagging={"TagSet": INTERNAL})
    s3.put_public_access_block(Bucket="acme-logs", PublicAccessBlockConfiguration=block)
    s3.put_bucket_policy(Bucket="acme-logs", Policy=document(tls("acme-logs", Principal={"AWS": "*"})))
    logs = "http://acs.amazonaws.com/groups/s3/LogDelivery"
    owner = s3.get_bucket_acl(Bucket="acme-logs")["Owner"]
    s3.put_bucket_acl(Bucket="acme-logs", AccessControlPolicy={"Owner": owner, "Grants": [
        {"Grantee": {"Type": "Group", "URI": logs}, "Permission": right} for right in ("WRITE", "READ_ACP")
    ]})

    def good(name, **more):
        bucket(name, **{"kms": key["good"], "policy": [tls(name)], **more})

    good("acme-good")
    good("acme-alias", kms="alias/good")
    good("acme-unclassified", tags=None)
    good("acme-aes", kms=None)
    good("acme-disabled-key", kms=key["disabled"])
    good("acme-ending-key", kms=key["ending"])
    good("acme-foreign-key", kms=FOREIGN)
    good("acme-unversioned", versioning=False)
    good("acme-unlogged", log=False)
    good("acme-unblocked", blocked=False)
    reading = {**OPEN, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-open-policy/*"}
    good("acme-open-policy", blocked=False, policy=[tls("acme-open-policy"), reading])
    reading = {**reading, "Resource": "arn:aws:s3:::acme-closed-policy/*"}
    good("acme-closed-policy", policy=[tls("acme-closed-policy"), reading])
    good("acme-open-acl", blocked=False, acl="public-read")
    good("acme-tls-objects", policy=[tls("acme-tls-objects", ("/*",))])
    good("acme-tls-some", policy=[tls("acme-tls-some", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})])
    good("acme-no-policy", policy=None)


def databases(key, net):
    rds = client("rds")
    for name in ("private", "public"):
        subnets = [net[f"subnet-{name}-{zone}"] for zone in ("a", "b")]
        rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="x", SubnetIds=subnets)
        client("redshift").create_cluster_subnet_group(ClusterSubnetGroupName=name, Description="x", SubnetIds=subnets)
    for name, value in (("with-tls", "1"), ("without-tls", "0")):
        rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres16", Description="x")
        rds.modify_db_parameter_group(
            DBParameterGroupName=name,
            Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": value, "ApplyMethod": "immediate"}],
        )
    for name, more in {
        "db-good": {"DBParameterGroupName": "with-tls"}, "db-clear": {"StorageEncrypted": False, "DBParameterGroupName": "without-tls"}, "db-open": {"PubliclyAccessible": True, "DBSubnetGroupName": "public", "VpcSecurityGroupIds": [net["net-open-data"]]},
        "db-unrouted": {"PubliclyAccessible": True, "VpcSecurityGroupIds": [net["net-open-data"]]},
        "db-unclassified": {"Tags": []}, "db-brief": {"BackupRetentionPeriod": 1, "VpcSecurityGroupIds": [net["net-of-bastion"]]},
    }.items():
        given = {"StorageEncrypted": True, "KmsKeyId": key["good"], "Tags": CUSTOMER, "BackupRetentionPeriod": 30, "PubliclyAccessible": False, "DBSubnetGroupName": "private", "VpcSecurityGroupIds": [net["net-data"]], **more}
        if not given["StorageEncrypted"]:
            del given["KmsKeyId"]
        rds.create_db_instance(
            DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t3.micro", AllocatedStorage=20,
            MasterUsername="u", MasterUserPassword="not-a-secret", DeletionProtection=False, **given,
        )
    rds.create_db_snapshot(DBInstanceIdentifier="db-good", DBSnapshotIdentifier="snap-of-good")
    rds.create_db_snapshot(DBInstanceIdentifier="db-clear", DBSnapshotIdentifier="snap-of-clear")
    rds.create_db_snapshot(DBInstanceIdentifier="db-brief", DBSnapshotIdentifier="snap-shared")
    rds.modify_db_snapshot_attribute(
        DBSnapshotIdentifier="snap-shared", AttributeName="restore", ValuesToAdd=["all"]
    )
    for name, encrypted in (("cluster-good", True), ("cluster-clear", False)):
        more = {"KmsKeyId": key["good"]} if encrypted else {}
        rds.create_db_cluster(
            DBClusterIdentifier=name, Engine="aurora-postgresql", MasterUsername="u", BackupRetentionPeriod=30,
            MasterUserPassword="not-a-secret", StorageEncrypted=encrypted, Tags=INTERNAL, **more,
        )
    rds.create_db_cluster_snapshot(DBClusterIdentifier="cluster-good", DBClusterSnapshotIdentifier="snap-of-cluster")
    dynamodb = client("dynamodb")
    for name, tags, sse in (
        ("table-good", CUSTOMER, {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key["good"]}),
        ("table-default", CUSTOMER, None), ("table-internal", INTERNAL, None), ("table-unclassified", [], None),
    ):
        dynamodb.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True, Tags=tags,
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], **({"SSESpecification": sse} if sse else {}),
        )
    dynamodb.update_continuous_backups(
        TableName="table-good", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    redshift = client("redshift")
    for name, encrypted, public, subnets, group in (
        ("house-good", True, False, "private", "net-data"), ("house-clear", False, False, "private", "net-of-bastion"),
        ("house-open", True, True, "public", "net-open-data"),
    ):
        redshift.create_cluster(
            ClusterIdentifier=name, NodeType="ra3.large", MasterUsername="user", MasterUserPassword="Passw0rd-x",
            Encrypted=encrypted, PubliclyAccessible=public, Tags=CUSTOMER, Port=5432,
            ClusterSubnetGroupName=subnets, VpcSecurityGroupIds=[net[group]],
            **({"KmsKeyId": key["good"]} if encrypted else {}),
        )
    cache = client("elasticache")
    for name, encrypted in (("cache-good", True), ("cache-clear", False)):
        cache.create_replication_group(
            ReplicationGroupId=name, ReplicationGroupDescription="x", Engine="redis", CacheNodeType="cache.t3.micro",
            NumCacheClusters=1, AtRestEncryptionEnabled=encrypted, Tags=CUSTOMER,
            **({"KmsKeyId": key["good"]} if encrypted else {}),
        )
    search = client("opensearch")
    for name, encrypted in (("search-good", True), ("search-clear", False)):
        search.create_domain(
            DomainName=name, EncryptionAtRestOptions={"Enabled": encrypted, **({"KmsKeyId": key["good"]} if encrypted else {})},
            TagList=CUSTOMER,
            AccessPolicies=document(OPEN if name == "search-clear" else {**OPEN, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}),
        )
    client("memorydb").create_cluster(ClusterName="memory-default", NodeType="db.t4g.small", ACLName="open-access", Tags=CUSTOMER)
    for name, encrypted in (("dax-good", True), ("dax-clear", False)):
        client("dax").create_cluster(
            ClusterName=name, NodeType="dax.t3.small", ReplicationFactor=1, IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/web",
            SSESpecification={"Enabled": encrypted}, Tags=INTERNAL,
        )


def volumes(key):
    made = {}
    ec2 = client("ec2")

    def tags(kind, list_of):
        return [{"ResourceType": kind, "Tags": list_of}]

    for name, encrypted in (("volume-good", True), ("volume-clear", False)):
        more = {"KmsKeyId": key["good"]} if encrypted else {}
        volume = ec2.create_volume(
            AvailabilityZone=f"{HOME}a", Size=8, Encrypted=encrypted, TagSpecifications=tags("volume", CUSTOMER), **more
        )
        made[name] = volume["VolumeId"]
        made[f"snap-of-{name}"] = ec2.create_snapshot(VolumeId=volume["VolumeId"])["SnapshotId"]
    shared = ec2.create_volume(
        AvailabilityZone=f"{HOME}a", Size=8, Encrypted=True, KmsKeyId=key["good"], TagSpecifications=tags("volume", INTERNAL)
    )
    made["volume-shared"] = shared["VolumeId"]
    made["snap-of-volume-shared"] = ec2.create_snapshot(VolumeId=shared["VolumeId"])["SnapshotId"]
    ec2.modify_snapshot_attribute(
        SnapshotId=made["snap-of-volume-shared"], Attribute="createVolumePermission", OperationType="add", GroupNames=["all"]
    )
    ec2.enable_ebs_encryption_by_default()
    efs = client("efs")
    for name, encrypted in (("share-good", True), ("share-clear", False)):
        share = efs.create_file_system(
            CreationToken=name, Encrypted=encrypted, Tags=CUSTOMER, **({"KmsKeyId": key["good"]} if encrypted else {})
        )
        made[name] = share["FileSystemId"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    made["fsx"] = client("fsx").create_file_system(
        FileSystemType="LUSTRE", StorageCapacity=1200, SubnetIds=[subnet], KmsKeyId=key["good"], Tags=CUSTOMER
    )["FileSystem"]["FileSystemId"]
    return made


def streams(key):
    sqs, sns = client("sqs"), client("sns")
    tag = {"data-class": "internal"}
    sqs.create_queue(QueueName="queue-good", Attributes={"SqsManagedSseEnabled": "true"}, tags=tag)
    sqs.create_queue(QueueName="queue-kms", Attributes={"KmsMasterKeyId": key["good"]}, tags={"data-class": "customer"})
    sqs.create_queue(QueueName="queue-clear", Attributes={"SqsManagedSseEnabled": "false"}, tags=tag)
    sqs.create_queue(QueueName="queue-own", Attributes={"SqsManagedSseEnabled": "true"}, tags={"data-class": "customer"})
    open_policy = document({**OPEN, "Action": "sqs:SendMessage"})
    sqs.create_queue(QueueName="queue-open", Attributes={"SqsManagedSseEnabled": "true", "Policy": open_policy}, tags=tag)
    client("sqs", OTHER).create_queue(QueueName="queue-abroad", Attributes={"SqsManagedSseEnabled": "false"}, tags=tag)
    sns.create_topic(Name="topic-good", Attributes={"KmsMasterKeyId": "alias/good"}, Tags=CUSTOMER)
    sns.create_topic(Name="topic-default", Tags=CUSTOMER)
    sns.create_topic(Name="topic-open", Attributes={"Policy": document({**OPEN, "Action": "sns:Publish"})}, Tags=INTERNAL)
    kinesis = client("kinesis")
    for name in ("stream-good", "stream-clear"):
        kinesis.create_stream(StreamName=name, ShardCount=1)
        kinesis.add_tags_to_stream(StreamName=name, Tags={"data-class": "customer"})
    kinesis.start_stream_encryption(StreamName="stream-good", EncryptionType="KMS", KeyId=key["good"])
    logs = client("logs")
    logs.create_log_group(logGroupName="/logs/good", kmsKeyId=key["good"], tags={"data-class": "customer"})
    logs.create_log_group(logGroupName="/logs/default", tags={"data-class": "customer"})
    firehose = client("firehose")
    for name, more in (
        ("delivery-good", {"DeliveryStreamEncryptionConfigurationInput": {"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": key["good"]}}),
        ("delivery-clear", {}),
    ):
        firehose.create_delivery_stream(
            DeliveryStreamName=name, DeliveryStreamType="DirectPut", Tags=INTERNAL,
            S3DestinationConfiguration={"RoleARN": f"arn:aws:iam::{ACCOUNT}:role/web", "BucketARN": "arn:aws:s3:::acme-good"},
            **more,
        )
    firehose.start_delivery_stream_encryption(
        DeliveryStreamName="delivery-good",
        DeliveryStreamEncryptionConfigurationInput={"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": key["good"]},
    )
    client("kafka").create_cluster_v2(ClusterName="kafka-internal", Tags=tag, Serverless={"VpcConfigs": [{"SubnetIds": ["subnet-1"]}]})


def things(key):
    secrets, ssm, ecr, backup = client("secretsmanager"), client("ssm"), client("ecr"), client("backup")
    secrets.create_secret(Name="secret-good", SecretString="x", KmsKeyId=key["good"], Tags=CUSTOMER)
    secrets.create_secret(Name="secret-default", SecretString="x", Tags=CUSTOMER)
    ssm.put_parameter(Name="/parameter/good", Type="SecureString", Value="x", KeyId="alias/good", Tags=CUSTOMER)
    ssm.put_parameter(Name="/parameter/default", Type="SecureString", Value="x", Tags=CUSTOMER)
    ssm.put_parameter(Name="parameter-clear", Type="String", Value="x", Tags=INTERNAL)
    ecr.create_repository(
        repositoryName="images/good", encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key["good"]}, tags=CUSTOMER
    )
    ecr.create_repository(repositoryName="images/default", tags=CUSTOMER)
    backup.create_backup_vault(BackupVaultName="vault", EncryptionKeyArn=key["good"], BackupVaultTags={"data-class": "customer"})


def people():
    iam = client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=document({**trust, "Principal": {"Service": "ec2.amazonaws.com"}}))
    iam.create_role(RoleName="partner", AssumeRolePolicyDocument=document({**trust, "Principal": {"AWS": "arn:aws:iam::999988887777:root"}}))
    iam.create_role(RoleName="anyone", AssumeRolePolicyDocument=document({**trust, "Principal": {"AWS": "*"}}))
    for name in ("ann", "bob", "carol", "machine"):
        iam.create_user(UserName=name, Tags=[{"Key": "owner", "Value": f"{name}@example.com"}])
    for name in ("ann", "bob", "carol"):
        iam.create_login_profile(UserName=name, Password="Not-a-secret-1")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="ann")["VirtualMFADevice"]
    iam.enable_mfa_device(UserName="ann", SerialNumber=device["SerialNumber"], AuthenticationCode1="123456", AuthenticationCode2="654321")
    iam.enable_mfa_device(
        UserName="carol", SerialNumber=f"arn:aws:iam::{ACCOUNT}:u2f/user/carol/key-1",
        AuthenticationCode1="123456", AuthenticationCode2="654321",
    )
    iam.create_access_key(UserName="machine")
    everything = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    policy = iam.create_policy(PolicyName="everything", PolicyDocument=everything)["Policy"]["Arn"]
    iam.create_group(GroupName="admins")
    iam.attach_group_policy(GroupName="admins", PolicyArn=policy)
    iam.add_user_to_group(GroupName="admins", UserName="bob")


def groups():
    ec2 = client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    vpc = subnet["VpcId"]
    prefixes = ec2.create_managed_prefix_list(
        PrefixListName="all", MaxEntries=2, AddressFamily="IPv4", Entries=[{"Cidr": "0.0.0.0/1"}, {"Cidr": "128.0.0.0/1"}]
    )["PrefixList"]["PrefixListId"]

    def ports(first, last=None, protocol="tcp", **sources):
        return {"IpProtocol": protocol, "FromPort": first, "ToPort": last or first, **sources}

    def world(*ranges):
        return {"IpRanges": [{"CidrIp": one} for one in ranges]}

    of_default = [{"Name": "group-name", "Values": ["default"]}, {"Name": "vpc-id", "Values": [vpc]}]
    default = ec2.describe_security_groups(Filters=of_default)["SecurityGroups"][0]["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=default, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": default}]}]
    )
    made = {"group-default": default}
    for name, rules in {
        "group-web": [ports(443, **world("0.0.0.0/0"))],
        "group-office": [ports(22, **world("198.51.100.0/24"))],
        "group-ssh": [ports(22, **world("0.0.0.0/0"))],
        "group-ssh-6": [ports(20, 30, Ipv6Ranges=[{"CidrIpv6": "::/0"}])],
        "group-halves": [ports(3306, **world("0.0.0.0/1", "128.0.0.0/1"))],
        "group-prefixes": [ports(5432, PrefixListIds=[{"PrefixListId": prefixes}])],
        "group-all": [{"IpProtocol": "-1", **world("0.0.0.0/0")}],
        "group-unused": [ports(22, **world("0.0.0.0/0"))],
    }.items():
        group = ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc)["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
        if name != "group-unused":
            ec2.create_network_interface(SubnetId=subnet["SubnetId"], Groups=[group])
        made[name] = group
    return made


def network(key):
    """A network with a way from the internet to the data, ways that lead nowhere, and ways that should not be there."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    made = {"net-vpc": vpc, "net-gateway": gateway}
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    for name, block, is_public in (
        ("public-a", "10.20.1.0/24", True), ("public-b", "10.20.2.0/24", True), ("filtered", "10.20.3.0/24", True),
        ("private-a", "10.20.11.0/24", False), ("private-b", "10.20.12.0/24", False),
    ):
        zone = f"{HOME}{'b' if name.endswith('b') else 'a'}"
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        made[f"subnet-{name}"] = subnet
        if is_public:
            ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)

    # Lets everything in, and answers out to nobody: the lower number decides.
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    made["net-acl"] = acl
    for number, egress, action in ((100, False, "allow"), (50, True, "deny"), (100, True, "allow")):
        ec2.create_network_acl_entry(
            NetworkAclId=acl, RuleNumber=number, Protocol="-1", RuleAction=action, Egress=egress, CidrBlock="0.0.0.0/0"
        )
    of_subnet = [{"Name": "association.subnet-id", "Values": [made["subnet-filtered"]]}]
    for one in ec2.describe_network_acls(Filters=of_subnet)["NetworkAcls"][0]["Associations"]:
        if one["SubnetId"] == made["subnet-filtered"]:
            ec2.replace_network_acl_association(AssociationId=one["NetworkAclAssociationId"], NetworkAclId=acl)

    def group(name, port, last=None, world=False, of=None):
        made[f"net-{name}"] = ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc)["GroupId"]
        source = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]} if world else {"UserIdGroupPairs": [{"GroupId": made[f"net-{of}"]}]}
        ec2.authorize_security_group_ingress(
            GroupId=made[f"net-{name}"],
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": last or port, **source}],
        )
        return made[f"net-{name}"]

    group("edge", 80, 443, world=True)
    group("app", 8080, of="edge")
    group("data", 5432, of="app")
    group("bastion", 22, world=True)
    group("of-bastion", 5432, of="bastion")
    group("open-data", 5432, world=True)
    group("desktop", 3389, world=True)

    def machine(name, subnet, group, public, tokens="required"):
        interface = {
            "DeviceIndex": 0, "SubnetId": made[f"subnet-{subnet}"], "Groups": [made[f"net-{group}"]],
            "AssociatePublicIpAddress": public,
        }
        made[f"machine-{name}"] = ec2.run_instances(
            ImageId="ami-12c6146b", MinCount=1, MaxCount=1, NetworkInterfaces=[interface],
            MetadataOptions={"HttpTokens": tokens, "HttpEndpoint": "enabled"},
            BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": True, "KmsKeyId": key["good"]}}],
            TagSpecifications=[{"ResourceType": kind, "Tags": INTERNAL} for kind in ("instance", "volume")],
        )["Instances"][0]["InstanceId"]

    machine("app", "private-a", "app", False)
    machine("bastion", "public-a", "bastion", True, tokens="optional")
    machine("unrouted", "private-a", "bastion", True)
    machine("filtered", "filtered", "bastion", True)
    made["interface-open"] = ec2.create_network_interface(
        SubnetId=made["subnet-public-b"], Groups=[made["net-desktop"]]
    )["NetworkInterface"]["NetworkInterfaceId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=address, NetworkInterfaceId=made["interface-open"])

    elb = client("elbv2")
    places = [made["subnet-public-a"], made["subnet-public-b"]]
    certificate = client("acm").request_certificate(DomainName="www.example.com")["CertificateArn"]
    for name, policy in (("web", "ELBSecurityPolicy-2016-08"), ("modern", "ELBSecurityPolicy-TLS13-1-2-2021-06")):
        balancer = elb.create_load_balancer(
            Name=name, Subnets=places, SecurityGroups=[made["net-edge"]], Scheme="internet-facing" if name == "web" else "internal"
        )["LoadBalancers"][0]["LoadBalancerArn"]
        targets = elb.create_target_group(
            Name=name, Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="instance"
        )["TargetGroups"][0]["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=targets, Targets=[{"Id": made["machine-app"], "Port": 8080}])
        elb.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTPS", Port=443, SslPolicy=policy,
            Certificates=[{"CertificateArn": certificate}],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": targets}],
        )
        elb.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTP", Port=80,
            DefaultActions=[{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}],
        )
    classic = client("elb")
    classic.create_load_balancer(
        LoadBalancerName="classic", Subnets=places[:1], SecurityGroups=[made["net-edge"]],
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstanceProtocol": "HTTP", "InstancePort": 8080}],
    )
    return made


def edge():
    made = {}
    gateway = client("apigateway")
    for name, policy in (("api.example.com", "TLS_1_2"), ("old.example.com", "TLS_1_0")):
        gateway.create_domain_name(domainName=name, securityPolicy=policy)
    for name, version, viewers, origin in (
        ("good", "TLSv1.2_2021", "redirect-to-https", "https-only"), ("old", "TLSv1_2016", "https-only", "match-viewer"),
        ("clear", "TLSv1.2_2021", "https-only", "http-only"), ("any", "TLSv1.2_2021", "allow-all", "https-only"),
    ):
        made[f"cdn-{name}"] = client("cloudfront").create_distribution(DistributionConfig={
            "CallerReference": name, "Comment": name, "Enabled": True,
            "Aliases": {"Quantity": 1, "Items": [f"{name}.example.com"]},
            "ViewerCertificate": {
                "CloudFrontDefaultCertificate": False, "IAMCertificateId": "x", "SSLSupportMethod": "sni-only",
                "MinimumProtocolVersion": version,
            },
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": viewers, "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}, "MinTTL": 0},
            "Origins": {"Quantity": 1, "Items": [{
                "Id": "o", "DomainName": f"{name}.origin.example.com",
                "CustomOriginConfig": {
                    "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": origin,
                    "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
                },
            }]},
        })["Distribution"]["Id"]
    return made


def elsewhere():
    """Another account, which is reached by a role."""
    role = "arn:aws:iam::222233334444:role/OctroReads"
    given = client("sts").assume_role(RoleArn=role, RoleSessionName="estate")["Credentials"]
    sqs = boto3.client(
        "sqs", region_name=OTHER, aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"], aws_session_token=given["SessionToken"],
    )
    sqs.create_queue(
        QueueName="queue-elsewhere", Attributes={"SqsManagedSseEnabled": "false"}, tags={"data-class": "internal"}
    )


def main():
    made = keys()
    people()
    buckets(made)
    net = network(made)
    databases(made, net)
    things_made = edge() | volumes(made) | net
    streams(made)
    things(made)
    things_made |= groups()
    elsewhere()
    print(json.dumps({**{f"key-{name}": arn for name, arn in made.items()}, **things_made}))


main()
