"""What the gateway counts for its operators (Prometheus).

In charge of: every metric, once, with its sentence. Never labelled by agency (a label per agency would be a
directory of who writes to whom). Not in charge of: figures for auditors, which come from events
(``compliance/``).
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One set of metrics, with a registry of its own so that tests do not share counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.submissions = Counter(
            "gateway_submissions",
            "Uploads by what the gate decided.",
            ["decision"],
            registry=self.registry,
        )
        self.unauthenticated = Counter(
            "gateway_unauthenticated", "Calls without a valid credential.", registry=self.registry
        )
        self.turned_away = Counter(
            "gateway_turned_away", "Calls refused because of a limit.", ["limit"], registry=self.registry
        )
        self.partner_calls = Counter(
            "gateway_partner_calls",
            "Calls of partner software by dialect, call and outcome.",
            ["dialect", "call", "outcome"],
            registry=self.registry,
        )
        self.stage_seconds = Histogram(
            "gateway_stage_seconds",
            "Time of one upload in each stage of the walk.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.attempts = Counter(
            "gateway_attempts",
            "Attempts by adapter and outcome.",
            ["adapter", "outcome"],
            registry=self.registry,
        )
        self.deliveries = Gauge(
            "gateway_deliveries", "Open deliveries by state.", ["state"], registry=self.registry
        )
        self.certificates_expiring = Gauge(
            "gateway_certificates_expiring",
            "Certificates in use that end within so many days.",
            ["days"],
            registry=self.registry,
        )
        self.leader = Gauge(
            "gateway_leader", "1 while this node does the work of the clock, else 0.", registry=self.registry
        )
        self.lease_epoch = Gauge(
            "gateway_lease_epoch",
            "How often the work of the clock has changed hands; growing fast means that nodes lose it.",
            registry=self.registry,
        )
        self.nodes = Gauge("gateway_nodes", "Nodes that were heard of, this one too.", registry=self.registry)
        self.rechecks = Counter(
            "gateway_rechecks",
            "Messages whose signatures were judged again, by what came of it.",
            ["outcome"],
            registry=self.registry,
        )
        self.revocation_asked = Counter(
            "gateway_revocation_asked",
            "Questions to revocation sources by kind and outcome (answer, or what went wrong).",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self.revocation_failing = Gauge(
            "gateway_revocation_failing",
            "Revocation sources in use whose last try failed.",
            ["kind"],
            registry=self.registry,
        )
        self.revocation_age = Gauge(
            "gateway_revocation_oldest_seconds",
            "Age of the oldest answer of a revocation source in use.",
            ["kind"],
            registry=self.registry,
        )
        self.timestamps = Counter(
            "gateway_timestamps",
            "Answers of the timestamp service: ok, or what was wrong.",
            ["outcome"],
            registry=self.registry,
        )
        self.log_leaves = Gauge(
            "gateway_log_leaves", "Events that have their leaf in the exchange log.", registry=self.registry
        )
        self.log_waiting = Gauge(
            "gateway_log_waiting",
            "Events that wait for their leaf; counted up to 100000.",
            registry=self.registry,
        )
        self.log_unpublished = Gauge(
            "gateway_log_unpublished", "Leaves that no published checkpoint covers.", registry=self.registry
        )
        self.log_unstamped = Gauge(
            "gateway_log_unstamped",
            "Leaves that no timestamped checkpoint covers, when a timestamp service is set.",
            registry=self.registry,
        )
        self.log_problems = Counter(
            "gateway_log_problems",
            "Rounds of the exchange log that failed, by what was wrong.",
            ["problem"],
            registry=self.registry,
        )
        self.collected = Counter(
            "gateway_collected",
            "Messages that partners kept for us, by connection kind and what became of them.",
            ["adapter", "outcome"],
            registry=self.registry,
        )
        self.collect_success = Gauge(
            "gateway_collect_last_success_timestamp_seconds",
            "When a partner of this connection kind last answered (UTC seconds; the longest ago).",
            ["adapter"],
            registry=self.registry,
        )
        self.collect_backlog = Gauge(
            "gateway_collect_backlog",
            "Messages that waited at partners at the last look, by connection kind.",
            ["adapter"],
            registry=self.registry,
        )
        self.partners_away = Gauge(
            "gateway_partners_away", "Partners that failed several times in a row.", registry=self.registry
        )
        self.reconciliation_differences = Gauge(
            "gateway_reconciliation_differences",
            "Documents that only one side has, in the newest comparisons; side: ours or theirs.",
            ["side"],
            registry=self.registry,
        )
        self.conservation_differences = Gauge(
            "gateway_conservation_differences",
            "Deliveries whose events and row do not agree; above 0 is an alarm (gateway conservation).",
            registry=self.registry,
        )
        self.conservation_uncounted = Gauge(
            "gateway_conservation_uncounted",
            "Leaves of the log that the conservation ledger has not counted yet.",
            registry=self.registry,
        )
        self.clock_synchronised = Gauge(
            "gateway_clock_synchronised",
            "1 while the kernel says that somebody keeps the machine's clock right, else 0.",
            registry=self.registry,
        )
        self.clock_offset = Gauge(
            "gateway_clock_offset_seconds",
            "How far the machine's clock is off, where that is known; else 0.",
            registry=self.registry,
        )
        self.clock_steps = Counter(
            "gateway_clock_steps",
            "Jumps of the machine's clock of more than a second since the start.",
            registry=self.registry,
        )
        self.alerts_open = Gauge(
            "gateway_alerts_open",
            "Delivery objectives that are missed too fast, by measure and span (fast: an hour of work).",
            ["measure", "span"],
            registry=self.registry,
        )
        self.alert_notices = Counter(
            "gateway_alert_notices",
            "Tries to send a message about alerts, by channel and outcome (sent, failed, given_up).",
            ["channel", "outcome"],
            registry=self.registry,
        )
        self.alert_notices_waiting = Gauge(
            "gateway_alert_notices_waiting",
            "Messages about alerts that are neither sent nor given up.",
            registry=self.registry,
        )
        self.bytes_in_flight = Gauge(
            "gateway_bytes_in_flight",
            "Bytes of uploads being handled, but for the first 64 KiB of each.",
            registry=self.registry,
        )
        self.responses = Counter(
            "gateway_responses", "Answers to requests by HTTP status.", ["status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "gateway_request_seconds",
            "Time until an answer begins, by door: api, console, partner (their dialects), service (probes).",
            ["door"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.ready = Gauge(
            "gateway_ready",
            "1 while this node can take documents (as /readyz says), else 0.",
            registry=self.registry,
        )
        self.not_ready = Gauge(
            "gateway_not_ready",
            "1 while this node cannot take documents for this reason (the code that /readyz answers).",
            ["code"],
            registry=self.registry,
        )
        self.disk_free = Gauge(
            "gateway_disk_free_bytes",
            "Bytes free where the home folder and the payloads lie.",
            ["place"],
            registry=self.registry,
        )
        self.payloads_away = Gauge(
            "gateway_payloads_away",
            "1 while the bucket with the payloads does not answer this node, else 0.",
            registry=self.registry,
        )
        self.next_due = Gauge(
            "gateway_next_due_seconds",
            "For how long the oldest delivery that could go now has been due, on the leader; 0: none is.",
            registry=self.registry,
        )
        self.lanes_failing = Gauge(
            "gateway_lanes_failing",
            "Destinations whose last attempt failed, on the leader.",
            registry=self.registry,
        )
        self.pdf_workers = Gauge(
            "gateway_pdf_workers", "Processes of this node that read PDFs and live.", registry=self.registry
        )
        self.pdf_workers_lost = Counter(
            "gateway_pdf_workers_lost",
            "Processes that read PDFs and died, hung or were ended over a file.",
            registry=self.registry,
        )
        self.tls_certificate_ends = Gauge(
            "gateway_tls_certificate_end_timestamp_seconds",
            "When the certificate of our own TLS socket ends (UTC seconds); 0: none is set.",
            registry=self.registry,
        )
        self.backup_at = Gauge(
            "gateway_backup_last_success_timestamp_seconds",
            "When the newest whole backup of this installation was made (UTC seconds); 0: never, as far as "
            "this node knows.",
            registry=self.registry,
        )
