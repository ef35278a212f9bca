"""Bytes to words and back: edXML of QCVN 102:2016/BTTTT.

In charge of: reading messages liberally (``parse``), writing them strictly (``build``), the digest that
recognises a repeated message (``digest``), and what the schemas say (``schema``). Not in charge of: knowing
agencies, judging signatures, deciding what may travel.
"""
