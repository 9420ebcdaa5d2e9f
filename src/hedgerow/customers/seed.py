"""Seeded customers of the two success managers, what hangs on them, and the sessions of the tenant's people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from hedgerow.customers.enums import (
    CustomerTier,
    QbrStatus,
    RenewalStage,
    RiskSeverity,
    RiskSignalType,
    Sentiment,
    StakeholderRole,
)
from hedgerow.customers.models import (
    Contract,
    Customer,
    Entitlement,
    HealthScore,
    Qbr,
    Renewal,
    RiskSignal,
    Stakeholder,
    UsageMetric,
)
from hedgerow.customers.seed_work import (
    CARL,
    CARLA,
    LEO,
    LOOSE,
    approvals,
    customer_id,
    customer_of,
    messages,
    runs,
    sessions,
    steps,
)
from hedgerow.seeding import NOW, Row, World, at, later, per_tenant
from hedgerow.tenancy.seed import user_ids

TODAY: Final = NOW.date()


class Account(NamedTuple):
    """A seeded customer.

    :ivar csm: place of its manager, None where nobody looks after it.
    :ivar scores: overall of its scores, the oldest first; one a month up to the present.
    :ivar renews: days from :data:`TODAY` to its renewal, None where none is forecast.
    """

    name: str
    tier: CustomerTier | None
    csm: int | None
    scores: tuple[int, ...]
    renews: int | None
    status: str = "active"
    deleted: bool = False


E, M, S = CustomerTier.ENTERPRISE, CustomerTier.MID_MARKET, CustomerTier.SMB

ACCOUNTS: Final = (
    Account("Northwind Clinics", E, CARLA, (71, 74, 78, 82), 45),
    Account("Lakeside Hospital Group", E, CARLA, (66, 58, 49, 41), 12),
    Account("Harbour Oncology", M, CARLA, (70, 64, 60), 0),  # 60 is no risk; renews today
    Account("Meadow Diagnostics", S, CARLA, (), 90),  # no score: the column keeps its 50
    Account("Alpine Care", E, CARL, (55, 63, 72, 77), 91),  # one day too far
    Account("Riverbank Health", M, CARL, (88, 86, 90), -3),  # lapsed
    Account("Cedar Labs", S, CARL, (35, 28), 30, status="churned"),
    Account("Old Mill Practice", S, CARL, (50, 52), None),
    Account("Summit Pharmacy", M, LEO, (61, 45), 20),  # its manager has left
    Account("Quarry Medical", None, None, (59,), 60, status="paused"),
    Account("Fenland Surgery", S, CARLA, (12,), 5, deleted=True),
)

HANGING: Final = (*ACCOUNTS, Account(LOOSE, None, None, (40,), 15))
"""What has contacts, contracts and the like: all accounts, and one that nobody has matched yet."""

TIMELESS: Final = "Alpine Care"
"""Has a score without a time, which is older than any."""


@per_tenant(Customer)
def customers(world: World) -> Iterator[Row]:
    """All accounts; health_score is what the trigger makes of the scores."""
    people = user_ids(world)
    draw = world.draw("customers")
    for place, account in enumerate(ACCOUNTS):
        created = at(date(2023, 2, 1) + timedelta(days=40 * place))
        yield {
            "id": customer_id(world, account.name),
            "name": account.name,
            "arr": draw.decimal(20_000, 900_000, 2),
            "tier": account.tier,
            "health_score": account.scores[-1] if account.scores else 50,
            "renewal_date": None if account.renews is None else TODAY + timedelta(days=account.renews),
            "csm_id": None if account.csm is None else people[account.csm],
            "status": account.status,
            "created_at": created,
            "updated_at": NOW if account.deleted else later(created, days=200),
            "deleted_at": NOW if account.deleted else None,
        }


@per_tenant(Stakeholder)
def stakeholders(world: World) -> Iterator[Row]:
    """Three people at each customer, the first one primary; a detractor where the score is low."""
    for account in HANGING:
        low = bool(account.scores) and account.scores[-1] < 60
        for place, (first, title) in enumerate(
            (("Pat", "Head of data"), ("Robin", "Medical director"), ("Sam", "Analyst"))
        ):
            role = (StakeholderRole.CHAMPION, StakeholderRole.SPONSOR, StakeholderRole.USER)[place]
            last = account.name.split()[0]
            yield {
                "id": world.id("stakeholders", account.name, place),
                "customer_id": customer_of(world, account.name),
                "name": f"{first} {last}",
                "email": f"{first}.{last}@{last}.example".lower(),
                "title": title if place else None,
                "role": StakeholderRole.DETRACTOR if low and place == 2 else role,
                "is_primary": place == 0,
                "sentiment": Sentiment.NEGATIVE if low and place else (Sentiment.POSITIVE, None)[place % 2],
                "created_at": at(date(2024, 1, 15)),
            }


@per_tenant(Contract)
def contracts(world: World) -> Iterator[Row]:
    """One each, of a year up to the renewal; open-ended without one."""
    for account in HANGING:
        end = None if account.renews is None else TODAY + timedelta(days=account.renews)
        start = date(2024, 3, 1) if end is None else end - timedelta(days=365)
        yield {
            "id": world.id("contracts", account.name),
            "customer_id": customer_of(world, account.name),
            "file_url": f"s3://contracts/{account.name.replace(' ', '-').lower()}.pdf",
            "parsed_data": {"notice_days": 60, "auto_renew": account.tier == E} if account.tier else None,
            "start_date": start,
            "end_date": end,
            "created_at": at(start),
        }


@per_tenant(Entitlement)
def entitlements(world: World) -> Iterator[Row]:
    """Two products under the contract, and a trial without one."""
    draw = world.draw("entitlements")
    for account in HANGING:
        for product in ("Insights", "Forecasts", "Copilot trial"):
            trial = product.endswith("trial")
            yield {
                "id": world.id("entitlements", account.name, product),
                "customer_id": customer_of(world, account.name),
                "contract_id": None if trial or account.name == LOOSE else world.id("contracts", account.name),
                "product": product,
                "quantity": None if trial else draw.whole(5, 200),
                "status": "trial" if trial else "active",
                "created_at": at(date(2025, 1, 10)),
            }


@per_tenant(HealthScore)
def scores(world: World) -> Iterator[Row]:
    """One a month up to the first of the last month; one customer has an older one without a time."""
    draw = world.draw("health_scores")
    for account in HANGING:
        newest = len(account.scores) - 1
        for place, overall in enumerate(account.scores):
            timeless = account.name == TIMELESS and place == 0
            parts = {
                part: min(100, max(0, overall + draw.whole(-9, 9))) if draw.chance(0.95) else None
                for part in ("product", "risk", "outcomes", "voice", "engagement")
            }
            yield {
                "id": world.id("health_scores", account.name, place),
                "customer_id": customer_of(world, account.name),
                "overall": overall,
                **parts,
                "calculated_at": None if timeless else at(TODAY - timedelta(days=31 + 30 * (newest - place)), 300),
            }


@per_tenant(UsageMetric)
def usage(world: World) -> Iterator[Row]:
    """The last two weeks, falling where the score is low."""
    draw = world.draw("usage_metrics")
    for account in HANGING:
        level = account.scores[-1] if account.scores else 50
        for ago in range(14, 0, -1):
            active = max(1, level + (ago if level < 60 else -ago) + draw.whole(-3, 3))
            yield {
                "id": world.id("usage_metrics", account.name, ago),
                "customer_id": customer_of(world, account.name),
                "date": TODAY - timedelta(days=ago),
                "dau": active,
                "wau": active * 2,
                "mau": active * 3,
                "session_duration_avg": draw.bell(60, 1_800) if draw.chance(0.9) else None,
                "feature_adoption": {"insights": level / 100, "forecasts": level / 200},
                "adoption_score": level,
            }


SIGNALS: Final = (
    ("Lakeside Hospital Group", RiskSignalType.USAGE_DROP, RiskSeverity.HIGH, None),
    ("Lakeside Hospital Group", RiskSignalType.CHAMPION_LEFT, RiskSeverity.CRITICAL, None),
    ("Lakeside Hospital Group", RiskSignalType.NPS_DETRACTOR, RiskSeverity.LOW, 4),
    # At risk through a signal in spite of the score; both of its signals count.
    ("Northwind Clinics", RiskSignalType.COMPETITOR_THREAT, RiskSeverity.HIGH, None),
    ("Northwind Clinics", RiskSignalType.SUPPORT_ESCALATION, RiskSeverity.LOW, None),
    # Not at risk: neither a medium signal nor a resolved one does it.
    ("Harbour Oncology", RiskSignalType.PAYMENT_ISSUE, RiskSeverity.MEDIUM, None),
    ("Alpine Care", RiskSignalType.PAYMENT_ISSUE, RiskSeverity.CRITICAL, 9),
    ("Old Mill Practice", RiskSignalType.USAGE_DROP, None, None),
    ("Fenland Surgery", RiskSignalType.PAYMENT_ISSUE, RiskSeverity.CRITICAL, None),
    (LOOSE, RiskSignalType.SUPPORT_ESCALATION, RiskSeverity.LOW, None),
)
"""Customer, kind, severity, and days from detection to its end; None while it is open."""


@per_tenant(RiskSignal)
def signals(world: World) -> Iterator[Row]:
    """See :data:`SIGNALS`."""
    for place, (name, kind, severity, days) in enumerate(SIGNALS):
        detected = at(date(2025, 12, 1) + timedelta(days=place), 480)
        yield {
            "id": world.id("risk_signals", name, place),
            "customer_id": customer_of(world, name),
            "signal_type": kind,
            "severity": severity,
            "description": None if severity is None else f"{kind.replace('_', ' ')} at {name}",
            "detected_at": detected,
            "resolved_at": None if days is None else later(detected, days=days),
        }


@per_tenant(Renewal)
def renewals(world: World) -> Iterator[Row]:
    """Forecasts of all that renew: today, on the last day that counts, a day later, and lapsed."""
    draw = world.draw("renewal_pipeline")
    for account in HANGING:
        if account.renews is None:
            continue
        low = bool(account.scores) and account.scores[-1] < 60
        churned = account.status == "churned"
        current = draw.decimal(20_000, 900_000, 2)
        yield {
            "id": world.id("renewal_pipeline", account.name),
            "customer_id": customer_of(world, account.name),
            "renewal_date": TODAY + timedelta(days=account.renews),
            "current_arr": current,
            "forecasted_arr": Decimal(0) if churned else current if low else current + 5_000,
            "stage": RenewalStage.CHURNED if churned else RenewalStage.AT_RISK if low else RenewalStage.HEALTHY,
            "probability": 0 if churned else draw.whole(30, 95),
            "notes": None if account.tier else "Size to be found out",
        }


@per_tenant(Qbr)
def reviews(world: World) -> Iterator[Row]:
    """One that took place for each customer, and one to come for the large ones; a cancelled one without a date."""
    for account in HANGING:
        for quarter, days in enumerate((-60, 40)):
            if quarter and account.tier != E:
                continue
            cancelled = account.status == "churned"
            status = QbrStatus.CANCELLED if cancelled else (QbrStatus.COMPLETED, QbrStatus.SCHEDULED)[quarter]
            yield {
                "id": world.id("qbrs", account.name, quarter),
                "customer_id": customer_of(world, account.name),
                "scheduled_date": None if cancelled else TODAY + timedelta(days=days),
                "status": status,
                "attendees": [] if cancelled else ["Pat", "Robin"],
                "presentation_url": None if quarter else "https://slides.example/review",
                "action_items": [{"what": "Train new users", "done": False}] if not quarter else None,
                "notes": None,
            }


SEEDS: Final = (
    customers,
    stakeholders,
    contracts,
    entitlements,
    scores,
    usage,
    signals,
    renewals,
    reviews,
    sessions,
    messages,
    runs,
    steps,
    approvals,
)
