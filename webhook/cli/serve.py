"""podmeta serve: its flags are the settings, so the model reads them, not Typer, which is not even imported."""

import sys
from collections.abc import Sequence

from webhook.server.run import ALONE, USAGE, Cluster, Foresight, Keep, run
from webhook.server.settings import Settings, read_settings


def serve(arguments: Sequence[str]) -> int:
    """The service: answer the API server's reviews. The exit code."""
    settings = read_settings(arguments)
    if isinstance(settings, list):
        sys.stderr.writelines(f"podmeta serve: {sentence}\n" for sentence in settings)
        return USAGE
    return run(settings, Cluster(_keep(settings), _foresight(settings)))


def _keep(settings: Settings) -> Keep | None:
    """Who looks after the certificates in the cluster; nobody, unless a webhook configuration is named."""
    if not settings.webhook_configuration:
        return None
    # The client for the API server is slow to import, and most ways to run this need none; cryptography likewise.
    from certs import Lifetimes  # noqa: PLC0415
    from certs.rotation import Wanted  # noqa: PLC0415
    from webhook.cluster.certificates import announce, keep  # noqa: PLC0415
    from webhook.cluster.store import Places  # noqa: PLC0415

    places = Places(settings.namespace, settings.ca_secret, settings.webhook_configuration, settings.owner)
    file = settings.tls_ca_file
    if settings.certificates == "self-managed":
        wanted = Wanted(settings.service_names, Lifetimes(settings.ca_lifetime, settings.certificate_lifetime))
        return lambda offer, say: keep(places, wanted, offer, say)
    return (lambda _, say: announce(places, file, say)) if file else None


def _foresight(settings: Settings) -> Foresight:
    """Who asks about the rights of ServiceAccounts; nobody, unless the installer wants it."""
    if not settings.foresight:
        return ALONE.foresight
    from webhook.cluster.foresight import foresight  # noqa: PLC0415 - as above

    return foresight
