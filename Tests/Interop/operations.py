"""Asks a running node's operations service."""

import json
import re
import urllib.error
import urllib.request


def ask(orderer, path):
    """(status, text) of a request to the operations service."""
    plain = re.sub(r"\x1b\[\d+m", "", orderer.log)
    address = re.findall(r"operations service is listening address=(\S+)", plain)[-1]
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def health(orderer):
    """The components that /healthz finds unhealthy, with their reasons; empty if all is well."""
    status, text = ask(orderer, "/healthz")
    failed = json.loads(text).get("failed_checks", [])
    assert status == (503 if failed else 200)
    return {check["component"]: check["reason"] for check in failed}
