"""The pure PKI: issue, read, inspect and judge certificates. No file, no clock, no network.

Rule: `now` is an argument everywhere, keys are never written anywhere, and nothing of the webhook is imported.
Strategy: four nouns. A CertificateAuthority issues a ServingCertificate, a Bundle is what the other side trusts, and
      Unreadable says what is wrong with bytes that are neither. Judgements are functions over them: `problems` gives
      sentences for a person, `renewal` gives the cause for a machine.
"""

from certs.authority import CertificateAuthority, Lifetimes
from certs.bundle import Bundle
from certs.inspect import Facts, inspect, problems
from certs.renewal import Cause, renewal
from certs.serving import ServingCertificate, Unreadable

__all__ = [
    "Bundle",
    "Cause",
    "CertificateAuthority",
    "Facts",
    "Lifetimes",
    "ServingCertificate",
    "Unreadable",
    "inspect",
    "problems",
    "renewal",
]
