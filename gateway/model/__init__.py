"""Words of the gateway as frozen values. No I/O, no clock, no imports from other rooms."""
