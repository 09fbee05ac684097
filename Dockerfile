# The service as a container image; docs/container.md shows how to use it.
FROM python:3.13-slim-trixie AS build
WORKDIR /build
RUN python3 -m venv /opt/todo
COPY pyproject.toml setup.py ./
COPY todo todo
RUN /opt/todo/bin/pip install --no-cache-dir .

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="todo" \
      org.opencontainers.image.description="A to-do list service over HTTP" \
      org.opencontainers.image.licenses="MIT"
# Kubernetes compares numbers only to see that the user is not root.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/todo
WORKDIR /srv/todo
COPY --from=build /opt/todo /opt/todo
# A clone made under umask 077 would be unreadable to the user below.
COPY --chmod=755 alembic alembic
COPY --chmod=644 production.ini ./
ENV PATH=/opt/todo/bin:$PATH
USER 10001:10001
EXPOSE 6543
STOPSIGNAL SIGTERM
# Not /readyz: a restart does not mend a database.
HEALTHCHECK --interval=30s --timeout=20s --start-period=30s --retries=3 \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:6543/healthz', timeout=15)"]
# Without a shell, which would keep the signal to itself.
CMD ["pserve", "production.ini", "host=0.0.0.0"]
