"""What the service reads from the environment besides hedgerow's own variables."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class AppSettings(BaseSettings):
    """Settings of the service; it does not start without a key.

    :ivar token_key: ``EXAMPLE_TOKEN_KEY``: what tokens are signed with, 32 bytes or more, kept secret.
    :ivar pool_size: ``EXAMPLE_POOL_SIZE``: connections to the database, shared by the requests of every tenant.
    :ivar pool_timeout: ``EXAMPLE_POOL_TIMEOUT``: seconds that a request waits for one of them.
    """

    model_config = SettingsConfigDict(env_prefix="EXAMPLE_", frozen=True)

    token_key: Annotated[SecretStr, Field(min_length=32)]
    pool_size: Annotated[int, Field(ge=1)] = 5
    pool_timeout: Annotated[float, Field(gt=0)] = 30
