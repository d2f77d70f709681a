# The ten rules of the bucket benchmark.
package bench

bpa if {
	block := input.public_access_block
	block.block_public_acls
	block.ignore_public_acls
	block.block_public_policy
	block.restrict_public_buckets
}

composite if {
	some rule in input.encryption.rules
	rule.sse in {"AES256", "aws:kms", "aws:kms:dsse"}
	not input.public
	input.versioning.status == "Enabled"
}

customer_kms if not input.tags.data_class == "customer"

customer_kms if {
	some rule in input.encryption.rules
	startswith(rule.sse, "aws:kms")
	rule.kms_key_id != null
}

encrypted if {
	some rule in input.encryption.rules
	rule.sse in {"AES256", "aws:kms", "aws:kms:dsse"}
}

lifecycle if {
	input.lifecycle != null
	every rule in input.lifecycle.rules {
		rule.enabled
		rule.days <= 365
	}
}

logging if input.logging.target_bucket != ""

naming if startswith(input.name, "prod-")

naming if startswith(input.name, "dev-")

naming if startswith(input.name, "stg-")

region if input.region in {"eu-west-1", "eu-central-1", "us-east-1"}

tls_only if {
	some statement in input.policy.statements
	statement.effect == "Deny"
	statement.condition.bool["aws:SecureTransport"] == "false"
}

versioning if input.versioning.status == "Enabled"
