"""What happens to a document, in order. Start reading here: ``submit.py``, then ``inbox.py``.

    door.py      who calls, how much may come in, where the bytes are staged
    examine.py   parse, schema, signature, checks: the engine of the gate, the same for preflight
    identity.py  what makes two uploads the same message, and what the store knows about one
    submit.py    one upload becomes a durable message with a receipt, or is refused with reasons
    accept.py    the accepting transaction; dialect.py the forms rebuilt for recipients of the other dialect
    progress.py  a delivery arrives; statuses are recorded and travel back
    inbox.py     the recipient lists, fetches, says done
    hold.py      a person holds, releases, rejects, retries or gives up a delivery, with a reason
    office.py    agencies, signers, callers and their keys: what administrators change
    operate.py   the table of what the command line may do; local.py sending and fetching on this machine
    payload.py   reading a kept message; record.py, facts.py what events say; report.py a verdict as JSON
    look.py      reading: one document's history, lists, the queue

Nothing here imports ``delivery``, ``adapters`` or ``web``.
"""
