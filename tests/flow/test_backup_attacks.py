"""A backup in hands that are not ours: what they change is found before anything of it is believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import WrongState
from gateway.exchange_log.sequence import log_keys
from gateway.flow import backup_folder as form
from gateway.signature.keyring import Keyring
from tests.flow.test_backup import Site, problems, site

__all__ = ["site"]


def signed_anew(backup: Path, stranger: Keyring) -> None:
    """The manifest with one more log key, signed by that key."""
    manifest = form.read_manifest(backup)
    changed = replace(manifest, log_keys=[*manifest.log_keys, str(log_keys(stranger)[0])])
    for name in (form.MANIFEST, form.SIGNATURE):
        (backup / name).unlink()
    form.write(backup / form.MANIFEST, changed.bytes())
    form.sign(backup, backup / form.MANIFEST, stranger)


async def test_a_manifest_signed_by_a_key_of_somebody_else_is_found_with_the_passphrase(
    site: Site, tmp_path: Path
) -> None:
    """Whoever can write to the backup disk can also add a key of his own to the list."""
    made = await site.back_up()
    signed_anew(made.path, Keyring.create(tmp_path / "stranger", "truc-thu", site.made.clock.now()))
    assert problems(await site.verify(deep=True)) == {"backup.signature"}
    with pytest.raises(WrongState) as refused:
        await site.restore("sqlite:///gateway.db")
    assert refused.value.code == "backup.signature"
    assert not site.new.exists()


async def test_a_folder_that_somebody_linked_in_is_found_and_not_restored(site: Site, tmp_path: Path) -> None:
    made = await site.back_up()
    (tmp_path / "anchors").mkdir()
    (tmp_path / "anchors" / "mine.pem").write_bytes(b"of somebody else")
    (made.path / form.HOME / "trust-of-others").symlink_to(tmp_path / "anchors")
    assert problems(await site.verify()) == {"backup.stray"}
    with pytest.raises(WrongState) as refused:
        await site.restore("sqlite:///gateway.db")
    assert refused.value.code == "backup.stray"


async def test_what_is_changed_between_looking_and_copying_is_not_restored(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a share that others write to."""
    await site.back_up()
    before = form.copied

    def changed(source: Path, target: Path) -> form.File:
        if source.name == "gateway.toml":
            source.write_text(source.read_text() + '[net]\nallow_private = "0.0.0.0/0"\n')
        return before(source, target)

    monkeypatch.setattr(form, "copied", changed)
    with pytest.raises(WrongState) as refused:
        await site.restore("sqlite:///gateway.db")
    assert refused.value.code == "backup.damaged"
    assert not (site.new / "keys").exists()
