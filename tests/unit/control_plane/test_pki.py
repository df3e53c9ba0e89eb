import datetime as dt
import ipaddress
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from multiarch.rehearse.control_plane import pki


def load(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


@pytest.fixture(scope="module")
def authority() -> pki.Authority:
    return pki.Authority()


def verifier(authority: pki.Authority) -> verification.PolicyBuilder:
    store = verification.Store([load(authority.certificate)])
    return verification.PolicyBuilder().store(store).time(dt.datetime.now(dt.UTC))


def test_the_servers_certificate_stands_for_its_address_and_names(authority: pki.Authority) -> None:
    certificate = load(authority.server(["127.0.0.1"]).certificate)
    for name in (
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.DNSName("localhost"),
        x509.DNSName("kubernetes.default.svc"),
    ):
        assert verifier(authority).build_server_verifier(name).verify(certificate, [])
    stranger = x509.IPAddress(ipaddress.ip_address("192.0.2.1"))
    with pytest.raises(verification.VerificationError):
        verifier(authority).build_server_verifier(stranger).verify(certificate, [])


def test_a_certificate_of_another_authority_is_not_trusted(authority: pki.Authority) -> None:
    other = pki.Authority().server(["127.0.0.1"])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    with pytest.raises(verification.VerificationError):
        verifier(authority).build_server_verifier(address).verify(load(other.certificate), [])


@pytest.mark.parametrize("identity", [pki.ADMIN, pki.CONTROLLER_MANAGER, pki.SCHEDULER, pki.KWOK])
def test_a_clients_certificate_names_its_user_and_groups_and_can_serve_nothing(
    authority: pki.Authority, identity: pki.Identity
) -> None:
    certificate = load(authority.client(identity).certificate)
    certificate.verify_directly_issued_by(load(authority.certificate))
    assert [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [identity.user]
    groups = [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    assert tuple(groups) == identity.groups
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_only_the_administrator_is_in_the_group_that_may_do_anything() -> None:
    masters = [i for i in (pki.ADMIN, pki.CONTROLLER_MANAGER, pki.SCHEDULER, pki.KWOK) if "system:masters" in i.groups]
    assert masters == [pki.ADMIN]


def test_certificates_are_valid_from_a_clock_that_is_a_little_slow_and_not_for_years() -> None:
    now = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.UTC)
    authority = pki.Authority(now=now)
    for pem in (authority.certificate, authority.client(pki.ADMIN).certificate):
        certificate = load(pem)
        assert certificate.not_valid_before_utc < now
        assert certificate.not_valid_after_utc == now + dt.timedelta(days=30)


def test_each_key_is_that_of_its_certificate(authority: pki.Authority) -> None:
    pair = authority.client(pki.ADMIN)
    key = serialization.load_pem_private_key(pair.key, None)
    assert key.public_key() == load(pair.certificate).public_key()
    private, public = pki.token_keys()
    assert serialization.load_pem_private_key(private, None).public_key() == serialization.load_pem_public_key(public)


def test_a_secret_is_its_owners_only_and_replaces_nothing(tmp_path: Path) -> None:
    path = pki.write_private(tmp_path / "key", b"secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        pki.write_private(path, b"other")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(FileExistsError):
        pki.write_private(tmp_path / "link", b"secret")
    assert not (tmp_path / "target").exists()
