from pathlib import Path

import pytest

from channels.roles import ROLES
from server.oidc.provider_file import read_providers
from server.settings import SettingsError

TENANT = "11111111-2222-3333-4444-555555555555"
GOOGLE = """
[providers.google]
kind = "google"
client_id = "lousa"
client_secret = "hidden"
domains = ["Escola.example"]
"""
ENTRA = f"""
[providers.entra]
kind = "entra"
client_id = "lousa"
tenants = ["{TENANT.upper()}"]
domains = ["escola.example"]
"""
OTHER = """
[providers.id]
issuer = "https://id.escola.example/realms/escola"
client_id = "lousa"
client_secret = "hidden"
"""
ADDRESS = 'address = "https://lousa.escola.example"\n'


def _file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "providers.toml"
    file.write_text(text)
    return file


def test_kinds_bring_what_is_usual(tmp_path: Path) -> None:
    text = f'local_sign_in = "staff"\n{ADDRESS}{GOOGLE}{ENTRA}{OTHER}'
    school = read_providers(_file(tmp_path, text), {"LOUSA_CLIENT_SECRET_ENTRA": "from outside"})
    google, entra, other = school.providers.values()
    assert (google.title, entra.title, other.title) == ("Google", "Microsoft", "id")
    assert google.metadata_url == "https://accounts.google.com/.well-known/openid-configuration"
    assert google.domains == ("escola.example",)
    assert entra.metadata_url == f"https://login.microsoftonline.com/{TENANT}/v2.0/.well-known/openid-configuration"
    assert entra.published_issuer == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert entra.client_secret == "from outside"
    assert "from outside" not in repr(school)
    assert school.callback(google) == "https://lousa.escola.example/accounts/through/google/back"
    assert {google.algorithms, entra.algorithms} == {("RS256",)}
    assert not any(each.startswith(("HS", "none")) for each in other.algorithms)


def test_several_tenants_share_metadata(tmp_path: Path) -> None:
    text = ENTRA.replace(TENANT.upper(), f'{TENANT}", "99999999-2222-3333-4444-555555555555')
    (entra,) = read_providers(_file(tmp_path, ADDRESS + text), {"LOUSA_CLIENT_SECRET_ENTRA": "x"}).providers.values()
    assert entra.metadata_url == "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("local", "roles"),
    [("everybody", None), ("staff", {"teacher", "principal"}), ("administrators", set[str]())],
)
def test_password_stays_for_whom_the_school_says(local: str, roles: set[str] | None, tmp_path: Path) -> None:
    school = read_providers(_file(tmp_path, f'local_sign_in = "{local}"\n{ADDRESS}{OTHER}'), {})
    found = school.local_roles(ROLES)
    assert (found if found is None else set(found) - {"administrator"}) == roles


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing required field `address`"),
        (ADDRESS, "missing required field `providers`"),
        (ADDRESS + "[providers]", "names 1 to 8 providers"),
        (GOOGLE, "missing required field `address`"),
        ('address = "http://lousa.escola.example"\n' + GOOGLE, "must be an https:// address"),
        ('address = "https://lousa.escola.example/x"\n' + GOOGLE, "is not an origin"),
        (ADDRESS + GOOGLE.replace("providers.google", "providers.Google"), "small letters"),
        (ADDRESS + GOOGLE.replace("hidden", ""), "LOUSA_CLIENT_SECRET_GOOGLE"),
        (ADDRESS + GOOGLE.replace('["Escola.example"]', "[]"), "anybody has a Google account"),
        (ADDRESS + GOOGLE.replace("Escola.example", "https://escola.example"), "is not a domain"),
        (ADDRESS + GOOGLE + 'colour = "red"', "unknown field `colour`"),
        (ADDRESS + GOOGLE + 'algorithms = ["HS256"]', "HS256 signs no token here"),
        (ADDRESS + GOOGLE + 'algorithms = ["none"]', "none signs no token here"),
        (ADDRESS + OTHER.replace("https:", "http:"), "must be an https:// address"),
        (ADDRESS + OTHER.replace("issuer", "title"), "needs an issuer"),
        (ADDRESS + OTHER + 'claim = "email"', "needs the domains"),
        (ADDRESS + ENTRA + 'client_secret = "hidden"\nclaim = "email"', "does not verify e-mail addresses"),
        (ADDRESS + ENTRA.replace("domains", "scopes") + 'client_secret = "hidden"', "needs the domains behind the @"),
        (ADDRESS + ENTRA.replace(TENANT.upper(), "common") + 'client_secret = "hidden"', "Directory (tenant) IDs"),
        (ADDRESS + "x", "cannot be used"),
    ],
)
def test_file_that_would_not_be_safe_is_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        read_providers(_file(tmp_path, text), {})
    assert words in str(error.value)
    assert "hidden" not in str(error.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_providers(tmp_path / "none.toml")
