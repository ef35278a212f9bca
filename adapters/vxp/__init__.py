"""The national document axis (VXP) as its Java SDK 2.0.1 speaks: both halves.

In charge of: the wire format of that one dialect. ``sign.py`` the signature, ``wire.py`` the shapes of
answers, ``inbound.py`` the SDK calling us, ``client.py`` us calling an axis. Not in charge of: what happens
to a document (``gateway/flow``).
"""
