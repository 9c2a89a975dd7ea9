"""Turn pip's report of an installation (stdin) into requirements with the SHA-256 of each file."""

import json
import sys

for item in sorted(json.load(sys.stdin)["install"], key=lambda item: item["metadata"]["name"].lower()):
    hashes = item["download_info"].get("archive_info", {}).get("hashes", {})
    if "sha256" in hashes:  # faceloupe itself comes from here
        print(f"{item['metadata']['name']}=={item['metadata']['version']} --hash=sha256:{hashes['sha256']}")
