# The estate of ../aws/estate.py, as far as Terraform would make it: what is right, and one of each way in which it is
# wrong, under the same names.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "region" {
  type    = string
  default = "us-east-1"
}

provider "aws" {
  region = var.region
}

provider "aws" {
  alias  = "other"
  region = "eu-west-1"
}

locals {
  account  = "123456789012"
  customer = { data-class = "customer" }
  internal = { data-class = "internal" }
  foreign  = "arn:aws:kms:us-east-1:999988887777:key/1234abcd-12ab-34cd-56ef-1234567890ab"
}

# Keys

resource "aws_kms_key" "this" {
  for_each            = toset(["good", "disabled", "open", "still"])
  description         = each.key
  is_enabled          = each.key != "disabled"
  enable_key_rotation = each.key != "still"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = each.key == "open" ? "*" : "arn:aws:iam::${local.account}:root" }
      Action    = each.key == "open" ? "kms:Decrypt" : "kms:*"
      Resource  = "*"
    }]
  })
}

resource "aws_kms_alias" "good" {
  name          = "alias/good"
  target_key_id = aws_kms_key.this["good"].key_id
}

# Buckets

module "bucket" {
  source = "./bucket"
  for_each = {
    acme-good          = {}
    acme-unclassified  = { tags = {} }
    acme-unversioned   = { versioned = false }
    acme-unlogged      = { logged = false }
    acme-unblocked     = { blocked = false }
    acme-open-policy   = { blocked = false, readers = "*" }
    acme-closed-policy = { readers = "*" }
    acme-tls-objects   = { tls_for = ["/*"] }
    acme-no-policy     = { with_policy = false }
  }
  name        = each.key
  kms         = aws_kms_key.this["good"].arn
  tags        = try(each.value.tags, local.customer)
  versioned   = try(each.value.versioned, true)
  logged      = try(each.value.logged, true)
  blocked     = try(each.value.blocked, true)
  readers     = try(each.value.readers, null)
  tls_for     = try(each.value.tls_for, ["", "/*"])
  with_policy = try(each.value.with_policy, true)
  logs        = aws_s3_bucket.logs[0].id
}

module "alias" {
  source = "./bucket"
  name   = "acme-alias"
  kms    = aws_kms_alias.good.arn
  tags   = local.customer
  logs   = aws_s3_bucket.logs[0].id
}

module "disabled" {
  source = "./bucket"
  name   = "acme-disabled-key"
  kms    = aws_kms_key.this["disabled"].arn
  tags   = local.customer
  logs   = aws_s3_bucket.logs[0].id
}

module "foreign" {
  source = "./bucket"
  name   = "acme-foreign-key"
  kms    = local.foreign
  tags   = local.customer
  logs   = aws_s3_bucket.logs[0].id
}

module "aes" {
  source     = "./bucket"
  name       = "acme-aes"
  encryption = "AES256"
  tags       = local.customer
  logs       = aws_s3_bucket.logs[0].id
}

resource "aws_s3_bucket" "logs" {
  count  = 1
  bucket = "acme-logs"
  tags   = local.internal
}

resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs[0].bucket
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "logs" {
  count                   = 1
  bucket                  = aws_s3_bucket.logs[count.index].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Deny"
      Principal = { AWS = "*" }
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::acme-logs", "arn:aws:s3:::acme-logs/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

# Databases

resource "aws_db_parameter_group" "tls" {
  for_each = { with-tls = "1", without-tls = "0" }
  name     = each.key
  family   = "postgres16"
  parameter {
    name  = "rds.force_ssl"
    value = each.value
  }
}

resource "aws_db_instance" "this" {
  for_each = {
    db-open         = { public = true }
    db-unclassified = { tags = {} }
    db-brief        = { days = 1 }
  }
  identifier              = each.key
  engine                  = "postgres"
  instance_class          = "db.t3.micro"
  allocated_storage       = 20
  username                = "u"
  password                = "not-a-secret"
  storage_encrypted       = true
  kms_key_id              = aws_kms_key.this["good"].arn
  backup_retention_period = try(each.value.days, 30)
  publicly_accessible     = try(each.value.public, false)
  tags                    = try(each.value.tags, local.customer)
}

resource "aws_db_instance" "good" {
  identifier              = "db-good"
  engine                  = "postgres"
  instance_class          = "db.t3.micro"
  allocated_storage       = 20
  username                = "u"
  password                = "not-a-secret"
  storage_encrypted       = true
  kms_key_id              = aws_kms_key.this["good"].arn
  backup_retention_period = 30
  parameter_group_name    = aws_db_parameter_group.tls["with-tls"].name
  tags                    = local.customer
}

resource "aws_db_instance" "clear" {
  identifier              = "db-clear"
  engine                  = "postgres"
  instance_class          = "db.t3.micro"
  allocated_storage       = 20
  username                = "u"
  password                = "not-a-secret"
  storage_encrypted       = false
  backup_retention_period = 30
  parameter_group_name    = aws_db_parameter_group.tls["without-tls"].id
  tags                    = local.customer
}

resource "aws_rds_cluster" "good" {
  cluster_identifier      = "cluster-good"
  engine                  = "aurora-postgresql"
  master_username         = "u"
  master_password         = "not-a-secret"
  backup_retention_period = 30
  storage_encrypted       = true
  kms_key_id              = aws_kms_key.this["good"].arn
  tags                    = local.internal
}

resource "aws_rds_cluster" "clear" {
  cluster_identifier      = "cluster-clear"
  engine                  = "aurora-postgresql"
  master_username         = "u"
  master_password         = "not-a-secret"
  backup_retention_period = 30
  storage_encrypted       = false
  tags                    = local.internal
}

resource "aws_dynamodb_table" "good" {
  name                        = "table-good"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "k"
  deletion_protection_enabled = true
  tags                        = local.customer
  attribute {
    name = "k"
    type = "S"
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this["good"].arn
  }
  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_dynamodb_table" "plain" {
  for_each                    = { table-default = local.customer, table-internal = local.internal, table-unclassified = {} }
  name                        = each.key
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "k"
  deletion_protection_enabled = true
  tags                        = each.value
  attribute {
    name = "k"
    type = "S"
  }
}

resource "aws_redshift_cluster" "this" {
  for_each            = { house-good = false, house-open = true }
  cluster_identifier  = each.key
  node_type           = "ra3.large"
  master_username     = "user"
  master_password     = "Passw0rd-x"
  encrypted           = true
  kms_key_id          = aws_kms_key.this["good"].arn
  publicly_accessible = each.value
  tags                = local.customer
}

resource "aws_redshift_cluster" "clear" {
  cluster_identifier = "house-clear"
  node_type          = "ra3.large"
  master_username    = "user"
  master_password    = "Passw0rd-x"
  encrypted          = false
  tags               = local.customer
}

resource "aws_elasticache_replication_group" "this" {
  for_each                   = { cache-good = true, cache-clear = false }
  replication_group_id       = each.key
  description                = "x"
  engine                     = "redis"
  node_type                  = "cache.t3.micro"
  num_cache_clusters         = 1
  at_rest_encryption_enabled = each.value
  kms_key_id                 = each.value ? aws_kms_key.this["good"].arn : null
  tags                       = local.customer
}

resource "aws_opensearch_domain" "good" {
  domain_name = "search-good"
  access_policies = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${local.account}:root" }
      Action    = "*"
      Resource  = "*"
    }]
  })
  encrypt_at_rest {
    enabled    = true
    kms_key_id = aws_kms_key.this["good"].arn
  }
  tags = local.customer
}

resource "aws_opensearch_domain" "clear" {
  domain_name = "search-clear"
  access_policies = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = "*"
      Resource  = "*"
    }]
  })
  encrypt_at_rest {
    enabled = false
  }
  tags = local.customer
}

resource "aws_memorydb_cluster" "default" {
  name      = "memory-default"
  node_type = "db.t4g.small"
  acl_name  = "open-access"
  tags      = local.customer
}

resource "aws_dax_cluster" "this" {
  for_each           = { dax-good = true, dax-clear = false }
  cluster_name       = each.key
  node_type          = "dax.t3.small"
  replication_factor = 1
  iam_role_arn       = "arn:aws:iam::${local.account}:role/web"
  tags               = local.internal
  server_side_encryption {
    enabled = each.value
  }
}

# Volumes and shares

resource "aws_ebs_volume" "good" {
  availability_zone = "${var.region}a"
  size              = 8
  encrypted         = true
  kms_key_id        = aws_kms_key.this["good"].arn
  tags              = merge(local.customer, { Name = "volume-good" })
}

resource "aws_ebs_volume" "clear" {
  availability_zone = "${var.region}a"
  size              = 8
  encrypted         = false
  tags              = merge(local.customer, { Name = "volume-clear" })
}

resource "aws_ebs_encryption_by_default" "this" {
  enabled = true
}

resource "aws_efs_file_system" "good" {
  creation_token = "share-good"
  encrypted      = true
  kms_key_id     = aws_kms_key.this["good"].arn
  tags           = merge(local.customer, { Name = "share-good" })
}

