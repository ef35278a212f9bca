"""``gateway log``: the exchange log verified, exported, signed, and witnessed.

In charge of: files, the network calls of a witness, and showing. Not in charge of: the log itself
(``flow/log.py``, ``flow/log_verify.py``, ``exchange_log/``).
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate, reach, wait
from gateway.clock import SystemClock
from gateway.errors import BadRequest, NotReady
from gateway.exchange_log.checkpoint import (
    NotANote,
    compromised_keys,
    read_checkpoint,
    read_key,
    read_keys,
    read_note,
)
from gateway.exchange_log.replay import DoesNotFit
from gateway.exchange_log.verify import verify_export
from gateway.model.text import Bilingual
from gateway.net import Answer, Net, Unreachable

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
NOTE_BYTES, PROOF_BYTES = 100_000, 65_536


@click.group()
@common_options
def log() -> None:
    """Nhật ký gửi, nhận: kiểm tra, xuất, chốt. The exchange log: verify, export, checkpoint, witness."""


@log.command()
@common_options
@click.option("--export", "export_file", type=_FILE, help="Verify this export instead of the installation.")
@click.option("--checkpoint", "checkpoints", type=_FILE, multiple=True, help="A checkpoint kept elsewhere.")
@click.option("--key", "keys", type=_FILE, multiple=True, help="Public keys to believe, one a line.")
@click.pass_obj
def verify(
    frame: Frame, export_file: Path | None, checkpoints: tuple[Path, ...], keys: tuple[Path, ...]
) -> int:
    """Kiểm tra toàn bộ nhật ký. Re-derive everything; name the first position that does not fit (exit 1)."""
    notes = [file.read_text("utf-8") for file in checkpoints]
    believed = "\n".join(file.read_text("utf-8") for file in keys)
    started = time.perf_counter()
    if export_file is not None:
        answer = _verify_file(export_file, believed, notes)
    else:
        answer = wait(_verify_home(frame, believed, notes))
    answer["seconds"] = round(time.perf_counter() - started, 3)
    output.show(frame, answer, lambda console: _print_verified(console, answer))
    return 0 if answer["fits"] else 1


@log.command()
@common_options
@click.option("-o", "--output", "target", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--from", "start", type=click.IntRange(min=0), default=0, help="First place (multiple of 256).")
@click.option("--to", "stop", type=click.IntRange(min=0), default=0, help="Before which place; 0: all.")
@click.pass_obj
def export(frame: Frame, target: Path, start: int, stop: int) -> None:
    """Xuất nhật ký ra tệp để kiểm tra độc lập. Write the log into a file that others can verify."""
    size = wait(export_to(frame, target, start, stop))
    answer = {"file": str(target), "bytes": size}
    words = f"[bold green]✓[/] {escape(str(target))} ({size} byte). [dim](exported)[/]"
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


@log.command()
@common_options
@click.option(
    "-o", "--output", "target", type=click.Path(path_type=Path, dir_okay=False), help="Into a file."
)
@click.pass_obj
def checkpoint(frame: Frame, target: Path | None) -> None:
    """Chốt nhật ký ngay và in mốc chốt. Sign a checkpoint now, and print it."""
    answer = operate(frame, "log.checkpoint")
    if target is not None:
        target.write_text(answer["checkpoint"], encoding="utf-8")
    output.show(frame, answer, lambda console: console.out(answer["checkpoint"], end=""))


@log.command("keys")
@common_options
@click.pass_obj
def keys_(frame: Frame) -> None:
    """Khóa công khai của nhật ký và của nhân chứng. Public keys of the log and of our witness, for others."""
    answer = operate(frame, "log.keys")
    lines = [*(f"# {name}\n{key}" for name in ("log", "witness") for key in answer[name])]
    output.show(frame, answer, lambda console: console.out("\n".join(lines)))


@log.command()
@common_options
@click.argument("url")
@click.option("--key", "key_file", type=_FILE, required=True, help="The other log's public key.")
@click.option("--post/--no-post", default=True, show_default=True, help="Hand our line back to it.")
@click.pass_obj
def witness(frame: Frame, url: str, key_file: Path, post: bool) -> None:
    """Làm nhân chứng cho nhật ký của trục khác. Cosign another gateway's log if it only grew since last time.

    URL is that gateway's address, e.g. https://truc.tinh.example.
    """
    answer = wait(witness_of(frame, url.rstrip("/"), key_file.read_text("utf-8"), post=post))
    words = f"[bold green]✓[/] {escape(answer['origin'])}: {answer['size']} sự kiện. [dim](cosigned)[/]"
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


def _verify_file(file: Path, believed: str, notes: list[str]) -> dict[str, Any]:
    from gateway.flow.log_verify import problem_json

    try:
        keys, lost = read_keys(believed), compromised_keys(believed)
    except NotANote as error:
        raise NotReady(_bad_key(str(error)), code="log.keys") from error
    if not keys:
        raise NotReady(_NEEDS_KEY, code="log.keys")
    try:
        with file.open("rb") as opened:
            report = verify_export(opened, keys, SystemClock().now() / 1_000_000, notes, lost)
    except DoesNotFit as wrong:
        return {"origin": keys[0].name, "fits": False, "problem": problem_json(wrong.problem)}
    return {
        "origin": keys[0].name,
        "fits": True,
        "leaves": report.leaves,
        "root": report.root.hex(),
        "checkpoints": report.checkpoints,
        "covered": report.covered,
    }


async def _verify_home(frame: Frame, believed: str, notes: list[str]) -> dict[str, Any]:
    """In this process, beside a running server: it reads and takes no lock."""
    from gateway import app
    from gateway.config import load
    from gateway.flow.log_verify import verify_log
    from gateway.flow.operate import LOCAL

    gw = await app.open_services(frame.home, load(frame.home), SystemClock(), "log verify", read_only=True)
    try:
        return await verify_log(gw, LOCAL, believed, notes)
    finally:
        await gw.close()


async def export_to(frame: Frame, target: Path, start: int = 0, stop: int = 0) -> int:
    """Write the log of the installation into a new file, beside a running server; its bytes."""
    from gateway import app
    from gateway.config import load
    from gateway.flow.log_export import export_log

    gw = await app.open_services(frame.home, load(frame.home), SystemClock(), "log export", read_only=True)
    temporary = target.with_name(f".{target.name}.new")
    try:
        with temporary.open("wb") as file:
            async for part in export_log(gw, start, stop):
                await asyncio.to_thread(file.write, part)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
        await gw.close()
    return target.stat().st_size


async def witness_of(frame: Frame, url: str, key: str, *, post: bool) -> dict[str, Any]:
    """Fetch checkpoint and proof, have them judged and signed by our installation, hand the line back."""
    from gateway import app
    from gateway.config import load

    net = app.outbound(load(frame.home), frame.home)
    try:
        known = read_key(next((line for line in key.splitlines() if line.strip()[:1] not in ("", "#")), ""))
        note = (await _get(net, f"{url}/api/v1/log/checkpoint", NOTE_BYTES)).decode("utf-8", "replace")
        head = read_checkpoint(read_note(note).text)
        seen = await reach(frame, "log.remembered", {"origin": head.origin})
        proof: list[str] = []
        if 0 < seen["size"] < head.size:
            asked = f"{url}/api/v1/log/consistency?from={seen['size']}&to={head.size}"
            proof = [str(one) for one in orjson.loads(await _get(net, asked, PROOF_BYTES))["hashes"]]
        given = {"note": note, "key": str(known), "proof": proof}
        answer = dict(await reach(frame, "log.witness", given))
        if post:
            body = orjson.dumps({"note": answer["note"]})
            sent = await _sent(net, f"{url}/api/v1/log/cosignatures", body)
            if sent.status != 200:
                raise BadRequest(_not_taken(sent.status), code="log.not_taken")
        return answer
    except (NotANote, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BadRequest(_unreadable(str(error)), code="log.note") from error
    finally:
        await net.close()


async def _get(net: Net, url: str, limit: int) -> bytes:
    try:
        answer = await net.get(url, limit)
    except Unreachable as error:
        raise BadRequest(error.text, code=error.code) from error
    if answer.status != 200:
        raise BadRequest(_not_taken(answer.status), code="log.not_taken")
    return bytes(answer.body)


async def _sent(net: Net, url: str, body: bytes) -> Answer:
    try:
        return await net.post_bytes(url, body, {"Content-Type": "application/json"}, PROOF_BYTES)
    except Unreachable as error:
        raise BadRequest(error.text, code=error.code) from error


def _print_verified(console: Console, answer: dict[str, Any]) -> None:
    if answer["fits"]:
        console.print(
            f"[bold green]✓[/] {answer['leaves']} sự kiện khớp; {answer['covered']} nằm dưới "
            f"{answer['checkpoints']} mốc chốt có chữ ký đúng. [dim](everything fits)[/]"
        )
        console.print(
            f"  [dim]{escape(answer['origin'])} {answer['root']}, {answer['seconds']} s[/]", soft_wrap=True
        )
        return
    problem = answer["problem"]
    console.print(f"[bold red]✗[/] {escape(problem['text']['vi'])}", soft_wrap=True)
    console.print(f"  [dim]{escape(problem['text']['en'])}[/]", soft_wrap=True)
    for note in problem["checkpoints"]:
        console.print(f"\n{escape(note)}", soft_wrap=True)


_NEEDS_KEY = Bilingual(
    "Kiểm tra tệp xuất cần khóa công khai của nhật ký (--key): tệp không thể tự bảo đảm cho mình.",
    "An export is verified with the log's public key (--key): a file cannot vouch for itself.",
)


def _bad_key(detail: str) -> Bilingual:
    return Bilingual(f"Tệp khóa không đọc được: {detail}", f"The key file cannot be read: {detail}")


def _unreadable(detail: str) -> Bilingual:
    return Bilingual(
        f"Câu trả lời của trục kia không đọc được: {detail}",
        f"The other gateway's answer cannot be read: {detail}",
    )


def _not_taken(status: int) -> Bilingual:
    return Bilingual(f"Trục kia trả lời HTTP {status}.", f"The other gateway answered HTTP {status}.")
