//! Files, images, secrets and backups: EFS, FSx, ECR, Secrets Manager, Systems Manager's parameters, backup vaults.

use serde_json::Value;

use crate::aws::facts::{Facts, Item, Known};
use crate::aws::row::{Ask, Detail, Form, List, Row, Said, item, made, of};
use crate::aws::services::{BACKUP, ECR, EFS, FSX, SECRETS, SSM};

static SHARES: List = List::paged(
    Ask::get(
        &EFS,
        "/2015-02-01/file-systems",
        "elasticfilesystem:DescribeFileSystems",
        &[("MaxItems", Said::Number(100))],
    ),
    "FileSystems",
    "NextMarker",
    "Marker",
);
static FILE_SYSTEMS: List = List::paged(
    Ask::of(&FSX, "DescribeFileSystems", "fsx:DescribeFileSystems", &[]),
    "FileSystems",
    "NextToken",
    "NextToken",
);
static REPOSITORIES: List = List::paged(
    Ask::of(&ECR, "DescribeRepositories", "ecr:DescribeRepositories", &[("maxResults", Said::Number(1_000))]),
    "repositories",
    "nextToken",
    "nextToken",
);
static SECRET_LIST: List = List::paged(
    Ask::of(&SECRETS, "ListSecrets", "secretsmanager:ListSecrets", &[("MaxResults", Said::Number(100))]),
    "SecretList",
    "NextToken",
    "NextToken",
);
static PARAMETERS: List = List::paged(
    Ask::of(&SSM, "DescribeParameters", "ssm:DescribeParameters", &[("MaxResults", Said::Number(50))]),
    "Parameters",
    "NextToken",
    "NextToken",
);
static VAULTS: List = List::paged(
    Ask::get(&BACKUP, "/backup-vaults/", "backup:ListBackupVaults", &[]),
    "BackupVaultList",
    "NextToken",
    "nextToken",
)
.asking(&[Detail::of("tags", Ask::get(&BACKUP, "/tags/{BackupVaultArn}/", "backup:ListTags", &[]))
    .gone(&["ResourceNotFoundException"])]);
static POINTS: List = List::paged(
    Ask::get(
        &BACKUP,
        "/backup-vaults/{BackupVaultName}/recovery-points/",
        "backup:ListRecoveryPointsByBackupVault",
        &[("maxResults", Said::Number(1_000))],
    ),
    "RecoveryPoints",
    "NextToken",
    "nextToken",
)
.within(&VAULTS)
.absent(&["ResourceNotFoundException"]);

pub(crate) static SHARE: Row = Row::of("aws.efs.filesystem", &SHARES, "{FileSystemArn}").with(&[
    item("name", "Name|FileSystemId", Form::Text),
    item("data_class", "Tags", Form::Class),
    item("encrypted", "Encrypted", Form::Flag),
    item("kms_key_id", "KmsKeyId", Form::KeyIf("Encrypted")),
]);

pub(crate) static FILE_SYSTEM: Row = Row::of("aws.fsx.filesystem", &FILE_SYSTEMS, "{ResourceARN}").with(&[
    item("name", "FileSystemId", Form::Text),
    item("data_class", "Tags", Form::Class),
    item("type", "FileSystemType", Form::Lower),
    item("kms_key_id", "KmsKeyId", Form::Key),
]);

pub(crate) static REPOSITORY: Row = Row::of("aws.ecr.repository", &REPOSITORIES, "{repositoryArn}")
    .asking(&[Detail::of(
        "tags",
        Ask::of(
            &ECR,
            "ListTagsForResource",
            "ecr:ListTagsForResource",
            &[("resourceArn", Said::Text("{key}"))],
        ),
    )
    .gone(&["RepositoryNotFoundException"])])
    .with(&[
        item("name", "repositoryName", Form::Text),
        of("data_class", "tags", "tags", Form::Class),
        item("kms_key_id", "encryptionConfiguration.kmsKey", Form::Key),
        item("immutable", "imageTagMutability", Form::Is("IMMUTABLE")),
    ]);