resource "aws_efs_file_system" "clear" {
  creation_token = "share-clear"
  encrypted      = false
  tags           = merge(local.customer, { Name = "share-clear" })
}

resource "aws_fsx_lustre_file_system" "this" {
  storage_capacity = 1200
  subnet_ids       = ["subnet-1"]
  kms_key_id       = aws_kms_key.this["good"].arn
  tags             = local.customer
}

# Queues, topics, streams, logs

resource "aws_sqs_queue" "this" {
  for_each                = { queue-good = true, queue-clear = false }
  name                    = each.key
  sqs_managed_sse_enabled = each.value
  tags                    = local.internal
}

resource "aws_sqs_queue" "kms" {
  name              = "queue-kms"
  kms_master_key_id = aws_kms_key.this["good"].arn
  tags              = local.customer
}

resource "aws_sqs_queue" "own" {
  name                    = "queue-own"
  sqs_managed_sse_enabled = true
  tags                    = local.customer
}

resource "aws_sqs_queue" "open" {
  name                    = "queue-open"
  sqs_managed_sse_enabled = true
  tags                    = local.internal
}

resource "aws_sqs_queue_policy" "open" {
  queue_url = aws_sqs_queue.open.url
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "sqs:SendMessage", Resource = "*" }]
  })
}

resource "aws_sqs_queue" "abroad" {
  provider                = aws.other
  name                    = "queue-abroad"
  sqs_managed_sse_enabled = false
  tags                    = local.internal
}

resource "aws_sns_topic" "good" {
  name              = "topic-good"
  kms_master_key_id = "alias/good"
  tags              = local.customer
}

resource "aws_sns_topic" "default" {
  name = "topic-default"
  tags = local.customer
}

resource "aws_sns_topic" "open" {
  name = "topic-open"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "sns:Publish", Resource = "*" }]
  })
  tags = local.internal
}

resource "aws_kinesis_stream" "this" {
  for_each        = { stream-good = true, stream-clear = false }
  name            = each.key
  shard_count     = 1
  encryption_type = each.value ? "KMS" : "NONE"
  kms_key_id      = each.value ? aws_kms_key.this["good"].id : null
  tags            = local.customer
}

resource "aws_cloudwatch_log_group" "this" {
  for_each   = { "/logs/good" = true, "/logs/default" = false }
  name       = each.key
  kms_key_id = each.value ? aws_kms_key.this["good"].arn : null
  tags       = local.customer
}

resource "aws_kinesis_firehose_delivery_stream" "good" {
  name        = "delivery-good"
  destination = "extended_s3"
  tags        = local.internal
  server_side_encryption {
    enabled  = true
    key_type = "CUSTOMER_MANAGED_CMK"
    key_arn  = aws_kms_key.this["good"].arn
  }
  extended_s3_configuration {
    role_arn   = "arn:aws:iam::${local.account}:role/web"
    bucket_arn = module.bucket["acme-good"].arn
  }
}

resource "aws_kinesis_firehose_delivery_stream" "clear" {
  name        = "delivery-clear"
  destination = "extended_s3"
  tags        = local.internal
  extended_s3_configuration {
    role_arn   = "arn:aws:iam::${local.account}:role/web"
    bucket_arn = module.bucket["acme-good"].arn
  }
}

resource "aws_msk_serverless_cluster" "internal" {
  cluster_name = "kafka-internal"
  tags         = local.internal
  vpc_config {
    subnet_ids = ["subnet-1"]
  }
}

# Secrets, parameters, images, backups

resource "aws_secretsmanager_secret" "this" {
  for_each   = { secret-good = true, secret-default = false }
  name       = each.key
  kms_key_id = each.value ? aws_kms_key.this["good"].arn : null
  tags       = local.customer
}

resource "aws_ssm_parameter" "good" {
  name   = "/parameter/good"
  type   = "SecureString"
  value  = "x"
  key_id = "alias/good"
  tags   = local.customer
}

resource "aws_ssm_parameter" "clear" {
  name  = "parameter-clear"
  type  = "String"
  value = "x"
  tags  = local.internal
}

resource "aws_ecr_repository" "good" {
  name = "images/good"
  tags = local.customer
  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.this["good"].arn
  }
}

resource "aws_ecr_repository" "default" {
  name = "images/default"
  tags = local.customer
}

resource "aws_backup_vault" "this" {
  name        = "vault"
  kms_key_arn = aws_kms_key.this["good"].arn
  tags        = local.customer
}

# Something that nothing here judges.
resource "aws_instance" "web" {
  instance_type = "t3.micro"
}
