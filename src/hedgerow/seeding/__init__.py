"""The deterministic fixtures: the same rows in every database, down to the byte.

Comes in: the ``SEEDS`` of every domain, pure functions from a tenant's :class:`World` to rows. Goes out: a database
with tenants, patients and everything about them, loaded through COPY as the owner of the schema.

- One fixed present (:data:`NOW`), ids that follow from natural keys, and one stream of chance for each tenant, table
  and unit of scale: a new table, tenant or larger scale changes no row that was there before.
- Odd tenants divide by time as well, and some of their rows lie in a gap or in another split's window on purpose, so
  that there is something for the windows to hide. Even tenants divide by patient alone.
- Whatever is learnt (statistics of preprocessing, quality of models, SHAP values, findings of the audit) is computed
  from the rows of the first unit, which every scale holds.
"""

from hedgerow.seeding.draw import Draw
from hedgerow.seeding.load import TableCount
from hedgerow.seeding.plan import Row, SeedError, TableSeed, per_tenant, per_unit, reference, shared, table_seeds
from hedgerow.seeding.run import SeedReport, seed, steps
from hedgerow.seeding.world import NOW, UNIT, World, at, later, tenant_id

__all__ = [
    "NOW",
    "UNIT",
    "Draw",
    "Row",
    "SeedError",
    "SeedReport",
    "TableCount",
    "TableSeed",
    "World",
    "at",
    "later",
    "per_tenant",
    "per_unit",
    "reference",
    "seed",
    "shared",
    "steps",
    "table_seeds",
    "tenant_id",
]
