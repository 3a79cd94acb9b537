"""What the settings take and refuse about TLS: nothing may weaken it, and every file must hold what it should."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shared.domain.errors import BadInputError
from shared.service.settings import Settings
from tests.tunnel import Authority

AMQPS = {"AMQP_URI": "amqps://guest@mq.example//"}
MONGODB = {"MONGODB_URI": "mongodb://db.example/?tls=true"}
REFUSED = [
    ({"AMQP_CA_FILE": "ca"}, "AMQP_CA_FILE is set, but AMQP_URI does not turn TLS on: it must begin with amqps://"),
    ({"MONGODB_URI": "mongodb://db", "MONGODB_CERTIFICATE_FILE": "own"}, "MONGODB_CERTIFICATE_FILE is set, .* tls=true"),
    ({**AMQPS, "AMQP_CA_FILE": "nothing"}, "AMQP_CA_FILE nothing cannot be read: No such file"),
    ({**AMQPS, "AMQP_CA_FILE": "/"}, "AMQP_CA_FILE / cannot be read: Is a directory"),
    ({**AMQPS, "AMQP_CA_FILE": "text"}, "AMQP_CA_FILE text does not hold a certificate in PEM form"),
    ({**AMQPS, "AMQP_CA_FILE": "empty"}, "AMQP_CA_FILE empty does not hold a certificate in PEM form"),
    ({**AMQPS, "AMQP_CERTIFICATE_FILE": "ca"}, "AMQP_CERTIFICATE_FILE ca does not hold a certificate and its private key"),
    ({**AMQPS, "AMQP_CERTIFICATE_FILE": "locked"}, "AMQP_CERTIFICATE_FILE locked does not hold .* no pass phrase"),
    ({**MONGODB, "MONGODB_CA_FILE": "text"}, "MONGODB_CA_FILE text does not hold a certificate in PEM form"),
    ({"AMQP_URI": "amqps://a//;amqps://b//"}, "AMQP_URI may name one address only"),
    ({"AMQP_URI": "amqps://a//?ssl_cert_reqs=none"}, "AMQP_URI may not hold the option ssl_cert_reqs"),
    ({"AMQP_URI": "amqps://a//?ssl_check_hostname=false"}, "AMQP_URI may not hold the option ssl_check_hostname"),
    ({"MONGODB_URI": "mongodb://db/?tls=maybe"}, "tls in MONGODB_URI must be true or false, not 'maybe'"),
    *(
        ({"MONGODB_URI": f"mongodb://a,b/?replicaSet=rs0&tls=true&{option}=true"}, f"the option {option.lower()}:")
        for option in ("tlsInsecure", "tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames", "tlsCAFile")
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), REFUSED)
def test_settings_that_are_wrong_or_would_weaken_tls(
    given: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    authority = Authority(tmp_path)
    own = authority.issue("own").read_bytes()
    Path("ca").write_bytes(authority.file.read_bytes())
    Path("own").write_bytes(own)
    Path("text").write_text("not a certificate")
    Path("empty").touch()
    locked = ["openssl", "pkey", "-in", "own", "-aes256", "-passout", "pass:secret"]
    Path("locked").write_bytes(own[: own.index(b"-----BEGIN PRIV")] + subprocess.check_output(locked))
    with pytest.raises(BadInputError, match=said):
        Settings.read(given)


def test_settings_without_and_with_tls() -> None:
    plain = Settings.read({"AMQP_URI": "amqp://mq//", "MONGODB_URI": "mongodb://db/?tls=false"})
    assert (plain.amqp_tls, plain.mongodb_tls) == (None, None)
    both = Settings.read({**AMQPS, "MONGODB_URI": "mongodb+srv://db.example"})
    assert both.amqp_tls is not None and both.mongodb_tls is not None
    assert both.amqp_tls.ca_file == "", "the system's authorities"
