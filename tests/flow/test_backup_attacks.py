"""A backup in hands that are not ours: what they change is found before anything of it is believed."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import NotReady, WrongState
from gateway.exchange_log.sequence import LogBroken, log_keys
from gateway.flow import backup_folder as form
from gateway.flow.backup import without_secrets
from gateway.flow.operate import LOCAL
from gateway.flow.recovered import reconcile
from gateway.flow.recovery import MARKER, must_be_settled, open_epoch
from gateway.signature.keyring import Keyring
from tests.flow.installation import Installation
from tests.flow.test_backup import Site, empty, problems, send, site

__all__ = ["empty", "site"]


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


async def test_a_node_whose_home_knows_nothing_of_the_restore_neither_starts_nor_signs(
    site: Site, empty: str
) -> None:
    """Another machine on the same database, which its service manager starts again and again."""
    await site.back_up()
    url = "" if site.made.url.startswith("sqlite") else empty
    await site.restore(url)
    (site.new / MARKER).unlink()
    node = Installation(site.new, url or "sqlite:///gateway.db", site.made.dsn, clock=site.made.clock)
    async with node.opened() as world:
        with pytest.raises(NotReady) as refused:
            await must_be_settled(world.gw)
        assert refused.value.code == "log.restored"
        with pytest.raises(NotReady):
            await reconcile(world.gw, LOCAL)
        with pytest.raises(LogBroken):
            await send(world, 4)
        opened = await open_epoch(world.gw, LOCAL, "Hỏng ổ đĩa")
        assert "/e2-" in opened["origin"]
        await must_be_settled(world.gw)
        await send(world, 5)


@pytest.mark.parametrize(
    "text",
    [
        '[alerts]\nsmtp_password = """\nbi-mat\n"""\nsmtp_port = 25\n',
        'alerts = { smtp_password = "bi-mat", smtp_port = 25 }\n',
        '[alerts]\nsmtp_port = 25\n"smtp_\\u0070assword" = "bi-mat"\n',
    ],
    ids=["over several lines", "in braces", "under an escaped name"],
)
def test_a_secret_stays_out_of_a_backup_however_it_is_written(text: str) -> None:
    kept, left_out = without_secrets(text)
    assert "bi-mat" not in kept
    assert left_out == ["alerts.smtp_password"]
    assert tomllib.loads(kept) == {"alerts": {"smtp_port": 25}}
