"""``gateway simulate s3``: an object store to practise with.

In charge of: starting it and printing the settings that use it. Not in charge of: what it does
(``practice/s3.py``).
"""

from __future__ import annotations

import click

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import wait
from gateway.cli.serve import stop_on_signals
from gateway.practice.s3 import Fault, Knobs, SimulatedBucket


@click.command("s3")
@common_options
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free port.")
@click.option("--bucket", default="truc", show_default=True, help="Its name.")
@click.option("--fault", type=click.Choice([fault.value for fault in Fault]), default="none")
@click.option("--call", default="", metavar="METHOD", help="The fault strikes these calls only, e.g. PUT.")
@click.option("--times", type=click.IntRange(min=0), default=0, help="So many calls; 0: all.")
@click.pass_obj
def s3(frame: Frame, host: str, port: int, bucket: str, fault: str, call: str, times: int) -> None:
    """Kho S3 mô phỏng, chỉ giữ trong bộ nhớ. A stand-in object store in memory, with faults."""
    made = SimulatedBucket(bucket, host=host, port=port, knobs=Knobs(Fault(fault), call, times))
    wait(_serve(frame, made))


async def _serve(frame: Frame, made: SimulatedBucket) -> None:
    stop = stop_on_signals()
    async with made:
        about = {"url": f"s3://{made.name}", "endpoint": made.url, "allow_http": True}
        if frame.json:
            output.print_json(about)
        else:
            frame.screen.print(f"[bold green]●[/] Kho mô phỏng tại [bold]{made.url}[/] (dừng: Ctrl-C)")
            words = f'\\[payloads]\nurl = "{about["url"]}"\nendpoint = "{made.url}"\nallow_http = true'
            frame.screen.print(words + '\naccess_key = "any"\nsecret_key = "any"', soft_wrap=True)
        await stop.wait()
