"""Readiness by a real handshake: we dial ourselves as the API server does.

Rule: ready means that a TLS client which trusts exactly the caBundle gets through to us under the name that it dials.
"""

import asyncio
import ssl
from collections.abc import Sequence

PATIENCE = 5.0  # seconds


async def handshake(port: int, ca_pem: bytes, names: Sequence[str]) -> list[str]:
    """Why the handshake fails, [] where it does not. No names: the certificate's own are not compared."""
    try:
        context = ssl.create_default_context(cadata=ca_pem.decode())
    except (ssl.SSLError, ValueError) as error:
        return [f"the caBundle that the API server was given cannot be used: {error}"]
    context.check_hostname = bool(names)
    name = names[0] if names else ""
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection("localhost", port, ssl=context, server_hostname=name)
    except TimeoutError:
        return [f"a handshake as the API server makes it gets no answer for {PATIENCE} s"]
    except OSError as error:
        return [f"a handshake as the API server makes it fails: {error}"]
    writer.close()
    return []
