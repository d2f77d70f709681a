//! Files, images, secrets and backups: EFS, FSx, ECR, Secrets Manager, Systems Manager's parameters, backup vaults.

use crate::aws::row::{Ask, Detail, Form, List, Row, Said, item, of};
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
);

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

pub(crate) static VAULT: Row = Row::of("aws.backup.vault", &VAULTS, "{BackupVaultArn}")
    .asking(&[Detail::of("tags", Ask::get(&BACKUP, "/tags/{key}/", "backup:ListTags", &[]))
        .gone(&["ResourceNotFoundException"])])
    .with(&[
        item("name", "BackupVaultName", Form::Text),
        of("data_class", "tags", "Tags", Form::Class),
        item("kms_key_id", "EncryptionKeyArn", Form::Key),
        item("locked", "Locked", Form::FlagOrNo),
    ]);
