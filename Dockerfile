# The service in a container: no shell is needed in it, nothing in it is written to, its user is a number.
# Pin the base by digest for a release: --build-arg BASE=python:3.11-slim@sha256:...
# A package index of one's own: --secret id=pip,src=pip.conf; its CA: --secret id=ca,src=ca.pem (cert = /run/secrets/ca).
ARG BASE=python:3.11-slim

FROM ${BASE} AS dependencies
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
COPY requirements.lock requirements-dev.lock ./
# Two environments: the tools that install, and what is installed, which therefore has no pip in it. The tools are
# hatchling and what it needs, taken from the developers' lock file; pip itself says if one is missing.
# Byte code that is never checked against its source: no file times matter, and no start has to compile.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca,target=/run/secrets/ca \
    python3 -m venv /tools \
 && python3 -m venv --without-pip /opt/podmeta \
 && rm -f /opt/podmeta/bin/activate* /opt/podmeta/bin/Activate.ps1 \
 && awk '/^[a-z]/ {keep = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/} keep' requirements-dev.lock > tools.lock \
 && /tools/bin/pip install --require-hashes --requirement tools.lock \
 && /tools/bin/pip --python /opt/podmeta/bin/python install --no-compile --only-binary :all: --require-hashes --requirement requirements.lock \
 && /opt/podmeta/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/podmeta/lib

FROM dependencies AS build
COPY pyproject.toml README.md LICENSE ./
COPY certs certs
COPY webhook webhook
RUN /tools/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /wheels . \
 && /tools/bin/pip --python /opt/podmeta/bin/python install --no-compile --no-index --no-deps --prefix /app /wheels/*.whl \
 && /opt/podmeta/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /app/lib

FROM ${BASE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="podmeta" \
      org.opencontainers.image.description="One annotation gives a pod its own metadata and the Kubernetes API on localhost." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# What could install software in it: the pip that the base came with, and the wheels from which one could be made.
RUN rm -rf /usr/local/lib/python3*/site-packages /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
      /usr/lib/python3*/ensurepip /usr/share/python-wheels
# In two layers: a new version of podmeta whose dependencies are the same is a pull of one small layer.
COPY --from=dependencies /opt/podmeta /opt/podmeta
COPY --from=build /app /opt/podmeta
ENV PATH=/opt/podmeta/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /
USER 65532:65532
ENTRYPOINT ["podmeta"]
CMD ["serve"]
