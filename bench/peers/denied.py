"""What becomes of verdicts on S3 buckets when one permission is taken away: Octro and Prowler side by side.

    python denied.py OCTRO PROWLER UPSTREAM [PERMISSION...]

UPSTREAM is moto with buckets in it (tests/labs/aws/many.py). A proxy before it refuses what one permission allows, and
both tools look through it. Printed is a row for each permission and tool: how many verdicts that failed now pass, are gone
from the report, or are unknown, and the same for those that passed.
"""

import collections
import glob
import http.client
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.parse

# The permissions of S3, by the name of the sub-resource.
PERMISSIONS = {
    "encryption": "s3:GetEncryptionConfiguration",
    "publicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "policy": "s3:GetBucketPolicy",
    "acl": "s3:GetBucketAcl",
    "versioning": "s3:GetBucketVersioning",
    "logging": "s3:GetBucketLogging",
    "ownershipControls": "s3:GetBucketOwnershipControls",
    "object-lock": "s3:GetBucketObjectLockConfiguration",
    "tagging": "s3:GetBucketTagging",
    "location": "s3:GetBucketLocation",
}
REFUSED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
denied = set()


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream = None

    def answer(self):
        first = urllib.parse.urlsplit(self.path).query.split("&")[0].split("=")[0]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if PERMISSIONS.get(first) in denied:
            status, kind, text = 403, "application/xml", REFUSED
        else:
            connection = http.client.HTTPConnection(self.upstream, timeout=60)
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            status, kind, text = response.status, response.headers.get("Content-Type", ""), response.read()
            connection.close()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_HEAD = do_PUT = answer

    def log_message(self, *_):
        pass


def environment(url):
    own = {
        "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }
    return {**os.environ, **own}


def octro(program, url, folder):
    config = pathlib.Path(folder) / "octro.toml"
    config.write_text(
        "[[source]]\nid = 'aws'\ntype = 'aws'\nevery = '1h'\ntimeout = '10m'\nregions = ['us-east-1']\n"
        "other_regions = 'unused'\nkinds = ['aws.s3.bucket']\n"
    )
    ran = subprocess.run(
        [program, "check", "aws", "aws.s3.bucket", "--format", "json", "--config", str(config)],
        env=environment(url), stdout=subprocess.PIPE, check=False,
    )
    results = json.loads(ran.stdout)["results"]
    return {(one["test"], one["resource"]): one["status"] for one in results if one["resource"]}


def prowler(program, url, folder):
    subprocess.run(
        [
            program, "aws", "-s", "s3", "-f", "us-east-1", "-M", "json-ocsf", "--no-banner", "--only-logs",
            "--log-level", "CRITICAL", "--ignore-exit-code-3", "-o", folder, "-F", "found",
        ],
        env=environment(url), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
    )
    verdicts = {}
    for path in glob.glob(f"{folder}/**/found*.json", recursive=True):
        for one in json.loads(pathlib.Path(path).read_text()):
            status = one["status_code"].lower()
            verdicts[one["metadata"]["event_code"], one["resources"][0]["uid"]] = status
    return verdicts


def main():
    ours, theirs, upstream, *chosen = sys.argv[1:]
    Proxy.upstream = urllib.parse.urlsplit(upstream).netloc
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    tools = {"octro": (octro, ours), "prowler": (prowler, theirs)}

    def look(tool):
        run, program = tools[tool]
        with tempfile.TemporaryDirectory() as folder:
            return run(program, url, folder)

    before = {tool: look(tool) for tool in tools}
    for tool, verdicts in before.items():
        print(tool, dict(collections.Counter(verdicts.values())), flush=True)
    print("| without | | fail to pass | fail, gone | fail to unknown | pass to fail | pass, gone | pass to unknown |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for permission in chosen or PERMISSIONS.values():
        denied.add(permission)
        for tool in tools:
            after = look(tool)
            turned = collections.Counter((was, after.get(of, "gone")) for of, was in before[tool].items())
            counts = [
                turned[was, now]
                for was, now in [
                    ("fail", "pass"), ("fail", "gone"), ("fail", "unknown"), ("pass", "fail"), ("pass", "gone"), ("pass", "unknown"),
                ]
            ]
            print(f"| `{permission}` | {tool} | " + " | ".join(map(str, counts)) + " |", flush=True)
        denied.discard(permission)


main()
