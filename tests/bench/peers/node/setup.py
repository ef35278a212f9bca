"""Two organisations that know each other: ``python -m tests.bench.peers.node.setup OWN OTHER URL FOLDER``.

``FOLDER`` holds ``NAME.key.pem`` (key and certificate) and ``NAME.pem`` (certificate) of both.
"""

import os
import sys
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.peers.node.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from pyas2.models import Organization, Partner, PrivateKey, PublicCertificate  # noqa: E402


def main(own: str, other: str, url: str, folder: Path) -> None:
    """Tables, the own organisation with its key, the partner with its certificate and address."""
    call_command("migrate", verbosity=0)
    key = PrivateKey(name=own, key=(folder / f"{own}.key.pem").read_bytes(), key_pass="bench")
    key.save()
    certificate = PublicCertificate(name=other, certificate=(folder / f"{other}.pem").read_bytes())
    certificate.save()
    Organization.objects.create(name=own, as2_name=own, signature_key=key)
    Partner.objects.create(
        name=other,
        as2_name=other,
        target_url=url,
        content_type="application/XML",
        signature="sha256",
        signature_cert=certificate,
        mdn=True,
        mdn_mode="SYNC",
        mdn_sign="sha256",
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
