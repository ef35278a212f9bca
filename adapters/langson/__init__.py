"""The dialect of the Lạng Sơn provincial axis ("Trục EDOC Lạng Sơn"): both halves.

In charge of: the wire format of that one dialect. ``wire.py`` the shapes of answers and the nine error codes,
``tokens.py`` the login token, ``inbound.py`` an agency's software calling us, ``axis.py`` us calling such an
axis. Not in charge of: what happens to a document (``gateway/flow``).

The calls are known from one working client; what that client does not show is marked M (unverified) in
``docs/partners.md``.
"""
