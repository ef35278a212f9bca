"""The web edge: the native REST API, health and metrics, and the control socket of the command line.

    routes.py      the table of endpoints; each is declared once, and served and described from that
    endpoint.py    what an endpoint is, and what its handler is handed
    api_*.py       the endpoints; file = noun
    models.py      JSON bodies, as pydantic models that really validate and serialise; models_*.py by resource
    serve.py       one request through its endpoint: who calls, limits, validation, answer
    body.py        request bodies: streaming uploads, JSON
    openapi.py     OpenAPI 3.1 from the same table
    problems.py    errors as RFC 9457 problem+json, both ways
    server.py      the application and its listening socket
    control.py     the Unix socket of the home folder

Calls ``flow``; knows nothing of adapters, SQL or keys.
"""
