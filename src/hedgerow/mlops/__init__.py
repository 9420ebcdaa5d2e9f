"""What was trained, on what, and which model is the one in use.

Comes in: tenants, and the splits that models learn from. Goes out: the registered model that predictions and
explanations refer to, and the champion of each experiment.
"""

from hedgerow.mlops.enums import ModelStage
from hedgerow.mlops.models import Experiment, RegisteredModel
from hedgerow.mlops.views import ChampionModel

__all__ = ["ChampionModel", "Experiment", "ModelStage", "RegisteredModel"]
