"""What operators are handed: compose, units, alarms, bundle."""
