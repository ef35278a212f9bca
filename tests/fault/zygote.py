"""A process that has imported the gateway once and forks one server after another: a cycle costs no import.

    one line in:  the plan, as JSON
    lines out:    ``port=N pid=P`` from the server, ``ended STATUS`` when it is gone

It has no threads and no event loop of its own, so a child begins as a process that was started afresh.
"""

from __future__ import annotations

import asyncio
import os
import sys
import traceback

import orjson

from tests.fault.child import serve
from tests.fault.plan import Plan


def main() -> None:
    """Fork for each line until the input ends."""
    import gateway.web.control
    import gateway.web.server  # noqa: F401 (what a server imports late, imported once)

    for line in sys.stdin.buffer:
        child = os.fork()
        if child == 0:
            _be_a_server(Plan(**orjson.loads(line)))
        _, status = os.waitpid(child, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


def _be_a_server(plan: Plan) -> None:
    code = 1
    try:
        asyncio.run(serve(plan))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
