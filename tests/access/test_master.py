"""The master secret: given or made once, kept where only its owner reads it, and never shared by two uses."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcraft.access.master import Master
from leafcraft.app import create_app
from leafcraft.errors import StartError
from tests.access.visits import asked, session
from tests.builders import SECRET, open_shop, settings_of
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


@ON_SQLITE
async def test_the_secret_of_an_embedded_shop_is_made_once_and_only_its_owner_can_read_it(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    file = tmp_path / "secret.key"
    async with open_shop(make_settings(secret_key=None)) as shop:
        token = (await session(shop))["access_token"]
        kept = file.read_text()
    assert len(kept) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    async with open_shop(make_settings(secret_key=None)) as shop:
        assert (await asked(shop, token)).status_code == 200
    assert file.read_text() == kept
    assert [name for name in os.listdir(tmp_path) if "secret" in name] == ["secret.key"]


@ON_SQLITE
@pytest.mark.parametrize("kept", ["", "\n", "too short"])
def test_a_file_without_a_secret_in_it_stops_the_service(
    make_settings: MakeSettings, tmp_path: Path, kept: str
) -> None:
    (tmp_path / "secret.key").write_text(kept)
    with pytest.raises(StartError, match=r"secret\.key does not hold a key"):
        create_app(make_settings(secret_key=None))


def test_a_shop_on_a_shared_database_makes_up_no_secret_of_its_own(tmp_path: Path) -> None:
    settings = settings_of("mysql://u:p@127.0.0.1/shop", tmp_path, secret_key=None)
    with pytest.raises(StartError, match="LEAFCRAFT_SECRET_KEY is not set") as refused:
        create_app(settings)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.glob("*.key"))


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(max_size=20))
def test_what_is_sealed_opens_again_as_what_it_is_about_and_never_looks_the_same(
    plain: str, about: str
) -> None:
    about = about.encode("utf-8", "replace").decode()
    master = Master(SECRET)
    first, second = master.seal(plain, about), master.seal(plain, about)
    assert first != second
    assert master.open(first, about) == master.open(second, about) == plain
    with pytest.raises(ValueError, match="another secret"):
        master.open(first, f"{about}!")
    with pytest.raises(ValueError, match="another secret"):
        Master(SECRET[::-1]).open(first, about)


@pytest.mark.parametrize("sealed", ["", "A", "AAAA", "A" * 40, "é", "!" * 64, "A" * 41])
def test_what_nobody_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Master(SECRET).open(sealed, "x")


def test_a_sealed_text_opens_no_more_once_a_bit_of_it_has_changed() -> None:
    master = Master(SECRET)
    sealed = master.seal("a private key", "k")
    for place, letter in enumerate(sealed):
        for other in {"A", "B", chr(ord(letter) + 1)} - {letter}:
            with pytest.raises(ValueError, match="another secret"):
                master.open(f"{sealed[:place]}{other}{sealed[place + 1 :]}", "k")


def test_each_purpose_has_a_key_of_its_own() -> None:
    purposes = ("knocks", "refresh tokens", "fingerprints", "seal")
    keys = {Master(secret).derive(purpose) for purpose in purposes for secret in (SECRET, "other")}
    assert len(keys) == 8
    assert all(len(key) == 32 for key in keys)