pub(crate) static SECRET: Row = Row::of("aws.secretsmanager.secret", &SECRET_LIST, "{ARN}").with(&[
    item("name", "Name", Form::Text),
    item("data_class", "Tags", Form::Class),
    item("kms_key_id", "KmsKeyId", Form::Key),
    item("rotation", "RotationEnabled", Form::FlagOrNo),
]);

pub(crate) static PARAMETER: Row =
    Row::of("aws.ssm.parameter", &PARAMETERS, "arn:{partition}:ssm:{region}:{account}:parameter/{/Name}")
        .asking(&[Detail::of(
            "tags",
            Ask::of(
                &SSM,
                "ListTagsForResource",
                "ssm:ListTagsForResource",
                &[("ResourceType", Said::Text("Parameter")), ("ResourceId", Said::Text("{Name}"))],
            ),
        )
        .gone(&["InvalidResourceId"])])
        .with(&[
            item("name", "Name", Form::Text),
            of("data_class", "tags", "TagList", Form::Class),
            item("encrypted", "Type", Form::Is("SecureString")),
            item("kms_key_id", "KeyId", Form::Key),
        ]);

pub(crate) static VAULT: Row = Row::of("aws.backup.vault", &VAULTS, "{BackupVaultArn}").with(&[
    item("name", "BackupVaultName", Form::Text),
    of("data_class", "tags", "Tags", Form::Class),
    item("kms_key_id", "EncryptionKeyArn", Form::Key),
    item("locked", "Locked", Form::FlagOrNo),
]);

pub(crate) static RECOVERY_POINT: Row =
    Row::of("aws.backup.recovery_point", &POINTS, "{RecoveryPointArn}").beside(&[&VAULTS]).with(&[
        made("name", |facts| facts.key.rsplit(['/', ':']).next().map_or(Known::Absent, Known::text)),
        made("data_class", point_class),
        item("vault", "BackupVaultName", Form::Text),
        item("resource", "ResourceArn", Form::Text),
        item("type", "ResourceType", Form::Text),
        item("status", "Status", Form::Lower),
        item("encrypted", "IsEncrypted", Form::Flag),
        item("kms_key_id", "EncryptionKeyArn", Form::KeyIf("IsEncrypted")),
    ]);

/// What a backup is made of, as its type names it, and the kind that tells of it.
const ORIGINS: [(&str, &str); 6] = [
    ("Aurora", "aws.rds.instance"),
    ("DynamoDB", "aws.dynamodb.table"),
    ("EBS", "aws.ebs.volume"),
    ("EFS", "aws.efs.filesystem"),
    ("RDS", "aws.rds.instance"),
    ("S3", "aws.s3.bucket"),
];

/// A backup holds what is declared of what it was made of; without that, what its vault is for.
fn point_class(facts: &Facts<'_>) -> Known {
    let origin = ORIGINS.iter().find(|(of, _)| facts.text("ResourceType") == Some(of));
    let origin = origin.zip(facts.text("ResourceArn"));
    let declared = origin.map(|((_, kind), arn)| facts.classes.of_origin(kind, arn, None));
    if let Some(class) = declared.filter(|class| *class != Known::Absent) {
        return class;
    }
    let vaults = match facts.beside.first() {
        Some(Ok(vaults)) => vaults,
        Some(Err(reason)) => return Known::Unknown(reason.clone()),
        None => return Known::Absent,
    };
    let is_its = |vault: &&Item| {
        vault.value.get("BackupVaultName").and_then(Value::as_str) == facts.text("BackupVaultName")
    };
    match vaults.iter().find(is_its).and_then(|vault| vault.details.get("tags").map(|tags| (vault, tags))) {
        Some((_, Err(reason))) => Known::Unknown(reason.clone()),
        Some((vault, Ok(tags))) => {
            let arn = vault.value.get("BackupVaultArn").and_then(Value::as_str).unwrap_or_default();
            facts.classes.of_origin("aws.backup.vault", arn, tags.get("Tags"))
        }
        None => Known::Absent,
    }
}
