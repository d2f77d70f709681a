# A bucket with everything that belongs to it.

variable "name" {
  type = string
}

variable "kms" {
  type    = string
  default = null
}

variable "encryption" {
  type    = string
  default = "aws:kms"
}

variable "tags" {
  type = map(string)
}

variable "versioned" {
  type    = bool
  default = true
}

variable "logged" {
  type    = bool
  default = true
}

variable "blocked" {
  type    = bool
  default = true
}

variable "readers" {
  type    = string
  default = null
}

variable "tls_for" {
  type    = list(string)
  default = ["", "/*"]
}

variable "with_policy" {
  type    = bool
  default = true
}

variable "logs" {
  type = string
}

resource "aws_s3_bucket" "this" {
  bucket = var.name
  tags   = var.tags
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.encryption
      kms_master_key_id = var.encryption == "aws:kms" ? var.kms : null
    }
    bucket_key_enabled = var.encryption == "aws:kms"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  count  = var.versioned ? 1 : 0
  bucket = aws_s3_bucket.this.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "this" {
  count         = var.logged ? 1 : 0
  bucket        = aws_s3_bucket.this.id
  target_bucket = var.logs
  target_prefix = var.name
}

resource "aws_s3_bucket_public_access_block" "this" {
  count                   = var.blocked ? 1 : 0
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "this" {
  count  = var.with_policy ? 1 : 0
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([{
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [for end in var.tls_for : "arn:aws:s3:::${var.name}${end}"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }], var.readers == null ? [] : [{
      Effect    = "Allow"
      Principal = var.readers
      Action    = "s3:GetObject"
      Resource  = ["arn:aws:s3:::${var.name}/*"]
      Condition = {}
    }])
  })
}

output "arn" {
  value = aws_s3_bucket.this.arn
}
