"""The loops that carry parcels: ``worker`` claims and hands over, ``settle`` writes down how it went,
``retry`` says when again, ``janitor`` tidies up after what died."""
