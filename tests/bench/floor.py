"""The floor: the same bytes through the bare library calls, in one process.

Parse, XSD, verify, SHA-256, with the options that safety needs and nothing else. What the gateway does beyond
(HTTP, encryption, fsync, database, receipt, events, delivery) is what the ratio shows.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

from cryptography import x509
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from gateway.resources import shipped


def floor_seconds(envelopes: Sequence[bytes], certificate: x509.Certificate | None) -> float:
    """CPU seconds for one envelope; ``certificate`` of the signer, or ``None`` when they are not signed."""
    schema = etree.XMLSchema(etree.parse(str(shipped("schemas", "edxml", "accept.xsd"))))
    started = time.process_time()
    for data in envelopes:
        hashlib.sha256(data).digest()
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        root = etree.fromstring(data, parser)
        schema.validate(root)
        if certificate is not None:
            config = SignatureConfiguration(location=".//")
            XMLVerifier().verify(root, x509_cert=certificate, expect_config=config)
    return (time.process_time() - started) / len(envelopes)
