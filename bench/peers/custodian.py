"""The ten rules as Cloud Custodian's filters: buckets on standard input, one JSON object a line.

A filter matches what passes. The filters run as a policy runs them: each over all resources, with Custodian's own
blocks, annotations and JMESPath. What a run leaves in the resources is taken out again before the next one, while the
clock stands still. On standard output: {"counts": [...], "seconds": [...], "peak": bytes}.
"""

import json
import sys
import time

from c7n.filters import FilterRegistry

TIMES = 3

ALGORITHMS = "['AES256', 'aws:kms', 'aws:kms:dsse']"


def value(key, expected, op=None):
    one = {"type": "value", "key": key, "value": expected}
    if op:
        one["op"] = op
    return one


ENCRYPTED = value(f"encryption.rules[?contains({ALGORITHMS}, sse)]", "not-null")

# In the alphabetical order of their names.
RULES = {
    "bpa": [
        value("public_access_block.block_public_acls", True),
        value("public_access_block.ignore_public_acls", True),
        value("public_access_block.block_public_policy", True),
        value("public_access_block.restrict_public_buckets", True),
    ],
    "composite": [ENCRYPTED, value("public", False), value("versioning.status", "Enabled")],
    "customer_kms": [
        {
            "or": [
                value("tags.data_class", "customer", "ne"),
                value("encryption.rules[?starts_with(sse, 'aws:kms') && kms_key_id]", "not-null"),
            ]
        }
    ],
    "encrypted": [ENCRYPTED],
    "lifecycle": [
        value("lifecycle", "present"),
        value("lifecycle.rules[?!enabled || days > `365`]", "empty"),
    ],
    "logging": [value("logging.target_bucket", "not-null")],
    "naming": [value("name", "^(prod|dev|stg)-", "regex")],
    "region": [value("region", ["eu-west-1", "eu-central-1", "us-east-1"], "in")],
    "tls_only": [
        value("policy.statements[?effect == 'Deny' && condition.bool.\"aws:SecureTransport\" == 'false']", "not-null")
    ],
    "versioning": [value("versioning.status", "Enabled")],
}


class Buckets:
    """What filters ask of the manager of a resource type: which field tells resources apart."""

    id = "name"

    def get_model(self):
        return self


def peak():
    """The most memory this process had, in bytes."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise SystemExit("/proc/self/status does not say VmHWM")


def main():
    buckets = [json.loads(line) for line in sys.stdin]
    fields = set(buckets[0])
    registry = FilterRegistry("bench.filters")
    rules = [registry.parse(filters, Buckets()) for filters in RULES.values()]
    counts, seconds = [], []
    for _ in range(TIMES):
        counts, took = [], 0.0
        for filters in rules:
            begun = time.process_time()
            passed = buckets
            for one in filters:
                passed = one.process(passed)
            took += time.process_time() - begun
            counts.append(len(passed))
            for bucket in buckets:
                for annotation in bucket.keys() - fields:
                    del bucket[annotation]
        seconds.append(took)
    json.dump({"counts": counts, "seconds": seconds, "peak": peak()}, sys.stdout)


if __name__ == "__main__":
    main()
