"""Settings: what the environment means, and the same URL in the dialect of each driver."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from platformdirs import user_data_path
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url

from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.settings import (
    Settings,
    SettingsError,
    async_connect_args,
    async_url,
    discover_home,
    libpq_url,
    resolve_urls,
    sync_url,
)

VARIABLES = (
    "DATABASE_URL",
    "HEDGEROW_APP_URL",
    "HEDGEROW_HOME",
    "HEDGEROW_LOCK_TIMEOUT",
    "HEDGEROW_STATEMENT_TIMEOUT",
    "HEDGEROW_ECHO",
    "HEDGEROW_POOLER",
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


class TestEnvironment:
    def test_defaults(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "pyproject.toml").touch()
        settings = Settings.load()
        assert settings.database_url is None
        assert settings.app_url is None
        assert settings.home == tmp_path / ".hedgerow"
        assert (settings.lock_timeout, settings.statement_timeout, settings.echo) == ("5s", "10min", False)

    def test_every_variable(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        values = ("postgresql://o@h/d", "postgresql://a@h/d", str(tmp_path), "250ms", "1h", "true", "transaction")
        for name, value in zip(VARIABLES, values, strict=True):
            monkeypatch.setenv(name, value)
        settings = Settings.load()
        assert settings.database_url == "postgresql://o@h/d"
        assert settings.app_url == "postgresql://a@h/d"
        assert settings.home == tmp_path
        assert (settings.lock_timeout, settings.statement_timeout, settings.echo) == ("250ms", "1h", True)
        assert settings.pooler == "transaction"

    def test_an_empty_variable_is_unset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "")
        monkeypatch.setenv("HEDGEROW_HOME", "")
        assert Settings.load().database_url is None
        assert Settings.load().home.is_absolute()

    def test_an_unusable_value_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HEDGEROW_LOCK_TIMEOUT", "soon; DROP TABLE tenant")
        with pytest.raises(SettingsError, match=r"HEDGEROW_LOCK_TIMEOUT='soon.*5s, 500ms or 10min"):
            Settings.load()

    def test_a_pooler_of_another_kind_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HEDGEROW_POOLER", "statement")
        with pytest.raises(SettingsError, match=r"HEDGEROW_POOLER='statement'.*'transaction'"):
            Settings.load()

    def test_passwords_are_not_shown(self) -> None:
        settings = Settings(database_url="postgresql://o:secret@h/d", app_url="postgresql://a:secret@h/d")
        assert "secret" not in repr(settings)


class TestHome:
    @pytest.mark.parametrize("marker", [".hedgerow", "alembic.ini", "pyproject.toml"])
    def test_the_nearest_marked_ancestor(self, tmp_path: Path, marker: str) -> None:
        (tmp_path / "alembic.ini").touch()
        (tmp_path / "near").mkdir()
        (tmp_path / "near" / marker).touch()
        deep = tmp_path / "near" / "a" / "b"
        deep.mkdir(parents=True)
        assert discover_home(deep) == tmp_path / "near" / ".hedgerow"

    def test_no_mark_anywhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Path, "exists", lambda self: False)
        assert discover_home(Path("/")) == user_data_path("hedgerow")

    def test_a_relative_home(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HEDGEROW_HOME", "here")
        assert Settings.load().home == tmp_path / "here"


class TestResolving:
    def test_both_urls(self) -> None:
        urls = resolve_urls(Settings(database_url="postgres://o@h/d", app_url="postgres://a@h/d"))
        assert (urls.owner.username, urls.app.username, urls.embedded) == ("o", "a", False)
        assert urls.owner.drivername == urls.app.drivername == "postgresql+psycopg"

    def test_sessions_fall_back_to_the_owners_url(self) -> None:
        assert resolve_urls(Settings(database_url="postgres://o@h/d")).app.username == "o"

    def test_sessions_need_no_owner(self) -> None:
        urls = resolve_urls(Settings(app_url="postgres://a@h/d"))
        assert urls.app.username == "a"
        with pytest.raises(SettingsError, match=r"HEDGEROW_APP_URL is set and DATABASE_URL is not"):
            _ = urls.owner

    def test_nothing_configured_starts_the_embedded_server(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        started: list[Path] = []
        monkeypatch.setattr(EmbeddedServer, "start", lambda self: started.append(self.home))
        urls = resolve_urls(Settings(home=tmp_path))
        assert started == [tmp_path.resolve()]
        assert (urls.owner.username, urls.app.username) == ("hedgerow_owner", "hedgerow_session")
        assert urls.owner.database == urls.app.database == "hedgerow"
        assert urls.embedded

    def test_the_variable_at_fault_is_named(self) -> None:
        with pytest.raises(SettingsError, match="HEDGEROW_APP_URL names a database of kind 'mysql'"):
            resolve_urls(Settings(database_url="postgres://o@h/d", app_url="mysql://a@h/d"))


EQUAL = "user=u password=p/@ host=h.example port=6543 dbname=d"


class TestUrls:
    @pytest.mark.parametrize(
        "scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg", "postgresql+psycopg2"]
    )
    def test_every_spelling_of_the_scheme(self, scheme: str) -> None:
        url = f"{scheme}://u:p%2F%40@h.example:6543/d"
        for made, driver in ((sync_url(url), "psycopg"), (async_url(url), "asyncpg")):
            assert made.drivername == f"postgresql+{driver}"
            assert (made.username, made.password, made.host, made.port) == ("u", "p/@", "h.example", 6543)
        assert conninfo_to_dict(libpq_url(url)) == conninfo_to_dict(EQUAL)

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://u@/d?host=/run/my%20db",
            "postgresql://u@%2Frun%2Fmy%20db/d",
            "postgresql+psycopg://u@%2Frun%2Fmy%20db/d",
            "postgresql+asyncpg://u@/d?host=/run/my+db",
        ],
    )
    def test_socket_directories(self, url: str) -> None:
        for made in (sync_url(url), async_url(url)):
            assert made.host is None
            assert made.query["host"] == "/run/my db"
        assert conninfo_to_dict(libpq_url(url)) == {"user": "u", "dbname": "d", "host": "/run/my db"}

    def test_several_hosts(self) -> None:
        made = sync_url("postgresql://u@one:1,two:2/d?target_session_attrs=read-write")
        assert made.query == {"host": "one,two", "port": "1,2", "target_session_attrs": "read-write"}
        assert conninfo_to_dict(libpq_url(made))["host"] == "one,two"

    def test_ipv6(self) -> None:
        assert conninfo_to_dict(libpq_url("postgresql://u@[::1]:5432/d"))["host"] == "::1"

    def test_translation_is_stable(self) -> None:
        once = sync_url("postgresql+asyncpg://u@h/d?ssl=require&timeout=5&command_timeout=7")
        assert once.query == {"sslmode": "require", "connect_timeout": "5"}
        assert sync_url(once) == once
        assert sync_url(libpq_url(once)) == once

    def test_tls_for_asyncpg(self) -> None:
        assert async_url("postgresql://h/d?sslmode=verify-full").query == {"ssl": "verify-full"}
        assert async_connect_args("postgresql://h/d?sslmode=verify-full") == {}
        assert async_url("postgresql+asyncpg://h/d?ssl=true").query == {"ssl": "require"}
        assert sync_url("postgresql+asyncpg://h/d?ssl=true").query == {"sslmode": "require"}

    @pytest.mark.parametrize(
        ("mode", "verified", "named"),
        [("require", True, False), ("verify-ca", True, False), ("verify-full", True, True)],
    )
    def test_a_root_certificate_for_asyncpg(self, mode: str, verified: bool, named: bool) -> None:
        roots = ssl.get_default_verify_paths().cafile
        if roots is None:
            pytest.skip("this machine has no root certificates")
        url = f"postgresql://h/d?sslmode={mode}&sslrootcert={roots}"
        context = async_connect_args(url)["ssl"]
        assert (context.verify_mode == ssl.CERT_REQUIRED) is verified
        assert context.check_hostname is named
        assert "ssl" not in async_url(url).query

    def test_a_certificate_that_is_not_there(self) -> None:
        with pytest.raises(SettingsError, match="Check sslrootcert"):
            async_connect_args("postgresql://h/d?sslmode=verify-ca&sslrootcert=/nowhere.pem")

    def test_session_settings_for_asyncpg(self) -> None:
        url = (
            "postgresql://h/d?application_name=mine&connect_timeout=3"
            "&options=-c%20search_path%3Dapp%2Cpublic%20--work_mem%3D8MB%20-cjit%3Doff&keepalives=1"
        )
        assert async_connect_args(url) == {
            "timeout": 3.0,
            "server_settings": {
                "application_name": "mine",
                "search_path": "app,public",
                "work_mem": "8MB",
                "jit": "off",
            },
        }
        assert async_url(url).query == {}

    @pytest.mark.parametrize("option", ["channel_binding=require", "sslcrl=/x", "options=-E", "requirepeer=x"])
    def test_what_asyncpg_cannot_honour_is_refused(self, option: str) -> None:
        with pytest.raises(SettingsError, match=r"asyncpg|-c name=value"):
            async_connect_args(f"postgresql://h/d?{option}")

    @pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql+pymysql://u:secret@h/d", "h/d", "postgresql:d", "//"])
    def test_other_databases_are_refused(self, url: str) -> None:
        with pytest.raises(SettingsError, match="Remedy: Use a URL such as postgresql://") as caught:
            sync_url(url)
        assert "secret" not in str(caught.value)

    def test_a_malformed_url_does_not_give_its_password_away(self) -> None:
        with pytest.raises(SettingsError, match="cannot be read") as caught:
            sync_url("postgresql+psycopg://u:secret@h:port/d")
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
    @pytest.mark.parametrize("rest", ["u:secret@h:0/d", "u:secret@h:99999/d", "u:se@cret@h/d"])
    def test_what_a_password_can_do_to_a_url_is_explained(self, scheme: str, rest: str) -> None:
        for read in (sync_url, async_url):
            with pytest.raises(SettingsError, match="%40") as caught:
                read(f"{scheme}://{rest}", variable="HEDGEROW_APP_URL")
            assert "HEDGEROW_APP_URL" in str(caught.value)
            assert "cret" not in str(caught.value)

    def test_a_url_object_keeps_its_password(self) -> None:
        assert sync_url(make_url("postgresql://u:secret@h/d")).password == "secret"
