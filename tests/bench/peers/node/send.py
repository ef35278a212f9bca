"""One sender process of an AS2 node: ``python -m tests.bench.peers.node.send OWN OTHER COUNT BYTES SEED``.

Does what its command ``sendas2message`` does, again and again in one process. Says ``ready``, waits for a
line, sends, and prints one JSON object: seconds of each send, how many failed, its CPU seconds.
"""

import json
import os
import random
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.peers.node.settings")
django.setup()

from pyas2.models import Message, Organization, Partner  # noqa: E402
from pyas2lib import Message as As2Message  # noqa: E402


def main(own: str, other: str, count: int, size: int, seed: int) -> None:
    """Send ``count`` payloads of ``size`` bytes, one after another."""
    payloads = [random.Random(f"{seed}-{n}").randbytes(size // 2).hex().encode() for n in range(count)]
    organization, partner = Organization.objects.get(as2_name=own), Partner.objects.get(as2_name=other)
    print("ready", flush=True)
    sys.stdin.readline()
    seconds, failed, cpu = [], 0, time.process_time()
    for payload in payloads:
        began = time.perf_counter()
        failed += not _send(organization, partner, payload)
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": seconds, "failed": failed, "cpu": time.process_time() - cpu}), flush=True)


def _send(organization: Organization, partner: Partner, payload: bytes) -> bool:
    built = As2Message(sender=organization.as2org, receiver=partner.as2partner)
    built.build(
        payload,
        filename="document.edxml",
        subject=partner.subject,
        content_type=partner.content_type,
        disposition_notification_to="no-reply@example.invalid",
    )
    message, _ = Message.objects.create_from_as2message(
        as2message=built, payload=payload, filename="document.edxml", direction="OUT", status="P"
    )
    message.send_message(built.headers, built.content)
    return message.status == "S"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
