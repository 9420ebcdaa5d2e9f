"""Manifest of the audit domain."""

from hedgerow.core.objects import Domain, Function, View
from hedgerow.core.roles import GRANTED

DOMAIN = Domain(
    name="audit",
    purpose="The audit chain: entries that name their predecessor by hash, and verifications",
    functions=(
        Function("calculate_chain_hash", callers=GRANTED),
        Function("audit_payload_hash", schema="app", callers=GRANTED),
        Function("audit_envelope", schema="app", callers=GRANTED),
        Function("validate_audit_entry", callers=None, after=("calculate_chain_hash", "audit_envelope")),
        Function("append_audit_entry"),
        Function("append_audit_entries"),
        Function("get_audit_chain_for_entity", callers=GRANTED),
        Function("export_audit_chain", schema="app", callers=GRANTED, after=("audit_envelope",)),
        Function("audit_chain_anchors", schema="app", callers=GRANTED),
        Function(
            "inspect_audit_chain",
            schema="app",
            callers=GRANTED,
            after=("calculate_chain_hash", "audit_payload_hash", "audit_envelope", "audit_chain_anchors"),
        ),
        Function("verify_audit_chain", after=("inspect_audit_chain",)),
        Function("verify_all_chains", after=("verify_audit_chain",)),
    ),
    views=(
        View("v_audit_chain_integrity", audit=True),
        View("v_audit_chain_summary", audit=True),
        View("v_audit_chain_daily_stats", audit=True),
    ),
)
